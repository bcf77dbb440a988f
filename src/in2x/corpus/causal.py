"""Perplexity by any causal language model, in batches: a column beside that of the n-gram model (METHOD 1)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOCK = threading.Lock()
_LOADED: dict[str, Any] = {}


def causal_perplexity(name: str, texts: Sequence[str], *, context: int, chars: int) -> NDArray[np.float64]:
    """Perplexity a token of the first `chars` characters of each text, float64 `[texts]`; NaN for an empty text.

    The model is read once a process, goes to a GPU where there is one, and is used by one thread at a time.

    Args:
        name: folder or hub name of a causal language model (safetensors).
        context: window in tokens.

    Raises:
        In2xError: not a model that transformers can load.
    """
    # Imported here: without this score the room needs neither torch nor transformers.
    from in2x.inference.perplexity import surprise
    from in2x.training.model import load_model, load_tokenizer, to_training_device

    with _LOCK:
        if name not in _LOADED:
            model = load_model(name).eval()
            to_training_device(model)
            _LOADED[name] = (model, load_tokenizer(name))
        model, tokenizer = _LOADED[name]
        found = surprise(model, tokenizer, [text[:chars] for text in texts], context=context)
    return np.array([s.perplexity if s.tokens else np.nan for s in found], np.float64)
