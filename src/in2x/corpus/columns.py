"""Selection: an expression over the columns of scores, decided apart from the scores themselves.

Buckets are CCNet's: by perplexity, the best third of each language is the head, the worst the tail (Wenzek et al.
2020). Expressions are parsed by Daft's SQL, which knows columns, comparisons and functions of values, and nothing of
Python, files or processes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from in2x.errors import In2xError

BUCKETS = ("head", "middle", "tail")


def buckets(lang: NDArray[Any], perplexity: NDArray[np.float64]) -> NDArray[Any]:
    """The bucket of each document inside its language, `[documents]`; None without a perplexity."""
    out = np.full(len(lang), None, object)
    for name in set(lang.tolist()):
        here = np.flatnonzero((lang == name) & ~np.isnan(perplexity))
        if len(here):
            low, high = np.quantile(perplexity[here], (1 / 3, 2 / 3))
            place = (perplexity[here] > low).astype(int) + (perplexity[here] > high)
            out[here] = np.array(BUCKETS, object)[place]
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
