"""A server that translates by a rule of its own, and fails or answers garbage as often as it is told to.

What goes wrong follows from the question and how often it came, so any two runs meet the same trouble: thoughts without
an end, refusals, cut answers, empty ones, 429 for a while, 500, cut connections, answers that are no JSON. What was
answered well is counted by text.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
import zlib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TROUBLES = ("thought", "refusal", "cut", "empty", "busy", "error", "reset", "garbage")
KANA = "かきくけこさしすせそたちつてとなにぬねのまみむめもらりるれろ"
BUSY = 0.3
"""Seconds for which everybody hears 429 (a minute, scaled down)."""


def rendered(text: str) -> str:
    """The translation of `text` by this server: its numbers, and as many letters as a translation would have."""
    numbers = re.findall(r"\d+", text)
    rest = random.Random(text).choices(KANA, k=max(3, len(text) // 3 - sum(map(len, numbers))))
    return f"訳は{''.join(rest)}、{'と'.join(numbers)}です。"


class FailingServer:
    """See the module docstring; `share` of the answers go wrong."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.answered: Counter[str] = Counter()
        """Text -> how often a good translation of it was sent."""
        self.troubles: Counter[str] = Counter()
        self._came: Counter[int] = Counter()
        self._busy_until = 0.0
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *_: object) -> None:
                pass

            def send(self, status: int, raw: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
                self.wfile.flush()

            def do_GET(self) -> None:
                self.send(200, b'{"data": [{"id": "m"}]}')

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                trouble = owner.trouble(body)
                if trouble == "busy":
                    return self.send(429, b'{"error": {"message": "slow down"}}', Retry_After=str(BUSY))
                if trouble == "error":
                    return self.send(500, b'{"error": {"message": "oops"}}')
                if trouble == "garbage":
                    return self.send(200, b"<html>bad gateway</html>")
                if trouble == "reset":
                    self.close_connection = True
                    return self.connection.close()
                text, finish = owner.said(body, trouble)
                choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
                self.send(200, json.dumps({"choices": [choice]}).encode())
                if not trouble:
                    owner.count(body)

        class Http(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """A client that was killed is no fault here."""

        self._http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1#m"

    def trouble(self, body: dict[str, Any]) -> str:
        """What goes wrong with this question this time; "" where nothing does."""
        asked = zlib.crc32(json.dumps(body["messages"]).encode())
        with self._lock:
            if time.monotonic() < self._busy_until:
                return "busy"
            self._came[asked] += 1
            drawn = zlib.crc32(f"{asked} {self._came[asked]}".encode()) / 2**32
            if drawn >= self.share:
                return ""
            kind = TROUBLES[int(drawn / self.share * len(TROUBLES))]
            self.troubles[kind] += 1
            if kind == "busy":
                self._busy_until = time.monotonic() + BUSY
            return kind

    def texts(self, body: dict[str, Any]) -> tuple[dict[str, str], bool]:
        """Number -> text of what is asked, and whether it is a numbered question."""
        content = body["messages"][0]["content"]
        try:
            rows = json.loads(content.rsplit("\n\n", 1)[-1])
            if isinstance(rows, dict) and rows and all(re.fullmatch(r"\d+", key) for key in rows):
                return {key: row if isinstance(row, str) else row["text"] for key, row in rows.items()}, True
        except (ValueError, TypeError, KeyError):
            pass
        return {"1": content.rsplit("\n", 1)[-1]}, False

    def said(self, body: dict[str, Any], trouble: str) -> tuple[str, str]:
        """Content and reason of the end of an answer."""
        texts, numbered = self.texts(body)
        right = {key: rendered(text) for key, text in texts.items()}
        whole = json.dumps(right, ensure_ascii=False) if numbered else right["1"]
        match trouble:
            case "thought":
                return f"<think>Well, {whole[:20]}", "stop"
            case "refusal":
                return "I'm sorry, but I can't help with that request.", "stop"
            case "cut":
                return whole[: len(whole) // 2], "length"
            case "empty":
                return "", "stop"
        return f"<think>\nEasy.\n</think>\n{whole}" if len(whole) % 3 == 0 else whole, "stop"

    def count(self, body: dict[str, Any]) -> None:
        """A good answer was sent."""
        with self._lock:
            self.answered.update(self.texts(body)[0].values())

    def __enter__(self) -> FailingServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
