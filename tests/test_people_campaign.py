"""From outputs to a campaign: what is chosen, who gets it, what is planted, and what cannot be is a sentence."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.cli import main
from in2x.errors import In2xError, UsageError
from in2x.evaluate.outputs import Output
from in2x.people.assignment import Load, assign, further
from in2x.people.campaign import Built, build
from in2x.people.config import CampaignConfig, library
from in2x.people.controls import degrade
from in2x.people.material import REFERENCE, Document, Segment, with_consensus
from in2x.people.model import CANNOT_TELL, CONTROLS
from in2x.people.practice import feedback
from in2x.people.roster import Roster
from in2x.people.sampling import difference, likeness, ordered
from in2x.people.store import Store
from in2x.recipe import load_config
from in2x.records import write_records

ROOT = Path(__file__).parents[1]


class Bar:
    """No progress bar."""

    def __call__(self, what: str, total: int) -> Bar:
        return self

    def __enter__(self) -> Any:
        return lambda count: None

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Twelve documents of three lines, three systems, references."""
    rng = random.Random(5)
    words = ["猫", "犬", "海", "山", "川", "空", "雨", "雪", "花", "鳥", "風", "月", "人", "町", "道"]
    sources, lines = [], {name: [] for name in ("reference", "good", "bad", "odd")}
    for document in range(12):
        for line in range(3):
            text = [rng.choice(words) for _ in range(12)]
            sources.append(f"Source {document} {line}.")
            lines["reference"].append("".join(text) + "。")
            lines["good"].append("".join(text[:10]) + "だ。")
            lines["bad"].append("".join(rng.choice(words) for _ in range(9)) + "。")
            lines["odd"].append("".join(text[:5]) + "かもしれない。")
        sources.append("")
        for texts in lines.values():
            texts.append("")
    (tmp_path / "source.txt").write_text("\n".join(sources), encoding="utf-8")
    for name, texts in lines.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return tmp_path


def config(files: Path, **more: Any) -> CampaignConfig:
    texts = {"source": files / "source.txt", "references": files / "reference.txt",
             "systems": {name: files / f"{name}.txt" for name in ("good", "bad", "odd")}}  # fmt: skip
    given = {"name": "c", "source_lang": "en", "target_lang": "ja", "texts": texts, **more}
    return CampaignConfig.model_validate(given)


def made(files: Path, **more: Any) -> Built:
    return build(config(files, **more), Bar())


def test_the_demo_recipe_makes_a_campaign_that_can_be_judged(tmp_path: Path, capsys) -> None:
    store = tmp_path / "people.db"
    command = ["people", "campaign", str(ROOT / "recipes/people-demo.yaml"), "--store", str(store)]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["links"]) == 3 and told["admin_token"] and told["twice"] >= 0.2
    with Store.open(store) as opened:
        campaign = opened.campaign("people-demo")
        assert {q.name for q in campaign.protocol.questions} == {"native", "idiom", "slang", "register"}
        practice = [screen for screen in campaign.screens if screen.practice]
        assert len(practice) == 2 and practice[0].items[0].known[0].spans[0][2] == "target"
        assert all(person.screens[0] == practice[0].id for person in Roster(opened).people("people-demo"))
        systems = {c.system for s in campaign.screens for i in s.items for c in i.candidates if not s.practice}
        assert systems == {"reference", "literal", "shuffle", "copy"}
    assert main(command) == 2 and "already" in capsys.readouterr().err
    assert main([*command, "--set", "name=again", "--set", "assignment.annotators=1"]) == 0
    assert capsys.readouterr().out.startswith("p01\t/a/")
    assert main(["people", "invite", "p02", "--store", str(store), "--campaign", "people-demo", "--days", "3"]) == 0
    assert capsys.readouterr().out.startswith("/a/")


def test_documents_stay_whole_and_every_system_is_there(files: Path) -> None:
    built = made(files, controls={"degraded": 0, "repeats": 0})
    by_system: dict[str, Counter[str]] = {}
    for screen in built.campaign.screens:
        assert len(screen.items) == 3 and len({item.segment for item in screen.items}) == 3
        (system,) = {c.system for item in screen.items for c in item.candidates}
        by_system.setdefault(system, Counter())[screen.document] += 1
    assert set(by_system) == {"reference", "good", "bad", "odd"}
    assert all(set(counts.values()) == {1} and len(counts) == 12 for counts in by_system.values())
    candidates = [c for i in built.campaign.items().values() for c in i.candidates]
    assert {c.role for c in candidates if c.system == "reference"} == {"reference"}
    without = made(files, references=False)
    assert "reference" not in {c.system for i in without.campaign.items().values() for c in i.candidates}


