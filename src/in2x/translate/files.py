"""Files and folders through a translator: which are documents, where their translations go, what is written when."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Document, Options
from in2x.formats.registry import READERS, parse, read_document
from in2x.translate.journal import Journal, Owner, digest, journal_of

PLAIN = "txt"
"""What a file of no known suffix is read as: lines."""
BINARY = frozenset({".epub", ".docx", ".pptx", ".xlsx"})
"""Suffixes of what no terminal can show."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that was read, and where its translation goes."""

    file: Path
    name: str
    """As people are told of it: inside a folder, its path there."""
    document: Document
    output: Path | None
    """None is standard output."""

    def write(self, raw: bytes) -> None:
        """Write the translation beside its place, then rename.

        Raises:
            ValueError: it goes to standard output.
        """
        if self.output is None:
            raise ValueError("it goes to standard output")
        self.output.parent.mkdir(parents=True, exist_ok=True)
        partial = self.output.with_name(self.output.name + ".partial")
        try:
            partial.write_bytes(raw)
            os.replace(partial, self.output)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise In2xError(f"cannot be written ({error.strerror})", file=self.output, mend="give another -o") from None


def read_paper(file: Path, output: Path | None, options: Options, kind: str | None) -> Paper:
    """A file as a document.

    Raises:
        UsageError: it needs a place to be written to.
        In2xError: it cannot be read, or is not what its name says.
    """
    suffix = f".{kind}" if kind else file.suffix.lower()
    if suffix in BINARY and output is None:
        raise UsageError("this format cannot go to a terminal", file=file, mend="give -o FILE")
    try:
        document = read_document(file, options, kind or (None if suffix in READERS else PLAIN))
    except OSError as error:
        raise In2xError(f"cannot be read ({error.strerror})", file=file,
                        mend="give a document, or - for standard input") from None  # fmt: skip
    return Paper(file, file.name, document, output)


def read_stdin(raw: bytes, output: Path | None, options: Options, kind: str | None) -> Paper:
    """What came by standard input as a document.

    Raises:
        In2xError: it is not what `kind` says.
    """
    name = "standard input"
    return Paper(Path("-"), name, parse(raw, name, options, kind or PLAIN), output)


def read_folder(folder: Path, output: Path, options: Options, unread: Callable[[str, str], None]) -> Iterator[Paper]:
    """The documents of a whole tree, in the order of their paths; `unread` is told of each other file, and why.

    Raises:
        UsageError: the output lies inside the folder.
    """
    inside = output.resolve()
    if inside.is_relative_to(folder.resolve()):
        raise UsageError("the output lies inside the folder that is read", file=output, mend="give another -o")
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        name = file.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        if file.suffix.lower() not in READERS:
            unread(name, "no document format that is known here")
            continue
        try:
            paper = read_paper(file, output / name, options, None)
        except In2xError as error:
            unread(name, error.what)
            continue
        # One journal and one review for all: a place says in which file it is.
        paper.document.segments = tuple(replace(s, place=f"{name}, {s.place}") for s in paper.document.segments)
        yield replace(paper, name=name)


def open_journal(source: Path, output: Path, source_lang: str, target_lang: str) -> Journal:
    """The journal beside `output`.

    Raises:
        In2xError: as `Journal` does.
    """
    return Journal(journal_of(output), Owner(source.resolve().name, source_lang, target_lang))


def check_ours(papers: Sequence[Paper], journal: Journal) -> None:
    """Refuse to write over what this translation did not write.

    Raises:
        UsageError: an output exists, and is not what the journal says was written there.
    """
    for paper in papers:
        if paper.output is None or not paper.output.exists():
            continue
        known = journal.wrote.get(paper.name)
        if known is None:
            raise UsageError("there is such a file already", file=paper.output, mend="give another -o, or --force")
        if known != digest(paper.output.read_bytes()):
            raise UsageError("this file was changed since it was written", file=paper.output,
                             mend="keep your changes by --edits and another -o, or give --force")  # fmt: skip
