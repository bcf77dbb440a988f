"""The select stage end to end on a small pool made here: artifacts, disjointness, order of input, resume, bad input."""

from __future__ import annotations

import dataclasses
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chat_server import ChatServer
from in2x.artifact import Artifact, write_json
from in2x.errors import In2xError
from in2x.llm.config import LlmConfig
from in2x.llm.limits import Usage
from in2x.recipe import Recipe
from in2x.records import Instruction, content_id, read_records, write_records
from in2x.selection.embed import embed_to_shards
from in2x.selection.passing import solves
from in2x.selection.stage import run
from in2x.stage import Stage

NOUNS = {
    "en": ["cat", "dog", "bird", "teacher", "doctor", "river", "book", "train", "letter", "garden"],
    "ja": ["猫", "犬", "鳥", "先生", "医者", "川", "本", "電車", "手紙", "庭"],
}
VERBS = {"en": ["sees", "likes", "finds", "draws", "forgets"], "ja": ["見る", "好む", "見つける", "描く", "忘れる"]}
WHEN = {"en": ["", " in the morning", " at night, because it rains"], "ja": ["", "朝に", "雨が降るので夜に"]}


def sentence(lang: str, key: tuple[int, int, int, int]) -> str:
    a, verb, b, when = key
    if lang == "en":
        return f"The {NOUNS['en'][a]} {VERBS['en'][verb]} the {NOUNS['en'][b]}{WHEN['en'][when]}."
    return f"{WHEN['ja'][when]}{NOUNS['ja'][a]}は{NOUNS['ja'][b]}を{VERBS['ja'][verb]}。"


def instructions(count: int, seed: int = 0) -> list[Instruction]:
    """Short translations both ways, sums, and (longer) stories."""
    lots = random.Random(seed)
    out = []
    for i in range(count):
        key = (lots.randrange(10), lots.randrange(5), lots.randrange(10), lots.randrange(3))
        draw = lots.random()
        if draw < 0.7:
            src, tgt = lots.choice([("en", "ja"), ("ja", "en")])
            register = lots.choice(["plain", "polite"]) if tgt == "ja" else None
            style = f", {register} style" if register else ""
            prompt = f"Translate into {'Japanese' if tgt == 'ja' else 'English'}{style}: {sentence(src, key)}"
            answer = sentence(tgt, key) + ("です" if register == "polite" else "")
            verifier = {
                "name": "translation",
                "from": src,
                "to": tgt,
                "source": sentence(src, key),
                "register": register,
            }
            task, lang = "translate", tgt
        elif draw < 0.85:
            a, b, lang = lots.randrange(90), lots.randrange(90), lots.choice(["en", "ja"])
            prompt = f"What is {a} plus {b}?" if lang == "en" else f"{a}足す{b}は？"
            answer, verifier, task = str(a + b), {"name": "number", "value": str(a + b)}, "math"
        else:
            lang = lots.choice(["en", "ja"])
            prompt = {"en": "Tell a long story about this: ", "ja": "これについて長い物語を書いて："}[lang] + sentence(
                lang, key
            )
            answer, verifier, task = sentence(lang, key) * 4, None, "story"
        out.append(
            Instruction(content_id(task, i, seed), lang, task, [{"role": "user", "content": prompt}], answer, verifier)
        )
    return out