def test_the_same_recipe_gives_the_same_campaign(files: Path) -> None:
    assert made(files) == made(files) != made(files, seed=1)


def test_ids_say_nothing_of_systems(files: Path) -> None:
    built = made(files)
    ids = [(c.id, c.system) for i in built.campaign.items().values() for c in i.candidates]
    assert len({id for id, _ in ids}) == len(ids)
    order = [system for _, system in sorted(ids)]
    runs = sum(a != b for a, b in pairwise(order))
    assert runs > len(order) / 2  # sorted by id, systems stand in no blocks


def test_candidates_side_by_side(files: Path) -> None:
    built = made(files, protocol={"rank": True, "candidates": 2}, controls={"degraded": 0.1, "repeats": 0})
    real = [s for s in built.campaign.screens if all(i.repeats is None for i in s.items)]
    assert all(len({c.system for c in i.candidates}) == 2 for s in real for i in s.items)
    pairs = Counter(frozenset(c.system for c in s.items[0].candidates) for s in real)
    assert len(pairs) == 6 and sum(pairs.values()) == 24  # all pairs of four systems meet
    spoilt = [c for i in built.campaign.items().values() if i.repeats for c in i.candidates if c.role == "degraded"]
    assert spoilt and all(i.role_of(c) in ("repeat", "degraded")
                          for i in built.campaign.items().values() if i.repeats for c in i.candidates)  # fmt: skip
    three = made(files, protocol={"rank": True, "candidates": 3}, controls={"degraded": 0, "repeats": 0})
    assert all(len({c.system for c in i.candidates}) == 3 for i in three.campaign.items().values())
    with pytest.raises(UsageError, match="5 candidates"):
        made(files, protocol={"rank": True, "candidates": 5})


def test_controls_are_planted_for_each_person_behind_the_original(files: Path) -> None:
    shares = {"degraded": 0.08, "wrong_document": 0.05, "source_copy": 0.05, "repeats": 0.08}
    built = made(files, controls=shares)
    items, screens = built.campaign.items(), {s.id: s for s in built.campaign.screens}
    of_screen = {item.id: screen.id for screen in built.campaign.screens for item in screen.items}
    for mine in built.assignments.values():
        own = [item for name in mine for item in screens[name].items]
        plain = [item for item in own if item.repeats is None]
        roles = Counter(item.role_of(item.candidates[0]) for item in own if item.repeats is not None)
        for role, share in [("degraded", 0.08), ("wrong-document", 0.05), ("source-copy", 0.05), ("repeat", 0.08)]:
            assert roles[role] == max(1, round(share * len(plain))), role
        for item in own:
            if item.repeats is None:
                continue
            original, candidate = items[item.repeats], item.candidates[0]
            assert mine.index(of_screen[item.id]) > mine.index(of_screen[item.repeats])
            assert candidate.system == original.candidates[0].system and item.source == original.source
            same = candidate.text == original.candidates[0].text
            assert same == (candidate.role not in CONTROLS)
            if candidate.role == "source-copy":
                assert candidate.text == item.source
    assert not any(set(a) & set(b) & {s.id for s in screens.values() if s.items[0].repeats}
                   for p, a in built.assignments.items() for q, b in built.assignments.items() if p < q)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.integers(2, 30), st.integers(2, 5), st.floats(0.2, 1.0), st.integers(0, 99))
def test_everybody_has_the_same_load_of_every_system(
    people: int, documents: int, systems: int, twice: float, seed: int
) -> None:
    rng = random.Random(seed)
    sizes = [rng.randint(1, 8) for _ in range(documents)]
    loads = [
        Load(f"{d}/{s}", str(d), (str(s),), size, 20.0 * size) for d, size in enumerate(sizes) for s in range(systems)
    ]
    given = assign(loads, [f"p{n}" for n in range(people)], 1, twice, seed)
    seen = Counter(screen for mine in given.values() for screen in mine)
    assert set(seen) == {load.screen for load in loads} and max(seen.values()) <= 2
    assert all(len(set(mine)) == len(mine) for mine in given.values())
    by = {load.screen: load for load in loads}
    total = sum(load.segments for load in loads)
    again = sum(by[screen].segments for screen, count in seen.items() if count == 2)
    assert twice * total - 1e-6 <= again <= twice * total + 8
    times = [sum(by[screen].seconds for screen in mine) for mine in given.values()]
    assert max(times) - min(times) <= 3 * 160  # three of the longest screens
    for system in range(systems):
        counts = [sum(by[screen].systems == (str(system),) for screen in mine) for mine in given.values()]
        assert max(counts) - min(counts) <= 3 + len(loads) / people / 4


