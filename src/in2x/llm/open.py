"""The model that a config names: at a server, or in this process."""

from __future__ import annotations

from pathlib import Path

from in2x.chat.template import ChatTemplate, renderer, take_apart
from in2x.errors import In2xError
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.llm.local import LocalClient
from in2x.llm.request import Asker


def open_model(config: LlmConfig, cache: Cache | None, folder: Path | None = None) -> Asker:
    """The model at `config.base_url`, or without one the model in `folder`.

    Raises:
        In2xError: neither is named, or the folder holds no model.
    """
    if config.base_url:
        return Client(config, cache)
    if folder is None:
        raise In2xError("no model is named", mend="give llm.base_url or a model folder")
    return LocalClient.load(folder, cache)


def template_of(asker: Asker, config: LlmConfig, system: str | None = None) -> ChatTemplate:
    """The parts of the model's chat template (a server does not tell it: `config.template` names its tokenizer)."""
    if isinstance(asker, LocalClient):
        return take_apart(asker.render, system)
    if not config.template:
        raise In2xError(
            "Magpie needs the chat template of the served model",
            mend="give llm.template, the folder or hub name of its tokenizer",
        )
    from in2x.training.model import load_tokenizer

    return take_apart(renderer(load_tokenizer(config.template)), system)
