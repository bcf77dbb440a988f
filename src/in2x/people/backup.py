"""A copy of a store in one file, taken while it is in use, and put back into either kind of database.

    {"in2x people": 1, "tables": "0001"}      first line: the version of the tables
    ["event", {...}]                           one line a row, gzipped JSON Lines
    {"rows": 1234}                             last line: a file that was cut lacks it

All rows are read in one transaction: what was saved meanwhile is in the copy whole or not at all.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text

from in2x.errors import In2xError, UsageError
from in2x.people import schema
from in2x.people.database import writing
from in2x.people.store import Store

_TABLES = [table for table in schema.metadata.sorted_tables if table.name != "alembic_version"]


def backup(store: Store, out: Path) -> int:
    """Write the store to `out` (beside, then renamed). Returns the number of rows."""
    partial = out.with_name(out.name + ".partial")
    count = 0
    snapshot = store.engine.connect()
    if snapshot.dialect.name == "postgresql":
        snapshot = snapshot.execution_options(isolation_level="REPEATABLE READ")
    with snapshot as connection, connection.begin(), gzip.open(partial, "wt", encoding="utf-8") as stream:
        stream.write(json.dumps({"in2x people": 1, "tables": _version(connection)}) + "\n")
        for table in _TABLES:
            for row in connection.execute(select(table)).mappings():
                stream.write(json.dumps([table.name, dict(row)], ensure_ascii=False) + "\n")
                count += 1
        stream.write(json.dumps({"rows": count}) + "\n")
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(out)
    return count


def restore(store: Store, file: Path) -> int:
    """Put the rows of `file` into `store`, all or none. Returns how many they are.

    Raises:
        In2xError: the store is not empty, or the file is no backup, was cut, or is of another version of the tables.
    """
    lines = _lines(file)
    head = next(lines, None)
    if not isinstance(head, dict) or head.get("in2x people") != 1:
        raise In2xError("this is no backup of a store", file=file, mend="give what `in2x people backup` wrote")
    with writing(store.engine) as connection:
        if connection.scalar(select(func.count()).select_from(schema.campaign)):
            raise UsageError("the store holds campaigns", mend="restore into a new one: --store NEW")
        if head["tables"] != (own := _version(connection)):
            raise In2xError(f"its tables are of version {head['tables']}, ours of {own}", file=file,
                            mend="restore it with the in2x that wrote it")  # fmt: skip
        for table in reversed(_TABLES):
            connection.execute(table.delete())  # an organiser's token, the log: those of the backup count
        count = _put(connection, lines, file)
        if connection.dialect.name == "postgresql":
            for table in (schema.event, schema.audit):  # the counters do not know of rows that brought their number
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'), "
                                        f"(SELECT coalesce(max(seq), 0) + 1 FROM {table.name}), false)"))  # fmt: skip
    return count


def _put(connection: Connection, lines: Iterator[Any], file: Path) -> int:
    tables = {table.name: table for table in _TABLES}
    batch: list[dict[str, Any]] = []
    last, count = "", 0

    def flush() -> None:
        if batch:
            connection.execute(insert(tables[last]), batch)
            batch.clear()

    for line in lines:
        if isinstance(line, dict):
            flush()
            if line.get("rows") != count:
                break
            return count
        name, row = line
        if name != last or len(batch) == 500:
            flush()
        last, count = name, count + 1
        batch.append(row)
    raise In2xError("the backup is not whole", file=file, mend="give one that was written to its end")


def _lines(file: Path) -> Iterator[Any]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)
    except (OSError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise In2xError(f"the backup cannot be read ({error.__class__.__name__})", file=file,
                        mend="give a whole file that `in2x people backup` wrote") from None  # fmt: skip


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
