"""The general pack: what a language without a pack of its own is taken to be, by its script (our estimates).

Weights are letters of English that one letter stands for; only those of the packs are measured.
"""

from __future__ import annotations

from in2x.language.codes import script_of
from in2x.language.pack import Pack

_TOGETHER = "Jpan Hans Hant Hani Bopo Thai Laoo Khmr Mymr Tibt Lana Tale Talu Java Bali"
_UNSPACED = frozenset(_TOGETHER.split())
_HAN = ("Hans", "Hant", "Hani", "Bopo", "Yiii")
_INDIAN = ("Deva", "Beng", "Guru", "Orya")
_WEIGHT = {"Jpan": 1.9, "Kore": 2.25, "Hang": 2.25, "Ethi": 1.8, "Hebr": 1.3, "Arab": 1.25, "Deva": 0.95, "Cyrl": 0.95}
_WEIGHT |= dict.fromkeys(_HAN, 2.6)
_ENDS = {"Grek": ".!;…", "Armn": "։…", "Ethi": "።፧!?…", "Mymr": "။!?…", "Khmr": "។!?…", "Tibt": "།༎!?", "Thai": "!?…"}
_ENDS |= {"Laoo": "!?…", "Arab": ".!?؟۔…"}
_ENDS |= dict.fromkeys((*_HAN, "Jpan"), "。！？!?…") | dict.fromkeys(_INDIAN, "।॥.!?…")


def general(code: str) -> Pack:
    """The general pack of a canonical code."""
    base, _, script = code.partition("-")
    script = script or script_of(base)
    unspaced = script in _UNSPACED
    return Pack(
        code=code,
        scripts=(script,),
        spaced=not unspaced,
        weight=_WEIGHT.get(script, 1.0),
        ends=_ENDS.get(script, ".!?…"),
        quotes=("“", "”"),
        bleu="char" if unspaced else "13a",
    )
