"""One phase of pretraining: view -> blocks -> training, with held-out loss by language and domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.chat.source import Source
from in2x.corpus.pack import pack, pack_documents
from in2x.corpus.view import select_documents
from in2x.errors import In2xError
from in2x.pretrain.blocks import block_batch, block_rows, plan_blocks
from in2x.pretrain.config import PhaseConfig
from in2x.records import Document, Instruction, Pair, content_id, read_records
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.batches import Batch, Rows
from in2x.training.config import Checkpointing, Compile
from in2x.training.examples import chat_examples
from in2x.training.loop import Measure, Plan, train
from in2x.training.passes import enough_rows


def translation_chats(stage: Stage) -> Iterator[Instruction]:
    """Instructions in chat form for annealing: the collected set, then translations from the training pairs."""
    data = stage.input("data")
    yield from (i for i in read_records(data / "instructions.parquet", Instruction) if i.answer)
    profile = stage.recipe.profile
    for pair in read_records(data / "pairs.train.parquet", Pair):
        yield Instruction(
            id=content_id(pair.id, "chat"), lang=pair.tgt_lang, task="translate",
            messages=profile.messages(Source.of_pair(pair)), answer=pair.target,
        )  # fmt: skip


def held_out_blocks(
    stage: Stage, tokenizer: PreTrainedTokenizerBase, context: int, limit: int, rows: int = 8
) -> dict[str, list[Batch]]:
    """Held-out batches by language ("de") and, where a language has several, by domain ("de.creative").

    At most `limit` blocks each, `rows` a batch.
    """
    by_name: dict[str, list[Document]] = {}
    for document in read_records(stage.input("corpus") / "heldout.parquet", Document):
        by_name.setdefault(document.lang, []).append(document)
        by_name.setdefault(f"{document.lang}.{document.domain}", []).append(document)
    found = {}
    for name, documents in sorted(by_name.items()):
        language = name.partition(".")[0]
        if name != language and len(documents) == len(by_name[language]):
            continue  # its only domain
        blocks = pack_documents(tokenizer, documents, context, stage.work / f"heldout.{name}.{context}", stage.seed)
        count = min(limit, len(blocks))
        found[name] = [
            block_batch([(blocks, j) for j in range(i, min(i + rows, count))]) for i in range(0, count, rows)
        ]
    return found


def train_phase(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    phase: PhaseConfig,
    stage: Stage,
    *,
    name: str,
    tags: dict[str, str | int],
    documents: Callable[[], Iterator[Document]] | None = None,
    dev_every: int = 0,
    dev_blocks: int = 16,
    compiled: Compile = "auto",
    checkpointing: Checkpointing = False,
) -> dict[str, float]:
    """Train `model` through one phase and return its figures.

    Args:
        model: changed in place.
        tokenizer: of the model.
        phase: see `PhaseConfig`; what it says of the context is in the model already (`context.stretch`).
        stage: reads "corpus" (and "data", where `chat_share` is above 0).
        name: of the phase, for files and progress.
        tags: of its log rows.
        documents: replaces the phase's view of the corpus.
        dev_every: steps between held-out losses.
        dev_blocks: held-out blocks a language.
        compiled: see `compiling.decide`.
        checkpointing: see `loop.train`.
    """
    steps = phase.tokens // phase.batch_tokens
    if phase.tokens and not steps:
        raise In2xError(f"{name}: {phase.tokens} tokens are less than one step of {phase.batch_tokens}",
                        mend="raise tokens or lower batch_tokens")  # fmt: skip
    enough_rows(name, phase.batch_tokens, phase.context)
    view = documents() if documents else select_documents(stage.input("corpus"), phase.view)
    with parallel.main_first():
        text = pack_documents(tokenizer, view, phase.context, stage.work / f"{name}.blocks", stage.seed)
    rows = max(1, phase.batch_tokens // phase.context)
    parts = [(text, plan_blocks(len(text), rows, steps, stage.seed))]
    if phase.chat_share:
        need = int(phase.tokens * phase.chat_share)
        with parallel.main_first():
            chats = pack(
                _chat_tokens(tokenizer, stage, phase.context, need), phase.context, stage.work / f"{name}.chats",
                vocabulary=len(tokenizer), pad=tokenizer.pad_token_id or 0, seed=stage.seed,
            )  # fmt: skip
        chat_rows = min(rows, max(1, round(rows * phase.chat_share)))
        parts = [
            (text, plan_blocks(len(text), rows - chat_rows, steps, stage.seed)),
            (chats, plan_blocks(len(chats), chat_rows, steps, stage.seed + 1)),
        ]

    def step_rows(step: int) -> Rows:
        return block_rows([(blocks, int(i)) for blocks, plan in parts for i in plan[step]])

    with parallel.main_first():
        most = min(8, (phase.device_tokens or phase.batch_tokens) // phase.context)
        held = held_out_blocks(stage, tokenizer, phase.context, dev_blocks, most)

    def on_dev(measure: Measure) -> dict[str, float]:
        return {f"dev_loss/{name}": measure(batches) for name, batches in held.items()}

    return train(
        model, Plan(steps, step_rows, dict(tags), phase.device_tokens), phase.optimizer, stage, what=name,
        compiled=compiled, checkpointing=checkpointing, dev_every=dev_every, on_dev=on_dev,
    )  # fmt: skip


def _chat_tokens(tokenizer: PreTrainedTokenizerBase, stage: Stage, context: int, need: int) -> Iterator[list[int]]:
    """Chats in a shuffled order until `need` tokens are there (all of them, if they are fewer)."""
    chats = list(translation_chats(stage))
    order = np.random.default_rng([stage.seed, 3]).permutation(len(chats))
    for example in chat_examples(tokenizer, (chats[i] for i in order), max_tokens=context):
        if need <= 0:
            return
        need -= len(example.tokens)
        yield example.tokens
