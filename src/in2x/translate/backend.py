"""What every translator is: texts and a request go in, one line a text comes out."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.language.wording import search
from in2x.translate.request import TranslationRequest

LINE_BREAKS = re.compile(r"(?<!\s)\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")
"""Everything that some program takes for the end of a line, with the space around it; an answer holds none of them.
It begins where space begins: tried from every one of a million spaces it would take hours."""

CT2_FILE = "model.bin"
"""The file by which a folder of CTranslate2 is known."""

Done = Callable[[int], None]
"""Called with the number of sources finished, as they finish."""


@dataclass(frozen=True, slots=True)
class Translation:
    """One answer, on one line."""

    text: str
    fault: str = ""
    """Why `text` is no whole translation: nothing came, or it was cut, or the model refused."""
    unasked: bool = False
    """The fault is not the model's: no answer came (server, connection, budget)."""


def one_line(text: str) -> str:
    """`text` without surrounding space, each line break made a space."""
    return LINE_BREAKS.sub(" ", text.strip())


def wordless(source: str) -> str | None:
    """The translation of a text without a letter or a digit: itself ("---", "…"), "" where nothing of it can be seen.

    None where there is something to translate. What only lengthens a sound (ー) or modifies a letter is no letter by
    itself: rows of such signs part paragraphs.
    """
    kinds = {unicodedata.category(char) for char in source if char not in _BLANKS}
    if any(kind[0] in "LN" and kind != "Lm" for kind in kinds):
        return None
    return LINE_BREAKS.sub(" ", source) if any(kind[0] in "LPS" for kind in kinds) else ""


def unfit(text: str, source: str) -> str:
    """Why an answer that came whole is no translation of `source`; "" where nothing speaks against it."""
    if not text:
        return "the answer is empty"
    if search("refusal", text) and not search("refusal", source):
        return f"it reads as a refusal, not as a translation ({text[:60]!r})"
    if _BROKEN in text and _BROKEN not in source:
        return f"it holds bytes that are no letter ({text[:60]!r})"
    return ""


_BROKEN = "\ufffd"
"""What a tokenizer of bytes reads where a model left a letter half."""
_BLANKS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and signs by Unicode that show nothing: fillers, and the empty Braille cell."""


class Backend(ABC):
    """A model in this process or one behind an address."""

    def sureness(self, source: Source, answer: str) -> float | None:
        """What the model gives the least probable token of `answer`, in [0, 1]; None where it is not asked."""
        return None

    def translate(
        self, sources: Sequence[str | Source], request: TranslationRequest, done: Done | None = None
    ) -> list[str]:
        """The texts of `translations`, as the model gave them.

        Raises:
            In2xError: as `translations` does, and where a source was left without any answer.
        """
        found = self.translations(sources, request, done)
        for number, one in enumerate(found, start=1):
            if one.unasked:
                raise In2xError(f"no translation of text {number} ({one.fault})",
                                mend="see the server's log, or run again")  # fmt: skip
        return [one.text for one in found]

    def translations(
        self, sources: Sequence[str | Source], request: TranslationRequest, done: Done | None = None
    ) -> list[Translation]:
        """Translate `sources`: exactly one answer for each. A `Source` says itself what is asked, a text as `request`.

        Raises:
            In2xError: as `candidates` does.
        """
        return [answer for [answer] in self.candidates(sources, request, 1, done)]

    def candidates(
        self, sources: Sequence[str | Source], request: TranslationRequest, samples: int, done: Done | None = None
    ) -> list[list[Translation]]:
        """`samples` answers for each source, drawn by seeds of their own (all alike at temperature 0).

        The model sees no text without words (it would make some up): that is its own translation.

        Raises:
            In2xError: the model cannot be used.
        """
        questions = request.sources(sources)
        kept = [wordless(question.text) for question in questions]
        asked = [place for place, same in enumerate(kept) if same is None]
        found = [[Translation(same or "")] * samples for same in kept]
        if done and len(asked) < len(sources):
            done(len(sources) - len(asked))
        drawn = self._draw([questions[i] for i in asked], request, samples, done)
        for place, answers in zip(asked, drawn, strict=True):
            found[place] = answers
        return found

    @abstractmethod
    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        """See `candidates`, for sources that all have words; of `request` only how to decode is read."""
