"""A text to translate, with all that a model may be told beside it; the prompt profile decides how (`profile.py`)."""

from __future__ import annotations

from dataclasses import dataclass

from in2x.records import Pair


@dataclass(frozen=True, slots=True)
class Source:
    """One question to a translation model.

    What a profile has no words for is left out of the prompt: `PromptProfile` says which of it a model takes.
    """

    text: str
    """Inline tags, if any, as placeholders (`translate/tags.py`)."""
    source_lang: str
    """Code of its language."""
    target_lang: str
    """Code of the language wanted."""
    register: str | None = None
    """Register wanted, if any."""
    terms: tuple[tuple[str, str], ...] = ()
    """(form in the source, rendering wanted) of the agreed terms and names that stand in `text`."""
    before: tuple[tuple[str, str], ...] = ()
    """(source, translation) of what stands before, oldest first; the translation may be "" where there is none yet."""
    scene: str = ""
    """What a translator should know: synopsis, who speaks to whom and how. Sentences for the model."""
    style: str = ""
    """Wish for the style, in a few words."""
    tagged: bool = False
    """Whether `text` holds placeholders."""
    attempt: str = ""
    """An earlier answer that is to be mended."""
    finding: str = ""
    """With `attempt`: what is wrong with it, a sentence for the model."""

    @classmethod
    def of_pair(cls, pair: Pair) -> Source:
        """The question that `pair.target` answers."""
        return cls(pair.source, pair.src_lang, pair.tgt_lang, pair.register)
