"""Slow answers without doubled work: spaces before a JSON body keep a client waiting that would else ask again.

White space before JSON is nothing to a parser, and a client's time-out counts from the last byte. An answer that is
there before the first space is due has its own status; a later fault stands in a body whose status was sent as 200.
Work whose client has left is cancelled.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from in2x.serve.shape import Body, fault_of

PAUSE = 4.0
"""Seconds between two spaces: a time-out of ten seconds is common, and a network may hold one of them up."""


async def trickled(request: Request, work: Coroutine[Any, Any, Any], body: Body) -> Response:
    """The answer of a contract, whatever it takes.

    Args:
        request: the client is gone when it is.
        work: makes the JSON of the answer; may raise what `fault_of` knows.
        body: the shape of the contract's errors.
    """
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((task, left), timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return JSONResponse(task.result())
    except asyncio.CancelledError:
        task.cancel()
        raise
    finally:
        left.cancel()
    if left.done() and not left.cancelled():
        task.cancel()
        return Response(status_code=499)  # nobody reads it
    return StreamingResponse(_slow(task, body), media_type="application/json")


async def _slow(task: asyncio.Task[Any], body: Body) -> AsyncIterator[bytes]:
    try:
        yield b" "
        while not (await asyncio.wait((task,), timeout=PAUSE))[0]:
            yield b" "
        try:
            answer = task.result()
        except Exception as error:
            answer = body(fault_of(error))
        yield json.dumps(answer, ensure_ascii=False).encode()
    finally:
        task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
