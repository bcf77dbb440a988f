"""What do minimum Bayes risk and a second model add to greedy decoding of one?

    in2x run recipes/enja-cpu.yaml --set data.train=... --set data.dev=... --set data.test=... --out runs/a
    cp -r runs/a runs/b
    in2x run recipes/enja-cpu.yaml --set data.train=... ... --set seed=2 --out runs/b --from sft --until merge
    python benchmarks/ensemble.py runs/a/merge/model runs/b/merge/model --pairs runs/a/data/pairs.test.parquet
    python benchmarks/ensemble.py ... --quick        eight pairs, four samples

    python benchmarks/ensemble.py m/with m/without --pairs m/pairs.test.parquet --tokenize own     of tags.py --out m

The second model is another seed of SFT and RL from the same pretraining, so it has the same tokenizer. `--temperature`
is chosen on the dev pairs. Every way with samples draws equally many: those of two models half from each. chrF chooses
in minimum Bayes risk, so BLEU is the one to look at. "time" is a multiple of A's greedy answers. Differences are to the
first model's greedy answers, by paired bootstrap with 95% intervals.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from small_model import machine

from in2x.metrics.significance import Statistics, paired_bootstrap
from in2x.metrics.strings import statistics
from in2x.records import Pair, read_records
from in2x.translate.backend import Backend
from in2x.translate.best import BestBackend
from in2x.translate.engine import LocalBackend
from in2x.translate.ensemble import ensemble
from in2x.translate.mbr import UTILITY, MbrBackend
from in2x.translate.request import TranslationRequest


def ways(first: Path, second: Path, samples: int, temperature: float) -> dict[str, Backend | MbrBackend]:
    one, other = LocalBackend(first), LocalBackend(second)
    both = ensemble([one, other])
    return {
        "A, greedy": one,
        "B, greedy": other,
        "A and B by tokens, greedy": both,
        "A, MBR": MbrBackend([one], samples, temperature),
        "A and B by answers, MBR": MbrBackend([one, other], samples // 2, temperature),
        "A and B by tokens, MBR": MbrBackend([both], samples, temperature),
        "A, best by principles": BestBackend([one], samples, temperature),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs=2, help="two model folders with one tokenizer")
    parser.add_argument("--pairs", type=Path, required=True, help="pairs.dev.parquet or pairs.test.parquet of a run")
    parser.add_argument("--limit", type=int, help="the first so many pairs of each direction")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--temperature", type=float, nargs="+", default=[0.7], help="of the samples; a table for each")
    parser.add_argument(
        "--tokenize", default="none", help="BLEU's tokeniser (none: the corpus is cut into words; own: the language's)"
    )
    parser.add_argument("--ways", nargs="+", help="only rows whose name begins so; A, greedy comes always")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    pairs = list(read_records(given.pairs, Pair))
    directions = sorted({(pair.src_lang, pair.tgt_lang) for pair in pairs})
    asked = {
        d: [p for p in pairs if (p.src_lang, p.tgt_lang) == d][: 8 if given.quick else given.limit] for d in directions
    }
    samples = 4 if given.quick else given.samples
    print(f"{machine()}\nutility: {UTILITY}")
    for temperature in given.temperature:
        count = len(asked[directions[0]])
        print(f"\n{given.pairs.name}, {count} pairs a direction, {samples} samples at T = {temperature:g}")
        heads = [f"{s}-{t} {metric}" for s, t in directions for metric in ("BLEU", "chrF")]
        print(f"\n| | {' | '.join(heads)} | time |\n|---|{'---|' * len(heads)}---:|")
        base: dict[tuple[str, str, str], Statistics] = {}
        first = 0.0
        for name, way in ways(*given.models, samples, temperature).items():
            if given.ways and not name.startswith(("A, greedy", *given.ways)):
                continue
            cells, began = [], time.perf_counter()
            for source, target in directions:
                rows = asked[source, target]
                registers = [pair.register for pair in rows]
                request = TranslationRequest(source, target, registers, seed=1)
                said = way.translations([pair.source for pair in rows], request)
                for metric in ("BLEU", "chrF"):
                    found = statistics(
                        [one.text for one in said], [pair.target for pair in rows], metric,
                        lang=target, tokenize=None if given.tokenize == "own" else given.tokenize,
                    )  # fmt: skip
                    before = base.setdefault((source, target, metric), found)
                    gap = paired_bootstrap(found, before)
                    change = (
                        f" ({gap.difference:+.1f}, {gap.low:+.1f} to {gap.high:+.1f})" if found is not before else ""
                    )
                    cells.append(f"{found.value:.1f}{change}")
            first = first or time.perf_counter() - began
            print(f"| {name} | {' | '.join(cells)} | {(time.perf_counter() - began) / first:.1f}x |", flush=True)


if __name__ == "__main__":
    main()
