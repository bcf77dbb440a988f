"""A causal language model with its loss: cross-entropy at chosen positions.

Only the positions that carry loss are projected to the vocabulary: for instruction tuning that is half of the work of
a small model or less.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from in2x.training.attention import LONG, VARIABLE, causal_mask, documents_mask
from in2x.training.attention import NAME as OURS
from in2x.training.batches import Batch
from in2x.training.compiling import own_cache
from in2x.training.entropy import IGNORED, ONE_PIECE, by_checkpoints, cross_entropy, cross_entropy_of, in_chunks
from in2x.training.forward import body, forward_of, head, layers
from in2x.training.shapes import round_up

POSITIONS = 128


def hidden_states(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Last hidden states [B, T, H] of `batch` under its document structure, where `Forward.fits` it."""
    mask = None
    if batch.borders is not None:
        mask = documents_mask(batch.borders, batch.span)
    elif batch.starts is not None or model.config._attn_implementation == OURS:
        dtype = torch.bfloat16 if torch.is_autocast_enabled(batch.ids.device.type) else model.dtype
        mask = causal_mask(batch.starts, batch.ids.shape[1], dtype, batch.ids.device, batch.shared)
    states: Tensor = body(model)(
        input_ids=batch.ids, attention_mask=mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    return states


def plain_logits(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Logits [N, V] at the positions of `batch` that carry loss, by the model's own forward pass, one text a row.

    Args:
        model: any causal language model of transformers.
        batch: without a shared beginning; made `alone` here where it was not before.
    """
    states, logits_of, _ = plain_states(model, batch)
    return logits_of(states)


def plain_states(
    model: PreTrainedModel, batch: Batch, balance: bool = False
) -> tuple[Tensor, Callable[[Tensor], Tensor], Tensor | None]:
    """States [N, H] of the model's own forward pass at the positions that carry loss, and what it makes of them.

    What comes behind the body (the head with its scales and caps) sees one position of the pass only; then it is asked
    for the logits of given states, by the model's own code around a body that returns them.

    Args:
        model: see `plain_logits`.
        batch: likewise.
        balance: return the balance loss of a mixture of experts over all tokens, too.

    Returns:
        The states; the function from [n, H] states to [n, V] logits; the balance loss or None. Where the states cannot
        be told apart the logits stand for them.
    """
    batch = batch if batch.mask is not None else batch.alone()
    below = body(model)
    seen: list[Any] = []

    def take(_: nn.Module, __: object, out: Any) -> Any:
        seen.append(out.last_hidden_state)
        out.last_hidden_state = out.last_hidden_state[:1, :1]
        seen.append(out)
        return out

    hook = below.register_forward_hook(take)
    try:
        asked = {"output_router_logits": True} if balance else {}
        whole = model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False, **asked)
    finally:
        hook.remove()
    uneven = whole.aux_loss if balance else None
    if not seen:  # a model that goes by its body's parts (OPT)
        return whole.logits.flatten(0, 1)[batch.where], lambda logits: logits, uneven
    states, out = seen

    def logits_of(states: Tensor) -> Tensor:
        given = copy(out)
        given.last_hidden_state = states[None]
        below.forward = lambda *_, **__: given
        try:
            logits: Tensor = model(input_ids=batch.ids[:1, :1], use_cache=False).logits[0]
        finally:
            del below.forward
        return logits

    chosen: Tensor = states.reshape(-1, states.shape[-1])[batch.where]
    return chosen, logits_of, uneven


def pad_positions(batch: Batch, target: int = IGNORED) -> tuple[Tensor, Tensor]:
    """`where` and `targets` filled up to a multiple of 128 (position 0, target -100, which every loss here ignores).

    The number of positions with loss differs from batch to batch; CPU matrix kernels are made and kept per shape, so
    without this every step would make new ones and memory would grow with them.
    """
    extra = round_up(len(batch.where), POSITIONS) - len(batch.where)
    return functional.pad(batch.where, (0, extra)), functional.pad(batch.targets, (0, extra), value=target)


def as_packed(batch: Batch) -> Batch:
    """`batch` with starts and positions written out, as blocks of several documents bring them: one graph for both."""
    if batch.starts is not None:
        return batch
    positions = torch.arange(batch.ids.shape[1], device=batch.ids.device).repeat(len(batch.ids), 1)
    return replace(batch, starts=torch.zeros_like(batch.ids), positions=positions)


class LanguageModelingLoss(nn.Module):
    """A causal language model with its loss, as one module (so that accelerate can wrap it whole).

    Args:
        model: any causal language model of transformers.
        temperature: loss temperature tau.
        smoothing: label smoothing.
        compiled: compile each layer and the loss head (dynamic shapes; one graph serves all layers).

    A mixture of experts is trained with its balance loss, weighted as its config says; held-out losses are without it.

    Attributes:
        smallest: batches of fewer tokens run without the compiled graph: the compiler's choices hold from some size on,
            and for a last, small batch it would compile everything once more.
        eager: how many did.
        one_graph: bring every batch to the form of packed blocks: the graph of pretraining then serves SFT and RL too.
    """

    def __init__(
        self, model: PreTrainedModel, temperature: float = 1.0, smoothing: float = 0.0, compiled: bool = False
    ) -> None:
        super().__init__()
        self.model = model
        found = forward_of(model)
        self.fits, self.balance = found.fits, found.balance
        self.temperature, self.smoothing = temperature, smoothing
        self.smallest = self.eager = 0
        self.one_graph = compiled
        if compiled:
            own_cache()
        self._loss = torch.compile(cross_entropy, dynamic=True) if compiled else cross_entropy
        if compiled:
            for layer in layers(model):
                layer.compile(dynamic=True)

    def prepared(self, batch: Batch, held_out: bool = False) -> Batch:
        """`batch`, still in main memory, in the form that its forward pass reads: what hangs on its numbers is done.

        Texts of their own for the plain pass; borders of documents, in place of a dense mask, where our attention runs
        on a GPU or rows are long.
        """
        if (self.balance and not held_out) or not self.fits(batch):
            return batch.alone()
        device = next(self.parameters()).device.type
        if self.model.config._attn_implementation == OURS and (device in VARIABLE or batch.ids.shape[1] > LONG):
            return batch.bordered()
        return batch

    def forward(self, batch: Batch, held_out: bool = False, weight: float = 1.0, even: float = 1.0) -> Tensor:
        """Mean loss over the positions of `batch`; of held-out text at temperature 1 and without smoothing.

        Args:
            batch: on the device of the model.
            held_out: see above; without the balance loss.
            weight: factor on the cross-entropy, where the batch is a part of a step.
            even: factor on the balance loss.
        """
        if held_out:
            return self._forward(batch, 1.0, 0.0, False)[0] * weight
        if batch.tokens < self.smallest:
            self.eager += 1
            with torch.compiler.set_stance("force_eager"):
                return self._weighted(batch, weight, even)
        return self._weighted(batch, weight, even)

    def _weighted(self, batch: Batch, weight: float, even: float) -> Tensor:
        loss, uneven = self._forward(batch, self.temperature, self.smoothing, bool(self.balance))
        loss = loss * weight
        return loss if uneven is None else loss + even * self.balance * uneven.to(loss.device)

    def _forward(
        self, batch: Batch, temperature: float, smoothing: float, balance: bool
    ) -> tuple[Tensor, Tensor | None]:
        if balance or batch.mask is not None or not self.fits(batch):
            states, logits_of, uneven = plain_states(self.model, batch, balance)
            if self._in_one_piece(states):
                logits = logits_of(states)
                return cross_entropy_of(logits, batch.targets, temperature, smoothing), uneven
            return by_checkpoints(logits_of, states, batch.targets, temperature, smoothing), uneven
        if self.one_graph and batch.borders is None and self.model.config._attn_implementation == OURS:
            batch = as_packed(batch)  # elsewhere a mask would cost the fused kernel
        states = hidden_states(self.model, batch)
        where, targets = pad_positions(batch)
        states = states.reshape(-1, states.shape[-1])[where]
        if self._in_one_piece(states):
            return self._loss(states, head(self.model).weight, targets, temperature, smoothing), None
        return in_chunks(states, head(self.model).weight, targets, temperature, smoothing, self.one_graph), None

    def _in_one_piece(self, states: Tensor) -> bool:
        return len(states) * head(self.model).weight.shape[0] <= ONE_PIECE
