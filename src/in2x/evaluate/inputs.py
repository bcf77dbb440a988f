"""Files in: plain text of one segment a line, and JSON Lines; both may be gzipped."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import compress, count
from pathlib import Path
from typing import Any

from in2x.errors import In2xError


def read_jsonl(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(1-based line, object) of each line of a JSON Lines file; blank lines are skipped.

    Raises:
        In2xError: the file cannot be read, or a line is not a JSON object.
    """
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = getattr(error, "msg", "nested too deep, or a number of too many digits")
            raise In2xError(f"not JSON ({why})", file=file, line=number, mend="one JSON object a line") from None
        if not isinstance(row, dict):
            raise In2xError("not a JSON object", file=file, line=number, mend="one JSON object a line")
        yield number, row


def read_lines(file: Path) -> list[str]:
    """The lines of a text file (.gz too), cut at line feeds only, as sacrebleu and `wc -l` count them.

    Raises:
        In2xError: the file is missing or not UTF-8.
    """
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, EOFError) as error:
        raise In2xError(f"cannot be read ({error.__class__.__name__})", file=file, mend="give a text file") from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise In2xError("not UTF-8", file=file, line=line, mend="convert the file to UTF-8") from None
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.rstrip("\r") for line in lines]


def read_parallel(files: Sequence[Path], *, allow_empty: Sequence[Path] = ()) -> tuple[list[int], list[list[str]]]:
    """Read files of one segment a line; the first one sets how many lines the others must have.

    Lines that are empty in all files (between paragraphs; `in2x translate` keeps them) are left out.

    Args:
        allow_empty: files in which empty lines are no error.

    Returns:
        The line number of each segment (from 1), and the segments of each file.

    Raises:
        In2xError: a file has more or fewer lines, or a line that is empty there but not in all files; no line has text.
    """
    found = [read_lines(file) for file in files]
    for file, lines in zip(files, found, strict=True):
        wanted = len(found[0])
        if len(lines) != wanted:
            gap = len(lines) - wanted
            much = f"{abs(gap)} line{'s' if abs(gap) > 1 else ''} too {'many' if gap > 0 else 'few'}"
            raise In2xError(f"{much} ({len(lines)}, where {files[0]} has {wanted})",
                            file=file, line=min(len(lines), wanted) + 1, mend="give one line a segment")  # fmt: skip
    filled = [any(line.strip() for line in row) for row in zip(*found, strict=True)]
    if not any(filled):
        raise In2xError("the file is empty", file=files[0], mend="give at least one line")
    for file, lines in zip(files, found, strict=True):
        for number, (line, there) in enumerate(zip(lines, filled, strict=True), start=1):
            if there and not line.strip() and file not in allow_empty:
                raise In2xError("empty line", file=file, line=number, mend="fill it, or give --allow-empty")
    return list(compress(count(1), filled)), [list(compress(lines, filled)) for lines in found]
