"""Lines as they come, one in, one out, in bounded memory: standard input, and a talk at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from in2x.errors import In2xError
from in2x.formats.document import Options
from in2x.formats.registry import parse
from in2x.translate.job import CONTEXT
from in2x.translate.outcome import Outcome
from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Translator

AT_ONCE = 256
"""Lines that are translated together (our choice): a smaller number answers sooner, a larger one is faster."""


def read_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a UTF-8 stream without their ends (\\n or \\r\\n only: no other character ends a line here).

    Raises:
        In2xError: a line is not UTF-8.
    """
    for number, raw in enumerate(stream, start=1):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            yield raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            raise In2xError("not UTF-8 text", file=name, line=number, mend="convert the file to UTF-8") from None


@contextmanager
def open_source(file: Path | None) -> Iterator[tuple[BinaryIO, str, int | None]]:
    """The stream to read, its name and, for a file, its number of lines; None is standard input."""
    if file is None:
        yield sys.stdin.buffer, "standard input", None
        return
    try:
        with file.open("rb") as stream:
            total = 0
            last = b"\n"
            while block := stream.read(1 << 20):
                total, last = total + block.count(b"\n"), block[-1:]
            stream.seek(0)
            yield stream, str(file), total + (last != b"\n")
    except OSError as error:
        raise In2xError(
            f"cannot be read ({error.strerror})", file=file, mend="give a text file or - for standard input"
        ) from None


def translate_lines(
    translator: Translator,
    lines: Iterator[str],
    wanted: TranslationRequest,
    wishes: dict[str, Any],
    write: Callable[[int, str, Outcome | None], None],
    flush: Callable[[], None],
    batch: int,
) -> None:
    """Translate `lines`, `batch` at a time, and hand each to `write` in order: number, from 1, line, and its outcome.

    A line has no outcome where it has no letter, and stays as it is where it has no translation.
    """
    options = Options(wanted.source_lang, wanted.target_lang)
    earlier: list[Outcome] = []
    first = 1
    while chunk := list(islice(lines, batch)):
        document = parse(
            "\n".join(line.replace("\r", " ") for line in chunk).encode(), "standard input", options, "txt"
        )
        done = translator.translate(document, wanted.source_lang, wanted.target_lang, earlier=earlier, **wishes)
        by_place = {outcome.segment.place: outcome for outcome in done.outcomes}
        for number, line in enumerate(done.write().decode().split("\n"), start=1):
            write(first + number - 1, line, by_place.get(f"line {number}"))
        flush()
        earlier = [*earlier, *done.outcomes][-CONTEXT:]
        first += len(chunk)
