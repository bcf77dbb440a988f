"""A fast sampler for small causal language models of transformers, with the log-probability of every token.

What makes it fast on a CPU: one preallocated key-value cache a batch, prompts of like length together, the prompt
computed once for all its samples, finished rows removed, few shapes (a kernel is made for each, which takes longer than
its product), bfloat16 weights where the processor multiplies them, and exact sampling by inverse CDF in two levels (one
uniform number a token; no noise over the whole vocabulary). Any causal
LM with a `model` body and an `lm_head` that uses transformers' cache interface works; for models served by an engine
use that engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from in2x.training.attention import causal_mask
from in2x.training.model import for_device
from in2x.training.precision import compute_dtype
from in2x.training.shapes import round_up

ROWS = 512
"""Rows sampled side by side: more is faster until the cache leaves the processor's."""
BLOCK = 64
"""Vocabulary entries a block of the two-level inverse CDF."""
COLUMNS, STEP_ROWS = 16, 64
"""Key positions and rows are kept at multiples of these: finished rows stay until so many have gathered."""


@dataclass
class Completion:
    """One sampled answer."""

    tokens: list[int] = field(default_factory=list)
    """With the stop token, where one was sampled."""
    logprobs: list[float] = field(default_factory=list)
    """log p(token) in nats under softmax(logits / temperature); at temperature 0, under temperature 1."""
    finished: bool = False
    """False where `max_new_tokens` cut it."""


