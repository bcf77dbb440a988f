"""Documents that clients leave to be translated: a task takes them up, each segment is kept as it is done.

A document that was being translated when the server died is taken up again by whichever process comes first, from the
segments that are done. A lock on the document's folder, which the system gives back when its holder dies, tells
processes whose it is.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import BufferedRandom
from pathlib import Path, PurePath
from typing import IO, Any

from in2x.errors import In2xError
from in2x.formats.document import Document, Options, Segment, Tag, Text
from in2x.formats.registry import parse
from in2x.records import sound
from in2x.serve.engine import Engine
from in2x.serve.queue import TOLD
from in2x.serve.resources import Paper, Resources
from in2x.serve.store import write_beside
from in2x.serve.wish import Answer, Wish
from in2x.translate.characters import Character, Characters, Relation
from in2x.translate.findings import Finding, Rules
from in2x.translate.glossary import Glossary, Term
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome
from in2x.translate.translator import Translated
from in2x.web.guard import Fault, tell

STEP = 32
"""Segments that are translated together, and the most that a kill costs (our choice)."""
AT_ONCE = 4
"""Documents that a process works on at once; the engine shares its time among clients."""
LOOK = 2.0
"""Seconds between two looks for what another process left."""
SWEEP = 60.0
"""Seconds between two sweeps."""
_WISHES = ("target_lang", "source_lang", "register", "style", "scene", "together")
LOOKED_AT = 2000
"""Characters by which the language of a document is told."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a client is given for a document."""

    id: str
    key: str
    """It is asked for by this."""


