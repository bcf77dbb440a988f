"""Decoding by transformers' `generate`: beam search, truncated sampling, penalties, encoders with decoders.

`sampler.py` is much faster for what it does: causal models, greedily or from the whole distribution.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from in2x.chat.profile import Sampling
from in2x.inference.loops import EVERY, looping


class LoopStop(StoppingCriteria):  # type: ignore[misc]
    """Ends the rows that have fallen into a loop.

    Args:
        watched: [B] rows that may be ended.
        start: tokens before the answers.
    """

    def __init__(self, watched: Sequence[bool], start: int) -> None:
        self.watched, self.start = torch.tensor(watched), start

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        """[B] rows to end."""
        count = input_ids.shape[1] - self.start
        if not count or count % EVERY:
            return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
        found = looping(input_ids[:, self.start :].cpu())
        repeat = len(found) // len(self.watched)
        return (found & self.watched.repeat_interleave(repeat)).to(input_ids.device)


@torch.inference_mode()
def generate(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_ids: Collection[int],
    sampling: Sampling,
    samples: int = 1,
    seed: int = 0,
    watched: Sequence[bool] = (),
    prefix: Sequence[int] = (),
) -> list[list[list[int]]]:
    """`samples` answers to each prompt, as token ids up to and with a stop token.

    Args:
        model: causal or sequence-to-sequence.
        prompts: token lists.
        max_new_tokens: longest answer.
        stop_ids: tokens that end an answer.
        sampling: how; above temperature 0 an answer depends on `seed` and on the batch.
        samples: answers a prompt; all alike where nothing is sampled.
        seed: see `sampling`.
        watched: for each prompt, whether an answer that loops is ended (none is, where this is empty).
        prefix: sequence-to-sequence: tokens that every answer begins with, not returned.
    """
    seq2seq = bool(model.config.is_encoder_decoder)
    width = max(map(len, prompts))
    pad = model.generation_config.pad_token_id
    pad = 0 if pad is None else int(pad[0] if isinstance(pad, list) else pad)
    ids = torch.full((len(prompts), width), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        place = slice(0, len(prompt)) if seq2seq else slice(width - len(prompt), width)
        ids[row, place], mask[row, place] = torch.tensor(prompt), 1
    config = copy.deepcopy(model.generation_config) if seq2seq else GenerationConfig()
    drawn = sampling.temperature > 0 and sampling.beams == 1
    fan = samples if drawn else 1
    options = {
        "max_new_tokens": max_new_tokens + len(prefix), "max_length": None, "eos_token_id": sorted(stop_ids) or None,
        "pad_token_id": pad, "num_beams": sampling.beams, "do_sample": drawn, "num_return_sequences": fan,
        "repetition_penalty": sampling.repetition_penalty,
        "temperature": sampling.temperature if drawn else None, "top_p": sampling.top_p if drawn else None,
        "top_k": sampling.top_k if drawn else None, "forced_bos_token_id": None,
    }  # fmt: skip
    for name, value in options.items():
        setattr(config, name, value)
    given: dict[str, Any] = {}
    start = 0 if seq2seq else width
    if seq2seq:
        first = config.decoder_start_token_id
        first = model.config.decoder_start_token_id if first is None else first
        given["decoder_input_ids"] = torch.tensor([[first, *prefix]] * len(prompts), device=model.device)
        start = 1 + len(prefix)
    criteria = StoppingCriteriaList([LoopStop(watched, start)] if any(watched) else [])
    with torch.random.fork_rng(enabled=drawn):
        if drawn:
            torch.manual_seed(seed)
        out = model.generate(ids.to(model.device), attention_mask=mask.to(model.device), generation_config=config,
                             stopping_criteria=criteria, **given)  # fmt: skip
    ended = set(stop_ids)
    rows = [_upto(row[start:].tolist(), ended, pad) for row in out]
    return [rows[n * fan : (n + 1) * fan] * (samples // fan) for n in range(len(prompts))]


def _upto(tokens: list[int], ended: set[int], pad: int) -> list[int]:
    """`tokens` up to and with the first that ends an answer, without the filling of a row that was ended."""
    end = next((n + 1 for n, token in enumerate(tokens) if token in ended), None)
    if end is None:
        end = len(tokens)
        while end and tokens[end - 1] == pad:
            end -= 1
    return tokens[:end]
