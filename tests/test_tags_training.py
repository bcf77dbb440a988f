"""Tag injection: pairs with placeholders at places that stand for each other."""

from __future__ import annotations

import random
import re
from itertools import islice

import pytest

from in2x.chat.placeholders import marked, parsed, placeholders, remarked
from in2x.chat.profile import PromptProfile
from in2x.chat.translation import translation
from in2x.instructions.alignment import Lexicon
from in2x.instructions.tagged import tags_of, with_tags
from in2x.principles.case import case_of
from in2x.records import Instruction
from in2x.sample import world
from in2x.translate.tags import unmarked
from test_tags import PRESS, text_of

PROFILE = PromptProfile()


@pytest.fixture(scope="module")
def pairs():
    rng = random.Random(5)
    made = [
        pair
        for item in islice(world.train(3, set(), {**world.SHARES, "everyday": 0.0}), 700)
        for pair in world.pairs(item, rng)
    ]
    return [pair for pair in made if {pair.src_lang, pair.tgt_lang} == {"en", "ja"}]


@pytest.fixture(scope="module")
def items(pairs):
    return [translation(pair, PROFILE) for pair in pairs]


def test_every_pair_with_tags_holds_the_same_ones_on_both_sides(items):
    found = list(with_tags(items, PROFILE, 0.5, 1))
    changed = [(old, new) for old, (new, tags) in zip(items, found, strict=True) if tags]
    assert all((old is new) != tags for old, (new, tags) in zip(items, found, strict=True))
    count = len(changed)
    assert 0.4 < count / len(items) < 0.55
    for old, new in changed:
        case = case_of(new)
        source = parsed(case.source)
        assert placeholders(source) and case.source in new.messages[-1]["content"]
        answer = unmarked(new.answer, source, case.target_lang)  # raises where a tag is lost
        assert (answer.text, source.text) == (case_of(old).reference, case_of(old).source)
        assert new.id == old.id and not case.checks


def test_the_same_by_seed_and_none_without_a_share(items):
    one, again, other = (list(with_tags(items, PROFILE, 0.3, seed)) for seed in (1, 1, 2))
    assert one == again != other
    assert list(with_tags(items, PROFILE, 0.0, 1)) == [(item, False) for item in items]


def test_only_translations_of_pairs_are_tagged(items):
    other = Instruction("x", "en", "qa", [{"role": "user", "content": "Why?"}], "Because.", origin="collected:x")
    *_, (last, tags) = with_tags([*items, other], PROFILE, 1.0, 1)
    assert last is other and not tags


def test_words_are_aligned_with_their_renderings(pairs):
    """By the micro-world's own names, which nobody told the lexicon."""
    asked = [pair for pair in pairs if pair.src_lang == "en"]
    lexicon = Lexicon(((pair.source, pair.target) for pair in asked), "en", "ja")
    right = wrong = 0
    for pair in asked:
        names = {name.split()[-1]: other for name, other in pair.checks.get("names", {}).items()}
        for one in lexicon.aligned(pair.source, pair.target, longest=1):
            word, rendering = pair.source[one.start : one.end], pair.target[one.target_start : one.target_end]
            if word in names:
                hit = rendering in names[word] or names[word] in rendering
                right, wrong = right + hit, wrong + (not hit)
    assert right > 50 and wrong <= 0.02 * right


def test_tags_never_cut_a_word(pairs):
    asked = [pair for pair in pairs if pair.src_lang == "en"]
    lexicon = Lexicon(((pair.source, pair.target) for pair in asked), "en", "ja")
    for _, here, there in tags_of(asked, lexicon, 1):
        assert not re.search(r"[A-Za-z]<[^>]+>[A-Za-z]", marked(here))
        assert unmarked(remarked(there, here), here, "ja") == there


def test_remarked_is_what_unmarked_reads():
    answer = unmarked("今すぐ<1>OK</1>を押して<2/>ください。", PRESS, "ja")
    assert remarked(answer, PRESS) == "今すぐ<1>OK</1>を押して<2/>ください。"
    nested = text_of("a <b><i>c</i></b> d<x/><y/> e")
    assert remarked(nested, nested) == marked(nested) == "a<1> c</1> d<2/> e"
    assert marked(parsed("a<1/><2> c</2> d<3/> e")) == "a<1/><2> c</2> d<3/> e"
