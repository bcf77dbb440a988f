"""The texts that a judge reads, from the YAML files beside this one, in the language of the answer where it has any."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def table(name: str) -> Mapping[str, Any]:
    """The file `NAME.yaml` of this room."""
    loaded: Mapping[str, Any] = yaml.safe_load(files("in2x.principles").joinpath(f"{name}.yaml").read_text("utf-8"))
    return loaded


def spoken(texts: Mapping[str, str], lang: str) -> str:
    """The language among those of `texts` to use for `lang`: itself, that without a script or country, or the first."""
    for code in (lang, lang.partition("-")[0]):
        if code in texts:
            return code
    return next(iter(texts))
