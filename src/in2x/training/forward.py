"""Which forward pass serves a model: ours, or transformers' own.

Ours puts several texts into a row under one causal mask and takes logits as `head.weight x states`, a block at a time.
That is right for a model whose layers mix positions by attention alone, under masks that are causal and no more, and
whose logits are that product and nothing else. Whether they are is not looked up by name: the model is watched while
it reads six tokens (`watch`; without weights too, on the meta device), and a packed row is compared with its texts
alone (`agrees`).

Elsewhere the plain pass serves: one text a row, the model's own masks, caps and scales (`loss.plain_logits`, and
transformers' `generate` in the sampler). It is slower; `Forward.words` says why it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from in2x.training.attention import NAME, causal_mask, dense_attention
from in2x.training.batches import Batch

WATCHING = "in2x_watching"
UNREAD = frozenset({"position_ids", "sliding_window", "output_router_logits"})
"""What models hand to their attention although it is in the rotated queries and in the mask already, or not for it."""
UNBOUNDED = 1 << 40
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}
"""Largest difference of packed states, in standard deviations; .1 in the half types."""


@dataclass(frozen=True)
class Forward:
    """What was found about a model."""

    plain: str
    """Why the plain pass serves always; "" where ours serves texts of up to `window` tokens."""
    window: int
    """Longest text whose masks are causal and no more (`UNBOUNDED` where there is no sliding or chunked layer)."""
    dense: bool
    """Whether our attention for CPUs computes what the model's own does."""
    attention: str
    """The implementation of attention that transformers chose for it."""
    balance: float
    """Weight of the balance loss of a mixture of experts; 0 where transformers has none for it."""

    def reads(self, length: int) -> bool:
        """Whether our pass is right for texts of up to `length` tokens."""
        return not self.plain and length <= self.window

    def fits(self, batch: Batch) -> bool:
        """Whether our pass is right for `batch`."""
        return not self.plain and (batch.ids.shape[1] <= self.window or batch.longest <= self.window)

    @property
    def words(self) -> str:
        """One sentence for people."""
        if self.plain:
            return f"plain forward pass, one text a row: {self.plain}"
        words = "fast forward pass"
        if self.window < UNBOUNDED:
            length = f"up to {self.window:,} tokens" if self.window else "some length (chunks)"
            words += f" for texts of {length}, its attention window; plain beyond"
        if self.balance:
            words += f"; plain in training, for the balance loss of its experts ({self.balance:g})"
        return words


def forward_of(model: PreTrainedModel) -> Forward:
    """What `watch` and `agrees` find, looked at once a model and kept with it (a deep copy has it too)."""
    found = model.__dict__.get("_in2x_forward")
    if found is None:
        found = watch(model)
        if not found.plain and model.device.type != "meta" and not agrees(model, found):
            found = Forward(
                "texts packed into one row change each other", 0, found.dense, found.attention, found.balance
            )
        model.__dict__["_in2x_forward"] = found
    return found  # type: ignore[no-any-return]


def body(model: PreTrainedModel) -> nn.Module:
    """The part of a causal language model below its head, whatever its name."""
    words = model.get_input_embeddings()
    found: nn.Module = next(c for c in model.children() if any(module is words for module in c.modules()))
    return found


def head(model: PreTrainedModel) -> nn.Linear:
    """The output embedding."""
    found: nn.Linear = model.get_output_embeddings()
    return found


def layers(model: PreTrainedModel) -> nn.ModuleList:
    """The layers of `model`, whatever their name."""
    count = model.config.get_text_config().num_hidden_layers
    lists = (module for module in body(model).modules() if isinstance(module, nn.ModuleList))
    return next(found for found in lists if len(found) == count)


@dataclass
class _Seen:
    """What one forward pass was seen to do."""

    calls: int = 0
    options: set[str] = field(default_factory=set)
    masks: list[tuple[Tensor, Callable[..., Any]]] = field(default_factory=list)
    used: list[Tensor] = field(default_factory=list)
    states: Tensor | None = None
    read: Tensor | None = None
    made: Tensor | None = None
    changed: int = 0


_seen = _Seen()


def _attention(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
               scaling: float, dropout: float = 0.0, **options: Any) -> tuple[Tensor, None]:  # fmt: skip
    _seen.calls += 1
    if attention_mask is not None:
        _seen.used.append(attention_mask)
    _seen.options |= {name for name, given in options.items() if given is not None and given is not False}
    return dense_attention(module, query, key, value, attention_mask, scaling, dropout)


def _mask(*args: Any, mask_function: Callable[..., Any], **options: Any) -> Tensor:
    made: Tensor = eager_mask(*args, mask_function=mask_function, **options)
    _seen.masks.append((made, mask_function))
    return made


AttentionInterface.register(WATCHING, _attention)
AttentionMaskInterface.register(WATCHING, _mask)


@contextmanager
def _evaluating(model: PreTrainedModel, attention: str) -> Iterator[None]:
    """`model` without dropout and with another attention, both put back."""
    training, kept = model.training, model.config._attn_implementation
    model.eval()
    try:
        model.set_attn_implementation(attention)
        with torch.no_grad():
            yield
    finally:
        model.set_attn_implementation(kept)
        model.train(training)


