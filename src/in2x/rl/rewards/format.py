"""Format and constraints that code can check, as share of the constraints met.

Verifier: {"name": "format", ...} with any of: "json" (true, or a list of keys that must be there), "lines" (count),
"bullets" (count), "sentences" (count), "min_chars", "max_chars", "starts_with", "ends_with", "matches" (regular
expression over the whole answer), "script" ("hiragana" | "katakana" | "latin": all letters are of it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from in2x.language.language import Language, language
from in2x.language.script import has_letters, make_up, usual_language
from in2x.rl.rewards.base import ItemReward, RewardItem
from in2x.rl.rewards.time_limit import time_limit

BULLET = re.compile(
    r"^[ \t\u3000]*(?:"
    r"-(?=\s|[^\W\d_])|\*(?=\s|[^\x00-\x7f][^*\n]*$)|\+(?=\s)"
    r"|[•・‣◦▪▫●○◎■□◆◇★☆▶►➤✓✔–—➢❖]"
    r"|[①-⑳⓪❶-❿➀-➉⑴-⒇㉑-㊿Ⓐ-ⓩ]"
    r"|[(（\[【]\s?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5}|[一二三四五六七八九十]{1,3}|[ア-ン])\s?[)）\]】]"
    r"|\d{1,3}(?:[)）、．]|[.:：](?!\d))|[A-Za-z][)）]|[A-Z][.．](?=\s)|[ivxIVX]{1,5}[.)）](?=\s)"
    r"|[一二三四五六七八九十]{1,3}[、．.)）]|[ア-ン][.．)）]"
    r")(?=.*\w)",
    re.MULTILINE,
)
"""What a line of a list begins with. `-5度` is a number, `**見出し**` a headline, `---` a rule."""


def _json(answer: str, wanted: Any) -> bool:
    text = re.sub(r"^```(?:json)?\s*|\s*```$", "", answer.strip())
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return wanted is True or (isinstance(value, dict) and set(wanted) <= set(value))


def _sentences(tongue: Language, answer: str, wanted: int) -> bool:
    if not has_letters(answer, tongue.scripts[0]):  # in another script sentences may end in another way
        tongue = language(usual_language(answer))
    return len(tongue.sentences(answer)) == wanted


def _matches(answer: str, wanted: str) -> bool:
    with time_limit(1.0):  # a pattern can take for ever on some texts; the item is then excluded and counted
        return re.fullmatch(wanted, answer.strip()) is not None


def _script(answer: str, wanted: str) -> bool:
    counts = make_up(answer)
    return counts.letters > 0 and getattr(counts, wanted) == counts.letters


CONSTRAINTS: dict[str, Callable[[str, Any], bool]] = {
    "json": _json,
    "lines": lambda answer, wanted: len([line for line in answer.splitlines() if line.strip()]) == wanted,
    "bullets": lambda answer, wanted: len(BULLET.findall(answer)) == wanted,
    "min_chars": lambda answer, wanted: len(answer.strip()) >= wanted,
    "max_chars": lambda answer, wanted: 0 < len(answer.strip()) <= wanted,
    "starts_with": lambda answer, wanted: answer.strip().startswith(wanted),
    "ends_with": lambda answer, wanted: answer.strip().endswith(wanted),
    "matches": lambda answer, wanted: _matches(answer, wanted),
    "script": _script,
}  # fmt: skip


class Format(ItemReward):
    """Share of the constraints that the answer meets; an empty one meets none; failed where a pattern fails."""

    name = verifier = "format"

    def one(self, item: RewardItem) -> float | None:
        """The value of one item."""
        checks = CONSTRAINTS | {"sentences": partial(_sentences, language(item.case.target_lang))}
        met = [
            bool(item.answer.strip()) and check(item.answer, item.verifier[key])
            for key, check in checks.items()
            if key in item.verifier
        ]
        return sum(met) / len(met) if met else None
