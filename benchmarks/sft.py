"""SFT: tokens per second of the native loop against TRL, transformers' Trainer and a hand-written loop.

    python benchmarks/sft.py                3.3M and 8M parameters, 4,000 examples
    python benchmarks/sft.py --quick        3.3M, 200 examples, nothing compiled

All read the same examples twice, some 2,048 positions a step, AdamW at one rate, and the second pass is timed: in the
first the compiler runs, and kernels are made for shapes that are new. Tokens are those of the examples, padding not
counted. Loss is the mean over the last fifth.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from small_model import FAST, FORMAT, SHAPE, SHAPE_8M, examples, fresh, machine, parameters, plan, stage, tasks
from transformers import DataCollatorForSeq2Seq, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from trl import SFTConfig, SFTTrainer

from in2x.rl.loop import Policy
from in2x.training.batches import Example, Rows
from in2x.training.compiling import can_compile
from in2x.training.config import OptimizerConfig
from in2x.training.loop import Plan, train

BATCH, RATE = 2048, 1e-3
Result = tuple[float, float]
"""Tokens per second, loss."""


class Clock(TrainerCallback):
    def __init__(self, first: int) -> None:
        self.first, self.began, self.ended = first, 0.0, 0.0

    def on_step_end(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        self.ended = time.perf_counter()
        if state.global_step == self.first:
            self.began = self.ended


def total(found: list[Example]) -> int:
    return sum(len(x.tokens) for x in found)


def rows(found: list[Example]) -> Dataset:
    return Dataset.from_list(
        [{"input_ids": x.tokens, "labels": [-100] * x.answer_start + x.tokens[x.answer_start :]} for x in found]
    )


def by_trainer(trainer: Any, found: list[Example], steps: int) -> Result:
    clock = Clock(steps)
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return total(found) / (clock.ended - clock.began), statistics.fmean(losses[-max(1, len(losses) // 5) :])


def common(work: str, found: list[Example]) -> dict[str, Any]:
    size = max(1, round(BATCH * len(found) / total(found)))
    return dict(
        output_dir=work, use_cpu=True, report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True,
        per_device_train_batch_size=size, num_train_epochs=2, learning_rate=RATE, lr_scheduler_type="constant",
    )  # fmt: skip


def trl(policy: Policy, found: list[Example]) -> Result:
    with tempfile.TemporaryDirectory() as work:
        arguments = SFTConfig(**common(work, found), max_length=None)
        policy.model.set_attn_implementation("sdpa")
        trainer = SFTTrainer(
            model=policy.model, args=arguments, train_dataset=rows(found), processing_class=policy.tokenizer
        )
        return by_trainer(trainer, found, -(-len(found) // arguments.per_device_train_batch_size))


def hugging_face(policy: Policy, found: list[Example]) -> Result:
    with tempfile.TemporaryDirectory() as work:
        arguments = TrainingArguments(
            **common(work, found), bf16=FORMAT == "bf16", train_sampling_strategy="group_by_length"
        )
        policy.model.set_attn_implementation("sdpa")
        collator = DataCollatorForSeq2Seq(policy.tokenizer)
        trainer = Trainer(model=policy.model, args=arguments, train_dataset=rows(found), data_collator=collator)
        return by_trainer(trainer, found, -(-len(found) // arguments.per_device_train_batch_size))


def native(policy: Policy, found: list[Example], compiled: bool) -> Result:
    run = plan(found, policy.pad, BATCH, epochs=2)
    knobs = OptimizerConfig(lr=RATE, schedule="constant", warmup=0.0)
    began = 0.0

    def timed(step: int) -> Rows:
        nonlocal began
        if step == run.steps // 2:
            began = time.perf_counter()
        return run.rows(step)

    with tempfile.TemporaryDirectory() as work:
        place = stage(Path(work), 0)
        train(policy.model, Plan(run.steps, timed, {}), knobs, place, what="sft", compiled=compiled)
        ended = time.perf_counter()
        losses = [row["loss"] for row in place.log.read()]
    return total(found) / (ended - began), statistics.fmean(losses[-max(1, len(losses) // 5) :])


def by_hand(policy: Policy, found: list[Example], compiled: bool) -> Result:
    """The fastest format, compiled, length-bucketed, all positions projected: what one would write in an hour."""
    torch._dynamo.reset()
    model, run = policy.model, plan(found, policy.pad, BATCH, epochs=2)
    forward = torch.compile(model, dynamic=True) if compiled and can_compile() else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    losses, began = [], 0.0
    for step in range(run.steps):
        if step == run.steps // 2:
            began = time.perf_counter()
        batch = run.batch(step)
        labels = torch.full_like(batch.ids, -100)
        labels.view(-1)[batch.where + 1] = batch.targets
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.bfloat16 == FAST):
            loss = forward(input_ids=batch.ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return total(found) / (time.perf_counter() - began), statistics.fmean(losses[-max(1, len(losses) // 5) :])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(machine("transformers", "trl"))
    asked = tasks(200 if quick else 4000)
    for shape in (SHAPE,) if quick else (SHAPE, SHAPE_8M):
        found = examples(fresh(shape, asked).tokenizer, asked)
        peers = {
            "native": lambda p, f=found: native(p, f, not quick), "TRL SFTTrainer": lambda p, f=found: trl(p, f),
            f"Trainer, {FORMAT}, by length": lambda p, f=found: hugging_face(p, f),
            f"hand-written, {FORMAT}, compiled": lambda p, f=found: by_hand(p, f, not quick),
        }  # fmt: skip
        print(f"\n{parameters(fresh(shape, asked).model)}, {len(found):,} examples, {total(found):,} tokens\n")
        print("| | tokens/s | native is faster by | loss |\n|---|---:|---:|---:|", flush=True)
        own = 0.0
        for name, run in peers.items():
            speed, loss = run(fresh(shape, asked))
            own = own or speed
            print(f"| {name} | {speed:,.0f} | {own / speed:.2f} | {loss:.2f} |", flush=True)


if __name__ == "__main__":
    main()
