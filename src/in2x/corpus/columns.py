"""Selection: an expression over the columns of scores, decided apart from the scores themselves.

Buckets are CCNet's: by perplexity, the best third is the head, the worst the tail (Wenzek et al. 2020). What differs:
thirds are taken inside each source of a language, so that dialogue is not the tail because books are the usual text;
sources of few documents are taken together. Expressions are parsed by Daft's SQL, which knows columns, comparisons and
functions of values, and nothing of Python, files or processes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from in2x.errors import In2xError

BUCKETS = ("head", "middle", "tail")
LEAST = 60
"""Documents of a source below which its thirds say nothing (our choice): twenty in each."""
Codes = NDArray[np.signedinteger[Any]]


class Names:
    """Numbers for the few values of a column, given in the order in which they are first seen."""

    def __init__(self) -> None:
        self.values: list[str | None] = []
        self._code: dict[str | None, int] = {}

    def codes(self, column: Any) -> NDArray[np.int32]:
        """The number of each value of a pyarrow array of strings, int32 `[rows]`."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        found = column.dictionary_encode(null_encoding="encode")
        numbers = [self.code(value) for value in found.dictionary.to_pylist()]
        codes: NDArray[np.int32] = np.array(numbers or [0], np.int32)[found.indices.to_numpy(zero_copy_only=False)]
        return codes

    def code(self, value: str | None) -> int:
        """The number of one value."""
        if value not in self._code:
            self._code[value] = len(self.values)
            self.values.append(value)
        return self._code[value]

    def array(self) -> NDArray[Any]:
        """The values by number, as objects."""
        return np.array([*self.values, None], object)[:-1]


def strata(lang: Codes, source: Codes, here: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The group that each document is ranked in, int64 `[documents]`: its source in its language, where that has at
    least `LEAST` documents `here`, else all such sources of the language together.
    """
    sources = int(source.max(initial=0)) + 1
    group = lang.astype(np.int64) * (sources + 1) + source
    sizes = np.bincount(group[here], minlength=int(group.max(initial=0)) + 1) if len(group) else np.zeros(1, np.int64)
    return np.where(sizes[group] >= LEAST, group, lang.astype(np.int64) * (sources + 1) + sources)


def buckets(group: NDArray[np.int64], perplexity: NDArray[np.float64]) -> NDArray[np.int8]:
    """The place in `BUCKETS` of each document inside its group, int8 `[documents]`; -1 without a perplexity."""
    out = np.full(len(group), -1, np.int8)
    known = np.flatnonzero(~np.isnan(perplexity))
    order = known[np.lexsort((perplexity[known], group[known]))]
    if not len(order):
        return out
    starts = np.flatnonzero(np.diff(group[order], prepend=group[order[0]] - 1))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[start:stop]
        low, high = np.quantile(perplexity[rows], (1 / 3, 2 / 3))
        out[rows] = (perplexity[rows] > low).astype(np.int8) + (perplexity[rows] > high)
    return out


def chosen(table: Any, where: str, knob: str) -> NDArray[np.bool_]:
    """Which rows of a pyarrow table an SQL expression keeps, bool `[rows]` (a null decides for neither: not kept).

    Args:
        where: for example "quality > 0.3 AND bucket <> 'tail'".
        knob: where the expression stands, for the error.

    Raises:
        In2xError: the expression is wrong, names another column, or is no condition.
    """
    import daft

    kept = np.zeros(table.num_rows, bool)
    try:
        frame = daft.from_arrow(table.append_column("row", pa.array(np.arange(table.num_rows))))
        rows = frame.where(daft.sql_expr(where)).select("row").to_arrow()["row"]
    except Exception as error:  # Daft raises several kinds for a wrong expression
        first = (str(error).splitlines() or ["?"])[0]
        raise In2xError(f"{knob}: the expression {where!r} cannot be evaluated ({first})",
                        mend=f"use the columns {', '.join(table.column_names)}") from None  # fmt: skip
    kept[rows.to_numpy()] = True
    return kept
