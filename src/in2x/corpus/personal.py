"""Personal data in running text: mail addresses, telephone numbers, card numbers and postal addresses, made unreal.

A mail address becomes `name@example.com` (RFC 2606 keeps that domain free); of the others each digit becomes 0, so that
a sentence keeps its shape. How numbers and addresses look is written in the language packs (`wording`: `phone`,
`address`; `mail` and `card` belong to no language), and the patterns of all packs are tried on every text. A card
number must pass its check digit (ISO/IEC 7812-1). Names of people are no business of a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from in2x.language.wording import patterns

Kind = Literal["mail", "phone", "card", "address"]

MAIL = "name@example.com"
_DIGIT = re.compile(r"\d")
_RESERVED = re.compile(r"@(?:[\w-]+\.)*(?:example(?:\.(?:com|org|net|jp|co\.jp))?|test|invalid|localhost)\Z", re.I)
_NUMBER = re.compile(r"\d[\d ()./‐-―−－ー-]{4,28}\d")
"""What may be a telephone or card number; the patterns look at its surroundings only."""
_AT = re.compile("[@＠]")
_AROUND = 80
"""Characters on either side of a number or an @ that patterns may look at."""


def mask_personal(text: str, kinds: Sequence[Kind]) -> tuple[str, int]:
    """`text` with what is personal in it made unreal (counted: places).

    Args:
        text: of a document, its characters in order (`language/characters.py`).
        kinds: what is looked for.
    """
    struck = 0
    for sign, mine in ((_AT, ("mail",)), (_NUMBER, ("card", "phone"))):
        if asked := [kind for kind in mine if kind in kinds]:
            text, found = _in_windows(text, sign, asked)
            struck += found
    if "address" in kinds and _DIGIT.search(text):
        for pattern in patterns("address"):
            text, found = _sub(pattern, _zeros, text)
            struck += found
    return text, struck


def _sub(pattern: re.Pattern[str], unreal: Callable[[re.Match[str]], str], text: str) -> tuple[str, int]:
    """As `re.subn`, but what stays as it is does not count."""
    found = 0

    def put(match: re.Match[str]) -> str:
        nonlocal found
        new = unreal(match)
        found += new != match[0]
        return new

    return pattern.sub(put, text), found


def _in_windows(text: str, sign: re.Pattern[str], kinds: Sequence[str]) -> tuple[str, int]:
    """The text with the patterns of `kinds` put to the surroundings of each sign, overlapping ones together."""
    spans: list[list[int]] = []
    for match in sign.finditer(text):
        start, stop = max(0, match.start() - _AROUND), min(len(text), match.end() + _AROUND)
        if spans and start <= spans[-1][1]:
            spans[-1][1] = stop
        else:
            spans.append([start, stop])
    if not spans:
        return text, 0
    parts: list[str] = []
    at = struck = 0
    for start, stop in spans:
        window = text[start:stop]
        for kind in kinds:
            for pattern in patterns(kind):
                window, found = _sub(pattern, _UNREAL[kind], window)
                struck += found
        parts += [text[at:start], window]
        at = stop
    return "".join([*parts, text[at:]]), struck


def _mail(match: re.Match[str]) -> str:
    return match[0] if _RESERVED.search(match[0]) else MAIL


def _zeros(match: re.Match[str]) -> str:
    return _DIGIT.sub("0", match[0])


def _card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in _DIGIT.findall(match[0])]
    odd, even = digits[-1::-2], digits[-2::-2]
    check = sum(odd) + sum(sum(divmod(2 * digit, 10)) for digit in even)
    return _zeros(match) if check % 10 == 0 and len(set(digits)) > 2 else match[0]


_UNREAL = {"mail": _mail, "card": _card, "phone": _zeros}


def masker(kinds: Sequence[Kind]) -> Callable[[str], tuple[str, int]]:
    """The cleaning rule for these kinds."""
    return partial(mask_personal, kinds=tuple(kinds))
