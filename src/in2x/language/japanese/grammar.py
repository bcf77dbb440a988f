"""Japanese behind the contract of `language/grammar.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from in2x.language.finding import LIGHT, Finding, Unit, Word
from in2x.language.japanese import surface
from in2x.language.japanese.candidates import names
from in2x.language.japanese.consistency import STYLE, narration
from in2x.language.japanese.consistency import narration_consistency as narrator
from in2x.language.japanese.consistency import speaker_consistency as speakers
from in2x.language.japanese.misuse import misused_keigo as misuse
from in2x.language.japanese.morphology import Token, sentences, tokenise
from in2x.language.japanese.names import name_drift as drifts
from in2x.language.japanese.politeness import deference, politeness
from in2x.language.japanese.predicate import closing_predicate
from in2x.language.japanese.register import formality, is_literary, is_polite, register_of
from in2x.language.japanese.roles import role_language
from in2x.language.japanese.ruby import ruby_use
from in2x.language.japanese.surface import punctuation, ruby
from in2x.language.japanese.swap import swapped_name
from in2x.language.japanese.voice import gendered_speech as gender
from in2x.language.japanese.voice import person_words as persons
from in2x.language.japanese.voice import titles

__all__ = [
    "formality", "gender", "is_whole", "keeps", "loans", "misuse", "name_drift", "names", "narrator", "persons",
    "phrase", "politeness", "punctuation", "residue", "ruby", "ruby_use", "speakers", "styles", "swapped_name",
    "titles", "traits", "units", "words",
]  # fmt: skip

_SIGNS = ("補助記号", "空白")
_CLOSING = ("助動詞", "助詞")


def _tokens(text: str) -> list[Token]:
    return [token for token in tokenise(text) if token.pos not in _SIGNS]


def words(text: str) -> list[Word]:
    """The morphemes of `text` by UniDic lemma, without punctuation."""
    return [Word(token.lemma, token.start, token.end) for token in _tokens(text)]


def loans(text: str) -> set[str]:
    """By the dictionary: コンピューター-computer, トム-Thom."""
    return {token.lemma.partition("-")[2].lower() for token in _tokens(text) if _LOAN.search(token.lemma)}


_LOAN = re.compile(r"-[A-Za-z][a-z]+")
_CONTENT = frozenset(("名詞", "動詞", "形容詞", "形状詞", "副詞", "感動詞", "連体詞", "代名詞", "接尾辞", "接頭辞"))
_EMPTY = frozenset(
    ("居る", "為る", "有る", "成る", "事", "物", "の", "者", "様", "為", "其の", "此の", "言う", "御", "さん", "君")
)
"""Lemmas that carry little by themselves."""
_KATAKANA = re.compile("[ァ-ヴー]{2,}")
_NOT = frozenset(("ず", "ない", "無い", "ぬ", "まい"))


def units(text: str) -> list[Unit]:
    """Morphemes by lemma; pronouns, auxiliaries and particles weigh little, negations are told."""
    found = []
    for token in _tokens(text):
        lemma = token.lemma.partition("-")[0] or token.surface
        denies = lemma in _NOT
        heavy = denies or (
            token.pos in _CONTENT and token.pos != "代名詞" and lemma not in _EMPTY and token.pos2 != "非自立可能"
        )
        name = token.pos2 == "固有名詞" or (token.pos == "名詞" and _KATAKANA.fullmatch(token.surface) is not None)
        found.append(Unit(lemma, 1.0 if heavy else LIGHT, name and heavy, denies))
    return found


def is_whole(text: str) -> bool:
    """No particle, ending or suffix at the start; no case particle, prefix or open form (起こし, 行っ) at the end."""
    tokens = _tokens(text)
    if not tokens:
        return False
    first, last = tokens[0], tokens[-1]
    if first.pos in ("助詞", "助動詞", "接尾辞"):
        return False
    if last.pos2 in ("格助詞", "係助詞") or last.pos in ("接頭辞", "連体詞"):
        return False
    return not (last.pos in ("動詞", "助動詞", "形容詞") and last.cform.startswith(("連用形", "未然形", "仮定形")))


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
    for drift in drifts(sources, texts):
        usual = drift.forms[0][0]
        why = f"{drift.name} is {usual} elsewhere in this document", f"他の箇所では「{usual}」"
        found += [(place, Finding("name", form, start, end, *why)) for form, place, start, end in drift.places]
    return found


def traits(text: str) -> list[str]:
    """Literary where it is plain and closes in である, role language where it has marks of it."""
    literary = register_of(text) == "plain" and is_literary(text)
    return ["literary"] * literary + ["role language"] * bool(role_language(text))
