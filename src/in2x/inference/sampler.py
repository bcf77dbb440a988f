"""A fast sampler for small causal language models of transformers, with the log-probability of every token.

What makes it fast on a CPU: one preallocated key-value cache a batch, prompts of like length together, the prompt
computed once for all its samples, finished rows removed, few shapes (a kernel is made for each, which takes longer than
its product), bfloat16 weights where the processor multiplies them, and exact sampling by inverse CDF in two levels (one
uniform number a token; no noise over the whole vocabulary). A model that this forward pass does not fit
(`training/forward.py`), or not at the length asked for, is sampled by transformers' `generate` with the same numbers.

Several models of one vocabulary answer together: each token is chosen by the mean of their probabilities, as fairseq's
EnsembleModel has it. That is a distribution again, so an answer drawn from it has a probability of its own; the mean of
log-probabilities (Marian) would have to be normed first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import GenerationConfig, LogitsProcessor, PreTrainedModel, StoppingCriteriaList

from in2x.errors import In2xError
from in2x.inference.choice import Completion, choose, mixture
from in2x.inference.generation import LoopStop
from in2x.inference.loops import EVERY, looping
from in2x.inference.placeholders import Answer, Forced, Steering, put_in
from in2x.training.attention import causal_mask
from in2x.training.compiling import own_cache
from in2x.training.forward import body, forward_of, head
from in2x.training.model import for_device
from in2x.training.precision import compute_dtype
from in2x.training.shapes import round_up

ROWS = 512
"""Rows sampled side by side: more is faster until the cache leaves the processor's."""
COLUMNS, STEP_ROWS = 16, 64
"""Key positions and rows are kept at multiples of these: finished rows stay until so many have gathered."""
FEW_ROWS = 8
"""Down to it rows are kept at powers of two where no step is compiled: the longest answers go on alone."""


