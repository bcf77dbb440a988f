"""An OpenAI-compatible server in this process that says what a test tells it to, over real HTTP.

    with ChatServer(lambda body: "訳:" + source_of(body)) as server: ...

A reply is a text; or a dict, which is the choice (`{"message": ..., "finish_reason": ...}`); or (status, value) for an
error. What was asked is in `asked` (bodies) and `keys` (Authorization headers).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Reply = str | dict[str, Any] | tuple[int, Any]


def source_of(body: Body) -> str:
    """The last line of the first user turn: the text to translate."""
    return next(m["content"] for m in body["messages"] if m["role"] == "user").splitlines()[-1]


class ChatServer:
    def __init__(self, reply: Callable[[Body], Reply], *, usage: Body | None = None, port: int = 0) -> None:
        self.reply, self.usage = reply, usage
        self.asked: list[Body] = []
        self.keys: list[str | None] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet, or each answer takes 40 ms

            def log_message(self, *_: object) -> None:
                pass

            def send(self, status: int, value: object) -> None:
                raw = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_GET(self) -> None:
                self.send(200, {"data": [{"id": "qwen3-thinker"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.asked.append(body)
                owner.keys.append(self.headers["Authorization"])
                said = owner.reply(body)
                if isinstance(said, tuple):
                    return self.send(*said)
                choice = said if isinstance(said, dict) else {"message": {"role": "assistant", "content": said}}
                found = {"choices": [{"index": 0, "finish_reason": "stop"} | choice]}
                self.send(200, found if owner.usage is None else found | {"usage": owner.usage})

        class Http(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up is no fault here."""

        self._http = Http(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
