"""What a translation of one segment breaks: every principle, tags, characters, layout; with how much it matters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from in2x.chat.source import Source
from in2x.formats.document import Limit, Segment, Text
from in2x.principles.case import Case
from in2x.principles.document_checks import DOCUMENT, tags
from in2x.principles.fundamental import check_principles
from in2x.principles.verdict import KEPT, Verdict, not_applicable
from in2x.translate.characters import Characters
from in2x.translate.glossary import Glossary
from in2x.translate.speech import spoken

Severity = Literal["critical", "major", "minor"]
SEVERITY: Mapping[str, Severity] = {
    "language": "critical", "untranslated": "critical", "copied": "critical", "refusal": "critical",
    "answered": "critical", "repetition": "critical", "tags": "critical", "placeholders": "critical",
    "shift": "critical", "names": "major", "glossary": "major", "forbidden": "major", "numbers": "major",
    "register": "major", "length": "major", "lines": "major", "notes": "major", "traps": "major", "ruby": "major",
    "unsure": "major", "natural": "minor", "honorifics": "minor", "first person": "minor", "address": "minor",
    "titles": "minor", "layout": "minor",
}  # fmt: skip
"""By principle (our choice): critical is no translation, or one that breaks the file; major changes what is said or was
agreed; minor is a matter of style."""
WEIGHT: Mapping[Severity, int] = {"critical": 25, "major": 5, "minor": 1}
"""Of a finding, when attempts are compared (as in MQM)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One principle that a translation breaks."""

    principle: str
    why: str
    """One sentence for people, which a model is told as well."""
    severity: Severity
    start: int = -1
    """First code point of the place in the answer, -1 where there is no single place."""
    end: int = -1


@dataclass(frozen=True, slots=True)
class Rules:
    """What was agreed on for a document."""

    glossary: Glossary = field(default_factory=Glossary)
    characters: Characters = field(default_factory=Characters)


def case_of_source(source: Source, rules: Rules, segment: Segment) -> Case:
    """What the translation of a segment is held against."""
    checks = dict(rules.glossary.checks(segment.text))
    if rules.characters.names:
        checks["names"] = rules.characters.names
    register = source.register
    if register is None and segment.speaker:
        register = rules.characters.relation(segment.speaker).register
    return Case(segment.text, source.source_lang, source.target_lang, register=register, checks=checks)


def verdicts(source: Source, answer: Text, rules: Rules, segment: Segment) -> dict[str, Verdict]:
    """The verdict on `answer` by every principle, in the order of reports."""
    case = case_of_source(source, rules, segment)
    found = check_principles(case, answer.text)
    found |= {principle.name: principle.check(case, answer.text) for principle in DOCUMENT}
    found["tags"] = tags(segment, answer)
    found |= spoken(answer.text, rules.characters, segment.speaker, source.target_lang)
    found["layout"] = layout(answer.text, segment.limit)
    if segment.limit is not None:  # broken into lines to fit
        found["lines"] = not_applicable("the layout decides")
    return found


def find(source: Source, answer: Text, rules: Rules, segment: Segment) -> list[Finding]:
    """What `answer` breaks, gravest first.

    Args:
        source: what was asked; its register counts, and its languages.
        answer: the translation with its tags.
        rules: glossary and characters.
        segment: the segment of the document, its text without placeholders for tags.
    """
    found = [
        Finding(name, verdict.why, SEVERITY[name], verdict.start, verdict.end)
        for name, verdict in verdicts(source, answer, rules, segment).items()
        if verdict.kept is False
    ]
    return sorted(found, key=lambda finding: -WEIGHT[finding.severity])


def weight(findings: list[Finding]) -> int:
    """How bad an attempt is: the sum of its findings' weights."""
    return sum(WEIGHT[finding.severity] for finding in findings)


def layout(answer: str, limit: Limit | None) -> Verdict:
    """Whether the lines of `answer` ("\\n" between them) are as few and as short as they may be."""
    if limit is None:
        return not_applicable("no limit is set")
    lines = answer.split("\n")
    if len(lines) > limit.lines:
        return Verdict(False, f"{len(lines)} lines; at most {limit.lines} fit")
    at = 0
    for line in lines:
        wide = sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.5 for char in line)
        if wide > limit.width:
            return Verdict(False, f"a line of {wide:g} full-width characters; {limit.width:g} fit", at, at + len(line))
        at += len(line) + 1
    return KEPT
