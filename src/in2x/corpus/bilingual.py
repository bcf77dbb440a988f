"""Bilingual documents: parallel sentences laid out as texts that a language model reads (METHOD 0, English as hub).

The *labelled* layout is the very prompt of `chat/profile.py: BASE_TEMPLATES`, register tag included, so that the
base model can be asked to translate before any instruction tuning. The others are how parallel text stands in books
and on pages. Pairs of one `doc_id` stay together and in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from in2x.chat.profile import BASE_TEMPLATES, PromptProfile
from in2x.chat.source import Source
from in2x.corpus.config import BilingualConfig
from in2x.corpus.tokens import estimate_tokens
from in2x.errors import In2xError
from in2x.language import language
from in2x.language.identify import UNKNOWN
from in2x.records import Document, Pair, content_id

PROFILE = PromptProfile(templates=dict(BASE_TEMPLATES), endpoint="completions")


def labelled(pairs: Sequence[Pair]) -> str:
    """`English: ...` / `German (polite): ...`, an empty line between pairs: a few-shot prompt."""
    return "\n\n".join(f"{PROFILE.prompt(Source.of_pair(p))} {p.target}" for p in pairs)


def interleaved(pairs: Sequence[Pair]) -> str:
    """Each sentence under its original, without labels."""
    return "\n\n".join(f"{p.source}\n{p.target}" for p in pairs)


def blocks(pairs: Sequence[Pair]) -> str:
    """The whole text in one language under its name, then the whole in the other."""
    first, second = (language(code).name for code in (pairs[0].src_lang, pairs[0].tgt_lang))
    registers = {p.register for p in pairs}
    tag = f" ({next(iter(registers))})" if len(registers) == 1 and None not in registers else ""
    return (
        f"{first}:\n"
        + "\n".join(p.source for p in pairs)
        + f"\n\n{second}{tag}:\n"
        + "\n".join(p.target for p in pairs)
    )


def table(pairs: Sequence[Pair]) -> str:
    """A table with a head and one pair a row."""
    first, second = (language(code).name for code in (pairs[0].src_lang, pairs[0].tgt_lang))
    return "\n".join([f"{first} | {second}", *(f"{p.source} | {p.target}" for p in pairs)])


def gloss(pairs: Sequence[Pair]) -> str:
    """The translation in brackets after each sentence, as in a textbook."""
    return "\n".join(f"{p.source} ({p.target})" for p in pairs)


LAYOUTS = {"labelled": labelled, "interleaved": interleaved, "blocks": blocks, "table": table, "gloss": gloss}


def bilingual_documents(pairs: Sequence[Pair], tokens: float, config: BilingualConfig, seed: int) -> Iterator[Document]:
    """Documents of about `tokens` tokens in all, each of 1 to `config.pairs` pairs of one direction.

    Pairs are used once in a seeded order, then (up to `config.epochs`) again in another order and other layouts.
    A pure function of its arguments.

    Raises:
        In2xError: a layout of the config is not known.
    """
    unknown = sorted(set(config.layouts) - set(LAYOUTS))
    if unknown:
        raise In2xError(f"corpus.bilingual.layouts: {unknown[0]!r} is no layout", mend=f"use {', '.join(LAYOUTS)}")
    names = [name for name in LAYOUTS if config.layouts.get(name, 0) > 0]
    weights = np.array([config.layouts[name] for name in names], float)
    made, used, most = 0.0, 0, config.epochs * len(pairs)
    epoch = 0
    while pairs and made < tokens and used < most:
        rng = np.random.default_rng([seed, 0xB111, epoch])
        for group in _groups(pairs, config.pairs, rng):
            if made >= tokens or used >= most:
                return
            layout = names[int(rng.choice(len(names), p=weights / weights.sum()))]
            text = LAYOUTS[layout](group)
            count = estimate_tokens([text])[0]
            yield Document(
                id=content_id("bilingual", epoch, layout, [p.id for p in group]), text=text, lang="mul",
                domain="bilingual", source=f"pairs:{group[0].src_lang}-{group[0].tgt_lang}:{layout}", quality=1.0,
                tokens=int(count),
            )  # fmt: skip
            made += float(count)
            used += len(group)
        epoch += 1


def _groups(pairs: Sequence[Pair], most: int, rng: np.random.Generator) -> Iterator[list[Pair]]:
    """The pairs in runs of 1 to `most` of one direction: whole documents in order, single sentences shuffled."""
    runs: dict[tuple[str, str, str], list[int]] = {}
    single: dict[tuple[str, str], list[int]] = {}
    for k, pair in enumerate(pairs):
        if pair.doc_id:
            runs.setdefault((pair.src_lang, pair.tgt_lang, pair.doc_id), []).append(k)
        else:
            single.setdefault((pair.src_lang, pair.tgt_lang), []).append(k)
    groups: list[list[int]] = []
    for members in runs.values():
        groups.extend(members[k : k + most] for k in range(0, len(members), most))
    for members in single.values():
        shuffled = rng.permutation(np.array(members))
        at = 0
        while at < len(shuffled):
            size = int(rng.integers(1, most + 1))
            groups.append([int(k) for k in shuffled[at : at + size]])
            at += size
    for k in rng.permutation(len(groups)):
        yield [pairs[j] for j in groups[int(k)]]


def sides(pairs: Sequence[Pair], lang: str) -> list[str]:
    """The distinct sentences in `lang` of the pairs, in order: monolingual text where no raw text was given."""
    if lang == UNKNOWN:
        return []
    seen: dict[str, None] = {}
    for pair in pairs:
        if pair.src_lang == lang:
            seen.setdefault(pair.source)
        if pair.tgt_lang == lang:
            seen.setdefault(pair.target)
    return list(seen)
