"""Scores that choose: the trained classifier, perplexity by a language model, buckets, expressions over columns."""

import math
import random

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score

from in2x.corpus.causal import causal_perplexity
from in2x.corpus.classifier import Classifier, ranking_quality
from in2x.corpus.columns import buckets, chosen, strata
from in2x.corpus.sample import reference_texts, water_filling
from in2x.errors import In2xError
from in2x.training.config import ShapeConfig
from in2x.training.model import build_model, load_model, load_tokenizer, save_model
from in2x.training.tokenizer import train_tokenizer

GOOD = list("abcdefghijklmn")
POOR = list("opqrstuvwxyzmn")


def _sample(count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts whose words are drawn from two overlapping vocabularies: no single word decides."""
    rng = random.Random(seed)
    labels = np.array([k % 2 == 0 for k in range(count)])
    texts = [
        " ".join(rng.choice(GOOD if (rng.random() < 0.6) == bool(good) else POOR) for _ in range(25)) for good in labels
    ]
    return texts, labels


def test_the_classifier_is_as_good_as_sklearn_and_deterministic() -> None:
    texts, labels = _sample(600, 1)
    fresh, truth = _sample(400, 2)
    spaced = np.zeros(len(texts), bool)
    model = Classifier.train(texts, spaced, labels, seed=0)
    scores = model.score(fresh, spaced[:400])
    reference = SGDClassifier(loss="log_loss", random_state=0)
    vectors = HashingVectorizer(ngram_range=(1, 3), n_features=1 << 18, norm="l1", alternate_sign=False)
    reference.fit(vectors.transform(texts), labels)
    theirs = roc_auc_score(truth, reference.decision_function(vectors.transform(fresh)))
    ours = ranking_quality(scores, truth)
    assert ours == pytest.approx(roc_auc_score(truth, scores))
    assert ours > 0.8 and ours > theirs - 0.02
    assert np.array_equal(Classifier.train(texts, spaced, labels, seed=0).weights, model.weights)
    assert ((scores > 0.5) == truth).mean() > 0.75  # probabilities, not only ranks


def test_the_classifier_reads_japanese_by_character_and_survives_its_file(tmp_path) -> None:
    rng = random.Random(5)
    labels = np.array([k % 2 == 0 for k in range(200)])
    texts = [
        "".join(rng.choice("静かな海に朝の光" if good else "激安！今すぐ購入") for _ in range(30)) for good in labels
    ]
    flags = np.ones(len(texts), bool)
    model = Classifier.train(texts[:150], flags[:150], labels[:150], seed=0)
    model.save(tmp_path / "c.npz")
    scores = Classifier.load(tmp_path / "c.npz").score([*texts[150:], ""], np.ones(51, bool))
    assert ranking_quality(scores[:50], labels[150:]) == 1.0
    assert 0.0 < scores[50] < 1.0  # an empty text has a score, too


def test_ranking_quality_with_ties() -> None:
    scores, good = np.array([0.1, 0.5, 0.5, 0.9, 0.5]), np.array([False, True, False, True, False])
    assert ranking_quality(scores, good) == pytest.approx(roc_auc_score(good, scores))


def test_perplexity_by_a_language_model_is_the_mean_loss_of_transformers(tmp_path) -> None:
    texts = ["港の朝はいつも早い。漁師は網を積む。" * 3, "the harbour wakes early " * 4, ""]
    tokenizer = train_tokenizer(texts * 4, 400)
    shape = ShapeConfig(width=32, layers=1, heads=2, kv_heads=1, mlp=64, vocabulary=400, context=128)
    save_model(build_model(shape, tokenizer, 0), tokenizer, tmp_path / "model")
    found = causal_perplexity(str(tmp_path / "model"), texts, context=128, chars=40)
    model, tokenizer = load_model(tmp_path / "model"), load_tokenizer(tmp_path / "model")
    model.set_attn_implementation("eager")
    for text, perplexity in zip(texts[:2], found, strict=False):
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer.encode(text[:40], add_special_tokens=False)]])
        with torch.no_grad():
            loss = model(input_ids=ids, labels=ids).loss
        assert perplexity == pytest.approx(math.exp(loss), rel=1e-3)
    assert np.isnan(found[2])


def test_buckets_are_thirds_of_each_group() -> None:
    rng = np.random.default_rng(0)
    group = np.array([7] * 90 + [2] * 30)
    perplexity = np.concatenate([rng.uniform(1, 9, 89), [np.nan], rng.uniform(100, 900, 30)])
    found = buckets(group, perplexity)
    assert found[89] == -1
    for name, size in ((7, 89), (2, 30)):
        here = (group == name) & ~np.isnan(perplexity)
        parts = [perplexity[here & (found == b)] for b in range(3)]
        assert all(abs(len(p) - size / 3) < 1 for p in parts)
        assert parts[0].max() < parts[1].min() and parts[1].max() < parts[2].min()
    assert len(buckets(np.zeros(0, int), np.zeros(0))) == 0


def test_a_source_is_a_group_where_it_has_documents_enough() -> None:
    lang = np.array([0] * 200 + [1] * 100)
    source = np.array([0] * 100 + [1] * 70 + [2] * 20 + [3] * 10 + [0] * 100)
    found = strata(lang, source, np.ones(300, bool))
    groups = [set(found[part].tolist()) for part in (slice(0, 100), slice(100, 170), slice(170, 200), slice(200, 300))]
    assert all(len(group) == 1 for group in groups)  # the two small sources are one group
    assert len(set.union(*groups)) == 4
    left = np.ones(300, bool)
    left[:50] = False  # with what counts of it, the first source is too small as well
    assert set(strata(lang, source, left)[:100].tolist()) == groups[2]


def test_a_sample_takes_of_every_source_alike() -> None:
    totals = {("ja", 0, "books"): 10_000_000, ("ja", 0, "talk"): 300_000, ("ja", 0, "posts"): 2_000_000,
              ("en", 0, "books"): 50_000}  # fmt: skip
    shares = water_filling(totals, 1_500_000)
    assert shares["ja", 0, "talk"] == 1 and shares["en", 0, "books"] == 1
    given = {source: totals["ja", 0, source] * shares["ja", 0, source] for source in ("books", "posts")}
    assert given["books"] == pytest.approx(given["posts"]) == pytest.approx(600_000)


def test_a_reference_gives_what_fits_whatever_its_order() -> None:
    texts = [(f"line {k} of the reference", "en") for k in range(200)] + [("港の朝", "ja")]
    found = reference_texts(texts, 1000)
    assert found == reference_texts(reversed(texts), 1000)
    assert 900 < sum(map(len, found["en"])) <= 1000 and found["ja"] == ["港の朝"]


TABLE = pa.table({"lang": ["ja", "en", "ja"], "quality": [0.9, 0.2, None], "bucket": ["head", "tail", "middle"]})


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("quality > 0.5", [True, False, False]),
        ("quality > 0.5 OR lang = 'en'", [True, True, False]),
        ("bucket <> 'tail'", [True, False, True]),
        ("bucket IN ('head', 'tail') AND NOT (lang = 'en')", [True, False, False]),
    ],
)
def test_expressions(where: str, kept: list[bool]) -> None:
    assert chosen(TABLE, where, "k").tolist() == kept


@pytest.mark.parametrize("where", ["quality >", "no_such > 1", "quality", "__import__('os').system('true')", "'x'"])
def test_a_wrong_expression_is_one_sentence(where: str) -> None:
    with pytest.raises(In2xError, match=r"corpus.select: the expression .* cannot be evaluated"):
        chosen(TABLE, where, "corpus.select")
