"""Translations of evaluation texts, told by vectors: planted ones are nowhere left, and what is sound stays."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from chat_server import ChatServer
from in2x.contamination.config import DecontaminateConfig
from in2x.contamination.meaning import Meaning, sentences
from in2x.errors import In2xError
from in2x.recipe import Recipe
from in2x.records import Instruction, Pair, Verdict, read_records
from in2x.run import run

TABLE = """
harbour/港口/みなと captain/船长/せんちょう lantern/灯笼/ちょうちん bridge/桥梁/はし winter/冬天/ふゆ
teacher/老师/せんせい garden/花园/にわ umbrella/雨伞/かさ mountain/高山/やま river/河流/かわ piano/钢琴/ピアノ
market/市场/いちば bread/面包/パン window/窗户/まど letter/书信/てがみ village/村庄/むら forest/森林/もり
doctor/医生/いしゃ morning/早晨/あさ silence/沉默/ちんもく paint/油漆/ペンキ stone/石头/いし train/火车/きしゃ
ticket/车票/きっぷ mirror/镜子/かがみ island/岛屿/しま soldier/士兵/へいし candle/蜡烛/ろうそく
kitchen/厨房/だいどころ pencil/铅笔/えんぴつ summer/夏天/なつ tailor/裁缝/したてや
"""
WORDS = [row.split("/") for row in TABLE.split()]
LANGS = ("en", "zh", "ja")
CONCEPT = {word: number for number, row in enumerate(WORDS) for word in row}
VECTORS = np.random.default_rng(1).standard_normal((len(WORDS), 64)).astype(np.float32)
KNOWN = re.compile("|".join(sorted(CONCEPT, key=len, reverse=True)))


def vector(text: str) -> list[float]:
    """Of a text what its known words mean, in whatever language and order: a model that knows translations."""
    found = [CONCEPT[word] for word in KNOWN.findall(text.casefold())]
    row = VECTORS[found].sum(axis=0) if found else np.ones(64, np.float32)
    return [float(x) for x in row]


def embed(texts: Sequence[str]) -> Any:
    return np.array([vector(text) for text in texts], np.float32)


def written(concepts: Sequence[int], lang: str) -> str:
    words = [WORDS[number][LANGS.index(lang)] for number in concepts]
    return " ".join(words).capitalize() + "." if lang == "en" else "".join(words) + "。"


def drawn(rng: random.Random, count: int) -> list[list[int]]:
    return [rng.sample(range(len(WORDS)), rng.randint(8, 12)) for _ in range(count)]


def other_order(concepts: list[int]) -> list[int]:
    return sorted(concepts, key=lambda number: WORDS[number][0][::-1])


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_planted_translations_are_nowhere_left(tmp_path: Path) -> None:
    """The suite holds English and Japanese; planted are its Chinese translation and a Japanese one in other words."""
    rng = random.Random(3)
    suite, fill = drawn(rng, 40), drawn(rng, 200)
    planted = [{"zh": written(c, "zh"), "ja": written(other_order(c), "ja")} for c in suite]
    sound = [{lang: written(c, lang) for lang in LANGS} for c in fill]
    chats = [
        {"instruction": f"请把下面的话翻译成日语：\n{row['zh']}", "output": f"訳は次のとおりです。{row['ja']}"}
        for row in planted
    ]
    own = [
        {"instruction": f"请看这些词，讲个故事：\n{row['zh']}", "output": f"昔のこと、{row['ja']}"}
        for row in sound[:60]
    ]

    def said(body: dict[str, Any]) -> Any:
        asked.update(body["input"])
        return 200, {"data": [{"index": k, "embedding": vector(text)} for k, text in enumerate(body["input"])]}

    asked: Counter[str] = Counter()
    with ChatServer(said) as server:
        given = {
            "name": "meaning",
            "data": {
                "train": write(tmp_path / "train.jsonl", [*sound, *planted]),
                "decontaminate": {
                    "sets": {"suite": write(tmp_path / "suite.jsonl", [
                        {"id": f"document-{k}", "src": written(c, "en"), "ref": written(c, "ja")}
                        for k, c in enumerate(suite)
                    ])},
                },
            },
            "instruct": {"sets": [{"path": write(tmp_path / "chats.jsonl", [*chats, *own])}], "synthesize": False,
                         "balance": "off", "rewritten": 0},
        }  # fmt: skip
        run(Recipe.model_validate(given), tmp_path / "open", until="instruct")
        assert min(left(tmp_path / "open", planted).values()) >= 30, "the table of wordings sees none of these"
        given["data"]["decontaminate"] |= {"embedder": server.url, "embedding_model": "m"}  # type: ignore[index]
        made = run(Recipe.model_validate(given), tmp_path / "shut", until="instruct")
        assert left(tmp_path / "shut", planted) == {"data": 0, "instruct": 0}
        figures = {name: artifact.manifest["figures"] for name, artifact in made.items()}
        assert figures["data"]["evaluation_text_by_meaning"]["suite"] == {"pairs": 40, "instructions": 0}
        assert figures["instruct"]["evaluation_text_by_meaning"]["suite"] == {"instructions": 40}
        kept = Counter((p.src_lang, p.tgt_lang) for p in read_records(tmp_path / "shut/data/pairs.train.parquet", Pair))
        assert set(kept.values()) == {len(sound)}, "what is sound stays"
        told = [v for v in read_records(tmp_path / "shut/instruct/verdicts.parquet", Verdict)
                if v.reason == "says what an evaluation text says"]  # fmt: skip
        assert len(told) == 40 and all(v.evidence["name"] == "suite" and v.evidence["cosine"] > 0.99 for v in told)
        # nothing is embedded twice: not by the next stage, and not after a change of a knob
        assert max(asked.values()) <= 2, "once for the suite, once beside it"
        before = asked.total()
        given["instruct"] |= {"rl_share": 0.4}  # type: ignore[operator]
        run(Recipe.model_validate(given), tmp_path / "shut", until="instruct")
        assert asked.total() == before


def left(folder: Path, planted: list[dict[str, str]]) -> dict[str, int]:
    """Planted texts that still stand in what a stage hands on."""
    found = {}
    for stage, pattern in {"data": "pairs.train.parquet", "instruct": "pool.*.parquet"}.items():
        rows = [
            json.dumps(pq.read_table(file).to_pylist(), ensure_ascii=False) for file in (folder / stage).glob(pattern)
        ]
        found[stage] = sum(any(row["zh"] in text or row["ja"] in text for text in rows) for row in planted)
    return found


def gate(*texts: str, memory: Path | None = None, **knobs: Any) -> Meaning:
    return Meaning.of_run(DecontaminateConfig(embedder="scripted", **knobs), {"held": [texts]}, embed, memory)


def alike(found: Meaning, text: str) -> str | None:
    [(_, said)] = found.asked([text], lambda text: [text])
    return said and f"{said.name} {said.number}"


LONG = "The captain saw a lantern on the bridge in winter and the teacher was in the garden."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("冬天船长在桥梁上看到灯笼，老师在花园里。", "held 1"),
        ("In winter the teacher was in the garden, and on the bridge the captain saw a lantern.", "held 1"),
        ("冬天船长在桥梁上看到火车，医生在市场里。", None),
        ("The harbour and the market and the river lie still, and nothing moves on the island.", None),
        ("灯笼", None),
    ],
)
def test_what_says_the_same(text: str, told: str | None) -> None:
    assert alike(gate(LONG), text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("船长有12盏灯笼和5支蜡烛，在桥梁上给老师1,000张车票。", True),
        ("船长有１２盏灯笼和5支蜡烛，在桥梁上给老师１０００张车票。", True),
        ("船长有12盏灯笼和五支蜡烛，在桥梁上给老师一千张车票。", True),
        ("船长有13盏灯笼和5支蜡烛，在桥梁上给老师1000张车票。", False),
    ],
)
def test_another_number_is_another_exercise(text: str, told: bool) -> None:
    exercise = (
        "The captain has 12 lantern lights and 5 candle ends, and on the bridge the teacher gets 1000 ticket slips."
    )
    assert (alike(gate(exercise), text) is not None) == told


def test_a_light_text_is_on_neither_side() -> None:
    assert alike(gate("Piano market.", "市场。", LONG), "ピアノいちば") is None


def test_what_is_looked_at_of_an_instruction() -> None:
    ask = [{"role": "system", "content": "s"}, {"role": "user", "content": "Translate:\n\nA b c."}]
    one = Instruction("1", "ja", "translate", ask, "答え", {"name": "translation", "source": "A b c."}, "collected")
    assert sentences(one) == ["A b c.", "答え"]
    two = Instruction("2", "ja", "chat", ask, "答え", None, "collected")
    assert sentences(two) == ["Translate:\n\nA b c.", "Translate:", "A b c.", "答え"]


def test_it_is_kept_and_read_and_remembers(tmp_path: Path) -> None:
    memory = tmp_path / "told.sqlite"
    gate(LONG, memory=memory).save(tmp_path / "v.npz")
    asked: list[str] = []

    def counting(texts: Sequence[str]) -> Any:
        asked.extend(texts)
        return embed(texts)

    for _ in range(2):
        found = Meaning.load(tmp_path / "v.npz", lambda config: counting, memory)
        assert alike(found, "冬天船长在桥梁上看到灯笼，老师在花园里。") == "held 1"
        assert alike(found, "冬天船长在桥梁上看到火车，医生在市场里。") is None
    assert len(asked) == 2
    other = Meaning.load(tmp_path / "v.npz", lambda config: lambda texts: np.ones((len(texts), 3), np.float32))
    with pytest.raises(In2xError, match="have 64 numbers, the embedder gives 3"):
        alike(other, LONG)


def test_a_plan_says_what_the_gate_lacks(in2x: Any, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("name: r\ndata: {decontaminate: {embedder: 'http://127.0.0.1:9/v1'}}\n")
    code, _, err = in2x("run", file, "--out", tmp_path / "out")
    assert code == 1 and "data: the embeddings server is not told a model" in err
