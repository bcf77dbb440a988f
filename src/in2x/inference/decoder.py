"""The forward pass of the usual decoder (Llama, Mistral, Qwen2, Qwen3) in few operations, for answers on a CPU.

A small model spends more time between its matrix products than in them when transformers' modules run it. Here queries,
keys and values are one product, gate and up another, norms one operation each; the weights are the model's own memory.
A model of another build, or one whose states this pass does not reproduce, has no `Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, queries [M, H, D], keys [N, KV, D], values [N, KV, D]) -> [M, H D]: keeps keys, looks at those kept.

M is N, but in the last layer where few states are asked for (`Decoder.states`).
"""
_LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_MLP = {"gate_proj", "up_proj", "down_proj", "act_fn"}
_STATIC = {"default", "linear", "llama3", "yarn"}
"""Kinds of rotary positions whose angles do not depend on the length of the text."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A product by `weight` [out, in]."""

    weight: Tensor
    bias: Tensor | None = None

    def laid_out(self) -> Linear:
        """The same product with its weight as oneDNN reads it: opaque to everything else.

        From any other layout oneDNN copies the weight at every product, which for a few rows takes longer than the
        product. The numbers are the same but for rounding.
        """
        if not _lays_out(self.weight):
            return self
        return Linear(torch.ops.mkldnn._reorder_linear_weight(self.weight, ROWS), self.bias)

    def __call__(self, states: Tensor) -> Tensor:
        """[N, out] of `states` [N, in]."""
        if self.weight.is_mkldnn or (states.dtype == torch.float32 and torch.backends.mkldnn.is_available()):
            # functional.linear takes MKL for float32, which has half the speed of oneDNN on AMD's processors.
            made: Tensor = torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, "none", [], "")
            return made
        return functional.linear(states, self.weight, self.bias)


ROWS = 128
"""Rows that the layout is made for; one and 512 are as fast by it as by their own."""


def _lays_out(weight: Tensor) -> bool:
    """Whether oneDNN has a layout of its own for `weight` here."""
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of a layer."""

    before: Tensor
    qkv: Linear
    qk_norm: Tensor | None
    """[H + KV, D] factors on normed queries and keys."""
    out: Linear
    between: Tensor
    gate_up: Linear
    down: Linear


@dataclass
class Decoder:
    """A model in few operations: one in memory (`decoder_of`), or the weights of a folder (`stored.read_decoder`)."""

    heads: int
    kv_heads: int
    size: int
    """D, the width of a head."""
    scaling: float
    eps: float
    act: Callable[[Tensor], Tensor]
    words: Tensor
    layers: list[Layer]
    norm: Tensor
    output: Tensor
    """[vocabulary, width] of the output layer."""
    head: Linear
    """The product by it."""
    cos: Tensor
    """[positions, 1, D]"""
    sin: Tensor
    """[positions, 1, D], the first half negative."""
    window: int
    """Longest text whose masks are causal and no more."""

    @property
    def dtype(self) -> torch.dtype:
        """That of the weights."""
        return self.words.dtype

    def states(self, ids: Tensor, positions: Tensor, attend: Attend, asked: Tensor | None = None) -> Tensor:
        """[N, width] states after the last layer, before the last norm, of `ids` [N] at `positions` [N].

        With `asked` [M] those of these places, [M, width]: of the others the last layer makes keys and values alone.
        """
        states = functional.embedding(ids, self.words)
        cos, sin = self.cos[positions], self.sin[positions]
        half, turned = self.size // 2, self.heads + self.kv_heads
        for number, layer in enumerate(self.layers):
            qkv = layer.qkv(self._normed(states, layer.before)).view(len(ids), -1, self.size)
            qk = qkv[:, :turned]
            if layer.qk_norm is not None:
                qk = functional.rms_norm(qk, (self.size,), None, self.eps) * layer.qk_norm
            qk = torch.addcmul(qk * cos, torch.cat((qk[..., half:], qk[..., :half]), -1), sin)
            queries, keys, values = qk[:, : self.heads], qk[:, self.heads :], qkv[:, turned:]
            if asked is not None and number == len(self.layers) - 1:
                queries, states = queries[asked], states[asked]
            seen = attend(number, queries, keys, values)
            states = states + layer.out(seen)
            gate, up = layer.gate_up(self._normed(states, layer.between)).chunk(2, -1)
            states = states + layer.down(self.act(gate).mul_(up))
        return states

    def logits(self, states: Tensor, only: Linear | None = None) -> Tensor:
        """[N, vocabulary] of `states` [N, width]; with `only`, a product by K rows of the output layer, [N, K]."""
        return (only or self.head)(self._normed(states, self.norm))

    def _normed(self, states: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(states, weight.shape, weight, self.eps)

    def read(self, ids: Tensor) -> Tensor:
        """[N, width] states of one text of token ids [N], each seeing those before it."""
        count, group = len(ids), self.heads // self.kv_heads
        hidden = torch.full((count, count), torch.finfo(self.dtype).min, dtype=self.dtype).triu(1)

        def attend(_: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            grouped = queries.view(count, self.kv_heads, group, -1).permute(1, 2, 0, 3).flatten(1, 2)
            seen = self.grouped(grouped, keys.transpose(0, 1), values.transpose(0, 1), hidden.repeat(group, 1)[None])
            return seen.view(self.heads, count, -1).transpose(0, 1).flatten(1)

        return self.states(ids, torch.arange(count), attend)

    def grouped(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention of [B KV, G, D] queries over [B KV, S, D] keys and values under an additive [B KV, 1 or G, S]."""
        scores = torch.baddbmm(mask, queries, keys.transpose(1, 2), alpha=self.scaling)
        return torch.bmm(scores.softmax(-1), values)


