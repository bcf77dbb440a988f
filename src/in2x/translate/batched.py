"""What the models of this machine have in common: sources become token ids, batches hold little padding, ids a text.

The questions are asked in the words the model was trained with (see `chat/profile.py`) and sorted by length. A source
that is longer than the model translates whole is cut at sentence ends, and its pieces are translated one by one.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from in2x.chat.profile import PromptProfile, Sampling
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.inference.loops import loops, repeated
from in2x.language.reasoning import without_reasoning
from in2x.translate.backend import Backend, Done, Translation, one_line, unfit
from in2x.translate.request import TranslationRequest
from in2x.translate.split import joined, sentences, split_text

FOREVER = 1 << 30
"""Tokens that a model reads which has no end of its context."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions that are answered together."""

    sources: list[Source]
    prompts: list[list[int]]
    prefixes: list[list[int]]
    """What each answer is made to begin with (sequence-to-sequence)."""
    limits: list[int]
    """Longest answer to each, in tokens."""
    watched: list[bool]
    """Whether an answer that has fallen into a loop is cut: not where the source repeats itself."""
    sampling: Sampling
    samples: int
    seed: int

    @property
    def limit(self) -> int:
        """Longest answer to any, in tokens."""
        return max(self.limits)


class BatchedBackend(Backend):
    """A model of this machine. A kind of its own sets the attributes and says how a batch is answered."""

    folder: Path | str
    tokenizer: Any
    profile: PromptProfile
    batch_tokens: int
    """Tokens that one batch may hold, padding and answers included."""
    waiting: int = 1
    """How many such batches are handed over together, to a model that takes the next prompt where an answer ends."""
    context: int
    """Tokens that the model reads, the answer included; of an encoder, the source alone."""
    stop_ids: frozenset[int]
    seq2seq: bool = False

    @abstractmethod
    def _answer(self, batch: Batch) -> list[list[list[int]]]:
        """`batch.samples` answers to each prompt, as token ids up to and with a stop token."""

    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        """A line cut in pieces joins the n-th answers to each.

        An answer is at most three times the source's tokens and 32 more (our choice), unless the request says how long.

        Raises:
            In2xError: not even the prompt fits the model's context.
        """
        pieces: list[Source] = []
        owner: list[int] = []
        prompts: list[list[int]] = []
        longest: list[int] = []
        for line, piece, prompt, limit in self._asked(sources):
            owner.append(line)
            pieces.append(piece)
            prompts.append(prompt)
            longest.append(limit)
        prefixes = [self.profile.target_prefix(self.tokenizer, piece) if self.seq2seq else [] for piece in pieces]
        limits = [
            min(request.max_new_tokens or limit, self._room(prompt))
            for limit, prompt in zip(longest, prompts, strict=True)
        ]
        if min(limits, default=1) < 1:
            raise In2xError(
                f"the prompt alone fills the {self.context} tokens the model reads", mend="shorten its template"
            )
        answers: list[list[Translation]] = [[] for _ in pieces]
        left = Counter(owner)
        for batch in self._batches(prompts, limits, samples):
            drawn = self._answer(
                Batch(
                    sources=[pieces[i] for i in batch],
                    prompts=[prompts[i] for i in batch],
                    prefixes=[prefixes[i] for i in batch],
                    limits=[limits[i] for i in batch],
                    watched=[not repeated(pieces[i].text) for i in batch],
                    sampling=request.decoding(self.profile),
                    samples=samples,
                    seed=request.seed + batch[0],
                )
            )
            for i, said in zip(batch, drawn, strict=True):
                answers[i] = [self._read(tokens[: limits[i]], pieces[i].text) for tokens in said]
            left.subtract(owner[i] for i in batch)
            if done:
                done(len({owner[i] for i in batch if left[owner[i]] == 0}))
        lines: list[list[list[Translation]]] = [[] for _ in sources]
        for line, drawn_answers in zip(owner, answers, strict=True):
            lines[line].append(drawn_answers)
        return [[joined(parts, request.target_lang) for parts in zip(*line, strict=True)] for line in lines]

    def _asked(self, sources: Sequence[Source]) -> Iterator[tuple[int, Source, list[int], int]]:
        """The pieces that are asked: (number of the line, piece, prompt, longest answer to expect)."""
        whole = [
            (line, replace(source, text=part))
            for line, source in enumerate(sources)
            for part in sentences(source, self.profile)
        ]
        prompts = self.profile.encode_all(self.tokenizer, [piece for _, piece in whole])
        for (line, piece), prompt, length in zip(
            whole, prompts, self._lengths([p.text for _, p in whole]), strict=True
        ):
            if self._holds(prompt, length):
                yield line, piece, prompt, _longest(length)
                continue
            for text in split_text(piece.text, partial(self._fits, piece)):
                part = replace(piece, text=text)
                yield line, part, self._prompt(part), self._limit(text)

    def _prompt(self, source: Source) -> list[int]:
        return self.profile.encode(self.tokenizer, source)

    def _limit(self, source: str) -> int:
        return _longest(*self._lengths([source]))

    def _lengths(self, texts: list[str]) -> list[int]:
        """Tokens of each of `texts`."""
        if not texts:
            return []
        return list(map(len, self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]))

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens that an answer to `prompt` has room for."""
        return self.context if self.seq2seq and len(prompt) <= self.context else self.context - len(prompt)

    def _holds(self, prompt: Sequence[int], length: int) -> bool:
        """Whether a prompt for a text of `length` tokens, and the answer to expect, fit the context."""
        return not 0 < self.profile.longest < length and _longest(length) <= self._room(prompt)

    def _fits(self, source: Source, text: str) -> bool:
        """Whether `text` in the place of the source's does."""
        return self._holds(self._prompt(replace(source, text=text)), *self._lengths([text]))

    def _batches(self, prompts: list[list[int]], limits: list[int], samples: int = 1) -> list[list[int]]:
        """Indices by falling prompt length, cut where a batch would hold more than `batch_tokens`."""
        batches: list[list[int]] = []
        widest = longest = 0
        for i in sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i)):
            widest, longest = max(widest, len(prompts[i])), max(longest, limits[i])
            if batches and (len(batches[-1]) + 1) * samples * (widest + longest) <= self.batch_tokens * self.waiting:
                batches[-1].append(i)
            else:
                batches.append([i])
                widest, longest = len(prompts[i]), limits[i]
        return batches

    def _read(self, tokens: Sequence[int], source: str) -> Translation:
        end = next((n for n, token in enumerate(tokens) if token in self.stop_ids), len(tokens))
        text, stopped = self.profile.read(self._said(tokens[:end], source))
        text = one_line(text)
        if stopped or end < len(tokens):
            return Translation(text, unfit(text, source))
        if loops(tokens):
            return Translation(text, f"the answer fell into a loop ({repeated(text)[:40]!r} over and over)")
        return Translation(text, f"the answer was cut after {len(tokens)} tokens")

    def _said(self, tokens: Sequence[int], source: str) -> str:
        """The text of `tokens` without control tokens and reasoning, whose marks may be control tokens."""
        marked = str(self.tokenizer.decode(list(tokens), skip_special_tokens=False))
        said = without_reasoning(marked, source)
        if said == marked:
            return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))
        return re.sub("|".join(map(re.escape, self.tokenizer.all_special_tokens)), "", said)


def _longest(length: int) -> int:
    """Tokens to expect of an answer to a text of `length`: three times as many and 32 (our choice)."""
    return 3 * length + 32


def stop_tokens(tokenizer: Any, profile: PromptProfile) -> frozenset[int]:
    """The stop texts of `profile` that are one token."""
    alone = (tokenizer.encode(text, add_special_tokens=False) for text in profile.stop)
    return frozenset(ids[0] for ids in alone if len(ids) == 1)
