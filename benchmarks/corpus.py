"""Exact and near duplicates at the size of a corpus: ours, a bare Daft script and datatrove, the same file, one run.

    python benchmarks/corpus.py                        200,000 documents made here: speed, processor time, memory
    python benchmarks/corpus.py --docs 2000000 --peers in2x
    python benchmarks/corpus.py --quick                5,000 documents
    python benchmarks/corpus.py --growth 2000000       the whole stage at a tenth of that and at all: memory
    python benchmarks/corpus.py --datatrove PYTHON     interpreter with "datatrove[io,processing]==0.10.*"

What each does: read JSON Lines, drop documents under 100 characters, exact duplicates, MinHash with 16 bands of 7 rows
at similarity .8, connected components, one survivor a component. Ours also verifies every candidate pair by its true
similarity. The documents: English words, Japanese and Chinese characters by Zipf's law, 10% exact copies, 10% near
copies (1 to 12% of the tokens changed). On a sample small enough every pair is compared exactly: recall of the pairs at
least .8 alike, and precision of what was joined. Each peer is a process of its own; processor time includes its
children, memory is the largest of any of them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

MIN_CHARS = 100
BANDS, ROWS, SIMILARITY = 16, 7, 0.8
EXACT_SAMPLE = 5000


def write_documents(file: Path, count: int, seed: int = 0) -> None:
    """`count` JSON lines: id, lang, text."""
    lots = np.random.default_rng(seed)
    words = np.array(["".join(chr(97 + c) for c in lots.integers(0, 26, lots.integers(2, 10))) for _ in range(40_000)])
    characters = {"ja": np.array([chr(c) for c in range(0x3041, 0x3097)] + [chr(c) for c in range(0x4E00, 0x5600)]),
                  "zh": np.array([chr(c) for c in range(0x4E00, 0x6200)])}  # fmt: skip
    recent: list[tuple[str, np.ndarray]] = []
    with file.open("w", encoding="utf-8") as stream:
        for number in range(count):
            draw = lots.random()
            if draw < 0.2 and recent:
                lang, tokens = recent[lots.integers(len(recent))]
                tokens = tokens.copy()
                stock = words if lang == "en" else characters[lang]
                if draw < 0.1:
                    changed = lots.random(len(tokens)) < lots.uniform(0.01, 0.12)
                    tokens[changed] = stock[lots.integers(0, len(stock), int(changed.sum()))]
            else:
                lang = ("en", "ja", "zh")[lots.integers(3)]
                stock = words if lang == "en" else characters[lang]
                length = int(np.clip(lots.lognormal(4.6 if lang == "en" else 6.0, 0.6), 20, 4000))
                # Zipf's law by inverse transform.
                rank = (len(stock) ** lots.random(length) - 1).astype(np.int64)
                tokens = stock[np.minimum(rank, len(stock) - 1)]
                if len(recent) < 5000:
                    recent.append((lang, tokens))
                else:
                    recent[lots.integers(5000)] = (lang, tokens)
            text = (" " if lang == "en" else "").join(tokens.tolist())
            stream.write(json.dumps({"id": str(number), "lang": lang, "text": text}, ensure_ascii=False) + "\n")


# -- the peers, each in its own process ------------------------------------------------------------------------------


def ours(file: Path, work: Path) -> dict[str, Any]:
    import daft
    from daft import col

    from in2x.corpus import engine
    from in2x.corpus.config import CorpusConfig, DedupConfig
    from in2x.corpus.dedup import exact_duplicates, near_duplicates
    from in2x.corpus.shards import batches, files_of, write_shard

    config = CorpusConfig(dedup=DedupConfig(bands=BANDS, rows=ROWS, similarity=SIMILARITY))
    engine.start(config)
    read = daft.read_json(str(file)).where(col("text").length() >= MIN_CHARS)
    signed = read.select(col("id").cast(daft.DataType.uint64()).alias("index"), "text", "lang")
    write_shard(signed.select("index", "text", "lang", engine.signer(config)), work / "signed", config)
    files = files_of(work / "signed")
    kept = daft.read_parquet([str(file) for file in files])
    exact, exact_of = exact_duplicates(files, work)
    texts = batches(work / "signed", ["index", "text", "lang"])
    near, near_of = near_duplicates(files, texts, exact, config.dedup, work)
    joined = [*zip(exact.tolist(), exact_of.tolist(), strict=True), *zip(near.tolist(), near_of.tolist(), strict=True)]
    return {"survivors": kept.count_rows() - len(np.union1d(exact, near)), "joined": joined}


# Words of our own, so that the documents below are in a language that is told.
SAID = {
    "en": "the harbour wakes early and boats go out before light of tower is gone while birds cry over water she said "
    "that nobody had ever seen such a morning in this town where old men sit by fire with their stories",
    "ja": "港の 朝は いつも 早い 漁師たちが 網を 船に 積み 灯台の 光が 消える ころに 沖へ 出て 鳥が 静かな 上で 鳴く "
    "彼女は 笑って 何も 言わずに 坂を のぼり 窓から 海を 見て いた 誰も 知らない 話を 聞かせて くれた",
    "zh": "港口的 早晨 总是 很早 渔民们 把网 搬上船 灯塔的 光 熄灭 时候 他们 已经 在海上 鸟儿 安静的 水面 叫着 "
    "她 什么 也没说 只是 笑了笑 走上 山坡 从窗口 望着 大海 没有人 知道 这个 故事 后来 怎么样",
}


def write_prose(file: Path, count: int, seed: int = 0) -> None:
    """`count` JSON lines of 6 to 30 words, one in ten a copy, of three languages and four sources."""
    lots = np.random.default_rng(seed)
    words = {lang: text.split() for lang, text in SAID.items()}
    text = ""
    with file.open("w", encoding="utf-8") as stream:
        for number in range(count):
            lang = ("en", "ja", "zh")[number % 3]
            if number % 10 or not text:
                chosen = [words[lang][k] for k in lots.integers(0, len(words[lang]), lots.integers(6, 30))]
                text = f"{(' ' if lang == 'en' else '').join(chosen)} {number}."
            row = {"id": f"d{number}", "source": f"s{number % 4}", "text": text}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def stage(file: Path, work: Path) -> dict[str, Any]:
    """The whole stage, from raw text to documents; then once more with another size of the mix."""
    import yaml

    from in2x.recipe import load_recipe
    from in2x.run import run

    train = work / "train.jsonl"
    train.write_text(json.dumps({"en": "One pair of no use.", "ja": "使わない文の組。"}) + "\n", encoding="utf-8")
    recipe = {"name": "raw", "data": {"raw": str(file), "train": str(train)},
              "corpus": {"heldout": 20, "bilingual": {"share": 0.0}}}  # fmt: skip
    found: dict[str, Any] = {}
    for name, tokens in (("", None), ("again_", 50_000)):
        recipe["corpus"]["mix"] = {"tokens": tokens}  # type: ignore[index]
        (work / "raw.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        began = time.process_time()
        figures = run(load_recipe(work / "raw.yaml"), work / "run", until="corpus")["corpus"].figures["rows"]
        found |= {f"{name}stage_cpu_s": time.process_time() - began, f"{name}documents": figures["documents"]}
    return found


def bare_daft(file: Path, work: Path) -> dict[str, Any]:
    """What one would write with Daft alone: its minhash over words, or over characters set apart by spaces."""
    import daft
    import pyarrow as pa
    from daft import col
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    frame = daft.read_json(str(file)).where(col("text").length() >= MIN_CHARS)
    first = frame.groupby("text").agg(col("id").min().alias("id"), col("lang").any_value().alias("lang"))
    english, other = first.where(col("lang") == "en"), first.where(col("lang") != "en")
    apart = other.with_column("text", col("text").regexp_replace("(.)", "$1 "))
    place = work / "signed"
    for number, (part, size) in enumerate(((english, 3), (apart, 5))):
        hashed = part.select("id", col("text").minhash(num_hashes=BANDS * ROWS, ngram_size=size).alias("hashes"))
        hashed.write_parquet(str(place / str(number)), write_mode="overwrite")
    table = daft.read_parquet(str(place / "**" / "*.parquet")).to_arrow()
    ids = table["id"].to_numpy()
    hashes = np.concatenate([c.flatten().to_numpy().reshape(-1, BANDS * ROWS) for c in table["hashes"].chunks])
    left, right = [], []
    rows = np.arange(len(ids))
    for band in range(BANDS):
        keys = [part.tobytes() for part in np.ascontiguousarray(hashes[:, band * ROWS : (band + 1) * ROWS])]
        buckets = (
            daft.from_arrow(pa.table({"key": pa.array(keys, pa.binary()), "row": rows}))
            .groupby("key").agg(col("row").list_agg().alias("rows"), col("row").count().alias("n"))
            .where(col("n") > 1).select("rows").to_pydict()["rows"]
        )  # fmt: skip
        for bucket in buckets:
            left += bucket[:-1]
            right += bucket[1:]
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(len(ids), len(ids)))
    return {"survivors": int(connected_components(graph, directed=False)[0])}


DATATROVE = """
import json, sys
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils import word_tokenizers

