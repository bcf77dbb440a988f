"""A JSON array as a stream: one element at a time is held, however long the file is."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from in2x.corpus.readers import Row

_BLOCK = 1 << 18
_BETWEEN = re.compile(r"[\s,]*")


def array(stream: Any, encoding: str, longest: int) -> Iterator[Row]:
    """Elements of the array that a file holds; a single object is an array of one.

    Args:
        stream: bytes.
        encoding: of the file.
        longest: characters of an element; a longer one is a fault that ends the file.
    """
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace")
    decoder = json.JSONDecoder()
    buffer = text.read(_BLOCK).lstrip("\ufeff \t\r\n")
    number, at = 0, 0
    if buffer.startswith("["):
        at = 1
    while True:
        border = _BETWEEN.match(buffer, at)
        at = border.end() if border else at
        if at == len(buffer):
            at, buffer = 0, text.read(_BLOCK)
            if not buffer:
                return
            continue
        if buffer[at] == "]":
            return
        number += 1
        try:
            row, at = decoder.raw_decode(buffer, at)
        except RecursionError:
            yield number, "nested too deep"
            return
        except ValueError as error:
            # It may only be cut here: twice as much is read each time, so that a long element is tried a few times.
            more = text.read(max(_BLOCK, len(buffer) - at))
            if not more or len(buffer) - at > longest:
                what = f"longer than {longest:,} characters" if more else f"not JSON ({error})"
                yield number, what
                return
            number, buffer, at = number - 1, buffer[at:] + more, 0
            continue
        yield number, row if isinstance(row, dict) else {"text": row} if isinstance(row, str) else "not a JSON object"
