"""Self-Instruct: new tasks from a growing pool of tasks (METHOD 2.3), in the target language.

Each round asks for tasks of the kinds that the pool has least of, with few-shot examples of different kinds, and adds
what is not a near-duplicate (character ROUGE-L over MinHash candidates). Steered by topic, persona and difficulty; each
task comes with the aim that its author had, which is read again beside it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from in2x.instructions.candidate import Candidate
from in2x.instructions.neardup import NearDuplicateIndex
from in2x.instructions.prompt import asked_in
from in2x.instructions.themes import Themes
from in2x.judge.retry import Question, ask_until_read, json_of, whole
from in2x.llm.request import Advance, Asker, Request, chat
from in2x.records import Instruction, Message, content_id

PER_REQUEST = 4
SAMPLES = 8
"""Numbers of samples that one request of a round may use up: it may be asked again."""
EXAMPLES = 6
_TASK = {
    "type": "object", "required": ["aim", "task"],
    "properties": {"aim": {"type": "string"}, "task": {"type": "string"}},
}  # fmt: skip
_TASKS = {
    "type": "object", "required": ["tasks"],
    "properties": {"tasks": {"type": "array", "items": _TASK, "minItems": 1, "maxItems": 16}},
}  # fmt: skip
ROUND = 64
"""Requests a round: they all see the pool as it was when the round began."""


@dataclass(frozen=True)
class Steering:
    """What the new tasks should be about, in the words of `lists`."""

    lang: str
    lists: Themes
    topics: tuple[str, ...] = ()
    """Instead of the topics of `lists`."""
    difficulties: tuple[str, ...] = ()
    """Of those in `lists` the ones to ask for; empty: all."""


class Pool:
    """The growing pool: tasks by kind, and an index of near-duplicates."""

    def __init__(self, seeds: Sequence[tuple[str, str]], kinds: Sequence[str], threshold: float = 0.7) -> None:
        """Begin with `seeds`, each a task and its kind; `kinds` are asked for."""
        self.index = NearDuplicateIndex(threshold)
        self.kinds = tuple(kinds)
        self.by_kind: dict[str, list[str]] = {kind: [] for kind in kinds}
        self._every: list[str] = []
        for text, kind in seeds:
            self.add(text, kind)

    def __len__(self) -> int:
        """Tasks in the pool."""
        return len(self.index)

    def examples(self, rng: random.Random) -> list[str]:
        """Few-shot examples: one each of as many kinds as there are, then at random."""
        filled = [kind for kind in sorted(self.by_kind) if self.by_kind[kind]]
        rng.shuffle(filled)
        chosen = [rng.choice(self.by_kind[kind]) for kind in filled[:EXAMPLES]]
        while len(chosen) < min(EXAMPLES, len(self._every)):
            text = rng.choice(self._every)
            if text not in chosen:
                chosen.append(text)
        return [text[:400] for text in chosen]

    def scarce_kinds(self, count: int) -> list[str]:
        """`count` kinds to ask for, so that the kinds fill up evenly."""
        sizes = {kind: len(self.by_kind.get(kind, ())) for kind in self.kinds}
        wanted = []
        for _ in range(count):
            kind = min(self.kinds, key=lambda k: (sizes[k], self.kinds.index(k)))
            sizes[kind] += PER_REQUEST
            wanted.append(kind)
        return wanted

    def add(self, text: str, kind: str) -> float | None:
        """Add `text`; where a near-duplicate is there already, its similarity is returned instead."""
        near = self.index.add(text)
        if near is not None:
            return near[1]
        self.by_kind.setdefault(kind, []).append(text)
        self._every.append(text)
        return None


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
        questions = [_question(pool, steering, kind, number + place, seed, rng) for place, kind in enumerate(kinds)]
        replies = list(ask_until_read(asker, questions, tries=2, advance=advance))
        for kind, reply in zip(kinds, replies, strict=True):
            number += 1
            if reply.value is None:
                empty = _item(f"(request {number})", steering, kind)
                yield Candidate(empty, None, fault=reply.fault, failed=True)
                continue
            for one in reply.value["tasks"]:
                task = str(one["task"]).strip()
                similar = pool.add(task, kind) if task else None
                fault = None if similar is None else "near-duplicate of the pool"
                trace: dict[str, Any] = {"kind": kind, "aim": one["aim"]}
                if similar is not None:
                    trace["similarity"] = round(similar, 3)
                yield Candidate(_item(task, steering, kind), trace, fault)
        left -= len(kinds)


def _question(
    pool: Pool, steering: Steering, kind: str, number: int, seed: int, rng: random.Random
) -> Question[dict[str, Any]]:
    lists = steering.lists
    text = asked_in(
        steering.lang, "self-instruct", examples=pool.examples(rng), kind=lists.kinds[kind].name,
        topic=rng.choice(steering.topics or lists.topics), persona=rng.choice(lists.personas),
        difficulty=lists.difficulties[rng.choice(steering.difficulties or tuple(lists.difficulties))],
        count=PER_REQUEST,
    )  # fmt: skip
    request = chat(
        text, schema=_TASKS, temperature=1.0, max_tokens=2048, seed=seed, sample=number * SAMPLES, purpose="task"
    )
    return Question(request, partial(json_of, schema=_TASKS))


def _item(text: str, steering: Steering, kind: str) -> Instruction:
    messages: list[Message] = [{"role": "user", "content": text}]
    task = steering.lists.kinds[kind].task
    return Instruction(content_id("self-instruct", messages), steering.lang, task, messages, origin="self-instruct")


def answered(
    asker: Asker, candidates: Sequence[Candidate], seed: int, advance: Advance | None = None
) -> Iterator[Candidate]:
    """`candidates` with an answer of the model; those with a fault, and those that have one, as they are.

    An answer that was cut, or that says nothing, is asked for once more with more room; then it has failed.
    """
    open_ones = [c for c in candidates if c.fault is None and c.item.answer is None]
    questions = (
        Question(Request(messages=tuple(c.item.messages), max_tokens=2048, seed=seed, purpose="answer"), whole)
        for c in open_ones
    )
    replies = iter(list(ask_until_read(asker, questions, tries=2, advance=advance)))
    for candidate in candidates:
        if candidate.fault is not None or candidate.item.answer is not None:
            yield candidate
            continue
        reply = next(replies)
        if reply.value is None:
            yield Candidate(candidate.item, candidate.trace, reply.fault, failed=True)
            continue
        trace = {**(candidate.trace or {}), "reasoning": reply.thought} if reply.thought else candidate.trace
        yield Candidate(_with_answer(candidate.item, reply.value), trace)


def _with_answer(item: Instruction, text: str) -> Instruction:
    return Instruction(
        id=content_id(item.origin, item.messages, text), lang=item.lang, task=item.task, messages=item.messages,
        answer=text, verifier=item.verifier, origin=item.origin, license=item.license, labels=item.labels,
    )  # fmt: skip
