"""The rule about personal data: addresses and numbers that may be someone's."""

from __future__ import annotations

import re

from in2x.instructions.rules.view import Evidence, View

_DIGIT = re.compile(r"\d")
_EMAIL = re.compile(r"\b[A-Za-z0-9][\w.+-]*@(?P<domain>[\w-]+(?:\.[\w-]+)+)\b")
_PHONE = re.compile(
    r"(?<![\d.-])(?:\+?81[- ]?\d{1,4}[- ]\d{2,4}[- ]\d{3,4}|0\d{1,4}-\d{2,4}-\d{4}|0[789]0\d{8}"
    r"|(?:\+?86[- ]?)?1[3-9]\d{9}|(?:\+?1[- .]?)?\(?[2-9]\d{2}\)?[- .][2-9]\d{2}[- .]\d{4})(?![\d-])"
)
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){15}\d(?!\d)")
_CHINESE_ID = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{2}\d{3}[\dXx](?![\dA-Za-z])")
_MY_NUMBER = re.compile(r"(?:マイナンバー|個人番号)\D{0,8}(\d{4}[ -]?\d{4}[ -]?\d{4})(?!\d)")
_SSN = re.compile(r"(?:SSN|social security)\D{0,24}(\d{3}-\d{2}-\d{4})(?!\d)", re.IGNORECASE)
_RESERVED = re.compile(r"(?:^|\.)(?:example|invalid|test|localhost)(?:$|\.)")


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _chinese_id(number: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11] == number[-1].upper()


def personal_data(view: View) -> Evidence | None:
    """An address, telephone, card or identity number that may be someone's (reserved examples are left alone)."""
    for part, text in view.parts:
        if "@" in text:
            for match in _EMAIL.finditer(text):
                if not _RESERVED.search(match["domain"].lower()):
                    return {"part": part, "kind": "email"}
        if len(_DIGIT.findall(text)) < 9:
            continue
        for match in _PHONE.finditer(text):
            digits = re.sub(r"\D", "", match.group(0))
            if "555" not in digits[:6] and len(set(digits)) > 3:
                return {"part": part, "kind": "telephone"}
        for match in _CARD.finditer(text):
            digits = re.sub(r"\D", "", match.group(0))
            if digits[0] in "3456" and _luhn(digits) and len(set(digits)) > 3:
                return {"part": part, "kind": "card"}
        for match in _CHINESE_ID.finditer(text):
            if _chinese_id(match.group(0)):
                return {"part": part, "kind": "identity number"}
        if _MY_NUMBER.search(text) or _SSN.search(text):
            return {"part": part, "kind": "identity number"}
    return None
