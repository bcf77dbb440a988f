"""Each hot path as a share of this machine's limit, which is measured in the same run.

    in2x run recipes/demo.yaml
    python benchmarks/roof.py --model runs/demo/model --raw RAW --pairs test.jsonl      some 5 minutes, quiet machine
    python benchmarks/roof.py --quick                               small, one round, without model and corpus
    python benchmarks/roof.py --paths sft sampler
    python benchmarks/roof_sizes.py                                 training and sampling by the size of the model
    python benchmarks/roof.py --avx2 ...                            as on a processor with AVX2 alone

"Products" are the matrix products that the path cannot do without (weights; attention's own are left out, for at these
lengths they are small), each timed by itself at the path's sizes, by the fastest library here: products at their sizes
over the path's time is the share at those sizes, their operations over time and best rate the share at the best size.
"Reads" are weights, keys, values and logits, once a step, at the rate at which so many bytes can be read here.
The corpus: megabytes of raw text a second beside the disk's. BIRCH: one product of all points by all leaves.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import limits
import torch
from limits import Size
from small_model import FAST, SHAPE, examples, fresh, machine, parameters, plan, sft_start, stage, tasks
from transformers import PreTrainedModel

import in2x.rl.loop as loop
from in2x.chat.render import prompt_tokens
from in2x.inference.sampler import compiled_decode, decode, sample, sampling_copy
from in2x.rl.config import RlConfig
from in2x.rl.rewards.route import Scorer
from in2x.training.batches import Rows
from in2x.training.compiling import can_compile
from in2x.training.config import OptimizerConfig
from in2x.training.forward import head, layers
from in2x.training.loop import Plan, train
from in2x.training.model import load_model, load_tokenizer
from in2x.training.passes import AHEAD
from in2x.training.precision import describe
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest

PATHS = ("sft", "rl", "sampler", "sampler-8", "corpus", "birch", "embedding", "translate", "serve")
BATCH = 2048
"""Tokens of a step of SFT, as benchmarks/sft.py has it."""
AVX2 = {
    "IN2X_COMPUTE": "float32", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma",
}  # fmt: skip
"""What keeps torch, oneDNN, MKL, NumPy and Numba from wider instructions; libraries without such a switch keep them."""
ROWS = 128
"""Rows that a translator keeps in work."""


@dataclass(frozen=True)
class Found:
    """One path, measured."""

    path: str
    speed: str
    seconds: float
    sizes: tuple[tuple[Size, float], ...] = ()
    """Products and how many of each."""
    reads: tuple[tuple[int, float], ...] = ()
    """Bytes of a reading and how many of it."""
    dtype: torch.dtype = FAST
    note: str = ""

    def row(self) -> str:
        """A line of the table."""
        alone = sum(times * limits.product(size, self.dtype) for size, times in self.sizes)
        work = sum(times * limits.flops([size]) for size, times in self.sizes)
        reading = sum(times * size / limits.reading(size) for size, times in self.reads)
        shares = [alone / self.seconds, work / limits.rate(self.dtype) / self.seconds, reading / self.seconds]
        shown = [f"{share:.0%}" if share else "" for share in shares]
        return f"| {self.path} | {self.speed} | {' | '.join(shown)} | {self.note} |"


Matrices = tuple[Counter[tuple[int, int]], tuple[int, int]]
"""Width and output of the matrices in a model's layers, how many of each, and those of its output layer."""


def matrices(model: PreTrainedModel) -> Matrices:
    """Of a model."""
    linears = [one for one in layers(model).modules() if isinstance(one, torch.nn.Linear)]
    vocabulary, width = head(model).weight.shape
    return Counter((one.in_features, one.out_features) for one in linears), (width, vocabulary)


def products(of: Matrices, tokens: float, answers: float) -> list[tuple[Size, float]]:
    """The products of a pass: `tokens` through the layers, `answers` of them through the output layer."""
    rows, last = max(1, round(tokens)), max(1, round(answers))
    return [*(((rows, *size), float(times)) for size, times in of[0].items()), ((last, *of[1]), 1.0)]


