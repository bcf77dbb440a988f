"""Good answers with one fault planted in each, and the judged principles that the fault breaks.

The pairs are the micro-world's (its grammar says which answers are faulty) or the user's own, where a fault needs what
the pair tells: a clause to drop is one between two marks, a name is one of `checks.names`, another register is the same
source with another target in the file, an idiom is told by `checks.natural` and `checks.traps`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from in2x.errors import In2xError
from in2x.evaluate.inputs import read_jsonl
from in2x.language.language import unspaced
from in2x.principles.case import TRANSLATE
from in2x.principles.prompts import spoken, table
from in2x.records import Pair, content_id
from in2x.sample.variants import names, variants

FAULTS: Mapping[str, tuple[str, ...]] = {
    "clause dropped": ("The answer says everything that the source says.",),
    "name changed": ("The answer says nothing that the source does not say.",),
    "register broken": ("Who speaks to whom is reflected in the level of politeness and the forms of address.",),
    "literal idiom": (
        "Idioms, slang and wordplay have an effect on the reader like that of the source.",
        "A native reader would not notice that the answer is a translation.",
    ),
}
"""Kind of fault -> the principles of `principles/judged.yaml` that it breaks, by their English words."""
_CLAUSE = re.compile(r".+?(?:[、，；。！？;!?…]+\s*|[.,]+(?:\s+|$)|$)", re.DOTALL)


@dataclass(frozen=True)
class Planted:
    """A pair with faulty answers beside its target."""

    pair: Pair
    faults: Mapping[str, str]
    """Kind of fault -> the answer that has it."""
    padded: str
    """The target said twice: longer, and no better in any language."""

    @property
    def answers(self) -> list[str]:
        """The target, the faulty answers and the padded one."""
        return [self.pair.target, *self.faults.values(), self.padded]


def broken_by(fault: str, lang: str) -> list[str]:
    """The principles that `fault` breaks, in the words that a judge of answers in `lang` is asked in."""
    rows = table("judged")["principles"][TRANSLATE]
    said = {next(iter(row.values())): row[spoken(row, lang)] for row in rows}
    return [said[principle] for principle in FAULTS[fault]]


def of_world(seed: int, count: int) -> Iterator[Planted]:
    """`count` held-out pairs of the micro-world with a fault or more."""
    rng = random.Random(seed)
    made = 0
    for variant in variants(seed, 4 * count):
        pool = names(variant.pair.tgt_lang)
        planted = plant(variant.pair, pool, rng, shorter=variant.shorter, others=variant.other_registers)
        if planted.faults and made < count:
            made += 1
            yield planted


def of_pairs(pairs: Sequence[Pair], seed: int, count: int) -> Iterator[Planted]:
    """`count` of the user's pairs with a fault or more."""
    rng = random.Random(seed)
    pool = sorted({str(name) for pair in pairs for name in dict(pair.checks.get("names") or {}).values()})
    said: dict[str, list[Pair]] = {}
    for pair in pairs:
        said.setdefault(pair.source, []).append(pair)
    made = 0
    for pair in rng.sample(pairs, len(pairs)):
        others = [p.target for p in said[pair.source] if pair.register and p.register not in (None, pair.register)]
        planted = plant(pair, pool, rng, shorter=_without_clause(pair.target, rng), others=others)
        if planted.faults and made < count:
            made += 1
            yield planted


def plant(
    pair: Pair, pool: Iterable[str], rng: random.Random, *, shorter: str | None, others: Sequence[str]
) -> Planted:
    """`pair` with every fault that it allows.

    Args:
        pool: names of the target's language, to take others from.
        shorter: the target with something left out, if any.
        others: the target in registers that were not asked for.
    """
    made = {
        "clause dropped": shorter,
        "name changed": _renamed(pair, pool, rng),
        "register broken": rng.choice(others) if others else None,
        "literal idiom": _literal(pair, rng),
    }
    faults = {kind: text for kind, text in made.items() if text and text != pair.target}
    return Planted(pair, faults, ("" if unspaced(pair.tgt_lang) else " ").join((pair.target, pair.target)))


def _without_clause(text: str, rng: random.Random) -> str | None:
    parts = [part for part in _CLAUSE.findall(text) if part.strip()]
    if len(parts) < 2:
        return None
    gone = rng.randrange(len(parts))
    left = "".join(part for number, part in enumerate(parts) if number != gone).strip()
    return re.sub(r"[、，；,;]$", "", left) + text.strip()[-1] if gone == len(parts) - 1 else left


def _renamed(pair: Pair, pool: Iterable[str], rng: random.Random) -> str | None:
    named = [name for name in map(str, dict(pair.checks.get("names") or {}).values()) if name in pair.target]
    others = [name for name in pool if name not in pair.target]
    return pair.target.replace(named[0], rng.choice(others)) if named and others else None


def _literal(pair: Pair, rng: random.Random) -> str | None:
    """The target with the literal rendering in place of the idiom's."""
    natural = [form for form in pair.checks.get("natural") or () if form in pair.target]
    traps = [str(trap) for trap in pair.checks.get("traps") or ()]
    return pair.target.replace(max(natural, key=len), rng.choice(traps)) if natural and traps else None


def read_pairs(file: Path, source: str, target: str) -> list[Pair]:
    """Pairs as `data.train` holds them: JSON Lines with a field a language, register and checks where there are any.

    Raises:
        In2xError: a field is missing or no text.
    """
    found = []
    for number, row in read_jsonl(file):
        for lang in (source, target):
            if not isinstance(row.get(lang), str) or not row[lang].strip():
                raise In2xError(f"the field {lang!r} is missing, empty or no text", file=file, line=number,
                                mend="give a field for each language, named by its code")  # fmt: skip
        found.append(
            Pair(content_id(source, target, row[source], row[target]), source, target, row[source], row[target],
                 register=row.get("register"), checks=row.get("checks") or {})
        )  # fmt: skip
    if not found:
        raise In2xError("the data set is empty", file=file, mend="give a file with at least one pair")
    return found
