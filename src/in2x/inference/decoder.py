"""The forward pass of the usual decoder (Llama, Mistral, Qwen2, Qwen3) in few operations, for answers on a CPU.

A small model spends more time between its matrix products than in them when transformers' modules run it. Here queries,
keys and values are one product, gate and up another, norms one operation each; the weights are the model's own memory.
A model of another build, or one whose states this pass does not reproduce, has no `Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from in2x.training.forward import TOLERANCE, body, forward_of, head, layers

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
class _Linear:
    weight: Tensor
    bias: Tensor | None

    def __call__(self, states: Tensor) -> Tensor:
        if states.dtype == torch.float32 and torch.backends.mkldnn.is_available():
            # functional.linear takes MKL for float32, which has half the speed of oneDNN on AMD's processors.
            made: Tensor = torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, "none", [], "")
            return made
        return functional.linear(states, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class _Layer:
    before: Tensor
    qkv: _Linear
    qk_norm: Tensor | None
    """[H + KV, D] factors on normed queries and keys."""
    out: _Linear
    between: Tensor
    gate_up: _Linear
    down: _Linear


class Decoder:
    """`model` in few operations; see `decoder_of`."""

    def __init__(self, model: PreTrainedModel) -> None:
        config = model.config.get_text_config()
        own: Any = body(model)
        blocks: list[Any] = list(layers(model))
        first = blocks[0].self_attn
        self.size: int = first.head_dim
        self.heads: int = first.q_proj.out_features // self.size
        self.kv_heads: int = first.k_proj.out_features // self.size
        self.scaling: float = first.scaling
        self.dtype = model.dtype
        self.act: nn.Module = blocks[0].mlp.act_fn
        self.eps: float = own.norm.variance_epsilon
        self.words: Tensor = own.embed_tokens.weight.data
        self.norm: Tensor = own.norm.weight.data
        self.head = _Linear(head(model).weight.data, None)
        self.layers = [self._layer(block) for block in blocks]
        length = int(config.max_position_embeddings)
        cos, sin = own.rotary_emb(self.words[:1, None], torch.arange(length)[None])
        half = self.size // 2
        self.cos: Tensor = cos[0, :, None]
        self.sin: Tensor = torch.cat((-sin[0, :, None, :half], sin[0, :, None, half:]), -1)

    def _layer(self, block: Any) -> _Layer:
        attention, mlp = block.self_attn, block.mlp
        normed = None
        if hasattr(attention, "q_norm"):
            q, k = attention.q_norm.weight.data, attention.k_norm.weight.data
            normed = torch.cat((q.expand(self.heads, -1), k.expand(self.kv_heads, -1)))
        return _Layer(
            block.input_layernorm.weight.data, _joined(attention.q_proj, attention.k_proj, attention.v_proj), normed,
            _joined(attention.o_proj), block.post_attention_layernorm.weight.data,
            _joined(mlp.gate_proj, mlp.up_proj), _joined(mlp.down_proj),
        )  # fmt: skip

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

    def logits(self, states: Tensor, only: Tensor | None = None) -> Tensor:
        """[N, vocabulary] of `states` [N, width]; with `only` [K], rows of the output matrix [K, width], [N, K]."""
        normed = self._normed(states, self.norm)
        return self.head(normed) if only is None else _Linear(only, None)(normed)

    def _normed(self, states: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(states, weight.shape, weight, self.eps)

    def grouped(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention of [B KV, G, D] queries over [B KV, S, D] keys and values under an additive [B KV, 1 or G, S]."""
        scores = torch.baddbmm(mask, queries, keys.transpose(1, 2), alpha=self.scaling)
        return torch.bmm(scores.softmax(-1), values)


def _joined(*parts: nn.Linear) -> _Linear:
    """One product instead of several; the weights of `parts` become views of it, so that nothing is held twice."""
    if len(parts) == 1:
        return _Linear(parts[0].weight.data, None if parts[0].bias is None else parts[0].bias.data)
    weight = torch.cat([part.weight.data for part in parts])
    begin = 0
    for part in parts:
        part.weight.data = weight[begin : begin + part.out_features]
        begin += part.out_features
    bias = None if parts[0].bias is None else torch.cat([part.bias.data for part in parts])
    return _Linear(weight, bias)


@torch.no_grad()
def decoder_of(model: PreTrainedModel) -> Decoder | None:
    """The `Decoder` of a model on a CPU; None where it is of another build or on another device."""
    if model.device.type != "cpu" or not _usual(model):
        return None
    decoder = Decoder(model)
    ids = torch.arange(6) * 7 % len(decoder.words)
    theirs = body(model)(input_ids=ids[None], use_cache=False).last_hidden_state[0].float()
    hidden = torch.full((6, 6), torch.finfo(decoder.dtype).min, dtype=decoder.dtype).triu(1)
    group = decoder.heads // decoder.kv_heads

    def attend(_: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        grouped = queries.view(6, decoder.kv_heads, group, -1).permute(1, 2, 0, 3).flatten(1, 2)
        seen = decoder.grouped(grouped, keys.transpose(0, 1), values.transpose(0, 1), hidden.repeat(group, 1)[None])
        return seen.view(decoder.heads, 6, -1).transpose(0, 1).flatten(1)

    ours = decoder._normed(decoder.states(ids, torch.arange(6), attend), decoder.norm).float()
    difference = (ours - theirs).abs().max() / theirs.std().clamp(min=1e-12)
    return decoder if difference <= TOLERANCE.get(decoder.dtype, 0.1) else None


def _usual(model: PreTrainedModel) -> bool:
    """Whether `model` is built of the parts that `Decoder` has."""
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