def _six(model: PreTrainedModel) -> Tensor:
    """[1, 6] tokens that every vocabulary has."""
    size = model.get_input_embeddings().num_embeddings
    ids: Tensor = (torch.arange(6, device=model.device)[None] * 7 + 3) % size
    return ids


def watch(model: PreTrainedModel) -> Forward:
    """Watch `model` read six tokens: what its attention is told, which masks it asks for, what becomes of its logits.

    Works without weights, on the meta device; then the length of chunks may stay unknown (a window of 0).
    """
    global _seen
    own = model.config._attn_implementation
    if own == NAME:
        own = "sdpa" if model._supports_sdpa else "eager"
    if getattr(model, "_is_stateful", False):
        return Forward("its layers keep a state beside attention", UNBOUNDED, False, own, 0.0)
    if not model._can_set_attn_implementation():
        return Forward("its attention is of its own kind", UNBOUNDED, False, own, 0.0)
    ids = _six(model)
    asked: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}
    coefficient = float(getattr(model.config.get_text_config(), "router_aux_loss_coef", 0.0) or 0.0)
    if coefficient:
        asked["output_router_logits"] = True
    _seen = seen = _Seen()
    hooks = [
        body(model).register_forward_hook(lambda _, __, out: setattr(seen, "states", out[0])),
        head(model).register_forward_hook(_watch_head),
    ]
    try:
        with _evaluating(model, WATCHING):
            out = model(**asked)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Forward(f"it cannot be watched ({first[:80]})", UNBOUNDED, False, own, 0.0)
    finally:
        for hook in hooks:
            hook.remove()
    used = [mask for made, mask in seen.masks if any(_same(made, used) for used in seen.used)]
    return Forward(
        plain=_why_plain(model, seen, out.logits),
        window=min((_window(mask, model.device) for mask in used), default=UNBOUNDED),
        dense=seen.calls > 0 and seen.options <= UNREAD,
        attention=own,
        balance=coefficient if getattr(out, "aux_loss", None) is not None else 0.0,
    )


def _why_plain(model: PreTrainedModel, seen: _Seen, logits: Tensor) -> str:
    """What of a model that was watched our pass does not compute; "" where it computes all."""
    if seen.calls != model.config.get_text_config().num_hidden_layers:
        return "its layers keep a state beside attention"
    if strange := seen.options - UNREAD:
        return f"its attention takes {', '.join(sorted(strange))}"
    if getattr(head(model), "bias", None) is not None:
        return "its output layer has a bias"
    if seen.states is None or seen.read is None or not _same(seen.read, seen.states):
        return "its states are changed on the way to the output layer"
    if seen.made is None or not _same(logits, seen.made) or logits._version != seen.changed:
        return "its logits are scaled or capped"
    return ""


def _watch_head(_: nn.Module, inputs: tuple[Tensor, ...], made: Tensor) -> None:
    _seen.read, _seen.made, _seen.changed = inputs[0], made, made._version


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether one tensor is a view of the other's memory (on the meta device there is no address to compare)."""
    return bool(one.untyped_storage()._cdata == other.untyped_storage()._cdata)


def _window(mask: Callable[..., Any], device: torch.device) -> int:
    """The longest text whose last token sees all others under `mask`, by bisection up to a million tokens."""
    place = torch.device("cpu") if device.type == "meta" else device

    def whole(length: int) -> bool:
        zero, key = torch.zeros((), dtype=torch.long, device=place), torch.arange(length, device=place)
        return bool(mask(zero, zero, key[-1], key).all())

    low, high = 1, 1 << 20
    try:
        if whole(high):
            return UNBOUNDED
    except (RuntimeError, NotImplementedError):  # a mask that reads a tensor of a model without weights
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if whole(middle) else (low, middle)
    return low


def agrees(model: PreTrainedModel, found: Forward) -> bool:
    """Whether the states of two short texts, packed behind a beginning that both see, are those of each text alone."""
    ids = _six(model)[0]
    ours = NAME if found.dense and model.device.type == "cpu" else found.attention
    if found.window < 4:
        return True  # such texts are never packed
    first, second = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 4, 5])  # two tokens in common
    starts = torch.tensor([[0, 0, 2, 2, 4, 4]], device=model.device)
    positions = torch.tensor([[0, 1, 2, 3, 2, 3]], device=model.device)
    with _evaluating(model, ours):
        mask = causal_mask(starts, 6, model.dtype, model.device, torch.tensor([2], device=model.device))
        packed = body(model)(
            input_ids=ids[None], attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state[0]
    with _evaluating(model, found.attention):
        pair = torch.stack([ids[first.to(ids.device)], ids[second.to(ids.device)]])
        alone = body(model)(input_ids=pair, attention_mask=torch.ones_like(pair), use_cache=False).last_hidden_state
    own = torch.cat([alone[0], alone[1, 2:]]).float()
    difference = (packed.float() - own).abs().max() / own.std().clamp(min=1e-12)
    return bool(difference <= TOLERANCE.get(model.dtype, 0.1))
