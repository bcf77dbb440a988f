"""Forced decoding of the placeholders of inline tags: each of the source's once, nested as there, and no other.

While an answer is written a placeholder can come only where it may stand: inside the pair that it stands in in the
source, the end of a pair behind words, nothing twice. What the model has left out when it ends is put in where it most
nearly wrote it, the earliest first, and the answer goes on from there: so a missing tag stands where the model would
have it, not at the end of the line. Near the longest length of an answer what is left is written at once.

A placeholder must be one token, as up to the ninth in tokenizers made here (`training/tokenizer.py`); sources with
others are answered freely, and `translate/projection.py` places what is lost. Going back is our choice; grid beam
search (Hokamp and Liu, 2017) needs several hypotheses a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import PreTrainedTokenizerBase

from in2x.chat.placeholders import WRITTEN, slots
from in2x.inference.choice import Completion

_BRACKET = re.compile("[<＜]")
_CUT = "\ufffd"


@dataclass(frozen=True)
class ForcedSlot:
    """A placeholder as tokens."""

    opening: int
    """Of the mark, or of the beginning of the pair."""
    closing: int | None
    """Of the end of the pair; None for a mark."""
    parent: int | None
    """Index of the slot right around it."""
    worded: bool
    """Whether it is a pair that must hold words."""


@dataclass(frozen=True)
class Forced:
    """What an answer to one question must hold."""

    slots: tuple[ForcedSlot, ...]
    banned: tuple[int, ...]
    """Tokens that come only where a slot has its place: placeholders, and what else could spell one."""
    limit: int
    """Longest answer, in tokens."""
    vocabulary: Placeholders


class Placeholders:
    """The placeholders in the vocabulary of a tokenizer; `stop_ids` end an answer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop_ids: Collection[int]) -> None:
        self.tokenizer, self.stop_ids = tokenizer, frozenset(stop_ids)

    def forced(self, question: str, limit: int) -> Forced | None:
        """What an answer of at most `limit` tokens must hold; None where `question` has nothing that can be forced."""
        asked = slots(question)
        names = {name: self._token(name) for slot in asked for name in slot.names}
        tokens = {name: token for name, token in names.items() if token is not None}
        if not asked or len(tokens) < len(names):
            return None
        rest = WRITTEN.sub(lambda match: "" if match[0] in names else match[0], question)
        banned = {n: text for n, text in self._spelling.items() if not _BRACKET.search(rest) or WRITTEN.fullmatch(text)}
        banned = {n: text for n, text in banned.items() if text not in rest}
        found = (
            ForcedSlot(tokens[one.names[0]], tokens[one.names[1]] if one.names[1:] else None, one.parent, one.worded)
            for one in asked
        )
        return Forced(tuple(found), tuple(banned), limit, self)

    def cut(self, tokens: Sequence[int]) -> bool:
        """Whether `tokens` end within a character."""
        return (
            bool(tokens)
            and tokens[-1] in self._partial
            and str(self.tokenizer.decode(list(tokens[-4:]))).endswith(_CUT)
        )

    @cached_property
    def blank(self) -> frozenset[int]:
        """Tokens that show nothing."""
        return frozenset(n for n, text in enumerate(self._texts) if not text.strip()) | self._special

    def _token(self, name: str) -> int | None:
        """The token that `name` is, if it is one."""
        ids = self.tokenizer.encode(name, add_special_tokens=False)
        return ids[0] if len(ids) == 1 and self.tokenizer.decode(ids) == name else None

    @cached_property
    def _texts(self) -> list[str]:
        texts: list[str] = self.tokenizer.batch_decode([[n] for n in range(len(self.tokenizer))])
        return texts

    @cached_property
    def _spelling(self) -> dict[int, str]:
        """The tokens that could spell a placeholder, or its beginning."""
        return {n: text for n, text in enumerate(self._texts) if _BRACKET.search(text) and n not in self._special}

    @cached_property
    def _partial(self) -> frozenset[int]:
        """Tokens that end within a character, where they are not the end of it."""
        return frozenset(n for n, text in enumerate(self._texts) if text.endswith(_CUT))

    @cached_property
    def _special(self) -> frozenset[int]:
        return self.stop_ids | frozenset(self.tokenizer.all_special_ids)


