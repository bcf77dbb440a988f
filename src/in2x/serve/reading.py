"""A text of a client as segments, and back: by line where it is plain, by block where it has markup.

A line is the unit of plain text because a model gets one anyhow, and because a text of thousands of lines must give way
to others between two of them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from in2x.formats.document import Document, Kind, Segment
from in2x.formats.fragment import read_html, read_xml
from in2x.records import sound
from in2x.serve.wish import Answer, Wish
from in2x.translate.findings import Finding
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome
from in2x.translate.translator import Translated

_LINE = re.compile(r"\r\n|\r|\n")
_PARAGRAPH = re.compile(r"(?>\r\n|\r|\n)(?:(?>[^\S\r\n]*(?>\r\n|\r|\n))+|\Z)")
"""Breaks behind a line, or behind a paragraph: with a blank line, or at the end."""


_TAG = re.compile(r"<[^<>]*>|&#?\w+;")
Asked = str | Segment
"""A text, or a segment of a document that was read already."""


class Reading(ABC):
    """A text that was read."""

    segments: tuple[Segment, ...]

    @abstractmethod
    def answer(self, outcomes: Sequence[Outcome], job: Job) -> Answer:
        """What became of it, from one outcome a segment."""


@dataclass(frozen=True, slots=True)
class Lines(Reading):
    """Plain text."""

    segments: tuple[Segment, ...]
    ends: tuple[str, ...]
    """The break behind each line."""

    def answer(self, outcomes: Sequence[Outcome], job: Job) -> Answer:
        """See `Reading`."""
        parts: list[str] = []
        findings: list[Finding] = []
        at = 0
        for outcome, end in zip(outcomes, self.ends, strict=True):
            line = outcome.text.text if outcome.written else outcome.segment.text
            findings += [
                replace(one, start=one.start + at, end=one.end + at) if one.start >= 0 else one
                for one in outcome.findings
            ]
            parts += (line, end)
            at += len(line) + len(end)
        return Answer("".join(parts), job.source_lang, tuple(findings), failed=_fault(outcomes))

    def joined(self, lines: Sequence[str]) -> str:
        """Translations of the lines, with the breaks behind them."""
        return "".join(line + end for line, end in zip(lines, self.ends, strict=True))


@dataclass(frozen=True, slots=True)
class Whole(Reading):
    """A segment of a document."""

    segments: tuple[Segment, ...]

    def answer(self, outcomes: Sequence[Outcome], job: Job) -> Answer:
        """See `Reading`."""
        (outcome,) = outcomes
        text = outcome.text if outcome.written else outcome.segment
        return Answer(text.text, job.source_lang, outcome.findings, text.tags, _fault(outcomes))


@dataclass(frozen=True, slots=True)
class Marked(Reading):
    """Text with tags."""

    document: Document

    @property
    def segments(self) -> tuple[Segment, ...]:  # type: ignore[override]
        """See `Reading`."""
        return self.document.segments

    def answer(self, outcomes: Sequence[Outcome], job: Job) -> Answer:
        """See `Reading`; a translation that cannot stand in its markup counts as failed."""
        done = Translated(tuple(outcomes), job, self.document).fitted()
        findings = tuple(replace(one, start=-1, end=-1) for outcome in done.outcomes for one in outcome.findings)
        return Answer(done.write().decode(), job.source_lang, findings, failed=_fault(done.outcomes))


def read(text: Asked, wish: Wish) -> Reading:
    """Read a text; a segment of a document is one already.

    Raises:
        In2xError: it is no such markup.
    """
    if isinstance(text, Segment):
        return Whole((text,))
    if wish.kind != "plain":
        whole: str = sound(text)
        html = wish.kind == "html"
        return Marked(read_html(whole, wish.rules) if html else read_xml(whole, wish.rules, wish.strict))
    found = list(_parted(text, _LINE if wish.lines else _PARAGRAPH))
    kind: Kind = "text" if wish.lines else "subtitle"  # whose line breaks are as spaces
    return Lines(tuple(Segment(line, kind=kind) for line, _ in found), tuple(end for _, end in found))


def words(text: Asked, wish: Wish | None = None) -> str:
    """What is said in a text, without the markup that `wish` has in it."""
    if isinstance(text, Segment):
        return text.text
    return text if wish is None or wish.kind == "plain" else _TAG.sub(" ", text)


def _parted(text: str, breaks: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    at = 0
    for found in breaks.finditer(text):
        yield text[at : found.start()], found[0]
        at = found.end()
    if at < len(text):
        yield text[at:], ""


def _fault(outcomes: Sequence[Outcome]) -> str:
    return next((outcome.fault for outcome in outcomes if outcome.origin == "failed"), "")
