"""The rule about demands of a prompt that code can count: words that are forbidden, how many lines, a metre."""

from __future__ import annotations

import re

from in2x.instructions.rules.demands import demanded
from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.weight import weight
from in2x.language.numbers import parse_numeral
from in2x.language.script import HAN
from in2x.language.wording import patterns

_ITEM = re.compile(r"^\s*(?:[-*+•・▪]|\d{1,2}[.)、．])\s*\S", re.MULTILINE)
_SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]+")
_VERSE = re.compile(rf"[{HAN}]+")
SLACK = 1.25
"""How far a count of characters or words may be off before it counts (people say "about" and count otherwise)."""


def disobeyed(view: View) -> Evidence | None:
    """The answer holds a word that the prompt forbids, is plainly longer than it may be, or has another metre."""
    answer = view.answer.strip()
    if view.given_text or not answer or len(answer) > 4000:
        return None
    for pattern in patterns("forbids"):
        for match in pattern.finditer(view.prompt):
            if word := match["word"].strip():
                if _holds(answer, word):
                    return {"why": "a forbidden word", "found": word}
    for most, unit in demanded("at_most", view.prompt):
        count = _count(answer, unit)
        if count is not None and most > 0 and count > most * (SLACK if unit in ("character", "word") else 1):
            return {"why": "longer than asked for", "wanted": f"{most} {unit}", "found": count}
    for pattern in patterns("metre"):
        if match := pattern.search(view.prompt):
            wanted = int(parse_numeral(match["number"]) or 0)
            lines = _VERSE.findall(answer)
            if wanted and 2 * sum(len(line) == wanted for line in lines) < len(lines):
                return {"why": "another metre", "wanted": wanted, "found": [len(line) for line in lines[:8]]}
    return None


def _holds(text: str, word: str) -> bool:
    lower, wanted = text.lower(), word.lower()
    if wanted.isascii() and len(wanted) > 1:
        return re.search(rf"\b{re.escape(wanted)}\b", lower) is not None
    return wanted in lower


def _count(answer: str, unit: str) -> int | None:
    """How many of a unit an answer has; None where it does not show (items without bullets)."""
    if unit == "character":
        return len(re.sub(r"\W", "", answer))
    if unit == "word":
        return len(re.findall(r"\w+(?:['’-]\w+)*", answer)) if weight(answer) and answer.isascii() else None
    lines = [line for line in answer.splitlines() if line.strip()]
    if unit == "line":
        return len(lines)
    if unit == "paragraph":
        return len([p for p in re.split(r"\n\s*\n", answer) if p.strip()])
    if unit == "item":
        return len(_ITEM.findall(answer)) or None
    return len(_SENTENCES.findall(answer)) or None
