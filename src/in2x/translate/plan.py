"""What is asked for each segment, under which key its translation is kept, and in which order the work goes.

A key is the hash of all that a translation depends on: the text, the *sources* of the segments before it, the terms
that stand in it, register, style, scene, and the model with its prompt and decoding. The translations before it are
told to the model, but are in no key: else one edited line would ask for every line after it again.

With context, segments follow each other in stretches, and stretches go side by side: what stands before the beginning
of one is told without its translation where there is none yet. So the order depends on the document alone, not on how
fast answers come.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from in2x.chat.source import Source
from in2x.formats.document import Segment
from in2x.translate.backend import one_line, wordless
from in2x.translate.glossary import Glossary, Term
from in2x.translate.job import Job
from in2x.translate.pieces import Piece, list_marks, pieces
from in2x.translate.tags import marked

STRETCH = 240
"""Most segments that wait for each other; a stretch ends with its group (a chapter, a paragraph) from half of that on.
Our choice: a book of 5,000 lines goes twenty ways at once."""
HISTORY = 4000
"""Most characters of context before a segment (our choice): a long one must not fill what the model reads."""
NEAR = 4
"""Segments within which the one who is spoken to is looked for (our choice)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A segment as it is asked for."""

    number: int
    segment: Segment
    parts: tuple[Piece, ...]
    questions: tuple[Source, ...]
    """One a part, still without translations of what stands before."""
    before: tuple[int, ...]
    """Numbers of the segments that are its context, oldest first."""
    shown: str
    """The segment with its tags as placeholders, as journals and reviews show it."""
    key: str

    def asked(self, translation: Callable[[int], str]) -> tuple[Source, ...]:
        """`questions` with what stands before: its sources, and each one's `translation` ("" where there is none)."""
        if not self.before:
            return self.questions
        pairs = tuple(
            (source, translation(number))
            for number, (source, _) in zip(self.before, self.questions[0].before, strict=True)
        )
        return tuple(replace(question, before=pairs) for question in self.questions)


def to_translate(segment: Segment, redo: bool) -> bool:
    """Whether there is something to translate: words, and no translation in the file (unless it is made anew)."""
    return wordless(segment.text) is None and (redo or not segment.done)


def units(segments: Sequence[Segment], job: Job, context: int, tagged: bool, identity: str) -> list[Unit | None]:
    """One unit a segment, None where there is nothing to translate.

    Args:
        segments: the document's, in its order.
        job: what is wished.
        context: segments before a segment that the model is told.
        tagged: whether the model takes placeholders; it is given the bare text otherwise.
        identity: the model, its prompt and decoding, as one text.
    """
    marks = list_marks([segment.text for segment in segments])
    agreed = _agreed(job)
    found: list[Unit | None] = []
    past: list[int] = []
    for number, segment in enumerate(segments):
        before = _bounded(segments, past[-context:]) if context else ()
        if to_translate(segment, job.redo):
            parts = pieces(segment, marks[number])
            scene = _scene(segments, number, job)
            pairs = tuple((one_line(segments[n].text), "") for n in before)
            questions = tuple(_question(part, pairs, job, scene, tagged, agreed) for part in parts)
            key = _key(identity, segment, parts, questions)
            found.append(Unit(number, segment, parts, questions, before, marked(segment), key))
        else:
            found.append(None)
        if wordless(segment.text) is None:
            past.append(number)
    return found


def waves(
    plan: Sequence[Unit | None], todo: Collection[int], context: int, at_once: int, batch: int
) -> Iterator[list[list[Unit]]]:
    """The work in its order: in each step lists of units that follow each other, side by side.

    Which units make a list does not depend on what is still to do: a run that was killed asks the very same questions,
    whose answers it may have.

    Args:
        plan: the units of all segments.
        todo: numbers of those that are to be asked.
        context: see `units`. Without any, a step is `batch` units, each on its own.
        at_once: units of one list: 1, or as many as go into one numbered question.
        batch: most units of a step.
    """
    every = [unit for unit in plan if unit is not None]
    if not context:
        left = [unit for unit in every if unit.number in todo]
        for start in range(0, len(left), batch):
            yield [[unit] for unit in left[start : start + batch]]
        return
    waiting: list[list[list[Unit]]] = []
    for stretch in _stretches(every):
        rows = [stretch[at : at + at_once] for at in range(0, len(stretch), at_once)]
        rows = [asked for row in rows if (asked := [unit for unit in row if unit.number in todo])]
        waiting += [rows] if rows else []
    while waiting:
        side = waiting[: max(1, batch // at_once)]
        yield [rows.pop(0) for rows in side]
        waiting = [rows for rows in waiting if rows]


def _agreed(job: Job) -> tuple[Glossary, Glossary]:
    """The names of the characters, and the glossary, which has the last word."""
    names = tuple(Term(source, target) for source, target in job.rules.characters.names.items())
    return Glossary(names, job.source_lang, job.target_lang), job.rules.glossary


def _stretches(every: Sequence[Unit]) -> list[list[Unit]]:
    found: list[list[Unit]] = []
    for unit in every:
        last = found[-1] if found else []
        ends = len(last) >= STRETCH // 2 and last[-1].segment.group != unit.segment.group
        if not last or ends or len(last) >= STRETCH:
            found.append([unit])
        else:
            last.append(unit)
    return found


def _bounded(segments: Sequence[Segment], numbers: Sequence[int]) -> tuple[int, ...]:
    kept: list[int] = []
    room = HISTORY
    for number in reversed(numbers):
        room -= len(segments[number].text)
        if room < 0:
            break
        kept.append(number)
    return tuple(reversed(kept))


def _scene(segments: Sequence[Segment], number: int, job: Job) -> tuple[str | None, str]:
    """Register, and sentences for the model: the synopsis, and who speaks here to whom."""
    segment = segments[number]
    if not segment.speaker:
        return job.register, job.synopsis
    order = [n for distance in range(1, NEAR + 1) for n in (number - distance, number + distance)]
    near = (segments[n].speaker for n in order if 0 <= n < len(segments))
    listener = next((speaker for speaker in near if speaker not in ("", segment.speaker)), None)
    scene = job.rules.characters.scene(segment.speaker, listener)
    return scene.register or job.register, "\n".join(filter(None, (job.synopsis, scene.sentences)))


def _question(part: Piece, before: tuple[tuple[str, str], ...], job: Job, scene: tuple[str | None, str],
              tagged: bool, agreed: Sequence[Glossary]) -> Source:  # fmt: skip
    register, sentences = scene
    due = {term.source: term.preferred for terms in agreed for term in terms.due(part.body.text)}
    return Source(
        text=marked(part.body) if tagged else part.body.text,
        source_lang=job.source_lang,
        target_lang=job.target_lang,
        register=register,
        terms=tuple(due.items()),
        before=before,
        scene=sentences,
        style=job.style,
        tagged=tagged and bool(part.body.tags),
    )


def _key(identity: str, segment: Segment, parts: Sequence[Piece], questions: Sequence[Source]) -> str:
    first = questions[0]
    told = [first.register, first.scene, first.style, [source for source, _ in first.before]]
    asked = [[one.text, marked(part.body), one.terms] for one, part in zip(questions, parts, strict=True)]
    raw = json.dumps([identity, segment.text, first.source_lang, first.target_lang, told, asked], ensure_ascii=True)
    return hashlib.blake2b(raw.encode(), digest_size=12).hexdigest()
