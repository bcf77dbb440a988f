"""The one gate: planted evaluation text is nowhere left after any stage, and what is sound stays."""

from __future__ import annotations

import gzip
import json
import random
import re
import tracemalloc
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.table import Contamination
from in2x.corpus.clean import clean, rules
from in2x.recipe import Recipe
from in2x.records import Instruction, Pair, strings
from in2x.run import run

EN = "the harbour wakes early and boats go out before light of tower is gone while birds cry over water"
JA = "港の 朝は いつも 早い 漁師たちが 網を 船に 積み 灯台の 光が 消える ころに 沖へ 出て 鳥が 静かな 上で 鳴く"
EVAL_EN = "piano teacher counted seven wooden stairs behind her garden door then lent each pupil green umbrella"
EVAL_JA = "先生は 庭の 裏口に ある 木の 階段を 七つ 数え 生徒に 緑色の 傘を 一本ずつ 貸し 真鍮の 台から 取り出す"


def sentence(words: str, rng: random.Random, least: int, most: int) -> str:
    made = rng.choices(words.split(), k=rng.randint(least, most))
    return " ".join(made).capitalize() + "." if words.isascii() else "".join(made) + "。"


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


DISGUISES = (str, wide, str.upper, lambda t: t.replace(" ", "  ").replace("。", "！"), lambda t: f"「{t}」")


def letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def made_set(count: int = 150) -> list[tuple[str, str]]:
    rng = random.Random(5)
    return [(sentence(EVAL_EN, rng, 7, 24), sentence(EVAL_JA, rng, 5, 16)) for _ in range(count)]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def json_lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def plant(folder: Path, pairs: list[tuple[str, str]], rng: random.Random) -> dict[str, Any]:
    """The recipe of a run whose pairs, raw text and instructions hold `pairs` among others, some of them disguised."""
    fill = [(sentence(EN, rng, 8, 18), sentence(JA, rng, 5, 12)) for _ in range(400)]
    shown = [(DISGUISES[k % 5](en), DISGUISES[k % 5](ja)) for k, (en, ja) in enumerate(pairs)]
    train = [{"en": en, "ja": ja} for en, ja in [*fill[:300], *shown]]
    rng.shuffle(train)

    def text(lang: int) -> str:
        return "\n".join(fill[rng.randrange(300)][lang] + fill[rng.randrange(300)][lang] for _ in range(12))

    docs = [text(k % 2) + "\n" + " ".join(f[k % 2] for f in fill[k : k + 3]) for k in range(120)]
    for k in range(0, len(shown), 5):
        part = shown[k : k + 5]
        docs.append("\n".join(en for en, _ in part))  # a document of nothing else
        docs.append(text(1) + "\n" + "\n".join(f"{en}\n{ja}" for en, ja in part) + "\n" + text(1))  # two languages
    docs += [f"{text(1)}\nある本に{en}とある。\n{text(1)}" for en, _ in pairs if len(en.split()) >= 13]
    ask = "Translate into Japanese: {}", "日本語に訳してください。\n{}", "How would you say “{}” in Japanese?"
    tasks = [{"instruction": ask[k % 3].format(en), "output": ja, "lang": "ja"} for k, (en, ja) in enumerate(shown)]
    own = [{"instruction": f"Tell me about this: {a}", "output": b.replace(".", ""), "lang": "en"}
           for (a, _), (b, _) in zip(fill[300:350], fill[350:], strict=True)]  # fmt: skip
    chats = [{"messages": [{"role": "user", "content": ja}, {"role": "assistant", "content": en}]} for en, ja in shown]
    return {
        "name": "planted", "languages": {"target": "ja", "hub": "en", "others": []},
        "data": {
            "train": write(folder / "train.jsonl", train),
            "raw": write(folder / "raw.jsonl", [{"text": doc} for doc in docs]),
            "instructions": write(folder / "tasks.jsonl", tasks + own),
        },
        "corpus": {"dedup": {"near": False}, "select": None, "bilingual": {"share": 0.4}},
        "instruct": {"sets": [{"path": write(folder / "chats.jsonl", chats)}], "synthesize": False, "rl_share": 0.3,
                     "balance": "off"},
        "select": {"threshold": 0.6, "round1": {"share": 0.5}, "round2": {"share": 0.5}, "rl": {"share": 1.0}},
    }  # fmt: skip


LEARNED = {
    "data": ("pairs.train.parquet", "instructions.parquet"),
    "corpus": ("documents/*.parquet", "heldout.parquet"),
    "instruct": ("pool.*.parquet",),
    "select": ("round?.parquet", "rl.parquet"),
}


