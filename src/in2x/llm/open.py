"""The model that a config, an option or an address names: at a server, or in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from in2x.chat.template import ChatTemplate, renderer, take_apart
from in2x.errors import In2xError, UsageError
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig, is_address
from in2x.llm.local import LocalClient
from in2x.llm.request import Asker

AT_ONCE = 8
"""Requests under way at a server that only an address names: it may be one process on this machine."""


def open_model(
    config: LlmConfig,
    cache: Cache | None,
    folder: Path | None = None,
    *,
    patience: float = 0.0,
    say: Callable[[str], None] = lambda text: None,
) -> Asker:
    """The model at `config.base_url`, or without one the model in `folder`.

    A server that is down is waited for as long as `patience` says (`Connection`).

    Raises:
        In2xError: neither is named, or the folder holds no model.
    """
    if config.base_url:
        return Client(config, cache, patience=patience, say=say)
    if folder is None:
        raise In2xError("no model is named", mend="give llm.base_url or a model folder")
    return LocalClient.load(folder, cache, config)


def open_server(address: str, cache: Cache | None = None) -> Client:
    """The model at ADDRESS#NAME; without a name the first one that the server lists.

    Raises:
        In2xError: the server does not answer, does not take the key, or lists no model.
    """
    url, _, name = address.partition("#")
    if not name:
        listed = Client(LlmConfig(base_url=url)).models()
        if not listed:
            raise In2xError("the server lists no model", file=url, mend="name one: ADDRESS#MODEL")
        name = listed[0]
    return Client(LlmConfig(base_url=url, model=name, in_flight=AT_ONCE), cache)


def open_judge(model: str, url: str | None, cache: Cache | None) -> Asker:
    """The model that judges: `model` at the server `url`; without one an address (ADDRESS#NAME) or a folder.

    Raises:
        UsageError: none of these.
        In2xError: the server does not answer, or the folder holds no model.
    """
    if url is not None:
        return Client(LlmConfig(base_url=url, model=model), cache)
    if is_address(model):
        return open_server(model, cache)
    if not Path(model).is_dir():
        raise UsageError(f"{model} is no model folder", mend="give an address, or --judge-url for a model at a server")
    return LocalClient.load(Path(model), cache)


def template_of(asker: Asker, config: LlmConfig, system: str | None = None, agreed: str = "OK.") -> ChatTemplate:
    """The parts of the model's chat template (a server does not tell it: `config.template` names its tokenizer);
    `system` and `agreed` as `take_apart` has them."""
    if isinstance(asker, LocalClient):
        return take_apart(asker.render, system, agreed)
    if not config.template:
        raise In2xError(
            "Magpie needs the chat template of the served model",
            mend="give llm.template, the folder or hub name of its tokenizer",
        )
    from in2x.training.model import load_tokenizer

    return take_apart(renderer(load_tokenizer(config.template)), system, agreed)
