"""Translate the items with whatever `in2x translate --model` takes.

A server is asked for each item as a whole, with its context and register. A model of a folder is asked in the words it
was trained with, which have no place for a context: line by line, with the register, empty lines left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from in2x.chat.profile import LANGUAGE_NAMES
from in2x.errors import In2xError
from in2x.evaluate.express.item import Item
from in2x.llm.cache import Cache
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.llm.request import Asker, Request, chat
from in2x.translate.engine import Translator
from in2x.translate.open import open_translator
from in2x.translate.remote import RemoteTranslator


def open_server(address: str, cache: Cache | None) -> Asker:
    """The model at a server, "#NAME" after the address picking one as for `in2x translate`.

    Raises:
        In2xError: the server does not answer or lists no model.
    """
    server = RemoteTranslator(address)
    return Client(LlmConfig(base_url=server.address, model=server.model, in_flight=server.workers), cache)


def translate(
    items: Sequence[Item], model: str, cache: Cache | None = None, done: Callable[[int], None] | None = None
) -> list[str]:
    """The answers of a model to `items`.

    Args:
        items: what to translate into Japanese.
        model: folder, hub name or address of a server.
        cache: keeps the answers of a server.
        done: called with the number of items (server) or lines (folder) finished.

    Raises:
        In2xError: there is no such model, or the server refused an item.
    """
    if model.startswith(("http://", "https://")):
        return ask(items, open_server(model, cache), done)
    return by_line(items, open_translator(model), done)


def instruction(item: Item) -> Request:
    """The question to a general language model."""
    wanted = f" in a {item.register_wanted} register" if item.register_wanted else ""
    return chat(
        f"Translate the following text from {LANGUAGE_NAMES[item.source_lang]} into Japanese{wanted}, as a Japanese "
        f"author would write it. Keep line breaks, tags and placeholders. Write the translation and nothing else.\n\n"
        f"Situation: {item.context}\n\n{item.source}"
    )


def ask(items: Sequence[Item], asker: Asker, done: Callable[[int], None] | None = None) -> list[str]:
    """Each item as a whole."""
    answers = []
    for item, answer in zip(items, asker.ask_all([instruction(item) for item in items]), strict=True):
        if not answer.ok:
            raise In2xError(f"{asker.name}: no answer to {item.id} ({answer.error})", mend="see the server's log")
        answers.append(answer.text.strip())
        if done:
            done(1)
    return answers


def by_line(
    items: Sequence[Item], translator: Translator, done: Callable[[int], None] | None = None
) -> list[str]:  # fmt: skip
    """Each line by itself; the lines of an item are put together again."""
    answers = [""] * len(items)
    for lang in ("en", "zh"):
        places = [(place, line) for place, item in enumerate(items) if item.source_lang == lang
                  for line in item.source.split("\n")]  # fmt: skip
        texts = translator.translate([line for _, line in places], lang, "ja",
                                     [items[place].register_wanted for place, _ in places], done=done)  # fmt: skip
        whole: dict[int, list[str]] = {}
        for (place, line), text in zip(places, texts, strict=True):
            whole.setdefault(place, []).append(text if line.strip() else "")
        for place, lines in whole.items():
            answers[place] = "\n".join(lines)
    return answers
