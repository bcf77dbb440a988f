"""The suite as tasks of lm-evaluation-harness: files that name it, and the two functions that they call.

    FOLDER/in2x_express.yaml          the group; its figure is the mean over phenomena, as ours
    FOLDER/in2x_express_idiom.yaml    one task a phenomenon
    FOLDER/_express_yaml              what they share
    FOLDER/utils.py                   takes `dataset` and `process_results` from here

in2x must be installed beside the harness: items and checks stay in one place, and a score there is a score here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from in2x.artifact import write_text
from in2x.errors import UsageError
from in2x.evaluate.express.checks import check_answer, passes
from in2x.evaluate.express.item import PHENOMENA, choose, suite
from in2x.evaluate.express.translate import instruction

VERSION = 1
"""Of the tasks: raised when the same answer may score otherwise."""
LONGEST = 512
"""Tokens of an answer (our choice: four times the longest reference)."""

SHARED = f"""\
custom_dataset: !function utils.dataset
test_split: test
output_type: generate_until
doc_to_text: prompt
doc_to_target: reference
process_results: !function utils.process_results
generation_kwargs:
  until: []
  do_sample: false
  max_gen_toks: {LONGEST}
metric_list:
  - metric: passed
    aggregation: mean
    higher_is_better: true
metadata:
  version: {VERSION}
"""
UTILS = '''\
"""What the tasks of this folder call; in2x must be installed."""

from in2x.evaluate.express.harness import dataset, process_results

__all__ = ["dataset", "process_results"]
'''


def export(folder: Path) -> list[Path]:
    """Write the task files into `folder`, made where it is missing, and return them.

    Raises UsageError where something of another kind lies in it.
    """
    names = {f"in2x_express_{name}": name for name in PHENOMENA}
    files = {"_express_yaml": SHARED, "utils.py": UTILS, "in2x_express.yaml": _group(list(names))}
    for task, name in names.items():
        files[f"{task}.yaml"] = f"include: _express_yaml\ntask: {task}\ndataset_kwargs:\n  phenomenon: {name}\n"
    if folder.exists():
        foreign = sorted(f.name for f in folder.iterdir() if f.name not in files) if folder.is_dir() else [folder.name]
        if foreign:
            raise UsageError(f"{foreign[0]} is there already", file=folder, mend="give a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_text(folder / name, text)
    return [folder / name for name in files]


def _group(tasks: Sequence[str]) -> str:
    listed = "\n".join(f"  - {task}" for task in tasks)
    return (f"group: in2x_express\ntask:\n{listed}\naggregate_metric_list:\n  - metric: passed\n    aggregation: mean\n"
            f"    weight_by_size: false\nmetadata:\n  version: {VERSION}\n")  # fmt: skip


def dataset(phenomenon: str, **_: Any) -> Any:
    """The items of one phenomenon as the harness reads them: a `DatasetDict` of rows with id, prompt, reference."""
    from datasets import Dataset, DatasetDict

    rows = [
        {"id": item.id, "prompt": str((instruction(item).messages or ())[-1]["content"]), "reference": item.natural[0]}
        for item in choose([phenomenon])
    ]
    return DatasetDict({"test": Dataset.from_list(rows)})


def process_results(doc: Mapping[str, str], results: Sequence[str]) -> dict[str, float]:
    """Whether the answer keeps every check of its item, as 0 or 1."""
    item = next(item for item in suite() if item.id == doc["id"])
    return {"passed": float(passes(check_answer(item, results[0].strip())))}