class ByCharacter(word_tokenizers.WordTokenizer):
    def word_tokenize(self, text): return text.split() if " " in text else list(text)
    def sent_tokenize(self, text): return [text]
    def span_tokenize(self, text): return [(0, len(text))]

import datatrove.pipeline.dedup.minhash as room
room.load_word_tokenizer = lambda language: ByCharacter()
source, work, bands, rows, least = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
config = MinhashConfig(n_grams=5, num_buckets=bands, hashes_per_bucket=rows)
tasks = 2

def run(pipeline, name, tasks=tasks):
    LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=2, logging_dir=f"{work}/log-{name}").run()

def read():
    return [JsonlReader(source), LambdaFilter(lambda d: len(d.text) >= least)]

if __name__ == "__main__":
    run([*read(), MinhashDedupSignature(f"{work}/signatures", config=config)], "signatures")
    run([MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)], "buckets", bands)
    run([MinhashDedupCluster(f"{work}/buckets", f"{work}/remove", config=config)], "cluster", 1)
    run([*read(), MinhashDedupFilter(f"{work}/remove"), JsonlWriter(f"{work}/out", compression=None)], "filter")
    import glob
    print(json.dumps({"survivors": sum(1 for f in glob.glob(f"{work}/out/*") for _ in open(f, "rb"))}))
