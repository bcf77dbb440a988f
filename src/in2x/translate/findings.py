"""What a translation of one segment breaks: every principle, tags, characters, layout; with how much it matters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from in2x.chat.source import Source
from in2x.formats.document import Limit, Segment, Text
from in2x.language.finding import Finding as Word
from in2x.language.grammar import grammar
from in2x.principles.case import Case
from in2x.principles.document_checks import DOCUMENT, tags
from in2x.principles.fundamental import check_principles
from in2x.principles.verdict import KEPT, Verdict, not_applicable
from in2x.translate.characters import Characters
from in2x.translate.glossary import Glossary

Severity = Literal["critical", "major", "minor"]
SEVERITY: Mapping[str, Severity] = {
    "language": "critical", "untranslated": "critical", "copied": "critical", "refusal": "critical",
    "answered": "critical", "repetition": "critical", "tags": "critical", "placeholders": "critical",
    "shift": "critical", "names": "major", "glossary": "major", "forbidden": "major", "numbers": "major",
    "register": "major", "length": "major", "lines": "major", "notes": "major", "traps": "major", "ruby": "major",
    "natural": "minor", "honorifics": "minor", "first person": "minor", "address": "minor", "titles": "minor",
    "layout": "minor",
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
    found |= _speech(answer.text, rules.characters, segment, source.target_lang)
    found["layout"] = _layout(answer.text, segment.limit)
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


def _speech(answer: str, characters: Characters, segment: Segment, target_lang: str) -> dict[str, Verdict]:
    """Whether the words for "I" and "you" are the speaker's."""
    rules, person = grammar(target_lang), characters.who(segment.speaker) if segment.speaker else None
    unknown = not_applicable("no speaker's words are agreed")
    found = {"first person": unknown, "address": unknown}
    if rules is None or person is None:
        return found
    relation = characters.relation(segment.speaker)
    for name, kind, own in (("first person", "first person", person.first_person),
                            ("address", "second person", relation.address)):  # fmt: skip
        if not own or not any(word.kind == kind for word in rules.persons(answer)):
            continue
        wrong = other_person(answer, own, kind, target_lang)
        found[name] = KEPT
        if wrong is not None:
            found[name] = Verdict(False, f"{person.name} says {own}, here {wrong.label}", wrong.start, wrong.end)
    return found


def other_person(answer: str, own: str, kind: str, target_lang: str) -> Word | None:
    """The first word for "I" or "you" (`kind`) in `answer` that is not `own`, in kanji or kana; None where none is."""
    rules = grammar(target_lang)
    if rules is None or not own:
        return None
    right = {word.lemma for word in rules.words(own)}
    return next((said for said in rules.persons(answer) if said.kind == kind and said.label != own
                 and not right & {word.lemma for word in rules.words(said.label)}), None)  # fmt: skip


def _layout(answer: str, limit: Limit | None) -> Verdict:
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
