"""The folder behind a server: a database, and files that are whole or not there.

Several processes may share one folder. What is acknowledged is on the disk: SQLite in WAL mode with full
synchronisation.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from in2x.errors import In2xError
from in2x.web.guard import Fault

PATIENCE = 30
"""Seconds that one process waits while another writes (our choice)."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS glossaries (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, made REAL NOT NULL, used REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS glossaries_of ON glossaries (owner);
CREATE TABLE IF NOT EXISTS dictionaries (
    glossary TEXT NOT NULL REFERENCES glossaries ON DELETE CASCADE, source_lang TEXT NOT NULL,
    target_lang TEXT NOT NULL, entries TEXT NOT NULL, PRIMARY KEY (glossary, source_lang, target_lang)
);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, wish TEXT NOT NULL,
    state TEXT NOT NULL, done INTEGER NOT NULL, segments INTEGER NOT NULL, characters INTEGER NOT NULL,
    error TEXT NOT NULL, made REAL NOT NULL, begun REAL NOT NULL, taken REAL
);
CREATE INDEX IF NOT EXISTS documents_of ON documents (owner);
CREATE TABLE IF NOT EXISTS suggestions (
    owner TEXT NOT NULL, source_lang TEXT NOT NULL, target_lang TEXT NOT NULL, text TEXT NOT NULL,
    said TEXT NOT NULL, used REAL NOT NULL, PRIMARY KEY (owner, source_lang, target_lang, text)
);
CREATE TABLE IF NOT EXISTS usage (
    owner TEXT NOT NULL, month TEXT NOT NULL, characters INTEGER NOT NULL, PRIMARY KEY (owner, month)
);
"""


class Store:
    """A folder with its database.

    Raises:
        In2xError: the folder cannot be written, or its database is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock, self._reading = threading.Lock(), threading.Lock()
        try:
            (folder / "documents").mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(folder / "resources.sqlite", timeout=PATIENCE, check_same_thread=False,
                                         isolation_level=None)  # fmt: skip
            os.chmod(folder / "resources.sqlite", 0o600)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute("PRAGMA foreign_keys = ON")
            self._base.executescript(_SCHEMA)
            # One to read by: in this mode of SQLite a reader does not wait for a writer, who waits for the disk.
            self._read = sqlite3.connect(folder / "resources.sqlite", timeout=PATIENCE, check_same_thread=False,
                                         isolation_level=None)  # fmt: skip
        except (OSError, sqlite3.Error) as error:
            raise In2xError(f"glossaries and documents cannot be kept here ({error})", file=folder,
                            mend="give another --data") from None  # fmt: skip

    def close(self) -> None:
        """Close the database."""
        with self._reading:
            self._read.close()
        with self._lock:
            self._base.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                try:
                    yield self._base
                except BaseException:
                    self._base.execute("ROLLBACK")
                    raise
                self._base.execute("COMMIT")
            except sqlite3.Error as error:
                raise _away(error) from None

    def _rows(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]  # as sqlite3 has it
        with self._reading:
            try:
                return self._read.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise _away(error) from None


def _away(error: sqlite3.Error) -> Fault:
    return Fault(503, "not-saved", f"nothing can be kept now ({type(error).__name__})", wait=5)


def write_beside(path: Path, raw: bytes) -> None:
    """Write a file that is whole, and on the disk, or not there; its folder is made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    with partial.open("wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, path)
