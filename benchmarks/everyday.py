"""How much of everyday language does the demonstration's model know, and does it know what it does not know?

    in2x run recipes/demo.yaml
    python benchmarks/everyday.py runs/demo/model
    python benchmarks/everyday.py runs/demo/model --topics        by topic; no sentence is shown
    python benchmarks/everyday.py runs/demo/model --wrong         the wrong answers, one a line
    python benchmarks/everyday.py runs/demo/model --own           sentences of the phrasebook instead, as it draws them
    python benchmarks/everyday.py runs/demo/model --doubts        what a limit of `unsure` would mark
    python benchmarks/everyday.py runs/demo/model --asked tests/everyday-second.yaml      another list
    python benchmarks/everyday.py runs/demo/model --phrasebook    how far the phrasebook itself would come

The sentences of `tests/everyday.yaml` were written by somebody who had not seen the phrasebook (`everyday/` of the
micro-world's grammar), each with renderings that are right in polite and in casual Japanese. An answer is right where
it is one of them, signs and spaces apart ("right"), or also with another particle at its end ("near"). `--doubts` says
how often the model is unsure, for sentences of the world and for those that it cannot say.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from in2x.sample import everyday as phrasebook
from in2x.sample import world
from in2x.sample.clauses import fill
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest

ASKED = Path(__file__).parents[1] / "tests" / "everyday.yaml"


def letters(text: str) -> str:
    """`text` without signs and spaces, digits of one width."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text))


def spelt(rendering: str) -> set[str]:
    """What `rendering` stands for: each choice of its "{a|b}", as letters."""
    choice = re.search(r"\{([^{}]*)\}", rendering)
    if choice is None:
        return {letters(rendering)}
    before, after = rendering[: choice.start()], rendering[choice.end() :]
    return {text for said in choice[1].split("|") for text in spelt(before + said + after)}


def near(text: str) -> str:
    """The same without a particle at its end."""
    return re.sub("(?:よ|ね|な|わ|さ|の|んだ)$", "", letters(text))


UNKNOWN = """Parliament dissolved itself last spring. / The volcano erupted without any warning.
Interest rates rise again. / She signed the treaty in silence.
My lawyer objected to the verdict. / The engine needs a new gasket.
Photosynthesis turns light into sugar. / The orchestra tuned its instruments.
Our server crashed during the migration. / He was elected mayor of the town.
The enzyme binds to the receptor. / Wolves howled beyond the frozen river.
The stock market collapsed overnight. / Archaeologists found a bronze sword.
The pilot lowered the landing gear. / Inflation hurts pensioners most.
The committee rejected our proposal. / A comet passed close to the moon.
The sailors repaired the torn sail. / The referee showed him a red card.
Her thesis is about medieval trade. / The bridge was closed after the flood.
Bees are vital for orchards. / The patient recovered from surgery.
The judge postponed the hearing. / The glacier lost half its ice.
Smugglers hid gold under the floor. / The chef sharpened his knives.
Robots assemble the gearboxes. / The prince inherited a ruined castle."""
"""Sentences of our own that the micro-world cannot say."""


def doubts(folder: Path) -> None:
    """Least probability of a token, of answers to sentences of the world and to others, and what a limit would mark."""
    backend = LocalBackend(folder)
    limit = backend.profile.unsure or 0.3
    backend.profile = replace(backend.profile, unsure=limit)
    world_says = [item.en for item in islice(world.items(99, "doubts"), 300)]
    everyday = [row["en"] for row in yaml.safe_load(ASKED.read_text(encoding="utf-8"))]
    others = [line for row in UNKNOWN.split("\n") for line in row.split(" / ")]
    limits = sorted({0.1, 0.2, 0.3, 0.4, 0.5, limit})
    print("| marked at | " + " | ".join(f"{at:.2f}" for at in limits) + " |\n|---|" + "---:|" * len(limits))
    for name, lines in (("the world's own", world_says), ("everyday", everyday), ("of another world", others)):
        request = TranslationRequest("en", "ja", "polite")
        sources = request.sources(lines)
        answers = backend.translate(sources, request)
        told = (backend.sureness(source, answer) for source, answer in zip(sources, answers, strict=True))
        chances = [1.0 if chance is None else chance for chance in told]  # what cannot be told is not marked
        shares = (sum(chance < at for chance in chances) / len(chances) for at in limits)
        print(f"| {name} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")


