"""What a server is sent: the request as the OpenAI protocol has it, less the parameters that this server refuses.

Servers and models differ in what they take (a fixed temperature, `max_completion_tokens` for `max_tokens`, no seed, no
JSON schema, nothing that they do not know). Nobody can list them, but a refusal names the parameter: it is left out, or
written the server's way, from then on. No thinking is asked for unless the recipe wants it (`chat/contract.py`):
by the switch of the chat template where the server renders one, else by effort. What the recipe adds of its
own (`extra_body`) is sent as it stands, whatever the server says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import openai

from in2x.llm.request import Request
from in2x.llm.wire import words_of
from in2x.records import sound

QUIET: dict[str, Any] = {
    "chat_template_kwargs": {"enable_thinking": False, "thinking": False},
    "reasoning_effort": "none",
}
"""Thinking off. Outside the protocol: a server that refuses a request without saying why is asked once without them."""
ALOUD: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": True, "thinking": True}}
"""Thinking on; how hard is left to the server, or to `extra_body`."""
_WORDS = {
    "add_special_tokens": r"add_?special_?tokens",
    "chat_template_kwargs": r"chat_?template_?kwargs|enable_?thinking",
    "reasoning_effort": r"reasoning_?effort",
    "response_format": r"response_?format|json_?schema|guided|structured.?outputs?",
    "max_completion_tokens": r"max_?completion_?tokens",
    "max_tokens": r"max_?(?:new_?)?tokens",
    "temperature": r"\btemperature\b",
    "top_p": r"\btop_?p\b",
    "top_k": r"\btop_?k\b",
    "repetition_penalty": r"repetition_?penalty",
    "repeat_penalty": r"repeat_?penalty",
    "seed": r"\bseed\b",
    "logprobs": r"\blogprobs\b",
    "top_logprobs": r"\b(?:top_?)?logprobs\b",
    "stop": r"[\"'`]stop[\"'`]",  # a common word
}
"""How refusals, in small letters, name what may be left out."""
_PLACE = re.compile(r"[\"']loc[\"']:\s*[\[(]\s*[\"']body[\"'],\s*[\"'](\w+)")
_LOW = re.compile(r"[\"'`]low[\"'`]")
_TOO_LONG = re.compile(r"context|too (?:large|long|many|high)|at most|exceed|reduce", re.IGNORECASE)


class Parameters:
    """What one server takes, learnt from its refusals for as long as the client lives."""

    def __init__(self, extra: Mapping[str, Any] = {}) -> None:  # read only
        self._extra = dict(extra)
        self._left_out: set[str] = set()
        self._max_tokens, self._effort = "max_tokens", "none"
        self.proven = False
        """Whether the server has answered a chat that asked for no thinking."""

    def body(self, model: str, request: Request, *, bare: bool = False) -> dict[str, Any]:
        """What is sent for `request`; `bare` without `QUIET`."""
        body: dict[str, Any] = {"model": model, "temperature": request.temperature,
                                "seed": request.seed + request.sample}  # fmt: skip
        if request.messages is None:
            body["prompt"] = sound(request.prompt or "")
            if request.whole:
                body["add_special_tokens"] = False
        else:
            body["messages"] = [{**message, "content": sound(message["content"])} for message in request.messages]
            if request.fields:
                body["messages"][-1]["content"] = [
                    {"type": "text", **dict(request.fields), "text": body["messages"][-1]["content"]}
                ]
            if not bare:
                body |= ALOUD if request.thinking else QUIET | {"reasoning_effort": self._effort}
        if request.max_tokens is not None:
            body[self._max_tokens] = request.max_tokens
        if request.top_p != 1.0:
            body["top_p"] = request.top_p
        if request.top_k:
            body["top_k"] = request.top_k
        if request.repetition_penalty != 1.0:
            body |= {"repetition_penalty": request.repetition_penalty, "repeat_penalty": request.repetition_penalty}
        if request.stop:
            body["stop"] = list(request.stop[:4])  # the protocol's limit
        if request.top_logprobs is not None:
            chat = request.messages is not None
            body |= (
                {"logprobs": True, "top_logprobs": request.top_logprobs} if chat else {"logprobs": request.top_logprobs}
            )
        if request.schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(request.schema), "strict": True},
            }
        body = {name: value for name, value in body.items() if name not in self._left_out}
        for name, value in self._extra.items():
            known = body.get(name)
            body[name] = known | value if isinstance(known, dict) and isinstance(value, dict) else value
        return body

    def learn(self, body: dict[str, Any], refusal: openai.APIStatusError) -> bool:
        """Whether a refusal of `body` names parameters that are now left out or written otherwise: ask again."""
        words = words_of(refusal)
        named = [name for name in body if name not in self._extra and name in _WORDS and re.search(_WORDS[name], words)]
        # Some servers point at the parameter, and may repeat the whole request beside that.
        pointed = {str(refusal.param), *_PLACE.findall(words)}
        named = [name for name in named if name in pointed] or named
        if _TOO_LONG.search(words):  # not the parameter, but its value, is what the server cannot take
            named = [name for name in named if name not in ("max_tokens", "max_completion_tokens")]
        for name in named:
            if name == "max_tokens" and "max_completion_tokens" in words:
                self._max_tokens = "max_completion_tokens"
            elif name == "reasoning_effort" and body[name] == "none" and _LOW.search(words):
                self._effort = "low"
            else:
                self.leave_out(name)
        return bool(named)

    def leave_out(self, *names: str) -> None:
        """Send these no more."""
        self._left_out.update(names)
