"""How a passage is written: its register and further traits that the analysis of the language finds."""

from __future__ import annotations

from in2x.language.japanese import is_literary
from in2x.language.japanese.roles import role_language
from in2x.language.register import register_of

_QUOTES = ("「", "『", "“", '"', "—", "――", "„", "«", "»", "–")


def traits(passage: str, lang: str) -> tuple[str, ...]:
    """The register, then "literary", "dialogue", "role language" where seen; empty where no register can be told."""
    register = register_of(passage, lang)
    if register == "none":
        return ()
    found = [register]
    japanese = lang == "ja"
    if japanese and register == "plain" and is_literary(passage):
        found.append("literary")
    if passage.startswith(_QUOTES):
        found.append("dialogue")
    if japanese and role_language(passage):
        found.append("role language")
    return tuple(found)
