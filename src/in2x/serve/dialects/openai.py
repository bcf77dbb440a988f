"""OpenAI's chat and completions, with `translation_options` as Qwen-MT has them; `model` may be left out.

The languages are those of `translation_options`, else those that an instruction in the messages names (`asked.py`),
else those that the server was started with. The JSON prompts of extensions are answered in their form
(`extensions.py`). No field is added to an answer: strict clients refuse unknown ones.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
import uuid
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from in2x.errors import UsageError
from in2x.language import canonical
from in2x.serve.config import Config
from in2x.serve.dialects.asked import Asked, asked
from in2x.serve.dialects.extensions import Page, answer_page, page_in
from in2x.serve.dialects.named import code_of
from in2x.serve.documents import Documents
from in2x.serve.engine import MOST_ALTERNATIVES, Engine
from in2x.serve.shape import shaped
from in2x.serve.trickle import streamed, trickled
from in2x.serve.wish import Wish
from in2x.web.guard import Fault

MOST_PROMPTS = 50
"""Of one request (our choice, as DeepL's texts)."""
T = TypeVar("T")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
TYPES = dict.fromkeys((400, 408, 413, 422), "invalid_request_error") | {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error",
}  # fmt: skip
NO_QUOTA = "insufficient_quota"
"""What the contract calls a quota that is used up, a 429."""


def error_body(fault: Fault) -> dict[str, Any]:
    """An error as the contract has it."""
    kind = NO_QUOTA if fault.error == NO_QUOTA else TYPES.get(fault.status, "server_error")
    return {"error": {"message": fault.message, "type": kind, "param": None, "code": fault.error}}


class Term(BaseModel):
    """An agreed rendering."""

    source: str = Field(max_length=500)
    target: str = Field(max_length=500)


class Options(BaseModel):
    """What is wanted of a translation, as Qwen-MT has it."""

    source_lang: str | None = Field(None, description="Name or code; auto tells it from the text.")
    target_lang: str | None = Field(None, description="Name or code.")
    terms: list[Term] = Field([], max_length=1000)
    domains: str = Field("", max_length=4000, description="What the text is about, and in which manner.")
    register_: str | None = Field(None, alias="register", description="A register of the language wanted (our own).")


class Part(BaseModel):
    """A part of a message."""

    type: str = "text"
    text: str = ""


class Message(BaseModel):
    """A turn."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool = False


class Asking(BaseModel):
    """What chat and completions have in common; sampling is the server's, so other fields are taken and not read."""

    model_config = ConfigDict(extra="ignore")
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ALTERNATIVES)] | None = Field(
        None, description="Answers; the same one again where the model has no more that differ."
    )
    translation_options: Options | None = None


class Chat(Asking):
    """A chat; its last message is what is translated."""

    messages: list[Message] = Field(min_length=1, max_length=1000)


class Completion(Asking):
    """A text to go on with: an instruction and a text, or a text."""

    prompt: str | list[str] = Field(max_length=1_000_000, description="A text, or up to 50.")


