"""Secrets of links: 192 random bits, shown once, kept as SHA-256 (a random token needs no slow hash)."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """A fresh token: 32 characters that stand in a URL as they are."""
    return secrets.token_urlsafe(24)


def hashed(token: str) -> str:
    """What is kept of a token: 64 hex digits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
