"""String metrics with sacrebleu's signatures: BLEU, chrF, chrF++, TER, each with its bootstrap interval.

    score(hyps, refs, "BLEU", lang=target).value          # the tokeniser of that language's pack
    score(hyps, refs, "BLEU", tokenize="none")            # text that is tokenised already
    score(hyps, refs, "chrF++")

The numbers are sacrebleu's own (its segment statistics, its smoothing); only the sum over a resample is done here, in
NumPy (`significance.py`). Higher is better except for TER.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sacrebleu.metrics import BLEU, CHRF, TER

from in2x.errors import In2xError, UsageError
from in2x.language import language, packs
from in2x.metrics.significance import SEED, Floats, Statistics, bootstrap

LOWER_IS_BETTER = frozenset({"TER", "bits per byte", "perplexity"})
TOKENIZERS = tuple(name for name in BLEU.TOKENIZERS if name not in ("spBLEU-1K", "flores101", "flores200", "spm"))
"""sacrebleu's, less those that fetch a model."""


@dataclass(frozen=True)
class Score:
    """One number with all that is needed to trust it: interval (95%), sacrebleu signature, number of segments."""

    metric: str
    value: float
    low: float
    high: float
    signature: str
    n: int


def canonical(metric: str) -> str:
    """The name in `METRICS` that `metric` means ("bleu", "CHRF++", "chrf2" ...). Raises UsageError if there is none."""
    names = {m.lower(): m for m in METRICS} | {"chrf2": "chrF", "chrf2++": "chrF++", "chrfpp": "chrF++"}
    try:
        return names[metric.lower()]
    except KeyError:
        raise UsageError(f"there is no metric {metric!r}", mend=f"use one of {', '.join(METRICS)}") from None


def statistics(
    hyps: Sequence[str], refs: Sequence[str] | Sequence[Sequence[str]], metric: str = "chrF", *,
    lang: str | None = None, tokenize: str | None = None,
) -> Statistics:  # fmt: skip
    """Segment statistics of `metric` for `hyps` against one reference a segment, or several streams of references.

    Args:
        lang: language of the translations; decides BLEU's tokeniser and TER's splitting.
        tokenize: BLEU's tokeniser, if not the language's own ("none": tokens are separated by spaces already).

    Raises:
        In2xError: hypotheses and references differ in number; a segment is too long for the tokeniser.
        UsageError: unknown metric or tokeniser.
    """
    name = canonical(metric)
    streams = _streams(refs)
    for stream in streams:
        if len(stream) != len(hyps):
            raise In2xError(f"{len(hyps)} hypotheses but {len(stream)} references", mend="give one line a segment")
    if not hyps:
        raise In2xError("there are no segments to score", mend="give at least one")
    return METRICS[name](hyps, streams, lang, tokenize)


def score(
    hyps: Sequence[str], refs: Sequence[str] | Sequence[Sequence[str]], metric: str = "chrF", *,
    lang: str | None = None, tokenize: str | None = None, resamples: int = 1000, seed: int = SEED,
) -> Score:  # fmt: skip
    """`metric` over the corpus with its 95% bootstrap interval; arguments and errors as in `statistics`."""
    stats = statistics(hyps, refs, metric, lang=lang, tokenize=tokenize)
    interval = bootstrap(stats, resamples=resamples, seed=seed)
    return Score(canonical(metric), interval.value, interval.low, interval.high, stats.signature, interval.n)


def _streams(refs: Sequence[str] | Sequence[Sequence[str]]) -> Streams:
    streams: list[Any] = [refs] if not refs or isinstance(refs[0], str) else list(refs)
    return streams


