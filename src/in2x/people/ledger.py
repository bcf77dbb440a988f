"""What every change of a campaign does beside itself: it is counted, and written into the audit log."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, update

from in2x.errors import UsageError
from in2x.people import schema


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, some hundred at a time."""
    for start in range(0, len(rows), 500):
        connection.execute(insert(table), list(rows[start : start + 500]))


def changed(connection: Connection, name: str, **values: Any) -> None:
    """Count an edit of the campaign, so that servers read it anew; `values` are columns to set with it.

    Raises UsageError where there is no such campaign.
    """
    c = schema.campaign.c
    done = connection.execute(update(schema.campaign).where(c.id == name).values(changes=c.changes + 1, **values))
    if not done.rowcount:
        raise UsageError(f"there is no campaign {name!r}", mend="give the name of one that the store holds")


def note(connection: Connection, name: str, action: str, detail: Mapping[str, Any]) -> None:
    """Add a line to the audit log."""
    connection.execute(insert(schema.audit).values(
        time=time.time(), campaign=name, action=action, detail=json.dumps(detail, ensure_ascii=False)))  # fmt: skip
