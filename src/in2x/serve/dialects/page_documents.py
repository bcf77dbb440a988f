"""Documents of the page: left, watched, looked through text by text, fetched, taken away.

POST   /page/documents              a form with `wish` (JSON, as of /page/translate) and `file`:
                                    {"id", "key", "state", "done", "segments", "source_lang", "target_lang"}
POST   /page/documents/ID           {"key"}: how far it is
POST   /page/documents/ID/view      {"key", "wanted", "most"}: what became of each text, and how many of each kind
POST   /page/documents/ID/result    {"key"}: the translated file
DELETE /page/documents/ID           {"key"}
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from in2x.formats.document import Document
from in2x.serve.config import Config
from in2x.serve.dialects.deepl_documents import sent
from in2x.serve.dialects.fields import Fields
from in2x.serve.dialects.page_wire import Asked, manner_of
from in2x.serve.documents import Documents, opened, read
from in2x.serve.engine import Engine
from in2x.serve.resources import Paper
from in2x.serve.wish import Wish
from in2x.translate.backend import wordless
from in2x.web.guard import Fault


class Keyed(BaseModel):
    """By what a document is asked for."""

    model_config = ConfigDict(extra="forbid")
    key: Annotated[str, Field(max_length=200)]


class Look(Keyed):
    """Which of its texts are wanted."""

    wanted: Literal["all", "findings", "failed", "skipped"] = "all"
    most: Annotated[int, Field(ge=1, le=100_000)] = 100


def add(api: APIRouter, engine: Engine, config: Config, documents: Documents) -> None:
    """Add the routes of documents to those of the page."""
    resources = documents.resources

    async def paper_of(paper: str, keyed: Keyed, request: Request) -> Paper:
        client = config.access.client(request)
        return await asyncio.to_thread(resources.document, client, paper, keyed.key)

    @api.post("/page/documents")
    async def leave(request: Request) -> dict[str, Any]:
        client, fields = config.access.client(request), await Fields.read(request)
        name, raw = await fields.file("file", config.largest_file)
        try:
            asked = Asked.model_validate_json(fields.text("wish"))
        except ValidationError as error:
            raise Fault(400, "bad-request", f"wish: {error.errors()[0]['msg']}") from None

        def read_in() -> tuple[Document, Wish]:
            document, wish = opened(name, raw, Wish(asked.target_lang, asked.source_lang), engine)
            manner = manner_of(asked.model_copy(update={"source_lang": wish.source_lang}), engine)
            return document, manner.wish("\n".join(segment.text for segment in document.segments), together=True)

        document, wish = await asyncio.to_thread(read_in)
        left = await documents.add(client, name, raw, wish, document)
        paper = await asyncio.to_thread(resources.document, client, left.id, left.key)
        return {"key": left.key, **_state(paper)}

    @api.post("/page/documents/{paper}")
    async def state(paper: str, keyed: Keyed, request: Request) -> dict[str, Any]:
        return _state(await paper_of(paper, keyed, request))

    @api.post("/page/documents/{paper}/view")
    async def view(paper: str, look: Look, request: Request) -> dict[str, Any]:
        found = await paper_of(paper, look, request)
        return await asyncio.to_thread(_view, documents, found, look)

    @api.post("/page/documents/{paper}/result")
    async def result(paper: str, keyed: Keyed, request: Request) -> Response:
        found = await paper_of(paper, keyed, request)
        return sent(found.name, await asyncio.to_thread(resources.take, found))

    @api.delete("/page/documents/{paper}")
    async def drop(paper: str, keyed: Keyed, request: Request) -> dict[str, Any]:
        found = await paper_of(paper, keyed, request)
        await asyncio.to_thread(resources.drop_document, found.id)
        return {}


def _state(paper: Paper) -> dict[str, Any]:
    wish = json.loads(paper.wish)
    return {"id": paper.id, "state": paper.state, "done": paper.done, "segments": paper.segments, "error": paper.error,
            "source_lang": wish["source_lang"], "target_lang": wish["target_lang"]}  # fmt: skip


def _view(documents: Documents, paper: Paper, look: Look) -> dict[str, Any]:
    """What became of the texts of a document, as far as it is translated."""
    wish = json.loads(paper.wish)
    rows = list(_rows(documents, paper, Wish(wish["target_lang"], wish["source_lang"])))
    counts = Counter(row["state"] for row in rows)
    kept = [
        row for row in rows if look.wanted in ("all", row["state"]) or (look.wanted == "findings" and row["findings"])
    ]
    return {
        "source_lang": wish["source_lang"], "target_lang": wish["target_lang"], "total": len(kept),
        "counts": {name: counts[name] for name in ("translated", "skipped", "failed", "untouched", "pending")},
        "rows": kept[: look.most],
    }  # fmt: skip


def _rows(documents: Documents, paper: Paper, wish: Wish) -> Iterator[dict[str, Any]]:
    try:
        raw = (documents.resources.place(paper.id) / "source").read_bytes()
    except OSError:
        raise Fault(404, "no-document", "there is no such document") from None
    document = read(paper.name, raw, wish)
    answers = documents.answers(paper)
    for number, segment in enumerate(document.segments):
        row = {"place": segment.place or str(number + 1), "source": segment.text, "text": "", "findings": [], "why": ""}
        answer = answers.get(number)
        if wordless(segment.text) is not None or segment.done:
            yield row | {"state": "untouched"}
        elif answer is None:
            yield row | {"state": "pending"}
        elif answer.failed:
            yield row | {"state": "failed", "why": answer.failed}
        else:
            found = [asdict(finding) for finding in answer.findings]
            yield row | {"state": "translated", "text": answer.text, "findings": found}
    for skipped in document.skipped:
        yield {"place": skipped.place, "source": skipped.text, "text": "", "findings": [], "why": skipped.why,
               "state": "skipped"}  # fmt: skip
