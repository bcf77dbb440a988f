"""Forced decoding of the placeholders of inline tags: each of the source's once, nested as there, and no other.

While an answer is written a placeholder can come only where it may stand: inside the pair that it stands in in the
source, the end of a pair behind words, nothing twice. What the model has left out when it ends is put in where it most
nearly wrote it, the earliest first, and from there it goes on in the words that it had: so a missing tag stands where
the model would have it, not at the end of the line. Near the longest length of an answer what is left comes at once.

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
_FAR = 1e6
TRIES = 3
"""How often an answer is written anew for each placeholder of its source, at most (our choice)."""


@dataclass(frozen=True)
class ForcedSlot:
    """A placeholder as tokens."""

    opening: int
    """Of the mark, or of the beginning of the pair."""
    closing: int | None
    """Of the end of the pair; None for a mark."""
    parent: int | None
    """Index of the slot right around it."""
    idle: frozenset[int] | None
    """Tokens that do not fill a pair: it must hold words, or signs where it has none but signs. None: nothing."""


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
            ForcedSlot(tokens[one.names[0]], tokens[one.names[1]] if one.names[1:] else None, one.parent,
                       self._idle(one.held)) for one in asked
        )  # fmt: skip
        return Forced(tuple(found), tuple(banned), limit, self)

    def cut(self, tokens: Sequence[int]) -> bool:
        """Whether `tokens` end within a character."""
        return (
            bool(tokens)
            and tokens[-1] in self._partial
            and str(self.tokenizer.decode(list(tokens[-4:]))).endswith(_CUT)
        )

    def _idle(self, held: str) -> frozenset[int] | None:
        if not held.strip():
            return None
        return self._wordless if any(map(str.isalnum, held)) else self._blank

    @cached_property
    def _blank(self) -> frozenset[int]:
        """Tokens that show nothing."""
        return frozenset(n for n, text in enumerate(self._texts) if not text.strip()) | self._special

    @cached_property
    def _wordless(self) -> frozenset[int]:
        """Tokens without a letter or a digit."""
        signs = (n for n, text in enumerate(self._texts) if not any(c.isalnum() or c == _CUT for c in text))
        return frozenset(signs) | self._special

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
        words: tokens without placeholders that come after `start`; None: as the model likes.
        tries: how often it may be written anew.
    """

    def __init__(
        self, forced: Forced, start: Sequence[int] = (), words: Sequence[int] | None = None, tries: int | None = None
    ) -> None:
        self.forced = forced
        self._tries = TRIES * len(forced.slots) if tries is None else tries
        self.tokens: list[int] = []
        self.ended = False
        self._words = None if words is None else [*words]
        self._inside: list[int] = []
        self._opened: set[int] = set()
        self._closed: set[int] = set()
        self._filled: set[int] = set()
        self._lack: dict[int, list[tuple[float, int]]] = {}
        """Placeholder -> by how much the model preferred what came, and where, for each place that it might have."""
        for token in start:
            self._take(token)
        self._start = len(start)

    def push(self, token: int) -> None:
        """Take in the next token."""
        if not self.ended:
            if self._words and token == self._words[0]:
                del self._words[0]
            self._take(token)

    def _take(self, token: int) -> None:
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
        self._filled.update(n for n in self._inside if token not in (self.forced.slots[n].idle or ()))

    def due(self) -> list[int]:
        """The placeholders that are still to come, whether they may now or not."""
        return [*(slot.opening for n, slot in enumerate(self.forced.slots) if n not in self._opened),
                *(slot.closing for n, slot in enumerate(self.forced.slots)
                  if slot.closing is not None and n not in self._closed)]  # fmt: skip

    def steer(self, scores: Tensor) -> None:
        """Put to minus infinity what cannot come next, in the scores [V] of all tokens."""
        due = self.due()
        unfilled = sum(slot.idle is not None and n not in self._filled for n, slot in enumerate(self.forced.slots))
        urgent = 0 < len(due) >= self.forced.limit - len(self.tokens) - unfilled
        allowed = list(self._allowed(urgent))
        had = scores[allowed]
        # Not within a character, unless there is no better place.
        cut = _FAR if self.forced.vocabulary.cut(self.tokens) else 0.0
        now = allowed if urgent or not cut else []
        if self._words is not None:
            following = self._words[:1] or sorted(self.forced.vocabulary.stop_ids)
            _only(scores, [*now, *following])
            best = float(scores[following].max())
        else:
            scores[list(self.forced.banned)] = -torch.inf
            best = float(scores.max())
            scores[now] = had[: len(now)]
        for token, score in zip(allowed, had.tolist(), strict=True):
            self._lack.setdefault(token, []).append((best - score + cut, len(self.tokens)))
        if urgent and allowed:
            _only(scores, allowed)
        elif urgent and self._words is None and self._inside:
            scores[list(self.forced.slots[self._inside[-1]].idle or ())] = -torch.inf

    def _allowed(self, urgent: bool) -> Iterator[int]:
        """The placeholders that may come next."""
        around = self._inside[-1] if self._inside else None
        missing = [n for n, slot in enumerate(self.forced.slots) if slot.parent == around and n not in self._opened]
        for n in missing:
            idle = self.forced.slots[n].idle
            if self._words is None or idle is None or any(word not in idle for word in self._words):
                yield self.forced.slots[n].opening
        if around is not None:
            slot = self.forced.slots[around]
            # What a pair lacks when it ends is put in later (`again`), unless there is no later.
            if slot.closing is not None and (slot.idle is None or around in self._filled) and not (missing and urgent):
                yield slot.closing

    def again(self) -> Writing | None:
        """The answer from where something that it lacks most nearly came, with it there, in the words that it has.

        None where it lacks nothing or nowhere has a place for it, and where it did not end: that lacks more.
        """
        if not self.ended or not self._tries:
            return None
        own = {token for slot in self.forced.slots for token in (slot.opening, slot.closing)}
        idle = {slot.opening: slot.idle for slot in self.forced.slots if slot.idle is not None}
        # Behind the last place where a pair can open there are no words for it.
        last = {
            token: max((at for at, one in enumerate(self.tokens) if one not in own | signs), default=-1)
            for token, signs in idle.items()
        }
        # A pair that opened behind the last words opens elsewhere.
        hollow = [self.forced.slots[n].opening for n in self._inside
                  if self.forced.slots[n].idle is not None and n not in self._filled]  # fmt: skip

        def places(since: int) -> list[tuple[int, int]]:
            """Of each placeholder that is missing, the place from `since` on where it most nearly came."""
            end = len(self.tokens)
            fit = {
                token: [one for one in self._lack.get(token, ()) if since <= one[1] <= last.get(token, end)]
                for token in (*self.due(), *hollow)
            }
            return [(min(lacks)[1], token) for token, lacks in fit.items() if lacks]

        # Before what was put in already only where nothing has its place behind it.
        found = places(self._start) or places(0)
        if not found:
            return None
        at, token = min(found)
        words = [one for one in self.tokens[at:-1] if one not in own]
        anew = Writing(self.forced, [*self.tokens[:at], token], words, self._tries - 1)
        anew._lack = {name: [one for one in lacks if one[1] < at] for name, lacks in self._lack.items()}
        return anew


def _only(scores: Tensor, tokens: list[int]) -> None:
    """Leave nothing but `tokens` in `scores`."""
    had = scores[tokens]
    scores.fill_(-torch.inf)
    scores[tokens] = had


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
