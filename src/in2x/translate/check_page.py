"""The page of `in2x check`: what an editor would go through, by chapter, speaker, term and kind of finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from in2x.language.language import language
from in2x.pages.environment import environment
from in2x.pages.spans import Piece, cut
from in2x.translate.checked import Checked
from in2x.translate.drift import Drift, Place, TermUse, Voice, drift
from in2x.translate.findings import SEVERITY, Rules

MOST = 2000
"""Findings shown; a page of more is of no use to anybody (our choice)."""
CELLS = 160
"""Cells of a speaker's strip: a longer text has several lines in one."""
NEAR = 220
"""Characters of the segments around a finding that are shown."""
COLOURS = {"plain": 1, "polite": 3, "honorific": 4, "casual": 2, "literary": 7}
"""Register -> colour of the charts."""


@dataclass(frozen=True)
class Shown:
    """A segment with findings, as the page shows it."""

    number: int
    place: str
    speaker: str
    source: str
    pieces: list[Piece]
    """The translation, cut at what was found."""
    broken: list[tuple[str, str, str]]
    """(principle, why, severity), gravest first."""
    before: tuple[str, str]
    """Source and translation of the segment before, cut short; "" at the beginning."""
    after: tuple[str, str]


@dataclass(frozen=True)
class Chapter:
    """Segments of one group."""

    name: str
    segments: int
    findings: int
    critical: int
    shown: list[Shown]


@dataclass(frozen=True)
class Strip:
    """How one speaker's register goes over the document."""

    voice: Voice
    name: str
    cells: list[tuple[str, str]]
    """(register, tip)."""
    share: list[tuple[str, float]]
    """Register -> percent of the lines that show one."""


@dataclass(frozen=True)
class Mark:
    """A place that the report names: the number of its segment, the words, the reason."""

    number: int
    words: str
    why: str


def render(
    checked: Sequence[Checked],
    rules: Rules,
    source_lang: str,
    target_lang: str,
    names: tuple[str, str],
    register: str | None = None,
) -> str:
    """The page as HTML, whole and self-contained.

    Args:
        checked: every segment with its verdicts.
        rules: glossary and characters.
        source_lang: code of the source.
        target_lang: code of the translation.
        names: of the two files.
        register: that was asked for, if any.
    """
    answers = [one.pair.answer.text for one in checked]
    report = drift([one.pair.segment for one in checked], answers, rules, source_lang, target_lang)
    kinds = Counter(name for one in checked for name in one.broken)
    grave = Counter(SEVERITY[name] for one in checked for name in one.broken)
    chapters = _chapters(checked)
    numbers = [one.pair.number for one in checked]
    context = {
        "names": names, "source": language(source_lang), "target": language(target_lang), "register": register,
        "segments": len(checked), "faulty": sum(bool(one.broken) for one in checked), "kinds": _ordered(kinds),
        "grave": grave, "chapters": chapters, "cut": sum(kinds.values()) > MOST, "most": MOST, "drift": report,
        "strips": [_strip(voice, checked) for voice in report.voices],
        "registers": [r for r in COLOURS if any(r == name for v in report.voices for name, _ in v.registers)],
        "colours": COLOURS, "terms": _used(report.terms), "people": _used(report.names), "numbers": numbers,
        "unused": sum(not use.due for use in (*report.terms, *report.names)),
        "drifting": [_mark(place, checked) for place in report.drifting],
        "misuse": [_mark(place, checked) for place in report.misuse],
        "breaks": {voice.speaker: [_mark(place, checked) for place in voice.breaks] for voice in report.voices},
        "spoken": any(voice.speaker for voice in report.voices), "told": _told(report),
        "linked": {one.number for chapter in chapters for one in chapter.shown},
    }  # fmt: skip
    return environment().get_template("translate/check.html.jinja").render(context)


def _told(report: Drift) -> bool:
    """Whether anything is known of how people speak."""
    return any(voice.registers or voice.first_person or voice.second_person for voice in report.voices)


def _ordered(kinds: Counter[str]) -> list[tuple[str, int]]:
    order = list(SEVERITY)
    return sorted(kinds.items(), key=lambda item: order.index(item[0]))


def _used(uses: Sequence[TermUse]) -> list[TermUse]:
    """Terms that the text has, those that are not kept first."""
    return sorted((use for use in uses if use.due), key=lambda use: (use.kept - use.due, -use.due, use.source))


def _mark(place: Place, checked: Sequence[Checked]) -> Mark:
    one = checked[place.segment].pair
    return Mark(one.number, one.answer.text[place.start : place.end][:24], place.why)


def _chapters(checked: Sequence[Checked]) -> list[Chapter]:
    """Chapters in order. Where most groups are small (paragraphs of a plain text) the whole is one."""
    groups = [list(rows) for _, rows in groupby(enumerate(checked), key=lambda row: row[1].pair.segment.group)]
    if len(groups) > 1 and len(checked) / len(groups) < 8:
        groups = [list(enumerate(checked))]
    left, chapters = MOST, []
    for number, rows in enumerate(groups, 1):
        shown = []
        for at, one in rows:
            if one.broken and left > 0:
                shown.append(_shown(checked, at))
                left -= len(one.broken)
        name = rows[0][1].pair.segment.group if len(groups) > 1 else "The whole text"
        broken = [SEVERITY[kind] for _, one in rows for kind in one.broken]
        chapters.append(Chapter(name or f"part {number}", len(rows), len(broken), broken.count("critical"), shown))
    return chapters


def _shown(checked: Sequence[Checked], at: int) -> Shown:
    one = checked[at]
    segment, text = one.pair.segment, one.pair.answer.text
    order = ["critical", "major", "minor"]
    broken = sorted(((name, verdict.why, str(SEVERITY[name])) for name, verdict in one.broken.items()),
                    key=lambda row: order.index(row[2]))  # fmt: skip
    spans = [(v.start, v.end, SEVERITY[name], f"{name}: {v.why}") for name, v in one.broken.items() if v.start >= 0]
    return Shown(one.pair.number, segment.place, segment.speaker, segment.text, cut(text, spans), broken,
                 _near(checked, at - 1), _near(checked, at + 1))  # fmt: skip


def _near(checked: Sequence[Checked], at: int) -> tuple[str, str]:
    if not 0 <= at < len(checked):
        return "", ""
    pair = checked[at].pair
    return _short(pair.segment.text), _short(pair.answer.text)


def _short(text: str) -> str:
    return text if len(text) <= NEAR else text[: NEAR - 1] + "…"


def _strip(voice: Voice, checked: Sequence[Checked]) -> Strip:
    """The registers of a speaker in at most `CELLS` cells: each the commonest of its lines."""
    rows = voice.by_line
    cells = []
    size = max(1, -(-len(rows) // CELLS))
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        counts = Counter(register for _, register in part if register != "none")
        register = counts.most_common(1)[0][0] if counts else "none"
        numbers = [checked[n].pair.number for n, _ in part]
        where = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
        cells.append((register, f"{where}: {register}"))
    total = sum(count for _, count in voice.registers)
    share = [(register, 100 * count / total) for register, count in voice.registers]
    return Strip(voice, voice.speaker or "Narration", cells, share)
