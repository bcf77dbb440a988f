"""Who may call: tokens, told once at the start and compared in constant time.

Without any, everybody who reaches the server may call, and a client is its address. A client's id stands in no log and
no metric; it only tells the queue and the store whose work is whose.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from starlette.requests import Request

from in2x.errors import UsageError
from in2x.web.guard import Fault, Rates

VARIABLE = "IN2X_SERVE_TOKENS"
SHORTEST = 16
"""Characters of a token (our choice): a shorter one can be guessed."""
SCHEMES = ("bearer", "deepl-auth-key")
"""What stands before a token in the header Authorization."""


class Access:
    """The tokens that are good.

    Args:
        tokens: none lets everybody in.
        rate: requests a second that a client may go on making.
        burst: requests that it may make at once.
    """

    def __init__(self, tokens: Iterable[str], rate: float = 50.0, burst: float = 200.0) -> None:
        self._hashes = tuple(hashlib.sha256(token.encode()).digest() for token in tokens)
        self._rates = Rates(rate, burst)

    @classmethod
    def read(cls, file: Path | None, rate: float = 50.0, burst: float = 200.0) -> Self:
        """The tokens in `file`, one a line, and in the environment variable IN2X_SERVE_TOKENS, parted by spaces.

        Raises:
            UsageError: the file cannot be read, or a token is too short to be safe.
        """
        tokens = os.environ.get(VARIABLE, "").split()
        if file is not None:
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                raise UsageError("cannot be read", file=file, mend="give a file with one token a line") from None
            tokens += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if any(len(token) < SHORTEST for token in tokens):
            mend = """make one: python -c "import secrets; print(secrets.token_urlsafe(24))\""""
            raise UsageError(f"a token has fewer than {SHORTEST} characters", file=file, mend=mend)
        return cls(tokens, rate, burst)

    @property
    def demanded(self) -> bool:
        """Whether a call needs a token."""
        return bool(self._hashes)

    def client(self, request: Request, key: str | None = None) -> str:
        """Who calls: 16 hex digits.

        Args:
            request: whose header Authorization is looked at first.
            key: what the contract carries elsewhere (a field of the body, a query).

        Raises:
            Fault: 401 no token, 403 a wrong one, 429 too many requests.
        """
        given = _header(request) or key or ""
        if not self._hashes:
            who = hashlib.sha256(b"address " + (request.client.host if request.client else "").encode())
        elif not given:
            raise Fault(401, "no-token", "this server asks for a token")
        else:
            who = hashlib.sha256(given.encode("utf-8", "replace"))
            matches = [hmac.compare_digest(who.digest(), known) for known in self._hashes]
            if not any(matches):
                raise Fault(403, "wrong-token", "the token is not known here")
        client = who.hexdigest()[:16]
        self._rates.take(client)
        return client


def _header(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in SCHEMES else ""
