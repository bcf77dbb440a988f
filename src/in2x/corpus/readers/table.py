"""Tables: CSV (RFC 4180, comma or semicolon) and TSV (no quotation, as IANA's text/tab-separated-values has it)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from in2x.corpus.readers import Row


class _Lines:
    """Lines of a text; one longer than `longest` raises csv.Error, and the next one comes."""

    def __init__(self, text: io.TextIOWrapper, longest: int) -> None:
        self.text, self.longest = text, longest

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.text.readline(self.longest + 1)
        if not line:
            raise StopIteration
        if len(line) > self.longest:
            while line and not line.endswith("\n"):
                line = self.text.readline(1 << 20)
            raise csv.Error(f"longer than {self.longest:,} characters")
        return line


def table(stream: Any, encoding: str, longest: int, *, tabs: bool) -> Iterator[Row]:
    """Rows of a table with a head, by the names of its columns.

    Args:
        stream: bytes.
        encoding: of the whole file; what is not in it becomes U+FFFD, which the cleaning counts.
        longest: characters of a cell; a longer one is a fault.
        tabs: TSV; else CSV, whose mark is told by the head.
    """
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    head = text.readline(longest).removeprefix("\ufeff")
    mark = "\t" if tabs or ("\t" in head and "," not in head) else ";" if head.count(";") > head.count(",") else ","
    layout: Any = {"delimiter": mark, "quoting": csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL}
    names = next(csv.reader([head], **layout), [])
    csv.field_size_limit(longest)
    rows = csv.reader(_Lines(text, longest), **layout)
    while True:
        line = rows.line_num + 2
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"no row of the table ({error})"
            continue
        if len(cells) > len(names):
            yield line, f"{len(cells)} cells under {len(names)} heads"
        elif cells:
            yield line, dict(zip(names, cells, strict=False))
