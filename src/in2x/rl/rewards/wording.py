"""Exact answers, sets of answers, and texts that must or must not occur.

Verifiers: {"name": "exact", "value": "..."} or {"values": [...]} (any of them); {"name": "set", "values": [...]} (all,
any order, nothing else); {"name": "contains", "all"?: [...], "any"?: [...], "none"?: [...]}.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from in2x.principles.text_checks import normalise
from in2x.rl.rewards.base import RewardItem, verifier_name


class Exact:
    """1 where the answer is the expected one (or a member of "values"), after NFKC and without punctuation; else 0."""

    name = "exact"

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """One verdict per item with an "exact" verifier."""
        values: list[float | None] = []
        for item in items:
            if verifier_name(item) != "exact":
                values.append(None)
                continue
            verifier = item.instruction.verifier or {}
            accepted = verifier["values"] if "values" in verifier else [verifier["value"]]
            values.append(float(normalise(item.answer) in {normalise(str(text)) for text in accepted}))
        return values


_SEPARATORS = re.compile(r"[、,，;；\n・/]|\band\b|と(?=[^ぁ-ん])")


class SetMatch:
    """F1 of the listed items against the expected set (order does not matter)."""

    name = "set"

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """One value per item with a "set" verifier."""
        values: list[float | None] = []
        for item in items:
            if verifier_name(item) != "set":
                values.append(None)
                continue
            wanted = {normalise(str(text)) for text in (item.instruction.verifier or {})["values"]}
            given = {normalise(part) for part in _SEPARATORS.split(item.answer)} - {""}
            values.append(2 * len(wanted & given) / (len(wanted) + len(given)) if wanted or given else None)
        return values


class Contains:
    """Share of the demands that are met: each text of "all" present, one of "any" present, each of "none" absent."""

    name = "contains"

    async def __call__(self, items: Sequence[RewardItem]) -> list[float | None]:
        """One value per item with a "contains" verifier."""
        values: list[float | None] = []
        for item in items:
            if verifier_name(item) != "contains":
                values.append(None)
                continue
            verifier = item.instruction.verifier or {}
            have = normalise(item.answer)
            met = [normalise(str(text)) in have for text in verifier.get("all", ())]
            if verifier.get("any"):
                met.append(any(normalise(str(text)) in have for text in verifier["any"]))
            met += [bool(have) and normalise(str(text)) not in have for text in verifier.get("none", ())]
            values.append(sum(met) / len(met) if met else None)
        return values
