"""The `sft` stage: round 1, then round 2, or both as one; cosine decay over all (METHOD 4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

import numpy as np
from transformers import PreTrainedTokenizerBase

from in2x.chat.contract import settle
from in2x.chat.translation import translation
from in2x.errors import In2xError
from in2x.records import Instruction, Pair, read_records
from in2x.sft.config import SftConfig
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.batches import COLUMNS, Batch, Rows, collate, plan_batches
from in2x.training.examples import ExampleTable, chat_examples, said_of
from in2x.training.forward import forward_of
from in2x.training.loop import Plan, train
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.model import load_tokenizer, save_model
from in2x.training.passes import enough_rows
from in2x.training.shapes import round_up
from in2x.training.start import open_model
from in2x.training.subwords import merged_from, respelt


def plan_steps(
    lengths: Sequence[Sequence[np.ndarray]], batch_tokens: int, seed: int
) -> list[tuple[int, int, np.ndarray]]:
    """Every step as (pass, table, example numbers): round 1, round 2, round 1, ... once over both in each pass.

    Several passes over one round before the other would be learnt by heart and then forgotten.

    Args:
        lengths: tokens of each example, for each table of each pass: two rounds, or both as one.
        batch_tokens: budget of a step.
        seed: of the run; every pass has its own order.
    """
    return [
        (epoch, number, chosen)
        for epoch, rounds in enumerate(lengths)
        for number, sizes in enumerate(rounds)
        if len(sizes)
        for chosen in plan_batches(sizes, batch_tokens, seed, 2 * epoch + number)
    ]


def _passes(
    once: Sequence[ExampleTable], tokenizer: PreTrainedTokenizerBase, config: SftConfig, stage: Stage
) -> list[list[ExampleTable]]:
    """The tables for every pass, each in pieces of its own."""
    parts = merged_from(tokenizer)
    passes = []
    with parallel.main_first():
        for epoch in range(config.passes):
            rounds = []
            for number, table in enumerate(once, 1):
                draw = np.random.default_rng([stage.seed, epoch, number, 2])
                other = respelt(table, parts, config.subword_dropout, draw, config.max_tokens)
                rounds.append(ExampleTable.write(stage.work / f"round{number}.pass{epoch + 1}", other))
            passes.append(rounds)
    return passes


def run(config: SftConfig, stage: Stage) -> None:
    """Write `model/` with its prompt profile. Figures: examples of each round, passes, and those of the training."""
    source = stage.input("pretrain") / "model"
    tokenizer, model = load_tokenizer(source), open_model(source)
    contract = settle(tokenizer, model.generation_config, trains_head=not config.lora.rank)
    stage.say(f"{contract.words}; {forward_of(model).words}")
    profile = stage.recipe.profile
    refused: dict[str, str] = {}
    files = [stage.input("select") / f"round{number}.parquet" for number in (1, 2)]
    rounds = [
        chat_examples(tokenizer, read_records(file, Instruction), max_tokens=config.max_tokens, refused=refused)
        for file in files
    ]
    told = {"rounds": chain(*rounds)} if config.mixed else {"round1": rounds[0], "round2": rounds[1]}
    with parallel.main_first():
        once = [ExampleTable.write(stage.work / name, examples) for name, examples in told.items()]
    if refused:
        stage.say(said_of(refused))
    if not sum(map(len, once)):
        raise In2xError("no instruction to learn from", file=stage.input("select"),
                        mend="loosen the selection or raise sft.max_tokens")  # fmt: skip
    tables = _passes(once, tokenizer, config, stage) if config.subword_dropout else [once] * config.passes
    longest = max(int(table.lengths.max(initial=1)) for one in tables for table in one)
    enough_rows("sft", config.batch_tokens, round_up(longest, COLUMNS))
    steps = plan_steps([[table.lengths for table in one] for one in tables], config.batch_tokens, stage.seed)
    sizes = " + ".join(f"{len(table):,}" for table in once)
    stage.say(f"{sizes} examples x {config.passes} = {len(steps):,} steps of at most {config.batch_tokens:,} tokens")
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

    def rows(step: int) -> Rows:
        epoch, number, chosen = steps[step]
        table = tables[epoch][number]

        def make(part: np.ndarray) -> Batch:
            return collate([table[int(i)] for i in chosen[part]], pad)

        return Rows(table.lengths[chosen], table.answered[chosen], make)

    pairs = islice(read_records(stage.input("data") / "pairs.dev.parquet", Pair), config.dev_pairs)
    held = list(chat_examples(tokenizer, (translation(pair, profile) for pair in pairs), max_tokens=config.max_tokens))
    most = config.device_tokens or config.batch_tokens
    dev = [collate([held[i] for i in b], pad) for b in plan_batches([len(e.tokens) for e in held], most, 0, 0)]
    adapters = add_adapters(model, config.lora, stage.seed)
    figures = train(
        model, Plan(len(steps), rows, {}, config.device_tokens), config.optimizer, stage, what="sft",
        temperature=config.temperature, smoothing=config.smoothing, compiled=config.compile,
        checkpointing=config.checkpointing, dev=dev, dev_every=config.dev_every,
    )  # fmt: skip
    save_model(merge_adapters(model, adapters), tokenizer, stage.out / "model")
    if parallel.rank() == 0:
        profile.save(stage.out / "model")
    counts = {name: len(table) for name, table in zip(told, once, strict=True)}
    stage.figures.update({**counts, "passes": config.passes, "refused": len(refused), **figures})
