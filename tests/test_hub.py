"""Data sets of the hub, read by `datasets` from folders of the same layout: what a recipe may name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from in2x import hub
from in2x.data.config import DataConfig
from in2x.data.reader import lines
from in2x.data.stage import run
from in2x.errors import In2xError
from in2x.instructions.collect import read_set
from in2x.instructions.config import SetConfig
from in2x.recipe import Recipe
from in2x.records import Pair, read_records
from in2x.stage import Stage

PAIRS = [
    {"id": str(n), "translation": {"en": f"There are {n} ships.", "ko": f"배가 {n}척 있습니다."}} for n in range(40)
]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """A set as the hub keeps most of them: shards of Parquet under data/, with a card."""
    folder = tmp_path / "pairs"
    (folder / "data").mkdir(parents=True)
    for part in (0, 1):
        table = pa.Table.from_pylist(PAIRS[part * 20 : part * 20 + 20])
        pq.write_table(table, folder / "data" / f"train-{part:05d}-of-00002.parquet")
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Pairs\n")
    return folder


def test_a_folder_in_the_layout_of_the_hub_is_streamed(parquet: Path) -> None:
    found = list(hub.rows(str(parquet)))
    assert [row["translation"] for row in found] == [row["translation"] for row in PAIRS]


def test_texts_under_translation_and_under_other_names(parquet: Path, tmp_path: Path) -> None:
    first = next(lines(parquet, ["en", "ko"], "ko"))
    assert first.texts == {"en": "There are 0 ships.", "ko": "배가 0척 있습니다."}
    other = tmp_path / "other"
    other.mkdir()
    rows = [{"english": "A door.", "korean": "문입니다."}, {"english": "A key.", "korean": "열쇠입니다."}]
    (other / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = list(lines(other, ["en", "ko"], "ko", columns={"en": "english", "ko": "korean"}))
    assert [line.texts["ko"] for line in found] == ["문입니다.", "열쇠입니다."]


def test_the_data_stage_reads_files_and_sets_together(parquet: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps({"en": "My own pair.", "ko": "제 문장입니다."}) + "\n")
    config = DataConfig(train=(str(file), str(parquet)), max_train=11)
    recipe = Recipe.model_validate({"name": "t", "languages": {"target": "ko", "hub": "en", "others": []}})
    out = tmp_path / "out"
    out.mkdir()
    stage = Stage("data", recipe, out)
    run(config, stage)
    pairs = list(read_records(out / "pairs.train.parquet", Pair))
    assert len(pairs) == 22
    assert pairs[0].source == "My own pair."
    assert stage.figures["origin"] == f"{file}, {parquet}"


def asked(monkeypatch: pytest.MonkeyPatch, parquet: Path) -> list[tuple[Any, ...]]:
    """Stands in for the hub's side of `load_dataset`: what is asked for is noted, and the folder is what comes."""
    import datasets

    load, calls = datasets.load_dataset, []

    def at_hub(name: str, config: str | None = None, *, split: str, streaming: bool) -> Any:
        calls.append((name, config, split, streaming))
        return load(str(parquet), split="train", streaming=streaming)

    monkeypatch.setattr(datasets, "load_dataset", at_hub)
    return calls


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("hub:owner/name", ("owner/name", None, "train", True)),
        ("hub:owner/name:en-ko", ("owner/name", "en-ko", "train", True)),
        ("hub:owner/name:en-ko#validation", ("owner/name", "en-ko", "validation", True)),
        ("owner/name.v1.5#test", ("owner/name.v1.5", None, "test", True)),
    ],
)
def test_configuration_and_split_are_in_the_name(
    name: str, call: tuple[Any, ...], parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = asked(monkeypatch, parquet)
    assert len(list(hub.rows(name))) == 40
    assert calls == [call]


def test_a_set_of_the_hub_of_instructions_brings_its_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rows = [{"instruction": f"Name {n} rivers of the north.", "output": f"Here are {n}."} for n in range(3)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked(monkeypatch, folder)
    found = list(read_set(SetConfig(path="owner/name:default", license="cc-by-sa-4.0", lang="en")))
    assert [item.license for item in found] == ["cc-by-sa-4.0"] * 3


@pytest.mark.parametrize("name", ["hub:nobody/at-all", "hub:not a name"])
def test_what_is_not_there_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(In2xError, match="the data set cannot be read"):
        next(lines(Path(name), ["en", "ko"], "ko"))
