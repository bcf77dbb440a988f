"""Does kill -9 lose or double anything? A hundred kills at random moments, over every stage and every server.

    python benchmarks/kills.py

Each stage of a tiny recipe is killed on what a calm run's stages before it left, and so are a translation, `in2x serve`
with a client that leaves documents, and `in2x people serve` with two annotators. Then each comes to its end, and what
is there is held against the calm run and against what was acknowledged. Moments are drawn by `--seed`; how they are
chosen and what is compared: `tests/faults/killing.py`, `killing_services.py`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "faults"))
from killing import STAGES, Row, Starter, calm_run, kill_stage
from killing_services import kill_people, kill_server, kill_translation


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, nargs=4, default=(5, 10, 15, 15), metavar="N",
                        help="of each stage, of each translation, of serve, of people")  # fmt: skip
    parser.add_argument("--stages", nargs="*", default=STAGES)
    parser.add_argument("--calm", type=Path, help="folder of the undisturbed run, which is kept for the next time")
    options = parser.parse_args()
    began = time.monotonic()
    rows: list[Row] = []

    def told(row: Row) -> None:
        rows.append(row)
        print(f"{row.room}: {row.kills} kills, {'sound' if row.sound else row}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="kills-") as place, Starter() as starter:
        folder, (each, text, served, judged) = Path(place), options.kills
        rng = random.Random(options.seed)
        if each and options.stages:
            calm = calm_run(starter, options.calm or folder / "calm")
            for stage in options.stages:
                told(kill_stage(starter, calm, stage, each, folder / "killed", rng))
        for kind in ("txt", "srt") if text else ():
            told(kill_translation(starter, kind, text, folder, rng))
        if served:
            told(kill_server(starter, served, folder, rng))
        if judged:
            told(kill_people(starter, judged, folder, rng))
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


if __name__ == "__main__":
    raise SystemExit(main())
