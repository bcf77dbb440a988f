"""The native loop, which reads like the algorithm: roll out, score, advantage, objective, step (METHOD 5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.chat.contract import end_ids
from in2x.chat.render import prompt_tokens
from in2x.inference.choice import Completion
from in2x.inference.sampler import Decode, compiled_decode, decode, refresh, sample, sampling_copy
from in2x.language.reasoning import without_reasoning
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.objective import advantages, objective
from in2x.rl.policy import Group, answer_logprobs, length_groups, old_logprobs
from in2x.rl.rewards.base import RewardItem, reward_items
from in2x.rl.rewards.route import Scorer
from in2x.rl.schedule import length_penalty, objective_at, temperature_at
from in2x.stage import Stage
from in2x.training.batches import collate
from in2x.training.checkpoint import Checkpoints
from in2x.training.compiling import can_compile
from in2x.training.examples import chat_examples
from in2x.training.forward import forward_of, layers
from in2x.training.loop import SAVE_SECONDS
from in2x.training.loss import LanguageModelingLoss
from in2x.training.optimizer import Average, Optimizer, learning_rate_factor
from in2x.training.precision import autocast

Metrics = dict[str, float]


@dataclass
class Rollout:
    """One batch of P prompts with G answers each; lists and rows are prompt by prompt."""

    instructions: list[Instruction]
    groups: list[Group]
    """[P] each prompt with its G answers as tokens."""
    logprobs: list[list[Tensor]]
    """[P][G] [tokens] log-probability of each token by the sampler, at the sampling temperature."""
    answers: list[str]
    """[P * G] texts."""
    rewards: Tensor
    """[P, G], NaN where no reward could be given."""
    metrics: Metrics

    def put(self, place: int, other: Rollout, number: int) -> None:
        """Take group `number` of `other` in the place of group `place`."""
        size = self.rewards.shape[1]
        self.instructions[place] = other.instructions[number]
        self.groups[place], self.logprobs[place] = other.groups[number], other.logprobs[number]
        self.answers[place * size : (place + 1) * size] = other.answers[number * size : (number + 1) * size]
        self.rewards[place] = other.rewards[number]


class Policy:
    """A model with what belongs to asking it: tokenizer, stop tokens, and a copy to sample from."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Wrap `model` (fp32, trained in place)."""
        self.model, self.tokenizer = model, tokenizer
        self.twin = sampling_copy(model)
        self.stop_ids = end_ids(tokenizer, model.generation_config.eos_token_id)
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        self.compiled = False
        self.decoder: Decode = decode

    def compile(
        self, instructions: Sequence[Instruction], config: RlConfig,
        anchor: Callable[[Sequence[Instruction]], Tensor] | None,
    ) -> None:  # fmt: skip
        """Compile the sampler's step, and the passes of the updates on a minibatch with answers of half the room.

        Wherever a run begins, so that kernels, and with them bits, are the same on resume.
        """
        torch._dynamo.reset()
        self.decoder = compiled_decode(self.twin)
        for layer in layers(self.model):
            layer.compile(dynamic=True)
        self.compiled = True
        prompts = prompt_tokens(self.tokenizer, [i.messages for i in instructions[: config.minibatch]])
        answers = [[self.pad] * max(1, config.max_new_tokens // 2)] * config.samples
        groups = [Group(prompt, answers) for prompt in prompts]
        part = next(length_groups([g.tokens for g in groups], config.device_tokens))
        self.model.eval()
        for temperature in (config.temperature.start, config.temperature.end):
            with autocast(self.model.device):
                scored = answer_logprobs(self.model, [groups[i] for i in part], temperature, self.pad, compiled=True)
            (scored.logprobs.sum() + config.objective.entropy * scored.entropy.sum()).backward()
        if anchor is not None:
            anchor(instructions[: config.minibatch]).backward()
        self.model.zero_grad(set_to_none=True)

    def ask(
        self, instructions: Sequence[Instruction], *, samples: int, temperature: float, longest: int, seed: int
    ) -> tuple[list[list[int]], list[Completion], list[str]]:
        """Prompts [P], completions and texts [P * G] under the present weights."""
        refresh(self.twin, self.model)
        prompts = prompt_tokens(self.tokenizer, [i.messages for i in instructions])
        nested = sample(
            self.twin, prompts, max_new_tokens=longest, stop_ids=self.stop_ids, temperature=temperature,
            samples=samples, seed=seed, decoder=self.decoder,
        )  # fmt: skip
        completions = [c for group in nested for c in group]
        texts = self.tokenizer.batch_decode([c.tokens for c in completions], skip_special_tokens=True)
        return prompts, completions, [without_reasoning(text).strip() for text in texts]


def roll_out(
    policy: Policy, instructions: list[Instruction], scorer: Scorer, config: RlConfig, temperature: float, seed: int
) -> Rollout:
    """Sample `config.samples` answers a prompt and score them."""
    group = config.samples
    prompts, completions, answers = policy.ask(
        instructions, samples=group, temperature=temperature, longest=config.max_new_tokens, seed=seed
    )
    items = reward_items(instructions, answers)
    scores = asyncio.run(scorer.score(items))
    total = np.array([np.nan if value is None else value for value in scores.total])
    penalty = np.array(
        [length_penalty(len(c.tokens), config.max_new_tokens, config.overlong_buffer) for c in completions]
    )
    groups = [
        Group(prompt, [c.tokens for c in completions[n * group : (n + 1) * group]]) for n, prompt in enumerate(prompts)
    ]
    logprobs = [
        [torch.tensor(c.logprobs) for c in completions[n * group : (n + 1) * group]] for n in range(len(prompts))
    ]
    metrics: Metrics = {
        "reward": float(np.nanmean(total)) if not np.isnan(total).all() else float("nan"),
        "length": float(np.mean([len(c.tokens) for c in completions])),
        "finished": float(np.mean([c.finished for c in completions])),
        "length_penalty": float(penalty.mean()),
        "unscored": float(np.isnan(total).sum()),
    }
    for name in scores.parts:
        if (mean := scores.mean(name)) is not None:
            metrics[f"reward/{name}"] = mean
    for name, count in scores.failures.items():
        metrics[f"failed/{name}"] = float(count)
    metrics |= {f"principle/{k}": v for k, v in principle_table(items).items()}
    rewards = torch.from_numpy(total + penalty).view(len(instructions), group)
    return Rollout(instructions, groups, logprobs, answers, rewards, metrics)


def refill(
    policy: Policy, rollout: Rollout, instructions: Sequence[Instruction], scorer: Scorer, config: RlConfig,
    temperature: float, seed: int, step: int,
) -> Rollout:  # fmt: skip
    """`rollout` with other prompts, drawn from `instructions`, where all answers of a group earned the same.

    At most `config.refill` tries; what is still flat then stays, and teaches nothing. Metrics stay those of the first
    draw, or prompts that are half learned would look like the whole set; "refilled" counts the groups replaced.
    """
    asked = {i.id for i in rollout.instructions}
    order = iter(np.random.default_rng([seed, step, 1]).permutation(len(instructions)))
    replaced = 0
    for trial in range(config.refill):
        flat = [p for p, row in enumerate(rollout.rewards) if not is_useful(row)]
        fresh = [instructions[i] for i in islice((i for i in order if instructions[i].id not in asked), len(flat))]
        if not fresh:
            break
        more = roll_out(policy, fresh, scorer, config, temperature, (seed * 1_000_003 + step) * 1_009 + trial + 1)
        for place, new in zip(flat, range(len(fresh)), strict=False):
            if is_useful(more.rewards[new]):
                rollout.put(place, more, new)
                replaced += 1
    rollout.metrics["refilled"] = float(replaced)
    return rollout


def is_useful(rewards: Tensor) -> bool:
    """True where the [G] rewards of a group differ (NaN: no reward)."""
    there = rewards[~rewards.isnan()]
    return len(there) > 1 and bool(there.min() < there.max())


def principle_table(items: Sequence[RewardItem]) -> dict[str, float]:
    """Share of answers that keep each principle, over those it applies to; "all" over every principle together."""
    kept: dict[str, list[bool]] = {}
    for item in items:
        for name, verdict in item.verdicts.items():
            if verdict.kept is not None:
                kept.setdefault(name, []).append(verdict.kept)
    table = {name: sum(verdicts) / len(verdicts) for name, verdicts in sorted(kept.items())}
    if kept:
        table["all"] = sum(map(sum, kept.values())) / sum(map(len, kept.values()))
    return table


def update(
    policy: Policy,
    rollout: Rollout,
    optimizer: Optimizer,
    factor: float,
    config: RlConfig,
    temperature: float,
    anchor: Callable[[Sequence[Instruction]], Tensor] | None,
) -> Metrics:
    """The updates of one rollout batch: `prompts / minibatch` steps. Returns their mean metrics.

    Groups of equal rewards teach nothing and are skipped (counted as "flat_groups").
    """
    lengths = torch.tensor([[len(answer) for answer in g.answers] for g in rollout.groups])
    advantage = advantages(rollout.rewards, config.objective.advantage, lengths)
    if config.reward_cap is not None:
        advantage = advantage.clamp(-config.reward_cap, config.reward_cap)
    useful = (advantage != 0).any(1)
    device = policy.model.device
    advantage = advantage.to(device)
    minibatches = [
        [p for p in range(begin, min(begin + config.minibatch, len(useful))) if useful[p]]
        for begin in range(0, len(useful), config.minibatch)
    ]
    old: dict[int, list[Tensor]] = {}
    if policy.twin.dtype == policy.model.dtype:
        old = dict(enumerate(rollout.logprobs))  # the sampler multiplies as exactly as the training pass
    elif later := [p for chosen in minibatches[1:] for p in chosen]:
        # The first minibatch is scored before any step: its own pass gives what is old.
        groups = [rollout.groups[p] for p in later]
        scores = old_logprobs(policy.model, groups, temperature, policy.pad, config.device_tokens, policy.compiled)
        old = dict(zip(later, scores, strict=True))
    sums: dict[str, list[float]] = {}
    for number, chosen in enumerate(minibatches):
        if not chosen and anchor is None:
            continue
        trajectories, tokens = len(chosen) * config.samples, int(lengths[chosen].sum())
        for part in length_groups([rollout.groups[p].tokens for p in chosen], config.device_tokens):
            numbers = [chosen[i] for i in part]
            with autocast(device):
                scored = answer_logprobs(
                    policy.model, [rollout.groups[p] for p in numbers], temperature, policy.pad, policy.compiled
                )
            before = scored.logprobs.detach()
            if number:
                rows = [row for p in numbers for row in old[p]]
                before = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)
            loss, metrics = objective(
                scored.logprobs, before, advantage[numbers].view(-1), scored.mask, config.objective,
                trajectories=trajectories, tokens=tokens, entropy=scored.entropy,
            )  # fmt: skip
            loss.backward()
            metrics["entropy"] = float(scored.entropy.detach().sum() / scored.mask.sum())
            for name, value in metrics.items():
                sums.setdefault(name, []).append(value)
        if anchor is not None:
            loss = config.sft_weight * anchor(rollout.instructions[number * config.minibatch :][: config.minibatch])
            loss.backward()
            sums.setdefault("sft_loss", []).append(float(loss.detach()) / config.sft_weight)
        sums.setdefault("grad_norm", []).append(float(optimizer.step(factor)))
    means = {name: float(np.mean(values)) for name, values in sums.items()}
    return means | {"flat_groups": float((~useful).float().mean())}


def answer_anchor(policy: Policy, config: RlConfig) -> Callable[[Sequence[Instruction]], Tensor]:
    """Cross-entropy of the prompts' own answers: keeps greedy decoding where supervised training put it."""
    loss_of = LanguageModelingLoss(policy.model, smoothing=config.sft_smoothing)

    def loss(instructions: Sequence[Instruction]) -> Tensor:
        examples = list(chat_examples(policy.tokenizer, instructions))
        loss_of.one_graph = policy.compiled
        with autocast(next(policy.model.parameters()).device):
            value: Tensor = loss_of(collate(examples, policy.pad))
        return value

    return loss


def reinforce(
    policy: Policy,
    instructions: Sequence[Instruction],
    scorer: Scorer,
    config: RlConfig,
    stage: Stage,
    *,
    on_dev: Callable[[int], dict[str, Any]] | None = None,
) -> dict[str, float]:
    """Train `policy.model` in place over `instructions` and return figures.

    Everything random is a function of (seed, step), so a killed run goes on from its checkpoint to the same weights.
    """
    epoch = len(instructions) // config.prompts
    steps = epoch if config.steps is None else config.steps
    optimizer = Optimizer(policy.model, config.optimizer)
    average = Average(optimizer.parameters, config.optimizer.ema) if config.optimizer.ema else None
    checkpoints = Checkpoints(stage.work / "rl", policy.model, optimizer, average, stage.say)
    state = checkpoints.load() or {"step": 0, "seconds": 0.0}
    step, spent = int(state["step"]), float(state["seconds"])
    stage.log.rewind(step or -1)  # the row of step 0 is written again where no checkpoint holds it
    anchor = answer_anchor(policy, config) if config.sft_weight else None
    policy.model.eval()  # throughout: dropout would score other answers than were sampled
    if config.compile and step < steps:
        plain = forward_of(policy.model).plain
        able = can_compile() and not plain
        why = "it has a plain forward pass" if plain else "there is no C++ compiler"
        stage.say("sampling and updates are compiled" if able else f"not compiled: {why}")
        if able:
            policy.compile(instructions, config, anchor)
    began = saved = time.monotonic()
    last: Metrics = dict(state.get("last", {}))  # nothing is left to do where it was the last step
    if step == 0 and on_dev is not None:
        stage.log.write({"step": 0, "signatures": scorer.signatures, **on_dev(0)})
    with stage.progress("rl", steps) as advance:
        advance(step, "")
        while step < steps:
            order = np.random.default_rng([stage.seed, step // max(1, epoch)]).permutation(len(instructions))
            place = step % max(1, epoch) * config.prompts
            chosen = [instructions[i] for i in order[place : place + config.prompts]]
            temperature = temperature_at(config.temperature, step, steps)
            factor = learning_rate_factor(
                config.optimizer.schedule, step, steps, config.optimizer.warmup, config.optimizer.decay
            )
            rollout = roll_out(policy, chosen, scorer, config, temperature, stage.seed * 1_000_003 + step)
            scorer.go_on(not bool(rollout.rewards.isnan().all()))
            if config.refill:
                rollout = refill(policy, rollout, instructions, scorer, config, temperature, stage.seed, step)
            now = config.model_copy(update={"objective": objective_at(config, step, steps)})
            learned = update(policy, rollout, optimizer, factor, now, temperature, anchor)
            if average is not None:
                average.update()
            step += 1
            last = {**rollout.metrics, **learned}
            stage.log.write({"step": step, "temperature": temperature, "lr": config.optimizer.lr * factor, **last})
            if on_dev is not None and config.dev_every and step % config.dev_every == 0 and step < steps:
                stage.log.write({"step": step, **on_dev(step)})
            advance(1, f"reward {last['reward']:.3f}")
            if time.monotonic() - saved > SAVE_SECONDS:
                checkpoints.save({"step": step, "seconds": spent + time.monotonic() - began, "last": last})
                saved = time.monotonic()
    checkpoints.wait()
    if average is not None:
        average.swap()
    if on_dev is not None:
        stage.log.write_once({"step": step, **on_dev(step)})
    return {"steps": steps, "seconds": round(spent + time.monotonic() - began, 1),
            "trajectories": steps * config.prompts * config.samples, **last}  # fmt: skip