class Documents:
    """The documents of a server. `run` is its work; everything else may be called while it does not run.

    Args:
        resources: where they are kept.
        engine: translates.
    """

    def __init__(self, resources: Resources, engine: Engine) -> None:
        self.resources, self.engine = resources, engine
        self._come = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()

    async def add(self, owner: str, name: str, raw: bytes, wish: Wish, document: Document) -> Left:
        """Take a document; its characters count from now on.

        Args:
            owner: the client.
            name: of the file; its suffix says the format.
            raw: the file.
            wish: with a source language.
            document: the file as it was `opened` by this wish.

        Raises:
            Fault: the client has too many, or its quota is used up.
        """
        segments, characters = len(document.segments), sum(len(segment.text) for segment in document.segments)
        self.resources.check_quota(owner, characters)
        made, key = await asyncio.to_thread(
            self.resources.add_document, owner, PurePath(name).name, raw, _kept(wish), segments, characters
        )
        self.resources.use(owner, characters)
        self._come.set()
        return Left(made, key)

    async def finished(self, owner: str, left: Left) -> Paper:
        """Wait until a document is translated, or cannot be."""
        while True:
            self._ended.clear()
            paper = await asyncio.to_thread(self.resources.document, owner, left.id, left.key)
            if paper.state in ("done", "error"):
                return paper
            try:
                async with asyncio.timeout(LOOK):  # another process may have taken it
                    await self._ended.wait()
            except TimeoutError:
                continue

    def answers(self, paper: Paper) -> Mapping[int, Answer]:
        """What has been translated of a document, by the number of the segment."""
        try:
            raw = (self.resources.place(paper.id) / "answers.jsonl").read_bytes()
        except OSError:
            return {}
        return _answers(raw[: raw.rfind(b"\n") + 1])

    async def run(self) -> None:
        """Translate what comes, and sweep, until cancelled; the next start takes up what is not finished by then."""
        swept, told = 0.0, ""
        try:
            while True:
                self._come.clear()
                wrong = ""
                try:
                    await asyncio.to_thread(self.resources.count)
                    if time.monotonic() - swept > SWEEP:
                        swept = time.monotonic()
                        await asyncio.to_thread(self.resources.sweep)
                    for paper in await asyncio.to_thread(self.resources.waiting):
                        if len(self._busy) < AT_ONCE and paper.id not in self._busy:
                            self._begin(paper.id)
                except (Fault, OSError) as error:
                    wrong = f"in2x: documents wait ({getattr(error, 'message', error)})"
                    if wrong != told:  # once, however often it is tried
                        print(wrong, file=sys.stderr, flush=True)
                except Exception as bug:  # none that comes later is to wait for ever
                    tell(bug, "while documents were looked for")
                told = wrong
                try:
                    async with asyncio.timeout(LOOK):
                        await self._come.wait()
                except TimeoutError:
                    continue
        finally:
            tasks = list(self._busy.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, paper: str) -> None:
        """Work on a document, unless another process does."""
        try:
            lock = _held(self.resources.place(paper))
        except FileNotFoundError:  # it was taken away meanwhile
            return
        if lock is not None:
            self._busy[paper] = asyncio.create_task(self._work(paper, lock))

    async def _work(self, number: str, lock: IO[str]) -> None:
        try:
            with lock:
                paper = await asyncio.to_thread(self.resources.unfinished, number)
                if paper is not None:  # another process may have ended it before the lock was ours
                    await self._translate(paper)
        except (Fault, OSError) as error:  # the disk, or the base: it stays in the queue
            print(f"in2x: a document waits ({getattr(error, 'message', error)})", file=sys.stderr)
            await asyncio.sleep(LOOK)
        except In2xError as error:
            await asyncio.to_thread(self.resources.settle, number, "error", 0, error.what)
        except Exception as bug:
            tell(bug, "while a document was translated")
            await asyncio.to_thread(self.resources.settle, number, "error", 0, "something went wrong here")
        finally:
            self._busy.pop(number, None)
            self._ended.set()
            self._come.set()

    async def _translate(self, paper: Paper) -> None:
        place = self.resources.place(paper.id)
        for torn in place.glob("*.partial"):  # of a process that was killed
            torn.unlink(missing_ok=True)
        wish = _wished(paper.wish)
        raw = await asyncio.to_thread((place / "source").read_bytes)
        document = await asyncio.to_thread(read, paper.name, raw, wish)
        with Answers(place / "answers.jsonl") as answers:
            todo = [n for n in range(len(document.segments)) if n not in answers.known]
            for start in range(0, len(todo), STEP):
                if not await asyncio.to_thread(self.resources.settle, paper.id, "translating", len(answers.known)):
                    return  # its client took it away
                numbers = todo[start : start + STEP]
                before = [_outcome(document, n, answers.known[n]) for n in range(max(0, numbers[0] - TOLD), numbers[0])]
                said = await self._ask([document.segments[n] for n in numbers], wish, paper.owner, before)
                await asyncio.to_thread(answers.keep, zip(numbers, said, strict=True))  # it waits for the disk
            failed = [answer.failed for answer in answers.known.values() if answer.failed]
            if failed and len(failed) == len(document.segments):
                raise In2xError(f"nothing in it could be translated: {failed[0]}")
            result = await asyncio.to_thread(_written, document, answers.known, wish)
            await asyncio.to_thread(write_beside, place / "result", result)
        await asyncio.to_thread(self.resources.settle, paper.id, "done", len(document.segments))

    async def _ask(
        self, segments: Sequence[Segment], wish: Wish, owner: str, before: Sequence[Outcome]
    ) -> list[Answer]:
        """The answers, however long the engine has no room for them."""
        while True:
            try:
                return await self.engine.translate(segments, wish, owner, interactive=False, earlier=before)
            except Fault as fault:
                if fault.status not in (429, 503, 504):
                    raise In2xError(fault.message) from None
                await asyncio.sleep(max(fault.wait, 0.2))


def _kept(wish: Wish) -> str:
    """What of a wish says how a document is translated, as JSON."""
    kept = {name: getattr(wish, name) for name in _WISHES} | {"terms": wish.terms}
    if wish.agreed is not None:
        kept["agreed"] = [[asdict(one) for one in wish.agreed.glossary.terms],
                          [asdict(one) for one in wish.agreed.characters.people]]  # fmt: skip
    return json.dumps(sound(kept), ensure_ascii=False)


def _wished(text: str) -> Wish:
    kept = json.loads(text)
    wish = Wish(**{name: kept[name] for name in _WISHES}, terms=tuple((a, b) for a, b in kept["terms"]))
    if "agreed" not in kept:
        return wish
    terms, people = kept["agreed"]
    glossary = Glossary(tuple(Term(**{**one, "forbidden": tuple(one["forbidden"])}) for one in terms))
    characters = Characters(tuple(Character(**{**one, **_relations(one)}) for one in people), wish.target_lang)
    return replace(wish, agreed=Rules(glossary, characters))


