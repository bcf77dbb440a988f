"""What judged and written principles need of a language model; `judge/` has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from in2x.records import Message


class Ask(Protocol):
    """One question to a model that answers by a JSON schema."""

    async def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any], /) -> dict[str, Any]:
        """The answer as an object that follows `schema`; raises, the reason as its message, where there is none."""
        ...
