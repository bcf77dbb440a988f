"""The rule about demands of a prompt that code can count: words that are forbidden, how many lines, a metre."""

from __future__ import annotations

import re

from in2x.instructions.rules.demands import demanded
from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.weight import weight
from in2x.language.numbers import parse_numeral
from in2x.language.script import HAN, HIRAGANA, KATAKANA
from in2x.language.wording import patterns

_ITEM = re.compile(r"^\s*(?:[-*+•・▪]|\d{1,2}[.)、．])\s*\S", re.MULTILINE)
_SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]+")
_ONLY = {"only_hiragana": re.compile(f"[{HAN}]|(?!ー)[{KATAKANA}]"),
         "only_katakana": re.compile(f"[{HAN}{HIRAGANA}]")}  # fmt: skip
"""Wordings that ask for one script -> a letter of another."""
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
            if (word := match["word"].strip()) and _holds(answer, word):
                return {"why": "a forbidden word", "found": word}
    for name in ("requires", "begins", "ends"):
        for pattern in patterns(name):
            for match in pattern.finditer(view.prompt):
                if _lacks(answer, match["word"].strip(), name):
                    return {"why": f"{name}: a word is not there", "wanted": match["word"]}
    for name, letters in _ONLY.items():
        if any(pattern.search(view.prompt) for pattern in patterns(name)) and (stray := letters.search(answer)):
            return {"why": "another script than asked for", "found": stray.group(0)}
    for most, unit in demanded("at_most", view.prompt):
        count = _count(answer, unit)
        if count is not None and most > 0 and count > most * (SLACK if unit in ("character", "word") else 1):
            return {"why": "longer than asked for", "wanted": f"{most} {unit}", "found": count}
    for least, unit in demanded("at_least", view.prompt):
        count = _count(answer, unit)
        if count is not None and count * (SLACK if unit in ("character", "word") else 1) < least:
            return {"why": "shorter than asked for", "wanted": f"{least} {unit}", "found": count}
    for pattern in patterns("metre"):
        if metre := pattern.search(view.prompt):
            wanted = int(parse_numeral(metre["number"]) or 0)
            lines = _VERSE.findall(answer)
            if wanted and 2 * sum(len(line) == wanted for line in lines) < len(lines):
                return {"why": "another metre", "wanted": wanted, "found": [len(line) for line in lines[:8]]}
    return None


def _holds(text: str, word: str) -> bool:
    lower, wanted = text.lower(), word.lower()
    if wanted.isascii() and len(wanted) > 1:
        return re.search(rf"\b{re.escape(wanted)}\b", lower) is not None
    return wanted in lower


def _lacks(answer: str, word: str, name: str) -> bool:
    """Whether a wanted word is missing: in any form (its end may bend), at the beginning or end of any part."""
    stem = _bare(word)
    stem = stem if name != "requires" or len(stem) < 2 else stem[: max(1, len(stem) - (1 if not stem.isascii() else 2))]
    if not stem:
        return False
    if name == "requires":
        return stem not in _bare(answer)
    parts = [part.splitlines() for part in re.split(r"\n\s*\n", answer) if _bare(part)]
    if name == "begins":  # a title may stand before the first line
        return not any(_bare(part[0]).startswith(stem) for part in parts[: 2 if len(parts[0]) == 1 else 1])
    return not any(_bare(part[-1]).endswith(stem) for part in parts[-2:])


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


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
