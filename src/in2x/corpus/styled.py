"""Style-augmented documents: passages of the target language under a tag of how they are written (METHOD 0).

The model learns text given style. The tag is the one that a translation is asked in (`German (polite):`), so that
what is learned here from monolingual text serves there; further traits that the analysis finds are named, too:
literary, dialogue, role language. A passage whose register cannot be told has no tag worth learning and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from in2x.corpus.config import StyledConfig
from in2x.corpus.tokens import estimate_tokens
from in2x.language import language
from in2x.language.traits import traits
from in2x.records import Document, content_id

_SENTENCE = re.compile(r"[^。！？!?.\n]*[。！？!?.]+[」』）)”\"]*\s?|[^。！？!?.\n]+")


def passages(text: str, chars: int) -> Iterator[str]:
    """Paragraphs of a text; a longer one than `chars` is cut at sentence ends (a longer sentence is left out)."""
    for paragraph in text.split("\n"):
        held = ""
        for found in _SENTENCE.finditer(paragraph):
            sentence = found[0]
            if held and len(held) + len(sentence) > chars:
                yield held.strip()
                held = ""
            held = held + sentence if len(sentence) <= chars else held
        if held.strip():
            yield held.strip()


def styled_documents(
    texts: Iterable[tuple[str, str]], lang: str, tokens: float, config: StyledConfig
) -> Iterator[tuple[Document, list[str]]]:
    """Documents of tagged passages, about `tokens` tokens in all, and the tags of each.

    Args:
        texts: (id, text) in `lang`; read only as far as needed.
    """
    name = language(lang).name
    made = 0.0
    for id_, text in texts:
        if made >= tokens:
            return
        group: list[tuple[str, str]] = []
        number = 0
        for passage in (*passages(text, config.chars), None):
            if passage is not None and (style := traits(passage, lang)):
                group.append((", ".join(style), passage))
            if group and (passage is None or len(group) == config.passages):
                number += 1
                body = "\n\n".join(f"{name} ({tag}): {part}" for tag, part in group)
                count = int(estimate_tokens([body])[0])
                yield Document(
                    id=content_id("styled", id_, number), text=body, lang=lang, domain="styled",
                    source=f"styled:{lang}", quality=1.0, tokens=count,
                ), [tag for tag, _ in group]  # fmt: skip
                made += count
                group = []
                if made >= tokens:
                    return
