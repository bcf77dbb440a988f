"""Nothing that the model is measured on may be learned: held-out sentences and evaluation sets are kept out.

Two tests. *Whole*: the text, normalised, is one of the evaluation texts. *Part*: it shares a run of 40 normalised
characters with one that is at least that long (about 13 English words, the customary length; 24 of scripts without
spaces), which finds a question inside a longer prompt.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from in2x.corpus.decontaminate import evaluation_texts
from in2x.instructions.neardup import normalise
from in2x.language.script import make_up
from in2x.records import Pair, read_records

RUN, DENSE_RUN = 40, 24
"""Characters, of alphabets and of kana and Han. Every 8th position of an evaluation text is remembered, every one of a
candidate looked up."""
STRIDE = 8
LABEL = 12
"""Letters of an evaluation file's string below which it may be a label; a sentence pair with it goes all the same."""


class Contamination:
    """The texts that must not be learned."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._short: set[str] = set()
        self._runs: set[str] = set()

    def add(self, texts: Iterable[str], *, parts: bool) -> None:
        """Add evaluation texts; `parts` also finds them inside longer texts, and takes short ones for labels."""
        for text in texts:
            clean = normalise(text) or text.strip()
            if clean:
                (self._short if parts and len(clean) < LABEL else self._whole).add(clean)
            if parts:
                # A run of RUN + STRIDE shared characters always covers one remembered position.
                run = _run(clean)
                self._runs.update(clean[at : at + run] for at in range(0, len(clean) - run + 1, STRIDE))

    def found_in(self, text: str, *, short: bool = False) -> str | None:
        """What of `text` is in an evaluation set (the start of it, for the evidence).

        `short`: also where all of it is a text so short that it may be a label or a bare result ("news", "12").
        """
        clean = normalise(text) or text.strip()
        if clean in self._whole or (short and clean in self._short):
            return text[:80]
        if self._runs:
            for size in (DENSE_RUN, RUN):
                for at in range(len(clean) - size + 1):
                    if (run := clean[at : at + size]) in self._runs:
                        return run
        return None


def heldout(data: Path, files: Iterable[str]) -> Contamination:
    """The held-out pairs of a data artifact, and every string in evaluation `files` (files, folders or globs).

    Raises:
        In2xError: an evaluation set that cannot be read.
    """
    found = Contamination()
    for name in ("pairs.dev.parquet", "pairs.test.parquet"):
        if (data / name).exists():
            for pair in read_records(data / name, Pair):
                found.add((pair.source, pair.target), parts=False)
    for file in files:
        found.add(evaluation_texts(file, Path.cwd()), parts=True)
    return found


def _run(text: str) -> int:
    count = make_up(text)
    return DENSE_RUN if 2 * (count.kana + count.han) > len(text) else RUN
