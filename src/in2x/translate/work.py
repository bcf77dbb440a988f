"""The work on the segments of one text: what is kept already, what is asked, checked, mended, and kept at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from in2x.chat.source import Source
from in2x.formats.document import Segment, Text
from in2x.translate.backend import Backend, Translation, wordless
from in2x.translate.findings import SEVERITY, Finding, find
from in2x.translate.identity import identity
from in2x.translate.job import CONTEXT, Job
from in2x.translate.journal import Journal, Kept
from in2x.translate.numbered import TOGETHER, ask_numbered
from in2x.translate.outcome import Outcome
from in2x.translate.pieces import bodies, whole
from in2x.translate.plan import Unit, units, waves
from in2x.translate.repair import Attempt, Line, failing, mend
from in2x.translate.request import TranslationRequest
from in2x.translate.shown import shown, with_tags

if TYPE_CHECKING:
    from in2x.llm.request import Asker
    from in2x.translate.mbr import MbrBackend

Done = Callable[[int, Outcome], None]
"""Called with each segment's number and outcome, as it is finished."""
WARM = 0.7
"""Temperature of the answers that a model draws which cannot be told what was wrong (our choice)."""


class Work:
    """The translation of `segments` as `job` wishes.

    Args:
        backend: who translates.
        takes: what it can be told beside the text: "before", "tags", "mend".
        segments: in their order.
        job: the wishes.
        journal: what is kept, and where it is kept.
        step: segments translated together.
        asker: the model behind the backend, where it is to be asked numbered questions.
        before: called once before anything is asked.
        done: told of each segment.
    """

    def __init__(
        self, backend: Backend | MbrBackend, takes: frozenset[str], segments: Sequence[Segment], job: Job, *,
        journal: Journal | None = None, step: int = 64, asker: Asker | None = None,
        before: Callable[[], None] = lambda: None, done: Done = lambda number, outcome: None,
    ) -> None:  # fmt: skip
        people = job.rules.characters
        self.segments = [replace(one, speaker=one.speaker or people.spoken_by(one.text)) for one in segments]
        self.backend, self.takes, self.job = backend, takes, job
        self.journal, self.step, self.asker, self.before, self.done = journal, step, asker, before, done
        self.context = (CONTEXT if "before" in takes else 0) if job.context is None else job.context
        self.request = TranslationRequest(job.source_lang, job.target_lang, seed=job.seed, beams=job.beams)
        known = identity(backend, job.seed, job.beams) if journal else ""  # it reads the model's files
        self.units = units(self.segments, job, self.context, "tags" in takes, known)
        self.outcomes: list[Outcome | None] = [None] * len(segments)
        self.same: dict[str, list[Unit]] = {}
        for unit in self.units:
            if unit is not None:
                self.same.setdefault(unit.key, []).append(unit)

    def run(self) -> list[Outcome]:
        """One outcome a segment.

        Raises:
            In2xError: the model cannot be used; what is done by then is kept in the journal.
        """
        todo = self._settle()
        if todo:
            self.before()
        at_once = TOGETHER if self.asker is not None and self.context else 1
        numbers = {unit.number for unit in todo}
        for side in waves(self.units, numbers, self.context, at_once, self.step):
            self._translate(side)
        return [outcome for outcome in self.outcomes if outcome is not None]

    # --- what needs no model ------------------------------------------------------------------------------------------

    def _settle(self) -> list[Unit]:
        """Finish what is untouched, edited or kept; the first unit of each key that is still to be asked."""
        edits = self.journal.edits if self.journal else None
        known = [(unit.shown, unit.segment.place) if unit else ("", "") for unit in self.units]
        edited = edits.matched(known) if edits else [None] * len(known)
        todo: dict[str, Unit] = {}
        for number, (segment, unit) in enumerate(zip(self.segments, self.units, strict=True)):
            if unit is None:
                words = wordless(segment.text) is None
                self._finish(number, Outcome(segment, Text(segment.done) if words else segment,
                                             "file" if words else "untouched"))  # fmt: skip
            elif (edit := edited[number]) is not None:
                text, _ = self._with_tags(edit, segment)
                self._finish(number, Outcome(segment, text, "edited", findings=self._whole_findings(unit, text)))
            elif (kept := self.journal.get(unit.key) if self.journal else None) and not self._to_mend(unit, kept):
                self._finish(number, self._from(unit, kept))
            else:
                todo.setdefault(unit.key, unit)
        return list(todo.values())

    def _with_tags(self, words: str, source: Text, question: Source | None = None) -> tuple[Text, str]:
        one = self.backend.translators[0] if hasattr(self.backend, "translators") else self.backend
        return with_tags(words, source, self.job.source_lang, self.job.target_lang, one, question)

    def _from(self, unit: Unit, kept: Kept) -> Outcome:
        text, _ = self._with_tags(kept.text, unit.segment)
        findings = self._whole_findings(unit, text) + self._unsure(unit.questions, bodies(unit.parts, kept.text))
        return Outcome(unit.segment, text, "kept", "", findings, kept.repaired, kept.repairs)

    def _to_mend(self, unit: Unit, kept: Kept) -> bool:
        """Whether a kept segment was never mended and should be: the run before was killed, or did not mend."""
        if self.job.checks != "repair" or kept.repairs or not self.job.repairs:
            return False
        text, _ = self._with_tags(kept.text, unit.segment)
        return failing(self._whole_findings(unit, text))

    def _finish(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        self.done(number, outcome)

    # --- what is asked ------------------------------------------------------------------------------------------------

    def _translate(self, side: Sequence[Sequence[Unit]]) -> None:
        flat = [unit for row in side for unit in row]
        fresh: list[list[Unit]] = [[u for u in row if self._kept(u) is None] for row in side]
        lists = [[question for unit in row for question in unit.asked(self._told)] for row in fresh if row]
        asked = iter(self._ask(lists))
        lines: dict[int, list[Line]] = {}
        for unit in flat:
            questions = unit.asked(self._told)
            if kept := self._kept(unit):
                lines[unit.number] = self._lines_of(unit, questions, kept)
            else:
                lines[unit.number] = [
                    Line(question, self._read(unit, place, next(asked))) for place, question in enumerate(questions)
                ]
                self._keep(unit, lines[unit.number])
        if self.job.checks == "repair":
            self._mend(flat, lines)
        for unit in flat:
            outcome = self._outcome(unit, lines[unit.number])
            for same in self.same[unit.key]:
                if self.outcomes[same.number] is None:
                    self._finish(same.number, replace(outcome, segment=same.segment))

    def _kept(self, unit: Unit) -> Kept | None:
        return self.journal.get(unit.key) if self.journal and len(unit.parts) == 1 else None

    def _lines_of(self, unit: Unit, questions: Sequence[Source], kept: Kept) -> list[Line]:
        """The one line of a unit that an earlier run kept and did not mend."""
        text, _ = self._with_tags(kept.text, unit.segment)
        body = text.text[len(unit.parts[0].head) :].rstrip()
        words = shown(text, unit.segment).strip()
        return [Line(questions[0], self._read(unit, 0, Translation(words if unit.segment.tags else body)))]

    def _mend(self, flat: Sequence[Unit], lines: dict[int, list[Line]]) -> None:
        owner = {id(line): (unit, place) for unit in flat for place, line in enumerate(lines[unit.number])}
        every = [line for unit in flat for line in lines[unit.number]]
        resample = "mend" not in self.takes

        def again(left: list[Line], questions: list[Source], number: int) -> list[Attempt]:
            request = replace(self.request, temperature=WARM, seed=self.job.seed + number) if resample else self.request
            answers = self.backend.translations(questions, request)
            return [self._read(*owner[id(line)], answer) for line, answer in zip(left, answers, strict=True)]

        mend(every, again, self.job.repairs, resample)
        for unit in flat:
            if any(line.repairs for line in lines[unit.number]):
                self._keep(unit, lines[unit.number])

    def _ask(self, lists: Sequence[Sequence[Source]]) -> list[Translation]:
        """One translation a question, in order."""
        if self.asker is None:
            return self.backend.translations([question for row in lists for question in row], self.request)
        found = ask_numbered(self.asker, lists, self.request)
        alone = [question for row, answers in zip(lists, found, strict=True)
                 for question, answer in zip(row, answers, strict=True) if answer is None]  # fmt: skip
        single = iter(self.backend.translations(alone, self.request))
        return [answer or next(single) for answers in found for answer in answers]

    def _told(self, number: int) -> str:
        """The translation of a segment that stands before another, on one line; "" where there is none yet."""
        outcome = self.outcomes[number]
        if outcome is None or outcome.origin == "failed":
            return ""
        return " ".join(outcome.text.text.split("\n"))

    # --- what comes back ----------------------------------------------------------------------------------------------

    def _read(self, unit: Unit, place: int, answer: Translation) -> Attempt:
        part, question = unit.parts[place], unit.questions[place]
        if answer.fault:
            return Attempt(part.body, answer.text, (), answer.fault, answer.unasked)
        text, lost = self._with_tags(answer.text, part.body, question)
        findings = self._findings(unit, place, text)
        if lost and question.tagged:
            findings += (Finding("tags", f"{lost}; placed by alignment", "major"),)
        return Attempt(text, answer.text, findings)

    def _findings(self, unit: Unit, place: int, text: Text) -> tuple[Finding, ...]:
        if self.job.checks == "off":
            return ()
        body = unit.parts[place].body
        segment = replace(unit.segment, text=body.text, tags=body.tags, limit=None)
        return tuple(find(unit.questions[place], text, self.job.rules, segment))

    def _whole_findings(self, unit: Unit, text: Text) -> tuple[Finding, ...]:
        """The findings of a translation that is known as a whole."""
        if self.job.checks == "off":
            return ()
        return tuple(find(unit.questions[0], text, self.job.rules, replace(unit.segment, limit=None)))

    def _unsure(self, questions: Sequence[Source], answers: Sequence[str]) -> tuple[Finding, ...]:
        """That the model doubts its own words; told after mending, for another answer is no surer."""
        one = self.backend.translators[0] if hasattr(self.backend, "translators") else self.backend
        limit = getattr(getattr(one, "profile", None), "unsure", 0.0)
        if self.job.checks == "off" or not limit:
            return ()
        chances = [one.sureness(question, answer) for question, answer in zip(questions, answers, strict=False)]
        least = min((chance for chance in chances if chance is not None), default=1.0)
        why = f"the model is unsure of a word ({least:.0%}): it may not know what this says"
        return (Finding("unsure", why, SEVERITY["unsure"]),) if least < limit else ()

    def _keep(self, unit: Unit, lines: Sequence[Line]) -> None:
        if self.journal is None or any(line.best.fault for line in lines):
            return
        text = whole(unit.segment, unit.parts, [line.best.text for line in lines])
        self.journal.keep(Kept(
            unit.key, unit.segment.place, unit.shown, shown(text, unit.segment),
            max(line.repairs for line in lines), _all(line.repaired for line in lines),
        ))  # fmt: skip

    def _outcome(self, unit: Unit, lines: Sequence[Line]) -> Outcome:
        fault = next((line.best.fault for line in lines if line.best.fault), "")
        repairs = max(line.repairs for line in lines)
        if fault:
            return Outcome(unit.segment, unit.segment, "failed", fault, repairs=repairs)
        text = whole(unit.segment, unit.parts, [line.best.text for line in lines])
        findings: list[Finding] = []
        at = 0
        for part, line in zip(unit.parts, lines, strict=True):
            at += len(part.head)
            findings += [
                replace(one, start=one.start + at, end=one.end + at) if one.start >= 0 else one
                for one in line.best.findings
            ]
            at += len(line.best.text.text) + len(part.tail)
        findings += self._unsure([line.question for line in lines], [line.best.said for line in lines])
        return Outcome(unit.segment, text, "model", "", tuple(findings), _all(line.repaired for line in lines), repairs)


def _all(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))
