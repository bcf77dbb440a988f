"""The share of the machine's limit that training and sampling reach, by the size of the model.

    python benchmarks/roof_sizes.py                     3M to 600M parameters, random weights; 8 GB of memory
    python benchmarks/roof_sizes.py --sizes 3M 30M --paths sft rl
    python benchmarks/roof_sizes.py --one               one thread, in processor seconds: beside other work
    python benchmarks/roof_sizes.py --avx2              as on a processor with AVX2 alone
    python benchmarks/roof_sizes.py --optimizer muon    with Newton-Schulz's products once as work, once not

A model of 3M parameters lies in the caches and its steps are made of calls; who trains one of .5B or more wants to know
what remains of that. The largest shape is that of Qwen3-0.6B; the optimizer's state of all of its 28 layers would not
fit into 8 GB, so that it is trained with 10 of them (311M parameters) and sampled with all. Words are those of
`benchmarks/roof.py`; texts are random tokens, of like length, half of each question and half answer.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import limits
import torch
from limits import Size
from roof import AVX2, Found, many, matrices, products, trained
from small_model import FAST, machine, parameters, stage
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

import in2x.training.loop as loop
from in2x.inference.continuous import answers
from in2x.inference.sampler import compiled_decode, decode, sample
from in2x.inference.stored import read_decoder
from in2x.rl.config import RlConfig
from in2x.rl.loop import Rollout, update
from in2x.rl.policy import Group
from in2x.training.batches import Example, Rows, example_rows
from in2x.training.config import OptimizerConfig
from in2x.training.forward import layers
from in2x.training.loop import Plan
from in2x.training.model import for_device
from in2x.training.muon import ROUNDS
from in2x.training.optimizer import Optimizer
from in2x.training.precision import describe

PROMPT = ANSWER = 32
"""Tokens of a question and of an answer."""
MORE = 17
"""Tokens that are sampled."""
TOKENS = 2048
"""Of a step of SFT; as many answer tokens has a step of RL."""

WIDE = 1024
"""Width from which on nothing is compiled: the time is that of the products."""


@dataclass(frozen=True)
class Shape:
    """A model of Qwen3's kind."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    size: int
    """Of a head."""
    mlp: int
    vocabulary: int
    steps: int
    """That are timed."""

    @property
    def small(self) -> bool:
        """Whether its passes are compiled."""
        return self.width < WIDE

    def build(self, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
        """With random weights, the same million again and again: drawing all takes longer than what is measured."""
        torch.manual_seed(0)
        config = Qwen3Config(
            vocab_size=self.vocabulary, hidden_size=self.width, intermediate_size=self.mlp, head_dim=self.size,
            num_hidden_layers=self.layers, num_attention_heads=self.heads, num_key_value_heads=self.kv_heads,
            max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=None, eos_token_id=0, pad_token_id=0,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        )  # fmt: skip
        with torch.device("meta"):
            model = Qwen3ForCausalLM(config)
        model.to(dtype).to_empty(device="cpu")
        model.tie_weights()
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
        noise = 0.02 * torch.randn(1 << 20)
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.data.fill_(1.0)
                continue
            for part in parameter.data.view(-1).split(len(noise)):
                part.copy_(noise[: len(part)])
        return for_device(model)


SHAPES = {
    "3M": Shape(192, 4, 6, 3, 32, 512, 8192, 40),
    "30M": Shape(512, 7, 8, 4, 64, 1536, 16384, 10),
    "160M": Shape(1024, 10, 16, 8, 64, 3072, 32768, 1),
    "600M": Shape(1024, 28, 16, 8, 128, 3072, 151936, 1),
}
TRAINED = {"600M": replace(SHAPES["600M"], layers=10)}
"""What is trained in place of a shape."""


def texts(vocabulary: int, count: int, length: int) -> list[list[int]]:
    """Random tokens, none that ends a text."""
    made: list[list[int]] = torch.randint(1, vocabulary, (count, length)).tolist()
    return made


def training(shape: Shape, optimizer: str) -> list[Found]:
    """Steps of SFT; Muon's once more with its own products as work."""
    model = shape.build()
    long = PROMPT + ANSWER
    each = TOKENS // long
    rows = example_rows([Example(text, PROMPT) for text in texts(shape.vocabulary, each, long)], 0)
    spent: list[float] = []
    stepping: list[float] = []
    train_step, optimize = loop.train_step, Optimizer.step

    def timed(into: list[float], call: Callable[..., Any], *given: Any) -> Any:
        began = limits.clock()
        out = call(*given)
        into.append(limits.clock() - began)
        return out

    def batch(_: int) -> Rows:
        return rows

    loop.train_step = partial(timed, spent, train_step)  # type: ignore[assignment]
    Optimizer.step = lambda *given: timed(stepping, optimize, *given)  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as folder:
            knobs = OptimizerConfig(name=optimizer, lr=1e-4, matrix_lr=1e-4)  # type: ignore[arg-type]
            plan = Plan(shape.steps + 1, batch, {})
            loop.train(model, plan, knobs, stage(Path(folder), 0), what="sft", compiled=shape.small)
    finally:
        loop.train_step, Optimizer.step = train_step, optimize  # type: ignore[method-assign]
    seconds, own = statistics.median(spent[1:]), statistics.median(stepping[1:])
    sizes = tuple(trained(matrices(model), TOKENS, each * ANSWER))
    size, speed = parameters(model), f"{TOKENS / seconds:,.0f} tokens/s"
    found = [Found(f"SFT step, {optimizer}", speed, seconds, sizes, note=f"{size}; optimizer {own / seconds:.0%}")]
    if optimizer == "muon":
        found.append(Found("the same, Newton-Schulz as work", speed, seconds, (*sizes, *newton_schulz(model))))
    return found


def newton_schulz(model: PreTrainedModel) -> list[tuple[Size, float]]:
    """The products of Muon's five rounds: x x', its square, and their product with x."""
    found = []
    for rows, columns, times in ((min(one), max(one), times) for one, times in matrices(model)[0].items()):
        sizes = (rows, columns, rows), (rows, rows, rows), (rows, rows, columns)
        found += [(size, float(ROUNDS * times)) for size in sizes]
    return found


def updates(shape: Shape, optimizer: str) -> list[Found]:
    """The updates of one batch of answers, two steps; rewards are drawn."""
    model, samples = shape.build(), 8
    minibatch = TOKENS // ANSWER // samples
    config = RlConfig(
        prompts=2 * minibatch, samples=samples, minibatch=minibatch, max_new_tokens=ANSWER, overlong_buffer=0,
        rewards={"chrf": 1.0}, optimizer=OptimizerConfig(name=optimizer, lr=1e-5, matrix_lr=1e-5),  # type: ignore[arg-type]
    )  # fmt: skip
    groups = [
        Group(prompt, texts(shape.vocabulary, samples, ANSWER))
        for prompt in texts(shape.vocabulary, config.prompts, PROMPT)
    ]
    said = [[torch.full((ANSWER,), -5.0)] * samples] * config.prompts
    rewards = torch.rand(config.prompts, samples, dtype=torch.float64)
    rollout = Rollout([], groups, said, [], rewards, {})
    policy: Any = SimpleNamespace(model=model, twin=SimpleNamespace(dtype=FAST), pad=0, compiled=shape.small)
    model.eval()
    if shape.small:
        torch._dynamo.reset()
        for layer in layers(model):
            layer.compile(dynamic=True)
    optimizing, spent = Optimizer(model, config.optimizer), []
    for _ in range(1 + max(1, shape.steps // 3)):
        began = limits.clock()
        update(policy, rollout, optimizing, 1.0, config, 1.0, None)
        spent.append(limits.clock() - began)
    seconds = statistics.median(spent[1:])
    tokens, answered = sum(g.tokens for g in groups), config.prompts * samples * ANSWER
    sizes = many(trained(matrices(model), tokens / 2, answered / 2), 2)
    if model.dtype != FAST:  # what is old is scored in the precision of training
        sizes += tuple(products(matrices(model), tokens / 2, answered / 2))
    return [Found(f"RL updates, {optimizer}", f"{answered / seconds:,.0f} answer tokens/s", seconds, sizes,
                  note=parameters(model))]  # fmt: skip


def reads(model: PreTrainedModel, rows: int, shape: Shape) -> tuple[tuple[int, float], ...]:
    """What one token more must read: weights, keys and values, logits."""
    wide = model.dtype.itemsize
    weights = sum(p.numel() for p in model.parameters()) * wide
    cache = rows * 2 * shape.layers * shape.kv_heads * shape.size * wide * (PROMPT + MORE // 2)
    return ((weights, 1.0), (cache, 1.0), (rows * shape.vocabulary * wide, 1.0))


def token(run: Callable[[int], object]) -> float:
    """Seconds of a token more: of `MORE` tokens less those of one, by which the prompts are left out.

    The mean of two.
    """
    times = []
    for _ in range(3):
        began = limits.clock()
        run(1)
        middle = limits.clock()
        run(MORE)
        times.append((limits.clock() - middle - (middle - began)) / (MORE - 1))
    return statistics.fmean(times[1:])


def sampling(shape: Shape, rows: int) -> list[Found]:
    """A token more for `rows` rows: the sampler of RL, and that of translations."""
    model = shape.build(FAST).eval().requires_grad_(False)
    prompts = texts(shape.vocabulary, rows, PROMPT)
    step = compiled_decode(model) if shape.small else decode
    sizes, known = tuple(products(matrices(model), rows, rows)), reads(model, rows, shape)

    def row(name: str, seconds: float) -> Found:
        return Found(f"{name}, {rows} row{'s' if rows > 1 else ''}", f"{rows / seconds:,.0f} tokens/s", seconds, sizes,
                     known, FAST, f"{seconds * 1e3:.1f} ms a token; {parameters(model)}")  # fmt: skip

    drawn = token(lambda count: sample(model, prompts, max_new_tokens=count, stop_ids=set(), decoder=step))
    found = [row("sampler" if shape.small else "sampler, not compiled", drawn)]
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        decoder = read_decoder(Path(folder), FAST)
    assert decoder is not None
    greedy = token(lambda count: answers(decoder, prompts, [count] * rows, stop_ids=set()))
    return [*found, row("translating", greedy)]


PATHS: dict[str, Callable[[Shape, Shape, str], list[Found]]] = {
    "sft": lambda _, shape, optimizer: training(shape, optimizer),
    "rl": lambda _, shape, optimizer: updates(shape, optimizer),
    "rows-8": lambda shape, _, __: sampling(shape, 8),
    "rows-1": lambda shape, _, __: sampling(shape, 1),
}


def main(asked: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--optimizer", choices=("adamw", "muon"), default="adamw")
    parser.add_argument("--one", action="store_true", help="one thread, timed in processor seconds")
    parser.add_argument("--avx2", action="store_true", help="imitate a processor with AVX2 alone")
    given = parser.parse_args(asked)
    if given.avx2 and any(os.environ.get(name) != value for name, value in AVX2.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **AVX2})  # they are read at import
    if given.one:
        torch.set_num_threads(1)
        limits.clock = time.process_time
    print(f"{machine('transformers')}; {describe()}\n")
    print(f"products {limits.rate(FAST) / 1e9:,.0f} GFLOP/s, memory read {limits.reading(1 << 29) / 1e9:,.1f} GB/s\n")
    print("| size | path | speed | products at their sizes | at the best size | reads | |")
    print("|---|---|---:|---:|---:|---:|---|", flush=True)
    for name in given.sizes:
        for path in given.paths:
            for found in PATHS[path](SHAPES[name], TRAINED.get(name, SHAPES[name]), given.optimizer):
                print(f"| {name} {found.row()}", flush=True)
            torch._dynamo.reset()
            gc.collect()


if __name__ == "__main__":
    main()
