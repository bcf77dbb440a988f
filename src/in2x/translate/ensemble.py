"""An ensemble of models token by token: every token is chosen by the mean of their probabilities.

The models share one tokenizer and are asked in the same words, so that they read and write the same tokens (see
`inference/sampler.py` for the mean). Systems that share nothing meet in their answers instead: `mbr.py`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from in2x.errors import UsageError
from in2x.translate.engine import LocalBackend


def ensemble(members: Sequence[LocalBackend]) -> LocalBackend:
    """A translator of the models of all `members`, which stay in memory together; one member is itself.

    Raises:
        UsageError: two models differ in their tokens, in the words they are asked with or in what ends an answer.
    """
    first, *others = members
    for other in others:
        if difference := _difference(first, other):
            raise UsageError(
                f"{first.folder} and {other.folder} {difference}, so their probabilities cannot be averaged",
                mend="combine their answers instead: --combine answers --mbr N",
            )
    together = copy.copy(first)
    together.others = tuple(other.model for other in others)
    together.context = min(member.context for member in members)
    return together


def _difference(one: LocalBackend, other: LocalBackend) -> str:
    """Why two models do not read and write the same tokens; "" where they do."""
    if _tokens(one.tokenizer) != _tokens(other.tokenizer):
        return "have different tokenizers"
    sizes = {m.model.get_output_embeddings().weight.shape[0] for m in (one, other)}
    if len(sizes) > 1:
        return f"have {' and '.join(f'{size:,}' for size in sorted(sizes))} output tokens"
    if one.profile != other.profile or one.tokenizer.chat_template != other.tokenizer.chat_template:
        return "are asked in different words"
    return "" if one.stop_ids == other.stop_ids else "end their answers with different tokens"


def _tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[dict[str, int], dict[str, Any]]:
    """What makes tokens of a text: the vocabulary and, where the library shows it, how a text is cut."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    parts = json.loads(backend.to_str()) if backend is not None else {}
    return tokenizer.get_vocab(), {part: parts.get(part) for part in ("normalizer", "pre_tokenizer", "model")}
