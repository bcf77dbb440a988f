"""How a text addresses its reader: the polite or the familiar way (V or T, Sie or du).

    decide("de", "Kommen Sie mit?")   "polite"
    decide("es", "¿Vienes conmigo?")  "casual"
    decide("fr", "Il pleut.")         "none"

Korean, whose verb endings show the level whoever is spoken to, tells "honorific" and "plain" as well.

One module a language, named by its code and found by that name: `address/de.py` has `decide(text)`. A language without
one gets "none": nothing is seen where nobody looks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, cast

__all__ = ["Address", "decide"]

Address = Literal["honorific", "polite", "plain", "casual", "none"]
"""What is seen: a polite form of address, the familiar one, a written level without one, or no address at all."""


@cache
def _decider(code: str) -> Callable[[str], Address] | None:
    if not code.isalpha() or find_spec(f"{__name__}.{code}") is None:
        return None
    # `marks.py` and its like are no languages
    decider = getattr(import_module(f"in2x.language.address.{code}"), "decide", None)
    return cast(Callable[[str], Address] | None, decider)


def decide(code: str, text: str) -> Address:
    """How `text`, in the language `code`, addresses its reader; "none" where no address is seen."""
    decider = _decider(code)
    return decider(text) if decider else "none"
