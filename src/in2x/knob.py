"""A knob of the recipe: a typed field with its default, unit, source and meaning.

Every room declares its knobs in `<room>/config.py` with `knob`; `recipe.py` puts them together. The source is a
section of the method ("METHOD 5", the numbering of the paper's stages in `docs/method.md`), or "our choice" where the
paper gives no value.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

OUR_CHOICE = "our choice"


class Config(BaseModel):
    """Base of every section of a recipe: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    def spared(self) -> frozenset[str]:
        """Stages that the room of this section usually reads, and does without under these knobs."""
        return frozenset()


def keyed_values(config: BaseModel) -> dict[str, Any]:
    """The knobs of `config` that its results depend on, as plain JSON values."""
    values: dict[str, Any] = config.model_dump(mode="json")
    for name, field in type(config).model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        inner = getattr(config, name)
        keyed = extra.get("keyed", True)
        if not keyed:
            del values[name]
        elif keyed == "given":
            values[name] = inner is not None
        elif isinstance(inner, BaseModel):
            values[name] = keyed_values(inner)
    return values


def knob(
    default: Any,
    doc: str,
    *,
    unit: str = "",
    source: str = OUR_CHOICE,
    keyed: bool | Literal["given"] = True,
    **limits: Any,
) -> Any:
    """Declare one knob.

    Args:
        default: its value when the recipe is silent (`...` makes it required; a list, dict or Config is copied).
        doc: one sentence, shown by `in2x plan --knobs`.
        unit: of the value ("tokens", "sentences", "1/step"; "" for a pure number).
        source: a section of METHOD ("METHOD 5") or "our choice".
        keyed: False for what only shows, stores or paces: a change of it undoes no finished work. "given": it only
            counts whether there is one (the address of a server that may move).
        limits: pydantic bounds (`ge`, `gt`, `le`, `lt`, `min_length`).
    """
    extra: dict[str, Any] = {"unit": unit, "source": source, "keyed": keyed}
    if isinstance(default, (list, dict, BaseModel)):
        return Field(default_factory=lambda: default, description=doc, json_schema_extra=extra, **limits)
    return Field(default, description=doc, json_schema_extra=extra, **limits)
