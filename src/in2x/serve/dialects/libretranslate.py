"""LibreTranslate's interface: JSON, a form or the query; and DeepLX's on the same path, told apart by `text` or `q`.

What a client suggests is its word from then on: the same text between the same languages is answered with it, and
nobody else is.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from in2x.formats.registry import READERS
from in2x.language import language
from in2x.serve.config import Config
from in2x.serve.detection import candidates
from in2x.serve.dialects import deeplx
from in2x.serve.dialects.codes import known, libretranslate
from in2x.serve.dialects.deepl_documents import sent
from in2x.serve.dialects.described import FILE, LANGUAGE, NUMBER, TEXT, TEXTS, choice, described
from in2x.serve.dialects.fields import Fields
from in2x.serve.documents import Documents, opened
from in2x.serve.engine import MOST_ALTERNATIVES, Engine
from in2x.serve.shape import shaped
from in2x.serve.trickle import trickled
from in2x.serve.wish import Wish
from in2x.web.guard import Fault

AUTO = "auto"
LONGEST = 10_000
"""Characters of a text that is suggested, and of its rendering (our choice)."""
_MANY = 10**6
_API_KEY = {"api_key": TEXT}
_FIELDS = {"format": choice("text", "html"), "alternatives": NUMBER, **_API_KEY, "text": TEXT, "source_lang": LANGUAGE,
           "target_lang": LANGUAGE, "tag_handling": choice("html", "xml")}  # fmt: skip


def error(fault: Fault) -> dict[str, str]:
    """A fault in LibreTranslate's shape."""
    return {"error": fault.message}