def _relations(person: Mapping[str, Any]) -> dict[str, Any]:
    return {"aliases": tuple((a, b) for a, b in person["aliases"]),
            "to": tuple((name, Relation(**relation)) for name, relation in person["to"])}  # fmt: skip


def read(name: str, raw: bytes, wish: Wish) -> Document:
    """A document by its name and bytes.

    Raises:
        UsageError: no format that is known.
        In2xError: it cannot be read, or holds no text.
    """
    document = parse(raw, PurePath(name).name, Options(wish.source_lang or "", wish.target_lang))
    if not document.segments:
        raise In2xError("there is no text to translate in the document", file=PurePath(name).name)
    return document


def opened(name: str, raw: bytes, wish: Wish, engine: Engine) -> tuple[Document, Wish]:
    """A document, and its wish with the language that it is in: by the beginning of its text where none was named.

    Raises:
        UsageError: no format that is known, or a language that the model does not know.
        In2xError: it cannot be read, or holds no text.
        Fault: 400, it is in the language wanted already.
    """
    document = read(name, raw, wish)
    if wish.source_lang is None:
        some = ""
        for segment in document.segments:
            some += segment.text + "\n"
            if len(some) > LOOKED_AT:
                break
        wish = replace(wish, source_lang=engine.detect(some, wish.target_lang))
        document = read(name, raw, wish)  # what a text is made of depends on its language
    if wish.source_lang == wish.target_lang:
        raise Fault(400, "same-language", "the document is in the target language already")
    return document, wish


def _written(document: Document, answers: Mapping[int, Answer], wish: Wish) -> bytes:
    """The document with its translations, less those that cannot stand in its format."""
    outcomes = [_outcome(document, number, answers[number]) for number in range(len(document.segments))]
    job = Job(wish.source_lang or "", wish.target_lang)
    return Translated(tuple(outcomes), job, document).fitted().write()


def _outcome(document: Document, number: int, answer: Answer) -> Outcome:
    segment = document.segments[number]
    if answer.failed:
        return Outcome(segment, segment, "failed", answer.failed)
    return Outcome(segment, Text(answer.text, answer.tags), "kept")


class Answers:
    """The answers to the segments of a document, in a file of JSON lines that a kill may tear at its end."""

    def __init__(self, path: Path) -> None:
        self.known: dict[int, Answer]
        """By the number of the segment."""
        self._stream: BufferedRandom = path.open("a+b")  # type: ignore[assignment]  # in binary, buffered
        self._stream.seek(0)
        raw = self._stream.read()
        whole = raw[: raw.rfind(b"\n") + 1]
        self._stream.truncate(len(whole))
        self.known = _answers(whole)

    def __enter__(self) -> Answers:
        """See `__exit__`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._stream.close()

    def keep(self, answers: Iterable[tuple[int, Answer]]) -> None:
        """Append answers, and see them on the disk."""
        for number, answer in answers:
            tags = [[tag.at, tag.raw, tag.number, tag.kind] for tag in answer.tags]
            findings = [asdict(finding) for finding in answer.findings]
            row = {"n": number, "text": answer.text, "tags": tags, "findings": findings, "failed": answer.failed}
            self._stream.write(json.dumps(sound(row), ensure_ascii=False).encode() + b"\n")
            self.known[number] = answer
        self._stream.flush()
        os.fsync(self._stream.fileno())


def _answers(raw: bytes) -> dict[int, Answer]:
    """The answers in lines that are whole."""
    known: dict[int, Answer] = {}
    for line in raw.splitlines():
        row = json.loads(line)
        tags = tuple(Tag(*tag) for tag in row["tags"])
        findings = tuple(Finding(**finding) for finding in row["findings"])
        known[row["n"]] = Answer(row["text"], "", findings, tags, row["failed"])
    return known


def _held(place: Path) -> IO[str] | None:
    """The lock of a document, which ends when it is closed; None where another process has it."""
    stream = (place / "lock").open("a")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return stream
