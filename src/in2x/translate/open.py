"""Open what `--model` names: a folder, a hub name or the address of a server; or several of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from in2x.chat.known import architecture_of, named, profile_for, profile_of
from in2x.chat.profile import PromptProfile
from in2x.errors import UsageError
from in2x.process import uncollected
from in2x.translate.backend import CT2_FILE, Backend

if TYPE_CHECKING:
    from in2x.llm.cache import Cache
    from in2x.translate.mbr import MbrBackend

Combine = Literal["tokens", "answers"]
"""How several models work together: `ensemble.py` or `mbr.py`."""
Choose = Literal["agreement", "principles"]
"""What chooses among samples: `mbr.py` or `best.py`."""

MADE = "qwen3"
"""The `model_type` that recipes make, known without transformers' long lists."""


def profile_at(model: str, profile: str | None = None) -> PromptProfile | None:
    """How the model that `model` names is asked, as far as that is known before it is loaded.

    Args:
        model: as of `open_backend`.
        profile: as of `open_backend`.

    Returns:
        The profile; None for a server whose model the address does not name.

    Raises:
        UsageError: how it is asked is not known, or `profile` names none.
    """
    from in2x.llm.config import is_address

    _refuse_gguf(model)
    if profile is not None:
        return named(profile)
    if is_address(model):
        name = model.partition("#")[2]
        return profile_for(name) if name else None
    return profile_of(model)


def open_backend(model: str, cache: Cache | None = None, profile: str | None = None) -> Backend:
    """The translator that `model` names.

    Args:
        model: folder (of transformers, or of CTranslate2), hub name, or address of a server (ADDRESS#NAME).
        cache: keeps the answers of a server.
        profile: how it is asked: name of a shipped profile, "chat", or a file; None: the folder's own, else the shipped
            one that is for it.

    Raises:
        UsageError: no profile is for the model, and none was named.
        In2xError: there is no such model, or the server does not answer.
    """
    # Here, not above: torch and the client of servers are slow to import, and only one of them is needed.
    from in2x.llm.config import is_address

    if is_address(model):
        from in2x.llm.open import open_server
        from in2x.translate.remote import RemoteBackend

        asker = open_server(model, cache)
        return RemoteBackend(asker, named(profile) if profile is not None else profile_for(asker.name))
    _refuse_gguf(model)
    folder = Path(model)
    known = None if profile is None else named(profile)
    if (folder / CT2_FILE).is_file():
        from in2x.translate.ct2 import Ct2Backend

        return Ct2Backend(model, profile=known)
    if _encodes(model, known):
        from in2x.translate.seq2seq import Seq2SeqBackend

        return Seq2SeqBackend(model, profile=known)
    with uncollected():
        from in2x.translate.engine import LocalBackend

    return LocalBackend(model, profile=known)


def _refuse_gguf(model: str) -> None:
    folder = Path(model)
    inside = [] if (folder / "config.json").is_file() else sorted(folder.glob("*.gguf"))
    if model.endswith(".gguf") or inside:
        model = str(next(iter(inside), model))
        mend = f"run llama-server -m {model} --port 8080, and give --model http://127.0.0.1:8080/v1"
        raise UsageError(f"{model} is for llama.cpp", mend=mend)


def _encodes(model: str, known: PromptProfile | None) -> bool:
    """Whether the model has an encoder: as its config says or, at a hub, as its profile does."""
    if (kind := architecture_of(Path(model))) == MADE:
        return False
    if kind is not None:
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
            MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        )

        both = kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES  # Marian's and mBART's decoders alone are causal models, too
        wanted = known or (profile_of(model) if both else None)
        return kind in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES and (
            not both or (wanted is not None and wanted.endpoint == "seq2seq")
        )
    if known is None and Path(model).is_dir():
        return False
    try:
        return (known or profile_for(model)).endpoint == "seq2seq"
    except UsageError:
        return False


def open_together(
    models: Sequence[str],
    combine: Combine = "tokens",
    samples: int = 0,
    temperature: float = 1.0,
    cache: Cache | None = None,
    profile: str | None = None,
    choose: Choose = "agreement",
) -> Backend | MbrBackend:
    """What translates with `models`: one, or several combined; chosen from by `choose` where `samples` are to be drawn
    at `temperature`. All are asked as `profile` says, where it is given.

    Raises:
        UsageError: a combination that cannot be.
        In2xError: as `open_backend` does.
    """
    from in2x.llm.config import is_address
    from in2x.translate.mbr import MbrBackend

    if combine == "answers" and not samples:
        raise UsageError("--combine answers chooses among samples", mend="give --mbr N or --best N beside it")
    if combine == "answers" or len(models) == 1:
        backends = [open_backend(model, cache, profile) for model in models]
    elif server := next(filter(is_address, models), None):
        raise UsageError(f"{server} is a server and shows no probabilities to average",
                         mend="combine answers instead: --combine answers --mbr N")  # fmt: skip
    else:
        from in2x.translate.engine import LocalBackend
        from in2x.translate.ensemble import ensemble

        known = None if profile is None else named(profile)
        backends = [ensemble([LocalBackend(model, profile=known) for model in models])]
    if samples and choose == "principles":
        from in2x.translate.best import BestBackend

        return BestBackend(backends, samples, temperature)
    return MbrBackend(backends, samples, temperature) if samples else backends[0]
