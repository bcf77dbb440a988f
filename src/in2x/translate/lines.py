"""Plain text through a translator: one line in, one line out, in bounded memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from in2x.errors import In2xError
from in2x.translate.backend import Translation, one_line


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


@contextmanager
def open_target(file: Path | None) -> Iterator[TextIO]:
    """Where the lines go: standard output, or a file that is written beside and renamed when whole."""
    if file is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    partial = file.with_name(file.name + ".partial")
    try:
        stream = partial.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise In2xError(f"cannot be written ({error.strerror})", file=file, mend="give another -o") from None
    try:
        with stream:
            yield stream
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def translate_lines(
    translate: Callable[[list[str]], list[Translation]],
    lines: Iterator[str],
    write: Callable[[list[str]], None],
    failed: Callable[[int, str], None],
    batch: int = 256,
) -> None:
    """Translate `lines`, `batch` at a time, and hand the answers to `write` in order.

    A line that has no whole translation stays as it is (never blank, never half), and `failed` is told its number, from
    1, and why. A batch is sorted by length inside, so a larger one is faster and a smaller one answers sooner.
    """
    first = 1
    while chunk := list(islice(lines, batch)):
        answers = translate(chunk)
        write([one_line(line) if one.fault else one.text for line, one in zip(chunk, answers, strict=True)])
        for number, one in enumerate(answers, start=first):
            if one.fault:
                failed(number, one.fault)
        first += len(chunk)