def left(folder: Path, pairs: list[tuple[str, str]], least: int) -> dict[str, int]:
    """Pairs a side of which (of `least` letters and more) still stands in what a stage hands on."""
    found = {}
    for stage, patterns in LEARNED.items():
        rows = (row for p in patterns for file in sorted((folder / stage).glob(p)) for row in _rows(file))
        text = "\0".join(letters(text) for row in rows for text in strings(row))
        sides = [[side for side in map(letters, pair) if len(side) >= least] for pair in pairs]
        found[stage] = sum(any(side in text for side in of) for of in sides)
    return found


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    for row in pq.read_table(file).to_pylist():
        if row.get("verifier"):
            row["verifier"] = json.loads(row["verifier"])
        yield row


def fed(recipe: dict[str, Any], out: Path) -> dict[str, dict[str, Any]]:
    """Figures of the stages that take text in."""
    made = Recipe.model_validate(recipe)
    artifacts = run(made, out, until="select") | run(made, out, until="corpus")
    return {name: dict(artifact.manifest["figures"]) for name, artifact in artifacts.items()}


def test_planted_text_is_nowhere_left(tmp_path: Path) -> None:
    pairs = made_set()
    recipe = plant(tmp_path, pairs, random.Random(1))
    fed(recipe, tmp_path / "open")
    assert min(left(tmp_path / "open", pairs, 10).values()) >= 60  # without the gate it is everywhere
    suite = write(tmp_path / "suite.jsonl", [{"src": en, "ref": ja} for en, ja in pairs])
    recipe["data"]["decontaminate"] = {"sets": {"suite": suite}}
    figures = fed(recipe, tmp_path / "shut")
    assert left(tmp_path / "shut", pairs, 10) == {"data": 0, "corpus": 0, "instruct": 0, "select": 0}
    # by set and by room; what was not planted stays
    assert figures["data"]["evaluation_text"] == {"suite": {"pairs": 150, "instructions": 150}}
    gates = {gate["gate"]: gate["rejected"] for gate in figures["instruct"]["funnel"]["gates"]}
    assert figures["instruct"]["evaluation_text"]["suite"]["instructions"] == gates["decontaminate"] >= 100
    # The rules come first: they see some of the planted, and of the other salads of words some that break off.
    assert 150 <= gates["decontaminate"] + gates.get("rules", 0) <= 160
    touched = figures["corpus"]["decontaminated"]["suite"]
    assert touched["documents"] >= 90 and touched["dropped"] >= 30 and touched["pairs"] == 0
    assert figures["data"]["pairs"]["train"]["en-ja"] == 300 and figures["data"]["instructions"]
    assert figures["corpus"]["rows"]["kept"] + figures["corpus"]["rows"]["heldout"] >= 120


@pytest.mark.shared
@pytest.mark.slow
def test_planted_wmt24_is_nowhere_left(tmp_path: Path, shared_data: Path) -> None:
    file = shared_data / "eval/wmt24.en-ja.jsonl.gz"
    rows = json_lines(file)
    pairs = [(row["src"], row["ref"]) for row in random.Random(3).sample(rows, 150)]
    recipe = plant(tmp_path, pairs, random.Random(2))
    recipe["data"]["decontaminate"] = {"sets": {"wmt24": str(file)}}
    fed(recipe, tmp_path / "shut")
    assert left(tmp_path / "shut", pairs, 6) == {"data": 0, "corpus": 0, "instruct": 0, "select": 0}


@pytest.mark.shared
@pytest.mark.slow
def test_books_are_left_alone(shared_data: Path) -> None:
    names = ("eval/wmt24.en-ja.jsonl.gz", "eval/wmt24.ja-zh.jsonl.gz", "eval/dialogue.ja-en.jsonl", "math/mgsm.*")
    sets = {name: str(shared_data / name) for name in names}
    gate = Contamination.of_run(DecontaminateConfig(sets=sets), shared_data)
    order, documents, touched = rules("drop"), 0, 0
    for file in sorted((shared_data / "raw").glob("*.jsonl.gz")):
        for row in json_lines(file):
            [found] = gate.documents([clean(row["text"], order)[0]])
            documents, touched = documents + 1, touched + bool(found.sets)
    assert documents > 700 and touched <= 0.001 * documents


