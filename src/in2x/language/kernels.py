"""Numba kernels over the UTF-8 bytes of an Arrow text column: the scripts of every text.

A column is `(data, offsets)`: text i is `data[offsets[i]:offsets[i + 1]]` (uint8, int64). Kernels release the GIL, so
that Daft's threads run them side by side; none makes a Python object per text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile with Numba: cached on disk, without the GIL, no checks for division by zero."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

SCRIPTS = ("latin", "kana", "han", "hangul", "letter", "digit", "space", "other", "simplified")
"""Columns of `script_counts`. "letter" is any further alphabet; "simplified" counts, inside "han", the characters of
`mainland` (forms that Japanese does not write)."""
LATIN, KANA, HAN, HANGUL, LETTER, DIGIT, SPACE, OTHER, SIMPLIFIED = range(9)


def column(texts: Any) -> tuple[Bytes, Ints]:
    """`(data, offsets)` of a pyarrow string array (or of an iterable of `str | None`); a null reads as ""."""
    if not isinstance(texts, pa.Array):  # half an emoji, a lone surrogate, has no bytes
        texts = pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], type=pa.large_string())
    array = texts
    if not pa.types.is_large_string(array.type):
        array = array.cast(pa.large_string())
    if array.null_count:
        array = array.fill_null("")
    _, offsets, data = array.buffers()
    if len(array) == 0 or offsets is None:
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return (np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)), bounds


@kernel
def _next(data: Bytes, at: Any) -> Any:
    """The code point that starts at byte `at`, and where the next one starts. The bytes are valid UTF-8."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (data[at + 1] & 0x3F), at + 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((data[at + 1] & 0x3F) << 6) | (data[at + 2] & 0x3F), at + 3
    return (
        ((first & 0x07) << 18) | ((data[at + 1] & 0x3F) << 12) | ((data[at + 2] & 0x3F) << 6) | (data[at + 3] & 0x3F)
    ), at + 4


@kernel
def script(code: int) -> int:
    """The script of a code point, as an index of `SCRIPTS` (never `SIMPLIFIED`)."""
    if code < 0x80:
        if 97 <= code <= 122 or 65 <= code <= 90:
            return 0
        if 48 <= code <= 57:
            return 5
        return 6 if code <= 32 else 7
    if 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x3FFFF or 0xF900 <= code <= 0xFAFF:
        return 2
    if code == 0x3005 or code == 0x3007:  # iteration mark and zero stand for characters
        return 2
    if 0x3041 <= code <= 0x30FF and code != 0x30FB:
        return 1
    if 0xFF66 <= code <= 0xFF9F or 0x31F0 <= code <= 0x31FF:
        return 1
    if 0xAC00 <= code <= 0xD7AF or 0x1100 <= code <= 0x11FF or 0x3130 <= code <= 0x318F:
        return 3
    if 0xC0 <= code <= 0x24F and code != 0xD7 and code != 0xF7:
        return 0
    if 0x1E00 <= code <= 0x1EFF or 0xFF21 <= code <= 0xFF3A or 0xFF41 <= code <= 0xFF5A:
        return 0
    if 0xFF10 <= code <= 0xFF19:
        return 5
    if code == 0x3000 or code == 0xA0 or 0x2000 <= code <= 0x200B:
        return 6
    if 0x370 <= code <= 0x10FF:
        return 4
    return 7


@kernel
def _is_mainland(code: int, mainland: Ints) -> bool:
    low, high = 0, len(mainland)
    while low < high:
        middle = (low + high) // 2
        if mainland[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low < len(mainland) and mainland[low] == code


@kernel
def script_counts(data: Bytes, offsets: Ints, mainland: Ints) -> Ints:
    """Characters by script, int64 `[texts, len(SCRIPTS)]`. `mainland`: sorted code points (see `SCRIPTS`)."""
    texts = len(offsets) - 1
    counts = np.zeros((texts, 9), np.int64)
    for i in range(texts):
        at, stop = offsets[i], offsets[i + 1]
        while at < stop:
            code, at = _next(data, at)
            kind = script(code)
            counts[i, kind] += 1
            if kind == 2 and _is_mainland(code, mainland):
                counts[i, 8] += 1
    return counts
