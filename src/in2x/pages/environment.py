"""The templates of all pages: self-contained, escaped, light and dark.

A room keeps its own templates and asks for them by path ("selection/selected.html.jinja"); frame, style, charts and
scripts are here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from in2x.errors import UsageError
from in2x.language import language as pack_of
from in2x.pages.charts import Line, figure, number


def language(code: str) -> str:
    """English name of a language code; what is no code of a language (a corpus's "und") stays as it is."""
    try:
        return pack_of(code).name
    except UsageError:
        return code


def duration(seconds: float) -> str:
    """45 s · 3 min 20 s · 26 min · 1 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if 600 <= whole < 3570:
        return f"{round(seconds / 60)} min"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def plotdata(lines: Sequence[Line]) -> str:
    """What a plot's tooltip needs, as JSON for an attribute (escaped by the template)."""
    return json.dumps([{"n": one.name, "c": one.colour, "p": one.places, "x": one.xs,
                        "y": [float(f"{y:.5g}") for y in one.ys]} for one in lines], separators=(",", ":"))  # fmt: skip


def environment() -> Environment:
    """The shared templates and those of the rooms; everything is escaped, and a missing value is an error."""
    found = Environment(
        loader=ChoiceLoader([PackageLoader("in2x.pages", "."), PackageLoader("in2x", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(number=number, figure=figure, plotdata=plotdata, duration=duration, language=language)
    return found
