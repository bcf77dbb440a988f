"""Shortlists: the tokens that answers in a language are made of, so that greedy decoding computes no others' logits.

A vocabulary serves all languages of a model, and an answer is in one: half of the entries or more never come. The list
of a language holds every token of the answers that were shown, all bytes (so that anything can still be spelt) and
what ends an answer. It does not look at the source, unlike those of Jean et al. (2015) or Marian: one for each source
(IBM model 1) left out words of 11 to 63% of the answers, by its size, and what a batch computes is the union of its
rows anyway (docs/log.md). So an answer does not depend on its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from in2x.errors import In2xError, UsageError

FILE = "shortlist.safetensors"
SWITCH = "IN2X_SHORTLIST"
"""The environment variable that turns shortlists off, in this process and those it starts."""


def shortlist(tokenizer: Any, answers: Iterable[str], stop_ids: Collection[int]) -> Tensor:
    """[K] the tokens, rising, of `answers`, and with them single bytes and characters, and `stop_ids`."""
    found = set(stop_ids)
    texts = list(answers)
    for begin in range(0, len(texts), 4096):
        for ids in tokenizer(texts[begin : begin + 4096], add_special_tokens=False, verbose=False)["input_ids"]:
            found.update(ids)
    # Of bytes one character, or written <0x0A>.
    single = (ids for token, ids in tokenizer.get_vocab().items() if len(token) == 1 or token.startswith("<0x"))
    return torch.tensor(sorted(found.union(single)))


def save_shortlists(folder: Path, lists: Mapping[str, Tensor], tokenizer: Any, stated: Mapping[str, Any]) -> None:
    """Write the shortlist [K] of each language into a model folder; `stated` is what is known of them, for people."""
    told = {"tokenizer": _signature(tokenizer), "stated": json.dumps(dict(stated), sort_keys=True)}
    save_file({lang: tokens.int() for lang, tokens in lists.items()}, folder / FILE, metadata=told)


def load_shortlists(folder: Path, tokenizer: Any) -> dict[str, Tensor]:
    """The shortlist [K] of each language, where the model folder `folder` has some and they are not turned off.

    Raises:
        In2xError: they are of another tokenizer, or no such file.
        UsageError: `IN2X_SHORTLIST` is neither on nor off.
    """
    switch = os.environ.get(SWITCH, "")
    if switch not in ("", "on", "off"):
        raise UsageError(f"{SWITCH} is {switch!r}", mend="give on or off")
    file = folder / FILE
    if switch == "off" or not file.is_file():
        return {}
    mend = f"remove it, or write it anew with in2x export {folder} --to shortlist --pairs FILE -o {folder}"
    try:
        with safe_open(file, "pt") as stored:
            if (stored.metadata() or {}).get("tokenizer") != _signature(tokenizer):
                raise In2xError("this shortlist is of another tokenizer than the model's", file=file, mend=mend)
            return {lang: stored.get_tensor(lang).long() for lang in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise In2xError(f"not a shortlist ({error})", file=file, mend=mend) from None


def _signature(tokenizer: Any) -> str:
    words = json.dumps(sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1]))
    return hashlib.blake2b(words.encode(), digest_size=12).hexdigest()
