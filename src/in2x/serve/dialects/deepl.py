"""DeepL's interface, versions 2 and 3: texts, languages, usage. Glossaries and documents have files of their own.

Beside the contract, a request may say `"together": true` (its texts are each other's context) and `"register"` (one of
ours by its name). A text that could not be translated comes back as it was, with `"failed"` and the reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from in2x.formats.fragment import Rules
from in2x.language import language
from in2x.serve import formality
from in2x.serve.config import Config
from in2x.serve.dialects import deepl_documents, deepl_glossaries, deepl_write
from in2x.serve.dialects.codes import deepl_source, deepl_targets, known
from in2x.serve.dialects.deepl_wire import KINDS, MOST_TEXTS, caller, error, terms_of
from in2x.serve.dialects.described import FLAG, LANGUAGE, TEXT, TEXTS, choice, described, queried
from in2x.serve.dialects.fields import Fields
from in2x.serve.documents import Documents
from in2x.serve.engine import Engine
from in2x.serve.shape import shaped
from in2x.serve.trickle import trickled
from in2x.serve.wish import Answer, Wish
from in2x.web.guard import Fault

LARGEST = 128 * 1024
"""Bytes of one request (as DeepL has it)."""
MOST_INSTRUCTIONS, LONGEST_INSTRUCTION = 10, 300
UNLIMITED = 1_000_000_000_000
"""What a client without a quota is told (as DeepL tells those who pay)."""
_NEEDED = {"text": TEXTS, "target_lang": LANGUAGE}
_FIELDS = {
    "source_lang": LANGUAGE, "context": TEXT, "formality": choice(*formality.CHOICES), "register": TEXT,
    "split_sentences": choice("0", "1", "nonewlines"), "preserve_formatting": FLAG,
    "tag_handling": choice("xml", "html"), "tag_handling_version": choice("v1", "v2"), "outline_detection": FLAG,
    "splitting_tags": TEXTS, "non_splitting_tags": TEXTS, "ignore_tags": TEXTS, "glossary_id": TEXT,
    "glossary_ids": TEXTS, "custom_instructions": TEXTS, "model_type": TEXT, "show_billed_characters": FLAG,
    "together": FLAG,
}  # fmt: skip
_UNKEPT = ("style_id", "translation_memory_id")
_MODELS = ("", "quality_optimized", "prefer_quality_optimized", "latency_optimized")


def router(engine: Engine, config: Config, documents: Documents) -> APIRouter:
    """The routes under `/v2` and `/v3`.

    Args:
        engine: translates.
        config: the server's settings.
        documents: documents, and the resources behind them.
    """
    routes = APIRouter(route_class=shaped(error), tags=["DeepL"])
    resources = documents.resources

    @routes.post("/v2/translate", openapi_extra=described(_NEEDED, _FIELDS, engine.languages()))
    async def translate(request: Request) -> Response:
        """Translate texts."""
        client = caller(config, request)
        if int(request.headers.get("content-length", "0")) > LARGEST or len(await request.body()) > LARGEST:
            raise Fault(413, "too-large", f"a request has at most {LARGEST} bytes")
        fields = await Fields.read(request)
        texts = fields.texts("text")
        if not texts:
            raise Fault(400, "bad-request", "text must be given")
        if len(texts) > MOST_TEXTS:
            raise Fault(400, "bad-request", f"a request has at most {MOST_TEXTS} texts")
        wish = wished(fields, engine)
        wish = replace(wish, terms=await terms_of(fields, wish, resources, client))
        model, version = fields.one_of("model_type", _MODELS, ""), fields.plain("tag_handling_version")
        fields.flag("show_billed_characters")
        characters = sum(map(len, texts))
        resources.check_quota(client, characters)

        async def work() -> dict[str, Any]:
            answers = await _answers(engine, texts, wish, client, config)
            resources.use(client, characters)
            told = {"model_type_used": model.removeprefix("prefer_")} if model else {}
            told |= {"tag_handling_version": version} if version and wish.kind != "plain" else {}
            return {"translations": [_told(t, a) | told for t, a in zip(texts, answers, strict=True)]}

        return await trickled(request, work(), error)

    @routes.get("/v2/languages", openapi_extra=queried(type=choice("source", "target")))
    async def languages(request: Request) -> Response:
        """The languages, as sources or targets."""
        caller(config, request)
        fields = await Fields.read(request)
        if fields.one_of("type", ("source", "target"), "source") == "target":
            return JSONResponse([
                {"language": code, "name": name, "supports_formality": formality.supported(lang)}
                for lang in engine.languages() for code, name in deepl_targets(lang).items()
            ])  # fmt: skip
        sources = {deepl_source(lang): language(lang).name for lang in reversed(engine.languages())}
        return JSONResponse([{"language": code, "name": sources[code]} for code in sorted(sources)])

    @routes.get("/v3/languages", openapi_extra=queried(resource=TEXT))
    async def languages_3(request: Request) -> Response:
        """The languages and what can be asked of them."""
        caller(config, request)
        found = []
        for lang in engine.languages():
            features = {"glossary": {"status": "stable"}, "tag_handling": {"status": "stable"}}
            if formality.supported(lang):
                features["formality"] = {"status": "stable"}
            shared = {"name": language(lang).name, "status": "stable", "features": features}
            codes = [_bcp47(code) for code in deepl_targets(lang)]
            if lang not in codes:
                found.append({"lang": lang, "usable_as_source": True, "usable_as_target": False, **shared})
            found += [
                {"lang": code, "usable_as_source": code == lang, "usable_as_target": True, **shared} for code in codes
            ]
        return JSONResponse(found)

    @routes.get("/v2/usage")
    async def usage(request: Request) -> dict[str, int]:
        """Characters of this month."""
        client = caller(config, request)
        return {"character_count": resources.used(client), "character_limit": resources.quota or UNLIMITED}

    deepl_glossaries.add(routes, engine, config, resources)
    deepl_documents.add(routes, engine, config, documents)
    deepl_write.add(routes, engine, config, resources)
    return routes


def wished(fields: Fields, engine: Engine) -> Wish:
    """What a request wants of its texts, without the terms of glossaries.

    Raises:
        UsageError, Fault: 400, a field that cannot be.
    """
    if "target_lang" not in fields:
        raise Fault(400, "bad-request", "target_lang must be given")
    languages = engine.languages()
    target = known(fields.text("target_lang"), "target_lang", languages)
    source = known(fields.text("source_lang"), "source_lang", languages) if fields.text("source_lang") else None
    for name in _UNKEPT:
        if fields.plain(name):
            raise Fault(400, "bad-request", f"{name} names nothing: only glossaries are kept here")
    register = formality.register_for(fields.plain("formality", "default") or "default", target)
    if named := fields.text("register"):
        register = formality.register_named(named, target)
    orders = fields.texts("custom_instructions")
    if len(orders) > MOST_INSTRUCTIONS or any(len(order) > LONGEST_INSTRUCTION for order in orders):
        what = f"custom_instructions are at most {MOST_INSTRUCTIONS} of {LONGEST_INSTRUCTION} characters"
        raise Fault(400, "bad-request", what)
    kind = KINDS[fields.one_of("tag_handling", tuple(KINDS), "")]
    fields.flag("preserve_formatting")  # whatever it says: a model's translation is not formatted here
    strict = kind == "xml" and fields.one_of("tag_handling_version", ("", "v1", "v2"), "v1") == "v2"
    split = fields.one_of("split_sentences", ("0", "1", "nonewlines"), "nonewlines" if kind == "html" else "1")
    rules = Rules(
        fields.names("ignore_tags"), fields.names("splitting_tags"), fields.names("non_splitting_tags"),
        fields.flag("outline_detection", default=True),
    )  # fmt: skip
    return Wish(target, source, register, scene=fields.text("context"), style="; ".join(orders),
                together=fields.flag("together"), kind=kind, rules=rules,
                strict=strict, lines=split == "1")  # fmt: skip


async def _answers(engine: Engine, texts: list[str], wish: Wish, client: str, config: Config) -> list[Answer]:
    """The answers; texts that are said to be in the language wanted stay as they are."""
    if wish.source_lang == wish.target_lang:
        return [Answer(text, wish.target_lang) for text in texts]
    return await engine.translate(texts, wish, client, deadline=config.deadline)


def _told(text: str, answer: Answer) -> dict[str, Any]:
    told = {"detected_source_language": deepl_source(answer.source_lang), "text": answer.text,
            "billed_characters": len(text)}  # fmt: skip
    return told | ({"failed": answer.failed} if answer.failed else {})


def _bcp47(code: str) -> str:
    base, _, rest = code.partition("-")
    return "-".join(filter(None, (base.lower(), rest.title() if len(rest) == 4 else rest)))
