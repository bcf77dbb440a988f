"""Our attention, registered with transformers under the name `in2x_dense`: by the form of the mask, one of two.

- An additive mask: dense attention for short rows on a CPU. There torch's fused attention is several times slower than
  plain matrix products at lengths below some 500 in bfloat16 (forward and backward; `benchmarks/sft.py` prints both).
- Borders of documents (`documents_mask`): `by_document`, causal inside each, on a GPU and for rows longer than `LONG`.
  A dense mask of T x T would be held for every row (two GiB at 32k), and half of the products, or more, be for nothing.

Models that do not train keep transformers' own choice on other devices than CPUs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

NAME = "in2x_dense"
LONG = 2048
"""Tokens of a row on a CPU beyond which documents are computed one by one."""
VARIABLE = {"cuda"}
"""Devices with torch's kernel for documents of variable length."""


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
        attention_mask: additive, broadcastable to [B, 1, T, S], or None for full attention; or a `documents_mask`.
        scaling: factor on the scores.
        dropout: on the weights, in training.

    Returns:
        [B, T, H, E] and None (weights are not kept).
    """
    dropout = dropout if module.training else 0.0
    if attention_mask is not None and attention_mask.dtype == torch.int32:
        return by_document(query, key, value, attention_mask[0, 0, 0], attention_mask.shape[2], scaling, dropout), None
    batch, heads, length, size = query.shape
    kv_heads = key.shape[1]
    # Query heads that share a key head become rows of one product: no copies of keys and values.
    query = (query * scaling).reshape(batch, kv_heads, heads // kv_heads * length, size)
    scores = torch.matmul(query, key.transpose(-1, -2))
    if attention_mask is not None:
        grouped = scores.view(batch, kv_heads, heads // kv_heads, length, key.shape[2])
        scores = (grouped + attention_mask[:, :, None]).view(scores.shape)
    # Sums are fp32 in any dtype; only a backward pass needs the weights themselves that exact.
    exact = torch.float32 if torch.is_grad_enabled() and scores.dtype != torch.float64 else None
    weights = torch.softmax(scores, dim=-1, dtype=exact).to(value.dtype)
    if dropout:
        weights = nn.functional.dropout(weights, dropout)
    attended = torch.matmul(weights, value).view(batch, heads, length, value.shape[-1])
    return attended.transpose(1, 2).contiguous(), None


def documents_mask(borders: Tensor, span: int) -> Tensor:
    """Borders in the form of a mask [1, 1, span, documents + 1], which transformers hands through to each layer.

    Every row of it is `borders`, and none takes memory of its own: `span` is told by the shape.
    """
    return borders.expand(1, 1, span, -1)


def by_document(
    query: Tensor, key: Tensor, value: Tensor, borders: Tensor, span: int, scaling: float, dropout: float = 0.0
) -> Tensor:
    """Causal attention inside each document of rows laid end to end; memory grows with their length, not its square.

    On a GPU in a half type by torch's variable-length flash kernel, elsewhere document by document.

    Args:
        query: [B, H, T, D].
        key: [B, KV, T, D].
        value: [B, KV, T, E].
        borders: [documents + 1] int32, from 0 to B T; each row begins a document.
        span: at least the length of the longest.
        scaling: factor on the scores.
        dropout: on the weights.

    Returns:
        [B, T, H, E].
    """
    batch, heads, length, size = query.shape
    kind = query.device.type
    if torch.is_autocast_enabled(kind):  # normed queries and keys come in fp32, and the kernel casts nothing
        query, key, value = (t.to(torch.get_autocast_dtype(kind)) for t in (query, key, value))
    query, key, value = (t.transpose(1, 2).reshape(batch * length, t.shape[1], t.shape[3]) for t in (query, key, value))
    half = query.dtype in (torch.bfloat16, torch.float16)
    if kind in VARIABLE and half and not dropout and value.shape[-1] == size and size % 8 == 0 and size <= 256:
        found = varlen_attn(
            query, key, value, borders, borders, span, span, scale=scaling, window_size=(-1, 0),
            enable_gqa=key.shape[1] != heads,
        )  # fmt: skip
        assert isinstance(found, Tensor)
    else:
        found = _one_by_one(query, key, value, borders, scaling, dropout)
    return found.view(batch, length, heads, -1)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _one_by_one(
    query: Tensor, key: Tensor, value: Tensor, borders: Tensor, scaling: float, dropout: float
) -> Tensor:  # fmt: skip
    """`by_document` over [T, H, D], a fused call each."""
    found = []
    for begin, end in pairwise(borders.tolist()):
        q, k, v = (t[begin:end].transpose(0, 1)[None] for t in (query, key, value))
        attended = nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=k.shape[1] != q.shape[1]
        )
        found.append(attended[0].transpose(0, 1))
    return torch.cat(found)


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
