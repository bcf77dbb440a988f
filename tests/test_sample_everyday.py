"""The phrasebook: slots that all columns fill, one rendering a sentence, registers, and what is read back."""

import itertools
import random
import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from in2x.language.register import register_of
from in2x.sample import everyday, world
from in2x.sample.deck import Deck
from in2x.sample.lexicon import REGISTERS
from in2x.sample.meaning import agreement_of

ASKED = yaml.safe_load((Path(__file__).parent / "everyday.yaml").read_text(encoding="utf-8"))
"""Sentences of somebody who has not seen the phrasebook, with renderings that are right."""
SECOND = yaml.safe_load((Path(__file__).parent / "everyday-second.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def drawn():
    deck = Deck(random.Random(3))
    made = (everyday.draw(deck) for _ in itertools.count())
    return list(itertools.islice((item for item in made if item), 1500))


def test_all_columns_of_a_row_have_its_slots():
    for row in everyday.rows():
        for text in (*row.en, *row.ja.values(), row.zh):
            assert {name.partition(".")[0] for name in re.findall(r"\{([\w.]+)\}", text)} == set(row.slots), row


def test_a_sentence_has_one_rendering(drawn):
    renderings = defaultdict(set)
    for row in everyday.rows():
        for text in row.en:
            if "{" not in text:
                for register, said in row.ja.items():
                    renderings[everyday.plain(text, "en"), register].add(said)
    assert {key: said for key, said in renderings.items() if len(said) > 1} == {}
    for item in drawn:
        for register, text in item.asked.items():
            renderings[everyday.plain(text, "en"), register].add(item.ja[register])
    twice = [key for key, said in renderings.items() if len(said) > 1]
    assert len(twice) < 0.005 * len(renderings), twice


def test_registers_are_told_apart():
    for row in everyday.rows():
        assert set(row.ja) <= set(REGISTERS) and {"polite", "casual"} <= set(row.ja), row
        told = {register: register_of(everyday.fill(text, _slots(row)), "ja") for register, text in row.ja.items()}
        assert told["polite"] not in ("plain", "casual") or row.ja["polite"] == row.ja["casual"], row
        said_to_all = row.ja["polite"] == row.ja["casual"] or re.search(
            "どうぞ|おめでとう|いらっしゃい", row.ja["casual"]
        )
        assert told["casual"] not in ("polite", "honorific") or said_to_all, row
        assert told.get("plain", "plain") in ("plain", "none", "casual"), row
        assert told.get("honorific", "honorific") in ("honorific", "polite", "none"), row


def _slots(row):
    rng = random.Random(row.id)
    chosen = {slot: rng.choice(everyday.words()[slot.rstrip("2")]) for slot in row.slots}
    return everyday.filled(chosen, "ja")


def test_what_is_said_is_read_back(drawn):
    for item in drawn[:400]:
        for register, text in item.asked.items():
            assert everyday.known(text, "en"), text
            assert agreement_of(text, "en", item.ja[register], "ja") == 1.0, (text, item.ja[register])
    assert agreement_of("Where is the station?", "en", "トイレはどこですか。", "ja") < 0.5
    assert not everyday.known("Parliament dissolved itself.", "en")


def test_nothing_of_it_is_held_out_and_all_of_it_stays_with_sft():
    dev, test, _ = world.heldout(0, 60)
    assert not [item for item in (*dev, *test) if item.asked or everyday.known(item.en, "en")]
    rng = random.Random(1)
    item = next(item for item in world.items(1, shares={"everyday": 1.0}) if len(item.ja) > 2)
    pairs = list(world.pairs(item, rng))
    asked = [pair for pair in pairs if (pair.src_lang, pair.tgt_lang) == ("en", "ja")]
    assert {pair.register: pair.source for pair in asked} == item.asked
    assert all(pair.checks["by_heart"] for pair in pairs)


def test_out_of_japanese_and_into_chinese_there_is_what_one_says_most():
    items = list(itertools.islice(world.items(4, "items", {"everyday": 1.0}), 1500))
    told: dict[tuple[str, str], set[bool]] = {}
    for item in items:
        for pair in world.pairs(item, random.Random(1)):
            told.setdefault((pair.src_lang, pair.tgt_lang), set()).add(everyday.common(item.kind))
    assert told.pop(("en", "ja")) == told.pop(("zh", "ja")) == {True, False}
    assert len(told) == 4 and all(common == {True} for common in told.values())


def test_contractions_in_full():
    assert everyday.long("I'm sorry, I can't go.") == "I am sorry, I cannot go."
    assert everyday.long("It's raining and that's bad.") == "It is raining and that is bad."
    assert everyday.long("It's been a while.") == "It's been a while."


def test_the_phrasebook_knows_most_of_what_others_ask():
    assert len(ASKED) == 200 and len(SECOND) == 100
    assert sum(everyday.known(row["en"], "en") for row in ASKED) > 185
    assert sum(everyday.known(row["en"], "en") for row in SECOND) > 95


def test_a_deck_deals_every_card_once_before_any_comes_again():
    deck = Deck(random.Random(5))
    dealt = [deck.take("cards", lambda: range(7)) for _ in range(21)]
    assert [sorted(dealt[at : at + 7]) for at in (0, 7, 14)] == [list(range(7))] * 3
    again = Deck(random.Random(5))
    assert [again.take("cards", lambda: range(7)) for _ in range(21)] == dealt


def test_every_wording_is_asked_in_every_register():
    row = next(row for row in everyday.rows() if len(row.en) > 4 and not row.slots)
    deck, asked = Deck(random.Random(2)), defaultdict(set)
    for item in filter(None, (everyday.say(row, deck) for _ in range(3 * len(row.en)))):
        for register, text in item.asked.items():
            asked[register].add(everyday.plain(text.split(", ")[-1], "en"))
    for register in row.ja:
        assert {everyday.plain(text, "en") for text in row.en} <= asked[register]


def test_say_shows_sentences_in_all_registers(in2x):
    code, out, _ = in2x("sample", "say", "3", "--kind", "everyday", "--seed", "1")
    assert code == 0 and out.count("  ja polite") == 3 and out.count("  zh ") == 3
    assert in2x("sample", "say", "3", "--kind", "everyday", "--seed", "1")[1] == out
    code, _, err = in2x("sample", "say", "--kind", "opera")
    assert code != 0 and "no sentences of kind" in err
