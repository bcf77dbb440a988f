"""Trajectory-corrected GRPO against GRPO and GSPO at equal rollouts, each at its best rate of one grid; ESS by length.

    python benchmarks/tc_grpo.py            micro-world, 4 rates x 2 seeds, then 5 seeds at each method's best rate
    python benchmarks/tc_grpo.py --quick    2 iterations, 2 rates, 1 seed
    python benchmarks/tc_grpo.py --run runs/enja-cpu    real pairs, from the SFT model of that run on: the prompts of
                                            its RL set, which SFT has not seen, and 200 held-out questions
    python benchmarks/tc_grpo.py --only GRPO    one method, so that processes share the work

All three are `rl/objective.py`; tests show that its token and sequence levels are TRL's GRPO and GSPO, gradient by
gradient. The rate is chosen on the reward of the last tenth of a run, the table is of other seeds. Effective sample
size: share of n equal trajectories' worth, after one update at the method's best rate.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from small_model import SHAPE, held_out, interval, machine, rl_run, sft_start, tasks

from in2x.chat.render import prompt_tokens
from in2x.inference.sampler import sample, sampling_copy
from in2x.records import Instruction, read_records
from in2x.rl.config import ObjectiveConfig, RlConfig
from in2x.rl.objective import objective
from in2x.rl.policy import Group, answer_logprobs
from in2x.training.config import OptimizerConfig
from in2x.training.model import load_model, load_tokenizer

METHODS = {
    "trajectory-corrected": ObjectiveConfig(level="trajectory", entropy=0.0),
    "GRPO": ObjectiveConfig(
        level="token", aggregation="sequence_mean", clip_high=0.2, clip_low=0.2, dual_clip=None, entropy=0.0
    ),
    "GSPO": ObjectiveConfig(level="sequence", clip_high=4e-4, clip_low=3e-4, dual_clip=None, entropy=0.0),
}
"""GRPO with its own clips; GSPO with those of its paper."""


def last_reward(run: dict[str, Any]) -> float:
    rewards = [row["reward"] for row in run["rows"] if "reward" in row]
    return statistics.fmean(rewards[-max(1, len(rewards) // 10) :])


def ess_by_length(start: Path, rate: float, lengths: Sequence[int], asked: Sequence[Instruction]) -> dict[int, float]:
    """ESS of the trajectory ratio on answers of exactly so many tokens, after one Adam step on random advantages."""
    found = {}
    for length in lengths:
        model, tokenizer = load_model(start), load_tokenizer(start)
        prompts = prompt_tokens(tokenizer, [i.messages for i in asked])
        answers = sample(sampling_copy(model), prompts, max_new_tokens=length, stop_ids=set())
        groups = [Group(p, [a[0].tokens]) for p, a in zip(prompts, answers, strict=True)]
        old = answer_logprobs(model, groups, 1.0, 0)
        gain = torch.randn(len(asked), generator=torch.Generator().manual_seed(0))
        config = ObjectiveConfig(entropy=0.0)
        objective(old.logprobs, old.logprobs.detach(), gain, old.mask, config)[0].backward()
        torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0).step()
        with torch.no_grad():
            new = answer_logprobs(model, groups, 1.0, 0)
        found[length] = objective(new.logprobs, old.logprobs.detach(), gain, old.mask, config)[1]["ess"]
    return found


def course(runs: Sequence[dict[str, Any]], every: int) -> str:
    """Reward since the last held-out score, and these scores, by step: mean and 95% interval over seeds."""
    lines = []
    for number, row in enumerate(runs[0]["held"]):
        step = row["step"]
        rewards = [[r["reward"] for r in run["rows"] if step - every < r["step"] <= step] for run in runs]
        cells = [interval([100 * statistics.fmean(r) for r in rewards]) if step else ""]
        cells += [interval([run["held"][number][f"dev/chrf_{k}"] for run in runs]) for k in ("sampled", "greedy")]
        lines.append(f"| | {step} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench")
    parser.add_argument("--run", type=Path, help="run folder of recipes/enja-cpu.yaml, SFT done")
    parser.add_argument("--only", nargs="*", choices=METHODS, default=list(METHODS), help="so that processes share it")
    given = parser.parse_args()
    quick, every = given.quick, 10
    steps, rates, tune, seeds = (2, (1e-5, 1e-4), 1, 1) if quick else (40, (1e-5, 3e-5, 1e-4, 3e-4), 2, 5)
    if given.run:
        start = given.run / "sft" / "model"
        asked = list(read_records(given.run / "select" / "rl.parquet", Instruction))
        held = held_out(given.run, "dev")[: 8 if quick else 200]
    else:
        start = sft_start(given.cache, SHAPE, *((400, 1) if quick else (20_000, 2)))
        asked, held = tasks(2000), tasks(8 if quick else 200, "dev")
    print(machine())
    print(f"{steps} iterations of {8 if quick else 16} prompts x 8 answers, reward chrF; {len(held)} held-out tasks\n")

    def run(method: str, rate: float, seed: int, every: int = 0) -> dict[str, Any]:
        config = RlConfig(
            steps=steps, prompts=8 if quick else 16, samples=8, minibatch=4,
            max_new_tokens=40, overlong_buffer=0,
            rewards={"chrf": 1.0}, objective=METHODS[method], dev_every=every,
            optimizer=OptimizerConfig(lr=rate, schedule="constant", warmup=0.0),
        )  # fmt: skip
        return rl_run(start, config, seed, asked, held)

    print("| | best rate | reward, last tenth | sampled chrF | greedy chrF | ESS |\n|---|---:|---:|---:|---:|---:|")
    best, courses, tries = {}, [], []
    for method in given.only:
        tuned = {r: statistics.fmean(last_reward(run(method, r, 100 + s)) for s in range(tune)) for r in rates}
        best[method] = max(tuned, key=lambda r: tuned[r])
        tries.append(f"| {method} | " + " | ".join(f"{100 * tuned[r]:.2f}" for r in rates) + " |")
        runs = [run(method, best[method], seed, every) for seed in range(seeds)]
        cells = [interval([100 * last_reward(r) for r in runs])]
        cells += [interval([r["after"][f"dev/chrf_{k}"] for r in runs]) for k in ("sampled", "greedy")]
        cells += [interval([statistics.fmean(row["ess"] for row in r["rows"] if "ess" in row) for r in runs], 3)]
        print(f"| {method} | {best[method]:g} | " + " | ".join(cells) + " |", flush=True)
        courses.append(course(runs, every).replace("| |", f"| {method} |", 1))
    print(f"\nReward x 100, last tenth, of the {tune} seed(s) that chose the rate:\n")
    print("| | " + " | ".join(f"{r:g}" for r in rates) + " |\n|---|" + "---:|" * len(rates))
    print("\n".join(tries))
    print("\nReward x 100. By step:\n\n| | step | reward | sampled chrF | greedy chrF |\n|---|---:|---:|---:|---:|")
    print("\n".join(courses) + "\n")
    lengths = (16, 32) if quick else (16, 32, 64, 128, 256, 512)
    print("| tokens | " + " | ".join(map(str, lengths)) + " |\n|---|" + "---:|" * len(lengths))
    for rate in sorted(set(best.values())):
        found = ess_by_length(start, rate, lengths, asked[: 16 if quick else 128])
        print(f"| ESS after one step at {rate:g} | " + " | ".join(f"{found[n]:.3f}" for n in lengths) + " |")


if __name__ == "__main__":
    main()
