"""The models of a run, and what each says about the held-out pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from in2x.chat.profile import BASE_TEMPLATES, FILE, PromptProfile
from in2x.errors import In2xError
from in2x.evaluate.outputs import Output
from in2x.principles.case import case_of_pair
from in2x.principles.fundamental import check_principles
from in2x.principles.verdict import kept, places, reasons
from in2x.records import Pair
from in2x.translate.request import TranslationRequest

if TYPE_CHECKING:
    from in2x.translate.engine import LocalBackend

SYSTEMS: tuple[tuple[str, str, str], ...] = (
    ("base", "base", "model"),
    ("phase1", "pretrain", "phase1"),
    ("phase2", "pretrain", "phase2"),
    ("phase3", "pretrain", "model"),
    ("sft", "sft", "model"),
    ("rl", "rl", "model"),
    ("merged", "merge", "model"),
)
"""Name in tables, stage that makes it, folder in its artifact; in the order they are made."""

POST_TRAINED = ("sft", "rl", "merged")


def spread_over(items: Sequence[Pair], count: int) -> list[Pair]:
    """`count` of `items` evenly spaced (all where count is 0 or too large): every domain of a sorted file is met."""
    if count <= 0 or count >= len(items):
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def choose_pairs(
    pairs: Iterable[Pair], target: str, hub: str, others: Sequence[str], count: int
) -> dict[str, list[Pair]]:
    """Test pairs by direction: hub -> target, target -> hub, others -> target, `count` of each.

    Raises:
        In2xError: none of these directions has a pair.
    """
    by_direction: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_direction[f"{pair.src_lang}-{pair.tgt_lang}"].append(pair)
    wanted = [f"{hub}-{target}", f"{target}-{hub}", *(f"{other}-{target}" for other in others)]
    chosen = {d: spread_over(by_direction[d], count) for d in wanted if by_direction[d]}
    if not chosen:
        raise In2xError(f"the test pairs hold none of the directions {', '.join(wanted)}",
                        mend="give test pairs with fields for these languages")  # fmt: skip
    return chosen


def open_translator(folder: Path) -> LocalBackend:
    """The model of `folder`, asked in its own words; one without a profile is asked as a base model."""
    from in2x.translate.engine import LocalBackend

    own = (folder / FILE).exists()
    base = PromptProfile(templates=dict(BASE_TEMPLATES), stop=("\n",), endpoint="completions")
    return LocalBackend(folder, profile=None if own else base)


def answer(
    translator: LocalBackend, system: str, pairs: Sequence[Pair], *, temperature: float = 0.0, seed: int = 0
) -> list[Output]:
    """What `translator` makes of `pairs` (all of one direction), each checked against its principles."""
    first = pairs[0]
    registers = [pair.register for pair in pairs]
    request = TranslationRequest(first.src_lang, first.tgt_lang, registers, temperature=temperature, seed=seed)
    hypotheses = translator.translate([pair.source for pair in pairs], request)
    direction = f"{first.src_lang}-{first.tgt_lang}"
    outputs = [
        Output(system, direction, p.id, p.source, p.target, p.register, p.domain, hypothesis)
        for p, hypothesis in zip(pairs, hypotheses, strict=True)
    ]
    verdicts = [check_principles(case_of_pair(p), o.hypothesis) for p, o in zip(pairs, outputs, strict=True)]
    return [
        replace(o, principles=kept(v), why=reasons(v), places=places(v)) for o, v in zip(outputs, verdicts, strict=True)
    ]
