"""Self-Instruct: new tasks from a growing pool of tasks (METHOD 2.3), in the target language.

Each round asks for tasks of the kinds that the pool has least of, with few-shot examples of different kinds, and adds
what is not a near-duplicate (character ROUGE-L over MinHash candidates). Steered by topic and difficulty.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from in2x.instructions.candidate import Candidate
from in2x.instructions.neardup import NearDuplicateIndex
from in2x.instructions.prompt import prompt
from in2x.language import language
from in2x.llm.request import Advance, Asker, Request, chat
from in2x.records import Instruction, content_id

KINDS = (
    "explaining", "rewriting a given text", "creative writing", "planning", "classification", "extraction from a text",
    "reasoning about a situation", "advice", "comparison", "summarising a given text", "calculation", "role play",
)  # fmt: skip
DIFFICULTIES = ("simple", "moderate", "difficult", "very difficult")
PER_REQUEST = 4
EXAMPLES = 6
ROUND = 64
"""Requests a round: they all see the pool as it was when the round began."""


@dataclass(frozen=True)
class Steering:
    """What the new tasks should be about."""

    lang: str
    topics: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = DIFFICULTIES


class Pool:
    """The growing pool: tasks by kind, and an index of near-duplicates."""

    def __init__(self, seeds: Sequence[tuple[str, str]], threshold: float = 0.7) -> None:
        self.index = NearDuplicateIndex(threshold)
        self.by_kind: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for text, kind in seeds:
            if self.index.add(text) is None:
                self.by_kind.setdefault(kind, []).append(text)

    def __len__(self) -> int:
        """Tasks in the pool."""
        return len(self.index)

    def examples(self, rng: random.Random) -> list[str]:
        """Few-shot examples: one each of as many kinds as there are, then at random."""
        filled = [kind for kind in sorted(self.by_kind) if self.by_kind[kind]]
        rng.shuffle(filled)
        chosen = [rng.choice(self.by_kind[kind]) for kind in filled[:EXAMPLES]]
        every = [text for kind in sorted(self.by_kind) for text in self.by_kind[kind]]
        while len(chosen) < min(EXAMPLES, len(every)):
            text = rng.choice(every)
            if text not in chosen:
                chosen.append(text)
        return [text[:400] for text in chosen]

    def scarce_kinds(self, count: int) -> list[str]:
        """`count` kinds to ask for, so that the kinds fill up evenly."""
        sizes = {kind: len(self.by_kind.get(kind, ())) for kind in KINDS}
        wanted = []
        for _ in range(count):
            kind = min(KINDS, key=lambda k: (sizes[k], KINDS.index(k)))
            sizes[kind] += PER_REQUEST
            wanted.append(kind)
        return wanted

    def add(self, text: str, kind: str) -> float | None:
        """Add `text`; where a near-duplicate is there already, its similarity is returned instead."""
        near = self.index.add(text)
        if near is not None:
            return near[1]
        self.by_kind.setdefault(kind, []).append(text)
        return None


_SIGNS = {
    "calculation": ("calculate", "how many", "計算", "いくつ", "多少", "算"),
    "summarising a given text": ("summar", "要約", "まとめ", "总结", "概括", "摘要"),
    "creative writing": ("story", "poem", "物語", "小説", "詩", "故事", "诗"),
    "rewriting a given text": ("rewrite", "rephrase", "translate", "書き換え", "翻訳", "改写", "翻译"),
    "classification": ("classify", "which of", "is this", "分類", "分类", "どちら", "哪个"),
    "extraction from a text": ("extract", "find the", "抜き出", "抽出", "提取", "找出"),
    "planning": ("plan", "schedule", "計画", "予定", "计划", "安排"),
    "comparison": ("compare", "difference", "比較", "違い", "比较", "区别"),
    "advice": ("should i", "suggest", "advice", "アドバイス", "提案", "建议", "怎么办"),
    "role play": ("you are a", "pretend", "act as", "になりきって", "役", "扮演", "假装"),
    "reasoning about a situation": ("why", "なぜ", "どうして", "为什么"),
}


def kind_of(item: Instruction) -> str:
    """The kind of a seed task, by the words it is put in ("explaining" where none tells)."""
    text = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "").casefold()[:400]
    if item.task == "math":
        return "calculation"
    return next((kind for kind, signs in _SIGNS.items() if any(sign in text for sign in signs)), KINDS[0])


def self_instruct(
    asker: Asker, pool: Pool, steering: Steering, count: int, seed: int, advance: Advance | None = None
) -> Iterator[Candidate]:
    """Ask for `count` new tasks (rounded up to whole requests); every task that comes back is one candidate.

    A near-duplicate is a candidate with a fault, a request without an answer a failed one, so that nothing is lost.
    """
    rng = random.Random(f"{seed} self-instruct {steering.lang}")
    left = -(-count // PER_REQUEST)
    number = 0
    while left > 0:
        kinds = pool.scarce_kinds(min(ROUND, left))
        requests = [_request(pool, steering, kind, number + place, seed, rng) for place, kind in enumerate(kinds)]
        for kind, answer in zip(kinds, list(asker.ask_all(requests, advance)), strict=True):
            number += 1
            if not answer.ok:
                empty = _item(f"(request {number})", steering.lang, kind)
                yield Candidate(empty, None, fault=answer.error, failed=True)
                continue
            for text in answer.value["tasks"]:
                task = str(text).strip()
                similar = pool.add(task, kind) if task else None
                fault = None if similar is None else "near-duplicate of the pool"
                trace = {"kind": kind} if similar is None else {"kind": kind, "similarity": round(similar, 3)}
                yield Candidate(_item(task, steering.lang, kind), trace, fault)
        left -= len(kinds)


def _request(pool: Pool, steering: Steering, kind: str, number: int, seed: int, rng: random.Random) -> Request:
    text = prompt("self-instruct").render(
        language=language(steering.lang).name, examples=pool.examples(rng), kind=kind,
        topic=rng.choice(steering.topics) if steering.topics else "", difficulty=rng.choice(steering.difficulties),
        count=PER_REQUEST,
    )  # fmt: skip
    schema = {
        "type": "object", "required": ["tasks"],
        "properties": {"tasks": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 16}},
    }  # fmt: skip
    return chat(text, schema=schema, temperature=1.0, max_tokens=1024, seed=seed, sample=number)


def _item(text: str, lang: str, kind: str) -> Instruction:
    messages = [{"role": "user", "content": text}]
    return Instruction(
        id=content_id("self-instruct", messages), lang=lang, task="chat", messages=messages, origin="self-instruct",
        labels=None,
    )  # fmt: skip


def answered(
    asker: Asker, candidates: Sequence[Candidate], seed: int, advance: Advance | None = None
) -> Iterator[Candidate]:
    """`candidates` with an answer of the model; those with a fault, and those that have one, as they are."""
    open_ones = [c for c in candidates if c.fault is None and c.item.answer is None]
    requests = (Request(messages=tuple(c.item.messages), max_tokens=2048, seed=seed) for c in open_ones)
    answers = iter(list(asker.ask_all(requests, advance)))
    for candidate in candidates:
        if candidate.fault is not None or candidate.item.answer is not None:
            yield candidate
            continue
        answer = next(answers)
        if not answer.ok:
            yield Candidate(candidate.item, candidate.trace, answer.error, failed=True)
            continue
        trace = {**(candidate.trace or {}), "reasoning": answer.thought} if answer.thought else candidate.trace
        if answer.lack:
            yield Candidate(candidate.item, trace, answer.lack)
        else:
            yield Candidate(_with_answer(candidate.item, answer.text), trace)


def _with_answer(item: Instruction, text: str) -> Instruction:
    return Instruction(
        id=content_id(item.origin, item.messages, text), lang=item.lang, task=item.task, messages=item.messages,
        answer=text, verifier=item.verifier, origin=item.origin, license=item.license, labels=item.labels,
    )  # fmt: skip
