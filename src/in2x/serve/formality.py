"""Formality as other services have it, two directions, as the registers of a language."""

from __future__ import annotations

from in2x.errors import UsageError
from in2x.language import language
from in2x.web.guard import Fault

CHOICES = ("default", "more", "less", "prefer_more", "prefer_less")
MORE = ("polite", "honorific")
LESS = ("plain", "casual")
"""Registers that are more, and less, formal: the first that a language has (our choice; where a language has a plain
written style, less formal means that, not the talk of friends)."""


def supported(target_lang: str) -> bool:
    """Whether a language has registers in both directions."""
    registers = language(target_lang).registers
    return any(one in registers for one in MORE) and any(one in registers for one in LESS)


def register_for(formality: str, target_lang: str) -> str | None:
    """The register that `formality` asks for, None for the model's own.

    Raises:
        Fault: 400, no such formality, or "more" or "less" of a language that has none.
    """
    if formality not in CHOICES:
        raise Fault(400, "bad-request", f"formality must be one of {', '.join(CHOICES)}")
    if formality == "default":
        return None
    registers = language(target_lang).registers
    wanted = MORE if formality.endswith("more") else LESS
    found = next((one for one in wanted if one in registers), None) if supported(target_lang) else None
    if found is None and not formality.startswith("prefer"):
        raise Fault(400, "bad-request", f"formality is not supported for the target language {target_lang}")
    return found


def register_named(name: str, target_lang: str) -> str:
    """A register of ours by its name.

    Raises:
        UsageError: the language does not tell it.
    """
    registers = language(target_lang).registers
    if name not in registers:
        has = ", ".join(registers) or "none"
        raise UsageError(f"{language(target_lang).name} has no register {name!r}", mend=f"it has {has}")
    return name
