"""Several systems on one test set: every metric with its interval, and each system against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from in2x.errors import UsageError
from in2x.metrics import learned
from in2x.metrics.significance import SEED, Statistics, bootstrap, paired_bootstrap
from in2x.metrics.strings import canonical, statistics


@dataclass(frozen=True)
class Row:
    """One system under one metric; the last four fields compare it with the first system (None for the first)."""

    system: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    signature: str
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None


def compare_systems(
    systems: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]], *, lang: str,
    tokenize: str | None = None, sources: Sequence[str] | None = None, metrics: Sequence[str] = ("BLEU", "chrF"),
    resamples: int = 1000, seed: int = SEED,
) -> list[Row]:  # fmt: skip
    """Score each system by each metric (string metrics, or "comet:MODEL", "metricx:MODEL").

    Raises:
        UsageError: an unknown metric, or a learned one without sources.
        In2xError: numbers of segments differ.
    """
    rows: list[Row] = []
    for metric in metrics:
        kind, colon, model = metric.partition(":")
        first: Statistics | None = None
        for system, hypotheses in systems.items():
            if colon:
                if sources is None:
                    raise UsageError(f"{metric} needs the sources", mend="give --src")
                stats = learned.statistics(kind, model, sources, hypotheses, references[0])
                name = metric
            else:
                stats = statistics(hypotheses, references, metric, lang=lang, tokenize=tokenize)
                name = canonical(metric)
            found = bootstrap(stats, resamples=resamples, seed=seed)
            row = Row(system, name, found.value, found.low, found.high, found.n, stats.signature)
            if first is not None:
                against = paired_bootstrap(stats, first, resamples=resamples, seed=seed)
                row = Row(system, name, found.value, found.low, found.high, found.n, stats.signature,
                          against.difference, against.low, against.high, against.p)  # fmt: skip
            else:
                first = stats
            rows.append(row)
    return rows
