"""`in2x sample judge`: the reference judge behind an OpenAI-compatible server on this machine, with faults on demand.

A share of requests goes wrong as servers and models do. Which one, and how, follows from the seed, the question and how
often it was asked before, so that two runs meet the same faults. A conversation in which the model was told what was
wrong with its words is answered well, if the server is: a judge that never keeps to the form is no judge.
"""

from __future__ import annotations

import errno
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from in2x.errors import In2xError
from in2x.sample.judge import NotMine, reply

MODEL = "micro-world"
"""Name of the model."""
SERVER_FAULTS = ("500", "429", "silence", "cut")
MODEL_FAULTS = ("prose", "count")
"""What the model says wrongly: words instead of JSON, a verdict too few."""


class JudgeServer(ThreadingHTTPServer):
    """Serves on 127.0.0.1 only."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, port: int = 0, *, faults: float = 0.0, seed: int = 0, silence: float = 10.0, record: Path | None = None
    ) -> None:
        """Listen.

        Args:
            port: 0 takes a free one.
            faults: share of requests that go wrong.
            seed: of the faults.
            silence: seconds that a request waits which gets no answer.
            record: JSON Lines that every request is added to: question, how often it was asked, fault, reply.

        Raises:
            In2xError: the port is taken.
        """
        self.faults, self.seed, self.silence, self.record = faults, seed, silence, record
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise In2xError(f"port {port} cannot be had ({error.strerror})", mend="choose another: --port") from None

    @property
    def url(self) -> str:
        """The base URL, up to and with /v1."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of ours."""

    def fault(self, question: str, times: int, told: bool) -> str | None:
        """What goes wrong with `question`, asked for the `times`-th time; None where nothing does."""
        digest = hashlib.sha256(f"{self.seed}/{times}/{question}".encode()).digest()
        if int.from_bytes(digest[:4], "big") / 2**32 >= self.faults:
            return None
        kinds = SERVER_FAULTS if told else (*SERVER_FAULTS, *MODEL_FAULTS)
        return kinds[digest[4] % len(kinds)]

    def count(self, question: str) -> int:
        """How often `question` has been asked, this time included."""
        with self._lock:
            self._asked[question] = times = self._asked.get(question, 0) + 1
        return times

    def note(self, row: dict[str, Any]) -> None:
        """Add a line to the record."""
        if self.record is not None:
            with self._lock, self.record.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: JudgeServer

    def log_message(self, *_: object) -> None:
        """Say nothing: the record says it."""

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v1/models":
            return self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        return self._refuse(404, f"there is nothing at {self.path}")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.rstrip("/") != "/v1/chat/completions":
            return self._refuse(404, f"there is nothing at {self.path}")
        try:
            messages = json.loads(raw)["messages"]
            answer = reply(messages)
        except NotMine as error:
            return self._refuse(400, str(error))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._refuse(400, "not a chat: give messages")
        question = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:32]
        times = self.server.count(question)
        told = sum(message.get("role") == "user" for message in messages) > 1
        fault = self.server.fault(question, times, told)
        said = _said(answer, fault)
        row = {"question": question, "times": times, "fault": fault, "messages": messages, "answer": said}
        self.server.note(row if fault not in SERVER_FAULTS else {**row, "answer": None})
        self._answer(said, fault, sum(len(str(message.get("content"))) for message in messages))

    def _answer(self, said: str, fault: str | None, asked: int) -> None:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        # Characters, at four a token: nobody pays for them.
        usage = {"prompt_tokens": asked // 4, "completion_tokens": len(said) // 4}
        usage["total_tokens"] = sum(usage.values())
        value = {"id": "judge", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice]}
        if fault == "500":
            self._refuse(500, "out of order, on purpose")
        elif fault == "429":
            self._refuse(429, "too many requests, on purpose", {"Retry-After": "1"})
        elif fault == "silence":
            time.sleep(self.server.silence)
            self.close_connection = True
        elif fault == "cut":
            whole = json.dumps(value | {"usage": usage}).encode()
            self._head(200, len(whole))
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True
        else:
            self._send(200, value | {"usage": usage})

    def _refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, {"error": {"message": why, "type": "invalid_request_error"}}, headers)

    def _send(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(value, ensure_ascii=False).encode()
        self._head(status, len(raw), headers)
        self.wfile.write(raw)

    def _head(self, status: int, size: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(size), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()


def _said(answer: dict[str, Any], fault: str | None) -> str:
    """The model's words."""
    if fault == "prose":
        return "On the whole these answers seem fine, though the first one may be the better one."
    if fault == "count":  # of what it lists, the last thing is missing: of verdicts, one principle's
        answer = {
            name: [{**row, "kept": row["kept"][:-1]} for row in rows] if name == "verdicts" else rows
            for name, rows in answer.items()
        }
    return json.dumps(answer, ensure_ascii=False)
