"""A radar of scores by category as one SVG file: one closed line a model, self-contained, readable in print."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

SIZE, RADIUS = 520, 170
COLOURS = ("#2a6fbb", "#c2410c", "#15803d", "#7c3aed", "#b45309", "#0e7490", "#be185d", "#4d7c0f")
SHOWN = len(COLOURS)
"""More lines than this cannot be told apart; the best ones are drawn."""


def radar(models: Mapping[str, Mapping[str, float]], *, top: float) -> str:
    """Scores by model and category, 0 in the middle and `top` at the rim; a category without a score is skipped.

    The first eight models are drawn, in the order given.
    """
    drawn = dict(list(models.items())[:SHOWN])
    axes = list(next(iter(drawn.values()), {}))
    centre = SIZE / 2

    def place(axis: int, share: float) -> tuple[float, float]:
        angle = 2 * math.pi * axis / len(axes) - math.pi / 2
        return centre + RADIUS * share * math.cos(angle), centre + RADIUS * share * math.sin(angle)

    def ring(share: float) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(i, share) for i in range(len(axes))))

    height = SIZE + 22 * len(drawn)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {height}" font-family="sans-serif" '
             'font-size="14"><rect width="100%" height="100%" fill="#fff"/>']  # fmt: skip
    parts += [f'<polygon points="{ring(share)}" fill="none" stroke="#ddd"/>' for share in (0.25, 0.5, 0.75, 1.0)]
    for i, axis in enumerate(axes):
        x, y = place(i, 1.0)
        parts.append(f'<line x1="{centre}" y1="{centre}" x2="{x:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        x, y = place(i, 1.14)
        anchor = "middle" if abs(x - centre) < 8 else "start" if x > centre else "end"
        parts.append(f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="{anchor}">{html.escape(axis)}</text>')
    for line, (model, scores) in enumerate(drawn.items()):
        known = [(i, scores[axis]) for i, axis in enumerate(axes) if not math.isnan(scores.get(axis, math.nan))]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(i, value / top) for i, value in known))
        colour = COLOURS[line]
        parts.append(f'<polygon points="{points}" fill="{colour}" fill-opacity=".06" stroke="{colour}" '
                     'stroke-width="2.5" stroke-linejoin="round"/>')  # fmt: skip
        y = SIZE + 22 * line
        parts.append(f'<circle cx="24" cy="{y - 5}" r="6" fill="{colour}"/>'
                     f'<text x="38" y="{y}">{html.escape(model)}</text>')  # fmt: skip
    return "".join(parts) + "</svg>\n"
