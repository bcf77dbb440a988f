"""Multiple choice: the letter or number that the answer settles on.

Verifier: {"name": "choice", "value": "B", "options"?: {"A": "text of option A", ...}}.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from in2x.rl.rewards.base import ItemReward, RewardItem

_KANA = str.maketrans("アイウエオ甲乙丙丁①②③④⑤", "ABCDEABCD12345")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_KANA))


def chosen(answer: str, options: Mapping[str, str] | None = None) -> str | None:
    """The option an answer settles on, as an upper-case letter or digit; None where it names none or several."""
    text = _plain(answer).strip()
    said = re.findall(
        r"(?:\\boxed\{\s*|(?:answer(?:\s+is)?|答え?は?|正解は?|答案(?:是|为)?|选)\s*[:：]?\s*[（(]?)([A-Ha-h1-8])(?![A-Za-z0-9])",
        text,
    )
    if said:
        return str(said[-1]).upper()
    # "A dog" is an article, not a choice
    named = {
        str(letter).upper()
        for letter in re.findall(r"(?<![A-Za-z0-9'])([B-H]|A(?!\s+(?!or\b|and\b|is\b)[a-z]{2}))(?![A-Za-z0-9'])", text)
    }
    if not named:
        head = re.match(r"[（(\[]?([a-h1-8])(?:[)）\].:、,。]|$)", text)
        named = {head[1].upper()} if head else set()
    if named:
        return named.pop() if len(named) == 1 else None
    if options:
        by_text = [key for key, value in options.items() if value and value in answer]
        if len(by_text) == 1:
            return _plain(by_text[0]).upper()
    return None


class Choice(ItemReward):
    """1 where the answer settles on the right option, else 0."""

    name = verifier = "choice"

    def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        right = _plain(str(item.verifier["value"])).upper()
        return float(chosen(item.answer, item.verifier.get("options")) == right)