def router(engine: Engine, config: Config, documents: Documents) -> APIRouter:
    """The routes of LibreTranslate, and DeepLX's.

    Args:
        engine: translates.
        config: the server's settings.
        documents: documents, and the resources behind them.
    """
    routes = APIRouter(route_class=shaped(error), tags=["LibreTranslate"])
    resources = documents.resources

    def caller(request: Request, fields: Fields) -> str:
        try:
            return config.access.client(request, fields.text("api_key"))
        except Fault as fault:
            if fault.status == 401:
                raise Fault(403, fault.error, "an API key is needed, as api_key") from None
            raise

    def source_of(fields: Fields) -> str | None:
        said = fields.text("source") or AUTO
        return None if said.lower() == AUTO else known(said, "source", engine.languages())

    def target_of(fields: Fields) -> str:
        said = fields.text("target") or config.target_lang
        if not said:
            raise Fault(400, "bad-request", "target must be given")
        return known(said, "target", engine.languages())

    @routes.post(
        "/translate",
        openapi_extra=described({"q": TEXTS, "source": LANGUAGE, "target": LANGUAGE}, _FIELDS, engine.languages()),
    )
    async def translate(request: Request) -> Response:
        """Translate texts; with `text` in place of `q` as DeepLX does."""
        fields = await Fields.read(request)
        if "text" in fields and "q" not in fields:
            return await deeplx.translate(request, fields, engine, config, resources)
        client = caller(request, fields)
        texts = fields.texts("q")
        if not texts and not fields.listed("q"):
            raise Fault(400, "bad-request", "q must be given")
        source, target = source_of(fields), target_of(fields)
        html = fields.one_of("format", ("text", "html"), "text") == "html"
        count = min(fields.number("alternatives", 0, 0, _MANY), MOST_ALTERNATIVES)
        wish = Wish(target, source, kind="html" if html else "plain")
        characters = sum(map(len, texts))
        resources.check_quota(client, characters)

        async def work() -> dict[str, Any]:
            if source == target:
                said, found = list(texts), [target for _ in texts]
            else:
                answers = await engine.translate(texts, wish, client, deadline=config.deadline)
                said, found = [answer.text for answer in answers], [answer.source_lang for answer in answers]
            for place, pair in enumerate((lang, target) for lang in found):
                [own] = resources.suggested(client, pair, [texts[place]])
                said[place] = own if own is not None else said[place]
            told = [_detected(text, lang, source is not None) for text, lang in zip(texts, found, strict=True)]
            resources.use(client, characters)
            answer: dict[str, Any] = {"translatedText": said, "detectedLanguage": told}
            if count:
                others = []
                for text, first in zip(texts, said, strict=True):
                    more = []
                    if source != target:
                        more = await engine.alternatives(text, wish, count + 1, client, config.deadline)
                    others.append([one for one in more if one != first][:count])
                answer["alternatives"] = others
            return answer if fields.listed("q") else {name: one for name, (one,) in answer.items()}

        return await trickled(request, work(), error)

    @routes.get("/languages")
    async def languages() -> list[dict[str, Any]]:
        """The languages."""
        codes = engine.languages()
        return [
            {"code": libretranslate(code), "name": language(code).name,
             "targets": [libretranslate(other) for other in codes if other != code]}
            for code in codes
        ]  # fmt: skip

    @routes.post("/detect", openapi_extra=described({"q": TEXT}, _API_KEY))
    async def detect(request: Request) -> Response:
        """The language of a text, the likeliest first."""
        fields = await Fields.read(request)
        caller(request, fields)
        if "q" not in fields:
            raise Fault(400, "bad-request", "q must be given")
        found = await asyncio.to_thread(candidates, fields.text("q"))
        return JSONResponse([{"confidence": sure, "language": libretranslate(code)} for code, sure in found])

    @routes.post(
        "/translate_file",
        openapi_extra=described({"file": FILE, "source": LANGUAGE, "target": LANGUAGE}, _API_KEY, engine.languages()),
    )
    async def translate_file(request: Request) -> Response:
        """Translate a document of any known format; the answer says where it is to be fetched."""
        fields = await Fields.read(request)
        client = caller(request, fields)
        name, raw = await fields.file("file", config.largest_file)
        wish = Wish(target_of(fields), source_of(fields), together=True)
        document, wish = await asyncio.to_thread(opened, name, raw, wish, engine)
        left = await documents.add(client, name, raw, wish, document)

        async def work() -> dict[str, str]:
            try:
                paper = await documents.finished(client, left)
            except asyncio.CancelledError:  # who left was told no key of it
                await asyncio.to_thread(resources.drop_document, left.id)
                raise
            if paper.state == "error":
                raise Fault(400, "bad-request", paper.error)
            where = f"{left.id}.{left.key}/{quote(paper.name)}"
            return {"translatedFileUrl": f"{request.base_url}download_file/{where}"}

        return await trickled(request, work(), error)

    @routes.get("/download_file/{ticket}/{name}")
    async def download(ticket: str, name: str) -> Response:
        """A translated document: whoever has its address may fetch it, for some minutes."""
        made, _, key = ticket.partition(".")
        paper = await asyncio.to_thread(resources.document, None, made, key)
        return sent(paper.name, await asyncio.to_thread(resources.take, paper))

    @routes.post(
        "/suggest",
        openapi_extra=described(
            {"q": TEXT, "s": TEXT, "source": LANGUAGE, "target": LANGUAGE}, _API_KEY, engine.languages()
        ),
    )
    async def suggest(request: Request) -> dict[str, bool]:
        """Say how a text should be translated."""
        fields = await Fields.read(request)
        client = caller(request, fields)
        text, said = fields.text("q"), fields.text("s")
        if not text or not said or max(len(text), len(said)) > LONGEST:
            raise Fault(400, "bad-request", f"q and s must be given, of at most {LONGEST} characters")
        target = target_of(fields)
        source = source_of(fields) or engine.detect(text, target)
        await asyncio.to_thread(resources.suggest, client, (source, target), text, said)
        return {"success": True}

    @routes.get("/frontend/settings")
    async def settings() -> dict[str, Any]:
        """What a page of LibreTranslate asks before it shows itself."""
        codes = engine.languages()
        target = config.target_lang or codes[0]
        return {
            "apiKeys": config.access.demanded, "keyRequired": config.access.demanded, "charLimit": config.largest,
            "filesTranslation": True, "supportedFilesFormat": sorted(READERS), "suggestions": True,
            "frontendTimeout": 500,
            "language": {"source": {"code": AUTO, "name": "Auto Detect"},
                         "target": {"code": libretranslate(target), "name": language(target).name}},
        }  # fmt: skip

    return routes


def _detected(text: str, lang: str, told: bool) -> dict[str, Any]:
    """The language of a text as `detectedLanguage`; `told` by the client it is sure."""
    sure = 100.0 if told else dict(candidates(text)).get(lang, 0.0)
    return {"confidence": sure, "language": libretranslate(lang)}
