"""How a passage is written: its register and further traits that the analysis of the language finds."""

from __future__ import annotations

from in2x.language.grammar import grammar
from in2x.language.register import register_of

_QUOTES = ("「", "『", "“", '"', "—", "――", "„", "«", "»", "–")


def traits(passage: str, lang: str) -> tuple[str, ...]:
    """The register, then "dialogue" and what the grammar sees ("literary", "role language").

    Empty where no register can be told.
    """
    register = register_of(passage, lang)
    if register == "none":
        return ()
    rules = grammar(lang)
    spoken = ["dialogue"] * passage.startswith(_QUOTES)
    return (register, *spoken, *(rules.traits(passage) if rules else ()))
