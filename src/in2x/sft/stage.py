"""The `sft` stage: round 1, then round 2, cosine decay over both (METHOD 4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from in2x.chat.contract import settle
from in2x.chat.translation import translation
from in2x.errors import In2xError
from in2x.records import Instruction, Pair, read_records
from in2x.sft.config import SftConfig
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.batches import COLUMNS, Batch, Rows, collate, hide_tokens, plan_batches
from in2x.training.examples import ExampleTable, chat_examples, said_of
from in2x.training.forward import forward_of
from in2x.training.loop import Plan, train
from in2x.training.lora import add_adapters, merge_adapters
from in2x.training.model import load_tokenizer, save_model
from in2x.training.passes import enough_rows
from in2x.training.shapes import round_up
from in2x.training.start import open_model


def plan_steps(
    lengths: Sequence[np.ndarray], passes: int, batch_tokens: int, seed: int
) -> list[tuple[int, np.ndarray]]:
    """Every step as (round, example numbers): round 1, round 2, round 1, ... `passes` times over both.

    Several passes over one round before the other would be learnt by heart and then forgotten.

    Args:
        lengths: tokens of each example, for each round.
        passes: how often each round is read.
        batch_tokens: budget of a step.
        seed: of the run; every pass has its own order.
    """
    return [
        (number, chosen)
        for epoch in range(passes)
        for number, sizes in enumerate(lengths)
        if len(sizes)
        for chosen in plan_batches(sizes, batch_tokens, seed, 2 * epoch + number)
    ]


def run(config: SftConfig, stage: Stage) -> None:
    """Write `model/` with its prompt profile. Figures: examples and passes of each round, and those of the training."""
    source = stage.input("pretrain") / "model"
    tokenizer, model = load_tokenizer(source), open_model(source)
    contract = settle(tokenizer, model.generation_config, trains_head=not config.lora.rank)
    stage.say(f"{contract.words}; {forward_of(model).words}")
    profile = stage.recipe.profile
    rounds = []
    refused: dict[str, str] = {}
    for number in (1, 2):
        file = stage.input("select") / f"round{number}.parquet"
        examples = chat_examples(
            tokenizer, read_records(file, Instruction), max_tokens=config.max_tokens, refused=refused
        )
        with parallel.main_first():
            rounds.append(ExampleTable.write(stage.work / f"round{number}", examples))
    if refused:
        stage.say(said_of(refused))
    if not sum(map(len, rounds)):
        raise In2xError("no instruction to learn from", file=stage.input("select"),
                        mend="loosen the selection or raise sft.max_tokens")  # fmt: skip
    lengths, answered = [table.lengths for table in rounds], [table.answered for table in rounds]
    longest = max(int(size.max(initial=1)) for size in lengths)
    enough_rows("sft", config.batch_tokens, round_up(longest, COLUMNS))
    steps = plan_steps(lengths, config.passes, config.batch_tokens, stage.seed)
    stage.say(
        f"{len(rounds[0]):,} + {len(rounds[1]):,} examples x {config.passes} = {len(steps):,} steps of at most "
        f"{config.batch_tokens:,} tokens"
    )
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

    def rows(step: int) -> Rows:
        number, chosen = steps[step]
        size = lengths[number][chosen]
        whole = len(chosen), round_up(int(size.max()), COLUMNS)

        def make(part: np.ndarray) -> Batch:
            batch = collate([rounds[number][int(i)] for i in chosen[part]], pad)
            return hide_tokens(
                batch, config.word_dropout, pad, tokenizer.all_special_ids, stage.seed, step, part, whole
            )

        return Rows(size, answered[number][chosen], make)

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
    stage.figures.update({"round1": len(rounds[0]), "round2": len(rounds[1]), "passes": config.passes,
                          "refused": len(refused), **figures})  # fmt: skip