def test_two_judgements_of_everything_and_too_few_people(files: Path) -> None:
    built = made(files, assignment={"annotators": 4, "judgements": 2}, controls={"degraded": 0, "repeats": 0})
    assert set(Counter(s for mine in built.assignments.values() for s in mine).values()) == {2} and built.twice == 1
    with pytest.raises(UsageError, match="as many people"):
        made(files, assignment={"annotators": 2, "judgements": 3})


def test_what_two_people_judge_stands_early(files: Path) -> None:
    mine = made(files, controls={"degraded": 0, "repeats": 0}).assignments
    seen = Counter(screen for screens in mine.values() for screen in screens)
    early = [screens.index(s) < 0.6 * len(screens) for screens in mine.values() for s in screens if seen[s] == 2]
    assert len(early) >= 20 and sum(early) > 0.9 * len(early)


def test_a_new_annotator_gets_what_fewest_have(files: Path, tmp_path: Path) -> None:
    built = made(files)
    with Store.open(tmp_path / "a.db", create=True) as store:
        store.add_campaign(built.campaign, built.assignments)
        people = Roster(store).people("c")
        screens = further(built.campaign, people, 6)
    had = Counter(s for mine in built.assignments.values() for s in mine)
    assert len(screens) == 6 and max(had[s] for s in screens) == 1


def test_the_time_that_people_have_is_kept(files: Path) -> None:
    built = made(files, assignment={"annotators": 3, "budget_minutes": 2})
    assert 0 < len(built.campaign.screens) < 48 and built.campaign.budget_seconds == 120
    assert max(built.seconds.values()) < 120 * 1.25
    with pytest.raises(UsageError, match="not one document fits"):
        made(files, assignment={"annotators": 3, "budget_minutes": 0.01})
    assert len({s.document for s in made(files, sampling={"segments": 7}).campaign.screens}) == 3


def document(name: str, *translations: str, domain: str = "", reference: str | None = None) -> Document:
    texts = {f"s{n}": (text,) for n, text in enumerate(translations)}
    if reference is not None:
        texts[REFERENCE] = (reference,)
    return Document(name, domain, (Segment(name, "x"),), texts)


def test_likeness_is_the_mean_pairwise_chrf() -> None:
    texts = ["今日は良い天気ですね。", "今日はいい天気だ。", "本日は晴天なり。"]
    plain = sacrebleu.CHRF()
    pairs = [plain.sentence_score(a, [b]).score for a in texts for b in texts if a != b]
    assert likeness(document("d", *texts)) == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)


def test_documents_whose_outputs_differ_come_first_and_domains_by_turns() -> None:
    same, near, far = (document("same", "今日は晴れです。", "今日は晴れです。", domain="a"),
                       document("near", "今日は晴れです。", "今日は晴れだ。", domain="a"),
                       document("far", "今日は晴れです。", "雨が降っている。", domain="a"))  # fmt: skip
    other = document("other", "犬", "犬", domain="b")
    assert [d.id for d in ordered([same, other, near, far], "diversity", 0)] == ["far", "other", "near", "same"]
    assert [d.id for d in ordered([same, near], "order", 0)] == ["same", "near"]
    assert {tuple(d.id for d in ordered([same, near, far], "random", n)) for n in range(20)} != {
        ("same", "near", "far")
    }
    both_bad = document("both", "雨だ雨だ。", "雪だ雪だ。", reference="今日は晴れです。")
    one_good = document("one", "今日は晴れです。", "雪だ雪だ。", reference="今日は晴れです。")
    assert difference(one_good) > difference(both_bad)  # alike or not, both are equally far from the reference
    assert [d.id for d in ordered([both_bad, one_good], "difference", 0)] == ["one", "both"]


def test_the_consensus_is_the_output_the_others_agree_with() -> None:
    doc = with_consensus(document("d", "今日は晴れです。", "今日は晴れですね。", "雨"), ["s0", "s1", "s2"])
    assert doc.translations["consensus"][0] in ("今日は晴れです。", "今日は晴れですね。")


LONG = "The cat sleeps in the old garden behind our house."
DEGRADED = [(LONG, "en"), ("猫は家の裏にある古い庭で眠っている。", "ja"), ("短", "ja"), ("one", "en")]


