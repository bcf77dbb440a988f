"""What a whole translation shows: adherence to terms, and drift of names, forms of address, register and voice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from in2x.formats.document import Segment
from in2x.language.finding import Finding
from in2x.language.grammar import grammar
from in2x.language.register import register_of
from in2x.language.voices import SpeakerVoice
from in2x.principles.case import Case
from in2x.principles.terms import Terms, places, stands, variants
from in2x.principles.text_checks import register as register_check
from in2x.translate.findings import Rules
from in2x.translate.speech import other_person


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the translation."""

    segment: int
    """0-based number of the segment."""
    start: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class TermUse:
    """How one agreed term or name was rendered."""

    source: str
    target: str
    due: int
    """Segments whose source has it."""
    kept: int
    """Of these, translations that have an agreed rendering."""
    missing: tuple[int, ...]
    """The other segments."""
    forbidden: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """How one speaker speaks over the document."""

    speaker: str
    lines: int
    registers: tuple[tuple[str, int], ...]
    """Register -> segments, most first; "none" is left out."""
    by_line: tuple[tuple[int, str], ...]
    """(segment, register) in order, "none" included."""
    first_person: tuple[tuple[str, int], ...]
    second_person: tuple[tuple[str, int], ...]
    titles: tuple[tuple[str, int], ...]
    """Titles that stand behind names in these lines."""
    feminine: int
    masculine: int
    """Endings and words that convention gives to women and to men."""
    breaks: tuple[Place, ...]
    """Lines that depart from the speaker's habit, or from the characters file."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The report on a document."""

    terms: tuple[TermUse, ...]
    names: tuple[TermUse, ...]
    """Of the characters file."""
    drifting: tuple[Place, ...]
    """Names that are written in more than one way."""
    titles: tuple[tuple[str, int], ...]
    voices: tuple[Voice, ...]
    """By speaker; "" is the narration, or a text without speakers."""
    misuse: tuple[Place, ...]
    """Wrong honorific forms."""

    @property
    def adherence(self) -> float | None:
        """Share of due terms and names that are rendered as agreed; None where none is due."""
        due = sum(use.due for use in (*self.terms, *self.names))
        return sum(use.kept for use in (*self.terms, *self.names)) / due if due else None


def drift(
    segments: Sequence[Segment], answers: Sequence[str], rules: Rules, source_lang: str, target_lang: str
) -> Drift:
    """The report on the translations of the segments of one document, one each ("" where there is none).

    Raises:
        ValueError: the two have different lengths.
    """
    if len(segments) != len(answers):
        raise ValueError(f"{len(segments)} segments and {len(answers)} answers")
    there = [number for number, answer in enumerate(answers) if answer.strip()]
    tongue = grammar(target_lang)
    agreed = [(t.source, t.target, t.forbidden) for t in rules.glossary.terms]
    named = [(source, target, ()) for source, target in rules.characters.names.items()]
    drifting: tuple[Place, ...] = ()
    misuse: tuple[Place, ...] = ()
    titles: Counter[str] = Counter()
    if tongue is not None:
        found = tongue.name_drift([segments[n].text for n in there], [answers[n] for n in there])
        drifting = tuple(Place(there[at], f.start, f.end, f.en) for at, f in found)
        misuse = tuple(Place(n, f.start, f.end, f"{f.label}: {f.en}") for n in there for f in tongue.misuse(answers[n]))
        titles.update(f.label for n in there for f in tongue.titles(answers[n]))
    return Drift(
        _uses(agreed, segments, answers, there, source_lang, target_lang),
        _uses(named, segments, answers, there, source_lang, target_lang),
        drifting,
        _ranked(titles),
        tuple(_voices(segments, answers, there, rules, target_lang)),
        misuse,
    )


