"""Bits per byte of held-out text: how well a model knows a language, comparable over tokenizers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.training.forward import forward_of

LOGITS = 1 << 25
"""Logits held at once (128 MB in fp32)."""


@dataclass(frozen=True)
class Surprise:
    """Negative log likelihood of one text in nats, its length in tokens and in UTF-8 bytes."""

    nats: float
    tokens: int
    bytes: int

    @property
    def bits_per_byte(self) -> float:
        """Bits per UTF-8 byte; the tokenizer cancels out."""
        return self.nats / math.log(2) / self.bytes

    @property
    def perplexity(self) -> float:
        """Per-token perplexity; comparable only between models that share a tokenizer."""
        return math.exp(self.nats / self.tokens)


@torch.inference_mode()
def surprise(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, context: int = 512
) -> list[Surprise]:
    """The surprise of each text under a causal language model, every token counted.

    A text longer than `context` tokens is read in windows without overlap, each opened by the token before it; the
    first window is opened by the end-of-document token, as in training.

    Args:
        context: window in tokens (cut to what the model reads).
    """
    context = min(context, int(getattr(model.config, "max_position_embeddings", context) or context))
    encoded = [tokenizer.encode(text, add_special_tokens=False, verbose=False) for text in texts]
    windows: list[tuple[int, list[int]]] = []
    for owner, ids in enumerate(encoded):
        opened = [tokenizer.eos_token_id or 0, *ids]
        step = context - 1
        windows += [(owner, opened[start : start + step + 1]) for start in range(0, len(ids), step)]
    windows.sort(key=lambda window: -len(window[1]))
    nats = [0.0] * len(texts)
    vocabulary = model.get_input_embeddings().num_embeddings
    kept = model.config._attn_implementation
    # Ours is for short rows; here they are as long as the context.
    model.set_attn_implementation(forward_of(model).attention)
    try:
        start = 0
        while start < len(windows):
            width = len(windows[start][1])
            batch = windows[start : start + max(1, LOGITS // (width * vocabulary))]
            for (owner, _), loss in zip(batch, _losses(model, [ids for _, ids in batch]), strict=True):
                nats[owner] += loss
            start += len(batch)
    finally:
        model.set_attn_implementation(kept)
    sizes = [len(text.encode()) for text in texts]
    return [Surprise(n, len(ids), size) for n, ids, size in zip(nats, encoded, sizes, strict=True)]


def _losses(model: PreTrainedModel, rows: list[list[int]]) -> list[float]:
    """Summed negative log likelihood of ids[1:] given ids[0], for each row (padded on the right here)."""
    width = max(len(row) for row in rows)
    ids: Tensor = torch.zeros(len(rows), width, dtype=torch.long)
    mask: Tensor = torch.zeros(len(rows), width, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    ids, mask = ids.to(model.device), mask.to(model.device)
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
    picked = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    sums: list[float] = (picked * mask[:, 1:]).double().sum(dim=1).tolist()
    return sums