class Writing:
    """One answer on its way.

    Args:
        forced: what it must hold.
        start: what it begins with.
        strict: whether it must not end before all is there (else `again` says where to go on).
    """

    def __init__(self, forced: Forced, start: Sequence[int] = (), strict: bool = False) -> None:
        self.forced, self.strict = forced, strict
        self.tokens: list[int] = []
        self.ended = False
        self._inside: list[int] = []
        self._opened: set[int] = set()
        self._closed: set[int] = set()
        self._filled: set[int] = set()
        self._nearest: dict[int, tuple[float, int]] = {}
        """Placeholder -> by how much the model preferred something else where it was nearest to it, and where."""
        for token in start:
            self.push(token)
        self.start = len(self.tokens)

    def push(self, token: int) -> None:
        """Take in the next token."""
        if self.ended:
            return
        self.tokens.append(token)
        self.ended = token in self.forced.vocabulary.stop_ids
        for n, slot in enumerate(self.forced.slots):
            if token == slot.opening:
                self._opened.add(n)
                if slot.closing is not None:
                    self._inside.append(n)
                return
            if token == slot.closing:
                self._inside.remove(n)
                self._closed.add(n)
                return
        if token not in self.forced.vocabulary.blank:
            self._filled.update(self._inside)

    def due(self) -> list[int]:
        """The placeholders that are still to come, whether they may now or not."""
        return [*(slot.opening for n, slot in enumerate(self.forced.slots) if n not in self._opened),
                *(slot.closing for n, slot in enumerate(self.forced.slots)
                  if slot.closing is not None and n not in self._closed)]  # fmt: skip

    def steer(self, scores: Tensor) -> None:
        """Put to minus infinity what cannot come next, in the scores [V] of all tokens."""
        forced, due = self.forced, self.due()
        unfilled = sum(slot.worded and n not in self._filled for n, slot in enumerate(forced.slots))
        urgent = forced.limit - len(self.tokens) <= len(due) + unfilled
        allowed = list(self._allowed()) if urgent or not forced.vocabulary.cut(self.tokens) else []
        had = scores[allowed]
        scores[list(forced.banned)] = -torch.inf
        scores[allowed] = had
        if not due:
            return
        best = int(scores.argmax())
        ending = best in forced.vocabulary.stop_ids
        for token, lack in zip(allowed, (scores[best] - had).tolist(), strict=True):
            empty = ending and any(s.opening == token and s.worded for s in forced.slots)  # no words would follow
            if not empty and lack < self._nearest.get(token, (torch.inf, 0))[0]:
                self._nearest[token] = lack, len(self.tokens)
        if self.strict:
            scores[list(forced.vocabulary.stop_ids)] = -torch.inf
        if urgent or (self.strict and ending):
            if allowed:
                had = scores[allowed]
                scores.fill_(-torch.inf)
                scores[allowed] = had
            else:  # words first
                scores[list(forced.vocabulary.blank)] = -torch.inf

    def _allowed(self) -> Iterator[int]:
        """The placeholders that may come next."""
        around = self._inside[-1] if self._inside else None
        missing = [n for n, slot in enumerate(self.forced.slots) if slot.parent == around and n not in self._opened]
        yield from (self.forced.slots[n].opening for n in missing)
        if around is not None:
            slot = self.forced.slots[around]
            # What a pair lacks when it ends is put in later (`again`), unless this is the last time.
            if (
                slot.closing is not None
                and (around in self._filled or not slot.worded)
                and not (missing and self._last)
            ):
                yield slot.closing

    @property
    def _last(self) -> bool:
        """Whether nothing may be left for later."""
        return self.strict or self.forced.limit - len(self.tokens) <= 2 * len(self.forced.slots)

    def again(self) -> Writing | None:
        """The answer from where something that it lacks most nearly came, with it there; None where it lacks nothing.

        An answer that did not end lacks more than placeholders, and stays as it is.
        """
        due = self.due()
        if not due or not self.ended:
            return None
        places = sorted((self._nearest[token][1], token) for token in due if token in self._nearest)
        places = [(at, token) for at, token in places if at >= self.start]
        if not places:
            return Writing(self.forced, self.tokens[:-1], strict=True)
        at, token = places[0]
        return Writing(self.forced, [*self.tokens[:at], token])


