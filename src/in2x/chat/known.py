"""How models that others trained are asked: profiles as data, and which model is asked by which.

A profile is one YAML file in `profiles/`, with the fields of `PromptProfile` and

- `models`: regular expressions, one of which the model's name holds (small letters, at the beginning of a word);
- `architectures`: the `model_type` that such a model has; a name alone never decides against its config;
- `sure`: a `model_type` that decides without a name;
- `like`: another profile whose fields it takes over where it is silent.

A model is never guessed: one that no profile names is asked only as the user says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from in2x.chat.profile import FILE, PromptProfile
from in2x.errors import In2xError, UsageError
from in2x.plain_yaml import read_yaml

HERE = Path(__file__).parent / "profiles"

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
"""OWNER/MODEL."""


@dataclass(frozen=True)
class Known:
    """A shipped profile, and the models that it is for."""

    profile: PromptProfile
    models: tuple[str, ...]
    architectures: tuple[str, ...]
    sure: tuple[str, ...]

    def fits(self, name: str, architecture: str | None) -> bool:
        """Whether the model called `name` is one of its models; `architecture` is None where it is not known."""
        if architecture in self.sure:
            return True
        named = any(re.search(rf"(?:^|[_\s]){pattern}", _base(name)) for pattern in self.models)
        return named and (architecture is None or not self.architectures or architecture in self.architectures)


@cache
def known() -> dict[str, Known]:
    """Name -> shipped profile, sorted by name."""
    return {file.stem: _read(file) for file in sorted(HERE.glob("*.yaml"))}


def named(name: str) -> PromptProfile:
    """The profile that `--profile` names: one of ours, or a JSON file (a model's `in2x_prompt.json`).

    Raises:
        UsageError: neither.
        In2xError: the file is no profile.
    """
    if name in known():
        return known()[name].profile
    file = Path(name)
    if file.is_dir():
        file = file / FILE
    if file.is_file():
        return PromptProfile.read_file(file)
    raise UsageError(f"there is no profile {name!r}", mend=f"give a file or one of {', '.join(known())}")


def profile_for(model: str, architecture: str | None = None) -> PromptProfile:
    """The profile of the model called `model` (a hub name, a server's name for it, a folder).

    Args:
        model: its name.
        architecture: its `model_type`, where its config is at hand.

    Raises:
        UsageError: no profile or several are for it.
    """
    fitting = [one for one in known().values() if one.fits(model, architecture)]
    longest = max((_length(one, model) for one in fitting), default=0)
    best = [one for one in fitting if _length(one, model) == longest]
    if len(best) == 1:
        return best[0].profile
    many = f"{' and '.join(one.profile.name for one in best)} may be meant by the model {model!r}"
    raise UsageError(
        many if best else f"how the model {model!r} wants to be asked is not known",
        mend="say it: --profile NAME (docs/models.md lists them), --profile FILE, or --profile chat for a general "
        "model that chats",
    )


def profile_of(model: Path | str) -> PromptProfile:
    """The profile of a model folder or hub name: its own, else the shipped one for its kind.

    Raises:
        UsageError: as `profile_for`.
        In2xError: as `model_path`, or the folder's own is none.
    """
    folder = Path(model)
    if (folder / FILE).is_file():
        return PromptProfile.load(folder)
    model_path(model)
    if not folder.is_dir():
        return profile_for(str(model))
    return profile_for(folder.resolve().name, architecture_of(folder))


def model_path(model: Path | str, config: str = "config.json") -> Path:
    """`model` as a path, where it is a model folder with the file `config`, or may be a hub name.

    Raises:
        In2xError: it is neither.
    """
    path = Path(model)
    if not path.is_dir() and (not HUB_NAME.fullmatch(str(model)) or path.parent.is_dir()):
        raise In2xError("there is no model folder here", file=path, mend="give the folder of a model, "
                        "for example runs/demo/model")  # fmt: skip
    if path.is_dir() and not (path / config).is_file():
        inner = path / "model"
        near = f", perhaps {inner}" if (inner / config).is_file() else ""
        raise In2xError(f"not a model folder (it has no {config})", file=path,
                        mend=f"give a folder with {config}, safetensors and a tokenizer{near}")  # fmt: skip
    return path


def architecture_of(folder: Path) -> str | None:
    """The `model_type` in a folder's config.json; None where none is there."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return str(found) if found else None


def _base(model: str) -> str:
    """The model's own name, in small letters: without the owner or the folder it stands in."""
    return model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].lower()


def _length(one: Known, model: str) -> int:
    """How much of the name speaks for a profile: "hy-mt2-1.8b-30b" is said by more than "hy-mt2"."""
    found = (re.search(pattern, _base(model)) for pattern in one.models)
    return max((len(match[0]) for match in found if match), default=0)


def _read(file: Path) -> Known:
    raw = _fields(file)
    lists: dict[str, Sequence[str]] = {name: raw.pop(name, ()) for name in ("models", "architectures", "sure")}
    try:
        profile = PromptProfile.of({"name": file.stem, **raw})
    except (TypeError, ValueError, In2xError) as error:
        raise In2xError(f"not a prompt profile ({error})", file=file) from None
    return Known(profile, *(tuple(map(str, values)) for values in lists.values()))


def _fields(file: Path) -> dict[str, Any]:
    raw: dict[str, Any] = read_yaml(file.read_text(encoding="utf-8"), file)
    like = raw.pop("like", None)
    return _fields(file.with_name(f"{like}.yaml")) | raw if like else raw