def trained(of: Matrices, tokens: float, answers: float) -> list[tuple[Size, float]]:
    """The products of a pass and of its gradients by inputs and by weights."""
    out = []
    for (rows, inner, columns), times in products(of, tokens, answers):
        out += [((rows, inner, columns), times), ((rows, columns, inner), times), ((inner, rows, columns), times)]
    return out


def many(sizes: Iterable[tuple[Size, float]], times: float) -> tuple[tuple[Size, float], ...]:
    """Each as often again."""
    return tuple((size, count * times) for size, count in sizes)


def sft(quick: bool, work: Path) -> Found:
    """The second of two passes, compiled."""
    asked = tasks(200 if quick else 2000)
    policy = fresh(SHAPE, asked)
    found = examples(policy.tokenizer, asked)
    run = plan(found, policy.pad, BATCH, epochs=2)
    half, began = run.steps // 2, 0.0

    def timed(step: int) -> Rows:
        nonlocal began
        if step == half + AHEAD:  # which is made while step `half` begins
            began = time.perf_counter()
        return run.rows(step)

    knobs = OptimizerConfig(lr=1e-3, schedule="constant", warmup=0.0)
    with tempfile.TemporaryDirectory() as folder:
        place = stage(Path(folder), 0)
        train(policy.model, Plan(run.steps, timed, {}), knobs, place, what="sft", compiled=not quick)
        seconds = time.perf_counter() - began
    tokens, steps = sum(len(x.tokens) for x in found), run.steps - half
    answers = sum(len(x.tokens) - x.answer_start for x in found)
    sizes = many(trained(matrices(policy.model), tokens / steps, answers / steps), steps)
    return Found("SFT step", f"{tokens / seconds:,.0f} tokens/s", seconds, sizes)


