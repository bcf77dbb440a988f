"""Japanese behind the contract of `language/grammar.py`."""

from __future__ import annotations

from collections.abc import Sequence

from in2x.language.finding import Finding, Word
from in2x.language.japanese import names, surface
from in2x.language.japanese.consistency import STYLE, narration
from in2x.language.japanese.morphology import Token, sentences, tokenise
from in2x.language.japanese.politeness import deference, politeness
from in2x.language.japanese.predicate import closing_predicate
from in2x.language.japanese.register import formality, is_literary, is_polite, register_of
from in2x.language.japanese.roles import role_language
from in2x.language.japanese.surface import punctuation
from in2x.language.japanese.swap import swapped_name

__all__ = [
    "formality", "keeps", "name_drift", "phrase", "politeness", "punctuation", "residue", "styles", "swapped_name",
    "traits", "words",
]  # fmt: skip

_SIGNS = ("補助記号", "空白")
_CLOSING = ("助動詞", "助詞")


def _tokens(text: str) -> list[Token]:
    return [token for token in tokenise(text) if token.pos not in _SIGNS]


def words(text: str) -> list[Word]:
    """The morphemes of `text` by UniDic lemma, without punctuation."""
    return [Word(token.lemma, token.start, token.end) for token in _tokens(text)]


def phrase(text: str) -> tuple[str, ...]:
    """Lemmas without the closing auxiliaries: 匙を投げた -> 匙 を 投げる."""
    tokens = _tokens(text)
    while len(tokens) > 1 and tokens[-1].pos in _CLOSING:
        tokens.pop()
    return tuple(token.lemma for token in tokens)


def keeps(register: str, text: str) -> bool:
    """Whether `text` keeps the register asked for.

    "plain" and "literary": plain; "polite": polite, or honorific that closes in です・ます; "honorific": keigo, or
    polite speech with two kinds of deference; "casual": casual, or plain without である.
    """
    found = register_of(text)
    match register:
        case "plain" | "literary":
            return found == "plain"
        case "polite":
            return found == "polite" or (found == "honorific" and is_polite(text))
        case "honorific":
            return found == "honorific" or (found == "polite" and deference(text) >= 2)
        case "casual":
            return found == "casual" or (found == "plain" and not is_literary(text))
    return False


def styles(text: str) -> list[str]:
    """The style of each full sentence outside quotations."""
    closings = [closing_predicate(sentence) for sentence in sentences(narration(text))]
    return [STYLE[p.style] for p in closings if p.full and p.style in STYLE]


def residue(text: str, source: str) -> list[Finding]:
    """Foreign script, simplified characters and copied words; see `surface.residue`."""
    return surface.residue(text, source)


def name_drift(sources: Sequence[str], texts: Sequence[str]) -> list[tuple[int, Finding]]:
    """For sources in Latin script or Chinese; see `names.name_drift`."""
    found = []
    for drift in names.name_drift(sources, texts):
        usual = drift.forms[0][0]
        why = f"{drift.name} is {usual} elsewhere in this document", f"他の箇所では「{usual}」"
        found += [(place, Finding("name", form, start, end, *why)) for form, place, start, end in drift.places]
    return found


def traits(text: str) -> list[str]:
    """Literary where it is plain and closes in である, role language where it has marks of it."""
    literary = register_of(text) == "plain" and is_literary(text)
    return ["literary"] * literary + ["role language"] * bool(role_language(text))
