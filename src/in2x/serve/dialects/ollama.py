"""Ollama's chat and generate, streamed as lines of JSON unless told otherwise; its tags and version."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from in2x import __version__
from in2x.serve.config import Config
from in2x.serve.dialects.asked import Asked
from in2x.serve.dialects.openai import Message, Options, last_asked, lines, said, tokens, told, wish_of
from in2x.serve.documents import Documents
from in2x.serve.engine import Engine
from in2x.serve.shape import shaped
from in2x.serve.trickle import streamed, trickled
from in2x.web.guard import Fault


class Asking(BaseModel):
    """What both have in common; `options` and `think` are the model's own affair here, and not read."""

    model_config = ConfigDict(extra="ignore")
    model: str | None = None
    stream: bool = True
    translation_options: Options | None = None


class Chat(Asking):
    """A chat; its last message is what is translated."""

    messages: list[Message] = Field([], max_length=1000)


class Generate(Asking):
    """An instruction and a text, or a text."""

    prompt: str = ""
    system: str = ""


def error_body(fault: Fault) -> dict[str, str]:
    """An error as the contract has it."""
    return {"error": fault.message}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def router(engine: Engine, config: Config, documents: Documents) -> APIRouter:
    """The routes /api/..., see `openai.router`."""
    # Its documentation asks by curl without a word on the content.
    api = APIRouter(prefix="/api", route_class=shaped(error_body, always_json=True), tags=["Ollama"])
    started, resources = _now(), documents.resources

    async def reply(request: Request, ask: Asking, what: Asked, chat: bool) -> Response:
        client = config.access.client(request)
        name, began = ask.model or config.name, time.monotonic_ns()
        resources.check_quota(client, len(what.text))

        def line(text: str) -> dict[str, Any]:
            body = {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
            return {"model": name, "created_at": _now(), **body, "done": False}

        def last(text: str, whole: str) -> dict[str, Any]:
            took = time.monotonic_ns() - began
            return {**line(text), "done": True, "done_reason": "stop", "total_duration": took, "load_duration": 0,
                    "prompt_eval_count": tokens(what.text), "prompt_eval_duration": 0, "eval_count": tokens(whole),
                    "eval_duration": took}  # fmt: skip

        async def whole() -> dict[str, Any]:
            wish = wish_of(what, ask.translation_options, config, engine)
            text = await said(engine, what.text, wish, client, config.deadline)
            resources.use(client, len(what.text))
            return last(text, text)

        async def parts() -> AsyncGenerator[bytes]:
            wish = wish_of(what, ask.translation_options, config, engine)
            done = ""
            async with aclosing(lines(engine, what.text, wish, client, config.deadline)) as rows:
                async for row in rows:
                    if not done:
                        resources.use(client, len(what.text))
                    done += row
                    yield _row(line(row))
            yield _row(last("", done))

        if not ask.stream:
            return await trickled(request, whole(), error_body)
        return await streamed(
            request, parts(), _row(line("")), lambda fault: _row(error_body(fault)), "application/x-ndjson"
        )

    @api.post("/chat")
    async def chat(request: Request, ask: Chat) -> Response:
        """Translate the last message."""
        return await reply(request, ask, last_asked(ask.messages, ask.translation_options), True)

    @api.post("/generate")
    async def generate(request: Request, ask: Generate) -> Response:
        """Translate the prompt."""
        return await reply(request, ask, told(ask.system, ask.prompt, ask.translation_options), False)

    @api.get("/tags")
    async def tags(request: Request) -> dict[str, Any]:
        """The one model."""
        config.access.client(request)
        details = {"parent_model": "", "format": "safetensors", "family": "in2x", "families": ["in2x"],
                   "parameter_size": "", "quantization_level": ""}  # fmt: skip
        digest = hashlib.sha256(config.name.encode()).hexdigest()
        return {"models": [{"name": config.name, "model": config.name, "modified_at": started, "size": 0,
                            "digest": digest, "details": details}]}  # fmt: skip

    @api.get("/version")
    async def version(request: Request) -> dict[str, str]:
        """Of this software."""
        config.access.client(request)
        return {"version": __version__}

    return api


def _row(body: Any) -> bytes:
    return (json.dumps(body, ensure_ascii=False) + "\n").encode()
