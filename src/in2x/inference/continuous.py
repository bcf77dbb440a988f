"""Continuous batching: a place whose answer has ended is given to the next prompt, so that no product is half empty.

All rows write their keys at the same position; a new prompt is laid so that it ends there, and a mask hides what stands
before it in its row. What attention reads is therefore one stretch, as long as the longest answer in work, in few
shapes. The beginning that all prompts share is computed once. Chosen tokens are those of `sampler.sample`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from itertools import takewhile

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from in2x.inference.choice import choose
from in2x.inference.decoder import Decoder, Linear
from in2x.inference.loops import EVERY, looping
from in2x.training.shapes import round_up

ROWS = 128
"""Answers in work side by side: more is no faster, and the keys leave the processor's cache."""
PREFILL = 4096
"""Prompt tokens computed at once."""
HELD = 1 << 30
"""Bytes of keys and values held at once: of a large model fewer rows are in work."""
WIDE = 128
"""Columns in which the most probable token is looked for."""
COLUMNS = 16
"""Key positions are read in multiples of it (a kernel is made for each shape)."""


@torch.inference_mode()
def answers(
    decoder: Decoder,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    *,
    stop_ids: Collection[int],
    temperature: float = 0.0,
    samples: int = 1,
    seed: int = 0,
    watched: Sequence[bool] = (),
    only: Tensor | None = None,
) -> list[list[list[int]]]:
    """`samples` answers to each prompt, as token ids up to and with a stop token.

    Args:
        decoder: see `decoder.py`.
        prompts: token lists, none empty.
        limits: longest answer to each.
        stop_ids: tokens that end an answer.
        temperature: 0 is greedy.
        samples: answers a prompt.
        seed: an answer depends on (seed, prompt number, sample number) and the model, not on batching beyond rounding.
        watched: for each prompt, whether an answer that has fallen into a loop is cut (`loops.py`); none, where empty.
        only: [K] the tokens, rising, that greedy answers may be made of (`shortlist.py`); all, where None.
    """
    return _Work(decoder, prompts, limits, sorted(stop_ids), temperature, samples, seed, watched, only).done()


