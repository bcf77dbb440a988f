"""The `rl` stage: reinforcement learning from rewards by rules and principles (METHOD 5).

rl/
  model/              with its prompt profile
  log.jsonl           reward parts, principles, entropy, effective sample size, temperature by step; "dev/..." rows
  trajectories.jsonl  some answers with the principles they keep, and why not, at each held-out score
"""

from __future__ import annotations

import json
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.chat.contract import settle
from in2x.chat.profile import PromptProfile
from in2x.chat.render import chat_ids, prompt_tokens
from in2x.errors import In2xError
from in2x.principles.verdict import kept, reasons
from in2x.records import Instruction
from in2x.rl.config import RlConfig
from in2x.rl.figures import string_figures
from in2x.rl.loop import Policy, principle_table, reinforce
from in2x.rl.questions import held_out, payable, questions
from in2x.rl.rewards.base import reward_items
from in2x.rl.rewards.judge import open_scorer
from in2x.rl.trl_job import run_trl
from in2x.stage import Stage
from in2x.training.examples import CHUNK, said_of
from in2x.training.forward import forward_of
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.model import load_model, load_tokenizer, save_model, seed_everything


def run(config: RlConfig, stage: Stage) -> None:
    """Write `model/`. Figures: batch arithmetic, trajectories, last metrics, failures of rewards."""
    source = stage.input("sft") / "model"
    seed_everything(stage.seed)
    asked = questions(config, stage.input("select"), stage.recipe)
    chosen = payable(asked, config.rewards)
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
    trajectories = stage.out / "trajectories.jsonl"

    def on_dev(step: int) -> dict[str, Any]:
        row, shown = held_out_scores(policy, held, config, stage.seed)
        with trajectories.open("a", encoding="utf-8") as stream:
            for item in shown[: config.shown]:
                stream.write(json.dumps({"step": step, **item}, ensure_ascii=False) + "\n")
        return row

    with open_scorer(config, stage.work / "judge", source, stage.say) as scorer:
        figures = reinforce(policy, chosen, scorer, config, stage, on_dev=on_dev if held else None)
    save_model(merge_adapters(policy.model, adapters), policy.tokenizer, stage.out / "model")
    PromptProfile.load(source).save(stage.out / "model")
    failures = {"failed": scorer.failed, "why_failed": scorer.why}
    stage.figures.update({**figures, **failures, "signatures": scorer.signatures})


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
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """chrF and BLEU (with signatures) of greedy and sampled answers, principle shares of greedy ones, and these."""
    row: dict[str, Any] = {}
    texts: list[str] = []
    for name, temperature in (("sampled", 1.0), ("greedy", 0.0)):
        _, _, texts = policy.ask(held, samples=1, temperature=temperature, longest=config.max_new_tokens, seed=seed)
        row |= string_figures(held, texts, f"_{name}")
    items = reward_items(held, texts)
    row |= {f"dev/principle/{k}": v for k, v in principle_table(items).items()}
    shown = [
        {
            "prompt": item.instruction.messages[-1]["content"],
            "answer": item.answer,
            "reference": item.instruction.answer,
            "principles": kept(item.verdicts),
            "why": reasons(item.verdicts),
        }
        for item in items
    ]
    return row, shown
