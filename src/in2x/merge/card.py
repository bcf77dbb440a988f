"""The model card (README.md of a model folder), written from the manifests of the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from in2x import __version__
from in2x.artifact import Artifact, write_text
from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.language import language
from in2x.stage import Facts

TIMING = re.compile(r"second|per_s$|wall|rss|memory")
"""Figures that differ between equal runs: left out, so that equal models have equal cards."""

LONGEST = 24
"""Figures shown of one stage; the manifests have all."""

CARD = """---
library_name: transformers
pipeline_tag: translation
language:
{languages}
tags: [in2x, translation]
---

# {name}

A translator between {pairs}, made by in2x {version} from the recipe `{name}` (seed {seed}).
{kind}

## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
chat = [{{"role": "user", "content": {example!r}}}]
prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
answer = model.generate(**prompt, max_new_tokens=128, do_sample=False)
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))
```

`in2x_prompt.json` holds the words the model was taught to be asked in; `in2x translate --model FOLDER` uses them.

## How it was made

{stages}

Software: {versions}.
"""


MERGED = """---
library_name: transformers
tags: [in2x, merge]
---

# {name}

{count} models over their common base `{base}`, merged by in2x {version}: {config}.

{models}

`manifest.json` has the hashes of all inputs and, for obim, which model owns what, layer by layer. Tokenizer, chat
template and configuration are those of the last model.
"""


def write_merge_card(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write README.md into a folder that `in2x merge-models` makes, from its manifest."""
    owners = manifest["owners"].get("all", {})
    rows = ["| model | share of the positions |", "|---|---:|", *(f"| {n} | {s:.1%} |" for n, s in owners.items())]
    if not owners:
        rows = [f"- {name}: `{model['path']}`" for name, model in manifest["models"].items()]
    text = MERGED.format(
        name=folder.name.removeprefix(".").removesuffix(".merging"),
        count=len(manifest["models"]),
        base=manifest["base"]["path"],
        version=__version__,
        config=", ".join(f"{knob} {value}" for knob, value in manifest["config"].items() if value != ()),
        models="\n".join(rows),
    )
    write_text(folder / "README.md", text)


def write_card(folder: Path, recipe: Facts, artifacts: Mapping[str, Artifact]) -> None:
    """Write README.md into a model folder: use, recipe and the figures of each stage in `artifacts`."""
    languages = recipe.languages
    profile = PromptProfile.load(folder)
    last = list(artifacts.values())[-1].manifest if artifacts else {}
    text = CARD.format(
        languages="\n".join(f"- {code}" for code in languages.all),
        name=recipe.name,
        pairs=", ".join(language(code).name for code in languages.all[:-1])
        + f" and {language(languages.all[-1]).name}",
        version=__version__,
        seed=recipe.seed,
        kind="It is asked through its chat template."
        if profile.endpoint == "chat"
        else "It is a base model: it continues a text.",
        example=profile.prompt(Source("How are you?", languages.hub, languages.target)),
        stages="\n\n".join(_section(name, artifact.manifest) for name, artifact in artifacts.items()),
        versions=", ".join(f"{name} {version}" for name, version in dict(last.get("versions", {})).items()),
    )
    write_text(folder / "README.md", text)


def _section(name: str, manifest: Mapping[str, Any]) -> str:
    figures = [f"| {key} | {value} |" for key, value in _flat(manifest.get("figures", {}))]
    table = "\n".join(["| figure | value |", "|---|---|", *figures]) if figures else "(no figures)"
    return f"### {name}\n\n{table}"


def _flat(figures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Numbers and words of a nested mapping, in order, numbers to four digits; lists and long texts are left out."""
    rows: list[tuple[str, str]] = []
    for key, value in figures.items():
        if TIMING.search(key):
            continue
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)):
            rows.append((f"{prefix}{key}", f"{value:.4g}" if isinstance(value, float) else f"{value}"))
        elif isinstance(value, str) and len(value) < 60 and "\n" not in value:
            rows.append((f"{prefix}{key}", value.replace("|", "/")))
    return rows[:LONGEST]
