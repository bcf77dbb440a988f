"""DeepLX's answer to `POST /translate`, as browser extensions and subtitle editors call it."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from in2x.serve.config import Config
from in2x.serve.dialects.codes import deepl_source, known
from in2x.serve.dialects.deepl_wire import KINDS
from in2x.serve.dialects.fields import Fields
from in2x.serve.dialects.named import code_of
from in2x.serve.engine import Engine
from in2x.serve.resources import Resources
from in2x.serve.shape import fault_of, response
from in2x.serve.trickle import trickled
from in2x.serve.wish import Wish
from in2x.web.guard import Fault


def error(fault: Fault) -> dict[str, Any]:
    """A fault in DeepLX's shape."""
    return {"code": fault.status, "message": fault.message}


async def translate(
    request: Request, fields: Fields, engine: Engine, config: Config, resources: Resources
) -> Response:  # fmt: skip
    """The answer to a request that has `text`; its faults too are in DeepLX's shape."""
    try:
        return await _translate(request, fields, engine, config, resources)
    except Exception as wrong:
        return response(fault_of(wrong), error)


async def _translate(
    request: Request, fields: Fields, engine: Engine, config: Config, resources: Resources
) -> Response:  # fmt: skip
    client = config.access.client(request, fields.text("token"))
    text, languages = fields.text("text"), engine.languages()
    said = fields.text("target_lang") or config.target_lang
    if not said:
        raise Fault(400, "bad-request", "target_lang must be given")
    target = known(said, "target_lang", languages)
    named = fields.text("source_lang")
    source = known(named, "source_lang", languages) if code_of(named) else None
    wish = Wish(target, source, kind=KINDS[fields.one_of("tag_handling", tuple(KINDS), "")], strict=False)
    resources.check_quota(client, len(text))

    async def work() -> dict[str, Any]:
        answer, found = text, target
        if source != target:
            [one] = await engine.translate([text], wish, client, deadline=config.deadline)
            answer, found = one.text, one.source_lang
        resources.use(client, len(text))
        return {"code": 200, "id": secrets.randbelow(10**10), "data": answer, "alternatives": [],
                "source_lang": deepl_source(found), "target_lang": said.upper(), "method": "Free"}  # fmt: skip

    return await trickled(request, work(), error)
