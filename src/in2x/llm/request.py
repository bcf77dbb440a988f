"""What is asked and what comes back, the same for every kind of model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from in2x.llm.limits import Usage
from in2x.records import Message

Advance = Callable[[float, str], None]
"""`advance(count, note)`: moves a progress bar (see `in2x.stage.Stage.progress`)."""

Trouble = Literal["", "request", "server", "budget"]
"""Why no model was heard: the request itself (refused, and so would it be again), the server or the way to it (it was
tried as often as it may be), or a budget that is spent."""

NOTHING = ("nothing but reasoning", "empty answer")
CUT = "unfinished answer"
"""What an answer that came may lack."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Request:
    """One question. Exactly one of `messages` (chat) and `prompt` (raw continuation) is given."""

    messages: tuple[Message, ...] | None = None
    prompt: str | None = None
    max_tokens: int | None = 1024
    """Longest answer; None leaves it to the server (a model in this process then stops at 1024)."""
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    """0: all tokens."""
    repetition_penalty: float = 1.0
    purpose: str = ""
    """What it is asked for (`llm/purpose.py`): the recipe may say otherwise how it is sampled. Part of no key."""
    longer: int = 1
    """How many times as long as usual the answer may be."""
    thinking: bool = False
    """Whether the model may think before it answers."""
    whole: bool = False
    """With `prompt`: it has all that a server would put before it (the mark of the beginning)."""
    fields: tuple[tuple[str, str], ...] = ()
    """What a chat template wants to know beside the last message's text, which is then sent as a list of parts."""
    stop: tuple[str, ...] = ()
    seed: int = 0
    sample: int = 0
    """Number of the answer where one question is asked several times: each is a question of its own."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that the answer must follow (see `in2x.llm.schema`)."""
    top_logprobs: int | None = None

    def __post_init__(self) -> None:
        """Hold the class's promise."""
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("a request has either messages or a prompt")

    def key(self, model: str, at: str = "", extra: Mapping[str, Any] = {}) -> bytes:  # read only
        """16 bytes that stand for this question, settled (`purpose.settled`), to `model` at the server `at`, sent with
        the fields `extra`: all that the answer may depend on, and nothing else."""
        parts: list[Any] = [
            model, self.messages if self.prompt is None else self.prompt, self.max_tokens, self.temperature,
            self.top_p, self.stop, self.seed, self.sample, self.schema, self.top_logprobs,
        ]  # fmt: skip
        if self.top_k or self.repetition_penalty != 1.0 or self.fields:  # keys of others stay what they were
            parts += [self.top_k, self.repetition_penalty, self.fields]
        if at:
            parts += [{"at": at.rstrip("/")}]
        if self.thinking or self.whole or extra:
            parts += [{"thinking": self.thinking, "whole": self.whole, "extra": dict(extra)}]
        return hashlib.blake2b(_encode(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def again(request: Request, said: str, wish: str) -> Request:
    """`request` once more, with what the model `said` and a `wish` of what to do otherwise: a question of its own.

    Raises:
        ValueError: a raw continuation, which cannot be talked about.
    """
    if request.messages is None:
        raise ValueError("only a chat can be asked again")
    said_turn: Message = {"role": "assistant", "content": said or "…"}
    wish_turn: Message = {"role": "user", "content": wish}
    return replace(request, messages=(*request.messages, said_turn, wish_turn))


def chat(text: str, *, system: str | None = None, **options: Any) -> Request:
    """A request with one user turn; `options` are fields of `Request`."""
    head: tuple[Message, ...] = ({"role": "system", "content": system},) if system else ()
    return Request(messages=(*head, {"role": "user", "content": text}), **options)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or (`error` set) the reason why there is none."""

    text: str = ""
    value: Any = None
    """The parsed JSON where the request has a schema."""
    finished: bool = True
    """False where it was cut at `max_tokens` or the server's own limit."""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    logprobs: list[Any] | None = None
    """[token, log-probability, [[token, log-probability], ...]] a token, where asked for and offered."""
    error: str | None = None
    unusable: bool = False
    """With `error` set: the model did answer, only not in the form asked for (`text` holds its words). Otherwise the
    fault is the server's, the connection's or the budget's, and asking in other words mends nothing."""
    trouble: Trouble = ""
    """With `error` set, and not `unusable`: whose fault it is, where that is known."""
    cached: bool = False
    thought: str = ""
    """What the model thought aloud before it answered: no part of `text`, and its author's trace."""

    @property
    def lack(self) -> str | None:
        """Why an answer that came (`ok`) is no whole one; None where it is."""
        if not self.text.strip() and self.value is None:
            return NOTHING[0] if self.thought or not self.finished else NOTHING[1]
        return None if self.finished else CUT

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.error is None


class Asker(Protocol):
    """Anything that answers requests: a server (`Client`), a model in this process (`LocalClient`), a test's script."""

    name: str
    """The model's name, as it goes into manifests."""
    usage: Usage

    def ask_all(self, requests: Iterable[Request], advance: Advance | None = None) -> Iterator[Answer]:
        """Answer `requests` in their order; exactly one answer each, failures included."""
        ...
