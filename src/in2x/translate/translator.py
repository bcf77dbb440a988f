"""Texts and documents in, translations out: the one door for programs; `in2x translate` is a face of it.

    translator = Translator.load("runs/demo/model")
    for one in translator.translate(lines, source_lang, target_lang, register="polite").outcomes:
        print(one.text.text, one.findings, one.confidence, one.repaired)

A document comes from `in2x.formats.registry.read_document`, and `Translated.write()` gives the bytes of its
translation. With a journal every segment is kept the moment it is done (`journal.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.formats.document import Document, Segment
from in2x.translate.backend import Backend
from in2x.translate.characters import Characters, read_characters
from in2x.translate.findings import Rules
from in2x.translate.glossary import Glossary, read_glossary
from in2x.translate.job import Checks, Job
from in2x.translate.journal import Journal
from in2x.translate.mbr import MbrBackend
from in2x.translate.open import Choose, Combine, open_together
from in2x.translate.outcome import Outcome
from in2x.translate.probe import probe
from in2x.translate.request import TranslationRequest, check_request
from in2x.translate.review import review_table
from in2x.translate.work import Done, Work

if TYPE_CHECKING:
    from in2x.llm.cache import Cache
    from in2x.llm.request import Asker

GENERAL = "chat"
"""Name of the profile for any model that chats."""
STEP = 64
"""Segments that a model in this process translates together, and the most that a kill costs (our choice)."""
ASKED = 256
"""Segments of one step at a server, where answers are kept one by one on their way (our choice)."""


@dataclass(frozen=True)
class Translated:
    """What a translation came to."""

    outcomes: tuple[Outcome, ...]
    """One a segment, in order."""
    job: Job
    document: Document | None = None
    seconds: float = 0.0
    usage: dict[str, float] | None = None
    """What a server was asked for this, and what it cost (`Usage.figures`)."""

    @property
    def texts(self) -> list[str]:
        """The translations; the source where there is none."""
        return [outcome.text.text for outcome in self.outcomes]

    @property
    def failed(self) -> list[Outcome]:
        """The segments that stay untranslated."""
        return [outcome for outcome in self.outcomes if outcome.origin == "failed"]

    def write(self) -> bytes:
        """The document with its translations; what has none keeps its bytes.

        Raises:
            In2xError: a translation cannot stand in the format.
            ValueError: it was no document that was translated.
        """
        return self._with(self._written())

    def fitted(self) -> Translated:
        """The same, with what cannot stand in the format marked as not translated instead.

        Raises:
            ValueError: it was no document that was translated.
        """
        outcomes = list(self.outcomes)
        for number, why in self._misfits(self._written()):
            outcomes[number] = Outcome(outcomes[number].segment, outcomes[number].segment, "failed", why)
        return replace(self, outcomes=tuple(outcomes))

    def _written(self) -> list[int]:
        return [number for number, one in enumerate(self.outcomes) if one.written]

    def _with(self, numbers: Sequence[int]) -> bytes:
        if self.document is None:
            raise ValueError("no document was translated")
        return self.document.write({number: self.outcomes[number].text for number in numbers})

    def _misfits(self, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        """The segments whose translation the format refuses, and why: looked for in halves, as they are few."""
        try:
            self._with(numbers)
        except In2xError as error:
            if len(numbers) == 1:
                yield numbers[0], error.what
                return
            middle = len(numbers) // 2
            yield from self._misfits(numbers[:middle])
            yield from self._misfits(numbers[middle:])

    def review(self) -> str:
        """The table to review, riskiest first (`review.py`)."""
        return review_table(self.outcomes)


class Translator:
    """A model that translates texts and documents.

    Args:
        backend: who answers.
        name: the model, as reports call it.
        probed: whether it is known to translate (see `probe.py`; a model that was trained here is).
    """

    def __init__(self, backend: Backend | MbrBackend, name: str, probed: bool = False) -> None:
        self.backend, self.name = backend, name
        self.members = list(backend.translators) if isinstance(backend, MbrBackend) else [backend]
        self.profiles = [p for p in (getattr(m, "profile", None) for m in self.members) if isinstance(p, PromptProfile)]
        self._askers: list[Asker] = [one.asker for one in self.members if hasattr(one, "asker")]
        self._probed, self._noticed = probed, False

    @classmethod
    def load(
        cls,
        model: str | Path | Sequence[str | Path],
        *,
        combine: Combine = "tokens",
        samples: int = 0,
        choose: Choose = "agreement",
        temperature: float = 1.0,
        cache: Cache | None = None,
        profile: str | None = None,
        probed: bool = False,
    ) -> Self:
        """The translator that a folder, a hub name or the address of a server names; or several of them, combined.

        Args:
            model: one, or several.
            combine: how several work together, see `open_together`.
            samples: answers to draw and choose from; 0 decodes greedily.
            choose: by what: minimum Bayes risk, or the fewest and least severe findings.
            temperature: they are drawn at.
            cache: keeps the answers of a server for good.
            profile: how it is asked: a shipped profile's name, a file, or "chat" for any model that chats.
            probed: whether it is known to translate; else a first sentence is tried before the first work.

        Raises:
            In2xError: there is no such model, or the server does not answer.
        """
        models = [str(model)] if isinstance(model, str | Path) else [str(one) for one in model]
        backend = open_together(models, combine, samples, temperature, cache, profile, choose)
        return cls(backend, " + ".join(models), probed=probed)

    def translate(
        self,
        what: str | Sequence[str | Segment] | Document,
        source_lang: str,
        target_lang: str,
        *,
        register: str | None = None,
        style: str = "",
        synopsis: str = "",
        glossary: Glossary | Path | None = None,
        characters: Characters | Path | None = None,
        context: int | None = None,
        checks: Checks = "repair",
        repairs: int = 2,
        seed: int = 0,
        beams: int | None = None,
        redo: bool = False,
        earlier: Sequence[Outcome] = (),
        journal: Journal | None = None,
        step: int | None = None,
        done: Done = lambda number, outcome: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> Translated:
        """Translate a text, lines, or a document.

        Args:
            what: a text (one segment), lines (a segment each), segments, or a document.
            source_lang: code of the language it is in.
            target_lang: code of the language wanted.
            register: the register wanted where no character's is known.
            style: wish for the style, in a few words.
            synopsis: what the text is about.
            glossary: agreed terms.
            characters: who they are and how they speak to each other.
            context: segments before a segment that the model is told; None leaves it to the model's profile.
            checks: "off", "mark" (findings are told) or "repair" (failing segments are asked for again).
            repairs: most times that a segment is asked for again.
            seed: of what is drawn.
            beams: beam search with so many beams; None: as the model's profile.
            redo: translate also what the document has a translation of.
            earlier: what stands before, where a text comes in parts.
            journal: keeps every segment the moment it is done, and knows those that are.
            step: segments translated together.
            done: told of each segment as it is finished.
            say: told the terms of use of a model of others, and what is odd about its first sentence.

        Raises:
            UsageError: languages or register that the model or the language does not know.
            In2xError: the model cannot be used; a glossary or characters file that cannot be read.
        """
        job = self.job(source_lang, target_lang, register, glossary, characters)
        job = replace(job, style=style, synopsis=synopsis, context=context, checks=checks, repairs=repairs, seed=seed,
                      beams=beams, redo=redo)  # fmt: skip
        past = [replace(one.segment, done=one.text.text) for one in earlier]
        document: Document | None = None
        if isinstance(what, Document):
            document, segments = what, list(what.segments)
        else:
            lines = [what] if isinstance(what, str) else what
            segments = [
                line if isinstance(line, Segment) else Segment(line, place=f"line {number}")
                for number, line in enumerate(lines, start=1)
            ]
        began, before = time.monotonic(), self._spent()
        with self._kept_on_the_way(journal):
            work = Work(
                self.backend, self._takes(job), [*past, *segments], job, journal=journal, asker=self._numbered(),
                step=step or (ASKED if self._askers else STEP), before=lambda: self._probe(job, say),
                done=lambda number, outcome: done(number - len(past), outcome) if number >= len(past) else None,
            )  # fmt: skip
            outcomes = work.run()[len(past) :]
        after = self._spent()
        usage = {name: after[name] - before[name] for name in after} if self._askers else None
        return Translated(tuple(outcomes), job, document, time.monotonic() - began, usage)

    def job(
        self,
        source_lang: str,
        target_lang: str,
        register: str | None = None,
        glossary: Glossary | Path | None = None,
        characters: Characters | Path | None = None,
    ) -> Job:
        """The wishes, checked against what the model and the languages know.

        Raises:
            UsageError: as `check_request` does.
            In2xError: a glossary or characters file that cannot be read.
        """
        request = TranslationRequest(source_lang, target_lang, register)
        for profile in self.profiles or [PromptProfile()]:
            request = check_request(profile, request)
        source, target = request.source_lang, request.target_lang
        if isinstance(glossary, Path):
            glossary = read_glossary(glossary, source, target)
        if isinstance(characters, Path):
            characters = read_characters(characters, target)
        rules = Rules(glossary or Glossary(source_lang=source, target_lang=target),
                      characters or Characters(target_lang=target))  # fmt: skip
        return Job(source, target, register, rules=rules)

    def _probe(self, job: Job, say: Callable[[str], None]) -> None:
        """Of each model that others trained say the terms of use, and try a first sentence with it, once.

        Raises:
            In2xError: what comes back is no translation.
        """
        foreign = [
            (m, p) for m in self.members if isinstance(p := getattr(m, "profile", None), PromptProfile) and p.name
        ]
        for notice in dict.fromkeys(profile.notice for _, profile in foreign):
            if notice and not self._noticed:
                say(notice)
        self._noticed = True
        for member, _ in foreign if not self._probed else ():
            if odd := probe(member, job.source_lang, job.target_lang):
                say(odd)
        self._probed = True

    def _takes(self, job: Job) -> frozenset[str]:
        """What every model can be told beside the text: "before", "tags", "mend" (see `PromptProfile.takes`).

        Each is asked for alone: a model may take several, one at a time.
        """
        plain = Source("text", job.source_lang, job.target_lang, job.register)
        asked = {"before": replace(plain, before=(("a", "b"),)), "tags": replace(plain, tagged=True), "mend": plain}
        return frozenset(
            need for need, one in asked.items() if self.profiles and all(p.takes(need, one) for p in self.profiles)
        )

    def _numbered(self) -> Asker | None:
        """The model to be asked several segments in one question: a general chat model at a server, alone.

        A model that was trained to translate answers such a question in form, and untranslated.
        """
        if len(self._askers) == len(self.members) == 1 and self.profiles[0].name == GENERAL:
            return self._askers[0]
        return None

    def _spent(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for asker in self._askers:
            for name, value in asker.usage.figures().items():
                totals[name] = totals.get(name, 0.0) + value
        return totals

    @contextmanager
    def _kept_on_the_way(self, journal: Journal | None) -> Iterator[None]:
        """While a journal is at hand, it keeps what servers answer; a cache of their own goes on instead."""
        bare = [asker for asker in self._askers if journal and getattr(asker, "cache", journal) is None]
        for asker in bare:
            asker.cache = journal.answers  # type: ignore[attr-defined, union-attr]
        try:
            yield
        finally:
            for asker in bare:
                asker.cache = None  # type: ignore[attr-defined]
