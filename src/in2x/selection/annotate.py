"""What selection needs to know of each instruction beyond its vector: label, grade, and the threshold they suggest.

A language model says it where the recipe names one (`select.llm`); what it leaves unsaid, or everything without one,
comes from the offline fallbacks in `labels` and `difficulty`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from in2x.llm.config import LlmConfig
from in2x.selection import difficulty, labels, teacher, tuning
from in2x.selection.config import SelectConfig
from in2x.selection.embed import Shards
from in2x.selection.ngrams import NgramCounts
from in2x.selection.pool import Pool
from in2x.selection.sample import chance

Ints = npt.NDArray[np.int64]
BATCH = 8192
TUNED_ON = 4000
"""Most labelled instructions that the threshold is tuned on (our choice)."""


class Server:
    """A way of asking the model at `config.base_url`; answers are kept in `cache` (SQLite), failures are None."""

    def __init__(self, config: LlmConfig, cache: Path) -> None:
        # Here, not above: the client library is slow to import and most runs have no server.
        from in2x.llm.cache import Cache
        from in2x.llm.client import Client

        self.client = Client(config, Cache(cache))

    def __call__(self, prompts: Iterable[str], schema: dict[str, Any]) -> Iterator[Any]:
        """What each prompt is answered with (`teacher.AskAll`)."""
        from in2x.llm.request import chat

        asked = (chat(prompt, schema=schema, max_tokens=4096, purpose="judge") for prompt in prompts)
        for answer in self.client.ask_all(asked):
            yield answer.value if answer.ok else None


def _langs(pool: Pool, rows: Ints) -> list[str]:
    return [pool.langs.names[code] for code in pool.langs.codes[rows].tolist()]


def own_labels(
    pool: Pool, rows: Ints, ask_all: teacher.AskAll | None, taxonomy: teacher.Taxonomy
) -> tuple[list[labels.Label | None], dict[str, Any]]:
    """The label of each instruction where it has one: brought along, given by the model, or told by its verifier.

    The model is asked for `rows`. Returns the labels (equal ones are one object) and figures for the report.
    """
    one: dict[labels.Label, labels.Label] = {}
    own: list[labels.Label | None] = []
    for task, number, verifier in zip(pool.tasks.values(), pool.label.tolist(), pool.verifiers, strict=True):
        has = pool.labels[number] if number >= 0 else None
        label = labels.own_label(task, has, verifier)
        label = taxonomy.add(*label) if label and has else label
        own.append(label and one.setdefault(label, label))
    if ask_all is None:
        return own, {"merged": taxonomy.merged} if taxonomy.merged else {}
    asked = rows[pool.label[rows] < 0]
    said, failed = teacher.label_with(ask_all, pool.prompts.at(asked), _langs(pool, asked), taxonomy)
    for i, label in zip(asked.tolist(), said, strict=True):
        own[i] = (label and one.setdefault(label, label)) or own[i]
    unsaid = sum(label is None for label in said)
    return own, {"asked": len(asked), "unsaid": unsaid, "requests_failed": failed, "merged": taxonomy.merged}


def grades(
    config: SelectConfig, pool: Pool, counts: NgramCounts, strata: Ints, rows: Ints, ask_all: teacher.AskAll | None
) -> tuple[Ints, dict[str, Any]]:
    """int64 [n], 1..5, and figures. In this order of trust: the pass rate, the grade brought along, the model, offline.

    Pass rates become grades by quantiles within task and language, like the offline scores that break their ties.
    """
    rarity = np.concatenate([counts.rarity(pool.contents[s : s + BATCH]) for s in range(0, len(pool), BATCH)])
    scores = difficulty.offline_scores(pool.contents, rarity, pool.verifiers, strata)
    out = difficulty.quantile_grades(scores, strata, config.grade_shares)
    figures: dict[str, Any] = {}
    if ask_all is not None:
        asked = rows[pool.difficulty[rows] == 0]
        said, failed = teacher.grade_with(ask_all, pool.prompts.at(asked), _langs(pool, asked))
        given = np.array([grade or 0 for grade in said], np.int64)
        out[asked[given > 0]] = given[given > 0]
        figures = {"asked": len(asked), "unsaid": int((given == 0).sum()), "requests_failed": failed}
    out = np.where(pool.difficulty > 0, np.clip(pool.difficulty, 1, 5), out)
    tried = np.flatnonzero(~np.isnan(pool.pass_rate))
    if len(tried):
        tie = np.argsort(np.argsort(scores[tried], kind="stable"), kind="stable") / (len(tried) + 1)
        failures = 1.0 - pool.pass_rate[tried]
        # A pass rate is a multiple of 1 / samples; the tie-break must stay below the smallest step.
        known, codes = np.unique(strata[tried], return_inverse=True)
        out[tried] = difficulty.quantile_grades(failures + 1e-6 * tie, codes.reshape(-1), config.grade_shares)
        figures["by_pass_rate"] = len(tried)
        figures["strata_by_pass_rate"] = len(known)
    return out, figures


def tuned_threshold(
    config: SelectConfig, pool: Pool, shards: Shards, seed: int, ask_all: teacher.AskAll | None,
    taxonomy: teacher.Taxonomy,
) -> tuple[float, list[dict[str, float]]]:  # fmt: skip
    """The threshold of the recipe, or, where that is null, the one that tag recapture and smoothness choose.

    Tags are the labels that the pool brings along; with a model also those it gives to a sample.

    Raises:
        In2xError: too few labels to tune on.
    """
    if config.threshold is not None:
        return config.threshold, []
    by_lot = np.argsort(chance(pool.ids, seed), kind="stable").astype(np.int64)
    rows = by_lot[pool.label[by_lot] >= 0][:TUNED_ON]
    tags: dict[int, labels.Label] = {}
    for i in rows.tolist():
        has = pool.labels[pool.label[i]]
        tags[i] = (has[0], has[-1])
    if ask_all is not None and len(tags) < TUNED_ON:
        own, _ = own_labels(pool, by_lot[:TUNED_ON], ask_all, taxonomy)
        tags |= {i: label for i in by_lot[:TUNED_ON].tolist() if (label := own[i]) is not None}
    rows = np.array([i for i in by_lot.tolist() if i in tags][:TUNED_ON], np.int64)
    names = ["\0".join(tags[i]) for i in rows.tolist()]
    points = tuning.curve(shards.take(rows), names, seed, branching=config.branching)
    curve = [
        {"threshold": p.threshold, "clusters": p.clusters, "recapture": p.recapture, "smoothness": p.smoothness,
         "score": p.score} for p in points
    ]  # fmt: skip
    return tuning.best(points).threshold, curve
