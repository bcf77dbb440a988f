"""How much memory and time selection takes of pools of a growing size.

    python benchmarks/selection_scale.py [--sizes 125000 500000 2000000] [--folder DIR]
    python benchmarks/selection_scale.py --vectors out/work/embeddings   # the clustering alone

Each pool is made of words of ours in three languages: topics of a hundred instructions, of which one in ten is a copy
and one in ten a twin in another language; prompts of 40 to 240 characters, answers of 60 to 400. Each size is selected
in a process of its own. Printed are seconds of processor time by step, peak memory, and the exponent: processor time
grows as items ^ exponent from one size to the next; and the peak of each step by itself (Linux).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from growth import grow

from in2x.records import Instruction

TASKS = ("qa", "story", "math", "rewrite", "summarize", "classify", "dialogue", "translate")
SYLLABLES = {
    "en": ("ba", "der", "lin", "mo", "sta", "ver", "ni", "tor", "ku", "pel", "ra", "sy"),
    "ja": ("あか", "み", "ず", "かぜ", "の", "やま", "と", "川", "森", "雨", "港", "れ"),
    "zh": ("山", "水", "风", "云", "城", "路", "花", "月", "书", "海", "天", "人"),
}
PER_TOPIC, CHUNK = 100, 10_000


def passage(lang: str, topic: int) -> str:
    """A long text of forty words of a topic; what is asked and answered about it is cut out of it."""
    own = random.Random(f"{lang} {topic}")
    joint, stop = (" ", ". ") if lang == "en" else ("", "。")
    vocabulary = ["".join(own.choices(SYLLABLES[lang], k=own.randint(2, 4))) + joint for _ in range(40)]
    return stop.join("".join(own.choices(vocabulary, k=12)) for _ in range(40)) * 2


def rows(first: int, count: int) -> dict[str, list[Any]]:
    """Columns of `count` instructions from number `first` on."""
    rng = random.Random(first)
    found: dict[str, list[Any]] = {name: [] for name in ("id", "lang", "task", "prompt", "answer", "labels")}
    texts: dict[str, str] = {}
    for number in range(first, first + count):
        topic = number // PER_TOPIC
        if number % PER_TOPIC == 0 or not texts:
            texts = {lang: passage(lang, topic) for lang in SYLLABLES}
        lot = rng.random()
        if number > first and lot < 0.1:
            lang, prompt, answer = found["lang"][-1], found["prompt"][-1] + " ", found["answer"][-1]
        else:
            lang = rng.choice(tuple(SYLLABLES))
            named = number if lot > 0.2 else number - 1
            start, text = rng.randrange(len(texts[lang]) // 2), texts[lang]
            prompt = f"{text[start : start + rng.randint(40, 240)]} Ralton{topic}x{named} {named % 971} {named % 83}"
            answer = text[start + 100 : start + 100 + rng.randint(60, 400)]
        values = (f"{hash_of(number):016x}", lang, TASKS[topic % len(TASKS)], prompt, answer,
                  [f"Field {topic % 40}", f"Topic {topic % 900}"] if rng.random() < 0.3 else None)  # fmt: skip
        for name, value in zip(found, values, strict=True):
            found[name].append(value)
    return found


def hash_of(number: int) -> int:
    """A number that looks drawn by lot, so that the ids stand in no order."""
    return (number * 0x9E3779B97F4A7C15 + 0x1234567) % (1 << 64)


def make(folder: Path, count: int) -> None:
    """The pool of the stage `instruct`, as it leaves it."""
    folder.mkdir(parents=True)
    cut = count * 3 // 4
    for name, low, high in (("sft", 0, cut), ("rl", cut, count)):
        with pq.ParquetWriter(folder / f"pool.{name}.parquet", Instruction.SCHEMA, compression="zstd") as writer:
            for start in range(low, high, CHUNK):
                found = rows(start, min(CHUNK, high - start))
                turns = pa.StructArray.from_arrays(
                    [pa.array(["user"] * len(found["id"])), pa.array(found.pop("prompt"))], ["role", "content"]
                )
                messages = pa.ListArray.from_arrays(np.arange(len(turns) + 1, dtype=np.int32), turns)
                columns = {**{name: pa.array(values) for name, values in found.items()}, "messages": messages}
                table = [
                    columns[field.name].cast(field.type) if field.name in columns else pa.nulls(len(turns), field.type)
                    for field in Instruction.SCHEMA
                ]
                writer.write_table(pa.table(table, schema=Instruction.SCHEMA))
    (folder / "manifest.json").write_text('{"key": "pool"}', encoding="utf-8")


def status() -> dict[str, int]:
    """MB of this process: its peak since `forget`, and what it holds, not in files and in files."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return {name: int(lines[key].split()[0]) // 1024 for name, key in
            (("peak", "VmHWM"), ("anonymous", "RssAnon"), ("of files", "RssFile"))}  # fmt: skip


def forget() -> None:
    """Begin a new peak."""
    Path("/proc/self/clear_refs").write_text("5")


def cluster_alone(vectors: Path) -> None:
    """Cluster the vectors that a selection left in its work folder, and print memory and a hash of the clusters."""
    from in2x.recipe import Recipe
    from in2x.selection import stage
    from in2x.selection.embed import Shards

    shards = Shards(vectors)
    config = Recipe.model_validate({"name": "scale", "select": {"threshold": 0.8}}).select
    print("before", status())
    forget()
    _, centres, clusters, _ = stage._clusters(config, shards, 0.8)
    digest = hashlib.blake2b(centres.tobytes() + clusters.tobytes(), digest_size=8).hexdigest()
    print(f"{len(shards):,} vectors, {len(centres):,} clusters, {digest}", status())


def select(pool: Path, out: Path, count: int) -> None:
    """Run the stage and print what it took as JSON."""
    from in2x.artifact import Artifact
    from in2x.recipe import Recipe
    from in2x.selection import stage
    from in2x.stage import Stage

    knobs = {"threshold": 0.8, "round1": {"size": count // 5}, "round2": {"size": count // 5}}
    steps, tick = {}, stage._Clock.__call__

    def noted(clock: Any, name: str) -> None:
        tick(clock, name)
        steps[name] = status()["peak"]
        forget()

    stage._Clock.__call__ = noted
    recipe = Recipe.model_validate({"name": "scale", "select": knobs})
    work = Stage("select", recipe, out, {"instruct": Artifact.open(pool)})
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.time()
    stage.run(recipe.select, work)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "wall": round(time.time() - began, 1),
        "cpu": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": max(steps.values()), "base_mb": before.ru_maxrss // 1024, "peak_mb_by_step": steps,
        **{name: work.figures[name] for name in ("clusters", "copies", "seconds")},
        "twins": {name: s["same_item_in_two_languages"] for name, s in work.figures["samples"].items()},
    }))  # fmt: skip


def main() -> None:
    """See the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[125_000, 500_000, 2_000_000])
    parser.add_argument("--folder", type=Path, help="for pools and results; several GB")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--vectors", type=Path, help="a folder of vectors to be clustered, and nothing else")
    given = parser.parse_args()
    if given.vectors:
        cluster_alone(given.vectors)
        return
    if given.child:
        select(Path(given.child[0]), Path(given.child[1]), int(given.child[2]))
        return
    grow(__file__, given.sizes, given.folder, make, told=True)


if __name__ == "__main__":
    main()