def tokens(text: str) -> int:
    """Tokens that a text is taken to have: three bytes each (as in `in2x.llm`; a server behind does not tell us)."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 3)


def usage(given: str, said: str) -> dict[str, int]:
    """The count of a contract that counts tokens."""
    there, back = tokens(given), tokens(said)
    return {"prompt_tokens": there, "completion_tokens": back, "total_tokens": there + back}


def wish_of(what: Asked, options: Options | None, config: Config, engine: Engine) -> Wish:
    """What is wanted: by the options, then by what was asked, then by the server's defaults.

    Raises:
        UsageError: a language that does not exist, or none is named.
    """
    given = options or Options.model_validate({})
    source = code_of(given.source_lang) or what.source_lang
    target = code_of(given.target_lang) or what.target_lang or config.target_lang
    if target is None:
        raise UsageError("no language is wanted", mend="name it in translation_options.target_lang, in an instruction "
                         "before the text, or start the server with --to")  # fmt: skip
    if source is None and options is None and what.target_lang is None and config.source_lang:
        # nothing was said at all: the direction of the server, turned round where the text is in the language wanted
        found = engine.detect(what.text, target, config.source_lang)
        return Wish(config.source_lang, target) if canonical(found) == canonical(target) else Wish(target, found)
    terms = tuple((term.source, term.target) for term in given.terms)
    return Wish(target, source, given.register_, terms, scene=given.domains)


async def lines(engine: Engine, text: str, wish: Wish, client: str, deadline: float) -> AsyncGenerator[str]:
    """The translation of a text, line by line, as the lines are done; its breaks are part of them."""
    source = wish.source_lang or engine.detect(text, wish.target_lang)
    if wish.source_lang is None and canonical(source) == canonical(wish.target_lang):
        yield text
        return
    rows = [match for match in _LINE.finditer(text) if match[0]]
    wish = replace(wish, source_lang=source)
    async with aclosing(engine.stream([row[1] for row in rows], wish, client, deadline=deadline)) as answers:
        place = 0
        async for answer in answers:
            yield answer.text + rows[place][2]
            place += 1


async def said(engine: Engine, text: str, wish: Wish, client: str, deadline: float) -> str:
    """The translation of a text as a whole."""
    [answer] = await engine.translate([text], wish, client, deadline=deadline)
    return answer.text


def last_asked(messages: list[Message], options: Options | None) -> Asked:
    """What the last message that is not the assistant's asks; all of it is text where options say what is wanted.

    Raises:
        UsageError: there is no such message.
    """
    system = "\n".join(one.text for one in messages if one.role in ("system", "developer"))
    turns = [one for one in messages if one.role not in ("system", "developer", "assistant")]
    if not turns:
        raise UsageError("there is no message to translate", mend="give one of the role user")
    return told(system, turns[-1].text, options)


def told(system: str, message: str, options: Options | None) -> Asked:
    """What a message asks, see `last_asked`."""
    return Asked(message) if options and code_of(options.target_lang) else asked(system, message)


def router(engine: Engine, config: Config, documents: Documents) -> APIRouter:
    """The routes /v1/...

    Args:
        engine: translates.
        config: the server's settings.
        documents: with the resources in which what clients use is counted.
    """
    api = APIRouter(prefix="/v1", route_class=shaped(error_body), tags=["OpenAI"])
    started, resources = int(time.time()), documents.resources

    async def reply(request: Request, ask: Asking, whats: Sequence[Asked], chat: bool, system: str = "") -> Response:
        client, count = config.access.client(request), ask.n or 1
        head = {"id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}", "created": int(time.time()),
                "model": ask.model or config.name}  # fmt: skip
        pages = [page_in(system, what.text) for what in whats]
        given = "".join(what.text for what in whats)
        try:
            resources.check_quota(client, len(given))
        except Fault as fault:
            raise Fault(429, NO_QUOTA, fault.message) from None

        async def more(what: Asked, first: str) -> list[str]:
            """The answers but the first to a text."""
            wish = wish_of(what, ask.translation_options, config, engine)
            found = await engine.alternatives(what.text, wish, count, client, config.deadline)
            others = [text for text in found if text != first][: count - 1]
            return others + [first] * (count - 1 - len(others))

        async def parts() -> AsyncGenerator[tuple[int, str]]:
            for place, (what, page) in enumerate(zip(whats, pages, strict=True)):
                if page is not None:
                    text = await answer_page(engine, page, client, config.deadline)
                    resources.use(client, len(what.text))
                    for choice in range(count):
                        yield place * count + choice, text
                    continue
                text, wish = "", wish_of(what, ask.translation_options, config, engine)
                async with aclosing(lines(engine, what.text, wish, client, config.deadline)) as rows:
                    async for row in rows:
                        if not text:
                            resources.use(client, len(what.text))
                        text += row
                        yield place * count, row
                for choice, other in enumerate(await more(what, text) if count > 1 else (), 1):
                    yield place * count + choice, other

        async def texts(what: Asked, page: Page | None) -> list[str]:
            if page is not None:
                return [await answer_page(engine, page, client, config.deadline)] * count
            wish = wish_of(what, ask.translation_options, config, engine)
            first = await said(engine, what.text, wish, client, config.deadline)
            return [first, *(await more(what, first) if count > 1 else ())]

        async def whole() -> dict[str, Any]:
            found = await _all([texts(what, page) for what, page in zip(whats, pages, strict=True)])
            resources.use(client, len(given))
            choices: list[dict[str, Any]] = []
            for text in (text for row in found for text in row):
                shown = {"message": {"role": "assistant", "content": text, "refusal": None}} if chat else {"text": text}
                choices.append({"index": len(choices), "finish_reason": "stop", "logprobs": None} | shown)
            back = "".join(text for row in found for text in row)
            kind = "chat.completion" if chat else "text_completion"
            return {**head, "object": kind, "choices": choices, "usage": usage(given, back)}

        if not ask.stream:
            return await trickled(request, whole(), error_body)
        counted = bool(ask.stream_options and ask.stream_options.include_usage)
        events = _events(parts(), {**head, "object": "chat.completion.chunk" if chat else "text_completion"}, chat,
                         count * len(whats), given if counted else None)  # fmt: skip
        return await streamed(request, events, b": \n\n", lambda fault: _event(error_body(fault)), "text/event-stream")

    @api.post("/chat/completions")
    async def chat(request: Request, ask: Chat) -> Response:
        """Translate the last message."""
        system = "\n".join(one.text for one in ask.messages if one.role in ("system", "developer"))
        return await reply(request, ask, [last_asked(ask.messages, ask.translation_options)], True, system)

    @api.post("/completions")
    async def completions(request: Request, ask: Completion) -> Response:
        """Translate the prompt."""
        prompts = [ask.prompt] if isinstance(ask.prompt, str) else ask.prompt
        if not 0 < len(prompts) <= MOST_PROMPTS:
            raise Fault(400, "bad-request", f"from 1 to {MOST_PROMPTS} prompts a request")
        return await reply(request, ask, [told("", one, ask.translation_options) for one in prompts], False)

    @api.get("/models")
    async def models(request: Request) -> dict[str, Any]:
        """The one model."""
        config.access.client(request)
        return {"object": "list", "data": [_model(config.name, started)]}

    @api.get("/models/{name:path}")
    async def model(request: Request, name: str) -> dict[str, Any]:
        """The one model."""
        config.access.client(request)
        if name != config.name:
            raise Fault(404, "model_not_found", "there is no such model here")
        return _model(config.name, started)

    return api


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "in2x"}


def _event(body: Any) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


async def _all(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give; where one fails, or nobody waits any more, the others end."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _events(
    parts: AsyncGenerator[tuple[int, str]], head: dict[str, Any], chat: bool, choices: int, given: str | None
) -> AsyncGenerator[bytes]:
    """The events of a stream, whose parts say which choice they are of; with `given`, the text that was asked, the last
    but one counts tokens."""

    def event(number: int, delta: dict[str, Any], text: str, end: str | None) -> bytes:
        choice: dict[str, Any] = {"index": number, "logprobs": None, "finish_reason": end}
        choice |= {"delta": delta} if chat else {"text": text}
        return _event({**head, "choices": [choice]} | ({} if given is None else {"usage": None}))

    begun, said = -1, ""
    async with aclosing(parts) as texts:
        async for number, text in texts:
            if begun < number and chat:
                yield event(number, {"role": "assistant", "content": ""}, "", None)
            begun, said = number, said + text
            yield event(number, {"content": text}, text, None)
    for number in range(choices):
        yield event(number, {}, "", "stop")
    if given is not None:
        yield _event({**head, "choices": [], "usage": usage(given, said)})
    yield b"data: [DONE]\n\n"
