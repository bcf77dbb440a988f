"""Cross-entropy at chosen positions, with loss temperature and label smoothing.

Only the positions that carry loss are projected to the vocabulary: for instruction tuning that is half of the work of
a small model or less.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from in2x.training.attention import LONG, causal_mask, documents_mask
from in2x.training.attention import NAME as OURS
from in2x.training.batches import Batch
from in2x.training.compiling import own_cache
from in2x.training.forward import body, forward_of, head, layers
from in2x.training.shapes import round_up

POSITIONS = 128
IGNORED = -100


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


def plain_logits(model: PreTrainedModel, batch: Batch, balance: bool = False) -> tuple[Tensor, Tensor | None]:
    """Logits [N, V] at the positions of `batch` that carry loss, by the model's own forward pass, one text a row.

    The body's states are cut down to those positions on their way to the head, so its scales and caps are computed
    where they are needed only.

    Args:
        model: any causal language model of transformers.
        batch: without a shared beginning; made `alone` here where it was not before.
        balance: return the balance loss of a mixture of experts over all tokens, too.
    """
    batch = batch if batch.mask is not None else batch.alone()
    where, chosen = batch.where, False

    def choose(_: nn.Module, __: object, out: Any) -> Any:
        nonlocal chosen
        states = out.last_hidden_state
        out.last_hidden_state, chosen = states.reshape(-1, states.shape[-1])[where][None], True
        return out

    hook = body(model).register_forward_hook(choose)
    try:
        out = model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False,
                    **({"output_router_logits": True} if balance else {}))  # fmt: skip
    finally:
        hook.remove()
    logits: Tensor = out.logits[0] if chosen else out.logits.flatten(0, 1)[where]
    return logits, out.aux_loss if balance else None


def cross_entropy(states: Tensor, head: Tensor, targets: Tensor, temperature: float, smoothing: float) -> Tensor:
    """`cross_entropy_of` the logits states head^T.

    Args:
        states: [N, H] hidden states at the positions with loss.
        head: [V, H] output embedding.
        targets: see `cross_entropy_of`.
        temperature: likewise.
        smoothing: likewise.
    """
    return cross_entropy_of(states @ head.t(), targets, temperature, smoothing)


def cross_entropy_of(logits: Tensor, targets: Tensor, temperature: float, smoothing: float) -> Tensor:
    """Mean cross-entropy in nats of softmax(logits / temperature) (METHOD 4), in fp32 or better.

    Args:
        logits: [N, V].
        targets: [N]; -100 is left out.
        temperature: tau > 0 of the training loss; 1 is the usual loss.
        smoothing: label smoothing in [0, 1).
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    if temperature != 1:
        logits = logits / temperature
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


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
        if self.model.config._attn_implementation == OURS and (device != "cpu" or batch.ids.shape[1] > LONG):
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
            logits, uneven = plain_logits(self.model, batch, balance)
            return cross_entropy_of(logits, batch.targets, temperature, smoothing), uneven
        if self.one_graph and batch.borders is None and self.model.config._attn_implementation == OURS:
            batch = as_packed(batch)  # elsewhere a mask would cost the fused kernel
        states = hidden_states(self.model, batch)
        where, targets = pad_positions(batch)
        states = states.reshape(-1, states.shape[-1])[where]
        return self._loss(states, head(self.model).weight, targets, temperature, smoothing), None
