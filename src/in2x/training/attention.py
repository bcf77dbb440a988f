"""Dense attention for short sequences on CPU, registered with transformers under the name `in2x_dense`.

On CPU torch's fused attention is several times slower than plain matrix products at lengths below some 500 in bfloat16
(forward and backward; `benchmarks/sft.py` prints both). On other devices models keep transformers' own choice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

NAME = "in2x_dense"


def dense_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Softmax attention by two batched matrix products.

    Args:
        module: the calling attention layer (unused; transformers' signature).
        query: [B, H, T, D].
        key: [B, KV, S, D], KV dividing H.
        value: [B, KV, S, E] (E is D in most models).
        attention_mask: additive, broadcastable to [B, 1, T, S], or None for full attention.
        scaling: factor on the scores.
        dropout: on the weights, in training.

    Returns:
        [B, T, H, E] and None (weights are not kept).
    """
    batch, heads, length, size = query.shape
    kv_heads = key.shape[1]
    # Query heads that share a key head become rows of one product: no copies of keys and values.
    query = (query * scaling).reshape(batch, kv_heads, heads // kv_heads * length, size)
    scores = torch.matmul(query, key.transpose(-1, -2))
    if attention_mask is not None:
        grouped = scores.view(batch, kv_heads, heads // kv_heads, length, key.shape[2])
        scores = (grouped + attention_mask[:, :, None]).view(scores.shape)
    # Sums are fp32 in any dtype; only a backward pass needs the weights themselves that exact.
    exact = torch.float32 if torch.is_grad_enabled() else None
    weights = torch.softmax(scores, dim=-1, dtype=exact).to(value.dtype)
    if dropout and module.training:
        weights = nn.functional.dropout(weights, dropout)
    attended = torch.matmul(weights, value).view(batch, heads, length, value.shape[-1])
    return attended.transpose(1, 2).contiguous(), None


def register() -> None:
    """Make `attn_implementation="in2x_dense"` known to transformers.

    Additive 4-D masks are taken as they are given; from any other call transformers makes the causal one.
    """
    AttentionInterface.register(NAME, dense_attention)
    AttentionMaskInterface.register(NAME, eager_mask)


def causal_mask(
    starts: Tensor | None,
    length: int,
    dtype: torch.dtype,
    device: torch.device | None = None,
    shared: Tensor | None = None,
) -> Tensor:
    """The additive causal mask: 0 where a position may look, the dtype's lowest value elsewhere.

    Args:
        starts: [B, T] index of the first position of each position's document (packed rows: no attention across
            documents), or None for one document a row.
        length: T.
        dtype: of the scores.
        device: of the result.
        shared: [B] length of a beginning that every document of the row sees (a prompt with several answers), or None.

    Returns:
        [B, 1, T, T], or [1, 1, T, T] where `starts` is None.
    """
    query = torch.arange(length, device=device)[:, None]
    key = torch.arange(length, device=device)[None, :]
    allowed = (key <= query)[None]
    if starts is not None:
        own = key[None] >= starts[:, :, None]
        allowed = allowed & (own if shared is None else own | (key[None] < shared[:, None, None]))
    mask = torch.zeros(allowed.shape, dtype=dtype, device=device)
    return mask.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]


register()
