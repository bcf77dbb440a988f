"""The tokenizer of a model from scratch: what it learns from beside documents. Training itself is stood in for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from in2x import run as runner
from in2x.artifact import write_json
from in2x.chat.source import Source
from in2x.pretrain import base
from in2x.recipe import Recipe
from in2x.records import Document, Pair, content_id, write_records
from in2x.training.model import load_tokenizer

SAID = ("The kettle boils.", "やかんが沸いています。")


def pair(number: int) -> Pair:
    return Pair(
        id=content_id("en", "ja", number), src_lang="en", tgt_lang="ja", source=SAID[0], target=SAID[1],
        register="casual", domain="general", checks={},
    )  # fmt: skip


def tokens(out: Path, pairs: int) -> int:
    """Tokens of one question and its answer, by a tokenizer that has read so many pairs."""
    for name in ("data", "corpus"):
        (out / name).mkdir(parents=True)
        write_json(out / name / "manifest.json", {"stage": name, "key": name, "seconds": 0})
    (out / "corpus" / "documents").mkdir()
    text = "A small harbour at night. 静かな港の夜。" * 40
    told = [Document(id=str(n), text=text, lang="en", source="s", domain="knowledge") for n in range(3)]
    write_records(out / "corpus" / "documents" / "0.parquet", told, Document)
    write_records(out / "data" / "pairs.train.parquet", map(pair, range(200)), Pair)
    recipe = Recipe.model_validate(
        {
            "name": "t", "languages": {"target": "ja", "hub": "en", "others": []},
            "prompt": {"*": "{to}: {source}", "*-ja/casual": "{to} casual: {source}"},
            "base": {"shape": {"width": 8, "layers": 1, "heads": 1, "kv_heads": 1, "mlp": 8, "vocabulary": 400},
                     "asked_pairs": pairs},
        }
    )  # fmt: skip
    runner.run(recipe, out, first="base", until="base")
    tokenizer = load_tokenizer(out / "base" / "model")
    question = recipe.profile.prompt(Source.of_pair(pair(0)))
    assert tokenizer.decode(tokenizer(question).input_ids) == question
    return len(tokenizer(question).input_ids) + len(tokenizer(SAID[1]).input_ids)


def test_the_tokenizer_learns_the_words_of_the_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "ja", " casual", ":", four words and a full stop, and some of the answer."""

    def untrained(*_: Any, **__: Any) -> dict[str, float]:
        return {}

    monkeypatch.setattr(base, "train_phase", untrained)
    without, few, many = (tokens(tmp_path / str(n), n) for n in (0, 2, 200))
    assert many <= 14 < without
    assert many <= few <= without
