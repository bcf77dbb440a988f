"""Nothing that the model is measured on may be learned: held-out sentences and evaluation sets are kept out.

Two tests. *Whole*: the text, normalised, is one of the evaluation texts. *Part*: it shares a run of 40 normalised
characters with one that is at least that long (about 13 English words, the customary length), which finds a question
inside a longer prompt.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from in2x.errors import In2xError
from in2x.instructions.neardup import normalise
from in2x.records import Pair, read_records, strings

RUN = 40
"""Characters. Every 8th position of an evaluation text is remembered, every one of a candidate looked up."""
STRIDE = 8


class Contamination:
    """The texts that must not be learned."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._runs: set[str] = set()

    def add(self, texts: Iterable[str], *, parts: bool) -> None:
        """Add evaluation texts; `parts` also finds them inside longer texts."""
        for text in texts:
            clean = normalise(text)
            if clean:
                self._whole.add(clean)
            if parts:
                # A run of RUN + STRIDE shared characters always covers one remembered position.
                self._runs.update(clean[at : at + RUN] for at in range(0, len(clean) - RUN + 1, STRIDE))

    def found_in(self, text: str) -> str | None:
        """What of `text` is in an evaluation set (the start of it, for the evidence)."""
        clean = normalise(text)
        if clean in self._whole:
            return text[:80]
        if self._runs:
            for at in range(len(clean) - RUN + 1):
                if (run := clean[at : at + RUN]) in self._runs:
                    return run
        return None


def heldout(data: Path, files: Iterable[str]) -> Contamination:
    """The held-out pairs of a data artifact, and the texts of evaluation `files` (every string of 12 letters up)."""
    found = Contamination()
    for name in ("pairs.dev.parquet", "pairs.test.parquet"):
        if (data / name).exists():
            for pair in read_records(data / name, Pair):
                found.add((pair.source, pair.target), parts=False)
    for file in files:
        found.add((text for text in _texts(Path(file)) if len(normalise(text)) >= 12), parts=True)
    return found


def _texts(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    try:
                        yield from strings(json.loads(line))
                    except json.JSONDecodeError:
                        raise In2xError("not JSON", file=file, line=number, mend="give JSON Lines") from None
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise In2xError(f"the evaluation file cannot be read ({error})", file=file, mend="correct the path") from None
