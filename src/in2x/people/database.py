"""Open the database that a store lives in: SQLite by file, PostgreSQL by URL; bring its tables up to date.

SQLite runs in WAL mode with `synchronous=FULL`: what is committed is on the disk, also after a power cut.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from in2x.errors import In2xError, UsageError

BUSY = 30.0
"""Seconds that a writer waits for another process (a backup, a command) before it gives up."""
_MIGRATING = 7_320_911_501
"""Key of PostgreSQL's lock, so that two processes that open a fresh store at once do not both make its tables."""


def parse_url(store: str) -> URL:
    """The database that `store` names: a file (`people.db`, `sqlite:///people.db`) or `postgresql://...`.

    Raises:
        UsageError: another kind of database, or no URL at all.
    """
    if "://" not in store:
        return URL.create("sqlite", database=store)
    try:
        url = make_url(store)
    except ArgumentError:
        raise UsageError("--store is no database URL", mend="give a file, or postgresql://USER@HOST/NAME") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+pg8000")
    if url.get_backend_name() == "postgresql" and url.password is None and os.environ.get("PGPASSWORD"):
        url = url.set(password=os.environ["PGPASSWORD"])
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(f"--store: {url.get_backend_name()} is not supported", mend="use SQLite or PostgreSQL")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise UsageError("--store: a store is a file", mend="give its name, for example people.db")
    return url


def connect(store: str, *, create: bool) -> Engine:
    """An engine for `store`, its tables brought up to date.

    Args:
        store: file or URL.
        create: whether an SQLite file that is not there is made.

    Raises:
        In2xError: the database cannot be reached or was written by a newer version.
    """
    url = parse_url(store)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite:
        file = Path(str(url.database))
        if not create and not file.exists():
            raise UsageError("there is no such store", file=file, mend="make one with `in2x people campaign`")
        if not file.parent.is_dir():
            raise UsageError(f"there is no folder {file.parent}", file=file, mend="make it first")
    elif importlib.util.find_spec("pg8000") is None:
        raise UsageError("PostgreSQL needs pg8000", mend="pip install 'in2x[postgresql]'")
    # The server reads from 40 threads. A file is opened for each at once; a new connection to PostgreSQL is a process
    # there, and when everybody comes in the same second, waiting for one of a few is faster than fifty of them.
    options: dict[str, Any] = (
        {"connect_args": {"timeout": BUSY}, "pool_size": 20, "max_overflow": 30}
        if sqlite
        else {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 0}
    )
    engine = create_engine(url, **options)
    if sqlite:
        event.listen(engine, "connect", _pragmas)
        event.listen(engine, "begin", _begin)
    else:
        from in2x.people.postgresql import say_lost  # an extra: there is nothing of it without pg8000

        say_lost(engine)
    try:
        with engine.connect() as connection, _alone(connection):
            _migrate(connection, _shown(url))
    except DBAPIError as error:
        engine.dispose()
        what = str(error.orig).strip() or error.__class__.__name__
        raise In2xError(f"the store {_shown(url)} cannot be opened ({what[:200]})",
                        mend="see that the database runs, and that the file is a store") from None  # fmt: skip
    return engine


def _shown(url: URL) -> str:
    return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _pragmas(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we begin ourselves: the driver would begin too late for a consistent read
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once ("database is locked") if another one wrote
    # between; one that is known to write takes its turn at the start and waits for it.
    mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes, committed at the end."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """One process at a time: the other finds the tables made."""
    if connection.dialect.name == "sqlite":
        connection.execution_options(writes=True)
        yield
        return
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATING})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATING})
        connection.commit()


def _migrate(connection: Connection, shown: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", "in2x.people:migrations")
    with connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory.from_config(config)
        if current == scripts.get_current_head():
            return
        if current is None and (others := set(inspect(connection).get_table_names()) & {"campaign", "event"}):
            raise In2xError(f"{shown} holds tables of something else ({', '.join(sorted(others))})",
                            mend="give a database of its own")  # fmt: skip
        try:
            if current is not None:
                scripts.get_revision(current)
        except CommandError:
            raise In2xError(f"the store {shown} was written by a newer version of in2x (its tables are {current})",
                            mend="update in2x") from None  # fmt: skip
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
