"""Answers in files: read and checked against the items, written to be scored again, and the sources for elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from in2x.artifact import write_text
from in2x.errors import In2xError
from in2x.evaluate.express.item import Item, suite
from in2x.evaluate.inputs import read_jsonl


def read_answers(file: Path, items: Sequence[Item], *, allow_empty: bool = False) -> list[str]:
    """The answers of a JSON Lines file of {"id", "hypothesis"}, in the order of `items`, whatever theirs is.

    Answers to other items of the suite are left aside, so that one file serves any choice of phenomena.

    Args:
        file: the file (.gz too).
        items: what must be answered.
        allow_empty: take empty answers (which pass nothing).

    Raises:
        In2xError: a line without these two texts, an id that is unknown, comes twice or is missing, an empty answer.
    """
    known = {item.id for item in (*suite(), *items)}
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, row in read_jsonl(file):
        name, text = row.get("id"), row.get("hypothesis")
        if not isinstance(name, str) or not isinstance(text, str):
            lacking = "id" if not isinstance(name, str) else "hypothesis"
            raise In2xError(f"there is no text for {lacking!r}", file=file, line=line,
                            mend='write {"id": ..., "hypothesis": ...} on each line')  # fmt: skip
        if name not in known:
            raise In2xError(f"there is no item {name!r}", file=file, line=line,
                            mend="use the ids that --export writes")  # fmt: skip
        if name in found:
            raise In2xError(f"the item {name} was answered on line {lines[name]} already", file=file, line=line,
                            mend="keep one answer an item")  # fmt: skip
        if not text.strip() and not allow_empty:
            raise In2xError(f"the answer to {name} is empty", file=file, line=line,
                            mend="fill it, or give --allow-empty to count it as failed")  # fmt: skip
        found[name], lines[name] = text, line
    missing = [item.id for item in items if item.id not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise In2xError(f"there is no answer to {missing[0]}{more}", file=file,
                        mend="translate what --export writes, all of it")  # fmt: skip
    return [found[item.id] for item in items]


def write_answers(file: Path, items: Sequence[Item], answers: Sequence[str]) -> None:
    """Write answers as `read_answers` reads them."""
    _write(file, [{"id": item.id, "hypothesis": text} for item, text in zip(items, answers, strict=True)])


def export(file: Path, items: Sequence[Item]) -> None:
    """Write what a translator may see of the items: id, languages, source, context, register."""
    _write(file, [{"id": item.id, "from": item.source_lang, "to": "ja", "source": item.source, "context": item.context,
                   "register": item.register_wanted} for item in items])  # fmt: skip


def _write(file: Path, rows: Sequence[dict[str, str | None]]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    except OSError as error:
        raise In2xError(f"cannot be written ({error.strerror})", file=file, mend="give another place") from None