class _Cache:
    """Keys and values of all layers for B rows; only what transformers' attention calls.

    Room grows by COLUMNS positions, so that what is handed out is contiguous (a product copies what is not) and has few
    shapes; positions not yet filled are zero and for the mask to hide.
    """

    def __init__(self) -> None:
        self.length = 0
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def update(self, key: Tensor, value: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Append [B, KV, T, D] and return everything so far."""
        end = self.length + key.shape[2]
        for kept, new in ((self.keys, key), (self.values, value)):
            if layer == len(kept):
                kept.append(new[:, :, :0])
            if missing := round_up(end, COLUMNS) - kept[layer].shape[2]:
                kept[layer] = torch.nn.functional.pad(kept[layer], (0, 0, 0, missing))
            kept[layer][:, :, self.length : end] = new
        return self.keys[layer], self.values[layer]

    def get_seq_length(self, *_: object) -> int:
        """Positions filled."""
        return self.length

    def take(self, rows: Tensor) -> None:
        """Keep `rows` (which may repeat), in that order."""
        self.keys = [k.index_select(0, rows) for k in self.keys]
        self.values = [v.index_select(0, rows) for v in self.values]


def sampling_copy(model: PreTrainedModel, dtype: torch.dtype | None = None) -> PreTrainedModel:
    """A copy of `model` in evaluation mode, to sample from while the original is trained; `dtype` None: the fastest."""
    twin = copy.deepcopy(model).to(dtype or compute_dtype(model.device)).eval()
    twin.requires_grad_(False)
    return for_device(twin)


@torch.no_grad()
def refresh(twin: PreTrainedModel, model: PreTrainedModel) -> None:
    """Copy the weights of `model` into its `sampling_copy`."""
    for target, source in zip(twin.parameters(), model.parameters(), strict=True):
        target.copy_(source)


def choose(logits: Tensor, uniform: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Sample one token a row by inverse CDF.

    Args:
        logits: [B, V], any float type; fp32 ones are overwritten.
        uniform: [B] numbers in [0, 1); not read at temperature 0.
        temperature: 0 takes the most probable token.

    Returns:
        tokens [B] and their log-probabilities [B] (fp32; under temperature 1 where temperature is 0).
    """
    weights = logits.float()
    best = weights.argmax(-1) if temperature == 0 else None
    weights.sub_(weights.amax(-1, keepdim=True))
    if best is not None:
        return best, -weights.exp_().sum(-1).log()
    if temperature != 1:
        weights.div_(temperature)
    weights.exp_()
    if extra := -weights.shape[1] % BLOCK:
        weights = torch.nn.functional.pad(weights, (0, extra))
    blocks = weights.view(len(weights), -1, BLOCK)
    # fp32 within a block and fp64 over them: exact enough, and the big tensor is read once.
    upto = blocks.sum(-1).double().cumsum(-1)
    total = upto[:, -1:]
    goal = uniform.double()[:, None] * total
    block = torch.searchsorted(upto, goal, right=True).clamp_(max=upto.shape[1] - 1)
    before = torch.where(block > 0, upto.gather(1, (block - 1).clamp_(min=0)), 0.0)
    inside = blocks.gather(1, block[:, :, None].expand(-1, -1, BLOCK))[:, 0]
    within = inside.double().cumsum(-1)
    # Rounding may push the goal past the block's end: the last entry with weight is then the right one.
    last = (BLOCK - 1 - (inside > 0).flip(1).to(torch.uint8).argmax(1, keepdim=True)).clamp_(max=BLOCK - 1)
    offset = torch.minimum(torch.searchsorted(within, goal - before, right=True), last)
    logprob = inside.gather(1, offset).double().log() - total.log()
    return (block * BLOCK + offset)[:, 0], logprob[:, 0].float()


@torch.inference_mode()
def sample(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_ids: Collection[int],
    temperature: float = 1.0,
    samples: int = 1,
    seed: int = 0,
    rows: int = ROWS,
    progress: Callable[[int], None] | None = None,
) -> list[list[Completion]]:
    """Answer every prompt `samples` times.

    Args:
        model: see the module docstring; its own dtype is used (`sampling_copy` gives the fastest).
        prompts: token lists, none empty.
        max_new_tokens: longest answer.
        stop_ids: tokens that end an answer (kept as its last token).
        temperature: 0 is greedy.
        samples: answers a prompt.
        seed: an answer depends on (seed, prompt number, sample number) and the model, not on batching beyond rounding.
        rows: rows side by side.
        progress: called with the number of prompts finished since the last call.

    Returns:
        For each prompt in order, its `samples` completions.
    """
    if any(not prompt for prompt in prompts):
        raise ValueError("an empty prompt cannot be continued")
    out = [[Completion() for _ in range(samples)] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    uniform = np.random.default_rng(seed).random((len(prompts), samples, max_new_tokens if temperature > 0 else 0))
    step = max(1, rows // samples)
    with torch.compiler.set_stance("force_eager"):
        for begin in range(0, len(order), step):
            chosen = order[begin : begin + step]
            _sample_batch(
                model,
                [prompts[i] for i in chosen],
                [out[i][s] for i in chosen for s in range(samples)],
                torch.from_numpy(uniform[chosen].reshape(len(chosen) * samples, -1)),
                max_new_tokens,
                sorted(stop_ids),
                temperature,
                samples,
            )
            if progress is not None:
                progress(len(chosen))
    return out


def _sample_batch(
    model: PreTrainedModel,
    prompts: list[Sequence[int]],
    completions: list[Completion],
    uniform: Tensor,
    max_new_tokens: int,
    stop_ids: list[int],
    temperature: float,
    samples: int,
) -> None:
    device = next(model.parameters()).device
    lengths = torch.tensor([len(p) for p in prompts])
    width = round_up(int(lengths.max()), COLUMNS)
    room = round_up(width + max_new_tokens, COLUMNS)
    ids = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
    left = width - lengths  # padding before each prompt
    lowest = torch.finfo(model.dtype).min
    cache = _Cache()
    mask = causal_mask(left[:, None].expand(-1, width).to(device), width, model.dtype, device)
    # A padded query sees itself alone, or its softmax would have nothing to sum.
    mask.diagonal(dim1=-2, dim2=-1).zero_()
    positions = (torch.arange(width)[None] - left[:, None]).clamp_(min=0)
    states = model.model(
        input_ids=ids.to(device), attention_mask=mask, position_ids=positions.to(device), past_key_values=cache,
        use_cache=True,
    ).last_hidden_state[:, -1]  # fmt: skip
    cache.length = width
    if samples > 1:
        fan = torch.arange(len(prompts)).repeat_interleave(samples)
        cache.take(fan.to(device))
        states, left = states[fan.to(device)], left[fan]
    alive = torch.arange(len(completions))
    hidden = (torch.arange(room)[None] < left[:, None]) | (torch.arange(room)[None] >= width)
    hiding = torch.zeros((len(completions), 1, 1, room), dtype=model.dtype, device=device)
    hiding.masked_fill_(hidden[:, None, None].to(device), lowest)
    running = torch.ones(len(completions), dtype=torch.bool)
    stops = torch.tensor(stop_ids)
    drawn_tokens = torch.full((len(completions), max_new_tokens), -1, dtype=torch.long)
    drawn_logprobs = torch.zeros((len(completions), max_new_tokens))
    for step in range(max_new_tokens):
        draw = uniform[alive, step].to(device) if temperature > 0 else states
        token, logprob = choose(model.lm_head(states), draw, temperature)
        here = token.cpu()
        drawn_tokens[alive, step] = torch.where(running, here, -1)
        drawn_logprobs[alive, step] = logprob.cpu()
        running &= ~torch.isin(here, stops)
        count = int(running.sum())
        if step + 1 == max_new_tokens or not count:
            break
        if round_up(count, STEP_ROWS) < len(alive):
            # Those that run on, and finished rows up to the multiple.
            kept = torch.cat([running.nonzero()[:, 0], (~running).nonzero()[: round_up(count, STEP_ROWS) - count, 0]])
            alive, running, left = alive[kept], running[kept], left[kept]
            kept = kept.to(device)
            token, hiding = token[kept], hiding[kept]
            cache.take(kept)
        hiding[..., cache.length] = 0
        position = (width + step - left)[:, None].to(device)
        states = model.model(
            input_ids=token[:, None], attention_mask=hiding[..., : round_up(cache.length + 1, COLUMNS)],
            position_ids=position, past_key_values=cache, use_cache=True,
        ).last_hidden_state[:, -1]  # fmt: skip
        cache.length += 1
    ended = set(stop_ids)
    for completion, tokens, logprobs in zip(completions, drawn_tokens.tolist(), drawn_logprobs.tolist(), strict=True):
        count = tokens.index(-1) if -1 in tokens else max_new_tokens
        completion.tokens, completion.logprobs = tokens[:count], logprobs[:count]
        completion.finished = count > 0 and tokens[count - 1] in ended
