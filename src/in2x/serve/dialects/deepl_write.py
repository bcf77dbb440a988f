"""DeepL's rephrasing: a text in another register of its own language.

A translation model does not rewrite a text in its own language. So it is translated into another language, which leaves
the register behind, and back into the one that is wanted. What only the first language can say may be lost on the way.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from in2x.serve import formality
from in2x.serve.config import Config
from in2x.serve.dialects.codes import deepl_source, known
from in2x.serve.dialects.deepl_wire import MOST_TEXTS, caller, error
from in2x.serve.dialects.described import LANGUAGE, TEXTS, choice, described
from in2x.serve.dialects.fields import Fields
from in2x.serve.engine import Engine
from in2x.serve.resources import Resources
from in2x.serve.trickle import trickled
from in2x.serve.wish import Wish
from in2x.web.guard import Fault

FORMALITY = {
    "default": "default", "academic": "prefer_less", "business": "prefer_more", "casual": "prefer_less",
    "simple": "default", "confident": "prefer_less", "diplomatic": "prefer_more", "enthusiastic": "default",
    "friendly": "prefer_less",
}  # fmt: skip
"""Styles and tones -> formality (our choice); a model that takes a wish for the style is told the word as well."""
_STYLES, _TONES = ("academic", "business", "casual", "simple"), ("confident", "diplomatic", "enthusiastic", "friendly")
STYLES, TONES = (("default", *names, *(f"prefer_{name}" for name in names)) for names in (_STYLES, _TONES))


def add(routes: APIRouter, engine: Engine, config: Config, resources: Resources) -> None:
    """Add the route of rephrasing to those of DeepL."""
    fields_of = described(
        {"text": TEXTS}, {"target_lang": LANGUAGE, "writing_style": choice(*STYLES), "tone": choice(*TONES)},
        engine.languages(),
    )  # fmt: skip

    @routes.post("/v2/write/rephrase", openapi_extra=fields_of)
    async def rephrase(request: Request) -> Response:
        """Say texts in another register."""
        client, fields = caller(config, request), await Fields.read(request)
        texts, languages = fields.texts("text"), engine.languages()
        if not 0 < len(texts) <= MOST_TEXTS or not all(text.strip() for text in texts):
            raise Fault(400, "bad-request", f"text must be given, from 1 to {MOST_TEXTS} times, and not empty")
        style, tone = fields.one_of("writing_style", STYLES, "default"), fields.one_of("tone", TONES, "default")
        if "writing_style" in fields and "tone" in fields:
            raise Fault(400, "bad-request", "give writing_style or tone, not both")
        named = fields.text("target_lang")
        lang = known(named, "target_lang", languages) if named else engine.detect("\n".join(texts))
        found = engine.detect("\n".join(texts), around=lang)
        if found != lang:
            raise Fault(400, "bad-request", f"the texts are not in the language of target_lang, but in {found}")
        others = [code for code in (engine.default_source, *languages) if code in languages and code != lang]
        if not others:
            raise Fault(400, "bad-request", "the model knows one language alone")
        word = (style if style != "default" else tone).removeprefix("prefer_")
        register = formality.register_for(FORMALITY[word], lang)
        there = Wish(others[0], lang)
        back = Wish(lang, others[0], register, style="" if word == "default" else word)
        characters = sum(map(len, texts))
        resources.check_quota(client, characters)

        async def work() -> dict[str, Any]:
            between = await engine.translate(texts, there, client, deadline=config.deadline)
            said = await engine.translate([one.text for one in between], back, client, deadline=config.deadline)
            resources.use(client, characters)
            rows = []
            for text, first, second in zip(texts, between, said, strict=True):
                failed = first.failed or second.failed
                row = {"text": text if failed else second.text, "detected_source_language": deepl_source(lang).lower(),
                       "target_language": lang.lower()}  # fmt: skip
                rows.append(row | ({"failed": failed} if failed else {}))
            return {"improvements": rows}

        return await trickled(request, work(), error)
