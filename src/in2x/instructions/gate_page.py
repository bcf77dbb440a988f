"""The page of `in2x instruct-check`: the figures by gate, and every item that fell. One file, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from in2x.instructions.gate_check import Checked, Measured, row
from in2x.pages.environment import environment

MOST = 2000
"""Items that the page shows of one part; `--json` has all."""


def render(name: str, figures: Mapping[str, Measured], shown: Mapping[str, Sequence[Checked]]) -> str:
    """The page as HTML text.

    Args:
        name: of the file.
        figures: by part ("code", "judge").
        shown: by part, the items that the page has.
    """
    parts = [
        {
            "name": part,
            "found": found,
            "rows": [row(one) for one in shown[part][:MOST]],
            "more": len(shown[part]) - MOST,
        }
        for part, found in figures.items()
    ]
    template = environment().get_template("instructions/gates.html.jinja")
    return template.render(name=name, parts=parts)
