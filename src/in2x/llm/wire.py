"""What servers say beside the text, read from their many dialects: errors, pauses, log-probabilities."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import openai


def detail_of(error: openai.APIStatusError) -> str:
    """The server's own words about an error, at most 200 characters."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            return str(inner.get("message") or inner.get("detail") or inner.get("code") or "")[:200]
        return str(inner)[:200]
    return str(body or "")[:200]


def body_words(detail: str) -> str:
    """`detail` of an error in the form its parameter names are looked for in."""
    return detail.lower().replace("json_schema", "response_format").replace("guided", "response_format")


def retry_after(headers: Any) -> float | None:
    """Seconds to wait by the Retry-After header (seconds or an HTTP date), at most 600."""
    raw = headers.get("retry-after")
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(raw).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(600.0, max(0.0, seconds))


def logprobs_of(choice: dict[str, Any]) -> list[Any] | None:
    """Log-probabilities of a choice in the form of `Answer.logprobs`; None where the server gives none."""
    found = choice.get("logprobs")
    if not isinstance(found, dict):
        return None
    if isinstance(found.get("content"), list):  # chat
        return [
            [
                t.get("token"),
                t.get("logprob"),
                [[o.get("token"), o.get("logprob")] for o in t.get("top_logprobs") or ()],
            ]
            for t in found["content"]
        ]
    if isinstance(found.get("tokens"), list):  # completions
        tops = found.get("top_logprobs") or [{}] * len(found["tokens"])
        return [
            [token, logprob, [[t, p] for t, p in (top or {}).items()]]
            for token, logprob, top in zip(found["tokens"], found.get("token_logprobs") or [], tops, strict=False)
        ]
    return None
