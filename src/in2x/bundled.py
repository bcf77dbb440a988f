"""The recipes that come with the package: those of this clone, or of the wheel (under share/in2x/recipes)."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def recipes() -> dict[str, Path]:
    """Name -> file, sorted; empty where the package was installed without them."""
    files = [*(Path(__file__).parents[2] / "recipes").glob("*.yaml")] or _installed()
    return {file.stem: file for file in sorted(files, key=lambda file: file.stem)}


def _installed() -> list[Path]:
    try:
        listed = metadata.files("in2x") or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())).resolve() for file in listed if file.match("share/in2x/recipes/*.yaml")]


def resolved(path: Path) -> Path:
    """The file that `path` names: itself, or, where there is none, our recipe of that name.

    `demo`, `demo.yaml` and `recipes/demo.yaml` name one; any other folder is the reader's.
    """
    own = str(path.parent) in (".", "recipes") and path.suffix in ("", ".yaml") and not path.is_file()
    return recipes().get(path.stem, path) if own and not path.is_absolute() else path


def instead(name: str) -> str:
    """What to do where there is no recipe `name`: the one that was probably meant."""
    near = difflib.get_close_matches(name, recipes(), n=1)
    return f"did you mean {near[0]!r}?" if near else "give the path of a YAML file, or a name that `in2x recipes` lists"
