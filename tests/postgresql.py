"""A PostgreSQL cluster of the tests' own: in a temporary folder, on a free port of this machine, thrown away after.

The programs come from the PATH or from where Debian lays them; where there are none, tests skip and say so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

WHERE = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """The path of a program of PostgreSQL."""
    return next((str(folder / name) for folder in WHERE if (folder / name).exists()), shutil.which(name))


def missing() -> str | None:
    """Why there can be no cluster here; None where there can."""
    if program("initdb") is None or program("postgres") is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    return None


def _user() -> str | None:
    """Who it runs as: root may not."""
    if os.getuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Cluster:
    """A running server; `kill` it and `start` it again at will."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="in2x-pg-"))
        self.data, self.user, self.process = self.folder / "data", _user(), None
        if self.user:
            shutil.chown(self.folder, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._call("initdb", "-D", str(self.data), "-U", "in2x", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def _call(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [program(name), *arguments], capture_output=True, text=True, user=self.user, cwd=self.folder, check=False
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [program("postgres"), "-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1",
             "-k", str(self.folder)],
            stdout=self.log, stderr=self.log, user=self.user, cwd=self.folder,
        )  # fmt: skip
        import pg8000.native

        for _ in range(300):
            try:
                pg8000.native.Connection("in2x", host="127.0.0.1", port=self.port, database="postgres").close()
                return
            except Exception:
                time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def database(self, name: str) -> str:
        """Make a database and give its URL."""
        import pg8000.native

        connection = pg8000.native.Connection("in2x", host="127.0.0.1", port=self.port, database="postgres")
        connection.run(f'CREATE DATABASE "{name}"')
        connection.close()
        return f"postgresql://in2x@127.0.0.1:{self.port}/{name}"

    def kill(self) -> None:
        """End it at once, as a power cut would, with the processes that serve connections, which would outlive it."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(family, 20)

    def close(self) -> None:
        """End it and remove its folder."""
        self.process.send_signal(signal.SIGQUIT)  # at once: nothing of it is wanted any more
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
