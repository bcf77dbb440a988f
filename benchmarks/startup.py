"""How much processor time passes until a command shows something: CPU seconds of whole processes, the least of several.

    python benchmarks/startup.py                              with a model made here (width 192, four layers)
    python benchmarks/startup.py --model runs/demo/model
    python benchmarks/startup.py --rounds 1

CPU seconds, not seconds of the clock: on a machine that others use they say more, though a loaded one makes them longer
too. One thread. "First word" is the whole of `in2x translate` for one line: start, import, load, answer, write.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from small_model import SHAPE, fresh, machine, tasks

from in2x.chat.profile import PromptProfile
from in2x.training.model import save_model


def cpu(command: list[str], text: str = "") -> float:
    """Processor seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, input=text, text=True, capture_output=True, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder that knows en and ja")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        model = given.model or Path(name)
        if given.model is None:
            policy = fresh(SHAPE, tasks(500))
            save_model(policy.model, policy.tokenizer, model)
            PromptProfile({"*": "{to}: {source}"}, languages=("en", "ja")).save(model)
        in2x = [sys.executable, "-m", "in2x"]
        line = ["translate", "--model", str(model), "--from", "en", "--to", "ja"]
        runs = {
            "python -c pass": ([sys.executable, "-c", "pass"], ""),
            "in2x --help": ([*in2x, "--help"], ""),
            "import torch": ([sys.executable, "-c", "import torch"], ""),
            "import torch, transformers' AutoTokenizer": (
                [sys.executable, "-c", "import torch; from transformers import AutoTokenizer"], "",
            ),
            "in2x translate, one line: the first word": ([*in2x, *line], "Where is the station?\n"),
        }  # fmt: skip
        print(machine("transformers"))
        print(f"\n| | CPU seconds, least of {given.rounds} | median |\n|---|---:|---:|")
        for what, (command, text) in runs.items():
            cpu(command, text)  # what is on the disk is read once
            found = sorted(cpu(command, text) for _ in range(given.rounds))
            print(f"| {what} | {found[0]:.2f} | {found[len(found) // 2]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
