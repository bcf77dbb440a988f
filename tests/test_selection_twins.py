"""One item in two languages: found by vectors, by pairs and by signs, and shown in one language only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chat_server import ChatServer
from in2x.artifact import Artifact, write_json
from in2x.recipe import Recipe
from in2x.records import Instruction, read_records, write_records
from in2x.selection import twins
from in2x.selection.pool import Pool, read_pool
from in2x.selection.sample import Items, two_step
from in2x.selection.stage import run
from in2x.stage import Stage

QUOTAS = (3.0, 3.0, 3.0, 1.0, 0.0)


def item(
    name: str, lang: str, prompt: str, answer: str = "yes", task: str = "qa", verifier: dict[str, Any] | None = None
) -> Instruction:
    return Instruction(name, lang, task, [{"role": "user", "content": prompt}], answer, verifier)


def pool_of(folder: Path, items: Sequence[Instruction]) -> Path:
    folder.mkdir(parents=True)
    write_records(folder / "pool.sft.parquet", items, Instruction)
    write_records(folder / "pool.rl.parquet", [], Instruction)
    write_json(folder / "manifest.json", {"key": "pool"})
    return folder


def linked(pool: Pool, links: Any) -> set[frozenset[str]]:
    """The groups of more than one, by name."""
    code = twins.groups(len(pool), links)
    names = list(pool.ids)
    found = [frozenset(n for n, c in zip(names, code.tolist(), strict=True) if c == g) for g in set(code.tolist())]
    return {group for group in found if len(group) > 1}


def read(folder: Path, items: Sequence[Instruction]) -> Pool:
    source = pool_of(folder / "instruct", items)
    return read_pool(source / "pool.sft.parquet", source / "pool.rl.parquet", folder / "pool")


def test_the_directions_of_a_pair_and_what_is_about_its_sides(tmp_path: Path) -> None:
    there: dict[str, Any] = {"name": "translation", "from": "en", "to": "ja", "source": "Hello."}
    back: dict[str, Any] = {"name": "translation", "from": "ja", "to": "en", "source": "やあ。"}
    pool = read(tmp_path, [
        item("a", "ja", "Translate: Hello.", "やあ。", "translate", there),
        item("b", "en", "英語に: やあ。", "hello.", "translate", back),
        item("c", "ja", "Translate: Hello.", "こんにちは。", "translate", there),
        item("d", "en", "Rewrite politely:\nHello.", "Good day.", "rewrite"),
        item("e", "ja", "丁寧に書き換えてください：やあ。", "こんにちは。", "rewrite"),
        item("f", "en", "Rewrite politely:\nGo away.", "Please leave.", "rewrite"),
    ])  # fmt: skip
    assert linked(pool, twins.by_pairs(pool)) == {frozenset("ab"), frozenset("de")}


ENGLISH = [
    "Mira picks 48 apples on Monday and half as many on Tuesday. How many apples has she picked in both days?",
    "A ferry travels 48 km in 2 hours. What is its speed?",
    "Tom has 48 stamps and 2 albums. How many stamps go into each album?",
    "Write a short letter to a friend who has moved to Lisbon.",
    "What does the command rsync do with the option delete?",
]
JAPANESE = [
    "ミラは月曜日に48個のりんごを摘み、火曜日にはその半分を摘みました。二日間で合わせて何個のりんごを摘みましたか？",
    "あるフェリーは2時間で48km進みます。速さはどれくらいですか？",
    "トムは切手を48枚とアルバムを2冊持っています。1冊に何枚の切手が入りますか？",
    "引っ越した友人に短い手紙を書いてください。",
    "rsync コマンドのオプション delete は何をしますか？",
]


def test_signs_tell_items_with_the_same_numbers_apart(tmp_path: Path) -> None:
    pool = read(tmp_path, [
        *(item(f"en{n}", "en", text) for n, text in enumerate(ENGLISH)),
        *(item(f"ja{n}", "ja", text) for n, text in enumerate(JAPANESE)),
    ])  # fmt: skip
    found = linked(pool, twins.by_signs(pool, np.arange(len(pool))))
    assert found <= {frozenset((f"en{n}", f"ja{n}")) for n in range(5)}, "nothing else is taken for one item"
    assert {frozenset((f"en{n}", f"ja{n}")) for n in (0, 2, 4)} <= found


def planted(count: int, grades: int = 5, seed: int = 0) -> Items:
    """`count` items, each in two languages and of one grade."""
    grade = np.random.default_rng(seed).integers(1, grades + 1, count)
    both, zero = np.tile(np.arange(count), 2), np.zeros(2 * count, np.int64)
    return Items([f"{i:06d}" for i in range(2 * count)], np.tile(grade, 2), both % (count // 7 + 1),
                 np.repeat([0, 1], count), zero, np.repeat([0, 1], count), both)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_no_twins_where_they_can_be_avoided(seed: int) -> None:
    """The greedy choice, stratum by stratum, took 1,442 of 4,000 in both languages."""
    items = planted(8000, seed=seed)
    chosen = two_step(items, np.arange(16000), 4000, QUOTAS, seed).index
    assert len(chosen) == 4000
    assert len(set(items.twin[chosen].tolist())) == 4000
    assert np.bincount(items.lang[chosen]).tolist() == [2000, 2000]
    later = two_step(items, np.setdiff1d(np.arange(16000), chosen), 1000, QUOTAS, seed + 1, chosen).index
    assert not set(items.twin[later].tolist()) & set(items.twin[chosen].tolist()), "nor in a later round"


def test_what_cannot_be_avoided_is_least() -> None:
    """800 of each grade in two languages, 600 of each wanted in each: of a grade 1,200 from 800 items."""
    count, zero = 800, np.zeros(1600, np.int64)
    both = np.tile(np.arange(count), 2)
    items = Items([f"{i:05d}" for i in range(1600)], np.full(1600, 5), both, np.repeat([0, 1], count), zero, zero, both)
    chosen = two_step(items, np.arange(1600), 1200, QUOTAS, 0).index
    assert len(chosen) == 1200
    assert len(set(items.twin[chosen].tolist())) == 800


def test_a_stratum_without_another_choice_gets_its_own() -> None:
    """All of language 0 are twins of some of language 1, which has others as well."""
    twin = np.concatenate([np.arange(50), np.arange(100)])
    lang, zero = np.repeat([0, 1], [50, 100]), np.zeros(150, np.int64)
    items = Items([f"{i:04d}" for i in range(150)], np.full(150, 5), twin, lang, zero, zero, twin)
    chosen = two_step(items, np.arange(150), 100, QUOTAS, 3).index
    assert np.bincount(items.lang[chosen]).tolist() == [50, 50]
    assert len(set(items.twin[chosen].tolist())) == 100


def embedding(body: dict[str, Any]) -> Any:
    """A model to which a text in any language is its number."""
    rows = [np.random.default_rng(int(text.rpartition("#")[2])).normal(size=32).tolist() for text in body["input"]]
    return 200, {"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)]}


def test_planted_twins_by_a_model(tmp_path: Path) -> None:
    """Equal vectors in two languages, as the issue planted them; and the report counts what is in the sample."""
    lots = random.Random(0)
    items = []
    for n in range(600):
        for lang, words in (("en", "Tell of a thing"), ("ja", "あるものを語れ")):
            items.append(item(f"{lots.random():.12f}", lang, f"{words} #{n}", f"{lang} {n}", "story"))
    source = pool_of(tmp_path / "instruct", items)

    def select(out: Path, size: int) -> dict[str, Any]:
        knobs = {"embedder": server.url, "embedding_model": "m", "round1": {"size": size}, "round2": {"size": 0}}
        recipe = Recipe.model_validate({"name": "test", "select": knobs})
        out.mkdir(parents=True)
        stage = Stage("select", recipe, out, {"instruct": Artifact.open(source)})
        run(recipe.select, stage)
        figures: dict[str, Any] = stage.figures["samples"]["round1"]
        numbers = [
            i.messages[0]["content"].rpartition("#")[2] for i in read_records(out / "round1.parquet", Instruction)
        ]
        repeated = len(numbers) - len(set(numbers))
        assert figures["same_item_in_two_languages"] == repeated, "what is found is what is there"
        assert figures["twins_by_vectors"] == {"looked_at": len(numbers), "have_one": 2 * repeated}
        return figures

    with ChatServer(embedding) as server:
        assert select(tmp_path / "a" / "select", 300)["same_item_in_two_languages"] == 0
        assert select(tmp_path / "b" / "select", 1000)["same_item_in_two_languages"] > 0, "600 items are not 1,000"


def test_twins_are_found_across_the_border_of_two_clusters() -> None:
    """Two near rows of two languages whose nearest clusters differ: each is in the other's second nearest."""
    vectors = np.array([[1, 0.02], [1, -0.02], [0, 1]], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = np.array([[0, 1], [1, 0], [2, 0]])
    found = list(twins.by_vectors(near, lambda rows: vectors[rows], np.array([0, 1, 1]), 0.9))
    code = twins.groups(3, found)
    assert code[0] == code[1] != code[2]
    assert twins.together(np.arange(3), lambda rows: vectors[rows], np.array([0, 1, 1]), 0.9, 0) == (3, 2)
