"""Exact answers, sets of answers, and texts that must or must not occur.

Verifiers: {"name": "exact", "value": "..."} or {"values": [...]} (any of them); {"name": "set", "values": [...]} (all,
any order, nothing else); {"name": "contains", "all"?: [...], "any"?: [...], "none"?: [...]}.

What makes two answers differ stays: signs (-5, C++, $10, 30%), marks inside numbers (3.14), words beside each other.
What does not: letter case, width, quotation marks, the mark that ends a sentence, spaces, white space around it all.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from in2x.language import wording
from in2x.rl.rewards.base import ItemReward, RewardItem
from in2x.rl.rewards.format import BULLET
from in2x.rl.rewards.stated import spoken

_QUOTES = re.compile("[\"'“”‘’„«»「」『』《》〈〉`´]|\\*\\*")
_SAME = str.maketrans({"−": "-", "–": "-", "‐": "-", "‑": "-", "，": ",", "、": ",", "。": ".", "．": "."})
_ENDS = re.compile(r"[.!?,;:…]+$")


@lru_cache(maxsize=1 << 14)
def exactly(text: str) -> str:
    """`text` without what makes no difference; as it stands (NFKC, small letters) where nothing else is left."""
    plain = unicodedata.normalize("NFKC", text).translate(_SAME).lower().strip()
    bare = _ENDS.sub("", _QUOTES.sub("", plain).strip())
    bare = re.sub(r",(?!\d)|(?<!\d),|(?<=[^\W\d_])-(?=[^\W\d_])", "", bare)
    bare = re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", bare)
    return bare or plain


class Exact(ItemReward):
    """1 where the answer is the expected one (or a member of "values"), but for what makes no difference; else 0."""

    name = verifier = "exact"

    def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        accepted = item.verifier["values"] if "values" in item.verifier else [item.verifier["value"]]
        return float(exactly(spoken(item.answer)) in {exactly(str(text)) for text in accepted})


_MARKS = r"[、，;；\n・]|,(?!\d{3}(?!\d))|(?<=\s)/(?=\s)|(?<=[^\x00-\x7f])/|/(?=[^\x00-\x7f])|と(?=[^ぁ-ん])"


def _listed(answer: str, wanted: set[str]) -> set[str]:
    """The items of a list, by its marks, bullets, and words for "and"; one that is wanted as a whole is not cut."""
    parts = [BULLET.sub("", line) for line in spoken(answer).splitlines()]
    given = {exactly(piece) for line in parts for piece in re.split(_MARKS, line)} - {""}
    both = wording.any_of("either", r"\s+(?:{})\s+|(?<=[^\x00-\x7f])(?:[和与與및])(?=[^\x00-\x7f])")
    for part in [part for line in parts for part in re.split(_MARKS, line)]:
        if exactly(part) not in wanted and len(pieces := [p for p in both.split(part) if p]) > 1:
            given = (given - {exactly(part)}) | ({exactly(piece) for piece in pieces} - {""})
        elif exactly(part) not in wanted and (rest := re.sub(r"^\s*(?:and|or)\s+", "", part)) != part:
            given = (given - {exactly(part)}) | {exactly(rest)}
    return given


class SetMatch(ItemReward):
    """F1 of the listed items against the expected set (order does not matter)."""

    name = verifier = "set"

    def one(self, item: RewardItem) -> float | None:
        """The value of one item."""
        wanted = {exactly(str(text)) for text in item.verifier["values"]}
        given = _listed(item.answer, wanted)
        return 2 * len(wanted & given) / (len(wanted) + len(given)) if wanted or given else None


@lru_cache(maxsize=1 << 12)
def _occurrence(phrase: str) -> re.Pattern[str]:
    """`phrase` in a text as `_read` makes it, whole: 5 is not in 15, cat not in scat, C not in C++.

    Words of four letters and more may go on (apple, apples).
    """
    letters = [re.escape(char) for char in _read(phrase) if not char.isspace()]
    first, last = _read(phrase).strip()[:1], _read(phrase).strip()[-1:]
    before = r"(?<!\d)(?<!\d[.,])(?<!-)" if first.isdigit() else r"(?<![a-z])" if "a" <= first <= "z" else ""
    behind = r"(?!\d|[.,]\d)" if last.isdigit() else ""
    if "a" <= last <= "z":
        behind = r"(?![+#])" if len(letters) > 3 else r"(?![a-z0-9+#])"
    return re.compile(before + r"\s*".join(letters) + behind)


def _read(text: str) -> str:
    return _QUOTES.sub("", unicodedata.normalize("NFKC", text).translate(_SAME).lower())


def _has(answer: str, phrase: str) -> bool:
    return _occurrence(phrase).search(answer) is not None


class Contains(ItemReward):
    """Share of the demands that are met: each text of "all" present, one of "any" present, each of "none" absent."""

    name = verifier = "contains"

    def one(self, item: RewardItem) -> float | None:
        """The value of one item."""
        have = _read(spoken(item.answer))
        met = [_has(have, str(text)) for text in item.verifier.get("all", ())]
        if item.verifier.get("any"):
            met.append(any(_has(have, str(text)) for text in item.verifier["any"]))
        met += [bool(have.strip()) and not _has(have, str(text)) for text in item.verifier.get("none", ())]
        return sum(met) / len(met) if met else None
