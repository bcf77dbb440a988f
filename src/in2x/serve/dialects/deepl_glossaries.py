"""DeepL's glossaries: of one pair of languages (version 2) and of several (version 3), over the same store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from in2x.serve.config import Config
from in2x.serve.dialects.codes import known
from in2x.serve.dialects.deepl_wire import caller
from in2x.serve.dialects.described import LANGUAGE, TEXT, choice, described, queried
from in2x.serve.dialects.fields import Fields
from in2x.serve.engine import Engine
from in2x.serve.entries import Entries, read_entries, write_entries
from in2x.serve.resources import Kept, Pair, Resources
from in2x.web.guard import Fault

LONGEST_NAME = 1024
"""Characters of a glossary's name (as DeepL has it)."""
TSV = "text/tab-separated-values"
_DICTIONARY = {
    "source_lang": LANGUAGE,
    "target_lang": LANGUAGE,
    "entries": TEXT,
    "entries_format": choice("tsv", "csv"),
}
_DICTIONARIES = {"type": "array", "items": {"type": "object", "properties": _DICTIONARY}}


def add(routes: APIRouter, engine: Engine, config: Config, resources: Resources) -> None:
    """Add the routes of glossaries to those of DeepL."""

    @routes.get("/v2/glossary-language-pairs")
    async def pairs(request: Request) -> dict[str, Any]:
        """The pairs of languages that a glossary may be for."""
        caller(config, request)
        codes = engine.languages()
        return {"supported_languages": [
            {"source_lang": a, "target_lang": b} for a in codes for b in codes if a != b
        ]}  # fmt: skip

    @routes.post("/v2/glossaries", openapi_extra=described({"name": TEXT, **_DICTIONARY}, languages=engine.languages()))
    async def create(request: Request) -> Response:
        """Keep a glossary of one pair."""
        client, fields = caller(config, request), await Fields.read(request)
        dictionary = _dictionary({name: fields.plain(name) for name in _DICTIONARY}, engine)
        kept = await asyncio.to_thread(resources.add_glossary, client, _name(fields), dict([dictionary]))
        return JSONResponse(_told_2(kept), 201)

    @routes.get("/v2/glossaries")
    async def glossaries(request: Request) -> dict[str, Any]:
        """The glossaries of one pair."""
        found = await asyncio.to_thread(resources.glossaries, caller(config, request))
        return {"glossaries": [_told_2(kept) for kept in found if len(kept.dictionaries) == 1]}

    @routes.get("/v2/glossaries/{glossary}")
    async def one(glossary: str, request: Request) -> dict[str, Any]:
        """A glossary of one pair."""
        return _told_2(_single(await asyncio.to_thread(resources.glossary, caller(config, request), glossary)))

    @routes.get("/v2/glossaries/{glossary}/entries")
    async def entries(glossary: str, request: Request) -> Response:
        """Its entries, a line each, parted by tabs."""
        kept = _single(await asyncio.to_thread(resources.glossary, caller(config, request), glossary))
        return PlainTextResponse(write_entries(next(iter(kept.dictionaries.values()))), media_type=TSV)

    @routes.delete("/v2/glossaries/{glossary}", status_code=204)
    @routes.delete("/v3/glossaries/{glossary}", status_code=204)
    async def delete(glossary: str, request: Request) -> None:
        """Delete a glossary."""
        await asyncio.to_thread(resources.drop_glossary, caller(config, request), glossary)

    @routes.post("/v3/glossaries", openapi_extra=described({"name": TEXT, "dictionaries": _DICTIONARIES}))
    async def create_3(request: Request) -> Response:
        """Keep a glossary."""
        client, fields = caller(config, request), await Fields.read(request)
        found = [_dictionary(one, engine) for one in fields.objects("dictionaries")]
        if not found:
            raise Fault(400, "bad-request", "dictionaries must be given")
        if len({pair for pair, _ in found}) < len(found):
            raise Fault(400, "bad-request", "two dictionaries are for the same languages")
        return JSONResponse(_told_3(await asyncio.to_thread(resources.add_glossary, client, _name(fields),
                                                            dict(found))), 201)  # fmt: skip

    @routes.get("/v3/glossaries")
    async def glossaries_3(request: Request) -> dict[str, Any]:
        """All glossaries."""
        found = await asyncio.to_thread(resources.glossaries, caller(config, request))
        return {"glossaries": [_told_3(kept) for kept in found]}

    @routes.get("/v3/glossaries/{glossary}")
    async def one_3(glossary: str, request: Request) -> dict[str, Any]:
        """A glossary."""
        return _told_3(await asyncio.to_thread(resources.glossary, caller(config, request), glossary))

    @routes.patch(
        "/v3/glossaries/{glossary}", openapi_extra=described({}, {"name": TEXT, "dictionaries": _DICTIONARIES})
    )
    async def change(glossary: str, request: Request) -> dict[str, Any]:
        """Give a glossary another name, or entries beside or in place of those it has."""
        client, fields = caller(config, request), await Fields.read(request)
        found = dict(_dictionary(one, engine) for one in fields.objects("dictionaries"))
        name = _name(fields) if "name" in fields else None
        if name is None and not found:
            raise Fault(400, "bad-request", "name or dictionaries must be given")
        return _told_3(await asyncio.to_thread(resources.change_glossary, client, glossary, name, found, True))

    @routes.get("/v3/glossaries/{glossary}/entries", openapi_extra=queried(source_lang=LANGUAGE, target_lang=LANGUAGE))
    async def entries_3(glossary: str, request: Request) -> dict[str, Any]:
        """The entries of one pair of languages."""
        client, fields = caller(config, request), await Fields.read(request)
        pair = _pair(fields.text("source_lang"), fields.text("target_lang"), engine)
        kept = await asyncio.to_thread(resources.glossary, client, glossary)
        if pair not in kept.dictionaries:
            raise Fault(404, "no-dictionary", "the glossary has no dictionary for these languages")
        told = {"source_lang": pair[0], "target_lang": pair[1], "entries": write_entries(kept.dictionaries[pair]),
                "entries_format": "tsv"}  # fmt: skip
        return {"dictionaries": [told]}

    @routes.put(
        "/v3/glossaries/{glossary}/dictionaries", openapi_extra=described(_DICTIONARY, languages=engine.languages())
    )
    async def put(glossary: str, request: Request) -> dict[str, Any]:
        """Lay a dictionary in place of that of its languages."""
        client, fields = caller(config, request), await Fields.read(request)
        pair, found = _dictionary({name: fields.plain(name) for name in _DICTIONARY}, engine)
        await asyncio.to_thread(resources.change_glossary, client, glossary, None, {pair: found}, False)
        return _told_pair(pair, found)

    @routes.delete(
        "/v3/glossaries/{glossary}/dictionaries",
        status_code=204,
        openapi_extra=queried(source_lang=LANGUAGE, target_lang=LANGUAGE),
    )
    async def drop(glossary: str, request: Request) -> None:
        """Delete the dictionary of one pair of languages."""
        client, fields = caller(config, request), await Fields.read(request)
        pair = _pair(fields.text("source_lang"), fields.text("target_lang"), engine)
        await asyncio.to_thread(resources.drop_dictionary, client, glossary, pair)


