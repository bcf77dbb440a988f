"""Does any input crash, execute, or flood a command? 1,500 hostile ones over every reader, recipe, format and route.

    python benchmarks/hostile.py                   all of them (long)
    python benchmarks/hostile.py --room models     of one room

The inputs are made by code (`tests/faults/hostile_rooms.py` and what it names): a corpus of our own, and what
hypothesis draws. Each must end in a sane result or in one sentence: no traceback, no other exit code, nothing executed
(a canary), at most two gibibytes of memory and a minute of processor. A process that dies is a fault of the input that
it was at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FAULTS = Path(__file__).resolve().parents[1] / "tests" / "faults"
sys.path.insert(0, str(FAULTS))
from hostile_input import Input  # noqa: E402
from hostile_rooms import inputs  # noqa: E402

PATIENCE = 900.0
"""Seconds of a clock for one input on a busy machine; its processor time is bounded in the worker."""


Told = Callable[[int, dict[str, Any]], None]


def tried(numbers: Iterable[int], folder: Path, told: Told) -> None:
    """Tell what came of these inputs, in one worker after the other: a new one where one dies."""
    waiting = list(numbers)
    while waiting:
        # What it says of itself goes to a file: a pipe that nobody reads would stop it.
        with (folder / "stderr").open("wb") as log, subprocess.Popen(
            [sys.executable, str(FAULTS / "hostile_worker.py"), str(folder)], stdin=subprocess.PIPE, stderr=log,
            stdout=subprocess.PIPE, text=True, start_new_session=True) as worker:  # fmt: skip
            assert worker.stdin is not None and worker.stdout is not None
            while waiting:
                number = waiting.pop(0)
                timer = threading.Timer(PATIENCE, worker.kill)
                timer.start()
                try:
                    print(number, file=worker.stdin, flush=True)
                    begun, ended = worker.stdout.readline(), worker.stdout.readline()
                except BrokenPipeError:
                    begun, ended = "", ""
                timer.cancel()
                if not ended:
                    code = worker.wait()
                    why = f"the process ended with {code} {(folder / 'stderr').read_text(errors='replace')[-300:]}"
                    assert begun, why
                    told(number, {"came": "fault", "why": why, "seconds": 0.0, "grown": 0})
                    break
                told(number, json.loads(ended))
            worker.stdin.close()


def table(everything: list[Input], found: dict[int, dict[str, Any]]) -> str:
    """A row for each room."""
    lines = ["| room | inputs | one sentence | sane result | faults | most memory | most processor time |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    rooms = list(dict.fromkeys(everything[number].room for number in found))
    for room in [*rooms, "all"]:
        mine = [one for number, one in found.items() if room in ("all", everything[number].room)]
        came = Counter(one["came"] for one in mine)
        most, longest = max(one["grown"] for one in mine), max(one["seconds"] for one in mine)
        counts = f"{len(mine)} | {came['sentence']} | {came['sane']} | {came['fault']}"
        lines.append(f"| {room} | {counts} | {most >> 20} MiB | {longest:.0f} s |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", action="append", help="only these")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", help="only inputs whose label holds this")
    parser.add_argument("--json", type=Path, help="add what came of each input to this file; what is in it and was no "
                        "fault is not tried again")  # fmt: skip
    options = parser.parse_args()
    began, everything = time.monotonic(), inputs()
    numbers = {
        (one.room, one.label): n
        for n, one in enumerate(everything)
        if (not options.room or one.room in options.room) and (not options.only or options.only in one.label)
    }
    found: dict[int, dict[str, Any]] = {}
    if options.json and options.json.exists():
        for row in map(json.loads, options.json.read_text().splitlines()):
            if (number := numbers.get((row["room"], row["label"]))) is not None:
                found[number] = row
    waiting = [n for n in numbers.values() if n not in found or found[n]["came"] == "fault"]

    def told(number: int, came: dict[str, Any]) -> None:
        found[number] = came
        one = everything[number]
        if came["came"] == "fault":
            print(f"{one.room}: {one.label}: {came['why']}", file=sys.stderr, flush=True)
        if options.json:
            with options.json.open("a") as stream:
                stream.write(json.dumps({"room": one.room, "label": one.label, **came}, ensure_ascii=False) + "\n")

    with tempfile.TemporaryDirectory(prefix="hostile-") as place:

        def work(which: int) -> None:
            folder = Path(place) / str(which)
            folder.mkdir()
            tried(waiting[which :: options.workers], folder, told)

        threads = [threading.Thread(target=work, args=(which,)) for which in range(options.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = dict(sorted(found.items()))
    print(table(everything, found))
    print(f"\n{time.monotonic() - began:.0f} s.")
    return 1 if any(came["came"] == "fault" for came in found.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
