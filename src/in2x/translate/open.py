"""Open what `--model` names: a folder, a hub name or the address of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from in2x.translate.translator import Translator

if TYPE_CHECKING:
    from in2x.llm.cache import Cache


def open_translator(model: str, cache: Cache | None = None) -> Translator:
    """The translator that `model` names; `cache` keeps the answers of a server.

    Raises:
        In2xError: there is no such model, or the server does not answer.
    """
    # Here, not above: torch and the client of servers are slow to import, and only one of them is needed.
    from in2x.llm.config import is_address

    if is_address(model):
        from in2x.llm.open import open_server
        from in2x.translate.remote import RemoteTranslator

        return RemoteTranslator(open_server(model, cache))
    from in2x.translate.engine import LocalTranslator

    return LocalTranslator(model)
