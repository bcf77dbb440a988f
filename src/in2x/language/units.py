"""Symbols of units (cm, kg, mph): Latin letters that stay behind a number in any script."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from babel.units import format_unit

_SYMBOL = re.compile(r"[A-Za-zµ]{1,4}")
_LOCALE = "ja"
"""Whose short patterns are read: a language of another script keeps in Latin letters what is a symbol, no word."""


@cache
def unit_symbols() -> frozenset[str]:
    """The symbols of up to four letters (CLDR)."""
    units = Locale.parse(_LOCALE).unit_display_names
    shown = (format_unit(2, str(unit), "short", locale=_LOCALE) for unit in units)
    return frozenset(symbol for text in shown for symbol in _SYMBOL.findall(text))
