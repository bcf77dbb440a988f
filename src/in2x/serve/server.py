"""`in2x serve`: the socket, the warm-up, and the end that finishes what was taken."""

from __future__ import annotations

import errno
import socket
import sys

import uvicorn

from in2x.errors import In2xError, UsageError
from in2x.serve.access import VARIABLE
from in2x.serve.app import application
from in2x.serve.config import Config
from in2x.serve.engine import Engine
from in2x.web.connections import Connection
from in2x.web.guard import LOCAL

SWITCH = 0.0005
"""Seconds after which a thread of Python gives way to another that waits (our choice). The loop that speaks to clients
does little each time; with Python's own 5 ms it waits for the model's thread longer than it works."""
GRACE = 60
"""Seconds that answers under way have when the server is stopped (our choice)."""


def check_open(host: str, config: Config) -> None:
    """See whether it may listen there.

    Raises:
        UsageError: others would reach it without a token.
    """
    if host not in (*LOCAL, "::1") and not config.access.demanded:
        raise UsageError(f"--host {host} lets others in, and no token is demanded of them",
                         mend=f"set {VARIABLE}, or give --tokens FILE")  # fmt: skip


def listener(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that is bound.

    Args:
        host: the address.
        port: 0 takes a free one.
        shared: whether other processes of this user may bind theirs to it; connections are shared out among those that
            listen.

    Raises:
        In2xError: the port is taken, or the address is not this machine's.
    """
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        raise In2xError(f"{host}:{port} cannot be had ({error.strerror})", mend="choose another: --port") from None
    return found


def address(where: socket.socket) -> str:
    """The address of a socket that is bound, for a browser."""
    host, port = where.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(engine: Engine, config: Config, where: socket.socket, *, announced: bool = False) -> None:
    """Serve until interrupted or told to end (SIGTERM): then nothing more is taken, and what was is finished.

    Args:
        engine: the model.
        config: the settings.
        where: a socket that is bound.
        announced: whether the address was printed already.
    """
    if not announced:
        where.listen(2048)  # from now on a client waits, so the address may be told
        print(address(where), flush=True)
    sys.setswitchinterval(SWITCH)
    settings = uvicorn.Config(
        application(engine, config), access_log=False, log_level="warning", server_header=False, proxy_headers=False,
        timeout_keep_alive=75, timeout_graceful_shutdown=GRACE, ws="none", http=Connection, backlog=1024,
    )  # fmt: skip
    uvicorn.Server(settings).run(sockets=[where])