def _name(fields: Fields) -> str:
    name = fields.text("name").strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise Fault(400, "bad-request", f"name must have from 1 to {LONGEST_NAME} characters")
    return name


def _pair(source: str, target: str, engine: Engine) -> Pair:
    languages = engine.languages()
    pair = known(source, "source_lang", languages), known(target, "target_lang", languages)
    if pair[0] == pair[1]:
        raise Fault(400, "bad-request", "a glossary is for two languages")
    return pair


def _dictionary(said: dict[str, Any], engine: Engine) -> tuple[Pair, Entries]:
    for name in ("source_lang", "target_lang", "entries"):
        if not isinstance(said.get(name), str) or not said[name]:
            raise Fault(400, "bad-request", f"{name} must be given, as text")
    pair = _pair(said["source_lang"], said["target_lang"], engine)
    return pair, read_entries(said["entries"], str(said.get("entries_format") or "tsv"))


def _single(kept: Kept) -> Kept:
    if len(kept.dictionaries) != 1:
        raise Fault(404, "no-glossary", "this glossary is for several pairs of languages; ask for it under /v3")
    return kept


def _made(kept: Kept) -> str:
    return datetime.fromtimestamp(kept.made, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _told_2(kept: Kept) -> dict[str, Any]:
    [(pair, entries)] = kept.dictionaries.items()
    return {"glossary_id": kept.id, "name": kept.name, "ready": True, "creation_time": _made(kept)} | _told_pair(
        pair, entries
    )


def _told_3(kept: Kept) -> dict[str, Any]:
    told = [_told_pair(pair, entries) for pair, entries in kept.dictionaries.items()]
    return {"glossary_id": kept.id, "name": kept.name, "creation_time": _made(kept), "dictionaries": told}


def _told_pair(pair: Pair, entries: Entries) -> dict[str, Any]:
    source, target = pair
    return {"source_lang": source.lower(), "target_lang": target.lower(), "entry_count": len(entries)}
