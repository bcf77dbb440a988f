"""Principles that a judge model writes for one prompt (METHOD 5): generated once, verified, cached on disk.

A principle must be atomic (one demand), checkable (yes or no by reading the answer) and must not contradict another or
repeat a fundamental one. The first two are checked by code, contradiction by a second question to the model. Rejected
ones are kept with their reason.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in2x.metrics.chrf import sentence_chrf
from in2x.records import Message, content_id

Ask = Callable[[Sequence[Message], Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""A chat model: messages and the JSON schema of the answer -> the answer. Raises where it cannot give one."""

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

_WRITE = {
    "en": (
        "You set the standard for answers to one instruction. Write {count} principles that a good answer to this "
        "instruction keeps and a mediocre one may break. Each principle is one sentence with one demand, about this "
        "instruction in particular, and can be answered with yes or no by someone who reads the answer. Do not repeat "
        "these general principles:\n{general}\n\nInstruction:\n<instruction>\n{prompt}\n</instruction>"
    ),
    "ja": (
        "ある指示に対する回答の評価基準を作ってください。良い回答なら満たし、平凡な回答なら破りかねない原則を{count}個書いて"
        "ください。一つの原則は一文で、要求は一つだけとし、この指示に固有の内容で、回答を読めば「はい」か「いいえ」で判定できる"
        "ものにします。次の一般原則は繰り返さないでください。\n{general}\n\n指示:\n<instruction>\n{prompt}\n</instruction>"
    ),
}
_REVIEW = {
    "en": (
        "Below are numbered principles for answers to one instruction. List the pairs that no answer can keep together "
        "(contradictions) and those that cannot be answered with yes or no by reading an answer (uncheckable).\n\n"
        "{numbered}\n\nInstruction:\n<instruction>\n{prompt}\n</instruction>"
    ),
    "ja": (
        "以下は、ある指示への回答についての番号付きの原則です。同時に満たすことのできない組（contradictions）と、回答を読んでも"
        "「はい」か「いいえ」で判定できないもの（uncheckable）を挙げてください。\n\n{numbered}\n\n指示:\n"
        "<instruction>\n{prompt}\n</instruction>"
    ),
}


@dataclass(frozen=True, slots=True)
class Written:
    """The dynamic principles of one prompt."""

    kept: tuple[str, ...]
    rejected: tuple[tuple[str, str], ...]
    """(principle, reason): "length", "compound", "vague", "repeats", "contradicts", "uncheckable", "too many"."""


_COMPOUND = re.compile(
    r";|；|\n|[.。!?！？].+[.。!?！？]$|\b(?:and also|as well as|and must|and should|and has to)\b"
    r"|(?:、|し、)(?:また|かつ|さらに|そして)|だけでなく|と同時に"
)
_VAGUE = re.compile(
    r"^(?:the )?(?:answer|response|translation|text)?\s*(?:is|should be|must be)\s+(?:very )?(?:good|great|nice|"
    r"excellent|high[- ]quality|appropriate|suitable|interesting|engaging|well[- ]written|correct|natural)\.?$"
    r"|^(?:回答|訳文?|文章)?[はが]?(?:とても)?(?:良い|よい|適切|適当|面白い|優れている|高品質|自然|正しい)"
    r"(?:である|です|だ|こと)?。?$",
    re.I,
)


def code_fault(principle: str) -> str | None:
    """Why a principle cannot be used, as far as code can tell; None where it can."""
    size = len(principle)
    if not 6 <= size <= 240:
        return "length"
    if _COMPOUND.search(principle):
        return "compound"
    if _VAGUE.match(principle):
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
        lang = lang if lang in _WRITE else "en"
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
        request = _WRITE[lang].format(
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
                [{"role": "user", "content": _REVIEW[lang].format(numbered=numbered, prompt=prompt)}], REVIEW_SCHEMA
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
