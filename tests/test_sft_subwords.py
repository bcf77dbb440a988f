"""Subword dropout: other pieces, the same text, by the seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from in2x.errors import In2xError
from in2x.training.batches import Example
from in2x.training.subwords import merged_from, respelt, taken_apart
from in2x.training.tokenizer import SPECIAL, train_tokenizer

TEXTS = ["the weather was lovely yesterday", "天気がよかったので散歩に行きました", "the other brother gathers feathers"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS * 20, 2600, ["<2ja>"])


@pytest.fixture(scope="module")
def parts(tokenizer):
    return merged_from(tokenizer)


def test_the_text_stays_and_its_pieces_change(tokenizer, parts):
    draw = np.random.default_rng(1)
    for text in TEXTS:
        tokens = np.array(tokenizer(text)["input_ids"])
        seen = {tuple(taken_apart(tokens, parts, 0.4, draw).tolist()) for _ in range(20)}
        assert len(seen) > 10
        assert {tokenizer.decode(one) for one in seen} == {text}


def test_every_piece_is_one_that_merging_passes_through(parts):
    """The definition of BPE: a segmentation reached by merges alone, here undone to single bytes and no further."""
    whole = int(np.flatnonzero(parts[:, 0] >= 0)[-1])
    below, waiting = set(), [whole]
    while waiting:
        one = waiting.pop()
        below.add(one)
        if parts[one, 0] >= 0:
            waiting += parts[one].tolist()
    draw = np.random.default_rng(0)
    for _ in range(50):
        assert set(taken_apart(np.array([whole]), parts, 0.5, draw).tolist()) <= below


def test_a_share_of_the_tokens_is_taken_apart(parts):
    """In one level `share` of those that can be; the parts again with the same probability."""
    pairs = np.flatnonzero((parts[:, 0] >= 0) & (parts[parts[:, 0], 0] < 0) & (parts[parts[:, 1], 0] < 0))
    tokens = np.resize(pairs, 20000)
    grown = len(taken_apart(tokens, parts, 0.1, np.random.default_rng(3))) / len(tokens)
    assert 1.09 < grown < 1.11


def test_control_tokens_language_tags_and_placeholders_stay_whole(tokenizer, parts):
    for word in (*SPECIAL, "<2ja>", "<1>", "</9>"):
        token = tokenizer.convert_tokens_to_ids(word)
        assert token is not None and parts[token].tolist() == [-1, -1], word


def test_the_seed_decides_and_none_changes_where_the_share_is_none(tokenizer, parts):
    tokens = np.array(tokenizer(TEXTS[0])["input_ids"])
    one, two = (taken_apart(tokens, parts, 0.3, np.random.default_rng(5)) for _ in range(2))
    assert one.tolist() == two.tolist()
    assert taken_apart(tokens, parts, 0.0, np.random.default_rng(5)).tolist() == tokens.tolist()


def test_loss_begins_with_the_answer_and_no_example_outgrows_its_room(tokenizer, parts):
    head, tail = tokenizer(TEXTS[0])["input_ids"], tokenizer(TEXTS[1])["input_ids"]
    plain = Example([*head, *tail], len(head))
    draw = np.random.default_rng(0)
    for one in respelt([plain] * 20, parts, 0.5, draw, 1000):
        assert tokenizer.decode(one.tokens[one.answer_start :]) == TEXTS[1]
    assert list(respelt([plain], parts, 0.9, draw, len(plain.tokens))) == [plain]


def test_a_tokenizer_without_merges_is_refused_in_a_sentence():
    words = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(In2xError, match="subword_dropout takes merges apart, and the tokenizer has none"):
        merged_from(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]"))
