"""A model with shortlists: made from sentence pairs, and measured against the whole vocabulary on pairs held out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from in2x.chat.known import model_path
from in2x.data.reader import lines
from in2x.errors import In2xError, UsageError
from in2x.inference.shortlist import save_shortlists, shortlist
from in2x.translate.engine import LocalBackend
from in2x.translate.request import TranslationRequest

EVERY, MOST = 50, 200
"""Every so many pairs one is held out to measure with, so many at most."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What is known of one language's shortlist."""

    lang: str
    kept: int
    """Tokens in it."""
    of: int
    """Tokens of the vocabulary."""
    measured: int
    """Greedy answers that were compared."""
    same: int
    """Those that the whole vocabulary gives too."""


def to_shortlist(model: Path, files: Sequence[Path], out: Path) -> list[Listed]:
    """Write shortlists for the model folder `model`, made from the pairs of `files`, into the model folder `out`.

    `out` may be `model` itself, or a copy: it must hold the same tokenizer.

    Raises:
        UsageError: no file of pairs.
        In2xError: no model folders; the model does not say which languages it knows; a file that cannot be read.
    """
    if not files:
        raise UsageError("shortlists are made from pairs", mend="give --pairs FILE, as data.train of a recipe")
    model_path(out)
    backend = LocalBackend(model)
    known = backend.profile.languages
    if len(known) < 2:
        raise In2xError("the model does not say which languages it knows", file=model,
                        mend='put "languages" into its in2x_prompt.json')  # fmt: skip
    shown: dict[str, list[str]] = defaultdict(list)
    held: list[Mapping[str, str]] = []
    for file in files:
        for number, line in enumerate(lines(file, known, known[-1])):
            if number % EVERY == EVERY - 1 and len(held) < MOST:
                held.append(line.texts)
                continue
            for lang, text in line.texts.items():
                shown[lang].append(text)
    lists = {lang: shortlist(backend.tokenizer, texts, backend.stop_ids) for lang, texts in shown.items()}
    lists = {lang: tokens for lang, tokens in lists.items() if len(tokens) < len(backend.tokenizer)}
    stated = []
    for lang, tokens in lists.items():
        source = next((other for texts in held if lang in texts for other in texts if other != lang), None)
        asked = [texts[source] for texts in held if source in texts and lang in texts] if source else []
        said = []
        for chosen in ({}, lists):
            backend.shortlists = chosen
            request = TranslationRequest(source or "", lang)
            said.append([one.text for one in backend.translations(asked, request)] if asked else [])
        same = sum(a == b for a, b in zip(*said, strict=True))
        stated.append(Listed(lang, len(tokens), len(backend.tokenizer), len(asked), same))
    figures = {one.lang: {"tokens": one.kept, "measured": one.measured, "same": one.same} for one in stated}
    save_shortlists(out, lists, backend.tokenizer, {"pairs": sum(map(len, shown.values())), "languages": figures})
    return stated
