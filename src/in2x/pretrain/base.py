"""The `base` stage: take the named open model, or train a small English-heavy one from scratch.

The small one exists so that the whole path runs anywhere, and so that what the hub language brings to the target
language can be seen: it has read mostly English before continued pretraining turns to the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from in2x.chat.profile import BASE_TEMPLATES, PromptProfile
from in2x.chat.source import Source
from in2x.corpus.view import select_documents
from in2x.pretrain.config import BaseModelConfig
from in2x.pretrain.phase import train_phase
from in2x.records import Document, Pair, read_records
from in2x.stage import Stage
from in2x.training import parallel
from in2x.training.model import build_model, load_tokenizer, save_model
from in2x.training.tokenizer import train_tokenizer

BASE_PROFILE = PromptProfile(templates=BASE_TEMPLATES, stop=("\n",), endpoint="completions")


def hub_heavy(documents: Iterator[Document], hub: str, share: float) -> Iterator[Document]:
    """Hub-language documents, and of the other monolingual ones as many characters as `share` leaves room for."""
    room = 0.0
    held: list[Document] = []
    for document in documents:
        if document.lang == hub:
            yield document
            room += len(document.text) * (1 - share) / max(share, 1e-9)
        elif document.lang != "mul":
            held.append(document)
        while held and room >= len(held[0].text):
            room -= len(held[0].text)
            yield held.pop(0)


def asked(pairs: Iterator[Pair], profile: PromptProfile) -> Iterator[str]:
    """Question and answer of each pair, as SFT will meet them: documents alone never hold the words of the prompt."""
    for pair in pairs:
        yield profile.prompt(Source.of_pair(pair))
        yield pair.target


def run(config: BaseModelConfig, stage: Stage) -> None:
    """Write `model/`. Figures: parameters, vocabulary and, for a model from scratch, those of its training."""
    target = stage.out / "model"
    if config.model is not None:
        source = Path(config.model)
        if not source.is_dir():
            from huggingface_hub import snapshot_download

            source = Path(
                snapshot_download(config.model, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.jinja"])
            )
        load_tokenizer(source)
        if parallel.rank():
            return
        target.unlink(missing_ok=True)
        target.symlink_to(source.resolve(), target_is_directory=True)
        stage.figures["model"] = config.model
        return
    documents = stage.input("corpus")
    tokenizer_folder = stage.work / "tokenizer"
    with parallel.main_first():
        if not tokenizer_folder.exists():
            stage.say("training the tokenizer")
            pairs = read_records(stage.input("data") / "pairs.train.parquet", Pair) if config.asked_pairs else iter(())
            texts = chain(
                (d.text for d in select_documents(documents)),
                asked(islice(pairs, config.asked_pairs), stage.recipe.profile),
            )
            tokenizer = train_tokenizer(texts, config.shape.vocabulary, max_length=config.shape.context)
            partial = stage.work / "tokenizer.partial"
            tokenizer.save_pretrained(partial)
            partial.rename(tokenizer_folder)
    tokenizer = load_tokenizer(tokenizer_folder)
    model = build_model(config.shape, tokenizer, stage.seed)
    parameters = sum(p.numel() for p in model.parameters())
    stage.say(f"{parameters / 1e6:.1f}M parameters, {len(tokenizer)} tokens in the vocabulary")
    hub = stage.recipe.languages.hub
    figures = train_phase(
        model, tokenizer, config.train, stage, name="base", tags={"phase": "base"}, compiled=config.compile,
        checkpointing=config.checkpointing,
        documents=lambda: hub_heavy(select_documents(documents, config.train.view), hub, config.hub_share),
    )  # fmt: skip
    save_model(model, tokenizer, target)
    if parallel.rank() == 0:
        BASE_PROFILE.save(target)
    stage.figures.update({"parameters": parameters, "vocabulary": len(tokenizer), **figures})