"""


def adopt_orphans() -> None:
    """Processes whose parent ends become ours (Linux): a server of forks outlives its peer, and its time counts."""
    set_child_subreaper = 36
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def measured(command: list[str]) -> dict[str, Any]:
    """Run a peer; its last line of output is JSON. Adds wall and processor seconds and peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen(command, stdout=said, stderr=complained)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        said.seek(0)
        complained.seek(0)
        lines = said.read().strip().splitlines()
        if status or not lines:
            sys.exit(f"{' '.join(command[:3])} failed: {complained.read()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return {**json.loads(lines[-1]), "wall_s": wall, "cpu_s": cpu, "peak_mb": used.ru_maxrss // 1024}


def compare(count: int, peers: list[str], datatrove: str | None, folder: Path) -> dict[str, dict[str, Any]]:
    source = folder / "source"
    source.mkdir()
    file = source / "documents.jsonl"
    write_documents(file, count)
    found: dict[str, dict[str, Any]] = {}
    for peer in peers:
        work = folder / peer
        work.mkdir()
        if peer == "datatrove":
            if datatrove is None:
                print("datatrove is left out: name its interpreter by --datatrove", file=sys.stderr)
                continue
            script = folder / "datatrove_peer.py"
            script.write_text(DATATROVE)
            more = [str(source), str(work), str(BANDS), str(ROWS), str(MIN_CHARS)]
            found[peer] = measured([datatrove, str(script), *more])
        else:
            found[peer] = measured([sys.executable, __file__, "--worker", peer, str(file), str(work)])
        print(f"{peer}: {found[peer]['wall_s']:.1f} s", file=sys.stderr, flush=True)
    return found


def shingles(text: str, lang: str) -> frozenset[Any]:
    tokens, size = (text.split(), 3) if lang == "en" else (list(text), 5)
    return frozenset(tuple(tokens[i : i + size]) for i in range(max(1, len(tokens) - size + 1)))


def growth(count: int, folder: Path) -> None:
    """The whole stage at a tenth of `count` documents and at `count`: memory and processor time."""
    print("| documents | peak MB | processor s of the stage | after a change of `mix.tokens` |\n|---:|---:|---:|---:|")
    peaks = []
    for number in (count // 10, count):
        work = folder / str(number)
        work.mkdir()
        write_prose(work / "documents.jsonl", number)
        found = measured([sys.executable, __file__, "--worker", "stage", str(work / "documents.jsonl"), str(work)])
        peaks.append(found["peak_mb"])
        print(f"| {number:,} | {found['peak_mb']:,} | {found['stage_cpu_s']:.1f} | {found['again_stage_cpu_s']:.1f} |",
              flush=True)  # fmt: skip
    print(f"\nTen times the documents, {peaks[1] / peaks[0]:.2f} times the memory")


def against_exact(folder: Path) -> dict[str, float]:
    """Recall and precision of what ours joins among EXACT_SAMPLE documents, against every pair compared exactly."""
    file = folder / "sample.jsonl"
    write_documents(file, EXACT_SAMPLE, seed=1)
    work = folder / "sample"
    work.mkdir()
    rows = [row for row in map(json.loads, file.open(encoding="utf-8")) if len(row["text"]) >= MIN_CHARS]
    sets = {int(row["id"]): shingles(row["text"], row["lang"]) for row in rows}
    # Only documents that share a shingle can be alike at all.
    holders: dict[Any, list[int]] = defaultdict(list)
    for number, mine in sets.items():
        for shingle in mine:
            holders[shingle].append(number)
    near = {(a, b) for held in holders.values() for i, a in enumerate(held) for b in held[i + 1 :]}
    alike = {p for p in near if len(sets[p[0]] & sets[p[1]]) >= SIMILARITY * len(sets[p[0]] | sets[p[1]])}
    root = {number: number for number in sets}
    for number, of in ours(file, work)["joined"]:
        root[number] = of

    def top(number: int) -> int:
        while root[number] != number:
            number = root[number]
        return number

    clusters: dict[int, list[int]] = defaultdict(list)
    for number in sets:
        clusters[top(number)].append(number)
    recall = sum(top(a) == top(b) for a, b in alike) / len(alike)
    # A member is right where it is alike enough with at least one other of its cluster.
    paired = {number for pair in alike for number in pair}
    members = [number for held in clusters.values() if len(held) > 1 for number in held]
    return {"pairs": len(alike), "recall": recall, "precision": sum(m in paired for m in members) / len(members)}


def table(found: dict[str, dict[str, Any]], count: int) -> None:
    versions = {n: metadata.version(n) for n in ("daft", "numpy", "numba")}
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
          + ", ".join(f"{k} {v}" for k, v in versions.items()))  # fmt: skip
    print(
        f"\n| {count:,} documents | wall s | processor s | peak MB | survivors | wall, ours = 1 | processor, ours = 1 |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    base = found.get("in2x")
    for name, row in found.items():
        ratios = [f"{row[k] / base[k]:.2f}" if base else "" for k in ("wall_s", "cpu_s")]
        print(f"| {name} | {row['wall_s']:.1f} | {row['cpu_s']:.1f} | {row['peak_mb']:,} | {row['survivors']:,} | "
              + " | ".join(ratios) + " |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, default=200_000)
    parser.add_argument("--peers", nargs="+", choices=["in2x", "daft", "datatrove"],
                        default=["in2x", "daft", "datatrove"])  # fmt: skip
    parser.add_argument("--datatrove", metavar="PYTHON")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--growth", type=int, metavar="DOCUMENTS")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        peer, file, work = given.worker
        result = {"in2x": ours, "daft": bare_daft, "stage": stage}[peer](Path(file), Path(work))
        result.pop("joined", None)
        print(json.dumps(result))
        return
    adopt_orphans()
    if given.growth:
        with tempfile.TemporaryDirectory() as name:
            growth(given.growth, Path(name))
        return
    count = 5000 if given.quick else given.docs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table(compare(count, given.peers, given.datatrove, folder), count)
        exact = against_exact(folder)
        print(f"\nAgainst every pair of {EXACT_SAMPLE:,} documents compared exactly ({exact['pairs']:,} pairs at least "
              f"{SIMILARITY} alike): recall {exact['recall']:.3f}, precision {exact['precision']:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
