"""What all of DeepL's interface shares: who calls, how an error looks, glossaries by their ids."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from in2x.serve.config import Config
from in2x.serve.dialects.fields import Fields
from in2x.serve.resources import Resources
from in2x.serve.wish import Markup, Wish
from in2x.web.guard import Fault

MOST_TEXTS, MOST_GLOSSARIES = 50, 5
"""Of one request (as DeepL has it)."""
KINDS: dict[str, Markup] = {"": "plain", "xml": "xml", "html": "html"}
"""`tag_handling` -> how tags are read."""


def error(fault: Fault) -> dict[str, str]:
    """A fault in DeepL's shape."""
    return {"message": fault.message}


def caller(config: Config, request: Request) -> str:
    """The client that calls.

    Raises:
        Fault: 403 without a good key, 429 too many requests.
    """
    try:
        return config.access.client(request)
    except Fault as fault:
        if fault.status == 401:  # DeepL knows one code for both
            raise Fault(403, fault.error, "the header Authorization must be: DeepL-Auth-Key KEY") from None
        raise


async def terms_of(fields: Fields, wish: Wish, resources: Resources, client: str) -> tuple[tuple[str, str], ...]:
    """The entries of the glossaries that a request names; of two entries for one term the first counts.

    Raises:
        Fault: 400, no source language, too many, or none for these languages; 404, there is no such glossary.
    """
    ids = fields.names("glossary_ids")
    if one := fields.text("glossary_id"):
        if ids:
            raise Fault(400, "bad-request", "give glossary_id or glossary_ids, not both")
        ids = (one,)
    if not ids:
        return ()
    if len(ids) > MOST_GLOSSARIES:
        raise Fault(400, "bad-request", f"glossary_ids are at most {MOST_GLOSSARIES}")
    if wish.source_lang is None:
        raise Fault(400, "bad-request", "a glossary needs source_lang")
    terms: dict[str, str] = {}
    for glossary in ids:
        kept = await asyncio.to_thread(resources.glossary, client, glossary)
        entries = kept.dictionaries.get((wish.source_lang, wish.target_lang))
        if entries is None:
            what = f"the glossary has no dictionary from {wish.source_lang} to {wish.target_lang}"
            raise Fault(400, "bad-request", what)
        terms = dict(entries) | terms
    return tuple(terms.items())
