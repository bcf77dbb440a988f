"""How probable a given answer is to several questions, token by token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from in2x.training.forward import forward_of


@torch.inference_mode()
def token_logprobs(model: PreTrainedModel, prompts: Sequence[Sequence[int]], answer: Sequence[int]) -> Tensor:
    """[prompts, len(answer)] log p of each token of `answer` in nats (fp32), after each prompt and what stands before.

    Args:
        model: any causal language model of transformers.
        prompts: token lists, none empty.
        answer: token ids, at least one.
    """
    rows = [[*prompt, *answer] for prompt in prompts]
    width = max(map(len, rows))
    ids, mask = torch.zeros((2, len(rows), width), dtype=torch.long, device=model.device)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    kept = model.config._attn_implementation
    model.set_attn_implementation(forward_of(model).attention)
    try:
        logits = model(input_ids=ids, attention_mask=mask).logits
    finally:
        model.set_attn_implementation(kept)
    out = torch.empty((len(rows), len(answer)))
    wanted = torch.tensor(answer, device=model.device)
    for row, tokens in enumerate(rows):
        said = logits[row, len(tokens) - len(answer) - 1 : len(tokens) - 1].float().log_softmax(-1)
        out[row] = said.gather(1, wanted[:, None])[:, 0].cpu()
    return out
