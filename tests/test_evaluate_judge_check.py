"""`evaluate judge-check`: judges of known error over real HTTP, whose error it must find."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chat_server import Body, ChatServer
from in2x.evaluate.judge_check import JudgeCheck, check_judge
from in2x.evaluate.planted import FAULTS, of_pairs, of_world, read_pairs
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.metrics.significance import Interval
from in2x.records import Pair
from in2x.sample.judge import reply
from in2x.sample.meaning import agreement_of

Row = tuple[str, list[str]]
"""An answer, and the words "yes", "no" and "n/a" about it."""
PLANTED = [
    planted
    for planted in of_world(1, 75)
    if agreement_of(planted.pair.source, planted.pair.src_lang, planted.pair.target, planted.pair.tgt_lang)
]
"""Those that the reference judge can read."""


@cache
def reference(question: str) -> dict[str, Any]:
    """What is right."""
    return reply([{"role": "user", "content": question}])


def chance(*what: object) -> float:
    """A number in [0, 1) that only `what` decides."""
    return int(hashlib.sha256(repr(what).encode()).hexdigest()[:8], 16) / 16**8


def server(judge: Callable[[list[Row], Body], list[Row]], port: int = 0) -> ChatServer:
    """A judge that is right, but for what `judge` makes of its verdicts, in the order of the answers."""

    def said(body: Body) -> str:
        question = body["messages"][0]["content"]
        found = reference(question)["verdicts"]
        texts = re.findall(r'<answer number="\d+">\n(.*?)\n</answer>', question, re.DOTALL)
        rows = judge([(text, row["kept"]) for text, row in zip(texts, found, strict=True)], body)
        return json.dumps({"verdicts": [{"answer": n, "kept": kept} for n, (_, kept) in enumerate(rows, 1)]})

    return ChatServer(said, port=port)


def check(at: ChatServer, cache: Cache | None = None) -> JudgeCheck:
    with at:
        return check_judge(Client(LlmConfig(base_url=at.url, model="j"), cache), PLANTED)


def holds(found: Interval | None, value: float, within: float = 1.0) -> bool:
    return found is not None and found.low <= value <= found.high and found.high - found.low < within


def test_a_judge_who_is_right_is_found_so() -> None:
    found = check(server(lambda rows, body: rows))
    assert set(found.faults) == set(FAULTS)
    assert all(fell.value == 1.0 for fell in found.faults.values())
    assert found.overall.agreement == 1.0 and found.overall.n > 200
    assert holds(found.position, 0) and holds(found.length, 0) and holds(found.consistency, 1)
    assert holds(found.unreadable, 0) and not found.why


def test_a_judge_who_is_wrong_one_time_in_five() -> None:
    other = {"yes": "no", "no": "yes"}

    def judge(rows: list[Row], body: Body) -> list[Row]:
        return [
            (text, [other.get(w, w) if chance(text, n) < 0.2 else w for n, w in enumerate(kept)]) for text, kept in rows
        ]

    found = check(server(judge))
    assert holds(found.overall.broken, 0.8, 0.15)
    everything = found.principles["原文の内容がすべて訳されている。"]
    assert holds(everything.kept, 0.8, 0.4) and holds(everything.broken, 0.8, 0.5)
    assert found.consistency == Interval(1.0, found.consistency.low, 1.0, found.consistency.n)


def test_a_judge_who_always_says_yes_agrees_by_half() -> None:
    found = check(server(lambda rows, body: [(text, ["yes"] * len(kept)) for text, kept in rows]))
    assert found.overall.agreement == 0.5
    assert all(fell.value == 0.0 for fell in found.faults.values())


def test_a_judge_who_prefers_the_first() -> None:
    """All of the first answer is kept, and in half of the groups nothing of any other."""

    def judge(rows: list[Row], body: Body) -> list[Row]:
        half = chance(sorted(text for text, _ in rows)) < 0.5
        return [(text, ["no" if n and half else "yes"] * len(kept)) for n, (text, kept) in enumerate(rows)]

    assert holds(check(server(judge)).position, 0.5, 0.3)


def test_a_judge_who_prefers_the_longer() -> None:
    def judge(rows: list[Row], body: Body) -> list[Row]:
        longest = max(len(text) for text, _ in rows)
        liked = chance(longest, sorted(text for text, _ in rows)) < 0.7
        return [(t, ["yes"] + ["yes" if len(t) == longest and liked else "no"] * (len(k) - 1)) for t, k in rows]

    assert holds(check(server(judge)).length, 0.7, 0.3)


def test_a_judge_who_rolls_dice() -> None:
    """Of two verdicts that are "yes" seven times in ten, 58% are alike."""

    def judge(rows: list[Row], body: Body) -> list[Row]:
        def words(text: str, count: int) -> list[str]:
            return ["yes" if chance(text, n, body["seed"]) < 0.7 else "no" for n in range(count)]

        return [(text, words(text, len(kept))) for text, kept in rows]

    assert holds(check(server(judge)).consistency, 0.58, 0.1)


def test_a_judge_who_talks_is_counted_and_no_figure_is_made_of_it() -> None:
    def said(body: Body) -> str:
        text = body["messages"][0]["content"]
        return "They are all fine." if chance(text) < 0.25 else json.dumps(reference(text))

    found = check(ChatServer(said))
    assert found.unreadable is not None and 0.15 < found.unreadable.value < 0.35
    assert sum(found.why.values()) == round(found.unreadable.value * found.unreadable.n)
    assert found.overall.agreement == 1.0 and all(fell.value == 1.0 for fell in found.faults.values())


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    with Cache(tmp_path / "cache") as cache:
        one = check(first := server(lambda rows, body: rows), cache)
        address = first.url.split("/")[2]
        other = check(second := server(lambda rows, body: rows, int(address.split(":")[1])), cache)
    assert one == other and len(first.asked) == 3 * len(PLANTED) and second.asked == []


MINE = [
    {"en": "If Mr. Ito calls, tell him that I am out.", "ja": "伊藤さんから電話があったら、留守だと伝えてください。",
     "register": "polite", "checks": {"names": {"Ito": "伊藤"}}},
    {"en": "If Mr. Ito calls, tell him that I am out.", "ja": "伊藤から電話があったら、留守だと伝えてくれ。",
     "register": "casual", "checks": {"names": {"Ito": "伊藤"}}},
    {"en": "Mori spilled the beans.", "ja": "森が秘密をばらした。", "register": "plain",
     "checks": {"names": {"Mori": "森"}, "natural": ["秘密をばら"], "traps": ["豆をこぼ"]}},
    {"en": "Go.", "ja": "行け。"},
]  # fmt: skip


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    file = folder / "mine.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def test_faults_in_ones_own_pairs(tmp_path: Path) -> None:
    planted = list(of_pairs(read_pairs(written(tmp_path, MINE), "en", "ja"), 0, 10))
    by_target = {p.pair.target: dict(p.faults) for p in planted}
    polite, casual, plain = (row["ja"] for row in MINE[:3])
    assert set(by_target) == {polite, casual, plain}
    assert by_target[polite]["register broken"] == casual and by_target[casual]["register broken"] == polite
    assert by_target[polite]["clause dropped"] in ("伊藤さんから電話があったら。", "留守だと伝えてください。")
    assert by_target[polite]["name changed"] == polite.replace("伊藤", "森")
    assert by_target[plain] == {"name changed": "伊藤が秘密をばらした。", "literal idiom": "森が豆をこぼした。"}


@pytest.mark.parametrize(
    ("target", "shorter"),
    [
        ("It cost 3.50 dollars, she said.", {"It cost 3.50 dollars.", "she said."}),
        ("我来了，他走了。", {"我来了。", "他走了。"}),
        ("Nothing here to drop.", set()),
    ],
)
def test_a_clause_is_dropped_between_marks(target: str, shorter: set[str]) -> None:
    pair = Pair("x", "de", "zh" if "我" in target else "en", "Quelle", target)
    made = {p.faults["clause dropped"] for seed in range(9) for p in of_pairs([pair], seed, 1)}
    assert made == shorter


def test_the_command_and_its_file(tmp_path: Path, in2x: Callable[..., tuple[int, str, str]]) -> None:
    pairs, out = written(tmp_path, MINE), tmp_path / "check.json"
    with server(lambda rows, body: [(text, ["yes"] * len(kept)) for text, kept in rows]) as yes:
        asked = ("evaluate", "judge-check", "--judge", f"{yes.url}#thinker", "--pairs", pairs)
        code, printed, _ = in2x(*asked, "--from", "en", "--to", "ja", "--json", "-o", out)
        assert code == 0
        assert in2x(*asked)[0] == 2  # no languages
        assert in2x("evaluate", "judge-check", "--judge", f"{yes.url}#thinker", "--count", "3")[0] == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found == json.loads(printed)
    assert set(found) == {"judge", "principles", "overall", "faults", "bias"}
    assert found["overall"]["agreement"] == 0.5 and found["judge"]["name"] == "thinker"
    assert all(row["agreement"] == 0.5 and row["n"] >= 2 for row in found["principles"].values())
    assert "原文の内容がすべて訳されている。" in found["principles"]


def test_pairs_that_hold_no_fault_are_a_sentence(tmp_path: Path, in2x: Callable[..., tuple[int, str, str]]) -> None:
    pairs = written(tmp_path, MINE[3:])
    code, _, err = in2x("evaluate", "judge-check", "--judge", "x", "--pairs", pairs, "--from", "en", "--to", "ja")
    assert code == 2 and "no fault can be planted" in err
    code, _, err = in2x("evaluate", "judge-check", "--judge", "x", "--pairs", pairs, "--from", "en", "--to", "de")
    assert code == 1 and "'de'" in err and "mine.jsonl" in err