@pytest.mark.parametrize(("text", "code"), DEGRADED)
def test_a_degraded_text_is_as_long_and_another(text: str, code: str) -> None:
    others = ["Nobody knows who painted the small green boat last year.", "海辺の町で彼女は新しい本を三冊も買った。"]
    for seed in range(30):
        bad = degrade(text, others, code, random.Random(seed))
        assert bad != text or len(text) < 2
        assert abs(len(bad.split(" ")) - len(text.split(" "))) == 0 or code == "ja"


def test_every_question_of_the_library_is_whole_in_three_languages() -> None:
    names = list(library()["questions"])
    protocol = CampaignConfig.model_validate({
        "name": "q", "source_lang": "en", "target_lang": "ja", "express": {"baselines": ["copy"]},
        "protocol": {"questions": names, "source": "after", "spans": True, "categories": "mqm"},
    }).protocol.build()  # fmt: skip
    for question in protocol.questions:
        assert question.choices[-1].value == CANNOT_TELL and question.choices[-1].worth is None
        for words in (question.text, *(choice.label for choice in question.choices)):
            assert set(words) == {"en", "ja", "zh"} and all(words.values()), question.name
        assert {c.worth for c in question.choices[:-1]} >= {0, 1}
    assert "accuracy/omission" in protocol.categories


def test_what_a_run_left_is_taken(tmp_path: Path) -> None:
    rows = [Output(system, "en-ja", f"p{n}", f"source {n}", f"参照{n}。", "casual", "idiom" if n % 2 else "general",
                   f"{system}の訳{n}。") for system in ("sft", "rl") for n in range(6)]  # fmt: skip
    write_records(tmp_path / "outputs.parquet", rows, Output)
    given = {"name": "c", "source_lang": "en", "target_lang": "ja", "outputs": {"file": tmp_path},
             "protocol": {"questions": ["idiom", "meaning"]}}  # fmt: skip
    built = build(CampaignConfig.model_validate(given), Bar())
    assert {c.system for i in built.campaign.items().values() for c in i.candidates} == {"sft", "rl", "reference"}
    assert {i.phenomena for i in built.campaign.items().values()} == {("idiom",), ("general",)}
    other = {**given, "outputs": {"file": tmp_path, "systems": ["none"]}}
    with pytest.raises(In2xError, match="did not translate"):
        build(CampaignConfig.model_validate(other), Bar())


def test_wmt_files_are_taken(tmp_path: Path) -> None:
    docs = [f"en-ja_JP_#_{domain}_#_d{n}" for n, domain in enumerate(["news", "speech", "news", "social"])]
    with (tmp_path / "test.jsonl").open("w", encoding="utf-8") as out:
        for n, doc in enumerate(docs):
            row = {"doc_id": doc, "src_text": f"One {n}.\n\nTwo {n}.", "refs": {"refA": {"ref": f"一{n}。\n\n二{n}。"}}}
            out.write(json.dumps(row) + "\n")
    for name in ("a", "b"):
        rows = [{"doc_id": doc, "hypothesis": f"{name}一{doc[-1]}。\n\n{name}二{doc[-1]}。"} for doc in docs]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    wmt = {"testset": tmp_path / "test.jsonl", "submissions": {n: tmp_path / f"{n}.jsonl" for n in "ab"}}
    given = {"name": "c", "source_lang": "en", "target_lang": "ja", "wmt": wmt}
    campaign = build(
        CampaignConfig.model_validate({**given, "controls": {"degraded": 0, "repeats": 0}}), Bar()
    ).campaign
    assert len(campaign.screens) == 12 and {s.domain for s in campaign.screens} == {"news", "speech", "social"}
    assert {len(s.items) for s in campaign.screens} == {2}


