"""Instructions made by code from sentence pairs: translation, and rewriting in another register.

Translation asks in the words of the `PromptProfile` that is later saved with the model (`chat/translation.py`).
Register rewriting is the part of *cultural style transformation* (METHOD 2.2c) that needs no model: where one source
has renderings in several registers, each can be turned into the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from in2x.errors import In2xError
from in2x.instructions.prompt import prompt
from in2x.records import Instruction, Pair, content_id, read_records


def read_pairs(file: Path, most: Mapping[str, int], seed: int) -> list[Pair]:
    """The pairs of `file` in its order, drawn by `seed`.

    Args:
        most: pairs by direction, "en-ja"; "*" is for the directions that are not named, all of them without it.

    Raises:
        In2xError: a direction that has no pair.
    """
    pairs = list(read_records(file, Pair)) if file.exists() else []
    places: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        places.setdefault((pair.src_lang, pair.tgt_lang), []).append(place)
    names = {"-".join(direction) for direction in places} | {"*"}
    if pairs and (unknown := sorted(most.keys() - names)):
        raise In2xError(f"instruct.pairs_per_direction names {unknown[0]!r}, of which there is no pair",
                        mend=f"use some of {', '.join(sorted(names))}")  # fmt: skip
    chosen: list[int] = []
    for direction in sorted(places):
        found = places[direction]
        size = most.get("-".join(direction), most.get("*", len(found)))
        if len(found) > size:
            found = random.Random(f"{seed} {direction}").sample(found, size)
        chosen.extend(found)
    return [pairs[place] for place in sorted(chosen)]


def register_rewritings(pairs: Iterable[Pair], most: int, seed: int) -> list[Instruction]:
    """Rewritings between the registers in which one source is rendered; at most `most`, drawn by `seed`."""
    renderings: dict[tuple[str, str, str], dict[str, str]] = {}
    for pair in pairs:
        if pair.register:
            key = (pair.src_lang, pair.source, pair.tgt_lang)
            renderings.setdefault(key, {}).setdefault(pair.register, pair.target)
    found: dict[str, Instruction] = {}
    for (_, _, lang), by_register in renderings.items():
        for given, text in by_register.items():
            for wanted, answer in by_register.items():
                if wanted != given and answer != text:
                    item = register_rewriting(lang, wanted, text, answer)
                    found.setdefault(item.id, item)
    items: Sequence[Instruction] = list(found.values())
    if len(items) > most:
        drawn = sorted(random.Random(f"{seed} register").sample(range(len(items)), most))
        items = [items[place] for place in drawn]
    return list(items)


def register_rewriting(lang: str, register: str, text: str, answer: str) -> Instruction:
    """The instruction to bring `text` into `register`."""
    messages = [{"role": "user", "content": prompt("register").render(language=lang, register=register, text=text)}]
    return Instruction(
        id=content_id("rewritten:register", messages, answer), lang=lang, task="rewrite", messages=messages,
        answer=answer, verifier={"name": "register", "lang": lang, "register": register, "source": text},
        origin="rewritten:register",
    )  # fmt: skip
