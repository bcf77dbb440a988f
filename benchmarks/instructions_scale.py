"""How much memory and time the stage instruct takes of collections of a growing size, without a model.

    python benchmarks/instructions_scale.py [--sizes 125000 500000 2000000] [--folder DIR]

Two thirds of the items are made instructions in three languages (as in `selection_scale.py`: one in ten a copy), a
third are translations of made sentence pairs, in both directions. They pass the rules and the split into SFT and RL.
Each size runs in a process of its own. Printed are processor time, peak memory and the exponent: processor time grows
as items ^ exponent from one size to the next (Linux).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import selection_scale
from growth import grow

from in2x.records import Instruction, Pair, read_records, write_records


def pairs(count: int) -> Iterator[Pair]:
    """Made sentences and their reversals: a word of each language for a number."""
    rng = random.Random(count)
    words = {
        lang: ["".join(rng.choices(selection_scale.SYLLABLES[lang], k=3)) for _ in range(4000)] for lang in ("en", "ja")
    }
    for number in range(count // 2):
        chosen = [rng.randrange(4000) for _ in range(rng.randint(6, 14))]
        en, ja = (joint.join(words[lang][k] for k in chosen) for lang, joint in (("en", " "), ("ja", "")))
        one = Pair(f"{number:016x}", "en", "ja", f"{en.capitalize()} {number}.", f"{ja}{number}。")
        yield one
        yield one.reversed()


def make(folder: Path, count: int) -> None:
    """What the stage data leaves: `count` items."""
    selection_scale.make(folder, count * 8 // 9)  # three quarters of it are in the pool for SFT
    made = read_records(folder / "pool.sft.parquet", Instruction)
    named = (replace(item, origin="collected:made") for item in made)
    write_records(folder / "instructions.parquet", named, Instruction)
    for name in ("sft", "rl"):
        (folder / f"pool.{name}.parquet").unlink()
    write_records(folder / "pairs.train.parquet", pairs(count // 3), Pair)


def instruct(data: Path, out: Path) -> None:
    """Run the stage and print what it took as JSON."""
    from in2x.artifact import Artifact
    from in2x.instructions.stage import run
    from in2x.recipe import Recipe
    from in2x.stage import Stage

    recipe = Recipe.model_validate({"name": "scale", "instruct": {"synthesize": False, "balance": "off"}})
    stage = Stage("instruct", recipe, out, {"data": Artifact.open(data)})
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.time()
    selection_scale.forget()
    run(recipe.instruct, stage)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "wall": round(time.time() - began, 1),
        "cpu": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": selection_scale.status()["peak"], "base_mb": before.ru_maxrss // 1024,
        **{name: stage.figures["funnel"][name] for name in ("in", "kept", "rejected")},
        "sft": stage.figures["sft"], "rl": stage.figures["rl"],
    }))  # fmt: skip


def main() -> None:
    """See the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[125_000, 500_000, 2_000_000])
    parser.add_argument("--folder", type=Path, help="for what goes in and comes out; several GB")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        instruct(Path(given.child[0]), Path(given.child[1]))
        return
    grow(__file__, given.sizes, given.folder, make)


if __name__ == "__main__":
    main()
