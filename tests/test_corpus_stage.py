"""The whole stage on small corpora: contract of the artifact, accounting, resume, bad input."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from in2x.artifact import Artifact, begin, write_json
from in2x.contamination.table import NAME, Contamination
from in2x.corpus import parts, shards
from in2x.corpus import stage as corpus
from in2x.corpus.config import CorpusConfig
from in2x.corpus.view import View, select_documents
from in2x.errors import In2xError
from in2x.knob import keyed_values
from in2x.recipe import Recipe
from in2x.records import Document, Pair, Verdict, read_records, write_records
from in2x.stage import Stage

EN = """the harbour wakes early and boats go out before light of tower is gone while birds cry over water"""
MIXED = (
    "港の朝はいつも早い。漁師たちは暗いうちから網を船に積んでいる。\n"
    "Ils chargent les filets dans les bateaux pendant la nuit, et ils rament vers le large comme toujours."
)
JA = """港の 朝は いつも 早い 漁師たちが 網を 船に 積み 灯台の 光が 消える ころに 沖へ 出て 鳥が 静かな 上で 鳴く"""
ZH = """港口的 早晨 总是 很早 渔民们 把网 搬上船 灯塔的 光 熄灭 时候 他们 已经 在海上 鸟儿 安静的 水面 叫着"""
WORDS = {"en": EN.split(), "ja": JA.split(), "zh": ZH.split()}


def _sentence(lang: str, rng: random.Random) -> str:
    words = rng.choices(WORDS[lang], k=rng.randint(6, 14))
    return " ".join(words).capitalize() + "." if lang == "en" else "".join(words) + "。"


def _data(folder: Path, rows: list[dict], pairs: int = 40, paths: list[str] | None = None) -> Artifact:
    (folder / "raw").mkdir(parents=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "raw" / "a.jsonl").write_text(text, encoding="utf-8")
    write_json(folder / "raw.json", {"paths": ["raw"] if paths is None else paths})
    rng = random.Random(1)
    made = []
    for k in range(pairs):
        a, b = [("en", "ja"), ("ja", "en"), ("zh", "ja"), ("en", "zh")][k % 4]
        register = "polite" if b == "ja" and k % 3 else None
        made.append(Pair(f"p{k}", a, b, _sentence(a, rng), _sentence(b, rng), register=register))
    write_records(folder / "pairs.train.parquet", made, Pair)
    write_json(folder / "manifest.json", {"key": "data", "figures": {}})
    return Artifact.open(folder)


def _rows(count: int, seed: int = 0) -> list[dict]:
    rng = random.Random(seed)
    rows = []
    for k in range(count):
        lang = ("en", "ja", "zh")[k % 3]
        text = "\n".join(_sentence(lang, rng) for _ in range(rng.randint(3, 9)))
        rows.append(
            {"id": f"d{k}", "text": text, "source": f"s-{lang}", "domain": ("knowledge", "creative")[k // 3 % 2]}
        )
    return rows


def _stage(out: Path, data: Artifact, knobs: dict | None = None, languages: dict | None = None) -> Stage:
    recipe = Recipe.model_validate(
        {"name": "t", "corpus": knobs or {}, **({"languages": languages} if languages else {})}
    )
    begin(out, "key")
    return Stage("corpus", recipe, out, {"data": data})


def _run(out: Path, data: Artifact, knobs: dict | None = None, languages: dict | None = None) -> Stage:
    stage = _stage(out, data, knobs, languages)
    Contamination.of_run(stage.recipe.data.decontaminate, data.path).save(data.path / NAME)
    corpus.run(stage.recipe.corpus, stage)
    return stage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """A corpus of 300 good documents and one of each kind of bad row."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = _rows(300)
    rows[30]["text"] = rows[30]["text"].replace("\n", "\r\n")
    rows += [
        {"id": "copy", "text": rows[0]["text"].upper()},
        {"id": "near", "text": rows[4]["text"] * 3 + "港"},
        {"id": "near2", "text": rows[4]["text"] * 3 + "灯台"},
        {"id": "french", "text": "Le port se réveille tôt le matin et les bateaux sortent avant la lumière."},
        {"id": "mixed", "text": MIXED},
        {"id": "dirty", "text": rows[1]["text"][:60] + "\nLe port se réveille, on part.\n" + rows[7]["text"]},
        {"id": "song", "text": rows[4]["text"] + "\nHold on to the morning light\n" + rows[10]["text"]},
        {"id": "d5", "text": "同じ名前の別の文書です。港の朝はいつも静かで、鳥だけが鳴いている。"},
        {"id": "rubbish", "text": "港 " + "$#@ ^%& ~|~ " * 20},
        {"id": "empty", "text": "   "},
        {"id": "none"},
    ]  # fmt: skip
    data = _data(folder / "data", rows)
    return folder, data, _run(folder / "corpus", data)


