"""The page of a translation: what became of every text, terms, names and voices, and what to review first."""

from __future__ import annotations

from in2x.pages.environment import environment
from in2x.pages.spans import Piece, cut
from in2x.translate.outcome import Outcome
from in2x.translate.summary import ORIGINS, Summary

MOST = 500
"""Most segments and texts of one list on the page (our choice); the review table has all."""


def page(found: Summary) -> str:
    """The HTML of the page."""
    doubtful = sorted(
        (one for one in found.outcomes if one.findings or one.origin == "failed"), key=lambda one: -one.risk
    )
    mended = [one for one in found.outcomes if one.repaired]
    return environment().get_template("translate/page.html.jinja").render(
        it=found, origins=ORIGINS, doubtful=doubtful[:MOST], doubts=len(doubtful), mended=mended[:MOST],
        skipped=found.skipped[:MOST], departures=found.departures(), pieces=_pieces, most=MOST,
    )  # fmt: skip


def _pieces(outcome: Outcome) -> list[Piece]:
    """The translation in pieces, the places of its findings marked."""
    spans = [(f.start, f.end, "trap", f.why) for f in outcome.findings if 0 <= f.start < f.end]
    return cut(outcome.text.text, spans)
