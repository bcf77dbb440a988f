"""Translate the items with whatever `in2x translate --model` takes.

A server is asked for each item as a whole, with its context and register. A model of a folder is asked in the words it
was trained with, which have no place for a context: line by line, with the register, empty lines left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from in2x.errors import In2xError
from in2x.evaluate.express.item import Item
from in2x.language import language
from in2x.llm.cache import Cache
from in2x.llm.config import is_address
from in2x.llm.open import open_server
from in2x.llm.request import Asker, Request, chat
from in2x.translate.backend import Backend
from in2x.translate.open import open_backend
from in2x.translate.request import TranslationRequest


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an item."""

    place: int
    text: str
    register: str | None


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
    if is_address(model):
        return ask(items, open_server(model, cache), done)
    return by_line(items, open_backend(model), done)


def instruction(item: Item) -> Request:
    """The question to a general language model."""
    wanted = f" in a {item.register_wanted} register" if item.register_wanted else ""
    return chat(
        f"Translate the following text from {language(item.source_lang).name} into Japanese{wanted}, as a Japanese "
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


def by_line(items: Sequence[Item], translator: Backend, done: Callable[[int], None] | None = None) -> list[str]:
    """Each line by itself; the lines of an item are put together again."""
    lines = [
        Line(place, text, item.register_wanted) for place, item in enumerate(items) for text in item.source.split("\n")
    ]
    answers: list[list[str]] = [[] for _ in items]
    for lang in dict.fromkeys(item.source_lang for item in items):
        own = [line for line in lines if items[line.place].source_lang == lang]
        request = TranslationRequest(lang, "ja", [line.register for line in own])
        for line, answer in zip(own, translator.translate([line.text for line in own], request, done), strict=True):
            answers[line.place].append(answer if line.text.strip() else "")
    return ["\n".join(answer) for answer in answers]