def test_every_row_ends_somewhere(whole) -> None:
    folder, _, stage = whole
    verdicts = {v.id: v for v in read_records(folder / "corpus" / "verdicts.parquet", Verdict)}
    reasons = {name: f"{verdicts[name].stage} {verdicts[name].reason}" for name in
               ("copy", "near2", "french", "mixed", "empty", "rubbish")}  # fmt: skip
    assert reasons["copy"] == "corpus.dedup exact" and reasons["near2"] == "corpus.dedup near"
    originals = [(verdicts[name].evidence or {})["of"] for name in ("copy", "near2")]
    assert [(Path(of["file"]).name, of["line"]) for of in originals] == [("a.jsonl", 1), ("a.jsonl", 5)]
    assert reasons["french"] == "corpus.language fr" and reasons["mixed"] == "corpus.language mixed"
    assert reasons["empty"] == "corpus.clean nothing is left"
    assert reasons["rubbish"] == "corpus.language not told"  # one character tells no language
    unread = [v for v in verdicts.values() if v.stage == "corpus.read"]
    assert [v.evidence["line"] for v in unread if v.evidence] == [311]
    figures = stage.figures["rows"]
    assert figures["in"] == 311 == figures["kept"] + figures["heldout"] + figures["rejected"]
    assert figures["rejected"] == len(list(read_records(folder / "corpus" / "verdicts.parquet", Verdict)))
    assert stage.figures["rules"]["newlines"]["documents"] == 1


def test_documents_are_clean_scored_and_balanced(whole) -> None:
    folder, _, stage = whole
    documents = list(select_documents(folder / "corpus"))
    mono = [d for d in documents if d.domain != "bilingual"]
    assert len({d.id for d in documents}) == len(documents)
    assert all(d.perplexity and d.perplexity > 1 and 0 <= (d.quality or 0) <= 1 and d.tokens for d in mono)
    by_id = {d.id: d for d in mono}
    assert "réveille" not in by_id["dirty"].text if "dirty" in by_id else True
    clean = pq.read_table(folder / "corpus" / "parts" / "clean" / "shards" / "00000")
    song = clean.filter(pc.equal(clean["id"], "song")).to_pylist()[0]
    assert song["gate"] is None and "Hold on to the morning light" in song["text"]  # English is one of the recipe's
    assert "\r" not in "".join(d.text for d in mono)
    sums = {lang: sum(d.tokens or 0 for d in mono if d.lang == lang) for lang in ("en", "ja", "zh")}
    assert max(sums.values()) < 1.05 * min(sums.values())
    assert {c["lang"]: c["got"] for c in stage.figures["mix"]}
    held = list(read_records(folder / "corpus" / "heldout.parquet", Document))
    assert {(d.lang, d.domain) for d in held} == {(a, b) for a in ("en", "ja", "zh") for b in ("knowledge", "creative")}
    assert not {d.id for d in held} & {d.id for d in documents} and not {d.text for d in held} & {
        d.text for d in documents
    }


def test_bilingual_documents_hold_the_base_prompt(whole) -> None:
    folder, data, stage = whole
    documents = [d for d in select_documents(folder / "corpus") if d.domain == "bilingual"]
    pairs = list(read_records(data.path / "pairs.train.parquet", Pair))
    text = "\n\n".join(d.text for d in documents)
    polite = next(p for p in pairs if p.register == "polite" and p.src_lang == "en" and f"English: {p.source}" in text)
    assert f"English: {polite.source}\nJapanese (polite): {polite.target}" in text
    assert all(d.lang == "mul" for d in documents)
    assert max(d.text.count("English: ") for d in documents) > 1
    assert stage.figures["bilingual"]["got"] == sum(d.tokens or 0 for d in documents)


