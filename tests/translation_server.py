"""`in2x serve`'s application in this process, on a free port, with a model that says what a test tells it to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

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
from scripted_backend import Scripted

TOKEN, OTHER = "the-token-of-the-first-client", "the-token-of-the-second-client"
LANGUAGES = ("de", "en", "ja", "th", "zh", "zh-Hant")


@dataclass
class Server:
    """A server that runs."""

    url: str
    backend: Scripted
    engine: Engine

    def call(self, method: str, path: str, *, token: str = TOKEN, **more: object) -> httpx.Response:
        """One request with a token as DeepL's clients send it."""
        headers = {"Authorization": f"DeepL-Auth-Key {token}"} | dict(more.pop("headers", {}))  # type: ignore[call-overload]
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **more)  # type: ignore[arg-type]


@contextmanager
def serving(
    reply: Callable[[Source], str | Translation],
    data: Path | None = None,
    tokens: tuple[str, ...] = (TOKEN, OTHER),
    **config: object,
) -> Iterator[Server]:
    """Serve while the block runs."""
    backend = Scripted(reply)
    backend.profile = replace(named("chat"), languages=LANGUAGES)  # type: ignore[attr-defined]
    engine = Engine(Translator(backend, "scripted", probed=True), "en", checks="off")
    settings = Config(access=Access(tokens, 10_000.0, 10_000.0), data=data, **config)  # type: ignore[arg-type]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        told = uvicorn.Config(application(engine, settings), log_level="warning", timeout_graceful_shutdown=5)
        server = uvicorn.Server(told)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running = Server(f"http://127.0.0.1:{listener.getsockname()[1]}/", backend, engine)
        while not server.started or running.call("GET", "ready").status_code != 200:
            time.sleep(0.01)
            assert thread.is_alive()
        backend.asked.clear()  # of the warm-up
        try:
            yield running
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            assert not thread.is_alive()
