"""The training part of the page: learning curves from each stage's `log.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from in2x.language.codes import known_name
from in2x.pages.charts import LineChart, Series, line_chart
from in2x.report.rows import rows_of

Rows = Sequence[Mapping[str, Any]]

RL_CHARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Entropy", "nats per token", ("entropy",)),
    ("Length of answers", "tokens", ("length",)),
    ("Effective sample size", "share of a batch; 1 = on policy", ("ess",)),
    ("Clipped from above", "share of trajectories", ("clip_high",)),
    ("Sampling temperature", "", ("temperature",)),
    ("Learning rate", "", ("lr",)),
)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The log of the stage in `folder`, empty where it keeps none."""
    return list(rows_of(folder / "log.jsonl"))


def points(rows: Rows, key: str) -> list[tuple[float, float]]:
    """(step, row[key]) of the rows that hold both as numbers, in order; a repeated step keeps its last value."""
    found: dict[float, float] = {}
    for number, row in enumerate(rows):
        value, place = row.get(key), row.get("step", number)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and isinstance(place, (int, float)):
            found[float(place)] = float(value)
    return sorted(found.items())


def loss_chart(title: str, rows: Rows, limit: int) -> LineChart | None:
    """Held-out loss, where it was measured often enough to be a curve, in front of training loss."""
    held = [(k, points(rows, k)) for k in _keys(rows) if k.startswith("dev_loss")]
    held = [(k, found) for k, found in held if len(found) > 1]
    series = [Series("training", points(rows, "loss"), faint=bool(held))]
    series += [Series("held out" + k.removeprefix("dev_loss").replace("/", " "), found) for k, found in held]
    return line_chart(title, series, note="cross-entropy, nats per token", limit=limit)


def phases_chart(rows: Rows, limit: int) -> LineChart | None:
    """Training loss of the phases of continued pretraining one after another, a mark where each begins."""
    series, bands = [], []
    for name, start, _, own in _phases(rows):
        bands.append((start, name))
        series.append(Series(name, [(x + start, y) for x, y in points(own, "loss")]))
    if not series:
        return loss_chart("Continued pretraining", rows, limit)
    note = "training loss, nats per token"
    return line_chart("Continued pretraining", series, note=note, limit=limit, bands=bands)


def held_out_charts(base: Rows, pretrain: Rows) -> list[LineChart]:
    """Held-out loss from the base model (step 0) through the phases: by language, and by domain where there are two."""
    keys = [k for k in _keys([*base, *pretrain]) if k.startswith("dev_loss")]
    found = (
        _held_out("Held-out loss by language", base, pretrain, [k for k in keys if "." not in k]),
        _held_out("Held-out loss by domain", base, pretrain, [k for k in keys if "." in k]),
    )
    return [chart for chart in found if chart is not None]


def _held_out(title: str, base: Rows, pretrain: Rows, keys: Sequence[str]) -> LineChart | None:
    curves: dict[str, list[tuple[float, float]]] = {}
    for key in keys:
        before = points(base, key)
        found = [(0.0, before[-1][1])] if before else []
        for _, start, _, own in _phases(pretrain):
            found += [(x + start, y) for x, y in points(own, key)]
        curves[key] = found
    bands = [(end, name) for name, _, end, _ in _phases(pretrain)]
    series = [Series(_language(k.removeprefix("dev_loss").strip("/")), found) for k, found in curves.items()]
    return line_chart(title, series, bands=bands, note="base at step 0, then to the end of each "
                      "phase") if any(len(found) > 1 for found in curves.values()) else None  # fmt: skip


def _language(name: str) -> str:
    code, _, domain = name.partition(".")
    words = "bilingual" if code == "mul" else known_name(code) if code else "all"
    return f"{words}, {domain}" if domain else words


def _phases(rows: Rows) -> list[tuple[str, float, float, list[Mapping[str, Any]]]]:
    """(name, offset to add to its steps, last step with offset, rows) of each phase; steps may start again in each."""
    out = []
    end = 0.0
    for phase in dict.fromkeys(str(row["phase"]) for row in rows if "phase" in row):
        own = [row for row in rows if str(row.get("phase")) == phase]
        steps = [float(row["step"]) for row in own if isinstance(row.get("step"), (int, float))]
        if steps:
            start = end if min(steps) <= end else 0.0
            end = start + max(steps)
            out.append((f"phase {phase.removeprefix('phase')}", start, end, own))
    return out


def rl_charts(rows: Rows, limit: int) -> list[LineChart]:
    """Rewards and their parts, principle shares, then the health of the optimisation."""
    keys = _keys(rows)
    parts = [k for k in keys if k.startswith("reward/")]
    kept = [k for k in keys if k.startswith("principle/")]
    reward = [Series("reward", points(rows, "reward"))] + [
        Series(k.removeprefix("reward/"), points(rows, k)) for k in parts
    ]
    shares = [
        Series(k.removeprefix("principle/").replace("_", " "), [(x, 100 * y) for x, y in points(rows, k)]) for k in kept
    ]
    found = [
        line_chart("Reward", reward, note="mean over the batch, and its parts", limit=limit),
        line_chart("Principles kept by rollouts", shares, note="%", limit=limit),
    ]
    for title, note, names in RL_CHARTS:
        found.append(line_chart(title, [Series(n, points(rows, n)) for n in names], note=note, limit=limit))
    return [chart for chart in found if chart]


def failed_rewards(figures: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """(reward, answers it gave no value though it should have, the last reason) of a finished RL stage."""
    failed, why = figures.get("failed") or {}, figures.get("why_failed") or {}
    return [(name, int(count), str(why.get(name, ""))) for name, count in failed.items() if count]


def _keys(rows: Rows) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))
