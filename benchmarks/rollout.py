"""Rollouts with log-probabilities: the native sampler against transformers' generate and CTranslate2, same model.

    python benchmarks/rollout.py            64 prompts x 8 answers of 32 tokens, median of 5
    python benchmarks/rollout.py --quick    8 x 4, one round

Tokens per second, sampled at temperature 1 without a stop token, so that every method makes the same number of them.
CTranslate2 (`pip install ctranslate2`) is left out with a reason where it is not installed or cannot read the model;
it gives one score an answer, not one a token. "Compiled step": as RL samples with `compile: true`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from small_model import FORMAT, SHAPE, fresh, machine, parameters, tasks
from transformers import PreTrainedModel

from in2x.chat.render import prompt_tokens
from in2x.inference.sampler import Decode, compiled_decode, decode, sample, sampling_copy
from in2x.rl.loop import Policy
from in2x.training.compiling import can_compile
from in2x.training.model import save_model

TOKENS = 32


def generate(model: PreTrainedModel, prompts: list[list[int]], samples: int, pad: int) -> Callable[[], int]:
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])

    def run() -> int:
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=TOKENS,
                min_new_tokens=TOKENS, num_return_sequences=samples, return_dict_in_generate=True, output_logits=True,
                pad_token_id=pad,
            )  # fmt: skip
            model.compute_transition_scores(out.sequences, out.logits, normalize_logits=True)
        return out.sequences[:, width:].numel()

    return run


@cache
def _engine(folder: Path, threads: int) -> Any:
    import ctranslate2 as ct2

    ct2.converters.TransformersConverter(str(folder / "model")).convert(str(folder / "ct2"), quantization="int8")
    return ct2.Generator(str(folder / "ct2"), compute_type="int8", intra_threads=threads)


def _answer(folder: Path, threads: int, words: list[list[str]]) -> int:
    out = _engine(folder, threads).generate_batch(
        words, max_length=TOKENS, min_length=TOKENS, sampling_topk=0, sampling_temperature=1.0, return_scores=True,
        include_prompt_in_result=False, max_batch_size=512,
    )  # fmt: skip
    return sum(len(r.sequences_ids[0]) for r in out)


def ctranslate2(policy: Policy, prompts: list[list[int]], samples: int) -> Callable[[], int]:
    """In a process of its own: together neither its threads nor those of torch wait awake for the next product."""
    work = Path(tempfile.mkdtemp())
    save_model(policy.model, policy.tokenizer, work / "model")
    words = [policy.tokenizer.convert_ids_to_tokens(p) for p in prompts for _ in range(samples)]
    child = get_context("spawn").Pool(1)

    def run() -> int:
        return child.apply(_answer, (work, torch.get_num_threads(), words))

    run()
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    count, samples, rounds = (8, 4, 1) if quick else (64, 8, 5)
    asked = tasks(2000)
    policy = fresh(SHAPE, asked)
    prompts = prompt_tokens(policy.tokenizer, [t.messages for t in asked[:count]])
    twin = sampling_copy(policy.model)

    def native(decoder: Decode) -> Callable[[], int]:
        def run() -> int:
            out = sample(twin, prompts, max_new_tokens=TOKENS, stop_ids=set(), samples=samples, decoder=decoder)
            return sum(len(c.tokens) for group in out for c in group)

        return run

    plain = policy.model.eval()
    own_name = f"native, {FORMAT}"
    peers: dict[str, Callable[[], int]] = {own_name: native(decode)}
    if can_compile():
        own_name += ", compiled step"
        peers[own_name] = native(compiled_decode(twin))
    peers["generate, fp32"] = generate(plain, prompts, samples, policy.pad)
    if FORMAT == "bf16":  # emulated, it would take minutes a round
        peers["generate, bf16"] = generate(sampling_copy(plain), prompts, samples, policy.pad)
    print(machine("transformers", "ctranslate2"))
    print(f"{parameters(plain)}, {count} prompts x {samples} answers x {TOKENS} tokens, log-probabilities included\n")
    try:
        peers["CTranslate2, int8"] = ctranslate2(policy, prompts, samples)
    except Exception as error:  # an optional peer: whatever it lacks is the reason printed
        print(f"CTranslate2 left out: {type(error).__name__}: {str(error).splitlines()[0][:100]}", file=sys.stderr)
    speed: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):  # in turn, so that what else the machine does falls on all
        for name, run in peers.items():
            if not quick:
                run()  # untimed: finds the threads and caches that another engine has left
            began = time.perf_counter()
            tokens = run()
            assert tokens == count * samples * TOKENS, (name, tokens)
            speed[name].append(tokens / (time.perf_counter() - began))
    own = statistics.median(speed[own_name])
    print(f"| | tokens/s | {own_name} is faster by |\n|---|---:|---:|")
    for name, values in speed.items():
        print(f"| {name} | {statistics.median(values):,.0f} | {own / statistics.median(values):.2f} |")


if __name__ == "__main__":
    main()
