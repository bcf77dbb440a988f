"""Whether model folders can be merged, seen before any work: each fault is one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from in2x.errors import In2xError
from in2x.merge.config import MixConfig
from in2x.merge.shards import Weights, check_same_shape
from in2x.training.model import load_tokenizer, not_a_model

NO_SHAPE = frozenset({
    "name_or_path", "transformers_version", "dtype", "torch_dtype", "use_cache", "bos_token_id", "eos_token_id",
    "pad_token_id", "initializer_range", "max_position_embeddings", "attention_dropout",
})  # fmt: skip
"""Entries of a configuration that change neither the weights nor what is computed with them."""
SPARE = 1.02
"""Disk space asked for, times the size of the weights: what stands beside them."""


def check_folders(base: Path, models: Mapping[str, Path]) -> None:
    """Raise In2xError unless all folders hold the same network with the same vocabulary, whole and stored alike.

    The models must agree in their special tokens, too; the base need not: what is taught to chat often ends its answers
    with another token than its base.
    """
    places: dict[Path, str] = {base.resolve(): "the base"}
    for name, path in models.items():
        if (twin := places.setdefault(path.resolve(), name)) != name:
            raise In2xError(f"this model is {twin} itself", file=path, mend="give models that differ from it")
    for path in (base, *models.values()):
        if not (path / "config.json").is_file():
            raise In2xError("not a model folder (it has no config.json)", file=path,
                            mend="give a folder with config.json, safetensors and a tokenizer")  # fmt: skip
    ours, vocabulary = _config(base), load_tokenizer(base).get_vocab()
    special: Mapping[str, Any] | None = None
    for path in models.values():
        mend = "merge models that come from one base"
        theirs = _config(path)
        if key := _first_difference(theirs, ours):
            what = f"another architecture: {key} is {theirs.get(key)} here and {ours.get(key)} in the base"
            raise In2xError(what, file=path, mend=mend)
        tokenizer = load_tokenizer(path)
        other = tokenizer.get_vocab()
        if token := _first_difference(other, vocabulary):
            place = f"number {other.get(token)} here and {vocabulary.get(token)} in the base"
            raise In2xError(f"another tokenizer: {token!r} is {place}", file=path, mend=mend)
        special = special or tokenizer.special_tokens_map
        if key := _first_difference(tokenizer.special_tokens_map, special):
            here, there = tokenizer.special_tokens_map.get(key), special.get(key)
            what = f"another tokenizer: {key} is {here!r} here and {there!r} in the first model"
            raise In2xError(what, file=path, mend="give all models the same special tokens")
    check_same_shape(Weights(base), {name: Weights(path) for name, path in models.items()})


def _first_difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str | None:
    """The first key whose values differ, in alphabetical order."""
    return min((key for key in a.keys() | b.keys() if a.get(key) != b.get(key)), default=None)


def _config(folder: Path) -> dict[str, Any]:
    """What shapes the network, by dotted name, with the defaults of its kind filled in."""
    try:
        whole = AutoConfig.from_pretrained(str(folder), trust_remote_code=False).to_dict()
    except (OSError, ValueError, KeyError) as error:
        raise not_a_model(folder, error) from None
    flat: dict[str, Any] = {}

    def add(part: Mapping[str, Any], prefix: str) -> None:
        for key, value in part.items():
            if isinstance(value, Mapping):
                add(value, f"{prefix}{key}.")
            elif str(key).lstrip("_") not in NO_SHAPE:
                flat[f"{prefix}{key}"] = value

    add(whole, "")
    return flat


def check_space(folder: Path, base: Path, models: int, how: MixConfig, written: int) -> None:
    """Raise In2xError where the disk of `folder` has no room for the merged model.

    Args:
        folder: an existing folder on that disk.
        base: as large as the result.
        models: how many are merged; by Fisher each leaves a diagonal of two bytes a weight there for a while.
        how: the method.
        written: bytes of it that an earlier, killed try left there.
    """
    weights = Weights(base)
    size = sum(weights.bytes(name) for name in weights.shapes)
    if how.method == "obim" and how.saliency == "fisher":
        size += 2 * models * sum(weights.bytes(name) // weights.dtype(name).itemsize for name in weights.shapes)
    wanted, free = round(SPARE * size) - written, shutil.disk_usage(folder).free
    if wanted > free:
        raise In2xError(f"the merged model takes {wanted / 1e9:.3g} GB and the disk has {free / 1e9:.3g} GB left",
                        file=folder, mend="make room, or write to another disk")  # fmt: skip
