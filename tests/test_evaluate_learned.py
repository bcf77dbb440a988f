"""Learned metrics: MetricX on a tiny random mT5, long paragraphs in aligned pieces, never cut in silence."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import MT5Config, MT5ForConditionalGeneration

from in2x.errors import In2xError, UsageError
from in2x.metrics.learned import MetricX, part, score_long, statistics
from in2x.training.tokenizer import train_tokenizer

EN = "The cat is asleep. It rained all night. We waited at the station."
JA = "猫が眠っている。一晩中雨が降った。私たちは駅で待った。"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metricx")
    tokenizer = train_tokenizer([EN, JA, "source: candidate: reference:"] * 3, 320)
    torch.manual_seed(0)
    config = MT5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2,
                       decoder_start_token_id=0, pad_token_id=0)  # fmt: skip
    model = MT5ForConditionalGeneration(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(40)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_metricx_is_the_clamped_first_logit_negated(tiny: Path) -> None:
    scorer = MetricX(str(tiny))
    triples = [("a cat", "猫", "猫だ"), (EN, JA, None), ("b", "雨", "雨")]
    found = scorer.score(triples)
    for triple, value in zip(triples, found, strict=True):
        ids = torch.tensor([scorer.tokenizer(scorer._text(triple))["input_ids"][:-1]])
        logit = scorer.model(input_ids=ids, decoder_input_ids=torch.zeros(1, 1, dtype=torch.long)).logits[
            0, 0, scorer.token
        ]
        assert value == pytest.approx(-logit.clamp(0, 25).item(), abs=1e-4), "batching and padding change nothing"
    assert all(-25 <= v <= 0 for v in found)


def test_statistics_carry_a_signature_and_check_their_input(tiny: Path) -> None:
    stats = statistics("metricx", str(tiny), ["a", "b"], ["猫", "雨"], None)
    assert len(stats) == 2 and stats.signature == f"metricx:{tiny}|src"
    with pytest.raises(In2xError, match="2 hypotheses but 1 sources"):
        statistics("metricx", str(tiny), ["a"], ["猫", "雨"], None)
    with pytest.raises(UsageError, match="no learned metric 'bleurt'"):
        statistics("bleurt", "x", ["a"], ["b"], None)


def test_a_missing_model_or_package_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(In2xError, match="not a MetricX model"):
        MetricX(str(tmp_path))
    with pytest.raises(In2xError, match="COMET is not installed"):
        statistics("comet", "Unbabel/wmt22-comet-da", ["a"], ["b"], ["c"])


def test_long_paragraphs_are_parted_scored_and_told(caplog: pytest.LogCaptureFixture) -> None:
    fits = lambda t: all(len(text or "") <= 40 for text in t)  # noqa: E731
    with caplog.at_level(logging.WARNING):
        values = score_long([("a", "b", "c"), (EN, JA, JA)], lambda ts: [float(len(t[1])) for t in ts], fits)
    assert values[0] == 1 and 0 < values[1] < len(JA)
    assert "1 of 2 paragraphs are longer than the metric reads" in caplog.text


def test_pieces_are_aligned_and_lose_nothing() -> None:
    pieces = part((EN, JA, None), lambda t: len(t[0]) <= 30 and len(t[1]) <= 15)
    assert len(pieces) == 3
    assert [p[0].split()[0] for p in pieces] == ["The", "It", "We"]
    assert "".join(p[1] for p in pieces) == JA and all(p[2] is None for p in pieces)


def test_a_sentence_that_cannot_be_parted_is_an_error() -> None:
    with pytest.raises(In2xError, match="a sentence is longer"):
        part(("x" * 50, "y" * 50, None), lambda t: len(t[0]) <= 10)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=12), st.integers(24, 40))
def test_parting_keeps_all_letters(sentences: list[str], limit: int) -> None:
    text = ". ".join(sentences) + "."
    pieces = part((text, text, None), lambda t: len(t[0]) <= limit and len(t[1]) <= limit)
    for side in (0, 1):
        assert "".join(str(p[side]) for p in pieces).replace(" ", "") == text.replace(" ", "")
