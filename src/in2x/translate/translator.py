"""What every translator is: texts and a request go in, one line a text comes out."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from in2x.translate.request import TranslationRequest

LINE_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")
"""Everything that some program takes for the end of a line; an answer holds none of them."""

Done = Callable[[int], None]
"""Called with the number of sources finished, as they finish."""


def one_line(text: str) -> str:
    """`text` without surrounding space, each line break made a space."""
    return LINE_BREAKS.sub(" ", text.strip())


class Translator(ABC):
    """A model in this process or one behind an address."""

    def translate(self, sources: Sequence[str], request: TranslationRequest, done: Done | None = None) -> list[str]:
        """Translate `sources`: exactly one answer, on one line, for each; an empty source stays empty.

        Raises:
            In2xError: as `candidates` does.
        """
        return [answer for [answer] in self.candidates(sources, request, 1, done)]

    @abstractmethod
    def candidates(
        self, sources: Sequence[str], request: TranslationRequest, samples: int, done: Done | None = None
    ) -> list[list[str]]:
        """`samples` answers for each source, drawn by seeds of their own (all alike at temperature 0)."""
