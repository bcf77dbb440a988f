"""The application: every interface on one engine, health, readiness, metrics and the page of the interfaces."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from in2x import __version__
from in2x.errors import In2xError
from in2x.pages.environment import environment
from in2x.serve.config import Config
from in2x.serve.dialects import deepl, deepl_wire, extensions, libretranslate, ollama, openai, page
from in2x.serve.documents import Documents
from in2x.serve.engine import Engine
from in2x.serve.metrics import Metrics, Workers
from in2x.serve.resources import Resources
from in2x.serve.sentences import agreed
from in2x.serve.shape import Body, fault_of, response
from in2x.web.guard import Fault, Guard, Rules

DIALECTS = (openai, ollama, extensions, deepl, libretranslate, page)
"""The interfaces, each with `router(engine, config, documents)`."""
SHAPES: dict[str, Body] = {
    "/v1/": openai.error_body, "/api/": ollama.error_body, "/pages": extensions.error_body, "/v2/": deepl_wire.error,
    "/v3/": deepl_wire.error, "/page": page.shape,
    **dict.fromkeys(("/translate", "/languages", "/detect", "/suggest", "/download_file"), libretranslate.error),
}  # fmt: skip
"""How a refusal looks before any route is asked: a body that is too large, a path or method that is none."""
AGAIN = 5.0
"""Seconds until a model that could not be used is tried again (our choice)."""
TOLD_EVERY = 2.0
"""Seconds between two files of what a worker has counted (our choice): Prometheus asks every 15 and more."""
FORGOTTEN = 60.0
"""Seconds that what was found in a text, or a glossary that was made ready, is remembered at most (our choice)."""


def application(engine: Engine, config: Config) -> ASGIApp:
    """The ASGI application; the engine is closed when it ends.

    Args:
        engine: the model.
        config: the settings.
    """
    ready = asyncio.Event()
    spare = None if config.data else tempfile.TemporaryDirectory(prefix="in2x-serve-")
    resources = Resources(config.data or Path(spare.name if spare else ""), config.characters)
    documents = Documents(resources, engine)

    async def warm_up() -> None:
        told = ""
        while not ready.is_set():
            try:
                await asyncio.to_thread(engine.warm_up, config.target_lang)
                ready.set()
            except In2xError as error:  # a server behind may still be starting
                if str(error) != told:
                    print(f"in2x: not ready: {error}", file=sys.stderr, flush=True)
                told = str(error)
                await asyncio.sleep(AGAIN)
            except Exception as bug:  # a task that ends says nothing by itself, and it would never be ready
                print(f"in2x: not ready: {type(bug).__name__}: {bug}", file=sys.stderr, flush=True)
                return

    async def tell(workers: Workers) -> None:
        while True:
            with suppress(OSError):  # no room on the disk, now
                await asyncio.to_thread(workers.tell, engine.metrics)
            await asyncio.sleep(TOLD_EVERY)

    async def forget() -> None:
        while True:
            await asyncio.sleep(FORGOTTEN)
            await asyncio.to_thread(engine.remembered.forget)
            agreed.cache_clear()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        works = [warm_up(), documents.run(), forget(), *([tell(config.workers)] if config.workers else [])]
        tasks = [asyncio.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.to_thread(engine.close)
        resources.close()
        if spare:
            spare.cleanup()

    app = FastAPI(title="In2x", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan,
                  description="One translator behind the interfaces that clients have already.")  # fmt: skip
    for dialect in DIALECTS:
        app.include_router(dialect.router(engine, config, documents))
    about = environment().get_template("serve/templates/interfaces.html.jinja")

    @app.get("/health", tags=["Server"], responses={503: {"description": "it answers nothing more: start it anew"}})
    async def health() -> Response:
        """Whether the process lives, and works."""
        return JSONResponse({"status": "ok"} if engine.works else {"status": "broken"}, 200 if engine.works else 503)

    @app.get("/ready", tags=["Server"], responses={503: {"description": "the model is still being warmed up"}})
    async def readiness() -> Response:
        """Whether a request would be answered at once."""
        return JSONResponse({"status": "ready" if ready.is_set() else "starting"}, 200 if ready.is_set() else 503)

    @app.get("/metrics", tags=["Server"], response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        """What is counted, for Prometheus."""
        config.access.client(request)
        text = await asyncio.to_thread(engine.metrics.text, config.workers)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(about.render(api=app.openapi()))

    @app.exception_handler(Fault)
    @app.exception_handler(In2xError)
    @app.exception_handler(HTTPException)
    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: Exception) -> Response:
        return response(fault_of(error), lambda fault: rules.told(fault, request.url.path))

    largest = dict.fromkeys(("/page/documents", "/v2/document", "/translate_file"), config.largest_file)
    rules = Rules(None if config.access.demanded and not config.hosts else frozenset(config.hosts),
                  frozenset(config.origins), True, config.largest, largest, shapes=SHAPES)  # fmt: skip
    return Guard(Counted(app, engine.metrics), rules)


class Counted:
    """ASGI middleware that counts requests by route; a path without one is "other": no client makes labels."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, code = time.monotonic(), "499"

        async def watched(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            code = "500"
            raise
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.add(path=path, code=code)
            self.metrics.duration.observe(time.monotonic() - began, path=path)
