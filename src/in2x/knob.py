"""A knob of the recipe: a typed field with its default, unit, source and meaning.

Every room declares its knobs in `<room>/config.py` with `knob`; `recipe.py` puts them together. The source is a
section of the method ("METHOD 5", the numbering of the paper's stages in `docs/method.md`), or "our choice" where the
paper gives no value.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OUR_CHOICE = "our choice"


class Config(BaseModel):
    """Base of every section of a recipe: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    def spared(self) -> frozenset[str]:
        """Stages that the room of this section usually reads, and does without under these knobs."""
        return frozenset()


def knob(default: Any, doc: str, *, unit: str = "", source: str = OUR_CHOICE, **limits: Any) -> Any:
    """Declare one knob.

    Args:
        default: its value when the recipe is silent (`...` makes it required; a list, dict or Config is copied).
        doc: one sentence, shown by `in2x plan --knobs`.
        unit: of the value ("tokens", "sentences", "1/step"; "" for a pure number).
        source: a section of METHOD ("METHOD 5") or "our choice".
        limits: pydantic bounds (`ge`, `gt`, `le`, `lt`, `min_length`).
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if isinstance(default, (list, dict, BaseModel)):
        return Field(default_factory=lambda: default, description=doc, json_schema_extra=extra, **limits)
    return Field(default, description=doc, json_schema_extra=extra, **limits)