class _Work:
    """The answers in work. Rows are places [R]; `owner` says whose answer a row is writing."""

    def __init__(
        self, decoder: Decoder, prompts: Sequence[Sequence[int]], limits: Sequence[int], stops: list[int],
        temperature: float, samples: int, seed: int, watched: Sequence[bool], only: Tensor | None,
    ) -> None:  # fmt: skip
        self.decoder, self.prompts, self.samples, self.temperature = decoder, prompts, samples, temperature
        self.waiting = deque(sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i)))
        self.stops = torch.tensor(stops)
        longest = max(limits)
        self.limits = torch.tensor(limits).repeat_interleave(samples)
        self.watched = torch.tensor(watched or [False] * len(prompts)).repeat_interleave(samples)
        self.uniform = None
        if temperature > 0:
            drawn = np.random.default_rng(seed).random((len(prompts), samples, longest))
            self.uniform = torch.from_numpy(drawn.reshape(len(prompts) * samples, longest))
        self.only = only if temperature == 0 else None
        self.head = None if self.only is None else Linear(decoder.output[self.only]).laid_out()
        self.said = torch.full((len(prompts) * samples, longest), -1)
        self.shared = _shared(prompts)
        width = max(map(len, prompts))
        row = 2 * len(decoder.layers) * decoder.kv_heads * decoder.size * decoder.dtype.itemsize * (width + longest)
        rows = max(samples, min(ROWS, len(prompts) * samples, HELD // row))
        self.live = torch.zeros(rows, dtype=torch.bool)
        self.owner, self.age, self.token, self.position = (torch.zeros(rows, dtype=torch.long) for _ in range(4))
        self.start = torch.zeros(rows, dtype=torch.long)
        self.end = 0
        """The position that all rows write next; those from it on are hidden."""
        shape = (rows, decoder.kv_heads, 0, decoder.size)
        self.keys, self.values = ([torch.zeros(shape, dtype=decoder.dtype) for _ in decoder.layers] for _ in range(2))
        self.lowest = torch.finfo(decoder.dtype).min
        self.mask = torch.zeros(shape[:3], dtype=decoder.dtype)

    def done(self) -> list[list[list[int]]]:
        """All answers."""
        self.beginning = self._beginning()
        while True:
            self._admit()
            if not self.live.any():
                break
            if not self.waiting:
                self._shrink()
            if self.end == self.mask.shape[-1]:
                self._frame(0)
            self._step()
        ended = set(self.stops.tolist())
        rows = [_upto(row, ended) for row in self.said.tolist()]
        return [rows[i * self.samples : (i + 1) * self.samples] for i in range(len(self.prompts))]

    def _beginning(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values [KV, P, D] of each layer for the `shared` beginning."""
        kept: list[tuple[Tensor, Tensor]] = []
        if self.shared:
            self._read(torch.tensor([self.prompts[0][: self.shared]]), torch.zeros(1, dtype=torch.long), [], kept)
        return [(keys[0], values[0]) for keys, values in kept]

    def _read(
        self, ids: Tensor, left: Tensor, before: list[tuple[Tensor, Tensor]], kept: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        """[B, width] states of the last of `ids` [B, T], whose first `left` [B] are padding, after `before`.

        `kept` takes the keys and values [B, KV, P + T, D] of each layer.
        """
        decoder = self.decoder
        batch, length = ids.shape
        begun = before[0][0].shape[1] if before else 0
        column = torch.arange(begun + length)
        seen = column[None] <= begun + torch.arange(length)[:, None]
        padded = (column >= begun) & (column[None] < begun + left[:, None])
        # A padded query sees itself, or its softmax would have nothing to sum.
        own = column[None] == begun + torch.arange(length)[:, None]
        allowed = seen[None] & ~padded[:, None] | own[None]
        mask = torch.zeros(allowed.shape, dtype=decoder.dtype).masked_fill_(~allowed, self.lowest)
        group = decoder.heads // decoder.kv_heads
        whole_mask = mask[:, None, None].expand(-1, decoder.kv_heads, group, -1, -1)
        mask = whole_mask.reshape(-1, group * length, len(column))
        last_mask = whole_mask[..., -1, :].reshape(-1, group, len(column))
        positions = (torch.arange(length)[None] - left[:, None]).clamp_(min=0) + begun

        def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            pair = []
            for which, new in enumerate((keys, values)):
                whole = new.reshape(batch, length, decoder.kv_heads, -1).transpose(1, 2)
                if before:
                    whole = torch.cat((before[layer][which].expand(batch, -1, -1, -1), whole), 2)
                pair.append(whole.contiguous())
            kept.append((pair[0], pair[1]))
            each = len(queries) // batch  # all of a text's, or in the last layer the last
            grouped = queries.reshape(batch, each, decoder.kv_heads, group, -1).permute(0, 2, 3, 1, 4)
            found = decoder.grouped(
                grouped.reshape(-1, group * each, decoder.size), pair[0].flatten(0, 1), pair[1].flatten(0, 1),
                mask if each == length else last_mask,
            )  # fmt: skip
            found = found.view(batch, decoder.heads, each, -1).transpose(1, 2)
            return found.reshape(batch * each, -1)

        last = torch.arange(1, batch + 1) * length - 1
        return decoder.states(ids.flatten(), positions.flatten(), attend, last)

    def _admit(self) -> None:
        """Give free places to prompts that wait, once a quarter is free (prompts are read together)."""
        rows = len(self.live)
        while self.waiting:
            free = (~self.live).nonzero()[:, 0]
            if len(free) < max(self.samples, rows // 4):
                return
            widest = round_up(len(self.prompts[self.waiting[0]]) - self.shared, 4)
            count = min(len(free) // self.samples, len(self.waiting), max(1, PREFILL // widest))
            self._begin([self.waiting.popleft() for _ in range(count)], widest, free[: count * self.samples])

    def _begin(self, chosen: list[int], widest: int, rows: Tensor) -> None:
        """Read the prompts `chosen` and choose the first token of their answers, which go into the places `rows`."""
        ids = torch.zeros((len(chosen), widest), dtype=torch.long)
        left = torch.zeros(len(chosen), dtype=torch.long)
        for row, number in enumerate(chosen):
            own = torch.tensor(self.prompts[number][self.shared :])
            left[row] = widest - len(own)
            ids[row, widest - len(own) :] = own
        kept: list[tuple[Tensor, Tensor]] = []
        logits = self.decoder.logits(self._read(ids, left, self.beginning, kept), self.head)
        fan = torch.arange(len(chosen)).repeat_interleave(self.samples)
        if self.end < widest + self.shared:
            self._frame(widest + self.shared)
        begin = self.end - widest - self.shared
        place = slice(begin, self.end)
        for own_keys, own_values, (keys, values) in zip(self.keys, self.values, kept, strict=True):
            own_keys[rows, :, place], own_values[rows, :, place] = keys[fan], values[fan]
        column = torch.arange(begin, self.end)
        hidden = (column >= begin + self.shared) & (column[None] < begin + self.shared + left[fan, None])
        row_mask = torch.full((len(rows), self.mask.shape[-1]), self.lowest, dtype=self.mask.dtype)
        row_mask[:, place] = torch.where(hidden, self.lowest, 0.0).to(self.mask.dtype)
        self.mask[rows] = row_mask[:, None]
        self.start[rows], self.age[rows], self.live[rows] = begin, 0, True
        self.owner[rows] = (torch.tensor(chosen)[:, None] * self.samples + torch.arange(self.samples)).flatten()
        self.position[rows] = torch.tensor([len(self.prompts[number]) for number in chosen])[fan]
        self._take(rows, logits[fan])

    def _take(self, rows: Tensor, logits: Tensor) -> None:
        """Choose a token for each of `rows` from `logits`; rows whose answer ends give their place up."""
        owner, age, live = self.owner[rows], self.age[rows], self.live[rows]
        if self.uniform is None:
            token = best(logits)
            token = token if self.only is None else self.only[token]
        else:
            drawn = self.uniform[owner, age.clamp(max=self.said.shape[1] - 1)]
            token, _ = choose(logits.float(), drawn, self.temperature)
        self.said[owner[live], age[live]] = token[live]
        age += 1
        live &= ~(torch.isin(token, self.stops) | (age >= self.limits[owner]))
        due = live & (age % EVERY == 0) & self.watched[owner]
        for count in age[due].unique().tolist():
            these = due & (age == count)
            live[these] = ~looping(self.said[owner[these], :count])
        self.token[rows], self.age[rows], self.live[rows] = token, age, live

    def _shrink(self) -> None:
        """Drop places that no prompt waits for, a quarter of them or more at a time."""
        count, rows = int(self.live.sum()), len(self.live)
        room = round_up(count, 16) if count > 16 else 1 << (count - 1).bit_length()
        if room > rows * 3 // 4:
            return
        kept = torch.cat((self.live.nonzero()[:, 0], (~self.live).nonzero()[: room - count, 0]))
        self.keys, self.values = ([part[kept] for part in parts] for parts in (self.keys, self.values))
        self.mask = self.mask[kept]
        for name in ("live", "owner", "age", "token", "position", "start"):
            setattr(self, name, getattr(self, name)[kept])

    def _frame(self, room: int) -> None:
        """Hold the positions that live rows look at, `room` of them at least, and room behind them, and no others.

        What attention reads is contiguous so: a product copies what is not.
        """
        first = int(self.start[self.live].min()) if self.live.any() else self.end
        by = min(first, self.end - room) // COLUMNS * COLUMNS
        behind = round_up(self.end - by + 1, COLUMNS) - (self.mask.shape[-1] - by)
        self.keys, self.values = (
            [pad(part, (0, 0, -by, behind)) for part in parts] for parts in (self.keys, self.values)
        )
        self.mask = pad(self.mask, (-by, behind), value=self.lowest)
        self.start -= by
        self.end -= by

    def _step(self) -> None:
        """One token more for every row."""
        decoder, end = self.decoder, self.end
        group = decoder.heads // decoder.kv_heads
        self.mask[..., end] = 0
        mask = self.mask.flatten(0, 1)[:, None]

        def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            self.keys[layer][:, :, end], self.values[layer][:, :, end] = keys, values
            found = decoder.grouped(
                queries.reshape(-1, group, decoder.size), self.keys[layer].flatten(0, 1),
                self.values[layer].flatten(0, 1), mask,
            )  # fmt: skip
            return found.view(len(queries), -1)

        logits = decoder.logits(decoder.states(self.token, self.position, attend), self.head)
        self.end += 1
        self.position = (self.position + 1).clamp_(max=len(decoder.cos) - 1)  # of rows that have ended
        self._take(torch.arange(len(self.live)), logits)


def best(logits: Tensor) -> Tensor:
    """[B] a most probable token of [B, V].

    argmax reads the vocabulary one entry after the other; maxima of columns are vector operations.
    """
    size = logits.shape[1] // WIDE * WIDE
    if not size:
        whole: Tensor = logits.float().argmax(-1)
        return whole
    table: Tensor = logits[:, :size].unflatten(1, (-1, WIDE))
    column = table.amax(1).float().argmax(-1)
    value, row = table[torch.arange(len(logits)), :, column].float().max(-1)
    token: Tensor = row * WIDE + column
    if size < logits.shape[1]:
        rest, number = logits[:, size:].float().max(-1)
        token = torch.where(rest > value, size + number, token)
    return token


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with; each keeps one of its own."""
    texts = [list(prompt) for prompt in prompts]
    low, high = min(texts), max(texts)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    return min(same, min(map(len, texts)) - 1)


def _upto(tokens: list[int], ended: set[int]) -> list[int]:
    """`tokens` up to and with the first that ends an answer, or to where it was cut."""
    count = next((n + (token >= 0) for n, token in enumerate(tokens) if token in ended or token < 0), len(tokens))
    return tokens[:count]
