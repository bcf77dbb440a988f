"""A judge held against people over real HTTP: a judge of known quality gets its known figures."""

from __future__ import annotations

import json
import random
import re

import pytest

from chat_server import ChatServer
from in2x.people.analysis.whole import analyse
from in2x.people.calibrate import groups, principle_of
from in2x.people.config import library
from in2x.people.model import (
    CANNOT_TELL,
    SCORE,
    Campaign,
    Candidate,
    Choice,
    Item,
    Judgement,
    Protocol,
    Question,
    Screen,
)
from in2x.people.store import Store
from in2x.principles.judged import fundamental
from in2x.rl.rewards.reliability import read_reliability

SYSTEMS = ("one", "two", "three")
NATIVE = 2
"""Place of the principle that the question "native" speaks of."""


def made(count: int = 40) -> tuple[Campaign, dict[str, bool]]:
    """Segments with three translations; candidate -> whether people find it native ("good" stands in its text)."""
    rng = random.Random(4)
    screens, truth = [], {}
    for n in range(count):
        found = []
        for s in SYSTEMS:
            good = rng.random() < {"one": 0.8, "two": 0.5, "three": 0.3}[s]
            truth[f"c{n}{s}"] = good
            text = f"訳{n}{s}" + ("良" if good else "悪") * (1 if good else 6)
            found.append(Candidate(f"c{n}{s}", s, text))
        screens.append(Screen(f"s{n}", f"d{n // 2}", (Item(f"i{n}", f"g{n}", f"Source {n}.", tuple(found)),)))
    choices = (Choice("yes", {"": "Yes"}, 1.0), Choice("no", {"": "No"}, 0.0), Choice(CANNOT_TELL, {"": "?"}))
    protocol = Protocol(score=True, questions=(Question("native", {"": "Native?"}, choices),), candidates=3)
    return Campaign("cal", {}, "en", "ja", protocol, tuple(screens)), truth


def store_of(tmp_path, campaign: Campaign, truth: dict[str, bool], questions: bool = True) -> str:
    from in2x.people.model import Event
    from in2x.people.writer import Writer

    file = str(tmp_path / "people.db")
    with Store.open(file, create=True) as store:
        store.add_campaign(campaign, {"p": [s.id for s in campaign.screens]})
        writer = Writer(store)
        events = []
        for item in campaign.items().values():
            for c in item.candidates:
                events.append(("score", item.id, {"candidate": c.id, "score": 90 if truth[c.id] else 40}))
                if questions:
                    choice = "yes" if truth[c.id] else "no"
                    events.append(("answer", item.id, {"candidate": c.id, "question": "native", "choice": choice}))
            events.append(("finish", item.id, {}))
        made = [Event(f"e{n}", "p", i, kind, value, 0.0) for n, (kind, i, value) in enumerate(events)]
        writer.submit(campaign.id, "p", made).result()
        writer.close()
    return file


def reply(body, verdict) -> str:
    """A judge's answer: `verdict(text, place)` gives whether each principle is kept."""
    asked = body["messages"][-1]["content"]
    answers = re.findall(r'<answer number="(\d+)">\n(.*?)\n</answer>', asked, re.DOTALL)
    rows = [{"answer": int(n), "kept": verdict(text, place, len(answers))} for place, (n, text) in enumerate(answers)]
    return json.dumps({"verdicts": rows})


def test_every_question_and_principle_that_is_named_is_there() -> None:
    principles = fundamental("translate", "ja")
    for name in library()["questions"]:
        assert principle_of(name, "ja") in principles
    for category in ("accuracy/omission", "style/register", "style/awkward"):
        assert principle_of(category, "ja", kind="categories") in principles
    assert principle_of("style/register", "ja", kind="categories") == principle_of("register", "ja")
    assert principle_of("beauty", "ja") is None and principle_of("locale", "ja", kind="categories") is None


