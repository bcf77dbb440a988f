"""A text of a client as segments, and back: by line where it is plain, by block where it has markup.

A line is the unit of plain text because a model gets one anyhow, and because a text of thousands of lines must give way
to others between two of them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from in2x.formats.document import Document, Options, Segment
from in2x.formats.registry import parse
from in2x.serve.wish import Answer, Markup
from in2x.translate.findings import Finding
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome
from in2x.translate.translator import Translated

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_MARK = "\ufeff"
"""A mark of UTF-8: whatever a text of markup declares of its encoding, it came as characters."""
_OPEN, _CLOSE = '<?xml version="1.0"?><div>', "</div>"
"""What makes a piece of XML whole."""


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
        return Answer("".join(parts), job.source_lang, tuple(findings), _fault(outcomes))


@dataclass(frozen=True, slots=True)
class Marked(Reading):
    """Text with tags."""

    document: Document
    head: str
    tail: str
    """What was put around it to be read."""

    @property
    def segments(self) -> tuple[Segment, ...]:  # type: ignore[override]
        """See `Reading`."""
        return self.document.segments

    def answer(self, outcomes: Sequence[Outcome], job: Job) -> Answer:
        """See `Reading`; a translation that cannot stand in its markup counts as failed."""
        done = Translated(tuple(outcomes), job, self.document).fitted()
        text = done.write().decode("utf-8").removeprefix(self.head).removesuffix(self.tail)
        findings = [replace(one, start=-1, end=-1) for outcome in done.outcomes for one in outcome.findings]
        return Answer(text, job.source_lang, tuple(findings), _fault(done.outcomes))


def read(text: str, kind: Markup, source_lang: str, target_lang: str) -> Reading:
    """Read a text.

    Raises:
        In2xError: it is no such markup.
    """
    if kind == "plain":
        lines = [match for match in _LINE.finditer(text) if match[0]] or [_LINE.match("")]
        found = [(line[1], line[2]) for line in lines if line]
        return Lines(tuple(Segment(line) for line, _ in found), tuple(end for _, end in found))
    head, tail = (_MARK + _OPEN, _CLOSE) if kind == "xml" else (_MARK, "")
    raw = f"{head}{text}{tail}".encode("utf-8", "replace")
    return Marked(parse(raw, "the text", Options(source_lang, target_lang), "html"), head, tail)


def _fault(outcomes: Sequence[Outcome]) -> str:
    return next((outcome.fault for outcome in outcomes if outcome.origin == "failed"), "")
