"""The register of Japanese text from its predicates and auxiliaries: plain, polite, honorific, casual, none.

A segment is decided by the predicates that end its sentences: です・ます (or てください) makes it polite, a keigo verb
form honorific; plain predicates are casual when the sentence carries marks of speech (final particles, contractions,
a question without か, a request in て, blunt pronouns) and plain otherwise. Text without a predicate is "none".
A segment in which polite and plain closings balance is not polite: whoever speaks politely keeps to it.
Our choice of labels; the grammar is the usual one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from in2x.language.japanese.keigo import keigo
from in2x.language.japanese.morphology import Sentence, sentences
from in2x.language.japanese.predicate import closing_predicate, has_polite_clause

REGISTERS = ("plain", "polite", "honorific", "casual", "none")

_CONTRACTIONS = {"てる", "ちゃう", "とく", "ちまう", "たげる", "でる", "どく", "じゃう", "やがる"}
_CONTRACTED = {"って", "なんて", "じゃん", "なきゃ", "なくちゃ", "ちゃ"}
_PRONOUNS = {"俺", "御前", "てまえ", "貴様", "おいら", "儂", "うち-代名詞"}
_PRONOUN_FORMS = {"あたし", "あんた", "てめえ", "てめぇ"}
_INTERJECTIONS = {
    "うん",
    "ううん",
    "おい",
    "ねえ",
    "やあ",
    "へえ",
    "ほら",
    "なあ",
    "よう",
    "ばいばい",
    "うわあ",
    "おお",
}

_SLANG = {"まじ", "うざい", "きもい", "やばい", "めんどい", "だるい"}
_DIALECT = {"助動詞-ヤ", "助動詞-ヘン"}
_DRAWN = re.compile("(?:[えけげせぜてでねべめれ][えぇー]|ぇ)$")
"""すげえ, うるせー: adjectives as rough speech says them."""


def has_casual_marks(sentence: Sentence) -> bool:
    """Contractions, blunt pronouns, interjections and the like anywhere in the sentence."""
    for i, token in enumerate(sentence.tokens):
        surface = token.surface
        if (
            (token.pos == "助動詞" and (token.lemma in _CONTRACTIONS or surface in ("ねえ", "ねぇ", "ねー")))
            or (token.pos == "代名詞" and (token.lemma in _PRONOUNS or surface in _PRONOUN_FORMS))
            or (token.pos == "感動詞" and token.lemma in _INTERJECTIONS)
            or (token.pos in ("助詞", "形容詞", "助動詞") and surface in _CONTRACTED)
            or (i > 0 and surface in ("じゃ", "りゃ"))
            or (token.pos == "連体詞" and surface == "んな")
            or token.lemma in _SLANG
            or surface == "めっちゃ"
            or token.cform.endswith("融合")
            or token.ctype in _DIALECT
            or (token.pos == "形容詞" and _DRAWN.search(surface))
        ):
            return True
    return False


class Votes(NamedTuple):
    """How the sentences of a segment close; a fragment counts half."""

    polite: float
    plain: float
    casual: float
    marks: bool
    """Some sentence carries marks of speech."""

    @property
    def informal(self) -> float:
        """Sentences that do not close politely."""
        return self.plain + self.casual


@lru_cache(maxsize=8192)
def votes(text: str) -> Votes:
    """Count the closings of the sentences of `text`.

    A sentence that breaks off (a noun, a te-form) is as polite as its last です or ます in a clause before.
    """
    count = {"polite": 0.0, "plain": 0.0, "casual": 0.0, "none": 0.0}
    marks = False
    for sentence in sentences(text):
        predicate = closing_predicate(sentence)
        style, weight = predicate.style, 1.0 if predicate.full else 0.5
        if not predicate.full and has_polite_clause(sentence):
            style = "polite"
        count[style] += weight
        marks = marks or has_casual_marks(sentence)
    return Votes(count["polite"], count["plain"], count["casual"], marks)


def formality(text: str) -> str:
    """ "formal" (です・ます) or "informal" for a whole segment; text that shows no style counts as informal, as a bare
    noun or an interjection does between people who need no politeness."""
    vote = votes(text)
    return "formal" if vote.polite > vote.informal else "informal"


@lru_cache(maxsize=8192)
def register_of(text: str) -> str:
    """The register of a segment: "plain" | "polite" | "honorific" | "casual" | "none" (no predicate to tell by).

    Keigo makes it honorific in a polite segment, or where it stands in the closing predicates of a plain one (先生が
    いらっしゃる); ご存じ in the middle of a plain sentence does not.
    """
    vote = votes(text)
    polite = vote.polite > vote.informal
    strong = [form for form in keigo(text) if form.strong]
    if strong and (polite or sum(_closes(text, form.end) for form in strong) >= vote.informal > 0):
        return "honorific"
    if polite:
        return "polite"
    if vote.casual or (vote.marks and (vote.plain or not vote.polite)):
        return "casual"
    return "plain" if vote.plain else "none"


def _closes(text: str, end: int) -> bool:
    """Whether a form that ends at `end` reaches into the closing predicate of its sentence."""
    return any(
        sentence.start < end <= sentence.end and end > closing_predicate(sentence).start for sentence in sentences(text)
    )


def is_polite(text: str) -> bool:
    """Whether the sentences close mostly in です・ます."""
    return formality(text) == "formal"


def is_literary(text: str) -> bool:
    """Whether some sentence closes in である: written style."""
    return any(closing_predicate(sentence).literary for sentence in sentences(text))
