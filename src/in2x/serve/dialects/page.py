"""What the translator's page and the server say to each other, and the page itself. JSON; translations come as lines.

    GET  /                        the page; its files are under /static
    GET  /page/settings           languages with their registers, formats of documents, whether a token is needed
    POST /page/translate          a line {"source_lang", "sentences": [{"source", "gap", "speaker"}]}, then a line
                                  {"at", "text", "findings", "failed"} a sentence as it is done; {"error"} ends it early
    POST /page/alternatives       {"alternatives": [{"text", "findings"}]} of one sentence
    POST /page/check              a translation made elsewhere: as the lines of translate, in one answer

The page's own interface may change with it; programs have the other ones. Documents stand in `page_documents.py`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from in2x.formats.registry import READERS
from in2x.language.language import language
from in2x.principles.shift import shifted
from in2x.serve.config import Config
from in2x.serve.dialects import page_documents
from in2x.serve.dialects.page_wire import Asked, Made, More, manner_of
from in2x.serve.documents import Documents
from in2x.serve.engine import Engine
from in2x.serve.sentences import Manner, Sentence, paired, sentences, stretches
from in2x.serve.shape import shaped
from in2x.serve.trickle import streamed, trickled
from in2x.translate.findings import SEVERITY, Finding
from in2x.web.guard import Fault

HERE = Path(__file__).parent.parent
LINES = "application/x-ndjson"


def router(engine: Engine, config: Config, documents: Documents) -> APIRouter:
    """The routes.

    Args:
        engine: translates.
        config: the settings.
        documents: those that are left, shared with the other interfaces.
    """
    api = APIRouter(route_class=shaped(shape), tags=["page"], include_in_schema=False)
    resources = documents.resources
    files = StaticFiles(directory=HERE / "static", packages=[("in2x.web", "static")])

    @api.api_route("/", methods=["GET", "HEAD"])
    async def page() -> Response:
        return FileResponse(HERE / "templates" / "page.html", media_type="text/html; charset=utf-8")

    @api.api_route("/static/{name:path}", methods=["GET", "HEAD"])
    async def static(name: str, request: Request) -> Response:
        return await files.get_response(files.get_path({**request.scope, "path": name, "root_path": ""}), request.scope)

    @api.get("/page/settings")
    async def settings() -> dict[str, Any]:
        tongues = [language(code) for code in engine.languages()]
        return {
            "model": config.name,
            "token": config.access.demanded,
            "source_lang": config.source_lang,
            "target_lang": config.target_lang,
            "languages": [
                {"code": one.code, "name": one.name, "endonym": one.endonym, "registers": list(one.registers)}
                for one in tongues
            ],
            "formats": sorted(READERS),
            "largest_file": config.largest_file,
        }

    @api.post("/page/translate")
    async def translate(asked: Asked, request: Request) -> Response:
        client = config.access.client(request)
        try:
            manner = await run_in_threadpool(manner_of, asked, engine)
        except Fault as fault:
            if asked.source_lang:
                raise
            return Response(_line(shape(fault)), media_type=LINES)  # no error: the page turns the direction
        resources.check_quota(client, len(asked.text))
        given = await run_in_threadpool(_sentences, asked.text, manner)

        async def parts() -> AsyncGenerator[bytes]:
            yield _line(_opening(manner, given))
            number = 0
            for wish, segments in stretches(given, manner):
                async with aclosing(engine.stream(segments, wish, client, deadline=config.deadline)) as answers:
                    async for answer in answers:
                        yield _line(_answered(number, answer.text, answer.findings, answer.failed))
                        resources.use(client, len(given[number].text))
                        number += 1

        return await streamed(request, parts(), b"\n", lambda fault: _line(shape(fault)), LINES)

    @api.post("/page/alternatives")
    async def alternatives(asked: More, request: Request) -> Response:
        client = config.access.client(request)
        manner = await run_in_threadpool(manner_of, asked, engine)
        sentence = Sentence(asked.text, "", manner.rules.characters.spoken_by(asked.text) or asked.speaker)
        resources.check_quota(client, len(asked.text))

        async def work() -> dict[str, Any]:
            wish = manner.alone(sentence)
            texts = await engine.alternatives(asked.text, wish, asked.count, client, config.deadline)
            resources.use(client, len(asked.text))
            found = await run_in_threadpool(lambda: [manner.findings(sentence, text) for text in texts])
            rows = [
                {"text": text, "findings": [_shown(one) for one in findings]}
                for text, findings in zip(texts, found, strict=True)
            ]
            return {"alternatives": rows}

        return await trickled(request, work(), shape)

    @api.post("/page/check")
    async def check(asked: Made, request: Request) -> dict[str, Any]:
        config.access.client(request)
        found = await run_in_threadpool(lambda: _checked(asked, manner_of(asked, engine)))
        engine.remembered.seen(len(asked.text) + len(asked.translation))
        return found

    page_documents.add(api, engine, config, documents)
    return api


def shape(fault: Fault) -> dict[str, Any]:
    """An error, as the page has it."""
    return {"error": fault.error, "message": fault.message, "status": fault.status}


def _sentences(text: str, manner: Manner) -> list[Sentence]:
    return sentences(text, manner.source_lang, manner.target_lang, manner.rules.characters, manner.speaker)


def _checked(asked: Made, manner: Manner) -> dict[str, Any]:
    pairs = paired(asked.text, asked.translation, manner)
    moved = {
        one.line: one
        for one in shifted([one.text for one, _ in pairs], [answer for _, answer in pairs],
                           manner.source_lang, manner.target_lang)
    }  # fmt: skip
    rows = []
    for number, (sentence, text) in enumerate(pairs):
        findings = manner.findings(sentence, text)
        if number in moved:
            findings.insert(0, Finding("shift", moved[number].why, SEVERITY["shift"]))
        rows.append(_answered(number, text, findings, ""))
    return {**_opening(manner, [sentence for sentence, _ in pairs]), "answers": rows}


def _opening(manner: Manner, given: Sequence[Sentence]) -> dict[str, Any]:
    rows = [{"source": one.text, "gap": one.gap, "speaker": one.speaker} for one in given]
    return {"source_lang": manner.source_lang, "sentences": rows}


def _answered(number: int, text: str, findings: Sequence[Finding], failed: str) -> dict[str, Any]:
    return {"at": number, "text": text, "findings": [_shown(one) for one in findings], "failed": failed}


def _shown(finding: Finding) -> dict[str, Any]:
    """A finding; its place counts code points of the sentence."""
    return {"principle": finding.principle, "why": finding.why, "severity": finding.severity,
            "start": finding.start, "end": finding.end}  # fmt: skip


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace")
