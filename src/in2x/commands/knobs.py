"""What a recipe will do and what it will take, before anything runs: stages, knobs, cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined


@dataclass(frozen=True)
class Knob:
    """One knob of a recipe as `in2x plan --knobs` shows it."""

    name: str
    """Dotted, as `--set` takes it."""
    value: Any
    default: Any
    """None for a required knob."""
    unit: str
    source: str
    doc: str


def knobs(recipe: BaseModel, prefix: str = "") -> Iterator[Knob]:
    """Every knob of a recipe, sections opened, in the order of the schema."""
    for name, field in type(recipe).model_fields.items():
        value = getattr(recipe, name)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if isinstance(value, BaseModel):
            yield from knobs(value, f"{prefix}{name}.")
            continue
        default = field.get_default(call_default_factory=True)
        yield Knob(
            f"{prefix}{name}",
            value,
            None if default is PydanticUndefined else default,
            str(extra.get("unit", "")),
            str(extra.get("source", "")),
            field.description or "",
        )
