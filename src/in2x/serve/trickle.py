"""Slow answers without doubled work: spaces before a JSON body keep a client waiting that would else ask again.

White space before JSON is nothing to a parser, and a client's time-out counts from the last byte. An answer that is
there before the first space is due has its own status; a later fault stands in a body whose status was sent as 200.
Work whose client has left is cancelled.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from in2x.serve.shape import Body, fault_of
from in2x.web.guard import Fault

PAUSE = 4.0
"""Seconds between two spaces: a time-out of ten seconds is common, and a network may hold one of them up."""
LEFT = 499
"""Status of an answer that nobody reads any more (as nginx has it)."""

T = TypeVar("T")


class _Streamed(StreamingResponse):
    """A stream whose work ends when the client does, whether or not a byte of it was sent."""

    def __init__(self, content: AsyncGenerator[bytes], kind: str, task: asyncio.Task[Any]) -> None:
        super().__init__(content, media_type=kind, headers={"X-Accel-Buffering": "no"})
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._task.cancel()


async def trickled(request: Request, work: Coroutine[Any, Any, Any], body: Body) -> Response:
    """The answer of a contract, whatever time it takes.

    Args:
        request: whose client may leave.
        work: makes the JSON of the answer; may raise what `fault_of` knows.
        body: the shape of the contract's errors.
    """
    task = asyncio.ensure_future(work)
    if await _soon(request, task):
        return JSONResponse(task.result())
    return _Streamed(_slow(task, body), "application/json", task) if not task.cancelled() else Response(None, LEFT)


async def _slow(task: asyncio.Task[Any], body: Body) -> AsyncGenerator[bytes]:
    yield b" "
    while not (await asyncio.wait((task,), timeout=PAUSE))[0]:
        yield b" "
    try:
        answer = task.result()
    except Exception as error:
        answer = body(_told(error))
    yield json.dumps(answer, ensure_ascii=False).encode()


async def streamed(
    request: Request, parts: AsyncGenerator[bytes], idle: bytes, wrong: Callable[[Fault], bytes], kind: str
) -> Response:
    """A stream of parts, with `idle` sent where the next one takes long.

    A fault before the first part is raised; a later one ends the stream.

    Args:
        request: whose client may leave.
        parts: what is sent.
        idle: what means nothing to the contract's clients.
        wrong: the last part after a fault.
        kind: the media type.
    """
    queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(maxsize=8)
    begun = asyncio.get_running_loop().create_future()

    async def pump() -> None:
        try:
            async for part in parts:
                await queue.put(part)
                _settle(begun, None)
        except Exception as error:
            await queue.put(error)
            _settle(begun, error)
        else:
            await queue.put(None)
            _settle(begun, None)
        finally:
            await parts.aclose()

    async def sent() -> AsyncGenerator[bytes]:
        while True:
            try:
                part = await asyncio.wait_for(queue.get(), PAUSE)
            except TimeoutError:
                yield idle
                continue
            if part is None:
                return
            if isinstance(part, Exception):
                yield wrong(_told(part))
                return
            yield part

    task = asyncio.ensure_future(pump())
    if await _soon(request, begun, task):
        begun.result()
    return _Streamed(sent(), kind, task) if not task.cancelled() else Response(None, LEFT)


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # after the first seconds the stream tells it


async def _soon(request: Request, future: asyncio.Future[Any], task: asyncio.Task[Any] | None = None) -> bool:
    """Whether `future` is done before the first pause; of a client that left, `task` (or it) is cancelled."""
    work = task or future
    left = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((future, left), timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        work.cancel()
        raise
    finally:
        gone = left.done()
        left.cancel()
    if future.done():
        return True
    if gone:
        work.cancel()
        await asyncio.wait((work,))
    return False


def _told(error: Exception) -> Fault:
    """What an error is for a client whose answer has begun: also a bug of ours has a sentence."""
    try:
        return fault_of(error)
    except Exception:
        return Fault(500, "fault", "something went wrong here")


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