def _ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _uses(
    agreed: Sequence[tuple[str, str, Sequence[str]]],
    segments: Sequence[Segment],
    answers: Sequence[str],
    there: Sequence[int],
    source_lang: str,
    target_lang: str,
) -> tuple[TermUse, ...]:
    finder = Terms((source for source, _, _ in agreed), source_lang)
    where: dict[str, list[int]] = {}
    for number in there:
        for source in finder.places(segments[number].text):
            where.setdefault(source, []).append(number)
    uses = []
    for source, target, barred in agreed:
        due = where.get(source, [])
        renderings = variants(target)
        missing = tuple(n for n in due if renderings and not stands(answers[n], renderings, target_lang))
        wrong = tuple(
            Place(n, start, end, f"{one} is forbidden for {source}")
            for n in due for one in barred for start, end in places(answers[n], one, target_lang)
        )  # fmt: skip
        uses.append(TermUse(source, target, len(due), len(due) - len(missing), missing, wrong))
    return tuple(uses)


def _voices(
    segments: Sequence[Segment], answers: Sequence[str], there: Sequence[int], rules: Rules, target_lang: str
) -> list[Voice]:
    tongue = grammar(target_lang)
    by_speaker: dict[str, list[int]] = {}
    for number in there:
        by_speaker.setdefault(segments[number].speaker, []).append(number)
    voices = []
    for speaker, lines in by_speaker.items():
        registers = [(n, register_of(answers[n], target_lang)) for n in lines]
        counts = Counter(register for _, register in registers if register != "none")
        first: Counter[str] = Counter()
        second: Counter[str] = Counter()
        titles: Counter[str] = Counter()
        feminine = masculine = 0
        breaks: list[Place] = []
        if tongue is not None:
            texts = [answers[n] for n in lines]
            said = [f for text in texts for f in tongue.persons(text)]
            first.update(f.label for f in said if f.kind == "first person")
            second.update(f.label for f in said if f.kind == "second person")
            titles.update(f.label for text in texts for f in tongue.titles(text))
            if speaker:
                voice = tongue.speakers(texts, [speaker] * len(texts))[0]
                genders = [tongue.gender(text) for text in texts]
                feminine, masculine = sum(g.feminine for g in genders), sum(g.masculine for g in genders)
            else:
                voice = tongue.narrator(texts)
            breaks = [_place(lines[b.turn], b.finding) for b in voice.breaks]
            breaks = _agreed(breaks, speaker, voice, lines, answers, rules, target_lang)
        voices.append(Voice(speaker, len(lines), _ranked(counts), tuple(registers), _ranked(first), _ranked(second),
                            _ranked(titles), feminine, masculine, tuple(breaks)))  # fmt: skip
    return sorted(voices, key=lambda voice: (voice.speaker == "", -voice.lines))


def _agreed(
    breaks: list[Place],
    speaker: str,
    voice: SpeakerVoice,
    lines: Sequence[int],
    answers: Sequence[str],
    rules: Rules,
    target_lang: str,
) -> list[Place]:
    """The breaks of a speaker's habit, but for what the characters file says: that counts, not the habit."""
    person = rules.characters.who(speaker) if speaker else None
    if person is None:
        return breaks
    register = rules.characters.relation(speaker).register
    kinds = {kind for kind, agreed in (("register break", register), ("first person", person.first_person)) if agreed}
    found = [_place(lines[b.turn], b.finding) for b in voice.breaks if b.finding.kind not in kinds]
    for number in lines:
        case = Case("", target_lang, target_lang, register=register)
        verdict = register_check(case, answers[number])
        if verdict.kept is False:
            found.append(Place(number, 0, len(answers[number]), verdict.why))
        wrong = other_person(answers[number], person.first_person, "first person", target_lang)
        if wrong is not None:
            why = f"{person.name} says {person.first_person}, here {wrong.label}"
            found.append(Place(number, wrong.start, wrong.end, why))
    return sorted(found, key=lambda place: (place.segment, place.start))


def _place(segment: int, finding: Finding) -> Place:
    return Place(segment, finding.start, finding.end, finding.en)
