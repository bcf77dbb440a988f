"""What stands before every request: host, origin, size, rate, and the headers that keep a page to itself.

- Host: a page of another site whose name was made to point at this machine (DNS rebinding) sends its own name.
- Origin: a form or script of another site says where it comes from. Calls that carry a token need no more than that:
  no other site has it; this is the second lock.
- Frames, scripts and styles from elsewhere: none.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import traceback
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1 << 20
"""Bytes of a body, unless a server says otherwise."""
SILENCE = 60.0
"""Seconds without a byte of a body that is being sent (our choice)."""
SLOWEST = 500
"""Bytes a second of a body that is waited for longer than SILENCE in all (our choice, as Apache's)."""
SWALLOWED, SWALLOWING = 1 << 29, 30.0
"""Bytes of a body that is refused, and seconds, that are read and thrown away before the answer (our choice)."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "
)
LOCAL = ("127.0.0.1", "localhost", "[::1]")
EXTENSIONS = frozenset(("chrome-extension", "moz-extension", "safari-web-extension"))
"""Schemes of the origins of browsers' extensions: a person installed them, no page can take one."""


class Fault(Exception):
    """An answer that says what is wrong: a status, a name for programs, and a sentence."""

    def __init__(self, status: int, error: str, message: str, wait: float = 0.0) -> None:
        """`wait`: seconds after which it is worth trying again (Retry-After)."""
        self.status, self.error, self.message, self.wait = status, error, message, wait

    @property
    def told(self) -> dict[str, str]:
        """What is said of it."""
        return {"error": self.error, "message": self.message}

    def body(self) -> bytes:
        """The JSON."""
        return json.dumps(self.told).encode()


class TooLarge(Fault):
    """A body over the limit, found out while it came in."""

    def __init__(self, largest: int = LARGEST) -> None:
        super().__init__(413, "too-large", f"a body has at most {largest} bytes")


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


@dataclass(frozen=True, slots=True)
class Rules:
    """What a server lets in."""

    hosts: frozenset[str] | None = frozenset()
    """Names beside those of this machine under which it may be asked, ports aside; None: any, as each call must bring
    a secret that a page of another site cannot have."""
    origins: frozenset[str] = frozenset()
    """Origins of other sites whose scripts may call, and read the answers ("https://example.org")."""
    extensions: bool = False
    """Whether extensions of browsers may call."""
    largest: int = LARGEST
    """Bytes of a body."""
    larger: Mapping[str, int] = field(default_factory=dict)
    """Bytes of a body by the beginning of its path, where that is another limit."""
    forms: tuple[str, ...] = ()
    """Beginnings of the paths whose pages may send forms."""
    shapes: Mapping[str, Callable[[Fault], Any]] = field(default_factory=dict)
    """The JSON of a refusal by the beginning of its path, where a contract has one of its own."""
    sorry: str = "something went wrong here"
    """The sentence for a bug of ours."""

    def limit(self, path: str) -> int:
        """Bytes of a body that is sent to `path`."""
        return next((size for start, size in self.larger.items() if path.startswith(start)), self.largest)

    def told(self, fault: Fault, path: str) -> Any:
        """The JSON of a refusal at `path`."""
        own = next((shape for start, shape in self.shapes.items() if path.startswith(start)), None)
        return fault.told if own is None else own(fault)

    def trusts(self, origin: str) -> bool:
        """Whether scripts of another origin may call."""
        return origin in self.origins or (self.extensions and origin.partition("://")[0] in EXTENSIONS)


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        """`rules`: what is let in."""
        self.app, self.rules = app, rules
        self.hosts = None if rules.hosts is None else frozenset(host.lower() for host in (*LOCAL, *rules.hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here: closed without an answer
        started, read, whole, limit = False, 0, False, self.rules.limit(scope["path"])
        waited = 0.0
        origin = Headers(scope=scope).get("origin", "")
        shared = origin if origin and self.rules.trusts(origin) else ""

        async def counted() -> Message:
            nonlocal read, whole, waited
            if whole:  # nothing comes any more but the end of the connection
                return await receive()
            began = time.monotonic()
            try:
                async with asyncio.timeout(min(SILENCE, max(0.0, SILENCE + read / SLOWEST - waited))):
                    message = await receive()
            except TimeoutError:  # a client without power sends no end either
                said = f"nothing of the body came for {SILENCE:g} seconds, or less than {SLOWEST} bytes a second"
                raise Fault(408, "too-slow", said) from None
            waited += time.monotonic() - began
            read, whole = read + len(message.get("body", b"")), not message.get("more_body")
            if read > limit:
                raise TooLarge(limit)
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._dress(MutableHeaders(scope=message), scope["path"], shared)
            await send(message)

        try:
            self._check(scope, shared, limit)
            if shared and scope["method"] == "OPTIONS":
                await _preflight(dressed)
            else:
                await self.app(scope, counted, dressed)
        except Fault as fault:
            if not started:
                await _swallow(receive)
                await refuse(fault, self.rules.told(fault, scope["path"]), dressed)
        except Exception as error:  # told on the terminal, never on the wire; the application has sent its sentence
            tell(error, "in an answer")
            if not started:
                bug = Fault(500, "fault", self.rules.sorry)
                await refuse(bug, self.rules.told(bug, scope["path"]), dressed)

    def _check(self, scope: Scope, shared: str, limit: int) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if self.hosts is not None and host.rpartition(":")[0] not in self.hosts and host not in self.hosts:
            raise Fault(403, "wrong-host", "this server is not known by that name")
        if scope["method"] not in ("GET", "HEAD") and not shared:
            origin = headers.get("origin")
            if (origin is not None and _netloc(origin) != host) or headers.get("sec-fetch-site", "same-origin") not in (
                "same-origin",
                "none",
            ):
                raise Fault(403, "wrong-origin", "this comes from another site")
        size = headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > limit:
            raise TooLarge(limit)

    def _dress(self, headers: MutableHeaders, path: str, shared: str) -> None:
        form = "'self'" if path.startswith(self.rules.forms) else "'none'"
        headers.setdefault("content-security-policy", CSP + form)
        headers["x-content-type-options"] = "nosniff"
        headers["x-frame-options"] = "DENY"
        # Not "no-referrer": with it a browser sends its own forms with "Origin: null".
        headers["referrer-policy"] = "same-origin"
        headers["cross-origin-opener-policy"] = "same-origin"
        headers["cross-origin-resource-policy"] = "cross-origin" if shared else "same-origin"
        headers["permissions-policy"] = "camera=(), microphone=(), geolocation=()"
        if self.rules.origins or self.rules.extensions:
            headers.add_vary_header("Origin")
        if shared:  # without credentials: a browser sends no cookie along, and there is none
            headers["access-control-allow-origin"] = shared
        if not path.startswith("/static/"):
            headers["cache-control"] = "no-store"


def tell(bug: Exception, where: str) -> None:
    """Tell a bug of ours on the terminal by its place alone: what it says may hold a text or a key of a client."""
    trace = "".join(traceback.format_tb(bug.__traceback__))
    print(f"Traceback (most recent call last):\n{trace}in2x: {type(bug).__name__} {where}", file=sys.stderr, flush=True)


def _netloc(origin: str) -> str:
    """Host and port of an origin; "" of one that is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


async def _preflight(send: Send) -> None:
    """What a browser asks before it sends what a form could not."""
    headers = [
        (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def refuse(fault: Fault, body: Any, send: Send) -> None:
    """Send `fault` as an answer, with `body` as its JSON."""
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if fault.wait:
        headers.append((b"retry-after", str(int(fault.wait) + 1).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def _swallow(receive: Receive) -> None:
    """Read what is still coming, up to a point: who is cut off while sending never sees the answer."""
    left = SWALLOWED
    with suppress(TimeoutError):
        async with asyncio.timeout(SWALLOWING):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
