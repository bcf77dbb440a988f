"""What the page of the interfaces says of the fields of requests that come as JSON or as a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
LANGUAGE: Schema = {"type": "string", "description": "Code of a language."}
TEXTS: Schema = {"type": "array", "items": TEXT}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
FILE: Schema = {"type": "string", "format": "binary"}


def choice(*values: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(values)}


def described(
    required: dict[str, Schema], optional: dict[str, Schema] | None = None, languages: Sequence[str] = ()
) -> dict[str, Any]:
    """`openapi_extra` of a route: its fields, as JSON or a form; with a file, as a form of parts.

    Args:
        required: fields that must be there.
        optional: others.
        languages: what stands for `LANGUAGE`; other spellings of them are understood too.
    """
    fields = required | (optional or {})
    named = {name: choice(*languages) if schema is LANGUAGE else schema for name, schema in fields.items()}
    schema = {"type": "object", "required": list(required), "properties": named}
    plain = ["application/json", "application/x-www-form-urlencoded"]
    kinds = ["multipart/form-data"] if FILE in required.values() else plain
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}


def queried(**names: Schema) -> dict[str, Any]:
    """`openapi_extra` of a route: what its query may say."""
    return {"parameters": [{"name": name, "in": "query", "schema": schema} for name, schema in names.items()]}
