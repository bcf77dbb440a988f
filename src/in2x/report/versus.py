"""Two runs side by side: what their recipes have different, what their translators score, how their stages learnt.

Where both answered the same test segments, the difference has a paired bootstrap interval (METHOD 8); elsewhere each
figure has its own, as its run measured it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from in2x.artifact import Artifact
from in2x.evaluate.outputs import Output
from in2x.metrics.significance import Statistics, paired_bootstrap, ratio
from in2x.metrics.strings import LOWER_IS_BETTER, statistics
from in2x.pages.charts import LineChart, Series, line_chart
from in2x.pages.environment import environment
from in2x.records import read_records
from in2x.report.results import SHARES, SYSTEM_NAMES, read_json
from in2x.report.training import points, read_log

CURVES = (
    ("base", "loss", "Base model: training loss", "nats per token"),
    ("base", "dev_loss", "Base model: held-out loss", "nats per token"),
    ("sft", "loss", "Supervised fine-tuning: training loss", "nats per token"),
    ("sft", "dev_loss", "Supervised fine-tuning: held-out loss", "nats per token"),
    ("rl", "reward", "Reward", "mean over the batch"),
    ("rl", "entropy", "Entropy", "nats per token"),
    ("rl", "length", "Length of answers", "tokens"),
)
PHASES = (1, 2, 3)
POINTS = 240
"""Points of a curve on the page (our choice)."""


@dataclass(frozen=True)
class Knob:
    """A value that the recipes of the two runs do not share; None where a run has no such knob or stage."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Figure:
    """One figure of both translators: (value, low, high), and b minus a with its interval where it is paired."""

    metric: str
    pair: str
    a: tuple[float, float, float] | None
    b: tuple[float, float, float] | None
    gap: tuple[tuple[float, float, float], float] | None
    """((difference, low, high), p)."""
    lower_is_better: bool

    @property
    def scale(self) -> float:
        """What it is shown times: shares in percent."""
        return 100.0 if self.metric.startswith(SHARES) else 1.0

    @property
    def name(self) -> str:
        """The measure, for people."""
        named = self.metric.removeprefix("principle/").replace("_", " ")
        return f"{named}, %" if self.metric.startswith(SHARES) else named


@dataclass
class Versus:
    """What is different between run `a` and run `b`."""

    a: str
    b: str
    systems: tuple[str, str]
    """The last system of each that was evaluated."""
    knobs: list[Knob]
    seconds: list[tuple[str, float | None, float | None]]
    """(stage, seconds in a, seconds in b)."""
    figures: list[Figure]
    charts: list[LineChart] = field(default_factory=list)


def compare(a: Mapping[str, Artifact], b: Mapping[str, Artifact], names: tuple[str, str], resamples: int) -> Versus:
    """Two runs, each as its finished artifacts by stage, under their `names`."""
    stages = list(dict.fromkeys([*a, *b]))
    took = [(s, _seconds(a.get(s)), _seconds(b.get(s))) for s in stages]
    scores = [_scores(run) for run in (a, b)]
    systems = tuple(s[-1]["system"] if s else "" for s in scores)
    last = [{(r["metric"], r["pair"]): r for r in rows if r["system"] == system}
            for rows, system in zip(scores, systems, strict=True)]  # fmt: skip
    paired = _paired(a, b, (systems[0], systems[1]), resamples)
    figures = [
        Figure(metric, pair, _interval(last[0].get((metric, pair))), _interval(last[1].get((metric, pair))),
               paired.get((metric, pair)), metric in LOWER_IS_BETTER)
        for metric, pair in dict.fromkeys([*last[0], *last[1]])
    ]  # fmt: skip
    return Versus(*names, (systems[0], systems[1]), list(_knobs(a, b, stages)), took, figures,
                  list(_charts(a, b, names)))  # fmt: skip


def _seconds(artifact: Artifact | None) -> float | None:
    return None if artifact is None else artifact.manifest.get("seconds")


def _scores(run: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    return (read_json(run["evaluate"].path / "scores.json") if "evaluate" in run else None) or []


def _interval(row: Mapping[str, Any] | None) -> tuple[float, float, float] | None:
    return None if row is None else (row["value"], row["low"], row["high"])


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}")
    else:
        yield name, value


