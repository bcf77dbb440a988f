"""The journal of a translation: one file of JSON lines beside the output, `OUT.journal.jsonl`.

Every segment is a line from the moment it is done, under the hash of all that its translation depends on, so that a run
that was killed goes on where it stopped and the same command again asks nothing twice. A line is appended and flushed;
a last line that was torn by a kill is dropped. Four kinds of lines:

    {"journal": 1, "of": "book.txt", "from": "…", "to": "…"}                         the head
    {"key": "…", "place": "line 3", "source": "…", "text": "…", "edited": "", ...}   a segment; later lines win
    {"edit": "…", "place": "line 3", "source": "…"}                                  a person's words (`review.py`)
    {"answer": "…", "value": [...]}                                                  a server's answer on the way

A person may write into "edited" of a segment's line. Answers on the way are dropped when a run comes to its end.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from in2x.artifact import write_text
from in2x.errors import In2xError, UsageError
from in2x.llm.cache import Cache
from in2x.llm.request import Answer
from in2x.records import sound
from in2x.translate.review import Edit, Edits

SUFFIX = ".journal.jsonl"
REVIEW = ".review.tsv"
VERSION = 1
_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def journal_of(output: Path) -> Path:
    """Where the journal of `output` (a file or a folder) lies."""
    return output.with_name(output.name + SUFFIX)


def review_of(output: Path) -> Path:
    """Where the table to review of `output` lies (`review.py`)."""
    return output.with_name(output.name + REVIEW)


@dataclass(frozen=True, slots=True)
class Kept:
    """A segment that is done."""

    key: str
    place: str
    source: str
    text: str
    """The translation, inline tags as placeholders."""
    repairs: int = 0
    repaired: tuple[str, ...] = ()
    edited: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose journal it is."""

    of: str
    """Name of the file or folder that is translated."""
    source_lang: str
    target_lang: str