def own(folder: Path) -> None:
    """How many of 400 sentences of the phrasebook, as it draws them, are right to the letter."""
    backend, slotted = LocalBackend(folder), {row.id for row in phrasebook.rows() if row.slots}
    items = list(islice(world.items(77, "own", {"everyday": 1.0}), 400))
    print("| of the phrasebook | without slots | with slots |\n|---|---:|---:|")
    for register in ("polite", "casual"):
        told = [item for item in items if register in item.ja]
        answers = backend.translate([i.asked[register] for i in told], TranslationRequest("en", "ja", register))
        right = [(i.kind in slotted, a == i.ja[register]) for i, a in zip(told, answers, strict=True)]
        cells = [[ok for kind, ok in right if kind is wanted] for wanted in (False, True)]
        print(f"| {register} | " + " | ".join(f"{sum(c)} of {len(c)} ({sum(c) / len(c):.0%})" for c in cells) + " |")


def renderings(row: phrasebook.Row, concepts: Iterable[frozenset[str]], register: str) -> set[str]:
    """What the phrasebook says for `row` with the words that were read, as letters; nothing if it opens otherwise."""
    chosen: dict[str, phrasebook.Word] = {}
    for concept in concepts:
        slot, _, said = min(concept).partition(" ")
        if slot not in row.slots:
            return set()
        chosen[slot] = next(word for word in phrasebook.words()[slot.rstrip("2")] if word.en == said)
    return {letters(fill(row.ja[register], phrasebook.filled(chosen, "ja")))}


def of_the_phrasebook(rows: list[dict[str, Any]]) -> None:
    """How many of `rows` the phrasebook reads, and renders rightly: what knowing it by heart would give."""
    by_id = {row.id: row for row in phrasebook.rows()}
    print(f"| of {len(rows)} sentences, the phrasebook | knows | renders rightly |\n|---|---:|---:|")
    for register in ("polite", "casual"):
        known = fits = 0
        for asked in rows:
            answers = set()
            for id_, concepts, _ in phrasebook.readings(asked["en"], "en"):
                answers |= renderings(by_id[id_], concepts, register)
            known += bool(answers)
            fits += bool(answers & set().union(*map(spelt, asked[register])))
        print(f"| {register} | {known} | {fits} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--topics", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--own", action="store_true", help="of the phrasebook's own sentences, those that are right")
    parser.add_argument("--doubts", action="store_true", help="how often the model says that it is unsure, and why so")
    parser.add_argument("--phrasebook", action="store_true", help="what the phrasebook says instead of the model")
    parser.add_argument("--asked", type=Path, default=ASKED, help="another file of the same layout")
    given = parser.parse_args()
    rows = yaml.safe_load(given.asked.read_text(encoding="utf-8"))
    if given.phrasebook:
        return of_the_phrasebook(rows)
    if given.own:
        return own(given.model)
    if given.doubts:
        return doubts(given.model)
    backend = LocalBackend(given.model)
    sizes = Counter(row["topic"] for row in rows)
    print(f"| of {len(rows)} sentences | right | near |\n|---|---:|---:|")
    for register in ("polite", "casual"):
        answers = backend.translate([row["en"] for row in rows], TranslationRequest("en", "ja", register))
        right: Counter[str] = Counter()
        close: Counter[str] = Counter()
        for row, answer in zip(rows, answers, strict=True):
            wanted = set().union(*map(spelt, row[register]))
            right[row["topic"]] += letters(answer) in wanted
            fits = near(answer) in set(map(near, wanted))
            close[row["topic"]] += fits
            if given.wrong and not fits:
                print(f"{row['en']}\t{answer}\t{row[register][0]}")
        print(f"| {register} | {right.total()} ({right.total() / len(rows):.0%}) | {close.total()} |")
        if given.topics:
            print("\n".join(f"| {register}, {t} ({n}) | {right[t]} | {close[t]} |" for t, n in sizes.items()))


if __name__ == "__main__":
    main()