def test_views(whole) -> None:
    folder = whole[0] / "corpus"
    everything = list(select_documents(folder))
    creative = list(select_documents(folder, View(where="domain = 'creative' AND lang IN ('ja', 'en')")))
    assert creative == [d for d in everything if d.domain == "creative" and d.lang in ("ja", "en")]
    longest = list(select_documents(folder, View(where="lang = 'ja'", longest=0.5)))
    ja = [d for d in everything if d.lang == "ja"]
    assert sum(d.tokens for d in longest) == pytest.approx(0.5 * sum(d.tokens for d in ja), rel=0.05)
    assert min(d.tokens for d in longest) >= np.median([d.tokens for d in ja]) * 0.8
    best = list(select_documents(folder, View(where="lang = 'en'", best=0.3)))
    rest = [d for d in everything if d.lang == "en" and d not in best]
    assert np.mean([d.perplexity for d in best]) < np.mean([d.perplexity for d in rest])
    with pytest.raises(In2xError, match="leaves no document"):
        list(select_documents(folder, View(where="lang = 'xx'")))
    with pytest.raises(In2xError, match="cannot be evaluated"):
        list(select_documents(folder, View(where="no_such_column > 1")))


def _same(a: Path, b: Path) -> bool:
    names = sorted(str(p.relative_to(a)) for p in a.rglob("*.parquet") if "parts" not in p.parts)
    assert names == sorted(str(p.relative_to(b)) for p in b.rglob("*.parquet") if "parts" not in p.parts)
    kinds = {"verdicts.parquet": Verdict}
    return all(
        list(read_records(a / n, kinds.get(n, Document))) == list(read_records(b / n, kinds.get(n, Document)))
        for n in names
    )


@pytest.mark.parametrize("broken", ["_dedup", "count_ngrams", "score_shard", "write_verdicts"])
def test_a_killed_run_goes_on_and_gives_the_same(
    whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    folder, data, _ = whole

    def killed(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpus, broken, killed)
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path / "corpus", data)
    prepared = {p: p.stat().st_mtime_ns for p in (tmp_path / "corpus" / "parts" / "clean").rglob("*.parquet")}
    assert prepared
    _run(tmp_path / "corpus", data)
    assert {p: p.stat().st_mtime_ns for p in prepared} == prepared  # finished shards are not made again
    assert _same(folder / "corpus", tmp_path / "corpus")


KNOBS = [
    ("max_foreign_share", {"max_foreign_share": 0.35}, "clean"),
    ("dedup", {"dedup": {"similarity": 0.7}}, "dedup"),
    ("ngram_order", {"ngram_order": 4}, "score"),
    ("select", {"select": "quality >= 0.2"}, "mix"),
    ("mix", {"mix": {"tokens": 3000}}, "mix"),
    ("bilingual", {"bilingual": {"share": 0.3}}, "made"),
]


def _made(folder: Path) -> dict[str, set[tuple[str, int]]]:
    """The files of each part with their inodes: a file that is written again has another."""
    found: dict[str, set[tuple[str, int]]] = {name: set() for name in parts.KNOBS}
    for file in folder.rglob("*"):
        inner = file.relative_to(folder).parts
        if file.is_file() and inner[0] != "work" and file.suffix in (".parquet", ".npz", ".npy"):
            own = inner[-1] in ("bilingual.parquet", "styled.parquet")
            part = inner[1] if inner[0] == "parts" else "made" if own else "write"
            found[part].add((str(file.relative_to(folder)), file.stat().st_ino))
    return found


def test_every_knob_undoes_at_most_one_part() -> None:
    knobs = [knob for mine in parts.KNOBS.values() for knob in mine] + list(parts.CHECKED)
    assert len(set(knobs)) == len(knobs) and set(knobs) <= keyed_values(CorpusConfig()).keys()


