"""The engine behind every interface: what clients wish becomes lots in a queue, threads translate, answers come back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from in2x.serve.wish import Answer, Wish
from in2x.translate.translator import Translator


class Engine:
    """One model for many clients.

    Args:
        translator: the model.
        default_source: language of a text that does not show its own.
    """

    def __init__(self, translator: Translator, default_source: str | None = None) -> None:
        self.translator, self.default_source = translator, default_source

    async def translate(
        self, texts: Sequence[str], wish: Wish, client: str, *, interactive: bool = True, deadline: float | None = None
    ) -> list[Answer]:
        """One answer a text, in order.

        Args:
            texts: of any length, any of them may be empty.
            wish: what is wanted of them.
            client: who asks, as `Access.client` told; equal requests of one client are worked on once.
            interactive: whether a person waits; a document waits behind those.
            deadline: seconds after which nobody wants it any more.

        Raises:
            UsageError: languages, register or markup that cannot be.
            In2xError: a text that is no such markup.
            Fault: 429 too much waits already, 503 the model is gone or the server stops, 504 the deadline has passed.
        """
        raise NotImplementedError

    def stream(
        self, texts: Sequence[str], wish: Wish, client: str, *, interactive: bool = True, deadline: float | None = None
    ) -> AsyncIterator[Answer]:
        """The same, each answer in its turn as soon as it is there."""
        raise NotImplementedError

    async def alternatives(self, text: str, wish: Wish, count: int, client: str) -> list[str]:
        """Up to `count` different translations of `text`, the likeliest first.

        Raises:
            UsageError, Fault: as `translate` does.
        """
        raise NotImplementedError

    def languages(self) -> list[str]:
        """Codes of the languages that the model knows; all that have a pack where it does not say."""
        raise NotImplementedError
