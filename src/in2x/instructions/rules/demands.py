"""The rule about contradictions that code can prove: bounds, languages, impossible wishes, wrong results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from in2x.instructions.rules.view import Evidence, View
from in2x.language.codes import named
from in2x.language.numbers import numbers, parse_numeral
from in2x.language.wording import patterns, search

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {
    **{word: n for n, word in enumerate(_UNITS)}, **{word: 10 * n for n, word in enumerate(_TENS, 2)},
    "a single": 1, "a hundred": 100, "one hundred": 100, "two hundred": 200, "a thousand": 1000,
}  # fmt: skip
_NATIVE = ("한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열")
_WORDS |= {word: n for n, word in enumerate(_NATIVE, 1)}
_NUMBER = r"\d[\d,]*|[一二两三四五六七八九十百千]+|" + "|".join(sorted(_WORDS, key=len, reverse=True))
_SIZES: Mapping[str, tuple[str, ...]] = {
    "character": ("characters?", "文字", "字", "글자", "자"),
    "word": ("words?", "語", "言", "词", "단어"),
    "line": ("lines?", "liners?", "行", "줄", "행"),
    "sentence": ("sentences?", "文", "句", "话", "문장"),
    "paragraph": ("paragraphs?", "stanzas?", "段落", "段", "连", "連", "문단", "연"),
    "item": ("items?", "つ", "個", "个", "개"),
}
"""Units, the smaller first: a text has at least as many of each as of the one after it (items apart)."""
_UNIT = "|".join(f"{unit}" for units in _SIZES.values() for unit in sorted(units, key=len, reverse=True))
_ORDER = [name for name in _SIZES if name != "item"]
_TINY = {"character": 20, "word": 10}
"""In so few nothing is long or detailed (our choice)."""
_SUM = re.compile(
    r"(?<![\d./*+\-−×÷=])(-?\d+)\s*([+\-−×x*÷/])\s*(\d+)\s*(?:=|は|等于|is|equals)\s*(?:\?|？|いくつ|多少|几)?"
)


def contradiction(view: View) -> Evidence | None:
    """Demands that exclude each other (length, language), that nobody can meet, or a result that is wrong."""
    if not view.given_text:
        if fault := _bounds(view.prompt):
            return fault
        if fault := _languages(view.prompt) or _without(view.prompt):
            return fault
        if match := search("impossible", view.prompt):
            return {"why": "impossible", "found": match.group(0)[:60]}
    verifier = view.item.verifier or {}
    if view.item.task == "translate" and verifier.get("from") is not None and verifier["from"] == verifier.get("to"):
        return {"why": "translation into its own language", "language": verifier["to"]}
    return _wrong_number(view)


def _languages(prompt: str) -> Evidence | None:
    """One language alone, and another one too."""
    alone = _named("only_in", prompt)
    wanted, barred = alone | _named("in_language", prompt), _named("not_language", prompt)
    if (alone and len(wanted) > 1) or barred & wanted:
        return {"why": "language", "wanted": sorted(map(str, wanted | barred))}
    return None


def _named(name: str, prompt: str) -> set[str | None]:
    return {named(m["lang"]) for p in patterns(name, within=prompt) for m in p.finditer(prompt)} - {None}


def _without(prompt: str) -> Evidence | None:
    """Something is forbidden, and nothing else is wanted ("without dialogue", "all of it dialogue")."""
    for pattern in patterns("excludes", within=prompt):
        for match in pattern.finditer(prompt):
            word = re.escape(match["word"])
            others = prompt[: match.start()] + " " + prompt[match.end() :]
            for only in patterns("nothing_but", (("WORD", word),)):
                if found := only.search(others):
                    return {"why": "forbidden and wanted", "found": f"{match.group(0)} / {found.group(0)}"[:80]}
    return None


@lru_cache(maxsize=256)
def demanded(name: str, prompt: str) -> tuple[tuple[int, str], ...]:
    """(number, unit) of every bound in a prompt that the wordings called `name` ("at_least", "at_most") give."""
    found = []
    for pattern in patterns(name, (("NUMBER", _NUMBER), ("UNIT", _UNIT)), within=prompt):
        for match in pattern.finditer(prompt):
            text = match["number"].lower()
            value = _WORDS.get(text) or parse_numeral(text.replace("两", "二"))
            unit = next(size for size, units in _SIZES.items()
                        if any(re.fullmatch(u, match["unit"], re.IGNORECASE) for u in units))  # fmt: skip
            if value is not None:
                found.append((int(value), unit))
    return tuple(found)


def _bounds(prompt: str) -> Evidence | None:
    sized = demanded("sized", prompt)
    low, high = demanded("at_least", prompt) + sized, demanded("at_most", prompt) + sized
    for least, unit in low:
        for most, other in high:
            # Ten sentences are at least ten words: a bound on the smaller unit bounds the larger one too.
            bounds = unit == other or (unit in _ORDER and other in _ORDER and _ORDER.index(other) < _ORDER.index(unit))
            if bounds and least > most:
                return {"why": "length", "at least": f"{least} {unit}", "at most": f"{most} {other}"}
    for most, unit in high:
        if most <= _TINY.get(unit, 0) and (match := search("lengthy", prompt)):
            return {"why": "length", "wanted": match.group(0)[:60], "at most": f"{most} {unit}"}
    return None


def _wrong_number(view: View) -> Evidence | None:
    verifier: Mapping[str, Any] = view.item.verifier or {}
    if not view.answer or view.given_text:
        return None
    if verifier.get("name") == "number":
        found = [n.value for n in numbers(view.answer)]
        wanted = [n.value for n in numbers(str(verifier.get("value")))]
        if found and wanted and wanted[-1] not in found:
            return {"why": "number", "wanted": str(wanted[-1]), "found": [str(v) for v in found[-3:]]}
        return None
    sums = list(_SUM.finditer(view.prompt))
    if len(sums) == 1 and len(view.prompt) < 80:
        left, sign, right = int(sums[0][1]), sums[0][2], int(sums[0][3])
        exact = {"+": left + right, "-": left - right, "−": left - right, "×": left * right, "x": left * right,
                 "*": left * right}.get(sign)  # fmt: skip
        values = [n.value for n in numbers(view.answer)]
        if exact is not None and values and exact not in values:
            return {"why": "sum", "wanted": str(exact), "found": [str(v) for v in values[-3:]]}
    return None