def pool(folder: Path, items: list[Instruction]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    cut = {item.id for item in sorted(items, key=lambda item: item.id)[: len(items) * 3 // 4]}
    write_records(folder / "pool.sft.parquet", [i for i in items if i.id in cut], Instruction)
    write_records(folder / "pool.rl.parquet", [i for i in items if i.id not in cut], Instruction)
    write_json(folder / "manifest.json", {"key": "pool"})
    return folder


def select(source: Path, out: Path, **knobs: object) -> Stage:
    recipe = Recipe.model_validate({"name": "test", "select": knobs})
    out.mkdir(parents=True, exist_ok=True)
    stage = Stage("select", recipe, out, {"instruct": Artifact.open(source)})
    run(recipe.select, stage)
    return stage


def chosen(out: Path, name: str) -> list[Instruction]:
    return list(read_records(out / f"{name}.parquet", Instruction))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pool(tmp_path_factory.mktemp("pool") / "instruct", instructions(600))


def test_artifact(source: Path, tmp_path: Path) -> None:
    stage = select(source, tmp_path / "a")
    round1, round2, rl = (chosen(stage.out, name) for name in ("round1", "round2", "rl"))
    ids = [item.id for item in (*round1, *round2, *rl)]
    assert len(ids) == len(set(ids))
    in_sft = {item.id for item in read_records(source / "pool.sft.parquet", Instruction)}
    assert {item.id for item in (*round1, *round2)} <= in_sft
    assert not {item.id for item in rl} & in_sft
    for item in (*round1, *round2, *rl):
        assert item.labels and len(item.labels) == 2
        assert item.difficulty in (2, 3, 4, 5)
        assert item.cluster is not None and item.messages[-1]["role"] == "user"
    page = (stage.out / "selection.html").read_text(encoding="utf-8")
    assert "SFT round 1" in page and f"<b>{len(round1)}</b>" in page and "clusters to read" in page
    sample = stage.figures["samples"]["round1"]
    assert sample["wanted_by_difficulty"] == sample["got_by_difficulty"]
    simple, moderate, difficult, hardest = sample["got_by_difficulty"][1:]
    assert max(abs(g - 3 * simple) for g in (moderate, difficult, hardest)) <= 3
    survivors = stage.figures["pool"]["sft"] + stage.figures["pool"]["rl"] - stage.figures["copies"]
    assert len(ids) + stage.figures["map"].count("left") <= survivors


def test_translation_into_the_target_is_not_starved(source: Path, tmp_path: Path) -> None:
    """Short translations are the easiest items of the pool by any global measure; the sample must keep their share."""

    def share(items: list[Instruction]) -> float:
        return sum(item.task == "translate" and item.lang == "ja" for item in items) / len(items)

    stage = select(source, tmp_path / "a")
    whole = share(list(read_records(source / "pool.sft.parquet", Instruction)))
    assert share(chosen(stage.out, "round1")) >= 0.85 * whole
    assert share(chosen(stage.out, "rl")) >= 0.85 * whole


def test_order_of_the_input_changes_nothing(source: Path, tmp_path: Path) -> None:
    items = instructions(600)
    random.Random(5).shuffle(items)
    first = select(source, tmp_path / "a")
    second = select(pool(tmp_path / "shuffled", items), tmp_path / "b")
    for name in ("round1", "round2", "rl", "clusters"):
        assert (first.out / f"{name}.parquet").read_bytes() == (second.out / f"{name}.parquet").read_bytes()


def test_another_seed_chooses_others(source: Path, tmp_path: Path) -> None:
    first = {item.id for item in chosen(select(source, tmp_path / "a").out, "round1")}
    out = tmp_path / "b"
    out.mkdir()
    recipe = Recipe.model_validate({"name": "test", "seed": 1})
    stage = Stage("select", recipe, out, {"instruct": Artifact.open(source)})
    run(recipe.select, stage)
    assert first != {item.id for item in chosen(out, "round1")}


def test_keep_all_takes_every_survivor(source: Path, tmp_path: Path) -> None:
    stage = select(source, tmp_path / "a", round1={"share": 1.0}, round2={"share": 1.0}, rl={"share": 1.0})
    copies = stage.figures["copies"]
    round1, rl = chosen(stage.out, "round1"), chosen(stage.out, "rl")
    assert len(round1) + len(rl) + copies == 600
    assert chosen(stage.out, "round2") == []
    assert stage.figures["samples"]["round1"]["got_by_difficulty"][0] > 0


def test_sizes_as_counts(source: Path, tmp_path: Path) -> None:
    stage = select(source, tmp_path / "a", round1={"size": 100}, round2={"size": 50}, rl={"size": 10**6})
    assert len(chosen(stage.out, "round1")) == 100
    assert stage.figures["samples"]["round1"]["got_by_difficulty"] == [0, 10, 30, 30, 30]
    assert len(chosen(stage.out, "round2")) == 50
    assert 0 < len(chosen(stage.out, "rl")) <= 300


def test_copies_go_and_registers_stay(tmp_path: Path) -> None:
    items = instructions(300)
    item = next(i for i in items if i.task == "translate" and i.lang == "ja")
    prompt = item.messages[0]["content"]
    copy = Instruction("copy", "ja", "translate", [{"role": "user", "content": prompt.upper() + " "}], item.answer,
                       dict(item.verifier or {}, source=str((item.verifier or {})["source"]).upper()))  # fmt: skip
    stage = select(pool(tmp_path / "p", [*items, copy]), tmp_path / "a", round1={"share": 1.0}, rl={"share": 1.0})
    kept = {i.id for name in ("round1", "rl") for i in chosen(stage.out, name)}
    assert len(kept & {"copy", item.id}) == 1
    casual: list[dict[str, str]] = [{"role": "user", "content": prompt.replace("plain", "casual")}]
    other = Instruction("other", "ja", "translate", casual, item.answer, dict(item.verifier or {}, register="casual"))
    stage = select(pool(tmp_path / "q", [item, other]), tmp_path / "b", round1={"share": 1.0}, rl={"share": 1.0})
    assert len({i.id for name in ("round1", "rl") for i in chosen(stage.out, name)}) == 2


def test_resume_reuses_finished_shards(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = select(source, tmp_path / "a", shard=128)
    folder = whole.out / "work" / "embeddings"
    shutil.copytree(whole.out / "work", tmp_path / "b" / "work")
    (tmp_path / "b" / "work" / "embeddings" / "00002.npy").unlink()
    (tmp_path / "b" / "work" / "embeddings" / "00003.npy").rename(
        tmp_path / "b" / "work" / "embeddings" / "00003.partial"
    )
    made: list[int] = []
    original = embed_to_shards

    def counting(embedder, texts, *rest, **named):  # type: ignore[no-untyped-def]
        inner = embedder.embed
        embedder.embed = lambda part: (made.append(len(part)), inner(part))[1]
        return original(embedder, texts, *rest, **named)

    monkeypatch.setattr("in2x.selection.stage.embed_to_shards", counting)
    again = select(source, tmp_path / "b", shard=128)
    assert sum(made) == 256
    assert (again.out / "round1.parquet").read_bytes() == (whole.out / "round1.parquet").read_bytes()
    assert np.array_equal(np.load(folder / "00003.npy"), np.load(again.out / "work" / "embeddings" / "00003.npy"))


def test_bad_input_is_one_sentence(source: Path, tmp_path: Path) -> None:
    empty = pool(tmp_path / "empty", [])
    with pytest.raises(In2xError, match="no instruction to select from"):
        select(empty, tmp_path / "a")
    broken = tmp_path / "broken"
    shutil.copytree(source, broken)
    (broken / "pool.rl.parquet").write_bytes(b"not parquet")
    with pytest.raises(In2xError, match=r"pool\.rl\.parquet: not a Parquet file"):
        select(broken, tmp_path / "b")
    (broken / "pool.rl.parquet").unlink()
    with pytest.raises(In2xError, match="run the stage `instruct`"):
        select(broken, tmp_path / "c")
    twice = tmp_path / "twice"
    shutil.copytree(source, twice)
    shutil.copy(twice / "pool.sft.parquet", twice / "pool.rl.parquet")
    with pytest.raises(In2xError, match="stands twice"):
        select(twice, tmp_path / "d")


def test_one_instruction(tmp_path: Path) -> None:
    stage = select(pool(tmp_path / "p", instructions(1)), tmp_path / "a", round1={"share": 1.0}, rl={"share": 1.0})
    assert stage.figures["clusters"] == 1
    assert len(chosen(stage.out, "round1")) + len(chosen(stage.out, "rl")) == 1


def test_threshold_is_tuned_on_the_labels_of_the_pool(tmp_path: Path) -> None:
    items = [dataclasses.replace(i, labels=["Field", i.task]) for i in instructions(400)]
    stage = select(pool(tmp_path / "p", items), tmp_path / "a", threshold=None)
    curve = stage.figures["tuning"]
    assert len(curve) == 15
    assert stage.figures["threshold"] == max(curve, key=lambda p: (p["score"], -p["threshold"]))["threshold"]
    with pytest.raises(In2xError, match="cannot be tuned on 0 labelled instructions"):
        select(pool(tmp_path / "q", instructions(50)), tmp_path / "b", threshold=None)


def test_pass_rates_become_grades(tmp_path: Path) -> None:
    items = [
        dataclasses.replace(i, pass_rate=number % 17 / 16) if i.task == "math" else i
        for number, i in enumerate(instructions(400))
    ]
    whole = {"share": 1.0}
    stage = select(pool(tmp_path / "p", items), tmp_path / "a", round1=whole, rl=whole, near=1.0, overlap=1.0)
    sums = [i for name in ("round1", "rl") for i in chosen(stage.out, name) if i.task == "math" and i.lang == "en"]
    rates = {grade: [i.pass_rate for i in sums if i.difficulty == grade] for grade in (1, 5)}
    assert rates[1] and rates[5] and min(r or 0 for r in rates[1]) > max(r or 0 for r in rates[5])


def test_a_model_labels_and_grades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scripted model; the second request fails, and its instructions fall back to the offline label and grade."""

    class Scripted:
        def __init__(self, config: LlmConfig, cache: Path) -> None:
            self.client = SimpleNamespace(usage=Usage())
            self.asked: Counter[str] = Counter()

        def __call__(self, prompts: Iterable[str], schema: dict[str, Any]) -> Iterator[Any]:
            name = next(iter(schema["properties"]))
            for _ in prompts:
                self.asked[name] += 1
                rows = [{"number": n + 1, "field": "Field", "topic": "Topic", "grade": 5} for n in range(20)]
                yield None if self.asked[name] == 2 else {name: rows}

    monkeypatch.setattr("in2x.selection.stage.Server", Scripted)
    whole = {"share": 1.0}
    stage = select(pool(tmp_path / "p", instructions(60)), tmp_path / "a", llm={"base_url": "http://127.0.0.1:9/v1"},
                   round1=whole, rl=whole)  # fmt: skip
    made = [i for name in ("round1", "rl") for i in chosen(stage.out, name)]
    assert len(made) + stage.figures["copies"] == 60
    said = [i for i in made if i.labels == ["Field", "Topic"]]
    figures = dict(stage.figures["model"]["labels"])
    unsaid = figures.pop("unsaid")  # those of one language that shared the request
    assert 0 < unsaid <= 20 and figures == {"asked": len(made), "requests_failed": 1, "merged": {}}
    assert set(stage.figures["model"]["prompts"]) >= {"label", "ja/label", "zh/grade"}
    assert len(said) >= len(made) - unsaid and all(i.labels for i in made)
    assert len(made) > sum(i.difficulty == 5 for i in made) >= len(made) - 20


def test_what_a_model_can_solve_is_sampled_and_grades_the_task(tmp_path: Path) -> None:
    """Sixteen answers to each task with a result; one model, asked once, whatever the quotas."""
    asked: Counter[str] = Counter()

    def reply(body: dict[str, Any]) -> str:
        if "response_format" in body:
            return "{}"
        text = body["messages"][-1]["content"]
        asked[text] += 1
        result = sum(map(int, re.findall(r"[0-9]+", text)))
        share = 16 if text.startswith("Easy") else 4 if text.startswith("Hard") else 0
        return f"First 1 and 2.\n答えは{result if asked[text] <= share else result + 1}です。"

    sums = [
        (f"{kind} {n}: add {n} and {n + 3}", str(3 * n + 3)) for n in range(8) for kind in ("Easy", "Hard", "Never")
    ]
    items = [
        Instruction(content_id(text), "en", "math", [{"role": "user", "content": text}], None,
                    {"name": "number", "value": value}, "t")
        for text, value in sums
    ]  # fmt: skip
    source = pool(tmp_path / "p", items + instructions(20))
    with ChatServer(reply) as server:
        for name in ("a", "b"):
            knobs = {"llm": {"base_url": server.url, "max_failed_share": 1.0}, "pass_samples": 16}
            share = 1.0 if name == "a" else 0.5
            stage = select(source, tmp_path / "run" / name, **knobs, round1={"share": share}, rl={"share": 1.0})
            rates = {i.messages[0]["content"].split()[0]: i for i in chosen(stage.out, "round1") if i.task == "math"}
            assert rates["Hard"].pass_rate == 0.25 and rates["Never"].pass_rate == 0.0
            assert rates["Never"].difficulty > rates["Hard"].difficulty
            assert max(asked.values()) == 16, "asked once for all quotas"
    found = stage.figures["pass"]
    assert found["samples"] == 16 and found["unknown"] == 0 and 0 < found["solved_at_least_once"] < 1


@pytest.mark.parametrize(
    ("text", "verifier", "solved"),
    [
        ("Three and four.\nThe answer is 7.", ("number", "7"), True),
        ("7 is tempting, but 4 + 4 = 8.\n答えは八", ("number", "8"), True),
        ("The answer is 8, not 7.", ("number", "9"), False),
        ("So it must be\n\\boxed{1,200}", ("number", "1200"), True),
        ("Of A, B and C: the answer is (B)", ("choice", "b"), True),
        ("答え：はい", ("exact", "はい"), True),
        ("いいえ", ("exact", "はい"), False),
        ("", ("number", "3"), False),
    ],
)
def test_what_an_answer_states(text: str, verifier: tuple[str, str], solved: bool) -> None:
    assert solves(text, {"name": verifier[0], "value": verifier[1]}) is solved
