"""Geometry of the page's charts; `charts.html.jinja` draws what is computed here.

A plot is an SVG stretched to its box (strokes keep their width) with HTML labels placed in percent, so that one static
drawing is sharp at every width and text never shrinks on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SIZE = 1000
"""Plots are drawn in a square of this many units."""


@dataclass(frozen=True)
class Series:
    """One line: points (x, y) with x rising."""

    name: str
    points: Sequence[tuple[float, float]]
    faint: bool = False
    """Drawn thin and pale (training loss behind the held-out loss)."""


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, in percent from its start."""

    percent: float
    label: str


@dataclass(frozen=True)
class Line:
    """A drawn series: SVG path, colour number (1..8), and its points for the tooltip."""

    name: str
    colour: int
    faint: bool
    path: str
    xs: list[float]
    ys: list[float]
    places: list[float]
    """x of each point in percent."""


@dataclass(frozen=True)
class LineChart:
    """A chart ready to draw."""

    title: str
    note: str
    x_name: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    bands: list[tuple[float, str]] = field(default_factory=list)
    """Vertical marks (percent, label): where a phase begins."""


def average_down(points: Sequence[tuple[float, float]], limit: int) -> list[tuple[float, float]]:
    """At most `limit` points, each the mean of a run of neighbours; the last x is kept."""
    if len(points) <= limit:
        return list(points)
    groups = [points[i * len(points) // limit : (i + 1) * len(points) // limit] for i in range(limit)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values that cover [low, high]: steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def number(value: float | None) -> str:
    """A value as people write it: 12,345 · 81.2 · 2.31 · 0.031 · 3e-05."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if isinstance(value, int) or size >= 1000:
        return f"{value:,.0f}"
    if value == round(value):
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.01:
        return f"{value:.3f}".rstrip("0").rstrip(".") if size < 1 else f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.0e}".replace("e-0", "e-")


def figure(value: float, digits: int = 1) -> str:
    """A value of a table column: the same number of decimals in every row."""
    return f"{value:,.{digits}f}"


def line_chart(
    title: str, series: Iterable[Series], *, note: str = "", x_name: str = "step", limit: int = 240,
    bands: Sequence[tuple[float, str]] = (), zero: bool = False,
) -> LineChart | None:  # fmt: skip
    """Lay out lines over common axes; None where no series has a finite point.

    Args:
        limit: points a line; longer ones are averaged down.
        bands: (x, label) of vertical marks.
        zero: start the y axis at 0.
    """
    kept = []
    for one in series:
        finite = [(float(x), float(y)) for x, y in one.points if math.isfinite(y)]
        if finite:
            kept.append((one, average_down(finite, limit)))
    if not kept:
        return None
    xs = [float(x) for one, _ in kept for x, _ in one.points]
    ys = [y for _, points in kept for _, y in points]
    y_values = nice_ticks(0.0 if zero else _robust_low(ys), _robust_high(ys))
    x_low, x_high = min(xs), max(xs)
    x_values = [x for x in nice_ticks(x_low, x_high, 5) if x_low <= x <= x_high]
    y_low, y_high = y_values[0], y_values[-1]

    def across(x: float) -> float:
        return (x - x_low) / (x_high - x_low) if x_high > x_low else 0.5

    def up(y: float) -> float:
        return min(1.02, max(-0.02, (y - y_low) / (y_high - y_low)))

    lines = []
    colours: dict[str, int] = {}
    for one, points in kept:
        colour = colours.setdefault(one.name.removesuffix(" (training)"), len(colours) % 8 + 1)
        steps = [f"{across(x) * SIZE:.1f} {(1 - up(y)) * SIZE:.1f}" for x, y in points]
        # A single point is drawn as a dot, a line of no length with round ends.
        path = "M" + " L".join(steps) + ("h0" if len(steps) == 1 else "")
        lines.append(Line(one.name, colour, one.faint, path, [x for x, _ in points], [y for _, y in points],
                          [round(100 * across(x), 2) for x, _ in points]))  # fmt: skip
    return LineChart(
        title, note, x_name, lines,
        [Tick(100 * across(x), number(x)) for x in x_values],
        [Tick(100 * up(y), number(y)) for y in y_values],
        [(100 * across(max(x, x_low)), label) for x, label in bands if x <= x_high],
    )  # fmt: skip


def _robust_high(ys: Sequence[float]) -> float:
    """The largest value, unless the first moments of training tower over the rest: then the 97th percentile."""
    ranked = sorted(ys)
    high = ranked[-1]
    usual = ranked[min(len(ranked) - 1, int(0.97 * len(ranked)))]
    low = ranked[0]
    return usual if usual > low and (high - low) > 3 * (usual - low) else high


def _robust_low(ys: Sequence[float]) -> float:
    return -_robust_high([-y for y in ys])


@dataclass(frozen=True)
class Bar:
    """One horizontal bar made of parts: (part name, colour, value, percent of the longest bar)."""

    label: str
    total: float
    parts: list[tuple[str, int, float, float]]
    tip: str = ""


def bars(rows: Mapping[str, Mapping[str, float]], tips: Mapping[str, str] | None = None) -> list[Bar]:
    """Stacked horizontal bars on one scale; a part has one colour through all rows, in order of first meeting."""
    longest = max((sum(parts.values()) for parts in rows.values()), default=0) or 1
    colours: dict[str, int] = {}
    out = []
    for label, parts in rows.items():
        cut = [
            (name, colours.setdefault(name, len(colours) % 8 + 1), value, 100 * value / longest)
            for name, value in parts.items()
            if value
        ]
        out.append(Bar(label, sum(parts.values()), cut, (tips or {}).get(label, "")))
    return out


@dataclass(frozen=True)
class Whisker:
    """One row of an interval plot, places in percent of the common scale."""

    label: str
    value: float
    low: float
    high: float
    at: float
    start: float
    end: float
    mark: str
    """"best", "worse" or ""."""


@dataclass(frozen=True)
class IntervalChart:
    """Values with intervals, one row each, over a common scale; `zero` is where 0 lies on a scale of differences."""

    title: str
    rows: list[Whisker]
    ticks: list[Tick]
    zero: float | None


def interval_chart(
    title: str, rows: Sequence[tuple[str, float, float, float]], *, difference: bool = False
) -> IntervalChart | None:
    """Lay out (label, value, low, high) rows; None where there is none.

    Args:
        difference: the values are differences: 0 is on the scale, and a row is judged by whether its interval holds 0
            ("best" above it, "worse" below it); otherwise the highest value is "best".
    """
    if not rows:
        return None
    lows, highs = [r[2] for r in rows], [r[3] for r in rows]
    ticks = nice_ticks(min(*lows, 0.0) if difference else min(lows), max(*highs, 0.0) if difference else max(highs))
    low, high = ticks[0], ticks[-1]

    def across(x: float) -> float:
        return 100 * (x - low) / (high - low)

    best = max(row[1] for row in rows)

    def mark(value: float, start: float, end: float) -> str:
        if difference:
            return "best" if start > 0 else "worse" if end < 0 else ""
        return "best" if value == best else ""

    drawn = [Whisker(label, v, a, b, across(v), across(a), across(b), mark(v, a, b)) for label, v, a, b in rows]
    zero = across(0.0) if difference else None
    return IntervalChart(title, drawn, [Tick(across(t), number(t)) for t in ticks], zero)
