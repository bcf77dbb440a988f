"""Answers on disk: one SQLite file in WAL mode, so that a killed run asks nothing twice and a rerun costs nothing.

Every answer is its own transaction, written the moment it arrives. WAL with `synchronous=NORMAL` makes that safe
against a killed process at the price of a `write` (no fsync); after a power cut the last answers may be missing, and
the file is whole all the same. Failures are not kept, so that they may come out better another time; a cache that is
opened with `unusable` keeps answers in the wrong form, so that what rests on them comes out the same, and whoever asks
says himself what is asked again (`judge/retry.py`). Nothing secret is kept: keys and headers never come here.

A row is the key, the number of the model and the answer, packed. SQLite puts what does not fit into a quarter of a page
onto pages of its own: so a small answer on pages of 4 KiB took more room for the page than for itself.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from in2x.errors import In2xError
from in2x.llm.request import Answer

VERSION = 2
PAGE = 16384
"""Bytes of a page: rows of up to 4 KiB, nearly all of them, lie side by side (our choice)."""
PACKED = 200
"""Bytes from which an answer is compressed (our choice)."""
PATIENCE = 30.0
"""Seconds that a process waits for another that has the file."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS models (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, model INTEGER NOT NULL, value BLOB NOT NULL) "
    "WITHOUT ROWID",
)
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_APPLICATION = 0x496E3278  # "In2x"


def _packed(value: bytes) -> bytes:
    """`value` as it is kept: itself, which is JSON and begins with "[", or compressed."""
    # ensure_ascii writes six bytes for a kana, and compression takes them back; lone surrogates stay what they are.
    return zlib.compress(value, 6) if len(value) >= PACKED else value


def _unpacked(value: bytes) -> bytes:
    return value if value[:1] == b"[" else zlib.decompress(value)


def cache_beside(out: Path, name: str) -> Path:
    """Where a stage that writes to `out` keeps answers if nothing else is said: beside the run's artifacts."""
    beside = out.parent
    return (beside.parent if beside.name == ".partial" else beside) / name


class Cache:
    """Answers by key. Safe for several processes at once.

    Args:
        path: the file.
        unusable: keep the answers too in which a model did not keep to the form that was asked for.

    Raises:
        In2xError: the file is not a cache, belongs to another version, or cannot be written.
    """

    def __init__(self, path: Path, *, unusable: bool = False) -> None:
        self.path, self.unusable = path, unusable
        self._models: dict[str, int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=PATIENCE, cached_statements=16, check_same_thread=False
            )
            self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from None

    def _open(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:  # SQLite does not wait by itself where two processes make the file at once
            try:
                return self._prepare()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                time.sleep(0.01)

    def _prepare(self) -> None:
        db = self._db
        db.execute("BEGIN")  # of one moment: another process may be making the file
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        fresh = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        db.execute("COMMIT")
        if not fresh and application != _APPLICATION:
            raise In2xError("another program's database", file=self.path, mend="give another path for the cache")
        if not fresh and version == 1:
            self._from_version_1()
        elif not fresh and version != VERSION:
            raise In2xError(
                f"a cache of version {version}, this is version {VERSION}", file=self.path,
                mend="give another path or delete it",
            )  # fmt: skip
        if fresh:
            db.execute(f"PRAGMA page_size={PAGE}")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        if fresh:
            # One transaction: two processes that open a new file at once see all of this or nothing.
            db.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                db.execute(table)
            db.execute(f"PRAGMA application_id={_APPLICATION}")
            db.execute(f"PRAGMA user_version={VERSION}")
            db.execute("COMMIT")

    def _from_version_1(self) -> None:
        """Bring the rows of an older file into the form of today, in one transaction: they were paid for."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] == 1:  # another process may have done it meanwhile
            db.execute("ALTER TABLE answers RENAME TO old")
            for table in _TABLES:
                db.execute(table)
            db.execute("INSERT INTO models (name) SELECT DISTINCT model FROM old ORDER BY model")
            db.create_function("pack", 1, lambda value: _packed(value.encode()))
            db.execute(
                "INSERT INTO answers SELECT old.key, models.number, pack(old.value) FROM old JOIN models "
                "ON models.name = old.model"
            )
            db.execute("DROP TABLE old")
            db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")

    def _fault(self, error: Exception) -> In2xError:
        what = str(error)
        if "full" in what or "No space" in what:
            return In2xError("there is no room on the disk for the cache", file=self.path, mend="free some, run again")
        if "not a database" in what or "malformed" in what:
            return In2xError("not a cache", file=self.path, mend="give another path or delete it")
        return In2xError(f"the cache cannot be used ({what})", file=self.path, mend="give a path that can be written")

    def get(self, key: bytes) -> Answer | None:
        """The answer kept under `key`."""
        try:
            row = self._db.execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._fault(error) from None
        if row is None:
            return None
        text, value, finished, prompt_tokens, answer_tokens, logprobs, *more = json.loads(_unpacked(row[0]))
        fault = more[0] if more else None
        thought = more[1] if len(more) > 1 else ""
        if fault is not None and not self.unusable:
            return None
        return Answer(
            text, value, finished, prompt_tokens, answer_tokens, logprobs,
            error=fault, unusable=fault is not None, cached=True, thought=thought,
        )  # fmt: skip

    def put(self, key: bytes, model: str, answer: Answer) -> None:
        """Keep `answer` (no failure but one in the wrong form) under `key`; an answer that is already there stays."""
        if answer.error is not None and not (self.unusable and answer.unusable):
            raise ValueError("failures are not kept")
        value = _encode(
            [
                answer.text, answer.value, answer.finished, answer.prompt_tokens, answer.answer_tokens,
                answer.logprobs, *([answer.error, answer.thought] if answer.thought
                                   else [answer.error] if answer.error is not None else []),
            ]
        )  # fmt: skip
        try:
            self._db.execute(
                "INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (key, self._number(model), _packed(value.encode()))
            )
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _number(self, model: str) -> int:
        if model not in self._models:
            self._db.execute("INSERT OR IGNORE INTO models (name) VALUES (?)", (model,))
            (self._models[model],) = self._db.execute("SELECT number FROM models WHERE name = ?", (model,)).fetchone()
        return self._models[model]

    def count(self) -> int:
        """Answers kept."""
        return int(self._db.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Close the file. Calling it again does nothing."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
