"""Checks by code of an answer against its source: traps, natural renderings, residue, names, numbers, lines, notes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from in2x.language.japanese import tokenise
from in2x.language.numbers import numbers
from in2x.language.script import make_up, simplified_only
from in2x.principles.text_checks import normalise

if TYPE_CHECKING:
    from in2x.principles.fundamental import Case


@lru_cache(maxsize=1 << 14)
def _lemmas(text: str) -> tuple[str, ...]:
    return tuple(token.lemma for token in tokenise(text) if token.pos not in ("補助記号", "空白"))


def _lemma_heads(text: str) -> tuple[str, ...]:
    """Lemmas without the closing auxiliaries: 匙を投げた -> 匙 を 投げる."""
    tokens = [token for token in tokenise(text) if token.pos not in ("補助記号", "空白")]
    while len(tokens) > 1 and tokens[-1].pos in ("助動詞", "助詞"):
        tokens.pop()
    return tuple(token.lemma for token in tokens)


def contains(answer: str, phrase: str, lang: str) -> bool:
    """Whether `phrase` occurs in `answer`: by characters (NFKC, no punctuation), in Japanese by lemmas too."""
    if not normalise(phrase):
        return False
    if lang == "en":
        return (
            re.search(
                rf"(?<!\w){re.escape(phrase.lower().strip())}(?!\w)", unicodedata.normalize("NFKC", answer).lower()
            )
            is not None
        )
    if normalise(phrase) in normalise(answer):
        return True
    if lang != "ja":
        return False
    wanted, have = _lemma_heads(phrase), _lemmas(answer)
    if len(wanted) < 2:  # one word alone: characters decide, a lemma may stand for too many spellings
        return False
    return any(have[i : i + len(wanted)] == wanted for i in range(len(have) - len(wanted) + 1))


def no_trap(case: Case, answer: str) -> bool | None:
    """None of the literal renderings appears."""
    traps = case.checks.get("traps")
    if not traps:
        return None
    return not any(contains(answer, str(trap), case.target_lang) for trap in traps)


def natural(case: Case, answer: str) -> bool | None:
    """One of the accepted natural renderings appears."""
    accepted = case.checks.get("natural")
    if not accepted:
        return None
    return any(contains(answer, str(rendering), case.target_lang) for rendering in accepted)


_WORD = re.compile(r"[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f'\u2019-]+")


def translated(case: Case, answer: str) -> bool | None:
    """No word of the source is left as it was, in its script, unless the reference, a name or the glossary has it too.

    Into Japanese or Chinese: Latin words that stand in the source in lower case (acronyms and brand names may stay);
    into Japanese also characters of simplified Chinese; into English: kana and Han; into Chinese: kana.
    """
    if case.source_lang == case.target_lang:
        return None
    text = unicodedata.normalize("NFKC", answer)
    terms = [*(case.checks.get("names") or {}).values(), *(case.checks.get("glossary") or {}).values()]
    allowed = " ".join([case.reference or "", *map(str, terms)])
    counts = make_up(text)
    if case.target_lang in ("ja", "zh"):
        known = {word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", allowed))}
        for word in _WORD.findall(text):
            brand = word.isupper() or (
                case.source_lang == "en" and not word[0].islower() and not _common(word, case.source)
            )
            if word.lower() not in known and not brand:
                return False
        if case.target_lang == "ja":
            foreign = simplified_only(text)
            return not foreign or set(foreign) <= set(allowed)
        return counts.hiragana == 0 and (counts.katakana == 0 or make_up(allowed).katakana > 0)
    if case.target_lang == "en":
        return counts.kana + counts.han == 0 or make_up(allowed).kana + make_up(allowed).han > 0
    return None


def _common(word: str, source: str) -> bool:
    """Whether a capitalised word is an ordinary word of the source (it stands there in lower case, or not at all)."""
    return word not in source or word.lower() in _WORD.findall(source)


def names(case: Case, answer: str) -> bool | None:
    """Each agreed name whose source form occurs in the source stands in the answer."""
    return _terms(case, answer, "names")


def glossary(case: Case, answer: str) -> bool | None:
    """Each glossary term whose source form occurs in the source is rendered as the glossary says."""
    return _terms(case, answer, "glossary")


def _terms(case: Case, answer: str, key: str) -> bool | None:
    table = case.checks.get(key)
    if not table:
        return None
    due = [str(target) for term, target in table.items() if contains(case.source, str(term), case.source_lang)]
    if not due:
        return None
    have = normalise(answer)
    return all(normalise(target) in have for target in due)


def numbers_kept(case: Case, answer: str) -> bool | None:
    """Numbers of two digits or more, written in digits in the source, stand in the answer in some script.

    One-digit numbers are often words in good prose (二人, both) and are left alone; signs and percent marks may be
    words as well.
    """
    source = unicodedata.normalize("NFKC", case.source)
    found = [n for n in numbers(source) if re.search(r"\d", source[n.start : n.end])]
    wanted = {abs(n.value) for n in found if abs(n.value) >= 10}
    if not wanted:
        return None
    if case.target_lang == "en" and not re.search(r"\d", answer):
        return None  # may be spelt out in words
    have = {abs(n.value) for n in numbers(answer)}
    return all(have & {value, value * 100, value / 100, value / 10_000, value * 10_000} for value in wanted)


def lines(case: Case, answer: str) -> bool | None:
    """As many lines as the source (trailing white space aside)."""
    if not answer.strip():
        return False
    return answer.strip().count("\n") == case.source.strip().count("\n")


def not_copied(case: Case, answer: str) -> bool | None:
    """The answer is not the source. Applies where source and target differ in wording by nature: some letters, and a
    reference (if any) that is not the source itself."""
    source = normalise(case.source)
    if case.source_lang == case.target_lang or make_up(case.source).letters < 2:
        return None
    if case.reference is not None and normalise(case.reference) == source:
        return None
    have = normalise(answer)
    if not have:
        return False
    if have == source:
        return False
    return not (len(source) >= 8 and source in have)


_NOTE = re.compile(
    r"^\s*(?:here(?:'s| is| are)\b.*:|translat(?:ion|ed text)\s*:|sure[,!.]|certainly[,!.]|(?:output|answer)\s*:"
    r"|(?:以下(?:は|が|に)|日本語訳\s*[:：]|翻訳\s*[:：]|訳\s*[:：]|訳文\s*[:：]|译文\s*[:：]|翻译\s*[:：]|以下是))"
    r"|[(（\[【※]\s*(?:訳者?注|注|译者?注|译注|note|translator'?s? note|n\.b\.)"
    r"|(?:^|\n)\s*(?:note|注釈?|訳注|备注|補足)\s*[:：]"
    r"|<\/?think>|^```",
    re.I,
)


_ASIDE = re.compile(r"[(（]([^()（）\n]*)[)）]?")
_READING = re.compile(r"[ぁ-ゖァ-ヺー・\u2010-\u2015A-Za-z .'-]*|.{0,2}")


def no_notes(case: Case, answer: str) -> bool | None:
    """No note, preface or heading that the source does not have."""
    if not answer.strip():
        return False
    if _NOTE.search(answer) and not _NOTE.search(case.source):
        return False
    # a bracketed aside that the source has not; a reading in kana or Latin letters (天安（チョンアン）) is none
    asides = [aside for aside in _ASIDE.findall(answer) if not _READING.fullmatch(aside)]
    allowed = max(len(re.findall(r"[(（\[【「『〈《]", case.source)), len(_ASIDE.findall(case.reference or "")))
    return len(asides) <= allowed
