"""DeepL's documents: left, asked after, fetched; of any format that is known here."""

from __future__ import annotations

import asyncio
import time
from mimetypes import guess_type
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from in2x.serve.config import Config
from in2x.serve.dialects.codes import known
from in2x.serve.dialects.deepl_wire import caller, terms_of
from in2x.serve.dialects.described import FILE, LANGUAGE, TEXT, choice, described
from in2x.serve.dialects.fields import Fields
from in2x.serve.documents import Documents, opened
from in2x.serve.engine import Engine
from in2x.serve.formality import CHOICES, register_for
from in2x.serve.resources import Paper
from in2x.serve.wish import Wish
from in2x.web.guard import Fault

_NEEDED = {"file": FILE, "target_lang": LANGUAGE}
_FIELDS = {"source_lang": LANGUAGE, "filename": TEXT, "formality": choice(*CHOICES), "glossary_id": TEXT,
           "glossary_ids": TEXT, "output_format": TEXT}  # fmt: skip
_KEY = described({"document_key": TEXT})


def add(routes: APIRouter, engine: Engine, config: Config, documents: Documents) -> None:
    """Add the routes of documents to those of DeepL."""

    @routes.post("/v2/document", openapi_extra=described(_NEEDED, _FIELDS, engine.languages()))
    async def leave(request: Request) -> dict[str, str]:
        """Leave a document to be translated."""
        client, fields = caller(config, request), await Fields.read(request)
        name, raw = await fields.file("file", config.largest_file)
        name = fields.text("filename") or name
        if "target_lang" not in fields:
            raise Fault(400, "bad-request", "target_lang must be given")
        languages = engine.languages()
        target = known(fields.text("target_lang"), "target_lang", languages)
        source = known(fields.text("source_lang"), "source_lang", languages) if fields.text("source_lang") else None
        suffix, wanted = PurePath(name).suffix.lower(), fields.text("output_format").lower()
        if wanted and f".{wanted.lstrip('.')}" != suffix:
            raise Fault(400, "bad-request", f"a document stays in its format; output_format must be {suffix[1:]}")
        register = register_for(fields.plain("formality", "default") or "default", target)
        terms = await terms_of(fields, Wish(target, source), documents.resources, client)
        wish = Wish(target, source, register, terms, together=True)
        document, wish = await asyncio.to_thread(opened, name, raw, wish, engine)
        left = await documents.add(client, name, raw, wish, document)
        return {"document_id": left.id, "document_key": left.key}

    async def asked(document: str, request: Request) -> Paper:
        client, fields = caller(config, request), await Fields.read(request)
        return await asyncio.to_thread(documents.resources.document, client, document, fields.text("document_key"))

    @routes.post("/v2/document/{document}", openapi_extra=_KEY)
    async def state(document: str, request: Request) -> dict[str, Any]:
        """How far a document is."""
        paper = await asked(document, request)
        told: dict[str, Any] = {"document_id": paper.id, "status": paper.state}
        if paper.state == "translating" and paper.done:
            each = max(0.0, time.time() - paper.begun) / paper.done
            told["seconds_remaining"] = max(1, round(each * (paper.segments - paper.done)))
        if paper.state == "done":
            told["billed_characters"] = paper.characters
        if paper.state == "error":
            told["error_message"] = paper.error
        return told

    @routes.post("/v2/document/{document}/result", openapi_extra=_KEY)
    async def result(document: str, request: Request) -> Response:
        """The translation of a document."""
        paper = await asked(document, request)
        raw = await asyncio.to_thread(documents.resources.take, paper)
        return sent(paper.name, raw)


def sent(name: str, raw: bytes) -> Response:
    """A file as something to be saved, which no browser opens in this server's name."""
    kind = guess_type(name)[0] or "application/octet-stream"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(raw, headers=headers, media_type=kind)
