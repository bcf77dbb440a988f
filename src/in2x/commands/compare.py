"""`in2x compare RUN RUN`: what differs between two runs, as a table and as a page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.options import out_option
from in2x.commands.show import AsJson, emit, show, tell

FIRST = 12
"""Figures in the terminal, those of whole texts before those of single principles; all are on the page."""


def compare(
    a: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the first run, for example runs/demo.")],
    b: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the second.")],
    out: Annotated[Path | None, out_option("Also write a page: recipe, all figures, curves.")] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Bootstrap resamples.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Compare two runs: what their recipes have different, their figures with intervals, their curves."""
    from rich.table import Table

    from in2x.artifact import write_text
    from in2x.report import versus
    from in2x.report.stage import finished
    from in2x.run import STAGES

    found = versus.compare(finished(a, STAGES), finished(b, STAGES), (str(a), str(b)), resamples)
    if out is not None:
        write_text(out, versus.render(found))
    if as_json:
        emit({key: value for key, value in dataclasses.asdict(found).items() if key != "charts"})
        return
    if found.knobs:
        knobs = Table("knob", str(a), str(b), title="What differs", title_justify="left")
        for knob in found.knobs:
            knobs.add_row(knob.name, *("" if value is None else str(value) for value in (knob.a, knob.b)))
        show(knobs)
    else:
        print("The stages that both have finished were made with the same values.")
    if found.figures:
        table = Table("measure", "pair", str(a), str(b), "difference", title="Figures, 95% intervals",
                      title_justify="left")  # fmt: skip
        first = sorted(found.figures, key=lambda figure: "/" in figure.metric)[:FIRST]  # single principles last
        for f in first:
            cells = ["" if s is None else _told(s, f.scale, "") for s in (f.a, f.b)]
            table.add_row(f.name, f.pair, *cells, "" if f.gap is None else _told(f.gap[0], f.scale, "+"))
        show(table)
        if len(found.figures) > FIRST:
            tell(f"{len(found.figures) - FIRST} figures more on the page (-o) and in --json.")
    if out is not None:
        print(out)


def _told(figure: tuple[float, float, float], scale: float, sign: str) -> str:
    value, low, high = (f"{scale * part:{sign}.2f}" for part in figure)
    return f"{value} ({low} – {high})"
