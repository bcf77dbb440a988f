"""A translator that says what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from in2x.chat.source import Source
from in2x.translate.backend import Backend, Done, Translation
from in2x.translate.request import TranslationRequest

ALL = frozenset({"before", "tags", "mend"})


class Scripted(Backend):
    """Answers each question by `reply`: a text, or a whole `Translation`."""

    def __init__(self, reply: Callable[[Source], str | Translation]) -> None:
        self.reply = reply
        self.asked: list[Source] = []
        self.steps: list[int] = []

    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        self.steps.append(len(sources))
        self.asked += sources
        said = [self.reply(source) for source in sources]
        return [[one if isinstance(one, Translation) else Translation(one)] * samples for one in said]