def _engine(name: str, lang: str | None, tokenize: str | None) -> Any:
    if name == "BLEU":
        own = language(lang).bleu if lang else "13a"
        chosen = tokenize or own
        if chosen not in TOKENIZERS:
            raise UsageError(f"there is no BLEU tokeniser {chosen!r}", mend=f"use one of {', '.join(TOKENIZERS)}")
        if lang and not language(lang).spaced and chosen in {language(code).bleu for code in packs()} - {own}:
            raise UsageError(
                f"BLEU's {chosen} tokeniser does not part the words of {language(lang).name}", mend=f"use {own} or char"
            )
        # trg_lang stays empty: it only makes sacrebleu advise on stderr.
        return BLEU(tokenize=chosen, force=True)
    if name == "TER":
        unspaced = bool(lang) and not language(lang or "").spaced  # then it must split characters
        return TER(normalized=unspaced, asian_support=unspaced)
    return CHRF(word_order=2 if name == "chrF++" else 0)


def _bleu(sums: Floats) -> Floats:
    """sacrebleu's BLEU (exp smoothing) of [hyp_len, ref_len, correct x 4, total x 4], over leading axes."""
    hyp_len, ref_len = sums[..., 0], sums[..., 1]
    correct, total = sums[..., 2:6], sums[..., 6:10]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        brevity = np.where(hyp_len < ref_len, np.exp(1 - ref_len / hyp_len), 1.0)
        brevity = np.where(hyp_len > 0, brevity, 0.0)
        # The k-th order without a match is smoothed by 2^-k, as in mteval.
        halvings = 2.0 ** np.cumsum(correct == 0, axis=-1)
        precision = 100.0 * np.where(correct > 0, correct, 1.0 / halvings) / total
        logs = np.where(total > 0, np.log(precision), -9999999999.0)
        value = brevity * np.exp(logs.sum(axis=-1) / 4)
    return np.asarray(np.where(correct.any(axis=-1), value, 0.0))


def _chrf(sums: Floats) -> Floats:
    """sacrebleu's chrF2 of [hyp, ref, match] per n-gram order, over leading axes."""
    table = sums.reshape(*sums.shape[:-1], -1, 3)
    hyp, ref, match = table[..., 0], table[..., 1], table[..., 2]
    both = (hyp > 0) & (ref > 0)
    orders = both.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(both, match / hyp, 0.0).sum(axis=-1) / orders
        recall = np.where(both, match / ref, 0.0).sum(axis=-1) / orders
        value = 100 * 5 * precision * recall / (4 * precision + recall)
    return np.asarray(np.nan_to_num(value, nan=0.0))


def _ter(sums: Floats) -> Floats:
    """100 x edits / reference words, over leading axes; 100 where only the reference is empty."""
    edits, words = sums[..., 0], sums[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(words > 0, edits / words, np.where(edits > 0, 1.0, 0.0))
    return 100 * value


Streams = list[Sequence[str]]
"""The references, one text a segment in each."""
Measure = Callable[[Sequence[str], Streams, str | None, str | None], Statistics]
"""Hypotheses, references, language, BLEU's tokeniser -> statistics of each segment."""


def _sacrebleu(name: str, aggregate: Callable[[Floats], Floats]) -> Measure:
    def measure(hyps: Sequence[str], streams: Streams, lang: str | None, tokenize: str | None) -> Statistics:
        engine = _engine(name, lang, tokenize)
        try:
            rows = np.asarray(engine._extract_corpus_statistics(hyps, streams), dtype=np.float64)
        except AttributeError:  # MeCab says nothing of a line of several hundred kilobytes
            longest = max(len(text) for texts in (hyps, *streams) for text in texts)
            raise In2xError(
                f"a segment of {longest:,} characters cannot be cut into words", mend="break it up"
            ) from None
        return Statistics(rows, aggregate, str(engine.get_signature()))

    return measure


METRICS: dict[str, Measure] = {
    "BLEU": _sacrebleu("BLEU", _bleu),
    "chrF": _sacrebleu("chrF", _chrf),
    "chrF++": _sacrebleu("chrF++", _chrf),
    "TER": _sacrebleu("TER", _ter),
}
"""Name -> what measures it, in the order of tables."""
