"""A model folder or a stage's data, with its card, to the Hugging Face hub.

What goes up is named by pattern: weights (safetensors only), tokenizer, configuration and prompt of a model; the
Parquet files of a stage. Manifests stay here: they hold paths and command lines of the machine that made them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from in2x import __version__
from in2x.artifact import MANIFEST, Artifact
from in2x.errors import In2xError, UsageError
from in2x.merge.card import TIMING

MODEL_FILES = ("*.safetensors", "config.json", "generation_config.json", "model.safetensors.index.json",
               "tokenizer*", "special_tokens_map.json", "vocab.*", "merges.txt", "*.model", "chat_template*",
               "in2x_prompt.json", "README.md")  # fmt: skip
LEFT = frozenset({"verdicts.parquet", "outputs.parquet", "sampled.parquet"})
"""Parquet files of a stage that are about its work, not its data."""
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Pushed:
    """What lies at the hub now."""

    url: str
    files: list[str]
    kind: str
    """"model" or "dataset"."""


def push(
    folder: Path, name: str, *, private: bool = False, license: str | None = None, revision: str | None = None
) -> Pushed:
    """Lay `folder`, a model or a finished stage with data, down as `name` at the hub that HF_ENDPOINT names.

    The token is HF_TOKEN's, or that of `hf auth login`. What is there stays; files of the same name are replaced.

    Args:
        name: OWNER/NAME.
        license: as the card names it, an identifier of the hub such as "apache-2.0".
        revision: the branch, made where there is none.

    Raises:
        UsageError: `name` is none, or the folder is neither.
        In2xError: the hub refuses, or cannot be reached; what was there is untouched then (one commit).
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of the hub", mend="write OWNER/NAME")
    kind, files = contents(folder)
    with tempfile.TemporaryDirectory() as beside:
        card = Path(beside) / "README.md"
        card.write_text(model_card(folder, license) if kind == "model" else data_card(folder, files, name, license),
                        encoding="utf-8")  # fmt: skip
        return _upload(folder, [f for f in files if f != "README.md"], card, name, kind, private, revision)


def contents(folder: Path) -> tuple[str, list[str]]:
    """("model" or "dataset", the files that go up, relative to `folder`).

    Raises UsageError where `folder` is neither, and In2xError where a model's weights are no safetensors.
    """
    if (folder / "config.json").is_file():
        files = sorted({f.name for pattern in MODEL_FILES for f in folder.glob(pattern) if f.is_file()})
        if not any(name.endswith(".safetensors") for name in files):
            raise In2xError("this model has no weights as safetensors", file=folder, mend="save it as safetensors")
        return "model", files
    if (folder / MANIFEST).is_file():
        files = sorted(str(f.relative_to(folder)) for f in folder.rglob("*.parquet") if f.name not in LEFT)
        if files:
            return "dataset", files
    raise UsageError("neither a model folder nor a finished stage with data", file=folder,
                     mend="give runs/NAME/model, or a stage such as runs/NAME/instruct")  # fmt: skip


def model_card(folder: Path, license: str | None) -> str:
    """The card that the folder has, or a short one; with the licence in its head where one is given."""
    file = folder / "README.md"
    card = file.read_text(encoding="utf-8") if file.is_file() else (
        f"---\nlibrary_name: transformers\ntags: [in2x, translation]\n---\n\n# {folder.resolve().name}\n\n"
        f"Put here by in2x {__version__}.\n")  # fmt: skip
    if license is None:
        return card
    head = re.match(r"---\n(.*?)^---\n", card, re.DOTALL | re.MULTILINE)
    if head is None:
        return f"---\nlicense: {license}\n---\n\n{card}"
    kept = re.sub(r"^license:.*\n", "", head[1], flags=re.MULTILINE)
    return f"---\nlicense: {license}\n{kept}---\n{card[head.end() :]}"


def data_card(folder: Path, files: Iterable[str], name: str, license: str | None) -> str:
    """The card of a data set: how `datasets` loads its files, its licences and figures, what made it."""
    manifest = Artifact.open(folder).manifest
    configs = _configs(files)
    licences = _licences(folder, files)
    head = ["---", *([f"license: {license}"] if license else []), "tags: [in2x]", "configs:"]
    for config, splits in configs.items():
        head += [f"- config_name: {config}", "  data_files:"]
        for split, paths in splits.items():
            head += [f"  - split: {split}", f"    path: {json.dumps(paths)}"]
    languages = dict.fromkeys(v for v in _codes(manifest.get("languages", {})))
    head += [f"language: {json.dumps([*languages])}", "---"]
    rows = [f"| {key} | {value} |" for key, value in _figures(manifest.get("figures", {}))]
    parts = [
        "\n".join(head),
        f"# {name.partition('/')[2]}",
        f"What the stage `{manifest.get('stage')}` of the recipe `{manifest.get('recipe')}` left (seed "
        f"{manifest.get('seed')}), made by in2x {__version__}.",
        "```python\nfrom datasets import load_dataset\n\n"
        + "\n".join(f'load_dataset("{name}", "{config}")' for config in configs)
        + "\n```",
    ]
    if licences:
        said = [f"| {text or 'not said'} | {count:,} |" for text, count in licences.most_common()]
        parts.append("## Licences of the items\n\n| licence | items |\n|---|---:|\n" + "\n".join(said))
    if rows:
        parts.append("## Figures\n\n| figure | value |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _configs(files: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Configuration -> split -> files: `pairs.train.parquet` is the split train of pairs, parts of a folder are one."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in files:
        parent, _, leaf = path.rpartition("/")
        stem = leaf.removesuffix(".parquet")
        config, _, split = stem.rpartition(".") if stem.rpartition(".")[2] in SPLITS else (stem, "", "train")
        found.setdefault(parent.replace("/", "-") or config, {}).setdefault(SPLITS[split], []).append(path)
    return found


def _codes(languages: Mapping[str, Any]) -> Iterable[str]:
    for key in ("target", "hub"):
        if languages.get(key):
            yield str(languages[key])
    yield from map(str, languages.get("others", ()))


def _licences(folder: Path, files: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in files:
        with pq.ParquetFile(folder / path) as parquet:
            if "license" in parquet.schema_arrow.names:
                for batch in parquet.iter_batches(columns=["license"]):
                    found.update(str(value or "") for value in batch.column(0).to_pylist())
    return found


def _figures(figures: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Plain figures of a manifest, without times and without texts, which may hold paths."""
    for key, value in figures.items():
        if isinstance(value, int | float) and not TIMING.search(key):
            yield key, f"{value:,}"


def _upload(
    folder: Path, files: list[str], card: Path, name: str, kind: str, private: bool, revision: str | None
) -> Pushed:
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(library_name="in2x", library_version=__version__)
    adds = [CommitOperationAdd(path, folder / path) for path in files] + [CommitOperationAdd("README.md", card)]
    try:
        url = api.create_repo(name, private=private or None, repo_type=kind, exist_ok=True)
        if revision is not None:
            api.create_branch(name, branch=revision, repo_type=kind, exist_ok=True)
        api.create_commit(name, adds, commit_message=f"in2x {__version__}", repo_type=kind, revision=revision)
    except Exception as error:  # the hub's client raises many kinds, all meaning the same to the user
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise In2xError(f"the hub took nothing ({first.rstrip('.')})", file=name,
                        mend="check name, network, and that the token in HF_TOKEN may write") from None  # fmt: skip
    return Pushed(str(url), sorted([*files, "README.md"]), kind)
