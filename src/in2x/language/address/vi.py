"""Vietnamese: quý vị, ông, bà, anh, chị with ạ, dạ, vâng against bạn, cậu, mày.

Vietnamese has no neutral "you": it takes a kinship noun, which also names third persons (*anh ấy* "he", *anh trai*
"elder brother"). So particles of respect decide first, then the pronouns of one meaning, then kinship nouns in places
where they can only mean the hearer.

Our choices:

- *bạn* "friend" is familiar where it stands for "you", as translators hold it against *quý vị*; written to strangers it
  is in truth neutral.
- Particles of respect (ạ, dạ, thưa, kính) weigh more than any pronoun, but *bạn ạ* is a familiar call; *vâng* "yes"
  weighs less than *bạn*, for friends say it too.
- A kinship noun is an address where a particle or a verb of request follows (*anh nhé*, *chị cần*), in a question, or
  beside *tôi, em, cháu* "I", when nothing near it makes a third person of it; narration is left alone.
- A question put to *em, con, cháu* is familiar: the speaker is the elder.
- Closing particles that only equals use (*hả*, *nhỉ*, *nhé*, *ừ*) are weak marks.

What it cannot tell: a narrator's *anh*, *chị* "he, she" in a question; *em, con, cháu* elsewhere, which name speaker
and hearer alike; *bạn* of a single friend; an imperative without any such word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Literal

from in2x.language.address import Address
from in2x.language.address.marks import Mark, settle, words

PRONOUN = 2.0
"""What *bạn* or *mày* weighs."""
RESPECT = 8.0
"""What a particle of respect weighs."""
YES = 1.5
"""What *vâng* weighs."""
WEAK = 0.8
"""What a courtesy word or a kinship noun weighs."""
PARTICLE = 0.4
"""What a closing particle of equals weighs."""

_AFTER_FRIEND = re.compile(r"\b(?:là|làm|thành) $", re.I)
_CLOSED = re.compile(r"\s*(?:[.,!?;:)]|$|với\b)")
_FIRST_PERSON = re.compile(r"\b(?:tôi|em|cháu)\b", re.I)
_NEAR = re.compile(r"(?:(\w+) )?$")
_NEXT = re.compile(r" (\w+)")
_JUNIOR = (
    r"(?:em|con|cháu) (?:đã|có(?! thể)|thích|muốn|nghĩ|thấy|biết|tên)\b[^.?!]*"
    r"\b(?:không|chưa|gì|nào|sao|đâu)\b[^.?!]*\?"
)


def _any(name: str) -> str:
    """A pattern for the entries of a list of `vi.yaml`, longest first."""
    return "(?:" + "|".join(sorted(map(re.escape, _listed(name)), key=len, reverse=True)) + ")"


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(entry.strip() for entry in words("vi")[name].split(","))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Literal["polite", "casual"], float], ...]:
    """Pattern, what it shows, and what it weighs."""
    rows: tuple[tuple[str, Literal["polite", "casual"], float], ...] = (
        (rf"\b{_any('respect')}\b(?! ấy| ta\b)", "polite", RESPECT),
        (r"(?<!bạn )(?<!mày )(?<!cậu )\bạ\b|\bdạ\b(?! dày| vũ| hội| quang| con| cỏ)", "polite", RESPECT),
        (r"\bvâng\b(?! lời)", "polite", YES),
        (rf"\b{_any('courtesy')}\b", "polite", WEAK),
        (rf"\b{_any('blunt')}\b", "casual", PRONOUN),
        (rf"(?<!người )\b{_any('peer')}\b(?! {_any('third_after')}\b)", "casual", PRONOUN),
        (rf"\b{_JUNIOR}", "casual", PRONOUN),
        (r"(?:^|[.?!,;:(]\s*)ừm?\b|\b(?:hả|nhỉ|hử|hở|à(?=\?)|nhé|nha)\s*(?=[.?!)\"]|$)", "casual", PARTICLE),
    )
    return tuple((re.compile(pattern, re.I), label, weight) for pattern, label, weight in rows)


def decide(text: str) -> Address:
    """How a Vietnamese text addresses its reader."""
    text = unicodedata.normalize("NFC", text)
    return settle(text, _marks(text))


def _marks(text: str) -> Iterator[Mark]:
    for pattern, label, weight in _patterns():
        for match in pattern.finditer(text):
            yield Mark(match.start(), label, weight)
    yield from _friend(text)
    yield from _kinship(text)


def _around(text: str, match: re.Match[str]) -> tuple[str, str]:
    """The words right before and right after a match, with nothing but a space between; "" where there is none."""
    before, after = _NEAR.search(text[: match.start()]), _NEXT.match(text, match.end())
    return (before[1] or "") if before else "", after[1] if after else ""


def _friend(text: str) -> Iterator[Mark]:
    """*bạn* where it is "you": not "a friend", not the head of a compound."""
    for match in re.finditer(r"\bbạn\b", text, re.I):
        before, after = (word.lower() for word in _around(text, match))
        named = _AFTER_FRIEND.search(text[: match.start()]) and _CLOSED.match(text, match.end())
        if before not in _listed("friend_before") and after not in _listed("friend_after") and not named:
            yield Mark(match.start(), "casual", PRONOUN)


def _kinship(text: str) -> Iterator[Mark]:
    """Kinship nouns that mean the hearer."""
    asked = "?" in text
    for match in re.finditer(rf"\b{_any('kin')}\b", text, re.I):
        before, after = _around(text, match)
        if before.lower() in _listed("third_before") or after in _listed("third_after") or after[:1].isupper():
            continue
        if re.match(rf" {_any('call')}\b", text[match.end() :], re.I):
            yield Mark(match.start(), "polite", PRONOUN if asked else WEAK)
        elif asked or _FIRST_PERSON.search(text):
            yield Mark(match.start(), "polite", WEAK)
