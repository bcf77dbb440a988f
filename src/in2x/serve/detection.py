"""In which languages a text may be, and how sure that is."""

from __future__ import annotations

import math

from in2x.language.identify import UNKNOWN, identify
from in2x.language.model import log_chances

LOOKED_AT = 2000
"""Characters of a text that are looked at."""
MOST = 4
FLOOR = 1.0
"""Languages that are named, and the least that one is sure, in percent (our choice)."""


def candidates(text: str) -> list[tuple[str, float]]:
    """Codes of languages and how sure each is, 0 to 100, the surest first; none for a text without letters.

    The first one is `identify`'s, which goes by script before it asks the model. It has what the model leaves over, and
    a half at least where the model thinks otherwise (our choice).
    """
    some = text[:LOOKED_AT]
    first = identify([some])[0]
    if first == UNKNOWN:
        return []
    chances = {code: 100.0 * math.exp(chance) for code, chance in log_chances(some).items()}
    sure = max(chances.pop(first, 0.0), 100.0 - sum(chances.values()), 50.0)
    others = sorted(((code, min(chance, 100.0 - sure)) for code, chance in chances.items()), key=lambda one: -one[1])
    told = [(code, chance) for code, chance in others[: MOST - 1] if chance >= FLOOR]
    return [(code, round(chance, 1)) for code, chance in ((first, min(sure, 100.0)), *told)]