class _Cache:
    """Keys and values [B, KV, S, D] of all layers, of which `length` positions are filled; what transformers calls."""

    def __init__(self, keys: list[Tensor], values: list[Tensor], length: int) -> None:
        self.keys, self.values, self.length = keys, values, length

    def update(self, key: Tensor, value: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Take in the next [B, KV, T, D] and return what attention reads; the mask hides what is not filled."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
        else:
            end = self.length + key.shape[2]
            self.keys[layer][:, :, self.length : end] = key
            self.values[layer][:, :, self.length : end] = value
        return self.keys[layer], self.values[layer]

    def get_seq_length(self, *_: object) -> int:
        """Positions filled."""
        return self.length


def sampling_copy(model: PreTrainedModel, dtype: torch.dtype | None = None) -> PreTrainedModel:
    """A copy of `model` in evaluation mode, to sample from while the original is trained; `dtype` None: the fastest.

    Buffers stay in fp32, as transformers loads them: rounded rotary frequencies would turn far positions elsewhere.
    """
    twin = copy.deepcopy(model).eval().requires_grad_(False)
    for parameter in twin.parameters():
        parameter.data = parameter.data.to(dtype or compute_dtype(model.device))
    return for_device(twin)


@torch.no_grad()
def refresh(twin: PreTrainedModel, model: PreTrainedModel) -> None:
    """Copy the weights of `model` into its `sampling_copy`."""
    for target, source in zip(twin.parameters(), model.parameters(), strict=True):
        target.copy_(source)


def decode(
    models: Sequence[PreTrainedModel],
    token: Tensor,
    uniform: Tensor | None,
    temperature: float | Tensor,
    key_mask: Tensor,
    position: Tensor,
    keys: list[Tensor],
    values: list[Tensor],
    length: int,
    steer: Callable[[Tensor], Tensor] = lambda logits: logits,
) -> tuple[Tensor, Tensor]:
    """One token more for B rows: `choose` from what the models say together after `token` [B].

    Args:
        models: such whose forward pass is ours.
        token: [B] the tokens chosen last.
        uniform: see `choose`.
        temperature: see `choose`; a compiled step wants a tensor, or every number would be compiled anew.
        key_mask: [B, 1, 1, S] additive mask over key positions.
        position: [B, 1] of `token` in its text.
        keys: of each layer of each model in turn, [B, KV, S, D]; `token`'s are written in place.
        values: likewise.
        length: positions filled; `token` takes the next.
        steer: changes [B, V] logits where not every token may come.
    """
    logits, end = [], 0
    for model in models:
        begin, end = end, end + model.config.get_text_config().num_hidden_layers
        states = body(model)(
            input_ids=token[:, None], attention_mask=key_mask, position_ids=position,
            past_key_values=_Cache(keys[begin:end], values[begin:end], length), use_cache=True,
        ).last_hidden_state[:, -1]  # fmt: skip
        logits.append(head(model)(states))
    return choose(steer(mixture(logits)), uniform, temperature)


Decode = Callable[..., tuple[Tensor, Tensor]]
"""`decode`, or a compiled one."""


def compiled_decode(model: PreTrainedModel) -> Decode:
    """`decode` as one compiled graph for any number of rows and positions, at temperatures above 0.

    Called once, on sizes that are no width or head count of a model: the compiler would take equal sizes for the same.
    """
    own_cache()
    compiled: Decode = torch.compile(decode, dynamic=True)
    sample(model, [[0] * (6 * COLUMNS)] * (3 * STEP_ROWS), max_new_tokens=2, stop_ids=(), decoder=compiled)
    return compiled


@torch.inference_mode()
def sample(
    model: PreTrainedModel | Sequence[PreTrainedModel],
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_ids: Collection[int],
    temperature: float = 1.0,
    samples: int = 1,
    seed: int = 0,
    rows: int = ROWS,
    progress: Callable[[int], None] | None = None,
    decoder: Decode = decode,
    watched: Sequence[bool] = (),
    forced: Sequence[Forced | None] = (),
) -> list[list[Completion]]:
    """Answer every prompt `samples` times.

    Args:
        model: any causal language model of transformers; its own dtype is used (`sampling_copy` gives the fastest). Or
            several of one vocabulary, dtype and device, that answer together.
        prompts: token lists, none empty.
        max_new_tokens: longest answer.
        stop_ids: tokens that end an answer (kept as its last token).
        temperature: 0 is greedy.
        samples: answers a prompt.
        seed: an answer depends on (seed, prompt number, sample number) and the model, not on batching beyond rounding.
        rows: rows side by side.
        progress: called with the number of prompts finished since the last call.
        decoder: `compiled_decode(model)` for long work at temperatures above 0 (greedy decoding does without).
        watched: for each prompt, whether an answer that has fallen into a loop is cut (`loops.py`); none, where empty.
        forced: for each prompt the placeholders that its answers must hold (`placeholders.py`); none, where empty.

    Returns:
        For each prompt in order, its `samples` completions.

    Raises:
        In2xError: several models, one of which this forward pass does not fit.
    """
    models = [model] if isinstance(model, PreTrainedModel) else list(model)
    if any(not prompt for prompt in prompts):
        raise ValueError("an empty prompt cannot be continued")
    out = [[Completion() for _ in range(samples)] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    uniform = np.random.default_rng(seed).random((len(prompts), samples, max_new_tokens)) if temperature > 0 else None
    step = max(1, rows // samples)
    for begin in range(0, len(order), step):
        chosen = order[begin : begin + step]
        asked = [prompts[i] for i in chosen]
        completions = [out[i][s] for i in chosen for s in range(samples)]
        drawn = None if uniform is None else torch.from_numpy(uniform[chosen].reshape(len(completions), -1))
        stops = sorted(stop_ids)
        looks = torch.tensor([bool(watched) and watched[i] for i in chosen for _ in range(samples)])
        plain = [one for one in models if not forward_of(one).reads(len(asked[-1]) + max_new_tokens)]
        if plain and len(models) > 1:
            raise In2xError(f"models cannot be averaged token by token where one has a {forward_of(plain[0]).words}",
                            mend="combine their answers instead: --combine answers --mbr N")  # fmt: skip
        answer: Answer = partial(_generate_batch, models[0]) if plain else partial(
            _sample_batch, models, decode if uniform is None else decoder)  # fmt: skip
        answer = partial(answer, stops, temperature)
        steering = Steering.of([forced[i] for i in chosen for _ in range(samples)] if forced else [])
        answer(max_new_tokens, asked, completions, drawn, samples, looks, steering)
        if steering is not None:
            rows_asked = [prompt for prompt in asked for _ in range(samples)]
            put_in(answer, max_new_tokens, rows_asked, completions, drawn, looks, steering)
        if progress is not None:
            progress(len(chosen))
    return out


class _Choose(LogitsProcessor):  # type: ignore[misc]
    """Makes `generate`'s greedy choice the one of `choose`, and keeps what was chosen."""

    def __init__(self, uniform: Tensor | None, temperature: float, steering: Steering | None) -> None:
        self.uniform, self.temperature, self.steering = uniform, temperature, steering
        self.tokens: list[Tensor] = []
        self.logprobs: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """[B, V] scores to 0 at the token chosen and minus infinity elsewhere."""
        drawn = None if self.uniform is None else self.uniform[:, len(self.tokens)]
        logits = scores.clone()
        if self.steering is not None:
            self.steering.steer(logits, range(len(logits)))
        token, logprob = choose(logits, drawn, self.temperature)
        if self.steering is not None:
            self.steering.push(token.tolist(), range(len(logits)))
        self.tokens.append(token)
        self.logprobs.append(logprob)
        return torch.full_like(scores, -torch.inf).scatter_(1, token[:, None], 0.0)


def _generate_batch(
    model: PreTrainedModel,
    stop_ids: list[int],
    temperature: float,
    max_new_tokens: int,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Completion],
    uniform: Tensor | None,
    samples: int,
    watched: Tensor,
    steering: Steering | None,
) -> None:
    """`_sample_batch` by transformers' own generation, with its caches and masks."""
    rows = [prompt for prompt in prompts for _ in range(samples)]
    width = max(map(len, rows))
    ids, mask = torch.zeros((2, len(rows), width), dtype=torch.long, device=model.device)
    for row, prompt in enumerate(rows):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    choice = _Choose(None if uniform is None else uniform.to(model.device), temperature, steering)
    asked = GenerationConfig(
        max_new_tokens=max_new_tokens, do_sample=False, eos_token_id=stop_ids or None, pad_token_id=0
    )
    criteria = StoppingCriteriaList([LoopStop(watched.tolist(), width)] if watched.any() else [])
    model.generate(
        ids, attention_mask=mask, generation_config=asked, logits_processor=[choice], stopping_criteria=criteria
    )
    _keep(completions, torch.stack(choice.tokens, 1).tolist(), torch.stack(choice.logprobs, 1).tolist(), stop_ids)


def _keep(
    completions: Sequence[Completion], tokens: list[list[int]], logprobs: list[list[float]], stop_ids: list[int]
) -> None:
    """Fill each completion with its row up to the first stop token."""
    ended = set(stop_ids)
    for completion, drawn, found in zip(completions, tokens, logprobs, strict=True):
        count = next((n + (token >= 0) for n, token in enumerate(drawn) if token in ended or token < 0), len(drawn))
        completion.tokens, completion.logprobs = drawn[:count], found[:count]
        completion.finished = count > 0 and drawn[count - 1] in ended


def _room(count: int) -> int:
    """Rows that are kept where `count` go on and no step is compiled."""
    return round_up(count, STEP_ROWS) if count > STEP_ROWS else max(FEW_ROWS, 1 << (count - 1).bit_length())


def _sample_batch(
    models: Sequence[PreTrainedModel],
    decoder: Decode,
    stop_ids: list[int],
    temperature: float,
    max_new_tokens: int,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Completion],
    uniform: Tensor | None,
    samples: int,
    watched: Tensor,
    steering: Steering | None,
) -> None:
    device, dtype = models[0].device, models[0].dtype
    lengths = torch.tensor([len(p) for p in prompts])
    width = round_up(int(lengths.max()), COLUMNS)
    ids = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
    left = width - lengths  # padding before each prompt
    mask = causal_mask(left[:, None].expand(-1, width).to(device), width, dtype, device)
    # A padded query sees itself alone, or its softmax would have nothing to sum.
    mask.diagonal(dim1=-2, dim2=-1).zero_()
    positions = (torch.arange(width)[None] - left[:, None]).clamp_(min=0)
    caches = [_Cache([], [], 0) for _ in models]
    with torch.compiler.set_stance("force_eager"):
        logits = [
            head(model)(body(model)(
                input_ids=ids.to(device), attention_mask=mask, position_ids=positions.to(device),
                past_key_values=cache, use_cache=True,
            ).last_hidden_state[:, -1])
            for model, cache in zip(models, caches, strict=True)
        ]  # fmt: skip
    fan = torch.arange(len(prompts)).repeat_interleave(samples)
    left, repeated = left[fan], fan.to(device)
    keys = [kept.index_select(0, repeated) for cache in caches for kept in cache.keys]
    values = [kept.index_select(0, repeated) for cache in caches for kept in cache.values]
    alive = torch.arange(len(completions))
    lowest = torch.finfo(dtype).min
    key_mask = torch.zeros((len(completions), 1, 1, width), dtype=dtype, device=device)
    key_mask.masked_fill_((torch.arange(width)[None] < left[:, None])[:, None, None].to(device), lowest)
    running = torch.ones(len(completions), dtype=torch.bool)
    stops = torch.tensor(stop_ids)
    drawn_tokens = torch.full((len(completions), max_new_tokens), -1, dtype=torch.long)
    drawn_logprobs = torch.zeros((len(completions), max_new_tokens))

    def draw(step: int) -> Tensor | None:
        return None if uniform is None else uniform[alive, step].to(device)

    def steer(logits: Tensor) -> Tensor:
        if steering is not None:
            steering.steer(logits, alive.tolist())
        return logits

    compiled = decoder is not decode and steering is None
    if steering is not None:
        decoder = partial(decode, steer=steer)
    divisor = torch.tensor(temperature, device=device) if compiled else temperature
    token, logprob = choose(steer(mixture(logits)[repeated]), draw(0), temperature)
    for step in range(max_new_tokens):
        here = token.cpu()
        drawn_tokens[alive, step] = torch.where(running, here, -1)
        drawn_logprobs[alive, step] = logprob.cpu()
        if steering is not None:
            steering.push(here.tolist(), alive.tolist())
        running &= ~torch.isin(here, stops)
        if (step + 1) % EVERY == 0 and (looks := watched[alive]).any():
            running &= ~(looks & looping(drawn_tokens[alive, : step + 1]))
        count = int(running.sum())
        if step + 1 == max_new_tokens or not count:
            break
        room = round_up(count, STEP_ROWS) if compiled else _room(count)
        if room < len(alive):
            # Those that run on, and finished rows up to the number of rows kept.
            kept = torch.cat([running.nonzero()[:, 0], (~running).nonzero()[: room - count, 0]])
            alive, running, left = alive[kept], running[kept], left[kept]
            kept = kept.to(device)
            token, key_mask = token[kept], key_mask[kept]
            keys, values = ([k.index_select(0, kept) for k in part] for part in (keys, values))
        length = width + step
        if length % COLUMNS == 0:
            # Room grows by COLUMNS positions, so that what attention reads is contiguous (a product copies what is
            # not) and has few shapes; positions not yet filled are zero and hidden.
            keys, values = ([pad(k, (0, 0, 0, COLUMNS)) for k in part] for part in (keys, values))
            key_mask = pad(key_mask, (0, COLUMNS), value=lowest)
        key_mask[..., length] = 0
        with torch.compiler.set_stance("default" if compiled else "force_eager"):
            token, logprob = decoder(
                models, token, draw(step + 1), divisor, key_mask, (length - left)[:, None].to(device), keys, values,
                length,
            )  # fmt: skip
    _keep(completions, drawn_tokens.tolist(), drawn_logprobs.tolist(), stop_ids)
