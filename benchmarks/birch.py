"""BIRCH here against scikit-learn's: the same data, the same threshold, one run, labels included on both sides.

    python benchmarks/birch.py                              every case below; some 12 minutes, 8 of them scikit-learn's
    python benchmarks/birch.py --cases 100k 100k-64d        some of them
    python benchmarks/birch.py --quick                      every case at a twentieth of its size

    100k 100k-64d 400k   speed, adjusted Rand index, memory of the tree
    one-tree             the same without coarse cells, and without `reach` (the rule of Zhang et al.)
    scale                100k, 400k, 2M points (or --points), ours only, input memory-mapped, with memory
    shards               one run against 8 shards merged
    shift                labels after a shift of all points by 1e4, both programs

Data: two-level topics. 150 topics are directions drawn evenly; each has 14 subtopics around it; the sizes of the
subtopics follow a power law (exponent .8), their widths vary (log-normal, 15%); points are scaled to length 1, float32.
The truth for the adjusted Rand index is the subtopic. Wall time is what a user waits for, processor time is what it
costs; on a machine that others use only the second is comparable. Each case's result is kept in `--cache`, so a stopped
run goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.cluster import Birch as Classical
from sklearn.metrics import adjusted_rand_score

from in2x.selection.birch import Birch

TOPICS, SUBTOPICS, NOISE = 150, 14, 0.55


def data(points: int, dimension: int, seed: int = 0, out: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, d] (written into `out` if given) and the subtopic of each."""
    lots = np.random.default_rng(seed)
    topics = lots.standard_normal((TOPICS, dimension))
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    count = TOPICS * SUBTOPICS
    centres = np.repeat(topics, SUBTOPICS, axis=0) + NOISE / np.sqrt(dimension) * lots.standard_normal(
        (count, dimension)
    )
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    share = lots.permutation(1 / np.arange(1, count + 1) ** 0.8)
    truth = lots.choice(count, points, p=share / share.sum())
    width = NOISE * np.exp(0.15 * lots.standard_normal(count)) / np.sqrt(dimension)
    out = np.empty((points, dimension), np.float32) if out is None else out
    for start in range(0, points, 20_000):
        mine = truth[start : start + 20_000]
        part = centres[mine] + width[mine, None] * lots.standard_normal((len(mine), dimension), dtype=np.float32)
        out[start : start + len(mine)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return out, truth


def timed(model: Any, points: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    labels = model.fit(points).labels_
    return {
        "wall_s": round(time.perf_counter() - wall, 4),
        "processor_us_per_point": round((time.process_time() - processor) / len(points) * 1e6, 1),
        "clusters": len(model.subcluster_centers_),
        "ari": round(float(adjusted_rand_score(truth, labels)), 4),
    }


def tree_bytes(model: Classical) -> int:
    """Memory of scikit-learn's tree: the arrays of every node and subcluster (Python objects left out)."""
    total, nodes = 0, [model.root_]
    while nodes:
        node = nodes.pop()
        total += node.init_centroids_.nbytes + node.init_sq_norm_.nbytes
        for sub in node.subclusters_:
            total += np.asarray(sub.linear_sum_).nbytes + np.asarray(sub.centroid_).nbytes
            if sub.child_ is not None:
                nodes.append(sub.child_)
    return total


def compare(points: int, dimension: int, threshold: float) -> dict[str, Any]:
    x, truth = data(points, dimension)
    Birch(threshold).fit(x[:30_000])  # compiled code is loaded before the clock starts
    ours = Birch(threshold)
    row: dict[str, Any] = {
        "points": points,
        "dimension": dimension,
        "threshold": threshold,
        "ours": timed(ours, x, truth),
    }
    row["ours"]["tree_mb"] = round(sum(tree.nbytes for tree in ours._trees) / 1e6, 1)
    theirs = Classical(threshold=threshold, n_clusters=None)
    row["scikit-learn"] = timed(theirs, x, truth)
    row["scikit-learn"]["tree_mb"] = round(tree_bytes(theirs) / 1e6, 1)
    row["times_faster_wall"] = round(row["scikit-learn"]["wall_s"] / row["ours"]["wall_s"], 1)
    row["times_faster_processor"] = round(
        row["scikit-learn"]["processor_us_per_point"] / row["ours"]["processor_us_per_point"], 1
    )
    return row


def one_tree(points: int, dimension: int, threshold: float) -> list[dict[str, Any]]:
    x, truth = data(points, dimension)
    rules = ((1, math.inf), (1, 1.3), ("auto", math.inf), ("auto", 1.3))
    return [
        {"cells": str(cells), "reach": str(reach), **timed(Birch(threshold, cells=cells, reach=reach), x, truth)}
        for cells, reach in rules
    ]


class Memory(threading.Thread):
    """Peak of this process's own memory in MB; pages of mapped files, which the system may drop, are not its own."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.running = 0, True

    def run(self) -> None:
        while self.running:
            with open("/proc/self/status", encoding="ascii") as status:
                own = next(line for line in status if line.startswith("RssAnon"))
            self.peak = max(self.peak, int(own.split()[1]) // 1024)
            time.sleep(0.02)


def fit_mapped(file: Path, threshold: float) -> dict[str, Any]:
    """In a process of its own, so that the memory is that of this fit."""
    Birch(threshold).fit(np.load(file, mmap_mode="r")[:30_000])
    x, truth = np.load(file, mmap_mode="r"), np.load(file.with_suffix(".truth.npy"))
    memory = Memory()
    memory.start()
    row = timed(Birch(threshold), x, truth)
    memory.running = False
    return {"points": len(x), **row, "peak_mb": memory.peak}


def scale(sizes: list[int], dimension: int, threshold: float) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.npy"
        for points in sizes:
            mapped = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(points, dimension))
            _, truth = data(points, dimension, out=mapped)
            mapped.flush()
            del mapped
            np.save(file.with_suffix(".truth.npy"), truth)
            call = f"birch.fit_mapped(pathlib.Path({str(file)!r}), {threshold})"
            code = f"import birch, json, pathlib; print(json.dumps({call}))"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                                  cwd=Path(__file__).parent)  # fmt: skip
            rows.append(json.loads(done.stdout))
    return rows


def exponent(rows: list[dict[str, Any]]) -> float:
    """Of processor time as a power of the number of points, between the smallest and the largest."""
    first, last = rows[0], rows[-1]
    cost = [row["processor_us_per_point"] * row["points"] for row in (first, last)]
    return float(np.log(cost[1] / cost[0]) / np.log(last["points"] / first["points"]))


def shift(points: int, dimension: int, threshold: float) -> dict[str, Any]:
    x, truth = data(points, dimension)
    near, far = (Birch(threshold).fit(x.astype(np.float64) + by).labels_ for by in (0.0, 1e4))
    single = (x + np.float32(1e4)).astype(np.float32)
    return {
        "labels_changed_float64": float((near != far).mean()),
        "ari_float32_ours": float(adjusted_rand_score(truth, Birch(threshold).fit(single).labels_)),
        "ari_float32_scikit_learn": float(
            adjusted_rand_score(truth, Classical(threshold=threshold, n_clusters=None).fit(single).labels_)
        ),
    }


def shards(points: int, dimension: int, threshold: float, count: int = 8) -> dict[str, float]:
    x, truth = data(points, dimension)
    whole = Birch(threshold).fit(x)
    parts = [Birch(threshold).fit(part) for part in np.array_split(x, count)]
    merged = Birch(threshold).merge([part.features() for part in parts])
    return {
        "ari_single": float(adjusted_rand_score(truth, whole.labels_)),
        "ari_merged": float(adjusted_rand_score(truth, merged.predict(x))),
    }


def report(found: dict[str, Any]) -> None:
    """Markdown tables of what is there."""
    print(f"{platform.machine()}, {os.cpu_count()} cores; scikit-learn {sklearn.__version__}, numpy {np.__version__}\n")
    compared = [found[name] for name in SPEED if name in found]
    if compared:
        print("| points x dimension | seconds, ours | scikit-learn | times faster, wall | processor | ARI, ours "
              "| scikit-learn | clusters, ours | scikit-learn | tree MB, ours | scikit-learn |")  # fmt: skip
        print("|" + "---|" * 11)
    for row in compared:
        a, b = row["ours"], row["scikit-learn"]
        print(f"| {row['points']:,} x {row['dimension']} | {a['wall_s']} | {b['wall_s']} | {row['times_faster_wall']} "
              f"| {row['times_faster_processor']} | {a['ari']} | {b['ari']} | {a['clusters']:,} | {b['clusters']:,} "
              f"| {a['tree_mb']} | {b['tree_mb']} |")  # fmt: skip
    if "one-tree" in found:
        print("\n| cells | reach | ARI | clusters | seconds |\n|---|---|---:|---:|---:|")
        for row in found["one-tree"]:
            print(f"| {row['cells']} | {row['reach']} | {row['ari']} | {row['clusters']:,} | {row['wall_s']} |")
    if "scale" in found:
        print("\n| points | seconds | processor us a point | ARI | clusters | own memory, MB |\n|" + "---:|" * 6)
        for row in found["scale"]:
            print(f"| {row['points']:,} | {row['wall_s']} | {row['processor_us_per_point']} | {row['ari']} "
                  f"| {row['clusters']:,} | {row['peak_mb']:,} |")  # fmt: skip
        power, last = exponent(found["scale"]), found["scale"][-1]
        hours = last["processor_us_per_point"] * 4e7 * (4e7 / last["points"]) ** (power - 1) / 3.6e9
        split = last["processor_us_per_point"] * 4e7 / 3.6e9
        print(f"\nProcessor time grows as points^{power:.2f}. 40M points: {hours:.2f} core-hours on one machine by "
              f"that power, {split:.2f} core-hours in shards of the largest size here.")  # fmt: skip
    for name in ("shards", "shift"):
        if name in found:
            print(f"\n{name}: " + ", ".join(f"{k.replace('_', ' ')} {v:.4f}" for k, v in found[name].items()))


SPEED = {"100k": (100_000, 384), "100k-64d": (100_000, 64), "400k": (400_000, 384)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*SPEED, "one-tree", "scale", "shards", "shift"]
    parser.add_argument("--cases", nargs="+", choices=names, default=names)
    parser.add_argument("--threshold", type=float, default=0.55)
    parser.add_argument("--points", type=int, nargs="+", default=[100_000, 400_000, 2_000_000], help="of scale")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "in2x-bench")
    given = parser.parse_args()
    parts, threshold = (20 if given.quick else 1), given.threshold
    given.cache.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name in given.cases:
        sizes = [n // parts for n in given.points]
        asked = "-".join(["", *map(str, sizes)]) if name == "scale" else ""
        kept = given.cache / f"birch-{name}-{threshold}-{parts}{asked}.json"
        if not kept.exists():
            print(f"{name} ...", file=sys.stderr, flush=True)
            points, dimension = SPEED.get(name, (100_000, 384))
            if name in SPEED:
                result: Any = compare(points // parts, dimension, threshold)
            elif name == "scale":
                result = scale(sizes, dimension, threshold)
            else:
                result = {"one-tree": one_tree, "shards": shards, "shift": shift}[name](points // parts, 384, threshold)
            kept.write_text(json.dumps(result))
        found[name] = json.loads(kept.read_text())
    report(found)


if __name__ == "__main__":
    main()
