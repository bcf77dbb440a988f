"""The `rl` stage: reinforcement learning from rewards by rules and principles (METHOD 5).

rl/
  model/              with its prompt profile
  log.jsonl           reward parts, principles, entropy, effective sample size, temperature by step; "dev/..." rows
  principles.jsonl    what the judge wrote for each prompt, kept and rejected, where it judges
  trajectories.jsonl  some answers with the principles they keep, and why not, at each held-out score
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.chat.contract import settle
from in2x.chat.profile import PromptProfile
from in2x.chat.render import chat_ids, prompt_tokens
from in2x.errors import In2xError
from in2x.judge.ask import Judge
from in2x.principles.case import TRANSLATE
from in2x.principles.verdict import kept, reasons
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.figures import string_figures
from in2x.rl.loop import Policy, principle_table, reinforce
from in2x.rl.questions import held_out, payable, questions
from in2x.rl.rewards.base import RewardItem, reward_items
from in2x.rl.rewards.judge import make_scorer, open_judge
from in2x.rl.rewards.judged import JudgedPrinciples
from in2x.rl.rewards.written import FILE, counts, write_all
from in2x.rl.trl_job import run_trl
from in2x.stage import Log, Stage
from in2x.training.examples import CHUNK, said_of
from in2x.training.forward import forward_of
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.model import load_model, load_tokenizer, save_model, seed_everything


def run(config: RlConfig, stage: Stage) -> None:
    """Write `model/`. Figures: batch arithmetic, trajectories, last metrics, failures of rewards."""
    asked = questions(config, stage.input("select"), stage.recipe)
    with open_judge(config, stage.out, stage.input("sft") / "model", stage.say) as judge:
        _train(config, stage, asked, judge)


def _train(config: RlConfig, stage: Stage, asked: list[Instruction], judge: Judge | None) -> None:
    source = stage.input("sft") / "model"
    seed_everything(stage.seed)
    seeing = [r for r in config.rewards if r != JudgedPrinciples.name or TRANSLATE in config.judge.tasks]
    chosen = payable(asked, seeing)
    if len(chosen) < len(asked):
        stage.say(f"{len(asked) - len(chosen):,} translations without a reference are left out: no reward sees meaning")
    if len(chosen) < config.prompts:
        raise In2xError(f"{len(chosen)} prompts for RL are fewer than one batch of {config.prompts}",
                        file=stage.input("select") / "rl.parquet",
                        mend="select more for RL or lower rl.prompts and rl.minibatch")  # fmt: skip
    tokenizer = load_tokenizer(source)
    model = load_model(source)
    contract = settle(tokenizer, model.generation_config, trains_head=not config.lora.rank)
    stage.say(f"{contract.words}; {forward_of(model).words}")
    refused: dict[str, str] = {}
    chosen, too_long = fitting(chosen, tokenizer, model, config.max_new_tokens, refused)
    if refused:
        stage.say(said_of(refused))
    if len(chosen) < config.prompts:
        raise In2xError(f"{len(chosen)} prompts for RL are fewer than one batch of {config.prompts}, {too_long} are "
                        "longer than the context", file=stage.input("select") / "rl.parquet",
                        mend="lower rl.max_new_tokens, rl.prompts and rl.minibatch")  # fmt: skip
    if judge is not None and config.judge.principles != "fundamental":
        chosen = with_principles(config, stage, judge, Policy(model, tokenizer), chosen)
    steps = len(chosen) // config.prompts if config.steps is None else config.steps
    stage.say(
        f"{config.prompts} prompts x {config.samples} answers = {config.prompts * config.samples:,} trajectories a "
        f"batch, {config.prompts // config.minibatch} updates each; {steps} batches, "
        f"{steps * config.prompts / len(chosen):.2f} epochs of {len(chosen):,} prompts"
        + (f" ({too_long:,} longer than the context left out)" if too_long else "")
    )
    held = held_out(config, stage.input("sft"), stage.input("data"), stage.recipe)
    stage.figures.update({"prompts": len(chosen), "too_long": too_long, "refused": len(refused),
                          "updates": steps * config.prompts // config.minibatch})  # fmt: skip
    if config.backend == "trl":
        del model
        stage.figures.update(run_trl(config, stage, source, chosen, held, steps))
        PromptProfile.load(source).save(stage.out / "model")
        return
    adapters = add_adapters(model, config.lora, stage.seed)
    policy = Policy(model, tokenizer)
    scorer = make_scorer(config, judge, stage.out, stage.say)
    judged = scorer.rewards.get(JudgedPrinciples.name)
    judged = judged if isinstance(judged, JudgedPrinciples) else None
    own = [i for i in chosen if judged is not None and judged.principles(i)][: config.shown]
    trajectories = Log(stage.out / "trajectories.jsonl")

    def on_dev(step: int) -> dict[str, Any]:
        row, items = held_out_scores(policy, held, config, stage.seed)
        items = items[: config.shown]
        if own:
            _, _, texts = policy.ask(own, samples=1, temperature=0.0, longest=config.max_new_tokens, seed=stage.seed)
            items += reward_items(own, texts)
        trajectories.rewind(step - 1)  # what a killed run wrote already
        for shown in trajectory_rows(items, judged):
            trajectories.write({"step": step, **shown})
        return row

    figures = reinforce(policy, chosen, scorer, config, stage, on_dev=on_dev if held else None)
    save_model(merge_adapters(policy.model, adapters), policy.tokenizer, stage.out / "model")
    PromptProfile.load(source).save(stage.out / "model")
    failures = {"failed": scorer.failed, "why_failed": scorer.why}
    stage.figures.update({**figures, **failures, "signatures": scorer.signatures})


def with_principles(
    config: RlConfig, stage: Stage, judge: Judge, policy: Policy, instructions: list[Instruction]
) -> list[Instruction]:
    """The instructions to train on, after the judge wrote the principles of those that are judged.

    Left out are those for which it wrote nothing that can be read, or, where nothing else is judged, nothing of use;
    and those that `config.steps` batches do not reach: nobody pays for principles that are never used.

    Raises:
        In2xError: the judge gives no answer, or fewer than one batch of instructions is left.
    """
    if config.steps is not None and not config.refill:
        order = np.random.default_rng([stage.seed, 2]).permutation(len(instructions))
        reached = sorted(order[: max(1, config.steps) * config.prompts])
        instructions = [instructions[i] for i in reached]

    def answers(instructions: Sequence[Instruction], number: int) -> list[str]:
        return policy.ask(
            instructions, samples=config.judge.tried, temperature=config.temperature.start,
            longest=config.max_new_tokens, seed=(stage.seed * 1_000_003 + number) * 1_009 + 3,
        )[2]  # fmt: skip

    to_judge = [i for i in instructions if i.task in config.judged_tasks]
    rows = write_all(judge, to_judge, config.judge, answers, stage)
    needed = config.judge.principles == "dynamic"
    without = {row.id for row in rows if row.failed or (needed and not row.kept)}
    found = counts(rows)
    stage.figures["principles"] = {**found, "left_out": len(without)}
    why = ", ".join(f"{reason} {count:,}" for reason, count in found["rejected"].items())
    stage.say(f"{found['kept']:,} principles written for {len(rows):,} prompts; {sum(found['rejected'].values()):,} "
              f"rejected{f' ({why})' if why else ''}")  # fmt: skip
    if without:
        last = f" (the last reason: {found['why_failed']})" if found["failed"] else ""
        stage.say(f"{len(without):,} prompts for which the judge wrote none of use are left out{last}")
    left = [i for i in instructions if i.id not in without]
    if len(left) < config.prompts:
        why_failed = f", the last reason: {found['why_failed']}" if found["failed"] else ""
        raise In2xError(f"the judge wrote principles of use for too few prompts: {len(left)} are left, fewer than one "
                        f"batch of {config.prompts}{why_failed}", file=stage.out / FILE,
                        mend="take a stronger judge, or set rl.judge.principles: fundamental")  # fmt: skip
    return left


def fitting(
    instructions: list[Instruction], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, answer: int,
    refused: dict[str, str] | None = None,
) -> tuple[list[Instruction], int]:  # fmt: skip
    """The instructions whose prompt leaves room for `answer` tokens in the model's context, and how many do not.

    Those that the chat template refuses are set aside in `refused`, by id with the reason (None: In2xError).
    """
    room = int(getattr(model.config.get_text_config(), "max_position_embeddings", 0) or 1 << 30) - answer
    lengths: list[int | None] = []
    for start in range(0, len(instructions), CHUNK):
        chunk = instructions[start : start + CHUNK]
        try:
            lengths += map(len, prompt_tokens(tokenizer, [i.messages for i in chunk]))
        except In2xError:
            if refused is None:
                raise
            lengths += [_length(tokenizer, i, refused) for i in chunk]
    kept = [i for i, length in zip(instructions, lengths, strict=True) if length is not None and length <= room]
    return kept, sum(length is not None and length > room for length in lengths)


def _length(tokenizer: PreTrainedTokenizerBase, instruction: Instruction, refused: dict[str, str]) -> int | None:
    try:
        return len(chat_ids(tokenizer, instruction.messages))
    except In2xError as error:
        refused[instruction.id] = error.what
        return None


def held_out_scores(
    policy: Policy, held: list[Instruction], config: RlConfig, seed: int
) -> tuple[dict[str, Any], list[RewardItem]]:
    """chrF and BLEU (with signatures) of greedy and sampled answers, principle shares of greedy ones, and these."""
    row: dict[str, Any] = {}
    texts: list[str] = []
    for name, temperature in (("sampled", 1.0), ("greedy", 0.0)):
        _, _, texts = policy.ask(held, samples=1, temperature=temperature, longest=config.max_new_tokens, seed=seed)
        row |= string_figures(held, texts, f"_{name}")
    items = reward_items(held, texts)
    row |= {f"dev/principle/{k}": v for k, v in principle_table(items).items()}
    return row, items


def trajectory_rows(items: Sequence[RewardItem], judge: JudgedPrinciples | None) -> list[dict[str, Any]]:
    """Answers with what code and, where there is one, the judge says of each principle; `fault` where it could not."""
    judged = asyncio.run(judge.judge(items)) if judge is not None else [None] * len(items)
    return [
        {
            "prompt": item.instruction.messages[-1]["content"],
            "answer": item.answer,
            "reference": item.instruction.answer,
            "principles": kept(item.verdicts),
            "why": reasons(item.verdicts),
            **({} if said is None else {"judged": said.words, "fault": said.judgement.fault}),
        }
        for item, said in zip(items, judged, strict=True)
    ]