def _built(model: PreTrainedModel, window: int) -> Decoder:
    """The decoder of a usual model, whose weights stay its own."""
    from in2x.training.forward import body, head, layers

    own: Any = body(model)
    blocks: list[Any] = list(layers(model))
    first = blocks[0].self_attn
    size: int = first.head_dim
    heads, kv_heads = first.q_proj.out_features // size, first.k_proj.out_features // size

    def layer(block: Any) -> Layer:
        attention, mlp = block.self_attn, block.mlp
        normed = None
        if hasattr(attention, "q_norm"):
            q, k = attention.q_norm.weight.data, attention.k_norm.weight.data
            normed = torch.cat((q.expand(heads, -1), k.expand(kv_heads, -1)))
        return Layer(
            block.input_layernorm.weight.data, _joined(attention.q_proj, attention.k_proj, attention.v_proj), normed,
            _joined(attention.o_proj), block.post_attention_layernorm.weight.data,
            _joined(mlp.gate_proj, mlp.up_proj), _joined(mlp.down_proj),
        )  # fmt: skip

    words = own.embed_tokens.weight.data
    length = int(model.config.get_text_config().max_position_embeddings)
    cos, sin = (turn[0, :, None] for turn in own.rotary_emb(words[:1, None], torch.arange(length)[None]))
    half, output = size // 2, head(model).weight.data
    return Decoder(
        heads, kv_heads, size, first.scaling, own.norm.variance_epsilon, blocks[0].mlp.act_fn, words,
        [layer(block) for block in blocks], own.norm.weight.data, output, Linear(output),
        cos, torch.cat((-sin[..., :half], sin[..., half:]), -1), window,
    )  # fmt: skip


def _joined(*parts: nn.Linear) -> Linear:
    """One product instead of several; the weights of `parts` become views of it, so that nothing is held twice."""
    if len(parts) == 1:
        return Linear(parts[0].weight.data, None if parts[0].bias is None else parts[0].bias.data)
    weight = torch.cat([part.weight.data for part in parts])
    begin = 0
    for part in parts:
        part.weight.data = weight[begin : begin + part.out_features]
        begin += part.out_features
    bias = None if parts[0].bias is None else torch.cat([part.bias.data for part in parts])
    return Linear(weight, bias)


@torch.no_grad()
def decoder_of(model: PreTrainedModel) -> Decoder | None:
    """The `Decoder` of a model on a CPU; None where it is of another build or on another device."""
    from in2x.training.forward import TOLERANCE, body, forward_of

    if model.device.type != "cpu" or not _usual(model):
        return None
    decoder = _built(model, forward_of(model).window)
    ids = torch.arange(6) * 7 % len(decoder.words)
    theirs = body(model)(input_ids=ids[None], use_cache=False).last_hidden_state[0].float()
    ours = decoder._normed(decoder.read(ids), decoder.norm).float()
    difference = (ours - theirs).abs().max() / theirs.std().clamp(min=1e-12)
    return decoder if difference <= TOLERANCE.get(decoder.dtype, 0.1) else None


def _usual(model: PreTrainedModel) -> bool:
    """Whether `model` is built of the parts that `Decoder` has."""
    from in2x.training.forward import body, forward_of, layers

    if forward_of(model).plain:
        return False
    own: Any = body(model)
    if {name for name, _ in own.named_children()} != {"embed_tokens", "layers", "norm", "rotary_emb"}:
        return False
    kinds = getattr(own.rotary_emb, "rope_type", "")
    if not isinstance(kinds, str) or kinds not in _STATIC or not hasattr(own.norm, "variance_epsilon"):
        return False
    for block in layers(model):
        parts: Any = block
        if {name for name, _ in parts.named_children()} != _LAYER:
            return False
        if {name for name, _ in parts.mlp.named_children()} != _MLP:
            return False
        if {name for name, _ in parts.self_attn.named_children()} - {"q_norm", "k_norm"} != _ATTENTION:
            return False
        linears = [parts.self_attn.get_submodule(name) for name in _ATTENTION]
        linears += [parts.mlp.get_submodule(name) for name in _MLP - {"act_fn"}]
        if any(type(linear) is not nn.Linear for linear in linears):
            return False
    return True
