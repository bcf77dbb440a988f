"""Rows of a data set of the hub, streamed by `datasets`: OWNER/NAME, OWNER/NAME:CONFIG, either with #SPLIT behind it.

The folder of a data set that lies on this machine is read the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from in2x.errors import In2xError

PREFIX = "hub:"
"""Tells the name of a data set from a path."""
_NAME = re.compile(r"(?P<set>\w[\w.-]*/\w[\w.-]*)(?::(?P<config>[\w.-]+))?(?:#(?P<split>[\w.-]+))?")


def is_name(text: str) -> bool:
    """Whether `text` has the form of a name (without the prefix)."""
    return bool(_NAME.fullmatch(text))


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The rows of the set called `name` (with the prefix or without), or of the data set in that folder; each row has
    the set's licence in "license", where its card names one and the row does not.

    Raises:
        In2xError: there is no such set, configuration or split, or it cannot be reached or read.
    """
    from datasets import load_dataset

    text = name.removeprefix(PREFIX)
    found = None if Path(text).is_dir() else _NAME.fullmatch(text)
    try:
        if found is None:
            table = load_dataset(text, split="train", streaming=True)
        else:
            table = load_dataset(found["set"], found["config"], split=found["split"] or "train", streaming=True)
        card = {"license": table.info.license} if table.info.license else {}
        for row in table:
            yield card | row
    except Exception as error:  # the hub's client raises many kinds, all meaning the same to the user
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise In2xError(f"the data set cannot be read ({first.rstrip('.')})", file=name,
                        mend="check name, :CONFIG, #SPLIT and the network, or give a file") from None  # fmt: skip
