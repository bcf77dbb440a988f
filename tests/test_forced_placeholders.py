"""Forced decoding: whatever a model would write, each placeholder of the source stands there once, nested as there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from in2x.chat.known import named
from in2x.chat.placeholders import marked, parsed, slots
from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.formats.document import Options
from in2x.formats.registry import parse
from in2x.inference.placeholders import Placeholders, Writing
from in2x.inference.sampler import sample
from in2x.recipe import load_recipe
from in2x.training.config import ShapeConfig
from in2x.training.model import build_model, save_model
from in2x.training.tokenizer import ROOM, train_tokenizer
from in2x.translate.backend import Backend, Translation
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest
from in2x.translate.tags import TagsLost, unmarked
from in2x.translate.translator import Translator

RECIPES = Path(__file__).parents[1] / "recipes"

QUESTIONS = (
    "He<1> plays</1> golf every<2/> day.",
    "He<1> plays<2> golf</2> every</1> day<3/>.",
    "He<1/> plays<2> golf<3/> every</2> day.",
    "He plays<1> golf<2> every<3/> day</2> now</1>.",
)


@pytest.fixture(scope="module")
def untaught(tmp_path_factory):
    """A model that has learned nothing: what it would write is noise, placeholders among it."""
    folder = tmp_path_factory.mktemp("model")
    text = "He plays golf every day. 彼は毎日ゴルフをする。 " + "".join(f"<{n}></{n}><{n}/>" for n in range(1, 10))
    tokenizer = train_tokenizer([text] * 20, ROOM)
    save_model(build_model(ShapeConfig(width=32, layers=2, heads=2, kv_heads=1, mlp=64, vocabulary=ROOM, context=256),
                           tokenizer, 3), tokenizer, folder)  # fmt: skip
    PromptProfile().save(folder)
    return LocalBackend(folder)


def asked(text: str) -> Source:
    return Source(text, "en", "ja", tagged=True)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_even_noise_holds_every_placeholder(untaught, temperature):
    request = TranslationRequest("en", "ja", temperature=temperature, max_new_tokens=24, seed=4)
    free = untaught.candidates([Source(text, "en", "ja") for text in QUESTIONS], request, 6)
    lost = 0
    for text, drawn in zip(QUESTIONS, free, strict=True):
        for one in drawn:
            try:
                unmarked(one.text, parsed(text), "ja")
            except TagsLost:
                lost += 1
    assert lost > 12, "it would not hold them by itself"
    forced = untaught.candidates([asked(text) for text in QUESTIONS], request, 6)
    for text, drawn in zip(QUESTIONS, forced, strict=True):
        for one in drawn:
            assert sorted(tag.raw for tag in unmarked(one.text, parsed(text), "ja").tags) == sorted(
                name for slot in slots(text) for name in slot.names
            )


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_has_no_tags_is_answered_as_before_and_so_is_its_company(untaught, temperature):
    """The same tokens and numbers beside forced rows; a forced answer is the same in any company."""
    tokenizer, model = untaught.tokenizer, untaught.model
    prompts = [tokenizer.encode(text) for text in ("He plays golf.", *QUESTIONS[:2], "every day")]
    how = {"max_new_tokens": 20, "stop_ids": untaught.stop_ids, "temperature": temperature, "samples": 2, "seed": 9}
    forced = [None, *(untaught.placeholders.forced(text, 20) for text in QUESTIONS[:2]), None]
    plain, mixed = sample(model, prompts, **how), sample(model, prompts, **how, forced=forced)
    for row in (0, 3):
        assert [one.tokens for one in plain[row]] == [one.tokens for one in mixed[row]]
        for one, other in zip(plain[row], mixed[row], strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)
    alone = sample(model, prompts, **how, forced=[None, None, forced[2], None])
    assert [one.tokens for one in alone[2]] == [one.tokens for one in mixed[2]]
    assert all(len(one.tokens) == len(one.logprobs) <= 20 for row in mixed for one in row)
    assert all(one.finished == (one.tokens[-1] in untaught.stop_ids) for row in mixed for one in row)


def test_by_transformers_generate_too(untaught, monkeypatch):
    """A model that our forward pass does not fit is steered by the same rules to the same answer."""
    request = TranslationRequest("en", "ja", max_new_tokens=24)
    ours = untaught.translations([asked(text) for text in QUESTIONS], request)
    model = AutoModelForCausalLM.from_pretrained(untaught.folder, dtype=torch.float32).eval()
    monkeypatch.setattr(untaught, "model", model)
    monkeypatch.setattr("in2x.inference.sampler.forward_of", lambda model: _NotOurs())
    theirs = untaught.translations([asked(text) for text in QUESTIONS], request)
    assert [one.text for one in theirs] == [one.text for one in ours]


class _NotOurs:
    words = "sliding window"

    def reads(self, length: int) -> bool:
        return False


# --- the rules, with scores of our own --------------------------------------------------------------------------------


def written(untaught, question: str, wish: list[str], limit: int = 40) -> str:
    """What comes where the model would write the tokens of `wish`, then end, and never anything else by itself."""
    tokenizer = untaught.tokenizer
    [stop] = untaught.stop_ids
    writing = Writing(untaught.placeholders.forced(question, limit))
    rounds = 0
    while writing is not None:
        said = writing
        while not said.ended and len(said.tokens) < limit:
            scores = torch.zeros(len(tokenizer))
            words = [token for token in said.tokens if token not in said.forced.banned]
            place = min(len(words), len(wish))
            scores[tokenizer.convert_tokens_to_ids(wish[place]) if place < len(wish) else stop] = 5.0
            for n, near in NEAR.items():
                if place == near:
                    scores[tokenizer.convert_tokens_to_ids(n)] = 4.0
            said.steer(scores)
            said.push(int(scores.argmax()))
        writing, rounds = said.again(), rounds + 1
        assert rounds < 12
    return str(tokenizer.decode([token for token in said.tokens if token != stop]))


NEAR = {"<1>": 1, "</1>": 3, "<2/>": 2}
"""Placeholder -> words before the place where the model nearly writes it."""


def test_what_is_missing_is_put_where_the_model_nearly_wrote_it(untaught):
    wish = ["a", "b", "c", "d"]
    assert written(untaught, "x<1> y<2/> z</1>", wish) == "a<1>b<2/>c</1>d"
    # Outside of the pair in the source, it is not put inside, where the model nearly wrote it.
    assert written(untaught, "x<2/> y<1> z</1>", wish) == "a<1>bc</1><2/>d"


def test_near_the_longest_length_what_is_left_comes_at_once(untaught):
    said = written(untaught, "x<1> y<2/> z</1> w<3/>", ["a"] * 30, limit=8)
    unmarked(said, parsed("x<1> y<2/> z</1> w<3/>"))
    assert said.startswith("a")


def test_what_cannot_be_forced_is_left_to_the_model(untaught):
    placeholders = untaught.placeholders
    assert placeholders.forced("no tags", 9) is None
    assert placeholders.forced("a<12> b</12>", 9) is None, "no token of its own"
    small = train_tokenizer(["abc"] * 20, 300)
    assert Placeholders(small, {0}).forced("a<1> b</1>", 9) is None


def test_signs_of_the_source_itself_may_be_said_again(untaught):
    tokens = untaught.tokenizer.convert_tokens_to_ids(["<", "<3>"])
    banned = untaught.placeholders.forced("a<1> b</1> c", 9).banned
    assert set(tokens) <= set(banned)
    banned = untaught.placeholders.forced("if x < 3 press <3> or<1> OK</1>", 9).banned
    assert not set(tokens) & set(banned)
    assert untaught.tokenizer.convert_tokens_to_ids("<2>") in banned


def test_slots_are_those_that_a_text_is_marked_with():
    for question in QUESTIONS:
        assert [name for slot in slots(question) for name in slot.names[:1]] == [
            tag.raw for tag in parsed(question).tags if tag.kind != "close"
        ]
        assert marked(parsed(question)) == question
    crossed = slots("a<1> b<2> c</1> d</2> e<3/> <4/> <4/> <5>")
    assert [slot.names for slot in crossed] == [("<1>", "</1>"), ("<3/>",)]
    assert [(slot.parent, slot.held) for slot in slots("<1> <2><3/></2></1>")] == [
        (None, " "),
        (0, ""),
        (1, ""),
    ]


# --- who is asked with placeholders -----------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_recipe_that_teaches_tags_makes_a_model_that_is_given_them(untaught, tmp_path, monkeypatch, share):
    """From the recipe's knob by the saved profile to what the model is asked, in the words that it was taught in."""
    recipe = load_recipe(RECIPES / "demo.yaml", [f"instruct.tagged={share}"])
    folder = tmp_path / "model"
    shutil.copytree(untaught.folder, folder)
    recipe.profile.save(folder)
    sources: list[Source] = []
    answer = LocalBackend._answer

    def kept(self, batch):
        sources.extend(batch.sources)
        return answer(self, batch)

    monkeypatch.setattr(LocalBackend, "_answer", kept)
    document = parse(b"He plays **golf** every day.\n", "a.md", Options(), None)
    Translator.load(folder).translate(document, "en", "ja", register="polite", checks="off")
    asked = sources[-1]
    assert asked.text == ("He plays<1> golf</1> every day." if share else "He plays golf every day.")
    assert asked.tagged == bool(share)
    assert recipe.profile.prompt(asked) == f"ja polite: {asked.text}"


def test_needs_are_asked_for_one_by_one_and_terms_of_use_are_said_once():
    """HY-MT1.5 takes context or tags, not both in one question."""
    profile = named("hy-mt1.5")
    translator = Translator(Says("猫がいる。", profile), "hy", probed=True)
    assert {"before", "tags"} <= translator._takes(translator.job("en", "ja"))
    said: list[str] = []
    for _ in range(2):
        translator.translate("A cat.", "en", "ja", checks="off", say=said.append)
    assert said == [profile.notice] and profile.licence in said[0]


class Says(Backend):
    """A translator that always says the same."""

    def __init__(self, words, profile):
        self.words, self.profile = words, profile

    def _draw(self, sources, request, samples, done):
        return [[Translation(self.words)] * samples for _ in sources]
