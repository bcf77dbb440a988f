"""Where agreed terms stand in a text, in any of their forms: the one way in which the project looks for a term.

Where spaces part the words, a term is found as whole words in the forms that the pack's rules make (`inflection.py`);
where endings are not known, or follow a word without a space, what begins with the term is it too. Where a grammar
cuts words, a term is found by its characters, unless a word of the text straddles its border (京都 in 東京都), and by
lemmas: conjugated, or in kanji for kana. Elsewhere by its characters. The longest term is found first: what it covers
is no place of a shorter one. Our choice.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from in2x.language.grammar import grammar
from in2x.language.inflection import folded, forms
from in2x.language.language import language
from in2x.language.script import HIRAGANA, KATAKANA
from in2x.principles.place import Span, counts, normalise

VARIANTS = "|"
"""Between renderings of which any is right."""
_WORD = re.compile(r"\w+(?:['’]\w+)*(?:s['’](?!\w))?")
_GAP = re.compile(r"[\s\u00ad\u2010-\u2015-]*")
_OPEN = frozenset({"Kore", "Hang"})
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")
_KATAKANA = re.compile(f"[{KATAKANA}]")
_LATIN = re.compile("[A-Za-z0-9]")


def variants(target: str) -> tuple[str, ...]:
    """The renderings that a cell of a glossary allows, the preferred one first: "A|B"."""
    return tuple(part.strip() for part in target.split(VARIANTS) if part.strip())


class Terms:
    """A list of terms in one language, ready to be looked for. `terms`: as agreed; `exact`: those in which capitals
    count."""

    def __init__(self, terms: Iterable[str], lang: str, exact: Iterable[str] = ()) -> None:
        tongue = language(lang)
        self.terms = tuple(dict.fromkeys(term for term in terms if term.strip()))
        self._exact = frozenset(exact)
        self._code = tongue.code
        self._spaced = tongue.spaced
        self._open = tongue.scripts[0] in _OPEN or not (tongue.pack.endings or tongue.pack.words)
        self._rules = None if tongue.spaced else grammar(tongue.code)
        self._literal: list[tuple[str, str]] = []
        self._by_word: dict[str, list[tuple[str, tuple[frozenset[str], ...]]]] = defaultdict(list)
        self._by_lemma: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        for term in self.terms:
            self._add(term)

    def _add(self, term: str) -> None:
        words = _WORD.findall(term)
        if self._spaced and words and "".join(words) == re.sub(r"[\s\u2010-\u2015-]", "", term):
            shapes = tuple(forms(word, self._code) for word in words)
            for form in shapes[0] if not self._open else {folded(words[0])[:2]}:
                self._by_word[form].append((term, shapes))
            return
        wanted = folded(term.strip()) if self._spaced else normalise(term) or folded(term.strip())
        self._literal.append((term, wanted))
        if self._rules is not None:
            lemmas = self._rules.phrase(term)
            if len(lemmas) > 1 or (lemmas and (len(lemmas[0]) > 1 or not _KANA.fullmatch(lemmas[0]))):
                self._by_lemma[lemmas[0]].append((term, lemmas))

    def places(self, text: str) -> Mapping[str, list[Span]]:
        """Term -> where it stands in `text`, in code points; terms that do not stand there are left out."""
        if not self.terms or not text:
            return {}
        found = {*self._in_words(text), *self._in_characters(text)} if self._by_word or self._literal else set()
        taken: list[Span] = []
        kept: dict[str, list[Span]] = defaultdict(list)
        for start, end, term in sorted(found, key=lambda place: (place[0] - place[1], place[0], place[2])):
            if term in self._exact and term not in unicodedata.normalize("NFKC", text[start:end]):
                continue
            # the same stretch may be two terms (a name and a word); a shorter one inside a longer is not meant
            if any(a <= start and end <= b and (a, b) != (start, end) for a, b in taken):
                continue
            taken.append((start, end))
            kept[term].append((start, end))
        return {term: sorted(kept[term]) for term in self.terms if term in kept}

    def _in_words(self, text: str) -> Iterable[tuple[int, int, str]]:
        if not self._by_word:
            return
        words = [(folded(match[0]), match.start(), match.end()) for match in _WORD.finditer(text)]
        for at, (word, start, end) in enumerate(words):
            for term, shapes in self._by_word.get(word[:2] if self._open else word, ()):
                last = at + len(shapes) - 1
                if last >= len(words) or not all(
                    _GAP.fullmatch(text, words[k][2], words[k + 1][1]) for k in range(at, last)
                ):
                    continue
                if all(self._fits(words[at + k][0], shape, k == len(shapes) - 1) for k, shape in enumerate(shapes)):
                    yield start, (words[last][2] if last > at else end), term

    def _fits(self, word: str, shape: frozenset[str], last: bool) -> bool:
        return word in shape or (self._open and last and any(word.startswith(form) for form in shape))

    def _in_characters(self, text: str) -> Iterable[tuple[int, int, str]]:
        if not self._literal:
            return
        letters, places = _letters(text, bare=not self._spaced)
        words = _cut(self._code, text) if self._rules is not None else ()
        borders = frozenset(p for _, start, end in words for p in (start, end))
        inside = frozenset(p for _, start, end in words for p in range(start + 1, end)) - borders
        for term, wanted in self._literal:
            at = letters.find(wanted)
            while at >= 0:
                start, end = places[at], places[at + len(wanted) - 1] + 1
                if self._alone(text, start, end, inside):
                    yield start, end, term
                at = letters.find(wanted, at + 1)
        lemmas = [lemma for lemma, _, _ in words]
        for at, lemma in enumerate(lemmas):
            for term, phrase in self._by_lemma.get(lemma, ()):
                start, end = words[at][1], words[min(at + len(phrase), len(words)) - 1][2]
                if tuple(lemmas[at : at + len(phrase)]) == phrase and not _continued(text, start, end):
                    yield start, end, term

    def _alone(self, text: str, start: int, end: int, inside: frozenset[int]) -> bool:
        """Whether what stands at `start` to `end` is a word of its own."""
        if self._spaced:
            return not (text[start].isalnum() and text[start - 1 : start].isalnum() and start > 0) and (
                self._open or not (text[end - 1].isalnum() and text[end : end + 1].isalnum())
            )
        if _continued(text, start, end):
            return False
        # a stem that inflects ends inside its word: only the beginning must be one's own
        return start not in inside and (end not in inside or not _straddles(text, end))


def _continued(text: str, start: int, end: int) -> bool:
    """Whether a word of Latin letters or katakana goes on before or behind a stretch (エルフ in ハイエルフ)."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return any(
        pattern.fullmatch(edge) and pattern.fullmatch(other)
        for edge, other in ((text[start], before), (text[end - 1], after))
        for pattern in (_KATAKANA, _LATIN)
    )


