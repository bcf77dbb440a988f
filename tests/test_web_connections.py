"""Connections on which nothing comes are closed in time, and those that are used are not: real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from chat_server import ChatServer, source_of
from in2x.people.store import Store
from in2x.web import connections

LARGE = 64 << 20
ASKED, GIVEN = threading.Event(), threading.Event()
"""/slow is being answered; the large answer is sent, or given up."""
HEAD = b"GET / HTTP/1.1\r\nhost: localhost\r\n"
Client = Callable[[], socket.socket]


async def small_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, but for /slow (a second) and /large (more than buffers hold)."""
    if scope["path"] == "/slow":
        ASKED.set()
        await asyncio.sleep(1.0)
    body = b"x" * LARGE if scope["path"] == "/large" else b"here"
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    if scope["path"] == "/large":
        GIVEN.set()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    """A server that waits half a second where ours waits twenty."""
    monkeypatch.setattr(connections, "HEAD", 0.5)
    monkeypatch.setattr(connections, "UNREAD", 0.5)
    settings = uvicorn.Config(
        small_app, http=connections.Connection, lifespan="off", log_level="error", timeout_graceful_shutdown=5
    )
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(settings)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield running
    running.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def client(server: uvicorn.Server) -> Iterator[Client]:
    where = server.servers[0].sockets[0].getsockname()
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(where, timeout=60))


def dripped(sock: socket.socket, text: bytes = b"x" * 10_000, pause: float = 0.1) -> bytes:
    """What a client reads that sends a byte now and then until the connection is closed."""
    sock.settimeout(pause)
    said = b""
    for place in range(len(text)):
        try:
            sock.sendall(text[place : place + 1])
            if not (new := sock.recv(4096)):
                return said
            said += new
        except TimeoutError:
            continue
        except ConnectionError:
            return said
    raise AssertionError("it was never closed")


def test_a_head_that_drips_is_closed_with_408(client: Client) -> None:
    sock = client()
    sock.sendall(HEAD + b"x-long: ")
    assert dripped(sock).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_says_nothing_is_closed_without_a_word(client: Client) -> None:
    assert client().recv(100) == b""


def test_a_head_that_drips_after_an_answer_is_closed_too(client: Client) -> None:
    sock = client()
    sock.sendall(HEAD + b"\r\n")
    assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    sock.sendall(HEAD)
    assert b"HTTP/1.1 408 " in dripped(sock)


def test_who_asks_is_answered_however_long_it_takes_and_may_ask_again(client: Client) -> None:
    sock = client()
    for path in (b"/slow", b"/", b"/slow"):
        sock.sendall(b"GET " + path + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        said = b""
        while not said.endswith(b"here"):
            said += sock.recv(4096)
        assert said.startswith(b"HTTP/1.1 200 ")
        time.sleep(0.8)  # longer than a head may take: between two requests the pause is uvicorn's


def test_requests_that_come_together_are_all_answered(client: Client) -> None:
    sock = client()
    sock.sendall((b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n") * 2)
    said = b""
    while said.count(b"here") < 2:
        said += sock.recv(4096)
    assert said.count(b"HTTP/1.1 200 ") == 2


def test_an_answer_that_is_not_read_is_given_up(server: uvicorn.Server, client: Client) -> None:
    GIVEN.clear()
    sock = client()
    sock.sendall(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert GIVEN.wait(60)
    while server.server_state.connections:  # who read now would be given the rest
        time.sleep(0.01)
    read = 0
    while new := sock.recv(1 << 20):
        read += len(new)
    assert read < LARGE


def test_one_that_waits_makes_room_and_one_that_is_answered_does_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD", 600.0)
    monkeypatch.setattr(connections, "MOST", 5)
    ASKED.clear()
    asked = client()
    asked.sendall(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert ASKED.wait(60)
    held = [client() for _ in range(40)]
    assert all(sock.recv(1) == b"" for sock in held[:-4])  # the oldest; four of forty are left
    assert asked.recv(4096).startswith(b"HTTP/1.1 200 ")
    held[-1].sendall(HEAD + b"\r\n")
    assert held[-1].recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_process_keeps_files_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for granted, most in ((1024, 768), (1 << 20, 4096), (-1, 4096)):
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, granted=granted: (granted, granted))
        assert connections.most() == most


@pytest.mark.slow
@pytest.mark.parametrize("which", ["serve", "people"])
def test_the_commands_close_them(which: str, tmp_path: Path) -> None:
    """`in2x serve` and `in2x people serve` as processes, with less patience: held by two hundred, they answer."""
    with ChatServer(lambda body: f"Das ist {source_of(body)}") as behind:
        begin = ["serve", "--model", behind.url, "--profile", "chat", "--from", "en", "--to", "de", "--port", "0"]
        if which == "people":
            Store.open(tmp_path / "people.db", create=True).close()
            begin = ["people", "serve", "--store", str(tmp_path / "people.db"), "--port", "0"]
        code = (
            "import sys; from in2x.web import connections; connections.HEAD = 1.0; connections.MOST = 100\n"
            "from in2x.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        process = subprocess.Popen([sys.executable, "-c", code, *begin], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
        try:
            assert process.stdout is not None
            url = httpx.URL(process.stdout.readline().strip())
            where = (url.host, url.port)
            with ExitStack() as stack:
                held = [stack.enter_context(socket.create_connection(where, timeout=60)) for _ in range(200)]
                for sock in held:
                    sock.sendall(HEAD)
                assert httpx.get(url.join("/health"), timeout=60).status_code < 500
                for sock in held:
                    with suppress(ConnectionResetError):  # closed before it was read
                        assert sock.recv(4096)[:12] in (b"HTTP/1.1 408", b"")
        finally:
            process.kill()
            process.wait()
