"""The express suite: its items keep their promises, shares have the right intervals, bad files are named."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from in2x.errors import In2xError
from in2x.evaluate.express import page
from in2x.evaluate.express.__main__ import item_faults, statistics, validate
from in2x.evaluate.express.answers import read_answers
from in2x.evaluate.express.baselines import BASELINES, shuffle
from in2x.evaluate.express.checks import check_answer, passes
from in2x.evaluate.express.item import Item, parse_item, read_items, suite
from in2x.evaluate.express.judged import judge
from in2x.evaluate.express.meaning import says
from in2x.evaluate.express.score import mean_share, score, wilson
from in2x.evaluate.express.translate import by_line, translate
from in2x.llm.limits import Usage
from in2x.llm.request import Advance, Answer, Request

WANTED = {"idiom": 150, "slang": 100, "register": 120, "voice": 40, "address": 40, "onomatopoeia": 40, "culture": 40,
          "names": 40, "wordplay": 30, "integrity": 40}  # fmt: skip
ROW = {
    "id": "names-001", "phenomenon": "names", "from": "en", "source": "<b>Elena</b> ran.\n\nElena fell.",
    "context": "c", "register": None,
    "natural": ["<b>エレナ</b>は走った。\n\nエレナは転んだ。", "<b>エレナ</b>が走った。\n\nエレナが転んだ。"],
    "traps": ["<b>エレナ</b>は走った。\n\nヘレナは転んだ。"],
    "meaning": [{"any": ["走る", "歩く"]}, {"any": ["/転/", "/投げ/", "落ちる", "倒れ"]}],
    "checks": [{"kind": "consistent", "variants": [["エレナ", "ヘレナ"]]}, {"kind": "all", "phrases": ["<b>"]},
               {"kind": "order", "phrases": ["<b>", "</b>"]}, {"kind": "count", "phrase": "</b>", "is": 1},
               {"kind": "lines"}, {"kind": "max_chars", "is": 60}, {"kind": "register", "accept": ["plain"]},
               {"kind": "none", "phrases": ["匙を投げる", "/彼女|彼/"]}, {"kind": "any", "phrases": ["走った"]}],
    "principles": ["One spelling.", "Tags kept."], "note": "n",
}  # fmt: skip


def item() -> Item:
    return parse_item(ROW, file="f", line=1)


class Script:
    """An asker that answers by a list, over and over."""

    name = "script"

    def __init__(self, *replies: str | None) -> None:
        self.replies, self.asked, self.usage = replies, list[Request](), Usage()

    def ask_all(self, requests: Iterable[Request], advance: Advance | None = None) -> Iterator[Answer]:
        for request in requests:
            self.asked.append(request)
            text = self.replies[(len(self.asked) - 1) % len(self.replies)]
            yield Answer(error="timed out") if text is None else Answer(text)


@pytest.mark.parametrize("one", suite(), ids=lambda one: one.id)
def test_every_good_rendering_passes_and_every_trap_fails(one: Item) -> None:
    assert item_faults(one) == []


def test_the_suite_is_as_large_as_promised_and_nothing_comes_twice() -> None:
    counts = Counter(one.phenomenon for one in suite())
    assert not {name: (counts[name], n) for name, n in WANTED.items() if counts[name] < n}
    assert validate(suite()) == []


def test_the_readme_has_the_statistics() -> None:
    import in2x.evaluate.express.item as room

    readme = Path(room.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert statistics(suite()) in readme, "paste what python -m in2x.evaluate.express --table prints"


@pytest.mark.parametrize("name", ["copy", "literal"])
def test_copying_and_word_for_word_pass_nothing(name: str) -> None:
    assert score(name, suite(), BASELINES[name](suite())).micro.value == 0


def test_good_answers_to_another_question_fail() -> None:
    """Over several shuffles, in every phenomenon: the checks of form are guarded by one of meaning."""
    results = [score("shuffle", suite(), shuffle(suite(), by)) for by in (1, 3, 7)]
    for name in results[0].phenomena:
        assert sum(result.phenomena[name].value for result in results) / len(results) <= 0.06, name


ANSWERS = Path(__file__).with_name("express_answers")


@pytest.mark.parametrize(("file", "good", "wrong"), [("shown", 0.98, 0.98), ("unseen", 0.95, 0.9)])
def test_meaning_by_answers_of_writers_who_saw_no_check(file: str, good: float, wrong: float) -> None:
    """Good answers in other words pass, fluent ones of another meaning fail; the editors of items saw "shown"."""
    items = {one.id: one for one in suite()}
    rows = [json.loads(line) for line in (ANSWERS / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 300
    kept = [passes(check_answer(items[row["id"]], row["good"])) for row in rows]
    let_through = [passes(check_answer(items[row["id"]], row["wrong"])) for row in rows]
    assert sum(kept) >= good * len(rows)
    assert sum(let_through) <= (1 - wrong) * len(rows)


@pytest.mark.parametrize(
    "text",
    [
        "恐れ入りますが、少々お待ちくださいませ。申し訳ございません。何とぞよろしくお願いいたします。",
        "承知いたしました。すぐに確認して、折り返しご連絡差し上げます。",
        "マジでヤバいって、それ。",
        "そうですね、本当にありがとうございます。またよろしくお願いします。",
    ],
)
def test_one_sentence_for_everything_passes_next_to_nothing(text: str) -> None:
    assert score("constant", suite(), [text] * len(suite())).micro.value <= 0.01


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("父が妹に鍵を渡した。", True), ("父さんは妹に鍵を手渡してくれた。", True), ("妹が父に鍵を渡した。", False),
        ("父が妹に鍵を渡さなかった。", False), ("父が妹に傘を渡した。", False), ("ありがとうございます。", False),
    ],
)  # fmt: skip
def test_parts_of_meaning(answer: str, kept: bool) -> None:
    parts = [{"any": ["/父[^がは]*[がは]/"]}, {"any": ["鍵", "カギ"]}, {"any": ["渡す", "手渡す"], "denied": False}]
    one = parse_item(ROW | {"meaning": parts}, file="f", line=1)
    assert (says(one, answer).kept is True) is kept


GOOD = ROW["natural"][0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("", "empty"), (str(ROW["source"]), "language"), (GOOD.replace("<b>", ""), "all"),
        (GOOD.replace("\n\n", "\n"), "lines"), (GOOD.replace("エレナは転", "ヘレナは転"), "consistent"),
        ("</b>エレナ<b>は走った。\n\nエレナは転んだ。", "order"), (GOOD + "</b>", "count"),
        (GOOD + "彼女は立たない。" * 5, "max_chars"),
        (GOOD.replace("走った", "歩いた"), "any"), (GOOD.replace("転んだ", "匙を投げた"), "none"),
        ("<b>エレナ</b>は走ったんです。\n\nエレナは転びました。", "register"), (GOOD + "（訳注：転倒した）", "note"),
        (GOOD.replace("走った", "走った then"), "residue"), (GOOD + "エレナは転んだのだった。" * 9, "length"),
    ],
)  # fmt: skip
def test_each_fault_is_found(answer: str, kind: str) -> None:
    assert passes(check_answer(item(), GOOD))
    assert kind in {kind for kind, verdict in check_answer(item(), answer) if not verdict.kept}


def test_wilson_and_the_mean_against_hand_computed_values() -> None:
    # Newcombe 1998, table I: 81 of 263 gives .2553 to .3662, 15 of 148 .0624 to .1605, 0 of 20 0 to .1611
    for passed, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)]:
        found = wilson(passed, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    both = mean_share([wilson(0, 20), wilson(81, 263)])
    assert both.value == pytest.approx(81 / 526)
    assert both.high - both.value == pytest.approx((0.1611**2 + (0.3662 - 81 / 263) ** 2) ** 0.5 / 2, abs=1e-4)


def test_a_failing_judge_is_counted_and_never_zero() -> None:
    asker = Script('{"kept": ["yes", "n/a"]}', None, None, None)
    judgements = judge([item(), item()], [GOOD, GOOD], asker, tries=2)
    found = score("s", [item(), item()], [GOOD, GOOD], judgements)
    assert found.judge is not None and found.judge.share is not None
    assert (found.judge.share.value, found.judge.applicable, found.judge.failed, len(asker.asked)) == (1.0, 1, 1, 2)
    assert [v.kept for v in judge([item()], [" "], Script(None))[0].verdicts] == [False, False], "an empty answer"
    with pytest.raises(In2xError, match="no usable answer"):
        judge([item()], [GOOD], Script("fine"))


def test_lines_go_through_one_by_one_and_come_back_whole() -> None:
    class Upper:
        def translate(self, sources, request, done=None):  # type: ignore[no-untyped-def]
            assert (request.source_lang, request.target_lang, len(request.register)) == ("en", "ja", 3)
            return [text.upper() for text in sources]

    assert by_line([item()], Upper()) == ["<B>ELENA</B> RAN.\n\nELENA FELL."]  # type: ignore[arg-type]


def test_a_model_folder_answers_every_item(tiny_model: Path) -> None:
    items = [next(one for one in suite() if one.source_lang == lang) for lang in ("en", "zh")]
    answers = translate([*items, item()], str(tiny_model))
    assert len(answers) == 3 and answers[2].split("\n")[1] == ""


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"id": "names-001"}'], "line 1: there is no text for 'hypothesis'"),
        (['{"id": "names-001", "hypothesis": "あ"}'] * 2, "line 2: the item names-001 was answered on line 1 already"),
        (['{"id": "nomen-1", "hypothesis": "あ"}'], "line 1: there is no item 'nomen-1'"),
        (['{"id": "names-001", "hypothesis": " "}'], "line 1: the answer to names-001 is empty"),
        ([], "there is no answer to names-001"), (["{"], "line 1: not JSON"),
    ],
)  # fmt: skip
def test_bad_answers_are_named(tmp_path: Path, lines: list[str], message: str) -> None:
    file = tmp_path / "hyp.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(In2xError) as error:
        read_answers(file, [item()])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"natural": ["一つ"]}, "natural"), ({"surplus": 1}, "surplus"), ({"id": "idiom-001"}, "does not begin with"),
        ({"checks": [{"kind": "none", "phrases": ["/(/"]}]}, "not a regular expression"),
    ],
)  # fmt: skip
def test_bad_items_are_named_with_file_and_line(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("\n" + json.dumps({**ROW, **change}), encoding="utf-8")
    with pytest.raises(In2xError) as error:
        read_items(file)
    assert "items.jsonl, line 2" in str(error.value) and message in str(error.value)


def test_the_page_is_escaped() -> None:
    html = page.render([score("<script>alert(1)</script>", [item()], ["<img src=x onerror=alert(2)>エレナは走った。"])])
    assert "<script>alert(1)" not in html and "<img" not in html
    assert "&lt;img src=x" in html
    assert "http://" not in html.replace("http://www.w3.org", "") and 'name="viewport"' in html


def test_command(in2x, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = in2x("evaluate", "express", "--phenomenon", "idiom", "--export", tmp_path / "s.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text(encoding="utf-8").splitlines()]
    assert code == 0 and set(rows[0]) == {"id", "from", "to", "source", "context", "register"}
    good = {one.id: one.natural[0] for one in suite()}
    hyp = tmp_path / "h.jsonl"
    hyp.write_text("\n".join(json.dumps({"id": r["id"], "hypothesis": good[r["id"]]}) for r in rows), encoding="utf-8")
    code, out, _ = in2x("evaluate", "express", "--phenomenon", "idiom", "--hyp", hyp, "--baseline", "literal", "--json",
                        "-o", tmp_path / "p.html")  # fmt: skip
    shares = {s["system"]: s["micro"]["share"] for s in json.loads(out)["systems"]}
    assert code == 0 and shares == {"literal": 0.0, str(hyp): 1.0} and (tmp_path / "p.html").exists()
    assert in2x("evaluate", "express")[0] == 2
    assert in2x("evaluate", "express", "--baseline", "x")[0] == 2
    assert in2x("evaluate", "express", "--phenomenon", "x", "--baseline", "copy")[0] == 2
