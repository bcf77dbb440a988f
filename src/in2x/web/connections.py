"""Connections on which nothing comes: closed in time, so that nobody holds them all.

uvicorn bounds the size of a head and the pause between two requests, but no time: a client that sends its head a byte
every few seconds, or nothing, or never reads its answer, holds a connection for ever, and some hundreds of them hold
all that a process may have. Its `limit_concurrency` is not set: it counts connections that are merely held, and so
refuses those who ask. How long a body may take is the guard's (`web/guard.py`).
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 20.0
"""Seconds from a connection's beginning, or from the first byte after an answer, to a whole head (our choice)."""
UNREAD = 60.0
"""Seconds in which a client takes nothing of an answer that waits for it (our choice)."""
MOST = 4_096
"""Connections of a process, where the system grants it as many files (our choice)."""
_LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(H11Protocol):
    """One connection of a client: `uvicorn.Config(..., http=Connection)`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.free_since: float | None = None
        """When it began to wait for a head, by the loop's clock; None while a request is answered."""
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; where there are too many connections, the one that waits longest makes room."""
        super().connection_made(transport)
        self.free_since = self.loop.time()
        self._head = self.loop.call_later(HEAD, self._end)
        if len(self.connections) > most():
            waiting = [one for one in self.connections if isinstance(one, Connection) and one.free_since is not None]
            min(waiting, key=lambda one: one.free_since or 0.0)._end()

    def data_received(self, data: bytes) -> None:
        """Take bytes in: after an answer, the first one starts the time of the next head."""
        super().data_received(data)
        self._look()
        if self.free_since is not None and self._head is None:
            self._head = self.loop.call_later(HEAD, self._end)

    def on_response_complete(self) -> None:
        """After an answer: uvicorn bounds the pause until the next byte."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        """See whether a head is waited for."""
        if self.cycle is None or self.cycle.response_complete:
            self.free_since = self.free_since or self.loop.time()
            return
        self.free_since = None
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _end(self) -> None:
        self.connections.discard(self)  # at once: more may come before the loop has closed it
        self.free_since = None
        if self.conn.trailing_data[0] and not self.transport.is_closing():
            self.transport.write(_LATE)
        self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came after an answer; what of that was not read is given up."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def pause_writing(self) -> None:
        """The client reads slower than it is answered."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        super().connection_lost(exc)
        self.free_since = None
        for timer in (self._head, self._unread):
            if timer is not None:
                timer.cancel()


def most() -> int:
    """Connections that a process may have: three quarters of the files that it is granted, and not over MOST."""
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST, granted * 3 // 4) if granted != resource.RLIM_INFINITY else MOST