def _knobs(a: Mapping[str, Artifact], b: Mapping[str, Artifact], stages: Sequence[str]) -> Iterator[Knob]:
    """What stands in the manifests of stages that both runs have; a stage of one run alone is one line."""
    for stage in stages:
        if stage not in a or stage not in b:
            yield Knob(stage, *("done" if stage in run else None for run in (a, b)))
            continue
        manifests = [run[stage].manifest for run in (a, b)]
        sides = [dict(_flat(m.get("config", {}), stage)) | {f"{stage}: seed": m.get("seed")} for m in manifests]
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            if (left := sides[0].get(name)) != (right := sides[1].get(name)):
                yield Knob(name, left, right)


Paired = dict[tuple[str, str], tuple[tuple[float, float, float], float]]
"""(metric, pair) -> ((difference, low, high), p)."""


def _paired(a: Mapping[str, Artifact], b: Mapping[str, Artifact], systems: tuple[str, str], resamples: int) -> Paired:
    """Differences over the segments of each direction that both runs answered, where those are the same test set."""
    if "evaluate" not in a or "evaluate" not in b:
        return {}
    files = [run["evaluate"].path / "outputs.parquet" for run in (a, b)]
    if not all(file.exists() for file in files):
        return {}
    one, two = (
        {(o.pair, o.id, o.register or ""): o for o in read_records(file, Output) if o.system == system}
        for file, system in zip(files, systems, strict=True)
    )
    same = [k for k in one if k in two and (one[k].source, one[k].reference) == (two[k].source, two[k].reference)]
    found: Paired = {}
    pairs = dict.fromkeys(pair for pair, *_ in same)
    for pair in (*pairs, "all"):
        keys = [k for k in same if pair in (k[0], "all")]
        sides = [[side[k] for k in keys] for side in (one, two)]
        for metric, (left, right) in _measured(sides[0], sides[1], pair):
            gap = paired_bootstrap(right, left, resamples=resamples)
            found[metric, pair] = ((gap.difference, gap.low, gap.high), gap.p)
    return found


def _measured(one: list[Output], two: list[Output], pair: str) -> Iterator[tuple[str, tuple[Statistics, Statistics]]]:
    """(metric, statistics of both) over the same segments."""
    if pair != "all":
        lang = pair.split("-")[1]
        for metric in ("BLEU", "chrF"):
            yield metric, tuple(statistics([o.hypothesis for o in side], [o.reference for o in side], metric, lang=lang)
                                for side in (one, two))  # type: ignore[misc]  # fmt: skip
    names = dict.fromkeys(n for o in (*one, *two) for n, kept in o.principles.items() if kept is not None)
    for name in ("principles", *(f"principle/{n}" for n in sorted(names))):
        yield name, (_share(one, name), _share(two, name))


def _share(side: Sequence[Output], name: str) -> Statistics:
    """Principles kept among those that apply: all of them, or the one that `name` ends with."""
    single = name.partition("/")[2]
    verdicts = [[o.principles.get(single)] if single else list(o.principles.values()) for o in side]
    kept, applicable = ([sum(map(test, row)) for row in verdicts]
                        for test in (lambda v: v is True, lambda v: v is not None))  # fmt: skip
    return ratio(kept, applicable)


def _charts(a: Mapping[str, Artifact], b: Mapping[str, Artifact], names: tuple[str, str]) -> Iterator[LineChart]:
    logs = [{stage: read_log(artifact.path) for stage, artifact in run.items()} for run in (a, b)]
    for stage, key, title, note in CURVES:
        yield from _chart(title, note, names, [points(log.get(stage, []), key) for log in logs])
    for phase in PHASES:
        rows = [[r for r in log.get("pretrain", []) if str(r.get("phase")) in (str(phase), f"phase{phase}")]
                for log in logs]  # fmt: skip
        title = f"Continued pretraining, phase {phase}: training loss"
        yield from _chart(title, "nats per token", names, [points(own, "loss") for own in rows])


def _chart(
    title: str, note: str, names: tuple[str, str], curves: Sequence[list[tuple[float, float]]]
) -> Iterator[LineChart]:
    chart = line_chart(title, [Series(n, c) for n, c in zip(names, curves, strict=True)], note=note, limit=POINTS)
    if chart is not None:
        yield chart


def render(found: Versus) -> str:
    """The page about two runs, as HTML text."""
    return environment().get_template("report/versus.html.jinja").render(v=found, system_names=SYSTEM_NAMES)