class Steering:
    """The answers of a batch that hold placeholders, by row; None where a row has none to hold."""

    def __init__(self, writings: Sequence[Writing | None]) -> None:
        self.writings = list(writings)

    @classmethod
    def of(cls, forced: Sequence[Forced | None]) -> Steering | None:
        """That of a batch; None where nothing is to be steered."""
        return cls([Writing(one) if one else None for one in forced]) if any(forced) else None

    def steer(self, scores: Tensor, rows: Sequence[int]) -> None:
        """`Writing.steer` for the scores [B, V] of `rows`."""
        for n, row in enumerate(rows):
            writing = self.writings[row]
            if writing is not None and not writing.ended:
                writing.steer(scores[n])

    def push(self, tokens: Sequence[int], rows: Sequence[int]) -> None:
        """`Writing.push` for the tokens of `rows`."""
        for token, row in zip(tokens, rows, strict=True):
            writing = self.writings[row]
            if writing is not None:
                writing.push(token)

    def again(self) -> dict[int, Writing]:
        """Row -> its answer from where it is to be written anew (`Writing.again`), for those that are."""
        found = {row: again for row, one in enumerate(self.writings) if one is not None and (again := one.again())}
        for row, again in found.items():
            self.writings[row] = again
        return found


Answer = Callable[..., None]
"""Answers a batch: longest answer, prompts, completions to fill, uniform numbers, samples, watched rows, steering."""


def put_in(
    answer: Answer,
    longest: int,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Completion],
    uniform: Tensor | None,
    watched: Tensor,
    steering: Steering,
) -> None:
    """Write those completions anew that lack a placeholder, from where it has its place; each has a prompt of its own.

    Args:
        answer: see `Answer`.
        longest: tokens that an answer may have.
        prompts: one a row.
        completions: one a row, answered by now.
        uniform: [B, longest] numbers that they were drawn with, None for greedy ones.
        watched: [B] whether loops are cut.
        steering: that of these rows.
    """
    widest = max(map(len, prompts)) + longest
    while writings := steering.again():
        rows, starts = [*writings], [[*one.tokens] for one in writings.values()]
        asked = [[*prompts[row], *start] for row, start in zip(rows, starts, strict=True)]
        room = min(longest - min(map(len, starts)), widest - max(map(len, asked)))
        found = [Completion() for _ in rows]
        if room > 0:
            drawn = None if uniform is None else torch.stack(
                # The numbers of these very places, so that no answer depends on what else is in the batch.
                [pad(uniform[row, len(one) :], (0, len(one)))[:room] for row, one in zip(rows, starts, strict=True)]
            )  # fmt: skip
            answer(room, asked, found, drawn, 1, watched[rows], Steering([*writings.values()]))
        for row, start, new in zip(rows, starts, found, strict=True):
            old = completions[row]
            same = len(start) - (old.tokens[: len(start)] != start)  # the last one is put in: it comes for sure
            old.logprobs = [*old.logprobs[:same], *[0.0] * (len(start) - same), *new.logprobs][:longest]
            old.finished = new.finished and len(start) + len(new.tokens) <= longest
            old.tokens = [*start, *new.tokens][:longest]
