"""A server of ours in this process, over real HTTP, with a model that says what a test tells it to."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from in2x.chat.known import named
from in2x.chat.source import Source
from in2x.serve.access import Access
from in2x.serve.app import application
from in2x.serve.config import Config
from in2x.serve.engine import Engine
from in2x.translate.backend import Translation
from in2x.translate.translator import Translator
from in2x.web.connections import Connection
from scripted_backend import Scripted

Reply = Callable[[Source], str | Translation]
TOKEN, OTHER = "the-token-of-the-first-client", "the-token-of-the-second-client"
LANGUAGES = ("de", "en", "ja", "th", "zh", "zh-Hant")


def shout(source: Source) -> str:
    return f"{source.target_lang}:{source.text}"


def scripted(
    reply: Reply = shout, languages: tuple[str, ...] = (), source: str | None = None, **options: Any
) -> tuple[Engine, Scripted]:
    """An engine, and what it asks; of all languages with a pack where none are named."""
    backend = Scripted(reply)
    if languages:
        backend.profile = replace(named("chat"), languages=languages)  # type: ignore[attr-defined]
    translator = Translator(backend, "scripted", probed=True)
    return Engine(translator, source, checks=options.pop("checks", "off"), **options), backend


class Running:
    """`with Running(engine, config) as server: httpx.get(server.url + "/health")`"""

    def __init__(self, engine: Engine, config: Config | None = None) -> None:
        self.engine = engine
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        app = application(engine, replace(config or Config(), source_lang=None))
        settings = uvicorn.Config(app, access_log=False, log_level="error", ws="none", http=Connection,
                                  timeout_graceful_shutdown=20)  # fmt: skip
        self.server = uvicorn.Server(settings)
        self.loop: asyncio.AbstractEventLoop | None = None

        def run() -> None:
            async def main() -> None:
                self.loop = asyncio.get_running_loop()
                await self.server.serve(sockets=[self._listener])

            asyncio.run(main())

        self._thread = threading.Thread(target=run, daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        until = time.monotonic() + 120
        with httpx.Client(base_url=self.url, timeout=60) as client:  # one: to make one costs more than an answer
            while time.monotonic() < until:
                with suppress(httpx.TransportError):
                    if client.get("/ready").status_code == 200:
                        return self
                time.sleep(0.05)
        raise TimeoutError("the server was not ready")

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()

    def tasks(self) -> int:
        """Tasks of its loop."""
        assert self.loop is not None

        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self.loop).result(5)


@dataclass
class Server:
    """A server with tokens."""

    url: str
    """With a slash at its end, as DeepL's client wants it."""
    backend: Scripted
    engine: Engine

    def call(self, method: str, path: str, *, token: str = TOKEN, **more: object) -> httpx.Response:
        """One request with a token as DeepL's clients send it."""
        headers = {"Authorization": f"DeepL-Auth-Key {token}"} | dict(more.pop("headers", {}))  # type: ignore[call-overload]
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **more)  # type: ignore[arg-type]


@contextmanager
def serving(
    reply: Reply, data: Path | None = None, tokens: tuple[str, ...] = (TOKEN, OTHER), **config: object
) -> Iterator[Server]:
    """Serve a few languages while the block runs."""
    engine, backend = scripted(reply, LANGUAGES, "en")
    settings = Config(access=Access(tokens, 10_000.0, 10_000.0), data=data, **config)  # type: ignore[arg-type]
    with Running(engine, settings) as running:
        backend.asked.clear()  # of the warm-up
        yield Server(f"{running.url}/", backend, engine)
