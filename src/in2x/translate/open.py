"""Open what `--model` names: a folder, a hub name or the address of a server; or several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from in2x.errors import UsageError
from in2x.translate.backend import Backend

if TYPE_CHECKING:
    from in2x.llm.cache import Cache
    from in2x.translate.mbr import MbrBackend

Combine = Literal["tokens", "answers"]
"""How several models work together: `ensemble.py` or `mbr.py`."""


def open_backend(model: str, cache: Cache | None = None) -> Backend:
    """The translator that `model` names; `cache` keeps the answers of a server.

    Raises:
        In2xError: there is no such model, or the server does not answer.
    """
    # Here, not above: torch and the client of servers are slow to import, and only one of them is needed.
    from in2x.llm.config import is_address

    if is_address(model):
        from in2x.llm.open import open_server
        from in2x.translate.remote import RemoteBackend

        return RemoteBackend(open_server(model, cache))
    from in2x.translate.engine import LocalBackend

    return LocalBackend(model)


def open_together(
    models: Sequence[str],
    combine: Combine = "tokens",
    samples: int = 0,
    temperature: float = 1.0,
    cache: Cache | None = None,
) -> Backend | MbrBackend:
    """What translates with `models`: one, or several combined, by minimum Bayes risk where `samples` are to be drawn at
    `temperature`.

    Raises:
        UsageError: a combination that cannot be.
        In2xError: as `open_backend` does.
    """
    from in2x.llm.config import is_address
    from in2x.translate.mbr import MbrBackend

    if combine == "answers" and not samples:
        raise UsageError("--combine answers chooses among samples", mend="give --mbr N beside it")
    if combine == "answers" or len(models) == 1:
        backends = [open_backend(model, cache) for model in models]
    elif server := next(filter(is_address, models), None):
        raise UsageError(f"{server} is a server and shows no probabilities to average",
                         mend="combine answers instead: --combine answers --mbr N")  # fmt: skip
    else:
        from in2x.translate.engine import LocalBackend
        from in2x.translate.ensemble import ensemble

        backends = [ensemble([LocalBackend(model) for model in models])]
    return MbrBackend(backends, samples, temperature) if samples else backends[0]
