"""Name drift: found where a name changes its katakana, quiet where it does not."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest

from in2x.language.japanese.names import name_drift, source_names
from in2x.language.japanese.sound import name_skeleton, sounds_like

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "katakana"),
    [("Kyle", "カイル"), ("Kyle", "ケイル"), ("Ryan", "ライアン"), ("Nicole", "ニコール"), ("Smith", "スミス"),
     ("Jones", "ジョーンズ"), ("Catherine", "キャサリン"), ("Thomas", "トーマス"), ("George", "ジョージ"),
     ("Philip", "フィリップ"), ("Xavier", "ザビエル")],
)  # fmt: skip
def test_a_name_sounds_like_its_katakana(name: str, katakana: str) -> None:
    assert sounds_like(name, katakana) >= 0.6, (name_skeleton(name), katakana)


@pytest.mark.parametrize(
    ("name", "katakana"), [("Kyle", "ライアン"), ("Ross", "エリス"), ("Mary", "トム"), ("Bob", "サリー")]
)
def test_a_name_does_not_sound_like_another(name: str, katakana: str) -> None:
    assert sounds_like(name, katakana) < 0.7


def test_source_names_are_capitalised_inside_a_sentence_and_never_small() -> None:
    found = source_names(["Then Kyle left. Nobody saw Kyle's car.", "Nobody knew. On Monday, Rose gave him a rose."])
    assert found == {"Kyle": {0}}


SOURCES = ["When Kyle came, Anna scored a goal.", "Then Kyle and Anna left.", "So Kyle said no to Anna."]


def test_drift_is_found_with_its_places() -> None:
    targets = ["カイルが来て、アンナがゴールを決めた。", "ケイルとアンナは去った。", "カイルはアンナに断った。"]
    (drift,) = name_drift(SOURCES, targets)
    assert (drift.name, drift.forms) == ("Kyle", (("カイル", 2), ("ケイル", 1)))
    assert drift.places == (("ケイル", 1, 0, 3),)
    assert drift.consistency == pytest.approx(2 / 3)


def test_consistent_names_and_compounds_do_not_drift() -> None:
    targets = [
        "カイルが来て、アンナがゴールを決めた。",
        "カイルとアンナは去った。",
        "カイル・ジュニアはアンナに断った。",
    ]
    assert name_drift(SOURCES, targets) == []
    assert name_drift([], []) == []


def test_segments_must_be_aligned() -> None:
    with pytest.raises(ValueError, match="3 sources and 1 targets"):
        name_drift(SOURCES, ["カイル"])


@pytest.mark.shared
def test_a_known_drift_in_a_published_translation_is_found() -> None:
    file = SHARED / "eval" / "wmt25.en-ja.jsonl.gz"
    if not file.exists():
        pytest.skip("the shared evaluation data is not here")
    documents: dict[str, list[dict]] = defaultdict(list)
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            if row["domain"] == "literary":
                documents[row["doc_id"]].append(row)
    forms = [
        dict(drift.forms)
        for rows in documents.values()
        for drift in name_drift([row["src"] for row in rows], [row["hyps"]["In2x"] for row in rows])
        if drift.name == "Kyle"
    ]
    assert forms and all({"カイル", "ケイル"} <= set(found) for found in forms)