GATE = Contamination.build(
    {
        "suite": [
            ("The piano teacher counted seven wooden stairs behind her garden door in the winter.", "音楽の先生"),
            ("Thanks a lot!", "どうもありがとう。"), ("🙌",),
            ("国际贸易发展很快，铁路运输变得越来越重要，乡村学校也开始教外语。",),
            ("ガラスの向こうでピアノの音がしたので、七番目の階段を数え直した。",), ("news", "wmt-dialogue"),
        ]
    },
    DecontaminateConfig(),
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "ＴＨＥ　ＰＩＡＮＯ teacher counted seven wooden stairs, behind her garden door; in the winter",
        "古い本に the piano teacher counted seven wooden stairs behind her garden door in the winter と書かれていた。",
        "國際貿易發展很快，鐵路運輸變得越來越重要，鄉村學校也開始教外語。",
        "国际 贸易 发展 很快 铁路 运输 变得 越来越 重要 乡村 学校 也 开始 教 外语",
        "ｶﾞﾗｽの向こうでﾋﾟｱﾉの音がしたので七番目の階段を数え直した",
        "ガラスの\u200b向こうで、\nピアノの音がしたので、七番目の階段を\n数え直した。",
        "| The piano teacher counted seven wooden stairs behind her garden door in the winter. | x |",
    ],
)
def test_one_normaliser_on_both_sides(text: str) -> None:
    before, behind = "港の朝はいつも早い。", "静かな海だ。"
    [found] = GATE.documents([f"{before}\n{text}\n{behind}"])
    assert found.sets == ["suite"] and found.left == f"{before}\n{behind}"


def test_a_light_text_needs_more_than_itself() -> None:
    asked = "How do I say “Thanks a lot” to a teacher?"
    chats = [
        (asked, "どうもありがとう！"), (asked, "ありがとうございますと言います。"),
        ("What do I say for a gift?", "どうもありがとう。"),
        ("Is it news, or a story?", "News"), ("ja: Thanks a lot!", "感謝するよ。"),
    ]  # fmt: skip
    items = [Instruction(q, "ja", "chat", [{"role": "user", "content": q}], answer) for q, answer in chats]
    items[4] = replace(items[4], verifier={"name": "translation", "source": "Thanks a lot!"})
    assert [bool(GATE.instruction(item)) for item in items] == [True, False, False, False, True]
    sides = [
        ("Thanks a lot.", "恩に着る。"),
        ("🙌", "はい。"),
        ("🙏", "どうぞ。"),
        ("Thanks a lot for it.", "どうも。"),
    ]
    pairs = [Pair(str(k), "en", "ja", en, ja) for k, (en, ja) in enumerate(sides)]
    lost: Counter[str] = Counter()
    assert [pair.id for pair in GATE.pairs(pairs, lost)] == ["2", "3"] and lost == {"suite": 2}
    book = "He gave it to her.\nThanks a lot!\nShe smiled."
    long = "The piano teacher counted seven wooden stairs behind her garden door in the winter."
    page = f"{long}\n\nThanks a lot!\nShe smiled."
    assert GATE.documents([book])[0].left == book and GATE.documents([page])[0].left == "She smiled."
    assert GATE.documents(["Thanks a lot!\nどうもありがとう"])[0].left == ""


WORD = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z")), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORD, max_size=40), st.lists(WORD, max_size=8), st.integers(0, 4))
def test_whatever_is_heavy_enough_finds_itself(words: list[str], around: list[str], how: int) -> None:
    text = " ".join(words).replace("\n", " ").strip()
    gate = Contamination.build({"s": [text]}, DecontaminateConfig(), short=["s"])
    shown = DISGUISES[how](text) if how != 2 else text.swapcase().swapcase()
    shown = shown if letters(shown) == letters(text) else text  # a dotless i comes back with its dot
    [found] = gate.documents([shown])
    lost: Counter[str] = Counter()
    same = Pair("p", "en", "ja", text, "x")
    assert bool(found.sets) == any(map(str.isalnum, text)) or not letters(text)
    assert not text or list(gate.pairs([same], lost)) == []
    inside = "\n".join([*around, text, *around])
    if len(re.findall(r"[^\W_]", text)) and sum(c >= "\u3400" for c in letters(text)) >= 48:
        assert gate.documents([inside])[0].sets == ["s"]


def test_a_large_set_is_never_held(tmp_path: Path) -> None:
    """What is held grows with the runs, 16 bytes each (twice that while it is made), not with the files."""
    rng = random.Random(0)

    def rows() -> Iterator[str]:
        for _ in range(30_000):
            yield " ".join(f"{rng.randrange(1 << 30):x}" for _ in range(14)) + " " + "x" * 2000

    Contamination.build({"warm": ["a b c d e f g h i j k l m n"]}, DecontaminateConfig())
    tracemalloc.start()
    gate = Contamination.build({"large": rows()}, DecontaminateConfig())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(gate.keys) <= 1 << 18 and peak < 40 << 20  # the texts are 60 MB