@dataclass
class Journal:
    """The open journal of one output; one process at a time has it.

    Args:
        path: the file; it is made with the first line.
        owner: what is translated.

    Raises:
        In2xError: it is the journal of something else, a line of it cannot be read, or another process has it.
    """

    path: Path
    owner: Owner
    edits: Edits = field(default_factory=Edits)
    wrote: dict[str, str] = field(default_factory=dict)
    """Output file -> hash of what was written there last."""

    def __post_init__(self) -> None:
        """Open and read."""
        self._segments: dict[str, Kept] = {}
        self._answers: dict[str, list[Any]] = {}
        try:
            self._stream = self.path.open("a+b")
        except OSError as error:
            raise In2xError(f"the journal cannot be written ({error.strerror})", file=self.path,
                            mend="give another -o") from None  # fmt: skip
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._stream.close()
            raise In2xError("another in2x is writing this translation", file=self.path,
                            mend="wait for it, or stop it") from None  # fmt: skip
        try:
            self._read()
        except BaseException:
            self._stream.close()
            raise

    def _read(self) -> None:
        self._stream.seek(0)
        raw = self._stream.read()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):  # torn by a kill
            self._stream.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if number == 1:
                    self._check_owner(row)
                else:
                    self._take(row)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise In2xError(f"not a line of a journal ({error})", file=self.path, line=number,
                                mend="mend the line, or delete it") from None  # fmt: skip
        if not whole:
            self._write({"journal": VERSION, "of": self.owner.of, "from": self.owner.source_lang,
                         "to": self.owner.target_lang})  # fmt: skip

    def _check_owner(self, row: dict[str, Any]) -> None:
        if row.get("journal") != VERSION:
            raise UsageError("not a journal of this version of in2x", file=self.path,
                             mend="move it away, or give another -o")  # fmt: skip
        owner = Owner(row["of"], row["from"], row["to"])
        if owner != self.owner:
            raise UsageError(
                f"the journal of {owner.of} from {owner.source_lang} to {owner.target_lang}, not of {self.owner.of} "
                f"from {self.owner.source_lang} to {self.owner.target_lang}",
                file=self.path,
                mend="give another -o, or move it away",
            )

    def _take(self, row: dict[str, Any]) -> None:
        if "answer" in row:
            self._answers[row["answer"]] = list(row["value"])
        elif "edit" in row:
            self.edits.add(Edit(str(row["source"]), str(row["edit"]), str(row.get("place", ""))))
        elif "wrote" in row:
            self.wrote[row["wrote"]] = str(row["hash"])
        else:
            kept = Kept(
                str(row["key"]), str(row["place"]), str(row["source"]), str(row["text"]), int(row.get("repairs", 0)),
                tuple(row.get("repaired", ())), str(row.get("edited") or ""),
            )  # fmt: skip
            self._segments[kept.key] = kept
            if kept.edited:
                self.edits.add(Edit(kept.source, kept.edited, kept.place))

    def _write(self, row: Mapping[str, Any]) -> None:
        try:
            self._stream.write(sound(_encode(row)).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            raise In2xError(f"the journal cannot be written ({error.strerror})", file=self.path,
                            mend="make room, and run again") from None  # fmt: skip

    def get(self, key: str) -> Kept | None:
        """The segment that is kept under `key`."""
        return self._segments.get(key)

    def keep(self, kept: Kept) -> None:
        """Keep a segment from this moment on; the same one again costs nothing."""
        if self._segments.get(kept.key) != kept:
            self._segments[kept.key] = kept
            self._write(_row(kept))

    def take_edits(self, edits: Edits) -> None:
        """Keep a person's words."""
        for edit in edits:
            if self.edits.add(edit):
                self._write({"edit": edit.text, "place": edit.place, "source": edit.source})

    def note_output(self, name: str, raw: bytes) -> None:
        """Remember what was written to the file `name`: a file that is still so is ours to write again."""
        self.wrote[name] = digest(raw)
        self._write({"wrote": name, "hash": self.wrote[name]})

    @property
    def answers(self) -> Cache:
        """Where a server's answers are kept on their way."""
        return _Answers(self)

    def finish(self) -> None:
        """Write the journal anew without what only a killed run would need: answers on the way, lines that later ones
        replaced."""
        head = {"journal": VERSION, "of": self.owner.of, "from": self.owner.source_lang, "to": self.owner.target_lang}
        rows: Iterator[Mapping[str, Any]] = iter([
            head,
            *({"edit": edit.text, "place": edit.place, "source": edit.source} for edit in self.edits),
            *map(_row, self._segments.values()),
            *({"wrote": name, "hash": value} for name, value in self.wrote.items()),
        ])  # fmt: skip
        write_text(self.path, "".join(f"{sound(_encode(row))}\n" for row in rows))

    def close(self) -> None:
        """Close the file; one that holds nothing is removed."""
        if not (self._segments or self._answers or self.edits or self.wrote) and not self._stream.closed:
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # what the disk did not take was told when it was written, and is tried once more here
            self._stream.close()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _row(kept: Kept) -> dict[str, Any]:
    return asdict(kept) | {"repaired": list(kept.repaired)}


def digest(raw: bytes) -> str:
    """32 hexadecimal digits that stand for `raw`."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


class _Answers(Cache):
    """The answers of a server, kept as lines of a journal instead of in a file of their own."""

    def __init__(self, journal: Journal) -> None:
        self.path, self.unusable, self._journal = journal.path, False, journal

    def get(self, key: bytes) -> Answer | None:
        """The answer kept under `key`."""
        found = self._journal._answers.get(key.hex())
        return None if found is None else replace(Answer(*found), cached=True)

    def put(self, key: bytes, model: str, answer: Answer) -> None:
        """Keep `answer`."""
        value = [answer.text, answer.value, answer.finished, answer.prompt_tokens, answer.answer_tokens,
                 answer.logprobs]  # fmt: skip
        self._journal._answers[key.hex()] = value
        self._journal._write({"answer": key.hex(), "value": value})

    def count(self) -> int:
        """Answers kept."""
        return len(self._journal._answers)

    def close(self) -> None:
        """The journal closes itself."""
