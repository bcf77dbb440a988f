"""The engine behind every interface: wishes become lots in a queue, threads translate, answers come back.

A model in this process has one thread; a server has several, for it joins what comes together itself.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import groupby

from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.language import canonical, language
from in2x.language.identify import UNKNOWN, identify
from in2x.language.pack import packs
from in2x.serve.memory import Remembered, read_in
from in2x.serve.metrics import Metrics
from in2x.serve.queue import TOLD, Full, Lot, Queue, Slice, cost
from in2x.serve.reading import Asked, Lines, read, words
from in2x.serve.threads import settle
from in2x.serve.waiting import Wait, Waiter
from in2x.serve.wish import Answer, Wish
from in2x.translate.backend import one_line, wordless
from in2x.translate.findings import Rules
from in2x.translate.glossary import Glossary, Term
from in2x.translate.job import Checks, Job
from in2x.translate.outcome import Outcome
from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Translator
from in2x.web.guard import Fault, tell

SHORT = 40
"""Characters up to which a text that seems to be in a language that the model does not know is taken to be in the
default one (our choice): so little says little."""
ASIDE = 4000
"""Characters from which on texts are read beside the loop that serves all others (our choice)."""
MANY, SOME = 64, 16
"""Texts of a request from which on several make one lot, and how many (our choice): a lot each would keep the loop from
others."""
PATIENT = 5.0
"""Seconds of a batch of the warm-up after which no larger one is tried (our choice)."""
TRIED, QUICK = 16, 1.0
"""Sentences that are translated to find out how many threads are fastest, and seconds of them beyond which nobody asks:
such a model is served by all threads (our choice)."""
DRAWN = 0.8
"""Temperature of alternatives (our choice)."""
MOST_ALTERNATIVES = 8


class Engine:
    """One model for many clients.

    Args:
        translator: the model.
        default_source: language of a text that does not show its own.
        checks: as of `Translator.translate`.
        threads: batches that are with the model at once; 1 for a model in this process.
        queue: what may wait.
        warm: sentences of the largest batch of the warm-up; `MOST` for a model in this process.
    """

    def __init__(
        self, translator: Translator, default_source: str | None = None, *, checks: Checks = "repair",
        threads: int = 1, queue: Queue | None = None, warm: int = 1,
    ) -> None:  # fmt: skip
        self.translator, self.default_source, self.checks, self.warm = translator, default_source, checks, warm
        self.metrics, self.remembered = Metrics(), Remembered()
        self._queue = queue or Queue()
        self._changed = threading.Condition()
        self._closing = False
        self._threads = [threading.Thread(target=self._serve, name=f"engine {n}", daemon=True) for n in range(threads)]
        self.metrics.queue_depth.read = lambda: self._queue.lots
        self.metrics.queue_characters.read = lambda: self._queue.characters
        for thread in self._threads:
            thread.start()

    # --- for clients --------------------------------------------------------------------------------------------------

    async def translate(
        self,
        texts: Sequence[Asked],
        wish: Wish,
        client: str,
        *,
        interactive: bool = True,
        deadline: float | None = None,
        earlier: Sequence[Outcome] = (),
    ) -> list[Answer]:
        """One answer a text, in order.

        Args:
            texts: of any length, any of them may be empty; segments of a document need a source language.
            wish: what is wanted of them.
            client: who asks, as `Access.client` told; equal requests of one client are worked on once.
            interactive: whether a person waits; a document waits behind those.
            deadline: seconds after which nobody wants it any more.
            earlier: what stands before texts that belong together.

        Raises:
            UsageError: languages or register that cannot be.
            In2xError: a text that is not the markup it is said to be.
            Fault: 429 too much waits already, 503 the model is gone or the server stops, 504 the deadline has passed.
        """
        stream = self.stream(texts, wish, client, interactive=interactive, deadline=deadline, earlier=earlier)
        return [answer async for answer in stream]

    async def stream(
        self,
        texts: Sequence[Asked],
        wish: Wish,
        client: str,
        *,
        interactive: bool = True,
        deadline: float | None = None,
        earlier: Sequence[Outcome] = (),
    ) -> AsyncGenerator[Answer]:
        """The same, each answer in its turn as soon as it is there."""
        began, first = time.monotonic(), True
        if sum(len(words(text)) for text in texts) > ASIDE:
            lots = await asyncio.to_thread(self._lots, texts, wish, client, interactive, earlier)
        else:
            lots = self._lots(texts, wish, client, interactive, earlier)
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        with Wait(self, lots) as wait:
            for place, given in enumerate(lots):
                if isinstance(given, Answer):
                    yield given
                    continue
                await wait.till(place, until)
                if first:
                    self.metrics.first_text.observe(time.monotonic() - began)
                lot, done, first = wait.lots[place], 0, False
                for reading in lot.readings:
                    outcomes = [lot.outcomes[n] for n in range(done, done + len(reading.segments))]
                    done += len(outcomes)
                    yield reading.answer(outcomes, lot.job)

    async def alternatives(
        self, text: str, wish: Wish, count: int, client: str, deadline: float | None = None
    ) -> list[str]:
        """Up to `count` different translations of `text` (at most 8), the likeliest first; lines stay lines.

        Raises:
            UsageError, Fault: as `translate` does.
        """
        count = min(count, MOST_ALTERNATIVES)
        if count < 1 or not text.strip():
            return []
        [given] = self._lots([text], replace(wish, together=False, kind="plain"), client, True)
        if isinstance(given, Answer):
            return []
        lot = replace(given, samples=count, key=(given.key, count), waiters=[])
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        with Wait(self, [lot]) as wait:
            await wait.till(0, until)
            [reading] = wait.lots[0].readings
            assert isinstance(reading, Lines)  # it is plain
            lines = [list(dict.fromkeys(wait.lots[0].said[n])) for n in range(len(reading.segments))]
        if not any(lines):
            return []
        most = min(count, max(map(len, lines)))  # a line that has fewer ends with its likeliest
        each = [[(line[n] if n < len(line) else line[0]) if line else "" for line in lines] for n in range(most)]
        return list(dict.fromkeys(reading.joined(some) for some in each))

    def languages(self) -> list[str]:
        """Codes of the languages that the model knows; all that have a pack where it does not say."""
        known = [[canonical(code) for code in p.languages] for p in self.translator.profiles if p.languages]
        return sorted(set(known[0]).intersection(*known)) if known else sorted(packs())

    def detect(self, text: str, target_lang: str | None = None, around: str | None = None) -> str:
        """Code of the language of a text; of a short one that shows none that the model knows, of the text around it.

        Args:
            text: the text.
            target_lang: the language wanted of it, if any.
            around: the language of what stands around it; the default one where that is not known.

        Raises:
            UsageError: it is in a language that the model does not know.
        """
        found = identify([text])[0]
        known = self.languages()
        if found in known:
            return found
        if found != UNKNOWN and len(text) > SHORT:
            self.translator.job(found, target_lang or next(code for code in known if code != found))
        if code := around or self.default_source:
            return code
        return next((code for code in known if code != target_lang), known[0])

    def warm_up(self, target_lang: str | None = None) -> None:
        """Translate as much at once as ever comes: nothing is loaded at the first request, and what the largest batch
        needs is there, or is not, before anybody waits for it.

        Args:
            target_lang: the language that is asked for most.

        Raises:
            In2xError: the model cannot be used.
        """
        known = self.languages()
        target = target_lang if target_lang in known else None
        source = self.default_source if self.default_source != target else None
        source = source or next(code for code in known if code != target)
        target = target or next(code for code in known if code != source)
        sentence = language(source).pack.example or "1 a"

        def translate(size: int) -> float:
            began = time.monotonic()
            lines = [f"{number} {sentence}" for number in range(size)]
            self.translator.translate(lines, source, target, checks=self.checks, context=0)
            return time.monotonic() - began

        size = 1
        while size <= self.warm:
            spent = translate(size)
            if spent > PATIENT:  # of a large model the rest takes minutes
                break
            if size == TRIED and spent < QUICK:
                settle(lambda: [translate(1), translate(TRIED)])
            size *= 4
        identify(["a"])
        read_in()

    @property
    def works(self) -> bool:
        """Whether every thread of it lives: what is asked would else never be answered."""
        return all(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Take nothing more, finish what was taken."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    # --- from texts to lots -------------------------------------------------------------------------------------------

    def _lots(
        self, texts: Sequence[Asked], wish: Wish, client: str, interactive: bool, earlier: Sequence[Outcome] = ()
    ) -> list[Lot | Answer]:
        """A lot for each text, for some of very many, or for all that belong together; an answer for what is in the
        language wanted."""
        target = canonical(wish.target_lang)
        jobs: dict[str, Job] = {}
        found: list[Lot | Answer] = []
        size = len(texts) if wish.together else 1 if len(texts) <= MANY else SOME
        for source, group in groupby(zip(self._sources(texts, wish, target), texts, strict=True), lambda row: row[0]):
            rows = [text for _, text in group]
            if wish.source_lang is None and canonical(source) == target:
                found += [Answer(words(text), target) for text in rows]
                continue
            job = jobs.get(source) or jobs.setdefault(source, self._job(source, wish))
            for at in range(0, len(rows), size):
                some = tuple(rows[at : at + size])
                readings = tuple(read(text, wish) for text in some)
                told = tuple(earlier[-TOLD:]) if wish.together else ()
                key = (client, wish, some, interactive, told)
                found.append(Lot(key, client, wish, job, readings, interactive, earlier=told))
        return found

    def _sources(self, texts: Sequence[Asked], wish: Wish, target: str) -> list[str]:
        """The language of each text."""
        if wish.source_lang is not None or not texts:
            return [wish.source_lang or target] * len(texts)
        bare = [words(text, wish) for text in texts]
        around = self.detect("\n".join(bare)[:ASIDE], target)
        if wish.together or len(texts) == 1:
            return [around] * len(texts)
        return [self.detect(text, target, around) for text in bare]

    def _job(self, source: str, wish: Wish) -> Job:
        job = self.translator.job(source, wish.target_lang, wish.register)
        agreed = wish.agreed or job.rules
        terms = (*agreed.glossary.terms, *(Term(*pair) for pair in wish.terms))
        rules = Rules(Glossary(terms, job.source_lang, job.target_lang), agreed.characters)
        return replace(job, rules=rules, style=wish.style, synopsis=wish.scene)

    # --- waiting ------------------------------------------------------------------------------------------------------

    def submit(self, lots: Sequence[Lot], waiters: Sequence[Waiter]) -> list[Lot]:
        """Let `lots` wait, each with who is to be told; an equal one in flight takes the place of a lot.

        Raises:
            Fault: nothing of it may wait.
        """
        now = time.monotonic()
        with self._changed:
            if self._closing:
                raise Fault(503, "stopping", "the server is stopping", wait=5)
            fresh = {lot.key: lot for lot in lots if self._queue.known(lot.key) is None}
            for interactive, group in groupby(fresh.values(), lambda lot: lot.interactive):
                some = list(group)
                try:
                    self._queue.admit(some[0].client, interactive, sum(lot.left for lot in some))
                except Full as full:
                    self.metrics.rejected.add(reason="queue")
                    raise Fault(429, "busy", "too much waits already", wait=full.wait) from None
            found = []
            for lot, waiter in zip(lots, waiters, strict=True):
                known = self._queue.known(lot.key)
                if known is None:
                    known = lot
                    self._queue.add(lot, now)
                else:
                    self.metrics.joined.add()
                known.waiters.append(waiter)
                found.append(known)
                if known.finished:
                    self._finish(known, None)
            self._changed.notify_all()
            return found

    def leave(self, lots: Sequence[Lot], waiters: Sequence[Waiter]) -> None:
        """`waiters` wait no longer; what nobody waits for is not worked on."""
        with self._changed:
            for lot, waiter in zip(lots, waiters, strict=True):
                if waiter in lot.waiters:
                    lot.waiters.remove(waiter)
                    if not lot.waiters:
                        self._queue.drop(lot)
                        self.metrics.dropped.add()

    def _finish(self, lot: Lot, error: Exception | None) -> None:
        self._queue.drop(lot)
        for waiter in lot.waiters:
            waiter(error)
        lot.waiters.clear()

    # --- the threads --------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not (batch := self._queue.take(time.monotonic())):
                    if self._closing and not self._queue.lots:
                        return
                    self._changed.wait()
            self._run(batch)

    def _run(self, batch: Sequence[Slice]) -> None:
        began = time.monotonic()
        size = sum(cost(one.lot.segments[n]) for one in batch for n in range(one.start, one.end))
        self.metrics.batch_size.observe(sum(one.end - one.start for one in batch))
        for one in batch:
            if one.start == 0:
                self.metrics.queue_wait.observe(began - one.lot.since)
        error: Exception | None = None
        drawn: list[list[str]] = []
        outcomes: Sequence[Outcome] = ()
        try:
            if batch[0].lot.samples:
                drawn = self._drawn(batch[0])
            else:
                outcomes = self._outcomes(batch)
                self._tell(outcomes)
        except In2xError as wrong:
            print(f"in2x: {wrong}", file=sys.stderr, flush=True)
            error = Fault(503, "no-model", "the model cannot be used now", wait=10)
        except Exception as bug:
            tell(bug, "in the engine")
            error = Fault(500, "fault", "something went wrong here")
        self.remembered.seen(size + sum(len(one.text.text) for one in outcomes))
        with self._changed:
            self._queue.measured(size, time.monotonic() - began)
            at = 0
            for one in batch:
                for number in range(one.start, one.end):
                    if drawn:
                        one.lot.said[number] = drawn[at]
                    elif outcomes:
                        one.lot.outcomes[number] = outcomes[at]
                    at += 1
                if error or one.lot.finished:
                    self._finish(one.lot, error)
            self._changed.notify_all()

    def _outcomes(self, batch: Sequence[Slice]) -> Sequence[Outcome]:
        lot, start = batch[0].lot, batch[0].start
        job = lot.job
        earlier = [lot.outcomes[n] for n in range(max(0, start - TOLD), start)] if lot.wish.together else []
        earlier = [*lot.earlier, *earlier][-TOLD:]
        segments = [segment for one in batch for segment in one.lot.segments[one.start : one.end]]
        return self.translator.translate(
            segments, job.source_lang, job.target_lang, register=job.register, style=job.style, synopsis=job.synopsis,
            glossary=job.rules.glossary, characters=job.rules.characters, checks=self.checks, earlier=earlier,
            context=None if lot.wish.together else 0,
        ).outcomes  # fmt: skip

    def _drawn(self, one: Slice) -> list[list[str]]:
        lot, job = one.lot, one.lot.job
        request = TranslationRequest(job.source_lang, job.target_lang)
        found = []
        for segment in lot.segments[one.start : one.end]:
            if (bare := wordless(segment.text)) is not None:
                found.append([bare])
                continue
            terms = tuple((term.source, term.preferred) for term in job.rules.glossary.due(segment.text))
            source = Source(one_line(segment.text), job.source_lang, job.target_lang, job.register, terms=terms,
                            scene=job.synopsis, style=job.style)  # fmt: skip
            member = self.translator.members[0]
            first = member.translations([source], replace(request, temperature=0.0))
            [more] = member.candidates([source], replace(request, temperature=DRAWN, seed=1), 2 * lot.samples)
            found.append([answer.text for answer in (*first, *more) if not answer.fault])
        return found

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self.metrics.characters.add(len(outcome.segment.text), direction="in")
            self.metrics.characters.add(len(outcome.text.text), direction="out")
            for finding in outcome.findings:
                self.metrics.findings.add(kind=finding.principle)
            if outcome.repairs:
                self.metrics.repairs.add(outcome="mended" if outcome.repaired else "unchanged")
            if outcome.origin == "failed":
                self.metrics.failed.add()
