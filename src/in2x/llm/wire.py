"""What servers say, read from their many dialects: the answer, errors, pauses, log-probabilities."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openai

from in2x.records import sound


@dataclass(frozen=True, slots=True)
class Said:
    """One choice of an answer."""

    text: str | None
    """What is meant for the reader; None where there is none."""
    thought: str
    """What the server has parted from it as reasoning: counted, and read by nobody."""
    refusal: str
    finish: str | None


def said(choice: Mapping[str, Any], chat: bool) -> Said:
    """A choice of a chat or of a raw completion. Raises KeyError, TypeError or AttributeError where it is none."""
    finish = choice.get("finish_reason")
    if not chat:
        return Said(sound(choice["text"]), "", "", finish)
    message = choice["message"]
    content = message.get("content")
    if isinstance(content, list):  # parts, of which only those of type "text" are the answer
        content = "".join(part["text"] for part in content if part.get("type", "text") == "text")
    thought = message.get("reasoning_content") or message.get("reasoning") or ""
    text = sound(content) if content is not None else None
    return Said(text, str(thought), sound(message.get("refusal") or ""), finish)


def words_of(error: openai.APIStatusError) -> str:
    """All that the server says about an error, in small letters."""
    return error.response.text.lower()


def detail_of(error: openai.APIStatusError) -> str:
    """The server's own words about an error, on one line, at most 200 characters."""
    said = error.body or ""
    if isinstance(said, dict):
        said = said.get("error", said)
    if isinstance(said, dict):
        said = said.get("message") or said.get("detail") or said.get("code") or ""
    return " ".join(str(said).split())[:200]


def retry_after(headers: Any) -> float | None:
    """Seconds to wait by the Retry-After header (seconds or an HTTP date), at most 600."""
    raw = headers.get("retry-after")
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        try:
            # By the server's own clock where it tells it: ours may be wrong by a year.
            now = email.utils.parsedate_to_datetime(headers["date"]).timestamp() if headers.get("date") else time.time()
            seconds = email.utils.parsedate_to_datetime(raw).timestamp() - now
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