def _straddles(text: str, end: int) -> bool:
    """Whether the text goes on behind `end` in the same script (走 in 走行, not in 走る)."""
    last, following = text[end - 1], text[end : end + 1]
    return bool(following) and bool(_KANA.match(last)) == bool(_KANA.match(following))


def _letters(text: str, bare: bool) -> tuple[str, Sequence[int]]:
    """`text` as `folded`, and where each character comes from; `bare`: without white space and punctuation."""
    plain = folded(text)
    if not bare and len(plain) == len(text):
        return plain, range(len(text))
    pairs = [(letter, place) for place, char in enumerate(text) for letter in folded(char)
             if not bare or counts(letter)]  # fmt: skip
    return "".join(letter for letter, _ in pairs), [place for _, place in pairs]


@lru_cache(maxsize=1 << 12)
def _cut(code: str, text: str) -> tuple[tuple[str, int, int], ...]:
    rules = grammar(code)
    return tuple((word.lemma, word.start, word.end) for word in rules.words(text)) if rules else ()


@lru_cache(maxsize=1 << 12)
def _single(phrase: str, lang: str) -> Terms:
    return Terms((phrase,), lang)


def places(text: str, phrase: str, lang: str) -> list[Span]:
    """Where one phrase stands in `text` in any form; see `Terms`."""
    return list(_single(phrase, lang).places(text).get(phrase, ()))


def stands(answer: str, renderings: Iterable[str], lang: str) -> bool:
    """Whether one of `renderings` stands in `answer`: in any form, or letter by letter."""
    have = normalise(answer)
    return any((normalise(one) or one) in have or places(answer, one, lang) for one in renderings)


@lru_cache(maxsize=1 << 9)
def _listed(phrases: tuple[str, ...], lang: str) -> Terms:
    return Terms(phrases, lang)


def due(text: str, phrases: Iterable[str], lang: str) -> list[str]:
    """Those of `phrases` that stand in `text`, in the order given; of a longer and a shorter one the longer."""
    return list(_listed(tuple(phrases), lang).places(text))
