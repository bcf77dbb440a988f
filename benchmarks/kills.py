"""Does kill -9 lose or double anything? A hundred kills at random moments, over every stage and every server.

    python benchmarks/kills.py

Each stage of a tiny recipe is killed on what a calm run's stages before it left, and so are a translation, `in2x serve`
with a client that leaves documents, and `in2x people serve` with two annotators. Then each comes to its end, and what
is there is held against the calm run and against what was acknowledged. Moments are drawn by `--seed`; how they are
chosen and what is compared: `tests/faults/killing.py`, `killing_services.py`.
"""

from __future__ import annotations

import argparse
import queue
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "faults"))
from killing import STAGES, Calm, Row, Starter, calm_before, calm_run, kill_stage
from killing_services import kill_people, kill_server, kill_translation

Series = Callable[[Starter, random.Random], Row]


def side_by_side(series: dict[str, Series], seed: int, workers: int) -> list[Row]:
    """The rows of all series, in their order; each has chances of its own, whatever runs beside it."""
    starters: queue.SimpleQueue[Starter] = queue.SimpleQueue()

    def told(name: str) -> Row:
        starter, began = starters.get(), time.monotonic()
        try:
            row = series[name](starter, random.Random(f"{seed} {name}"))
        finally:
            starters.put(starter)
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{name}: {row.kills} kills, {took}, {'sound' if row.sound else row}", file=sys.stderr, flush=True)
        return row

    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            starters.put(stack.enter_context(Starter()))
        return list(pool.map(told, series))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, nargs=4, default=(5, 10, 15, 15), metavar="N",
                        help="of each stage, of each translation, of serve, of people")  # fmt: skip
    parser.add_argument("--stages", nargs="*", default=STAGES)
    parser.add_argument("--workers", type=int, default=2, help="series that run at once")
    parser.add_argument("--calm", type=Path, help="folder of the undisturbed run, which is kept for the next time")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        folder, (each, text, served, judged) = Path(place), options.kills
        series: dict[str, Series] = {}
        if judged:
            series["people"] = lambda starter, rng: kill_people(starter, judged, folder, rng)
        if served:
            series["serve"] = lambda starter, rng: kill_server(starter, served, folder, rng)
        for kind in ("txt", "srt") if text else ():
            series[f"translate {kind}"] = partial(translation, kind, text, folder)
        if each and options.stages:
            place_of_calm = options.calm or folder / "calm"
            calm = calm_before(place_of_calm)
            if calm is None:
                with Starter() as starter:
                    calm = calm_run(starter, place_of_calm)
            for stage in options.stages:
                series[f"run {stage}"] = partial(one_stage, calm, stage, each, folder / "killed")
        rows = side_by_side(series, options.seed, options.workers)
    print("| room | kills | held against the calm run, or acknowledged | identical | lost | doubled | left over |")
    print("|---|---|---|---|---|---|---|")
    total = Row("all")
    for row in rows:
        total.add(row)
    for row in [*rows, total]:
        same = row.compared - len(row.different) - len(row.lost)
        wrong = f"{len(row.lost)} | {len(row.doubled)} | {len(row.left)}"
        print(f"| {row.room} | {row.kills} | {row.compared} | {same} | {wrong} |")
    print(f"\n{time.monotonic() - began:.0f} s; seed {options.seed}.")
    return 0 if total.sound else 1


def translation(kind: str, kills: int, folder: Path, starter: Starter, rng: random.Random) -> Row:
    """Of one document."""
    return kill_translation(starter, kind, kills, folder, rng)


def one_stage(calm: Calm, stage: str, kills: int, folder: Path, starter: Starter, rng: random.Random) -> Row:
    """Of one stage."""
    return kill_stage(starter, calm, stage, kills, folder, rng)


if __name__ == "__main__":
    raise SystemExit(main())
