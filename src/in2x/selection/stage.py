"""The select stage: pool.sft and pool.rl -> round1, round2, rl.

select/
  round1.parquet  round2.parquet  rl.parquet    Instruction with labels, difficulty, cluster
  clusters.parquet                              id, size, kept, medoid, radius, labels
  verdicts.parquet                              the copies, each with the instruction that stays in its place
  selection.html                                the page: map, tuning, labels, difficulty before and after, clusters
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from in2x.artifact import write_text
from in2x.llm.cache import cache_beside
from in2x.llm.embedders import Embedder, embedder_of
from in2x.llm.prompt_files import versions_of
from in2x.process import give_back
from in2x.records import Instruction, Verdict, write_records
from in2x.selection import dedup, difficulty, figures, labels, passing, twins
from in2x.selection.annotate import Server, grades, own_labels, tuned_threshold
from in2x.selection.birch import Birch
from in2x.selection.cells import cells_for
from in2x.selection.config import Sample, SelectConfig
from in2x.selection.embed import HashingEmbedder, Shards, embed_to_shards
from in2x.selection.meaning import Meaning
from in2x.selection.ngrams import NgramCounts
from in2x.selection.page import page
from in2x.selection.pool import RL, SFT, Pool, read_pool
from in2x.selection.sample import Chosen, Items, two_step
from in2x.selection.teacher import PROMPTS, Taxonomy, read_fields
from in2x.stage import Stage

Ints = npt.NDArray[np.int64]
BATCH = 8192


def run(config: SelectConfig, stage: Stage) -> None:
    """Select round 1, round 2 and the RL set (METHOD 3). Raises In2xError on an empty or broken pool."""
    clock = _Clock()
    source = stage.input("instruct")
    pool = read_pool(source / "pool.sft.parquet", source / "pool.rl.parquet", stage.work / "pool")
    clock("read")
    counts = NgramCounts()
    for start in range(0, len(pool), BATCH):
        counts.add(pool.prompts[start : start + BATCH])
    clock("count")
    embedder = make_embedder(config, counts)
    with stage.progress("embed", len(pool)) as advance:
        shards = embed_to_shards(embedder, pool.prompts, _vectors(config, stage), shard=config.shard, advance=advance)
    clock("embed")
    ask_all = Server(config.llm, cache_beside(stage.out, "llm-cache.sqlite")) if config.llm else None
    taxonomy = Taxonomy(
        meant=None if config.embedder == "hashing" else Meaning(embedder.embed),
        own=read_fields(Path(config.fields)) if config.fields else (),
    )
    threshold, tuning_curve = tuned_threshold(config, pool, shards, stage.seed, ask_all, taxonomy)
    threshold, centres, clusters, near = _clusters(config, shards, threshold)
    give_back()
    clock("cluster")
    langs, tasks = pool.langs.values(), pool.tasks.values()
    kinds = dedup.kinds(langs, tasks, pool.verifiers, pool.prompts)
    rank = quality_rank(pool)
    copy_of = dedup.copies(
        clusters, shards.take, kinds, (pool.prompts, pool.answers), rank, config.near, config.overlap
    )
    clock("dedup")
    survivors = np.flatnonzero(copy_of < 0)
    twin = twins.groups(len(pool), _twin_links(config, pool, shards, near, survivors))
    clock("twins")
    if config.pass_samples and ask_all is not None:
        tried = int(sum(map(passing.checkable, pool.verifiers.at(survivors))))
        with stage.progress(f"pass@{config.pass_samples}", tried) as advance:
            pool, stage.figures["pass"] = passing.with_pass_rates(
                ask_all.client, pool, survivors, config.pass_samples, stage.seed, advance
            )
    own, label_figures = own_labels(pool, survivors, ask_all, taxonomy)
    named = labels.label_all(own, tasks, pool.contents, clusters, centres)
    del own
    clock("label")
    strata = pool.langs.codes * len(pool.tasks.names) + pool.tasks.codes
    strata = np.unique(strata, return_inverse=True)[1].reshape(-1)
    graded, grade_figures = grades(config, pool, counts, strata, survivors, ask_all)
    clock("grade")
    items = Items(
        pool.ids, graded, clusters, pool.langs.codes, pool.tasks.codes, _buckets(pool.langs.codes, named), twin
    )
    chosen, left_out = choose(config, items, pool.part, copy_of, stage)
    clock("sample")
    for name, sample in chosen.items():
        _write(pool, sample.index, named, graded, clusters, stage.out / f"{name}.parquet")
    medoids = _medoids(shards, clusters, centres)
    pq.write_table(_cluster_table(pool, clusters, copy_of, named, medoids), stage.out / "clusters.partial",
                   compression="zstd")  # fmt: skip
    (stage.out / "clusters.partial").rename(stage.out / "clusters.parquet")
    write_records(stage.out / "verdicts.parquet", _verdicts(pool, copy_of), Verdict)
    clock("write")
    stage.figures.update(_figures(pool, items, chosen, copy_of, named, langs, tasks, shards, threshold))
    stage.figures["rl_left_out_as_copies"] = left_out
    _count_twins(config, stage, items, chosen, shards)
    stage.figures["tuning"] = tuning_curve
    if ask_all is not None:
        usage = ask_all.client.usage
        stage.figures["model"] = {
            "labels": label_figures, "grades": grade_figures, "usage": usage.figures(),
            "prompts": versions_of(PROMPTS),
        }  # fmt: skip
        if usage.unasked:
            stage.unfinished = f"a budget left {usage.unasked:,} questions unasked"
            stage.say(f"{stage.unfinished}: the same command goes on with them, and pays for nothing twice")
    clock("figures")
    stage.figures["seconds"] = clock.seconds
    write_text(stage.out / "selection.html", page(stage.figures, stage.recipe.name))
    parts = ", ".join(f"{name} {len(sample.index):,}" for name, sample in chosen.items())
    copies = int((copy_of >= 0).sum())
    stage.say(f"{len(pool):,} instructions, {len(centres):,} clusters, {copies:,} copies: {parts}")
    # The artifact is renamed when the stage returns: this is where the page will be.
    stage.say(f"the page: {stage.out.parent.parent / stage.name / 'selection.html'}")


def _clusters(
    config: SelectConfig, shards: Shards, threshold: float
) -> tuple[float, npt.NDArray[np.float32], Ints, Ints | None]:
    """The threshold in the end, centres of the clusters in use, the cluster of each row, and by a model the two nearest
    of each (by BIRCH's own numbers)."""
    birch, near = cluster(shards, config, threshold), None
    if config.embedder != "hashing":
        near = np.concatenate([birch.predict_two(points) for _, points in shards.chunks()])
        clusters = near[:, 0]
    else:
        clusters = np.concatenate([birch.predict(points) for _, points in shards.chunks()])
    threshold, centres = birch.threshold_, birch.subcluster_centers_
    del birch  # it holds each centre once more
    used, clusters = np.unique(clusters, return_inverse=True)
    centres = centres[used] if len(used) < len(centres) else centres
    return threshold, centres.astype(np.float32, copy=False), clusters.reshape(-1), near


def _twin_links(
    config: SelectConfig, pool: Pool, shards: Shards, near: Ints | None, survivors: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Links between instructions that are one item in two languages."""
    yield from twins.by_pairs(pool)
    if len(pool.langs.names) < 2:
        return
    if near is None:
        yield from twins.by_signs(pool, survivors)
        return
    for left, right in twins.by_vectors(
        near[survivors], lambda rows: shards.take(survivors[rows]), pool.langs.codes[survivors], config.twin
    ):
        yield survivors[left], survivors[right]


def _count_twins(config: SelectConfig, stage: Stage, items: Items, chosen: dict[str, Chosen], shards: Shards) -> None:
    """What is there, whatever found it: with a model the sample is searched for near vectors of two languages."""
    for number, (name, sample) in enumerate(chosen.items()):
        figures = stage.figures["samples"][name]
        if config.embedder == "hashing" or not len(sample.index):
            continue
        looked, found = twins.together(sample.index, shards.take, items.lang, config.twin, stage.seed * 3 + number)
        figures["twins_by_vectors"] = {"looked_at": looked, "have_one": found}
    together = sum(sample["same_item_in_two_languages"] for sample in stage.figures["samples"].values())
    if together:
        stage.say(f"{together:,} chosen instructions show an item that another one shows in another language")


def _buckets(langs: Ints, named: Sequence[labels.Label]) -> Ints:
    """int64 [n]: equal for equal language and labels, numbered in their order."""
    known = {label: number for number, label in enumerate(sorted(set(named)))}
    codes = np.fromiter((known[label] for label in named), np.int64, len(named)) + langs * len(known)
    return np.asarray(np.unique(codes, return_inverse=True)[1].reshape(-1), np.int64)


def _vectors(config: SelectConfig, stage: Stage) -> Path:
    """Where vectors lie: those of a model, which cost, beside the run, so that other quotas embed nothing again."""
    if config.embedder == "hashing":
        return stage.work / "embeddings"
    return cache_beside(stage.out, "select-vectors")


def make_embedder(config: SelectConfig, counts: NgramCounts) -> Embedder:
    """The embedder that the recipe names."""
    if config.embedder == "hashing":
        return HashingEmbedder(counts, config.dimension)
    return embedder_of(config.embedder, config.embedding_model)


def cluster(shards: Shards, config: SelectConfig, threshold: float) -> Birch:
    """BIRCH over the shards, one after the other."""
    birch = Birch(
        threshold,
        config.branching,
        cells=cells_for(len(shards)),
        max_subclusters=config.max_clusters,
    )
    for _, points in shards.chunks():
        birch.add(points)
    return birch.join()


def quality_rank(pool: Pool) -> Ints:
    """int64 [n], 0 is best: with a verifier, with an answer, higher pass rate, then by id."""
    rates = np.nan_to_num(pool.pass_rate)
    checked, answered = pool.verifiers.given, pool.answers.sizes > 0
    order = np.lexsort((np.arange(len(pool)), -rates, ~answered, ~checked))
    rank = np.empty(len(pool), np.int64)
    rank[order] = np.arange(len(pool))
    return rank


def choose(
    config: SelectConfig, items: Items, part: Ints, copy_of: Ints, stage: Stage
) -> tuple[dict[str, Chosen], int]:
    """The three samples, and how many RL candidates were left out as copies of chosen SFT items."""
    free = copy_of < 0
    survivors = {SFT: int((free & (part == SFT)).sum()), RL: int((free & (part == RL)).sum())}
    chosen: dict[str, Chosen] = {}
    shown = np.empty(0, np.int64)
    for salt, (name, plan) in enumerate((("round1", config.round1), ("round2", config.round2))):
        available = np.flatnonzero(free & (part == SFT))
        chosen[name] = _sample(config, items, available, plan, survivors[SFT], stage, name, salt, shown)
        free[chosen[name].index] = False
        shown = np.concatenate([shown, chosen[name].index])
    # No two survivors of dedup are copies of each other, so the RL set is disjoint from both rounds by near-duplicate.
    available = np.flatnonzero(free & (part == RL))
    chosen["rl"] = _sample(config, items, available, config.rl, survivors[RL], stage, "rl", 2, shown)
    return chosen, int(((copy_of >= 0) & (part == RL)).sum())


def _sample(
    config: SelectConfig,
    items: Items,
    available: Ints,
    plan: Sample,
    survivors: int,
    stage: Stage,
    name: str,
    salt: int,
    shown: Ints,
) -> Chosen:
    wanted = plan.wanted(survivors)
    if plan.keep_all:
        got = np.bincount(items.grade[available], minlength=6)[1:].tolist()
        return Chosen(available, got, got)
    if wanted > len(available):
        stage.say(
            f"{name}: {wanted:,} instructions are wanted, {len(available):,} are left; taking what the quotas allow"
        )
    return two_step(items, available, wanted, config.quotas, stage.seed * 3 + salt, shown)


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 2)
        self._last = now


def _write(pool: Pool, index: Ints, named: Sequence[labels.Label], grades: Ints, clusters: Ints, path: Path) -> None:
    """The rows `index` with labels, difficulty and cluster, as Parquet."""
    wanted = np.zeros(len(pool), bool)
    wanted[index] = True
    partial = path.with_name(path.name + ".partial")
    with pq.ParquetWriter(partial, Instruction.SCHEMA, compression="zstd") as writer:
        for rows, table in pool.tables(wanted):
            new = {
                "labels": pa.array([list(named[row]) for row in rows.tolist()], pa.list_(pa.string())),
                "difficulty": pa.array(grades[rows], pa.int8()),
                "cluster": pa.array(clusters[rows], pa.int64()),
                "pass_rate": pa.array(pool.pass_rate[rows], pa.float64(), from_pandas=True),
            }
            for name, column in new.items():
                place = Instruction.SCHEMA.get_field_index(name)
                table = table.set_column(place, Instruction.SCHEMA.field(name), column)
            writer.write_table(table)
    partial.rename(path)


def _medoids(shards: Shards, clusters: Ints, centres: npt.NDArray[np.float32]) -> tuple[Ints, npt.NDArray[np.float64]]:
    """The member nearest to the centre of each cluster, and the root mean squared distance of all members."""
    best = np.full(len(centres), np.inf)
    medoid = np.zeros(len(centres), np.int64)
    total = np.zeros(len(centres))
    for start, points in shards.chunks():
        mine = clusters[start : start + len(points)]
        distance = ((points - centres[mine]) ** 2).sum(axis=1, dtype=np.float64)
        total += np.bincount(mine, distance, minlength=len(centres))
        order = np.lexsort((distance, mine))
        first = order[np.concatenate([[True], mine[order][1:] != mine[order][:-1]])]
        better = first[distance[first] < best[mine[first]]]
        best[mine[better]], medoid[mine[better]] = distance[better], start + better
    return medoid, np.sqrt(total / np.bincount(clusters, minlength=len(centres)))


def _cluster_table(
    pool: Pool,
    clusters: Ints,
    copy_of: Ints,
    named: Sequence[labels.Label],
    medoids: tuple[Ints, npt.NDArray[np.float64]],
) -> pa.Table:
    count = len(medoids[0])
    return pa.table({
        "id": pa.array(range(count), pa.int64()),
        "size": pa.array(np.bincount(clusters, minlength=count), pa.int64()),
        "kept": pa.array(np.bincount(clusters[copy_of < 0], minlength=count), pa.int64()),
        "medoid": pa.array(pool.ids.at(medoids[0])[:]),
        "radius": pa.array(medoids[1], pa.float64()),
        "labels": pa.array([list(named[i]) for i in medoids[0]], pa.list_(pa.string())),
    })  # fmt: skip


def _verdicts(pool: Pool, copy_of: Ints) -> Iterator[Verdict]:
    rows = np.flatnonzero(copy_of >= 0)
    for identity, other in zip(pool.ids.at(rows), pool.ids.at(copy_of[rows]), strict=True):
        yield Verdict(identity, "select.copy", False, "copy of another instruction", {"of": other})


def _figures(
    pool: Pool, items: Items, chosen: dict[str, Chosen], copy_of: Ints, named: Sequence[labels.Label],
    langs: Sequence[str], tasks: Sequence[str], shards: Shards, threshold: float,
) -> dict[str, Any]:  # fmt: skip
    n = len(pool)
    used_in = np.full(n, "left", dtype=object)
    for name, sample in chosen.items():
        used_in[sample.index] = name
    points = np.unique(np.linspace(0, n - 1, min(figures.POINTS, n)).astype(np.int64))
    where = figures.projection(shards.take(points))
    samples = {}
    for name, sample in chosen.items():
        rows = sample.index.tolist()
        repeats = Counter(items.twin[sample.index].tolist())
        samples[name] = {
            "size": len(rows),
            "wanted_by_difficulty": sample.wanted,
            "got_by_difficulty": sample.got,
            "languages": figures.shares([langs[i] for i in rows]),
            "tasks": figures.shares([tasks[i] for i in rows]),
            "labels": len({named[i] for i in rows}),
            "clusters": len(set(items.cluster[sample.index].tolist())),
            "same_item_in_two_languages": sum(count - 1 for count in repeats.values()),
        }
    return {
        "pool": {"sft": int((pool.part == SFT).sum()), "rl": int((pool.part == RL).sum())},
        "copies": int((copy_of >= 0).sum()),
        "clusters": int(items.cluster.max()) + 1,
        "threshold": threshold,
        "cluster_sizes": _size_histogram(items.cluster),
        "difficulty_names": list(difficulty.NAMES),
        "difficulty_of_pool": np.bincount(items.grade, minlength=6)[1:].tolist(),
        "languages_of_pool": figures.shares(langs),
        "tasks_of_pool": figures.shares(tasks),
        "label_tree": figures.label_tree(named),
        "samples": samples,
        "sample_clusters": figures.sample_clusters(items.cluster, pool.prompts, named),
        "map": [
            {"x": round(float(x), 4), "y": round(float(y), 4), "cluster": int(items.cluster[i]), "lang": langs[i],
             "label": named[i][0], "in": used_in[i]}
            for i, (x, y) in zip(points.tolist(), where, strict=True)
        ],
    }  # fmt: skip


def _size_histogram(clusters: Ints) -> dict[str, int]:
    """Number of clusters by size: 1, 2-3, 4-7, 8-15, ..."""
    bins = Counter(int(size).bit_length() for size in np.bincount(clusters) if size)
    return {f"{1 << (b - 1)}" if b == 1 else f"{1 << (b - 1)}-{(1 << b) - 1}": bins[b] for b in sorted(bins)}
