"""What code sees on the surface of a translated document: words left untranslated, typesetting, names that drift.

Only for a language whose typesetting the project knows; elsewhere nothing is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from in2x.language.finding import Finding
from in2x.language.japanese.names import name_drift
from in2x.language.japanese.surface import punctuation, residue


def surface(sources: Sequence[str], paragraphs: Sequence[str], number: int, lang: str) -> list[Finding]:
    """The findings in `paragraphs[number]`, a translation of `sources[number]` into `lang`.

    Names are compared over the whole document where it has as many paragraphs as the source.
    """
    if lang != "ja":
        return []
    found = [*residue(paragraphs[number], sources[number]), *punctuation(paragraphs[number])]
    if len(paragraphs) == len(sources):
        for drift in name_drift(sources, paragraphs):
            usual = drift.forms[0][0]
            en, ja = f"{drift.name} is {usual} elsewhere in this document", f"他の箇所では「{usual}」"
            found += [
                Finding("name", form, start, end, en, ja) for form, place, start, end in drift.places if place == number
            ]
    return found