def rl(quick: bool, work: Path) -> Found:
    """The updates of iterations of 16 prompts x 8 answers, four an iteration, without sampling and rewards.

    Rewards are drawn, so that no group is flat and every answer is trained on. Of the second half of the iterations the
    one of the median time a token: the first ones compile, and answers grow while they do.
    """
    start = sft_start(work, SHAPE, *((200, 1) if quick else (4000, 1)))
    policy = loop.Policy(load_model(start), load_tokenizer(start))
    config = RlConfig(
        steps=2 if quick else 24, prompts=16, samples=8, minibatch=4, max_new_tokens=32, overlong_buffer=0,
        rewards={"chrf": 1.0}, dev_every=0, compile=not quick,
        optimizer=OptimizerConfig(lr=1e-4, schedule="constant", warmup=0.0),
    )  # fmt: skip
    update, kept = loop.update, []

    def timed(policy: Any, rollout: Any, *rest: Any) -> Any:
        rollout.rewards = torch.rand(rollout.rewards.shape, dtype=torch.float64)
        began = time.perf_counter()
        out = update(policy, rollout, *rest)
        kept.append((time.perf_counter() - began, rollout.groups))
        return out

    loop.update = timed  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder:
            loop.reinforce(policy, tasks(480), Scorer(config.rewards), config, stage(Path(folder), 0))
    finally:
        loop.update = update
    kept = sorted(kept[len(kept) // 2 :], key=lambda one: one[0] / sum(g.tokens for g in one[1]))
    kept = [kept[len(kept) // 2]]
    seconds, sizes, answers, of = 0.0, [], 0, matrices(policy.model)
    for spent, groups in kept:
        seconds += spent
        for begin in range(0, len(groups), config.minibatch):
            part = groups[begin : begin + config.minibatch]
            tokens, said = sum(g.tokens for g in part), sum(len(a) for g in part for a in g.answers)
            sizes += trained(of, tokens, said)
            if begin and policy.twin.dtype != policy.model.dtype:
                sizes += products(of, tokens, said)  # what is old is scored in the precision of training
            answers += said
    return Found("RL updates", f"{answers / seconds:,.0f} answer tokens/s", seconds, tuple(sizes))


def sampler(quick: bool, work: Path, count: int = 64, samples: int = 8) -> Found:
    """Answers of 32 tokens with log-probabilities, the step compiled; the median of three."""
    longest = 32
    asked = tasks(2000)
    policy = fresh(SHAPE, asked)
    prompts = prompt_tokens(policy.tokenizer, [t.messages for t in asked[:count]])
    twin = sampling_copy(policy.model)
    step = compiled_decode(twin) if can_compile() and not quick else decode
    times = []
    for _ in range(2 if quick else 4):
        began = time.perf_counter()
        sample(twin, prompts, max_new_tokens=longest, stop_ids=set(), samples=samples, decoder=step)
        times.append(time.perf_counter() - began)
    seconds, rows, known = sorted(times[1:])[len(times[1:]) // 2], count * samples, sum(map(len, prompts))
    of = matrices(twin)
    sizes = [*products(of, known, count), *many(products(of, rows, rows), longest - 1)]
    wide = torch.finfo(twin.dtype).bits // 8
    weights = sum(p.numel() for p in twin.parameters()) * wide
    kv = 2 * SHAPE.layers * (SHAPE.width * SHAPE.kv_heads // SHAPE.heads) * wide
    cache = round(rows * kv * (known / count + longest / 2))
    logits = rows * SHAPE.vocabulary * wide
    reads = ((weights, longest), (cache, longest - 1), (logits, longest))
    name = f"sampler, {rows} answers at once"
    return Found(name, f"{rows * longest / seconds:,.0f} tokens/s", seconds, tuple(sizes), reads, twin.dtype)


def corpus(raw: Path, pairs: Path, work: Path) -> Found:
    """`benchmarks/corpus_raw.py`, from raw books to packed blocks."""
    script = Path(__file__).with_name("corpus_raw.py")
    done = subprocess.run([sys.executable, str(script), "--raw", str(raw), "--pairs", str(pairs)], check=True,
                          capture_output=True, text=True)  # fmt: skip
    size = float(re.findall(r"([\d.]+) MB raw", done.stdout)[0])
    seconds = float(re.findall(r"\| together \| ([\d.]+)", done.stdout)[0])
    _, read = limits.disk(work)
    note = f"{size / seconds / (read / 1e6):.2%} of what the disk reads"
    return Found("corpus, raw to packed", f"{size / seconds:.2f} MB/s", seconds, note=note)


def birch(quick: bool, work: Path) -> Found:
    """`Birch.fit` with labels, as in benchmarks/birch.py."""
    from birch import data

    from in2x.selection.birch import Birch

    points = 5_000 if quick else 100_000
    x, _ = data(points, 384)
    Birch(0.55).fit(x[:2_000])  # loads compiled code
    began = time.perf_counter()
    fitted = Birch(0.55).fit(x)
    seconds = time.perf_counter() - began
    leaves = len(fitted.subcluster_centers_)
    block = 4096
    sizes = (((block, 384, leaves), points / block),)
    return Found(f"BIRCH, {points:,} x 384", f"{points / seconds:,.0f} points/s", seconds, sizes,
                 ((x.nbytes, 1.0),), torch.float32, f"{leaves:,} leaves")  # fmt: skip


def embedding(quick: bool, work: Path) -> Found:
    """The hashing embedder, frequencies counted before."""
    from in2x.selection.embed import HashingEmbedder
    from in2x.selection.ngrams import NgramCounts

    texts = [t.messages[0]["content"] + " " + (t.answer or "") for t in tasks(1_000 if quick else 20_000)]
    counts = NgramCounts()
    counts.add(texts)
    embedder = HashingEmbedder(counts)
    embedder.embed(texts[:100])
    began = time.perf_counter()
    vectors = embedder.embed(texts)
    seconds = time.perf_counter() - began
    size = sum(len(t.encode()) for t in texts)
    speed = f"{len(texts) / seconds:,.0f} texts/s, {size / seconds / 1e6:.1f} MB/s"
    return Found("embedding (hashing)", speed, seconds, reads=((size + vectors.nbytes, 1.0),))


def sentences(quick: bool) -> list[str]:
    """English sentences of the micro-world."""
    found = (str((t.verifier or {})["source"]) for t in tasks(6000, "dev") if (t.verifier or {})["from"] == "en")
    return list(dict.fromkeys(found))[: 40 if quick else 500]


def answered(backend: LocalBackend, sources: Sequence[str], said: Sequence[str]) -> tuple[tuple[Size, float], ...]:
    """The products of reading what asks for `sources` and writing what was `said`, `ROWS` at once."""
    of, encode = matrices(backend.model), backend.tokenizer.encode
    prompts = [backend._prompt(source) for source in TranslationRequest("en", "ja").sources(sources)]
    known, new = sum(map(len, prompts)), sum(len(encode(s, add_special_tokens=False)) + 1 for s in said)
    rows = min(ROWS, len(said))
    batches = len(said) / rows
    reading = many(products(of, known / batches, rows), batches)
    return (*reading, *many(products(of, rows, rows), max(0.0, (new - len(said)) / rows)))


def translate(quick: bool, folder: Path) -> Found:
    """Sentences through the library's own path, loading left out."""
    asked, backend = sentences(quick), LocalBackend(folder, device="cpu")
    request = TranslationRequest("en", "ja")
    backend.translations(asked[:8], request)
    began = time.perf_counter()
    said = [one.text for one in backend.translations(asked, request)]
    seconds = time.perf_counter() - began
    return Found("translate", f"{len(asked) / seconds:,.0f} sentences/s", seconds,
                 answered(backend, asked, said), dtype=backend.model.dtype)  # fmt: skip


def served(quick: bool, folder: Path) -> Found:
    """The same sentences, one a request, from 64 clients at once over HTTP, without checks: benchmarks/serve.py."""
    import serve

    asked, backend = sentences(quick), LocalBackend(folder, device="cpu")
    said = [one.text for one in backend.translations(asked, TranslationRequest("en", "ja"))]
    rate, *_ = serve.measure("in2x, checks off", str(folder), 64, 3 if quick else 20, asked)
    return Found("serve, 64 clients", f"{rate:,.0f} requests/s", len(asked) / rate,
                 answered(backend, asked, said), dtype=backend.model.dtype)  # fmt: skip


def show_limits(work: Path) -> None:
    """The machine's own figures."""
    written, read = limits.disk(work)
    print("| limit | |\n|---|---:|")
    for dtype in dict.fromkeys((torch.float32, FAST)):
        print(f"| products at their best size ({limits.BEST[0]} cubed), {str(dtype)[6:]} | "
              f"{limits.rate(dtype) / 1e9:,.0f} GFLOP/s |")  # fmt: skip
    for name, size in (("256 MB", 1 << 28), ("8 MB", 1 << 23)):
        print(f"| memory, {name} copied (read and written) | {limits.memory(size) / 1e9:,.1f} GB/s |")
    print(f"| disk, written and read | {written / 1e6:,.0f} and {read / 1e6:,.0f} MB/s |\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS)
    parser.add_argument("--model", type=Path, help="a model folder that our recipes make, for translate and serve")
    parser.add_argument("--raw", type=Path, help="raw documents, for the corpus")
    parser.add_argument("--pairs", type=Path, help="sentence pairs that are kept out of the corpus")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--avx2", action="store_true", help="imitate a processor with AVX2 alone")
    given = parser.parse_args()
    if given.avx2 and any(os.environ.get(name) != value for name, value in AVX2.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **AVX2})  # they are read at import
    runs: dict[str, Callable[[bool, Path], Found]] = {
        "sft": sft, "rl": rl, "sampler": sampler, "sampler-8": lambda q, w: sampler(q, w, 1, 8), "birch": birch,
        "embedding": embedding,
    }  # fmt: skip
    if given.model:
        runs["translate"] = lambda quick, work: translate(quick, given.model)
        runs["serve"] = lambda quick, work: served(quick, given.model)
    if given.raw and given.pairs:
        runs["corpus"] = lambda quick, work: corpus(given.raw, given.pairs, work)
    began = time.perf_counter()
    print(f"{machine('transformers')}; {describe()}; {parameters(fresh(SHAPE, tasks(200)).model)}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        show_limits(work)
        print("| path | speed | products at their sizes | at the best size | reads | |\n|---|---:|---:|---:|---:|---|")
        for name in given.paths:
            if name in runs:
                print(runs[name](given.quick, work).row(), flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
