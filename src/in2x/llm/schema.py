"""JSON answers: found in a model's text and checked against a schema.

The part of JSON Schema that questions to models use: type, properties, required, additionalProperties, items,
minItems, maxItems, enum, const, minimum, maximum, minLength, maxLength, pattern, anyOf.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from in2x.language.reasoning import OPENS, reasoning_end, without_reasoning

_KNOWN = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "const",
        "minimum", "maximum", "minLength", "maxLength", "pattern", "anyOf", "title", "description", "default",
    }
)  # fmt: skip
_OPENS = re.compile(rf"{OPENS}|```(?:json)?\s*\n\s*|[{{\[]", re.IGNORECASE)
_CLOSES = re.compile(r"\s*```")
TRIES = 512
"""Most places of a text that are tried: an answer of nothing but brackets must not cost its length squared."""


def read_json(text: str, schema: Mapping[str, Any] | None = None) -> tuple[Any, str | None]:
    """The JSON value that answers a question, and None; or None and why there is none, in words a model can act on.

    All of `text` is taken where it is JSON; else the last value in it that follows `schema`: models give examples and
    correct themselves, and what they mean comes last. Nothing is read out of reasoning.
    """
    values = json_values(text)
    if not values:
        return None, "no JSON in the answer"
    faults = [None if schema is None else violation(value, schema) for value in values]
    for value, fault in zip(reversed(values), reversed(faults), strict=True):
        if fault is None:
            return value, None
    return None, faults[-1]


def json_values(text: str) -> list[Any]:
    """The JSON values in `text`: all of it, or in their order those of fenced blocks, objects and arrays.

    Reasoning is passed over wherever it stands; in the strings of a value it is a part of them.
    """
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):  # no JSON, or a number of more digits than Python reads
        pass
    text = without_reasoning(text)
    decoder = json.JSONDecoder()
    values: list[Any] = []
    end = tries = 0
    for match in _OPENS.finditer(text):
        if match.start() < end:
            continue
        if (thought := reasoning_end(text, match.start())) > match.start():
            end = thought
            continue
        if (tries := tries + 1) > TRIES:
            break
        try:
            value, end = decoder.raw_decode(text, match.end() if match[0].startswith("`") else match.start())
        except (ValueError, RecursionError):
            continue
        values.append(value)
        end = closed.end() if (closed := _CLOSES.match(text, end)) else end
    return values


def _is(value: Any, kind: str) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or (isinstance(value, float) and math.isfinite(value))  # NaN, Infinity and 1e999 are none
    return {
        "object": isinstance(value, dict), "array": isinstance(value, list), "string": isinstance(value, str),
        "number": number, "integer": whole or (number and value.is_integer()), "boolean": isinstance(value, bool),
        "null": value is None,
    }[kind]  # fmt: skip


def violation(value: Any, schema: Mapping[str, Any], at: str = "answer") -> str | None:
    """How `value` breaks `schema`, in words a model can act on; None where it does not.

    Raises:
        ValueError: the schema uses a keyword that is not checked here (silently passing it would be worse).
    """
    if unknown := sorted(schema.keys() - _KNOWN):
        raise ValueError(f"schema keywords {unknown} are not supported")
    if "anyOf" in schema:
        faults = [violation(value, option, at) for option in schema["anyOf"]]
        if all(faults):
            return f"{at} fits none of the allowed forms ({faults[0]})"
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(_is(value, kind) for kind in kinds):
            return f"{at} must be {' or '.join(kinds)}, not {json.dumps(value, ensure_ascii=False)[:40]}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} must be one of {json.dumps(schema['enum'], ensure_ascii=False)}"
    if "const" in schema and value != schema["const"]:
        return f"{at} must be {json.dumps(schema['const'], ensure_ascii=False)}"
    if isinstance(value, dict):
        return _object(value, schema, at)
    if isinstance(value, list):
        return _array(value, schema, at)
    if isinstance(value, str):
        return _string(value, schema, at)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            return f"{at} must be at least {schema['minimum']}"
        if value > schema.get("maximum", value):
            return f"{at} must be at most {schema['maximum']}"
    return None


def _object(value: dict[str, Any], schema: Mapping[str, Any], at: str) -> str | None:
    if missing := [name for name in schema.get("required", ()) if name not in value]:
        return f"{at} lacks {', '.join(missing)}"
    known = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in known:
            if fault := violation(item, known[name], f"{at}.{name}"):
                return fault
        elif more is False:
            return f"{at} has an unknown key {name!r}"
        elif isinstance(more, Mapping) and (fault := violation(item, more, f"{at}.{name}")):
            return fault
    return None


def _array(value: list[Any], schema: Mapping[str, Any], at: str) -> str | None:
    if len(value) < schema.get("minItems", 0):
        return f"{at} must have at least {schema['minItems']} items"
    if len(value) > schema.get("maxItems", len(value)):
        return f"{at} must have at most {schema['maxItems']} items"
    if "items" in schema:
        for place, item in enumerate(value):
            if fault := violation(item, schema["items"], f"{at}[{place}]"):
                return fault
    return None


def _string(value: str, schema: Mapping[str, Any], at: str) -> str | None:
    if len(value) < schema.get("minLength", 0):
        return f"{at} must have at least {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        return f"{at} must have at most {schema['maxLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{at} must match {schema['pattern']}"
    return None
