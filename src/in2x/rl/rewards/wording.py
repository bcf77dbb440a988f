"""Exact answers, sets of answers, and texts that must or must not occur.

Verifiers: {"name": "exact", "value": "..."} or {"values": [...]} (any of them); {"name": "set", "values": [...]} (all,
any order, nothing else); {"name": "contains", "all"?: [...], "any"?: [...], "none"?: [...]}.
"""

from __future__ import annotations

import re

from in2x.principles.place import normalise
from in2x.rl.rewards.base import ItemReward, RewardItem


class Exact(ItemReward):
    """1 where the answer is the expected one (or a member of "values"), after NFKC and without punctuation; else 0."""

    name = verifier = "exact"

    def one(self, item: RewardItem) -> float:
        """The verdict on one item."""
        accepted = item.verifier["values"] if "values" in item.verifier else [item.verifier["value"]]
        return float(normalise(item.answer) in {normalise(str(text)) for text in accepted})


_SEPARATORS = re.compile(r"[、,，;；\n・/]|\band\b|と(?=[^ぁ-ん])")


class SetMatch(ItemReward):
    """F1 of the listed items against the expected set (order does not matter)."""

    name = verifier = "set"

    def one(self, item: RewardItem) -> float | None:
        """The value of one item."""
        wanted = {normalise(str(text)) for text in item.verifier["values"]}
        given = {normalise(part) for part in _SEPARATORS.split(item.answer)} - {""}
        return 2 * len(wanted & given) / (len(wanted) + len(given)) if wanted or given else None


class Contains(ItemReward):
    """Share of the demands that are met: each text of "all" present, one of "any" present, each of "none" absent."""

    name = verifier = "contains"

    def one(self, item: RewardItem) -> float | None:
        """The value of one item."""
        have = normalise(item.answer)
        met = [normalise(str(text)) in have for text in item.verifier.get("all", ())]
        if item.verifier.get("any"):
            met.append(any(normalise(str(text)) in have for text in item.verifier["any"]))
        met += [bool(have) and normalise(str(text)) not in have for text in item.verifier.get("none", ())]
        return sum(met) / len(met) if met else None