@pytest.mark.parametrize(("name", "knobs", "first"), KNOBS, ids=[k[0] for k in KNOBS])
def test_a_knob_undoes_its_part_and_those_behind_it(
    whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, knobs: dict, first: str
) -> None:
    """Counted: which files are written again, and how often a shard is cleaned, signed, scored or written."""
    folder, data, _ = whole
    shutil.copytree(folder / "corpus", tmp_path / "corpus", copy_function=os.link)
    before = _made(tmp_path / "corpus")
    calls: Counter[str] = Counter()
    for part, work in (("clean", "clean"), ("dedup", "signer"), ("score", "scorer")):
        inner = shards.engine.prepare if part == "clean" else getattr(shards.engine, work)

        def counted(*args: object, part: str = part, inner: object = inner) -> object:
            calls[part] += 1
            return inner(*args)

        monkeypatch.setattr(shards.engine, "prepare" if part == "clean" else work, counted)
    _run(tmp_path / "corpus", data, knobs)
    after = _made(tmp_path / "corpus")
    order = list(parts.KNOBS)
    kept, again = order[: order.index(first)], order[order.index(first) :]
    assert [part for part in kept if before[part] != after[part]] == []
    assert [part for part in again if before[part] & after[part]] == []
    assert not set(calls) & set(kept)
    fresh = _run(tmp_path / "fresh", data, knobs)
    assert _same(tmp_path / "fresh", tmp_path / "corpus")
    assert fresh.figures["rows"]["in"] == 311
    # What the first run made is what it was: files that two runs share are never written on.
    assert _made(folder / "corpus") == before


_KILLED = """
import os, signal, sys
sys.argv[1:] = []
from pathlib import Path
from test_corpus_stage import _stage, corpus, shards
from in2x.artifact import Artifact
done = []
inner = os.rename
def rename(self, target):
    inner(self, target)
    done.append(target)
    if len(done) == int(os.environ["LIVES"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return Path(target)
Path.rename = rename
if __name__ == "__main__":
    cut = shards.plan
    shards.plan = lambda files, size, *more: cut(files, 60000, *more)
    shards.group = lambda splits, most: [[s] for s in splits]
    stage = _stage(Path("corpus").resolve(), Artifact.open(Path("data").resolve()))
    corpus.run(stage.recipe.corpus, stage)
"""


