"""The waiting of a request for its lots: futures of a loop, which the engine's threads settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from in2x.serve.metrics import Metrics
from in2x.serve.queue import Lot
from in2x.serve.wish import Answer
from in2x.web.guard import Fault

Waiter = Callable[[Exception | None], None]
"""Is told that a lot is done, or what it failed of; from any thread."""


class Desk(Protocol):
    """Takes lots (the engine)."""

    metrics: Metrics

    def submit(self, lots: Sequence[Lot], waiters: Sequence[Waiter]) -> list[Lot]:
        """Let `lots` wait, each with who is to be told: those, or equal ones in flight."""

    def leave(self, lots: Sequence[Lot], waiters: Sequence[Waiter]) -> None:
        """`waiters` wait no longer."""


class Wait:
    """The waiting of one request for its lots; whatever ends it, they are left."""

    def __init__(self, engine: Desk, given: Sequence[Lot | Answer]) -> None:
        self.engine = engine
        self.places = [place for place, one in enumerate(given) if isinstance(one, Lot)]
        loop = asyncio.get_running_loop()
        self.futures: dict[int, asyncio.Future[None]] = {place: loop.create_future() for place in self.places}
        self.waiters = [_teller(loop, self.futures[place]) for place in self.places]
        asked = [one for one in given if isinstance(one, Lot)]
        self.found = engine.submit(asked, self.waiters) if asked else []
        self.lots = dict(zip(self.places, self.found, strict=True))

    def __enter__(self) -> Wait:
        """See `__exit__`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the lots."""
        self.engine.leave(self.found, self.waiters)

    async def till(self, place: int, until: float | None) -> None:
        """Wait for one lot.

        Raises:
            Fault: it cannot be had, or not in time.
        """
        try:
            async with asyncio.timeout_at(until):
                await self.futures[place]
        except TimeoutError:
            self.engine.metrics.rejected.add(reason="deadline")
            raise Fault(504, "too-late", "it took longer than it may") from None


def _teller(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> Waiter:
    """Tells a future of a loop, from any thread."""

    def settle(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
            future.exception()  # of several that fail together only the first is waited for

    def told(error: Exception | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, error)

    return told
