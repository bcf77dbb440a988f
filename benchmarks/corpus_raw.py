"""From raw books to packed blocks: megabytes a second over the whole corpus stage and packing.

    python benchmarks/corpus_raw.py --raw RAW --pairs test.jsonl

RAW is a folder of raw documents (JSON Lines, a field "text"; `.gz` counts unpacked). The stage reads, cleans,
identifies, drops duplicates and what overlaps the pairs, scores, selects and mixes as `recipes/books-cpu.yaml` says,
without documents that are made afterwards (of pairs, or tagged with their style). The tokenizer (8,192 entries) is
trained before the clock of packing starts; identification is timed once more by itself. On a machine that others use,
the processor time is the figure: both cores together can do no more than twice as much a second as it says.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path

from in2x.process import QUIET

os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})

import pyarrow as pa
import yaml
from small_model import machine

from in2x.corpus.pack import META, pack_documents
from in2x.corpus.view import select_documents
from in2x.language.identify import identify
from in2x.recipe import load_recipe
from in2x.run import run
from in2x.training.tokenizer import train_tokenizer

CONTEXT = 8192
CORPUS = {
    "domain": "creative", "mix": {"epochs": 2, "languages": {"ja": 1, "en": 1, "zh": 1}}, "bilingual": {"share": 0.0},
    "select": "quality >= 0.1 AND bucket <> 'tail'",
}  # fmt: skip


def texts_of(folder: Path) -> list[str]:
    found = []
    for file in sorted(folder.iterdir()):
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            found += [json.loads(line)["text"] for line in stream]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="sentence pairs, as test set: kept out of the corpus")
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp())
    texts = texts_of(given.raw)
    size = sum(len(t.encode()) for t in texts) / 1e6
    pairs = str(given.pairs)
    train = work / "train.jsonl"  # the data stage wants a pair to learn from; nothing here does
    train.write_text(json.dumps({"en": "One pair of no use.", "ja": "使わない文の組。"}) + "\n", encoding="utf-8")
    recipe = {"name": "raw", "data": {"raw": str(given.raw), "train": str(train), "dev": pairs, "test": pairs}}
    file = work / "raw.yaml"
    file.write_text(yaml.safe_dump({**recipe, "corpus": CORPUS}), encoding="utf-8")
    ready = load_recipe(file)
    run(ready, work / "run", until="data")
    used = time.process_time()
    corpus = run(ready, work / "run", until="corpus")["corpus"]
    stage_used = time.process_time() - used
    tokenizer = train_tokenizer((d.text for d in select_documents(corpus.path)), 8192)
    began, used = time.perf_counter(), time.process_time()
    pack_documents(tokenizer, select_documents(corpus.path), CONTEXT, work / "blocks")
    packing, packing_used = time.perf_counter() - began, time.process_time() - used
    meta = json.loads((work / "blocks" / META).read_text())
    began, used = time.perf_counter(), time.process_time()
    identify(pa.array(texts))
    naming, naming_used = time.perf_counter() - began, time.process_time() - used
    stage = float(corpus.manifest["seconds"])
    print(machine("daft", "tokenizers"))
    packed = f"{meta['tokens']:,} tokens in {meta['blocks']:,} blocks of {CONTEXT}"
    print(f"\n{len(texts)} documents, {size:.1f} MB raw; {packed}\n")
    print("| | seconds | MB of raw text a second | processor s | MB a processor s |\n|---|---:|---:|---:|---:|")
    for name, seconds, cpu in (
        ("corpus stage", stage, stage_used), ("packing", packing, packing_used),
        ("together", stage + packing, stage_used + packing_used), ("identification by itself", naming, naming_used),
    ):  # fmt: skip
        print(f"| {name} | {seconds:.1f} | {size / seconds:.1f} | {cpu:.1f} | {size / cpu:.1f} |")
    print(f"\nBlock positions used: {meta['used_share']:.4f}")


if __name__ == "__main__":
    main()
