"""Log-probabilities and entropies of sampled answers under the model that is trained.

Short answers to one prompt stand behind it in one row: each sees the prompt and itself, and positions go on from the
prompt's end. So a prompt is computed once for several answers, forwards and backwards; not for all of them, because
attention grows with the square of the row. A model that such rows do not fit (`training/forward.py`) reads one answer a
row, by its own forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from in2x.rl.head import token_scores
from in2x.training.batches import Batch, Example, collate
from in2x.training.forward import forward_of, head
from in2x.training.loss import hidden_states, pad_positions, plain_logits
from in2x.training.precision import autocast
from in2x.training.shapes import round_up

ROW, COLUMNS = 128, 16
"""Tokens beyond which a row takes no further answer; rows are padded to a multiple."""


@dataclass(frozen=True)
class Group:
    """A prompt and its answers, as token ids."""

    prompt: list[int]
    answers: list[list[int]]

    @property
    def tokens(self) -> int:
        """Tokens of the rows that hold them all."""
        return sum(len(self.prompt) + sum(map(len, answers)) for answers in self.rows())

    def rows(self) -> list[list[list[int]]]:
        """The answers that share a row, in order."""
        found: list[list[list[int]]] = []
        length = ROW
        for answer in self.answers:
            if length + len(answer) > ROW:
                found.append([])
                length = len(self.prompt)
            found[-1].append(answer)
            length += len(answer)
        return found


@dataclass
class Scored:
    """What the model says of B answers, padded to T answer tokens."""

    logprobs: Tensor
    """[B, T] log pi(token) under softmax(logits / temperature), fp32; 0 on padding."""
    entropy: Tensor
    """[B, T] entropy in nats; 0 on padding."""
    mask: Tensor
    """[B, T] True on answer tokens."""


def group_batch(groups: Sequence[Group], pad: int) -> Batch:
    """A row or several a group (see the module docstring); targets are the answers' tokens, group by group."""
    rows = [(group.prompt, answers) for group in groups for answers in group.rows()]
    width = round_up(max(len(prompt) + sum(map(len, answers)) for prompt, answers in rows), COLUMNS)
    ids = np.full((len(rows), width), pad, dtype=np.int64)
    starts = np.tile(np.arange(width), (len(rows), 1))
    positions = np.zeros((len(rows), width), dtype=np.int64)
    where: list[int] = []
    targets: list[int] = []
    for row, (prompt, answers) in enumerate(rows):
        begin = len(prompt)
        ids[row, :begin] = prompt
        starts[row, :begin] = 0
        positions[row, :begin] = np.arange(begin)
        place = begin
        for answer in answers:
            end = place + len(answer)
            ids[row, place:end] = answer
            starts[row, place:end] = place
            positions[row, place:end] = np.arange(begin, begin + len(answer))
            where += [row * width + begin - 1, *range(row * width + place, row * width + end - 1)]
            targets += answer
            place = end
    shared = torch.tensor([len(prompt) for prompt, _ in rows])
    return Batch(torch.from_numpy(ids), torch.tensor(where), torch.tensor(targets), torch.from_numpy(starts),
                 torch.from_numpy(positions), shared)  # fmt: skip


def answer_logprobs(
    model: PreTrainedModel, groups: Sequence[Group], temperature: float, pad: int, compiled: bool = False
) -> Scored:
    """Score every answer of `groups`, in order, at the sampling temperature; `compiled`: see `token_scores`."""
    device = next(model.parameters()).device
    batch = group_batch(groups, pad).to(device)
    if forward_of(model).fits(batch):
        states = hidden_states(model, batch)
        where, targets = pad_positions(batch, target=0)
        states = states.reshape(-1, states.shape[-1])[where]
        scores = token_scores(states, head(model).weight, targets, temperature, compiled)
        chosen, entropy = (score[: len(batch.where)] for score in scores)
    else:
        alone = [Example(g.prompt + answer, len(g.prompt)) for g in groups for answer in g.answers]
        rows = collate(alone, pad).to(device)
        logs = torch.log_softmax(plain_logits(model, rows).float() / temperature, -1)
        chosen, entropy = logs.gather(1, rows.targets[:, None])[:, 0], -(logs.exp() * logs).sum(-1)
    lengths = torch.tensor([len(answer) for group in groups for answer in group.answers])
    mask = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).to(device)

    def spread(values: Tensor) -> Tensor:
        return torch.zeros(mask.shape, device=values.device).masked_scatter(mask, values)

    return Scored(spread(chosen), spread(entropy), mask)


def length_groups(lengths: Sequence[int], device_tokens: int) -> Iterator[list[int]]:
    """Numbers of rows in batches of like length of at most `device_tokens` positions (a longer row stands alone)."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and (len(batch) + 1) * lengths[i] > device_tokens:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def old_logprobs(
    model: PreTrainedModel, groups: Sequence[Group], temperature: float, pad: int, device_tokens: int,
    compiled: bool = False,
) -> list[list[Tensor]]:  # fmt: skip
    """For each group, the [tokens] log-probabilities of its answers before the updates, by the training forward pass.

    The sampler's own log-probabilities come from bfloat16 weights; taking these instead makes the ratio of the first
    update exactly 1.
    """
    found: list[list[Tensor]] = [[] for _ in groups]
    for numbers in length_groups([g.tokens for g in groups], device_tokens):
        # A compiled pass is the one of the updates, gradient and all: another would have to be compiled, and differ.
        with torch.set_grad_enabled(compiled), autocast(next(model.parameters()).device):
            scored = answer_logprobs(model, [groups[i] for i in numbers], temperature, pad, compiled)
        rows = iter(scored.logprobs.detach())
        for i in numbers:
            found[i] = [next(rows)[: len(answer)] for answer in groups[i].answers]
    return found