@pytest.mark.parametrize(
    "lives", [pytest.param(2, marks=pytest.mark.slow), 9, pytest.param(17, marks=pytest.mark.slow)]
)
def test_after_kill_9_what_is_done_is_not_done_again(
    tmp_path: Path, lives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is shot after so many finished files; the next one makes the others only."""
    data = _data(tmp_path / "data", _rows(200))
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(corpus.__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": path, "LIVES": str(lives)}
    done = subprocess.run(
        [sys.executable, "-c", _KILLED], cwd=tmp_path, capture_output=True, timeout=600, env=environment
    )  # fmt: skip
    assert done.returncode == -9, done.stderr.decode()[-2000:]
    before = _made(tmp_path / "corpus")
    assert sum(map(len, before.values()))
    cut = shards.plan
    monkeypatch.setattr(shards, "plan", lambda files, size, *more: cut(files, 60000, *more))
    monkeypatch.setattr(shards, "group", lambda splits, most: [[s] for s in splits])
    stage = _stage(tmp_path / "corpus", data)
    corpus.run(stage.recipe.corpus, stage)
    after = _made(tmp_path / "corpus")
    pairs = {row for row in before["clean"] if row[0].endswith("pairs.parquet")}  # one file, made in a moment
    assert {part: before[part] - pairs - after[part] for part in parts.KNOBS} == {part: set() for part in parts.KNOBS}
    stage = _stage(tmp_path / "whole", data)
    corpus.run(stage.recipe.corpus, stage)
    assert _same(tmp_path / "whole", tmp_path / "corpus")


def _two_sources(folder: Path, names: tuple[str, str]) -> dict[str, str | None]:
    """Books in one file and dialogue in the other: the bucket of each document, by its id."""
    rng = random.Random(2)
    books = [{"id": f"b{lang}{k}", "text": "\n".join(_sentence(lang, rng) for _ in range(12)), "source": "books"}
             for k in range(100) for lang in ("en", "ja", "zh")]  # fmt: skip
    talk = {"en": "oh no way really well okay hmm right", "ja": "え うそ ほんと まじ ねえ だよね うん いや",
            "zh": "哎 真的 不会吧 嗯 好吧 对 啊 怎么"}  # fmt: skip
    lines = []
    for k in range(80):
        for lang, words in talk.items():
            said = (rng.choices(words.split(), k=3) for _ in range(9))
            text = "\n".join(
                (" " if lang == "en" else "").join(turn) + ("!" if lang == "en" else "！") for turn in said
            )
            lines.append({"id": f"t{lang}{k}", "text": text, "source": "talk"})
    data = _data(folder, [], pairs=4)
    for name, rows in zip(names, (books, lines), strict=True):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "raw" / name).write_text(text, encoding="utf-8")
    knobs = {"select": None, "ngram_bytes": 8000, "heldout": 0, "dedup": {"near": False}, "min_chars": 0}
    _run(folder / "corpus", data, {**knobs, "mix": {"languages": {"en": 1, "ja": 1, "zh": 1}, "tokens": 10**6}})
    return {d.id: d.bucket for d in select_documents(folder / "corpus", View(where="domain <> 'bilingual'"))
            if "~" not in d.id}  # fmt: skip


def test_buckets_ask_neither_for_the_names_nor_for_the_order_of_files(tmp_path: Path) -> None:
    one, other = (_two_sources(tmp_path / k, names) for k, names in
                  (("1", ("b.jsonl", "c.jsonl")), ("2", ("c.jsonl", "b.jsonl"))))  # fmt: skip
    assert one == other and len(one) == 540
    for kind in "bt":
        counts = Counter(bucket for name, bucket in one.items() if name[0] == kind)
        assert max(counts.values()) <= 1.2 * min(counts.values()), counts


def test_a_named_reference_is_what_perplexity_is_counted_on(tmp_path: Path) -> None:
    data = _data(tmp_path / "data", _rows(150))
    usual = [{"text": row["text"]} for row in _rows(90, seed=5)]
    (tmp_path / "usual.jsonl").write_text("".join(json.dumps(r) + "\n" for r in usual), encoding="utf-8")
    knobs = {"ngram_reference": [str(tmp_path / "usual.jsonl")], "select": None}
    _run(tmp_path / "corpus", data, knobs)
    assert all(d.perplexity for d in select_documents(tmp_path / "corpus", View(where="domain <> 'bilingual'")))
    models = sorted(file.name for file in (tmp_path / "corpus" / "parts" / "score").glob("ngram-*"))
    assert models == ["ngram-en.npz", "ngram-ja.npz", "ngram-zh.npz"]
    (tmp_path / "usual.jsonl").write_text(json.dumps(usual[0]) + "\n", encoding="utf-8")
    shutil.rmtree(tmp_path / "corpus")
    with pytest.raises(In2xError, match=r"corpus.ngram_reference holds no text in 'ja'"):
        _run(tmp_path / "corpus", data, knobs)


def test_small_shards_and_splits_give_the_same_documents(
    whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data, _ = whole
    cut = shards.plan
    monkeypatch.setattr(shards, "plan", lambda files, size, *more: cut(files, 9000, *more))
    monkeypatch.setattr(shards, "group", lambda splits, most: [[s] for s in splits])
    stage = _run(tmp_path / "corpus", data)
    assert len(list((tmp_path / "corpus" / "documents").glob("part-*"))) > 5
    assert stage.figures["rows"] == whole[2].figures["rows"]
    assert sorted(d.id for d in select_documents(folder / "corpus")) == sorted(
        d.id for d in select_documents(tmp_path / "corpus")
    )


def test_pairs_alone_are_enough(tmp_path: Path) -> None:
    data = _data(tmp_path / "data", [], pairs=80, paths=[])
    _run(tmp_path / "corpus", data)
    assert {d.lang for d in select_documents(tmp_path / "corpus")} == {"en", "ja", "zh", "mul"}


def test_a_language_without_documents_is_named(tmp_path: Path) -> None:
    rows = [row for row in _rows(60) if not row["source"].endswith("zh")]
    with pytest.raises(In2xError, match=r"no document in 'zh'.*drop it from languages"):
        _run(tmp_path / "corpus", _data(tmp_path / "data", rows))
    shutil.rmtree(tmp_path / "corpus")
    _run(tmp_path / "corpus", Artifact.open(tmp_path / "data"), languages={"others": []})


def test_what_is_lost_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Kinds that are not read, characters that were lost before, pairs with evaluation text; signs keep texts apart."""
    rows = _rows(90)
    code = (
        "{} language: open the file, read every line, count the words, close it, and print what was found at the end."
    )
    rows += [{"id": "c", "text": code.format("C")}, {"id": "cpp", "text": code.format("C++")}]
    rows += [{"id": "lost", "text": rows[0]["text"] + "\ufffd" * 9}]
    data = _data(tmp_path / "data", rows)
    (tmp_path / "data" / "raw" / "page.html").write_text("<p> </p>")
    (tmp_path / "data" / "raw" / "scan.pdf").write_bytes(b"x")
    (tmp_path / "data" / "raw" / "photos.tar.gz").write_bytes(b"x")
    pair = next(read_records(tmp_path / "data" / "pairs.train.parquet", Pair))
    (tmp_path / "eval.jsonl").write_text(json.dumps({"src": pair.source}) + "\n", encoding="utf-8")
    sets = {"decontaminate": {"sets": {"mine": str(tmp_path / "eval.jsonl")}}}
    stage = _run(tmp_path / "corpus", data, sets)
    said = capsys.readouterr().err
    assert {kind: row["files"] for kind, row in stage.figures["not_read"].items()} == {".pdf": 1, ".tar.gz": 1}
    assert "not read: 1 .pdf (a document format: turn it into text or HTML): scan.pdf" in said
    assert stage.figures["rejected"]["no_text: a page without text"] == 1
    assert stage.figures["pairs"]["hold_evaluation_text"] >= 1 and "pairs hold evaluation text" in said
    assert stage.figures["rules"]["unreadable"] == {"documents": 1, "times": 9}
    gone = {v.id: v.reason for v in read_records(tmp_path / "corpus" / "verdicts.parquet", Verdict)}
    assert gone["lost"] == "characters that could not be decoded" and gone.get("cpp") not in ("exact", "near")


def test_evaluation_texts_stay_out_and_are_reported_by_set(tmp_path: Path) -> None:
    rows = _rows(120)
    item = "The harbour master counted eleven grey boats and nine lanterns before the storm came in that night."
    rows[0]["text"] = item
    rows[3]["text"] = rows[3]["text"] + "\n" + f"As the book says: {item}" + "\n" + rows[6]["text"] + rows[9]["text"]
    (tmp_path / "suite.jsonl").write_text(json.dumps({"question": item}) + "\n")
    knobs = {"decontaminate": {"sets": {"suite": str(tmp_path / "suite.jsonl")}}, "dedup": {"near": False}}
    data = _data(tmp_path / "data", rows)
    held = Pair("dev", "en", "ja", rows[15]["text"].split("\n")[0], "灯台の光が消えるころに沖へ出る船があると聞いた。")
    write_records(data.path / "pairs.dev.parquet", [held], Pair)
    stage = _run(tmp_path / "corpus", data, knobs)
    verdicts = {v.id: v for v in read_records(tmp_path / "corpus" / "verdicts.parquet", Verdict)}
    assert verdicts["d0"].stage == "corpus.decontaminate" and verdicts["d0"].reason == "suite"
    assert stage.figures["decontaminated"]["suite"] == {"documents": 2, "dropped": 1, "lines": 1, "pairs": 0}
    assert stage.figures["decontaminated"]["held-out pairs (dev)"]["documents"] >= 1
    texts = [d.text for d in select_documents(tmp_path / "corpus")]
    assert not any("eleven grey boats" in text for text in texts)


def test_scores_are_columns_and_the_selection_is_an_expression(tmp_path: Path) -> None:
    rows = _rows(240)
    for row in rows:
        if row["source"] == "s-en" and row["domain"] == "creative":
            row["source"], row["text"] = "good", row["text"].replace("boats", "vessels").replace("birds", "gulls")
    knobs = {"classifier": {"sources": ["good"]}, "dedup": {"near": False},
             "select": "lang <> 'en' OR (classifier > 0.5 AND bucket <> 'tail')"}  # fmt: skip
    stage = _run(tmp_path / "corpus", _data(tmp_path / "data", rows), knobs)
    documents = list(select_documents(tmp_path / "corpus", View(where="domain <> 'bilingual'")))
    english = [d for d in documents if d.lang == "en"]
    assert english and all((d.classifier or 0) > 0.5 and d.bucket != "tail" for d in english)
    assert all(d.classifier is None for d in documents if d.lang != "en")  # no good text is known in them
    assert {d.bucket for d in documents if d.lang == "ja"} == {"head", "middle", "tail"}
    left_out = [v for v in read_records(tmp_path / "corpus" / "verdicts.parquet", Verdict)
                if v.stage == "corpus.select"]  # fmt: skip
    assert len(left_out) > 30 and left_out[0].reason == f"not {knobs['select']}"
    assert stage.figures["classifier"]["languages"] == ["en"] and stage.figures["classifier"]["fold0"]["auc"] > 0.9
    # A phase chooses further among the same scores, without a new corpus.
    head = list(select_documents(tmp_path / "corpus", View(where="bucket = 'head' AND lang = 'ja'")))
    assert head and head == [d for d in documents if d.bucket == "head" and d.lang == "ja"]


def test_a_wrong_selection_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(In2xError, match=r"corpus.select: .*use the columns id, lang"):
        _run(tmp_path / "corpus", _data(tmp_path / "data", _rows(60)), {"select": "qualty > 1"})


def test_style_augmented_documents(tmp_path: Path) -> None:
    stage = _run(tmp_path / "corpus", _data(tmp_path / "data", _rows(120)), {"styled": {"share": 0.2}})
    styled = [d for d in select_documents(tmp_path / "corpus") if d.domain == "styled"]
    assert styled and all(d.text.startswith("Japanese (") for d in styled)
    figures = stage.figures["styled"]
    assert figures["got"] == sum(d.tokens or 0 for d in styled) <= 1.2 * figures["wanted"]
    mono = sum(cell["got"] for cell in stage.figures["mix"])
    assert figures["wanted"] == pytest.approx(mono * 0.2 / (1 - 0.2 - stage.recipe.corpus.bilingual.share), abs=1)


def test_a_quota_that_cannot_be_met_is_said(tmp_path: Path) -> None:
    data = _data(tmp_path / "data", _rows(60))
    knobs = {"mix": {"tokens": 10**7, "short": "fail"}}
    with pytest.raises(In2xError, match=r"en has [\d,]+ tokens with repetition, its target is 3,333,333"):
        _run(tmp_path / "corpus", data, knobs)
    shutil.rmtree(tmp_path / "corpus")
    stage = _run(tmp_path / "corpus", data, {"mix": {"tokens": 10**7}})
    assert all(cell["got"] < cell["wanted"] for cell in stage.figures["mix"])


_FULL = """
import resource, signal, sys
sys.argv[1:] = []
from pathlib import Path
from test_corpus_stage import _stage, corpus
from in2x.artifact import Artifact
from in2x.errors import In2xError
stage = _stage(Path("corpus").resolve(), Artifact.open(Path("data").resolve()))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # what a full disk looks like to every writer
try:
    corpus.run(stage.recipe.corpus, stage)
except In2xError as error:
    print(error)
"""


def test_a_full_disk_is_one_sentence_and_a_later_run_goes_on(tmp_path: Path) -> None:
    data = _data(tmp_path / "data", _rows(60))
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(corpus.__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", _FULL], cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert (
        "corpus: the disk is full (a file may not grow); make room, and give the same command again" in done.stdout
    ), done
    _run(tmp_path / "corpus", data)
    assert list(select_documents(tmp_path / "corpus"))


def test_too_many_bad_records_stop_the_run(tmp_path: Path) -> None:
    data = _data(tmp_path / "data", [*_rows(30), *({"id": f"x{k}"} for k in range(10))])
    with pytest.raises(In2xError, match=r"a.jsonl, line 31: 10 of 40 records cannot be read.*max_bad_share"):
        _run(tmp_path / "corpus", data)


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(In2xError, match="neither raw text nor a sentence pair"):
        _run(tmp_path / "corpus", _data(tmp_path / "data", [], pairs=0, paths=[]))
    shutil.rmtree(tmp_path / "data"), shutil.rmtree(tmp_path / "corpus")
    with pytest.raises(In2xError, match="no record"):
        _run(tmp_path / "corpus", _data(tmp_path / "data", []))
