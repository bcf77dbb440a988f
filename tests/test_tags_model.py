"""A model in this process: answers scored token by token, and the words that a pair of tags goes around."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM

from conftest import PAIRS
from in2x.chat.source import Source
from in2x.inference.scoring import token_logprobs
from in2x.training.tokenizer import ROOM, train_tokenizer
from in2x.translate.engine import LocalBackend
from in2x.translate.occlusion import _stretch, hints
from in2x.translate.projection import projected
from test_tags import markup_of, text_of


def test_scores_are_those_of_one_row_at_a_time(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    prompts, answer = [[5, 6, 7, 8, 9], [9, 8], [4]], [3, 11, 12]
    found = token_logprobs(model, prompts, answer)
    for row, prompt in enumerate(prompts):
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        torch.testing.assert_close(found[row], logits[range(3), answer], atol=2e-4, rtol=0)


def test_a_placeholder_is_one_token_and_leaves_the_words_their_own():
    tokenizer = train_tokenizer(["He plays golf every day. 彼は毎日ゴルフをする。"] * 20, ROOM)
    plain = tokenizer.tokenize("He plays golf every day.")
    tagged = tokenizer.tokenize("He<1> plays golf</1> every<2/> day.")
    assert [token for token in tagged if token not in ("<1>", "</1>", "<2/>")] == plain
    assert len(tagged) == len(plain) + 3
    for text in ("a <b> 1> </12> <0/>", "x<9/>", " <1> y"):
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    ("losses", "stretch"),
    [([0, 5, 4, 0, 0.1], (1, 2)), ([3], (0, 0)), ([0, 0, 2], (2, 2)), ([4, 0.5, 4, 0], (0, 2)),
     ([4, 0, 0, 0, 1], (0, 0))],
)  # fmt: skip
def test_the_stretch_that_loses_most(losses, stretch):
    assert _stretch(losses) == stretch


def test_hints_are_places_in_the_translation(tiny_model):
    """The model knows its pairs by heart; what it needs the source for is where a hint may lie."""
    backend = LocalBackend(tiny_model)
    sentence = next(iter(PAIRS))
    first, _, rest = sentence.partition(" ")
    text = text_of(f"{first} <b>{rest.split()[0]}</b> {' '.join(rest.split()[1:])} x")
    words = PAIRS[sentence]["polite"]
    found = hints(backend, Source("", "en", "ja", "polite"), text, words)
    assert all(0 <= start < end <= len(words) for start, end in found.values())
    assert set(found) <= {1}
    assert markup_of(projected(text, words, "en", "ja", hints={1: (0, 2)})).startswith(f"<b>{words[:1]}")
    assert hints(backend, Source("", "en", "ja"), text, "") == {}