def test_a_judge_that_is_always_right_weighs_1_and_one_by_chance_nothing(in2x, tmp_path) -> None:
    campaign, truth = made()
    store = store_of(tmp_path, campaign, truth)
    out = tmp_path / "cal.json"
    words = len(fundamental("translate", "ja"))

    def right(text: str, place: int, count: int) -> list[str]:
        return ["yes" if i != NATIVE or "良" in text else "no" for i in range(words)]

    with ChatServer(lambda body: reply(body, right)) as server:
        arguments = ("people", "judge", "--store", store, "--model", f"{server.url}#thinker", "-o", str(out), "--json")
        code, said, _ = in2x(*arguments, "--cache", str(tmp_path / "cache.sqlite"))
        assert code == 0
        assert len(server.asked) == 2 * 40  # each segment in one order and in the reverse
        code, again, _ = in2x(*arguments, "--cache", str(tmp_path / "cache.sqlite"))
        assert len(server.asked) == 2 * 40 and json.loads(again) == json.loads(said)  # paid for once
    told = json.loads(said)
    native = fundamental("translate", "ja")[NATIVE]
    assert told["principles"][native]["agreement"] == 1 and told["principles"][native]["n"] == 120
    assert told["bias"]["position"]["value"] == 0
    assert set(told["systems"]) == set(SYSTEMS)
    reliability = read_reliability(out)
    assert reliability.weight(native) == 1
    # and the page of the campaign shows how this judge agrees
    with Store.open(store) as opened:
        rows = opened.judgements("cal")
    found = analyse(rows, campaign, judges={"thinker": told["shares"]})
    row = next(r for r in found.machines[0].rows if r.kind == "judge")
    assert row.segment.spearman == pytest.approx(1)
    code, out_text, _ = in2x("people", "analyse", "--store", store, "--judge", str(out), "--json")
    assert code == 0
    names = {r["name"] for group in json.loads(out_text)["machines"] for r in group["rows"] if r["kind"] == "judge"}
    assert names == {told["judge"]["name"]}

    rng = random.Random(0)
    with ChatServer(lambda body: reply(body, lambda *_: [rng.choice(["yes", "no"]) for _ in range(words)])) as server:
        code, said, _ = in2x("people", "judge", "--store", store, "--model", f"{server.url}#thinker", "--json")
    assert json.loads(said)["principles"][native]["agreement"] == pytest.approx(0.5, abs=0.15)


def test_what_sways_a_judge_is_measured(in2x, tmp_path) -> None:
    campaign, truth = made()
    store = store_of(tmp_path, campaign, truth)
    words = len(fundamental("translate", "ja"))

    def swayed(text: str, place: int, count: int) -> list[str]:
        kept = words if place == 0 else words // 2  # it likes what comes first
        if "three" in text:
            kept = words  # and this system
        if len(text) > 9:
            kept = max(kept, words - 1)  # and what is long
        return ["yes"] * kept + ["no"] * (words - kept)

    with ChatServer(lambda body: reply(body, swayed)) as server:
        code, said, _ = in2x("people", "judge", "--store", store, "--model", f"{server.url}#thinker", "--json")
    assert code == 0
    told = json.loads(said)
    assert told["bias"]["position"]["low"] > 0.05
    assert told["bias"]["length"]["low"] > 0
    assert told["systems"]["three"]["low"] > 0 > told["systems"]["one"]["high"]


def test_without_questions_scores_calibrate(in2x, tmp_path) -> None:
    campaign, truth = made()
    store = store_of(tmp_path, campaign, truth, questions=False)
    words = len(fundamental("translate", "ja"))
    rng = random.Random(1)

    def mostly(text: str, place: int, count: int) -> list[str]:
        good = ("良" in text) == (rng.random() < 0.85)
        return ["yes" if good else "no"] * words

    with ChatServer(lambda body: reply(body, mostly)) as server:
        said = in2x("people", "judge", "--store", store, "--model", f"{server.url}#thinker", "--json")[1]
    told = json.loads(said)
    assert told["overall"]["by"] == "scores" and 0.7 < told["overall"]["agreement"] <= 1
    assert all(row["by"] == "scores" and row["agreement"] > 0.8 for row in told["principles"].values())


def test_an_unreadable_judge_and_a_campaign_without_texts_are_said(in2x, tmp_path) -> None:
    campaign, truth = made(3)
    store = store_of(tmp_path, campaign, truth)
    with ChatServer(lambda body: "I like them all.") as server:
        code, said, err = in2x("people", "judge", "--store", store, "--model", f"{server.url}#thinker", "--json")
    assert code == 0 and json.loads(said)["shares"] == {}
    assert "without a verdict" in err
    bare = Campaign("b", {}, "en", "ja", Protocol(score=True),
                    (Screen("s", "d", (Item("i", "g", "", (Candidate("c", "one", ""),)),)),))  # fmt: skip
    from in2x.errors import In2xError

    with pytest.raises(In2xError, match="no texts"):
        groups(bare, [Judgement("b", "i", "g", "d", "one", "a", SCORE, 3.0, candidate="c")])
