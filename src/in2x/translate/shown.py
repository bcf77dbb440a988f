"""A translation with its tags, as journals and reviews show it: with the placeholders of its source; and back."""

from __future__ import annotations

from collections.abc import Mapping

from in2x.chat.placeholders import standing
from in2x.chat.source import Source
from in2x.formats.document import Text
from in2x.translate.backend import Backend
from in2x.translate.projection import Span, projected
from in2x.translate.tags import TagsLost, unmarked, without_placeholders


def shown(text: Text, source: Text) -> str:
    """`text`, a translation of `source`, with a placeholder where each inner tag of the source stands."""
    out, at = "", 0
    for place, name in standing(text, source):
        out, at = out + text.text[at:place] + name, place
    return (out + text.text[at:]).strip() if source.tags else text.text


def with_tags(
    words: str,
    source: Text,
    source_lang: str,
    target_lang: str,
    backend: Backend | None = None,
    question: Source | None = None,
) -> tuple[Text, str]:
    """The translation in `words` with all tags of `source`, and why they had to be placed by alignment ("" if not).

    A `backend` in this process that was asked `question` is asked where it has the words of a pair.
    """
    if not source.tags:
        return Text(words), ""
    try:
        return unmarked(words, source, target_lang), ""
    except TagsLost as error:
        seen: Mapping[int, Span] = {}
        if question is not None and hasattr(backend, "tokenizer"):
            # Here, not above: torch is slow to import, and such a back end has loaded it.
            from in2x.translate.engine import LocalBackend
            from in2x.translate.occlusion import hints

            if isinstance(backend, LocalBackend):
                seen = hints(backend, question, source, without_placeholders(words, source, target_lang)[0])
        return projected(source, words, source_lang, target_lang, hints=seen), error.why