def test_models_translate_on_the_spot(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("Where is the station?\nShe did not come.\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("駅はどこですか。\n彼女は来ませんでした。\n", encoding="utf-8")
    given = {
        "name": "c", "source_lang": "en", "target_lang": "ja",
        "texts": {"source": tmp_path / "s.txt", "systems": {"a": tmp_path / "a.txt"}},
        "models": {"m": {"model": str(tiny_model), "register_wanted": "casual"}},
    }  # fmt: skip
    campaign = build(CampaignConfig.model_validate(given), Bar()).campaign
    texts = {c.text for i in campaign.items().values() for c in i.candidates if c.system == "m" and c.role == "real"}
    assert texts == {"駅どこ？", "あの子、来なかったよ。"}


def test_who_speaks_to_whom_is_shown(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("Sit down.\nYes, sir.\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("座れ。\nはい。\n", encoding="utf-8")
    about = [{"speaker": "a teacher", "listener": "a pupil", "relation": "superior", "phenomena": ["register"]},
             {"speaker": "the pupil", "listener": "the teacher"}]  # fmt: skip
    (tmp_path / "about.jsonl").write_text("\n".join(map(json.dumps, about)), encoding="utf-8")
    texts = {"source": tmp_path / "s.txt", "about": tmp_path / "about.jsonl", "systems": {"a": tmp_path / "a.txt"}}
    given = {"name": "c", "source_lang": "en", "target_lang": "ja", "texts": texts}
    screens = build(CampaignConfig.model_validate(given), Bar()).campaign.screens
    first = screens[0].items[0]
    assert (first.speaker, first.listener, first.relation, first.phenomena) == (
        "a teacher", "a pupil", "superior", ("register",))  # fmt: skip


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"protocol": {}}, "nothing is asked"),
    ({"protocol": {"rank": True}}, "needs candidates"),
    ({"protocol": {"questions": ["idom"]}}, "no question 'idom'"),
    ({"protocol": {"questions": ["idiom", "idiom"]}}, "named twice"),
    (
        {"protocol": {"questions": [{"name": "x", "text": "?", "choices": [{"value": "a", "label": "A"}]}]}},
        "two choices",
    ),
    ({"assignment": {"twice": 0.1}}, "assignment.twice"),
    ({"asignment": {}}, "did you mean 'assignment'"),
    ({"assignment": {"annotator": 3}}, "did you mean 'annotators'"),
    ({"express": {"baselines": ["copy"]}}, "give one of texts, wmt, outputs and express"),
    ({"target_lang": "en"}, "one language"),
    ({"target_lang": "jp"}, "'ja'"),
    ({"name": "../x"}, "name"),
]


@pytest.mark.parametrize(("change", "why"), WRONG, ids=[why for _, why in WRONG])
def test_a_wrong_recipe_is_a_sentence(files: Path, tmp_path: Path, change: dict[str, Any], why: str) -> None:
    texts = {"source": "s.txt", "systems": {"a": "a.txt"}}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({"name": "c", "source_lang": "en", "target_lang": "ja",
                                                     "texts": texts, **change}))  # fmt: skip
    with pytest.raises(UsageError) as error:
        load_config(tmp_path / "r.yaml", CampaignConfig)
    assert why in str(error.value) and "r.yaml" in str(error.value)


def test_files_that_do_not_fit_are_a_sentence(files: Path) -> None:
    (files / "good.txt").write_text("一行だけ。\n", encoding="utf-8")
    with pytest.raises(In2xError, match=r"good\.txt.*1 lines for 47 sources"):
        made(files)


PRACTICE = {"source": "A piece of cake.", "candidates": ["一切れのケーキ。"], "phenomena": ["idiom"]}


@pytest.mark.parametrize(("known", "why"), [
    ({"dimension": "spans", "spans": ["パン"]}, "does not stand in its text"),
    ({"dimension": "rank", "least": 1}, "'rank' is not asked"),
    ({"dimension": "idiom", "choices": ["great"]}, "has no choices great"),
    ({"dimension": "score", "at_most": 3}, "unknown key 'at_most'"),
    ({"dimension": "score", "candidate": 2}, "no candidate 2"),
])  # fmt: skip
def test_a_practice_item_that_cannot_be_is_a_sentence(files: Path, known: dict[str, Any], why: str) -> None:
    protocol = {"score": True, "spans": True, "questions": ["idiom"]}
    with pytest.raises(UsageError, match=why):
        made(files, protocol=protocol, practice=[{**PRACTICE, "known": [known]}])


def test_practice_is_known_by_its_marked_words(files: Path) -> None:
    known = [{"dimension": "spans", "spans": ["ケーキ"], "source_spans": ["piece"], "feedback": "look"}]
    built = made(files, protocol={"spans": True}, practice=[{**PRACTICE, "known": known}])
    item = built.campaign.screens[0].items[0]
    assert item.known[0].spans == ((4, 7, "target"), (2, 7, "source"))
    from in2x.people.fold import ItemState

    assert feedback(item, ItemState())[0] == {"dimension": "spans", "candidate": item.candidates[0].id, "right": False,
                                              "words": {"": "look"}}  # fmt: skip
