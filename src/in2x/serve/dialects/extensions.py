"""Browser extensions that batch the pieces of a page: their JSON prompts over chat, and their plain JSON interfaces.

A small translation model cannot follow a prompt that asks for JSON. So the prompt is recognised, its pieces are
translated, and the answer has the form that it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from in2x.errors import UsageError
from in2x.serve.config import Config
from in2x.serve.dialects.named import code_of
from in2x.serve.documents import Documents
from in2x.serve.engine import Engine
from in2x.serve.shape import shaped
from in2x.serve.trickle import trickled
from in2x.serve.wish import Markup, Wish
from in2x.web.guard import Fault

LONGEST_SCENE = 2000
"""Characters of a page's title, description and summary that a model is told (our choice)."""


@dataclass(frozen=True, slots=True)
class Page:
    """The pieces of a page, as a JSON message has them."""

    ids: tuple[Any, ...]
    texts: tuple[str, ...]
    wish: Wish


def page_in(system: str, message: str) -> Page | None:
    """The pieces in a message `{targetLanguage, segments: [{id, text}], title, description, summary, glossary, ...}`.

    None for any other message.

    Raises:
        UsageError: no such language.
    """
    if not message.lstrip().startswith("{"):
        return None
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return None
    segments, target = body.get("segments"), body.get("targetLanguage")
    if not isinstance(segments, list) or not isinstance(target, str):
        return None
    if not all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in segments):
        return None
    code = code_of(target)
    if code is None:
        raise UsageError("no language is wanted", mend="name it in targetLanguage")
    words = [body.get(name) for name in ("title", "description", "summary")]
    scene = "\n".join(word for word in words if isinstance(word, str) and word)[:LONGEST_SCENE]
    texts = tuple(one["text"] for one in segments)
    wish = Wish(code, terms=_terms(body.get("glossary")), scene=scene, kind=_kind(texts))
    return Page(tuple(one.get("id") for one in segments), texts, wish)


def _kind(texts: Sequence[str]) -> Markup:
    """Whether pieces of a page have tags; no client says so."""
    return "html" if any("<" in text and ">" in text for text in texts) else "plain"


def _terms(glossary: Any) -> tuple[tuple[str, str], ...]:
    """Of `{source: target}`, or of a list of pairs or of `{source, target}`."""
    rows: list[Any] = []
    if isinstance(glossary, dict):
        rows = list(glossary.items())
    elif isinstance(glossary, list):
        rows = [(one.get("source"), one.get("target")) if isinstance(one, dict) else one for one in glossary]
    pairs = [tuple(row) for row in rows if isinstance(row, list | tuple) and len(row) == 2]
    return tuple((a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str) and a.strip() and b.strip())


async def answer_page(engine: Engine, page: Page, client: str, deadline: float) -> str:
    """The answer to such a message: `{"translations": [{"id", "text", "sourceLanguage"}]}`."""
    answers = await engine.translate(page.texts, page.wish, client, deadline=deadline)
    rows = [{"id": number, "text": answer.text, "sourceLanguage": answer.source_lang}
            for number, answer in zip(page.ids, answers, strict=True)]  # fmt: skip
    return json.dumps({"translations": rows}, ensure_ascii=False)


class Pieces(BaseModel):
    """`{texts, from, to}` (kiss-translator) or `{text_list, source_lang, target_lang}` (Immersive Translate)."""

    model_config = ConfigDict(extra="ignore")
    texts: list[str] | None = Field(None, max_length=1000)
    text_list: list[str] | None = Field(None, max_length=1000)
    source: str | None = Field(None, alias="from")
    target: str | None = Field(None, alias="to")
    source_lang: str | None = None
    target_lang: str | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Pieces:
        if (self.texts is None) == (self.text_list is None):
            raise ValueError("give texts or text_list")
        return self


def error_body(fault: Fault) -> dict[str, str]:
    """An error as the contracts have it: a sentence."""
    return {"error": fault.message}


def router(engine: Engine, config: Config, documents: Documents) -> APIRouter:
    """The route /pages, for "custom" interfaces of extensions; see `openai.router`."""
    api = APIRouter(route_class=shaped(error_body), tags=["Browser extensions"])
    resources = documents.resources

    @api.post("/pages")
    async def pages(request: Request, pieces: Pieces) -> Response:
        """Translate the pieces of a page."""
        client = config.access.client(request)
        immersive = pieces.text_list is not None
        texts = pieces.text_list or pieces.texts or []
        characters = sum(map(len, texts))
        resources.check_quota(client, characters)

        async def work() -> dict[str, Any]:
            target = code_of(pieces.target_lang if immersive else pieces.target) or config.target_lang
            if target is None:
                raise UsageError("no language is wanted", mend="give its code")
            source = code_of(pieces.source_lang if immersive else pieces.source)
            wish = Wish(target, source, kind=_kind(texts))
            answers = await engine.translate(texts, wish, client, deadline=config.deadline)
            resources.use(client, characters)
            name = "detected_source_lang" if immersive else "src"
            return {"translations": [{"text": answer.text, name: answer.source_lang} for answer in answers]}

        return await trickled(request, work(), error_body)

    return api
