"""What stands before every request: host, origin, size, rate, and the headers that keep a page to itself.

- Host: a page of another site whose name was made to point at this machine (DNS rebinding) sends its own name.
- Origin: a form or script of another site says where it comes from. Annotators' calls carry a token that no other site
  has; this is the second lock.
- Frames, scripts and styles from elsewhere: none.
"""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from base64 import b64encode
from collections.abc import Collection
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1 << 20
"""Bytes of a body."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "
)
LOCAL = ("127.0.0.1", "localhost", "[::1]")


class Fault(Exception):
    """An answer that says what is wrong, as `API.md` lists them."""

    def __init__(self, status: int, error: str, message: str, wait: float = 0.0) -> None:
        """`wait`: seconds after which it is worth trying again (Retry-After)."""
        self.status, self.error, self.message, self.wait = status, error, message, wait

    def body(self) -> bytes:
        """The JSON."""
        return json.dumps({"error": self.error, "message": self.message}).encode()


class TooLarge(Fault):
    """A body over the limit, found out while it came in."""

    def __init__(self) -> None:
        super().__init__(413, "too-large", f"a body has at most {LARGEST} bytes")


def self_contained(page: str) -> str:
    """The policy of a page that brings its own style and scripts: these scripts and no other, in an origin of its own.

    Its style may stand inline; nothing can be loaded, sent or framed, and it cannot reach what the server gives others.
    """
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return (f"sandbox allow-scripts; default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")  # fmt: skip


class Rates:
    """How many requests a key may make: a bucket that fills at `rate` a second up to `burst`."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Count a request. Raises Fault (429) where the bucket is empty."""
        now = time.monotonic()
        if len(self._buckets) > 10_000:  # full buckets say nothing
            self._buckets = {k: (n, at) for k, (n, at) in self._buckets.items() if (now - at) * self.rate < self.burst}
        left, at = self._buckets.get(key, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        if left < 1:
            self._buckets[key] = (left, now)
            raise Fault(429, "too-many", "too many requests at once", wait=(1 - left) / self.rate)
        self._buckets[key] = (left - 1, now)


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """`hosts`: names under which the server may be asked, ports aside."""
        self.app, self.hosts = app, frozenset(host.lower() for host in (*LOCAL, *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here: closed without an answer
        started, read = False, 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST:
                raise TooLarge
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, counted, dressed)
        except Fault as fault:
            if not started:
                await _swallow(receive)
                await refuse(fault, dressed)
        except Exception:  # the trace is for the terminal, never for the wire; the application has sent its sentence
            traceback.print_exc(file=sys.stderr)
            if not started:
                await refuse(Fault(500, "fault", "something went wrong here; keep your answers"), dressed)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host.rpartition(":")[0] not in self.hosts and host not in self.hosts:
            raise Fault(403, "wrong-host", "this server is not known by that name")
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if (origin is not None and urlsplit(origin).netloc.lower() != host) or headers.get(
                "sec-fetch-site", "same-origin"
            ) not in ("same-origin", "none"):
                raise Fault(403, "wrong-origin", "this comes from another site")
        size = headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > LARGEST:
            raise TooLarge


async def refuse(fault: Fault, send: Send) -> None:
    """Send `fault` as an answer."""
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if fault.wait:
        headers.append((b"retry-after", str(int(fault.wait) + 1).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": fault.body()})


async def _swallow(receive: Receive) -> None:
    """Read what is still coming, up to a point: who is cut off while sending never sees the answer."""
    left = 16 * LARGEST
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message.get("body", b""))


def _dress(headers: MutableHeaders, path: str) -> None:
    headers.setdefault("content-security-policy", CSP + ("'self'" if path.startswith("/admin") else "'none'"))
    headers["x-content-type-options"] = "nosniff"
    headers["x-frame-options"] = "DENY"
    # The token stands in the address. Not "no-referrer": with it a browser sends its own forms with "Origin: null".
    headers["referrer-policy"] = "same-origin"
    headers["cross-origin-opener-policy"] = "same-origin"
    headers["cross-origin-resource-policy"] = "same-origin"
    headers["permissions-policy"] = "camera=(), microphone=(), geolocation=()"
    if not path.startswith("/static/"):
        headers["cache-control"] = "no-store"
