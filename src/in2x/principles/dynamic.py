"""Principles that a judge model writes for one prompt (METHOD 5): generated once, verified, cached on disk.

A principle must be atomic (one demand), checkable (yes or no by reading the answer) and must not contradict another or
repeat a fundamental one. The first two are checked by code, contradiction by a second question to the model. Rejected
ones are kept with their reason.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.metrics.chrf import sentence_chrf
from in2x.principles.ask import Ask
from in2x.principles.prompts import spoken, table
from in2x.records import content_id

WRITE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"principles": {"type": "array", "items": {"type": "string"}}},
    "required": ["principles"],
    "additionalProperties": False,
}
REVIEW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "contradictions": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        },
        "uncheckable": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["contradictions", "uncheckable"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Written:
    """The dynamic principles of one prompt."""

    kept: tuple[str, ...]
    rejected: tuple[tuple[str, str], ...]
    """(principle, reason): "length", "compound", "vague", "repeats", "contradicts", "uncheckable", "too many"."""


def _found(kind: str, text: str) -> bool:
    return any(re.search(pattern, text, re.I) for pattern in table("dynamic")[kind])


def code_fault(principle: str) -> str | None:
    """Why a principle cannot be used, as far as code can tell; None where it can."""
    size = len(principle)
    if not 6 <= size <= 240:
        return "length"
    if _found("compound", principle):
        return "compound"
    if _found("vague", principle):
        return "vague"
    return None


class PrincipleWriter:
    """Writes, verifies and remembers the principles of each prompt.

    One request per prompt is under way at a time; the cache file (JSON Lines, append only) makes a restart free.
    """

    def __init__(self, ask: Ask, count: int = 4, cache: Path | None = None) -> None:
        """Prepare a writer.

        Args:
            ask: the model.
            count: principles wanted per prompt (our choice; the paper gives no number).
            cache: file of principles written before; lines that cannot be read (a killed write) are skipped.
        """
        self.ask, self.count, self.cache = ask, count, cache
        self._known: dict[str, Written] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        if cache is not None and cache.exists():
            for line in cache.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    rejected = tuple((str(text), str(reason)) for text, reason in row["rejected"])
                    self._known[row["key"]] = Written(tuple(row["kept"]), rejected)
                except (ValueError, KeyError, TypeError):
                    continue

    async def __call__(self, prompt: str, lang: str, general: Sequence[str]) -> Written:
        """The principles for `prompt`; raises what `ask` raises (nothing is cached then)."""
        lang = spoken(table("dynamic")["write"], lang)
        key = content_id(prompt, lang, list(general), self.count)
        if key in self._known:
            return self._known[key]
        try:
            async with self._locks.setdefault(key, asyncio.Lock()):
                if key not in self._known:
                    self._known[key] = await self._write(prompt, lang, general)
                    self._remember(key, self._known[key])
        finally:
            self._locks.pop(key, None)  # a lock belongs to one event loop, the writer to a whole run
        return self._known[key]

    async def _write(self, prompt: str, lang: str, general: Sequence[str]) -> Written:
        request = table("dynamic")["write"][lang].format(
            count=self.count, general="\n".join(f"- {text}" for text in general), prompt=prompt
        )
        answer = await self.ask([{"role": "user", "content": request}], WRITE_SCHEMA)
        kept: list[str] = []
        rejected: list[tuple[str, str]] = []
        for raw in answer["principles"]:
            text = re.sub(r"^\s*(?:[-*・]|\d+[.)、．])\s*", "", str(raw)).strip()
            fault = code_fault(text)
            if fault is None and any(sentence_chrf(text, other) > 80 for other in (*general, *kept)):
                fault = "repeats"
            if fault is None and len(kept) >= self.count:
                fault = "too many"
            if fault is None:
                kept.append(text)
            else:
                rejected.append((text, fault))
        if kept:
            numbered = "\n".join(f"{i}. {text}" for i, text in enumerate(kept, 1))
            review = await self.ask(
                [
                    {
                        "role": "user",
                        "content": table("dynamic")["review"][lang].format(numbered=numbered, prompt=prompt),
                    }
                ],
                REVIEW_SCHEMA,
            )
            dropped = {int(i): "uncheckable" for i in review["uncheckable"]}
            for pair in review["contradictions"]:
                low, high = sorted(int(i) for i in pair)
                if low != high and low not in dropped:
                    dropped.setdefault(high, "contradicts")
            rejected += [(text, dropped[i]) for i, text in enumerate(kept, 1) if i in dropped]
            kept = [text for i, text in enumerate(kept, 1) if i not in dropped]
        return Written(tuple(kept), tuple(rejected))

    def _remember(self, key: str, written: Written) -> None:
        if self.cache is None:
            return
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        row = {"key": key, "kept": list(written.kept), "rejected": [list(pair) for pair in written.rejected]}
        with self.cache.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
