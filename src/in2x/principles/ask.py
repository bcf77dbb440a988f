"""What judged and written principles need of a language model; `judge/` has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from in2x.errors import In2xError
from in2x.records import Message


class Unasked(In2xError):
    """No answer could be had (server, connection, budget), however long it was waited for.

    That says nothing about what was to be judged, so nothing is excluded for it: whoever asks stops.
    """


class Ask(Protocol):
    """One question to a model that answers by a JSON schema."""

    async def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any], /) -> dict[str, Any]:
        """The answer as an object that follows `schema`.

        Raises `Unasked` where the model was not heard, anything else where it was and gave no such answer.
        """
        ...
