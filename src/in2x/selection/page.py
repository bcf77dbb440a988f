"""The page on selection: a map of clusters, how the threshold was chosen, labels, difficulty before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from in2x.language.codes import known_name
from in2x.pages.charts import SIZE, Bar, LineChart, Series, bars, line_chart
from in2x.pages.environment import environment

COLOURS = 7
"""Languages with a colour of their own on the map; the rest share the eighth."""
LABELS = 12
SETS = {"round1": "SFT round 1", "round2": "SFT round 2", "rl": "RL"}


@dataclass(frozen=True)
class Dots:
    """Points of one language: SVG paths of those chosen and of those left."""

    name: str
    colour: int
    chosen: str
    left: str


@dataclass(frozen=True)
class Selection:
    """What the template draws; a part is empty or None where the manifest has no figures for it."""

    tiles: list[tuple[str, float]]
    dots: list[Dots]
    tuning: LineChart | None
    difficulty: list[Bar]
    languages: list[Bar]
    sizes: list[Bar]
    labels: list[Bar]
    clusters: list[dict[str, Any]]

    @property
    def legend(self) -> list[tuple[str, int]]:
        """Name and colour of each group of dots."""
        return [(group.name, group.colour) for group in self.dots]


def selection(figures: Mapping[str, Any]) -> Selection | None:
    """From the figures of the select stage (`in2x.selection.stage`); None where it left none."""
    samples: Mapping[str, Any] = figures.get("samples", {})
    if not samples:
        return None
    named = {SETS.get(name, name): sample for name, sample in samples.items()}
    pool = figures.get("pool", {})
    tiles = [("in the pool", sum(pool.values())), ("copies left out", figures.get("copies", 0)),
             ("clusters", figures.get("clusters", 0)), *((name, s["size"]) for name, s in named.items())]  # fmt: skip
    grades = figures.get("difficulty_names", [])
    difficulty = {"pool": dict(zip(grades, figures.get("difficulty_of_pool", []), strict=False))}
    for name, sample in named.items():
        difficulty[name] = dict(zip(grades, sample["got_by_difficulty"], strict=False))
    languages = {"pool": dict(figures.get("languages_of_pool", {}))}
    languages |= {name: dict(sample["languages"]) for name, sample in named.items()}
    tree: Mapping[str, Mapping[str, int]] = figures.get("label_tree", {})
    return Selection(
        tiles,
        scatter(figures.get("map", [])),
        tuning(figures.get("tuning", [])),
        bars(shares(difficulty)),
        bars(shares({name: {known_name(k): v for k, v in row.items()} for name, row in languages.items()})),
        bars({size: {"": number} for size, number in figures.get("cluster_sizes", {}).items()}),
        bars(
            {first: {"": sum(second.values())} for first, second in list(tree.items())[:LABELS]},
            {first: ", ".join(f"{k} {v:,}" for k, v in list(second.items())[:6]) for first, second in tree.items()},
        ),
        figures.get("sample_clusters", []),
    )


def page(figures: Mapping[str, Any], name: str) -> str:
    """The selection on a page of its own, as HTML text: what `in2x select` leaves beside its sets."""
    return environment().get_template("selection/selected.html.jinja").render(name=name, chosen=selection(figures))


def shares(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Each row in percent of its sum, so that a pool of millions and a sample of thousands can be compared."""
    return {
        name: {part: 100 * value / sum(parts.values()) for part, value in parts.items()}
        for name, parts in rows.items()
        if sum(parts.values())
    }


def scatter(points: Sequence[Mapping[str, Any]]) -> list[Dots]:
    """Instructions on their first two principal axes, coloured by language of the answer, the commonest first."""
    common = [lang for lang, _ in Counter(p["lang"] for p in points).most_common(COLOURS)]
    groups: dict[str, list[Mapping[str, Any]]] = {lang: [] for lang in common}
    for point in points:
        groups.setdefault(point["lang"] if point["lang"] in common else "other", []).append(point)

    def path(of: Sequence[Mapping[str, Any]]) -> str:
        # A line of no length with round ends is a dot that keeps its size at every width of the page.
        return "".join(f"M{(1 + p['x']) * SIZE / 2:.0f} {(1 - p['y']) * SIZE / 2:.0f}h0" for p in of)

    return [
        Dots("other" if lang == "other" else known_name(lang), 8 if lang == "other" else number,
             path([p for p in group if p["in"] != "left"]), path([p for p in group if p["in"] == "left"]))
        for number, (lang, group) in enumerate(groups.items(), start=1)
    ]  # fmt: skip


def tuning(curve: Sequence[Mapping[str, float]]) -> LineChart | None:
    """Tag recapture, cluster smoothness and their harmonic mean over the threshold; None where it was given."""
    best = max(curve, key=lambda point: point["score"], default=None)
    lines = (("recapture", "tag recapture"), ("smoothness", "cluster smoothness"), ("score", "harmonic mean"))
    return line_chart(
        "Threshold, tuned", [Series(name, [(p["threshold"], p[key]) for p in curve]) for key, name in lines],
        note="on a labelled sample", x_name="threshold", zero=True,
        bands=[(best["threshold"], "chosen")] if best else [],
    )  # fmt: skip
