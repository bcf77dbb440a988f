"""Connections to PostgreSQL that say the same whichever way the server goes away.

pg8000 (1.31.6) turns the socket's errors into its `InterfaceError` where it writes, but not in its greeting nor where
it reads the first bytes of an answer: a connection that is reset there ends in `ConnectionResetError`. SQLAlchemy does
not know that one for a lost connection: it neither drops those of its pool nor raises its own error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pg8000.exceptions import InterfaceError  # type: ignore[import-untyped]
from pg8000.legacy import Connection  # type: ignore[import-untyped]
from sqlalchemy import Engine, event


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InterfaceError("network error") from error  # the words by which SQLAlchemy knows it


class _Connection(Connection):  # type: ignore[misc]  # pg8000 has no types
    def __init__(self, *args: Any, **options: Any) -> None:
        with _said():
            super().__init__(*args, **options)

    def handle_messages(self, context: Any) -> None:
        with _said():
            super().handle_messages(context)


def say_lost(engine: Engine) -> None:
    """Let `engine` connect so that every lost connection is a `DBAPIError` of SQLAlchemy."""
    event.listen(engine, "do_connect", lambda _dialect, _record, args, options: _Connection(*args, **options))
