"""What the corpus holds while it works: texts and rows pass by, whatever their number."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from in2x.corpus import dedup, documents, shards, spill, verdicts, view
from in2x.corpus.config import CorpusConfig
from in2x.corpus.dedup import candidate_pairs, exact_duplicates
from in2x.corpus.duplicates import Duplicates
from in2x.corpus.mixture import choose, lay_down, scored_rows
from in2x.records import write_records

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "corpus.py"


def _shard(folder: Path, count: int) -> tuple[list[Path], list[Path], list[Path]]:
    """A clean shard of `count` texts, every fifth rejected; its signatures, every tenth a copy; and its scores."""
    rng = np.random.default_rng(0)
    index = np.arange(count, dtype=np.uint64)
    gate = pa.array([("language" if k % 5 == 0 else None) for k in range(count)], pa.large_string())
    texts = [f"{k:06d} the harbour wakes early and boats go out before the light of the tower is gone" for k in index]
    columns = {"index": index, "id": [f"d{k}" for k in index], "file": ["a.jsonl"] * count, "line": index + 1,
               "gate": gate, "reason": gate, "text": texts}  # fmt: skip
    exact = rng.integers(1, 1 << 62, count).astype(np.uint64)
    exact[9::10] = exact[8::10][: len(exact[9::10])]
    signed = {"index": index, "exact_a": exact, "exact_b": exact, "signs": np.zeros(count, np.uint64),
              **{f"band_{b:02d}": exact + np.uint64(b) for b in range(4)}}  # fmt: skip
    kept = np.flatnonzero(np.arange(count) % 5)
    scored = {"index": index[kept], "key": exact[kept], "id_key": index[kept], "id": [f"d{k}" for k in kept],
              "lang": [("en", "ja", "zh")[k % 3] for k in kept], "domain": pa.nulls(len(kept), pa.large_string()),
              "source": [f"s{k % 7}" for k in kept], "perplexity": rng.uniform(2, 9, len(kept)),
              "quality": rng.uniform(0, 1, len(kept)), "tokens": np.full(len(kept), 20),
              "classifier": np.full(len(kept), np.nan), "lm_perplexity": np.full(len(kept), np.nan),
              "rule": pa.nulls(len(kept), pa.large_string())}  # fmt: skip
    made = []
    for name, table in (("clean", columns), ("signed", signed), ("scored", scored)):
        (folder / name / "00000").mkdir(parents=True)
        pq.write_table(pa.table(table), folder / name / "00000" / "rows.parquet", row_group_size=1000)
        made.append(folder / name / "00000")
    return [made[0]], [made[1]], [made[2]]


def _peak(work: Callable[[], object]) -> int:
    """Bytes that Python and numpy hold at most."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _peaks(folder: Path, count: int) -> dict[str, int]:
    prepared, signed, scored = _shard(folder, count)
    config = CorpusConfig(heldout=5)
    files = [file for shard in signed for file in shards.files_of(shard)]
    found: dict[str, int] = {}
    none = np.zeros(0, np.uint64)
    # Only what repeats is held, and nothing does here but one in ten.
    found["exact"] = _peak(lambda: exact_duplicates(files, folder / "scratch"))
    found["near"] = _peak(lambda: candidate_pairs(files, none, 4, folder / "scratch"))
    for name, kind in (("index", np.uint64), ("of", np.uint64), ("near", np.bool_)):
        np.save(folder / f"{name}.npy", np.zeros(0, kind))
    figures = {}

    def mix() -> None:
        rows = scored_rows(config, scored)
        figures.update(choose(config, rows, ["en", "ja", "zh"], 0))
        lay_down(config, rows, lambda number: folder / "decided.parquet")

    found["mix"] = _peak(mix)
    (folder / "documents").mkdir()
    target = folder / "documents" / "part-00000.parquet"
    found["write"] = _peak(
        lambda: documents.write_documents(prepared[0], folder / "decided.parquet", target, folder / "held.parquet")
    )
    file, decided = folder / "verdicts.parquet", [folder / "decided.parquet"]
    removed = Duplicates(folder)
    found["verdicts"] = _peak(lambda: verdicts.write_verdicts(file, prepared, decided, removed, figures))
    best = view.View(where="quality > 0.2", best=0.5)
    found["view"] = _peak(lambda: sum(1 for _ in view.select_documents(folder, best)))
    return found


def test_no_part_holds_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that each further document costs. A row as a Python object costs a thousand."""
    monkeypatch.setattr(spill, "FILE_ROWS", 1000)
    monkeypatch.setattr(shards, "BATCH", 1 << 16)
    monkeypatch.setattr(documents, "BATCH", 1 << 16)
    monkeypatch.setattr(dedup, "READ_ROWS", 500)
    monkeypatch.setattr(verdicts, "write_records", partial(write_records, chunk=100))
    _peaks(tmp_path / "warm", 1000)
    few, many = _peaks(tmp_path / "few", 3_000), _peaks(tmp_path / "many", 13_000)
    each = {name: (many[name] - few[name]) / 10_000 for name in few}
    limits = {"exact": 20, "near": 40, "mix": 250, "write": 15, "verdicts": 15, "view": 120}
    assert {name: value for name, value in each.items() if value > limits[name]} == {}, each


@pytest.mark.slow
def test_ten_times_the_documents_take_no_more_than_half_as_much_memory_again() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--growth", "30000"], capture_output=True, text=True, timeout=1500
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-4]) <= 1.5, done.stdout
