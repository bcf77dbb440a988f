"""Names and terms of a document, as a first pass to edit: what a glossary for it should agree on.

Where a grammar cuts words it says what may be a name or term; where the script has capitals, a name is a run of
capitalised words that stands inside a sentence somewhere and is never written small. Repeated pairs of uncommon words
are terms. What everybody knows (days, months, languages, countries) and what the glossary has already are left out. Our
choice.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from in2x.formats.document import Segment
from in2x.language.calendar import common_names
from in2x.language.grammar import grammar
from in2x.language.han_sounds import FOREIGN_NAME
from in2x.language.inflection import forms
from in2x.language.language import Language, language
from in2x.language.number_words import number_facts
from in2x.language.words import Word, words_of
from in2x.principles.translation_checks import CASED
from in2x.translate.glossary import COLUMNS, Glossary

Kind = Literal["name", "term", "katakana"]
CONTEXTS = 3
"""Contexts that are kept of a candidate."""
AROUND = 40
"""Characters shown on each side of it."""
TWICE = 2
"""Times that what is no name must stand in the document."""
NOUNS = 0.18
"""Share of capitals inside sentences above which a language writes its nouns with them."""
_TIES = frozenset("of the de del della di du des la le van von der den zu da dos".split())  # noqa: SIM905
"""Words in small letters inside a name."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a term."""

    term: str
    kind: Kind
    count: int
    places: tuple[str, ...]
    """Where its first occurrences stand, for people."""
    contexts: tuple[str, ...]
    """The words around them."""
    segments: tuple[int, ...]
    """0-based numbers of these segments."""
    target: str = ""
    """A proposal of a model."""
    doubt: str = ""
    """Why the proposal is to be looked at; "" where nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    term: str
    kind: Kind
    segment: int
    start: int
    end: int


def extract(segments: Sequence[Segment], source_lang: str, known: Glossary | None = None) -> list[Candidate]:
    """The names and terms of a document, names first, then by how often they stand in it.

    Args:
        segments: its texts.
        source_lang: code of their language.
        known: terms that are agreed on already.
    """
    tongue = language(source_lang)
    if grammar(tongue.code) is not None:
        seen = list(_by_grammar(segments, tongue))
    elif tongue.scripts[0] in CASED:
        seen = [*_capitalised(segments, tongue), *_pairs(segments, tongue)]
    else:
        seen = list(_by_sound(segments))
    spoken = [_Seen(one.speaker, "name", n, -1, -1) for n, one in enumerate(segments) if one.speaker]
    return _ranked([*seen, *spoken], segments, tongue, known)


def _ranked(
    seen: Iterable[_Seen], segments: Sequence[Segment], tongue: Language, known: Glossary | None
) -> list[Candidate]:
    groups: dict[str, list[_Seen]] = defaultdict(list)
    for one in seen:
        groups[one.term].append(one)
    common = common_names(tongue.code)
    found = []
    for term, places in groups.items():
        kind = Counter(one.kind for one in places).most_common(1)[0][0]
        if len(term) < 2 or term.startswith("#") or term.lower() in common or (kind == "term" and len(places) < TWICE):
            continue
        if kind == "katakana" and len(places) < TWICE and len(term) < 4:  # a sound, or a word by another spelling
            continue
        if term.isupper() and len(term) > 5 and tongue.scripts[0] in CASED:  # shouted
            continue
        if known is not None and known.due(term):
            continue
        first = [one for one in places if one.start >= 0][:CONTEXTS] or places[:CONTEXTS]
        found.append(Candidate(
            term, kind, len(places),
            tuple(segments[one.segment].place or f"segment {one.segment + 1}" for one in first),
            tuple(_context(segments[one.segment].text, one) for one in first),
            tuple(one.segment for one in first),
        ))  # fmt: skip
    order = ("name", "katakana", "term")
    return sorted(found, key=lambda one: (order.index(one.kind), -one.count, one.term))


def _context(text: str, one: _Seen) -> str:
    if one.start < 0:
        return " ".join(text[: 2 * AROUND].split())
    head, tail = text[max(0, one.start - AROUND) : one.start], text[one.end : one.end + AROUND]
    return " ".join(f"{'…' * (one.start > AROUND)}{head}{text[one.start : one.end]}{tail}".split()) + (
        "…" * (one.end + AROUND < len(text))
    )


def _by_grammar(segments: Sequence[Segment], tongue: Language) -> Iterator[_Seen]:
    rules = grammar(tongue.code)
    for number, segment in enumerate(segments):
        for word in rules.names(segment.text) if rules else ():
            kind: Kind = "name" if word.lemma == "name" else "katakana" if word.lemma == "katakana" else "term"
            yield _Seen(segment.text[word.start : word.end], kind, number, word.start, word.end)


def _by_sound(segments: Sequence[Segment]) -> Iterator[_Seen]:
    """Foreign names by the characters that write sounds, where neither capitals nor a grammar tell them."""
    for number, segment in enumerate(segments):
        for match in FOREIGN_NAME.finditer(segment.text):
            if len(match[0]) > 2:
                yield _Seen(match[0], "term", number, *match.span())
        for match in re.finditer(r"[《「『“]([^》」』”\n]{2,12})[》」』”]", segment.text):
            yield _Seen(match[1], "term", number, *match.span(1))


def _capitalised(segments: Sequence[Segment], tongue: Language) -> Iterator[_Seen]:
    found: list[tuple[_Seen, bool]] = []
    small: Counter[str] = Counter()
    inside = capitals = 0
    for number, segment in enumerate(segments):
        words = words_of(segment.text)
        small.update(word.text for word in words if word.text.islower())
        free = [word for word in words if not word.sentence]
        title = len(words) > 2 and sum(word.text[0].isupper() for word in words[1:]) > 0.75 * (len(words) - 1)
        if not title and not segment.text.isupper():
            inside += len(free)
            capitals += sum(word.text[0].isupper() for word in free)
        for run in _runs(words, segment.text, tongue):
            start, end = run[0].start, run[-1].end
            # a name before a colon is a speaker's
            begins = (run[0].sentence and segment.text[end : end + 1] not in (":", "：")) or title
            found.append((_Seen(segment.text[start:end], "name", number, start, end), not begins))
    sure = {one.term for one, free in found if free}
    nouns = inside > 50 and capitals / inside > NOUNS
    counts = Counter(one.term for one, _ in found)
    parts = {word for term in counts if " " in term for word in term.split()}
    for one, _ in found:
        single = " " not in one.term and "-" not in one.term
        if one.term not in sure and counts[one.term] < 3:
            continue
        # where every noun has a capital, a word is a name that stands in a name of several words as well
        if single and (small[one.term.lower()] or (nouns and one.term not in parts)):
            continue
        yield one


def _runs(words: Sequence[Word], text: str, tongue: Language) -> Iterator[list[Word]]:
    """Runs of capitalised words: small ties between two of them belong to the run."""
    run: list[Word] = []
    for at, word in enumerate(words):
        joined = bool(run) and re.fullmatch(r"[ \u00a0-]|['’]", text[run[-1].end : word.start]) is not None
        capital = word.text[0].isupper() and word.text.lower() not in tongue.pack.words | tongue.pack.abbreviations
        tie = word.text in _TIES and at + 1 < len(words) and words[at + 1].text[0].isupper()
        if run and joined and (capital or tie):
            run.append(word)
            continue
        if run:
            yield _trimmed(run)
        run = [word] if capital and len(word.text) > 1 else []
    if run:
        yield _trimmed(run)


def _trimmed(run: list[Word]) -> list[Word]:
    while run[-1].text in _TIES or run[-1].text == "s":
        run = run[:-1]
    return run


def _pairs(segments: Sequence[Segment], tongue: Language) -> Iterator[_Seen]:
    """Two uncommon words in small letters that mostly stand together: a term of the document."""
    usual = tongue.pack.words | set(number_facts(tongue.code).words)
    texts = [words_of(segment.text) for segment in segments]
    single = Counter(word.text.lower() for words in texts for word in words)
    pairs: dict[tuple[str, str], list[_Seen]] = defaultdict(list)
    for number, (segment, words) in enumerate(zip(segments, texts, strict=True)):
        for a, b in pairwise(words):
            plain = all(w.text.islower() and len(w.text) > 2 and w.text not in usual for w in (a, b))
            if plain and segment.text[a.end : b.start] in (" ", "-"):
                one = _Seen(segment.text[a.start : b.end].lower(), "term", number, a.start, b.end)
                pairs[a.text, _base(b.text, single, tongue.code)].append(one)
    for (left, right), places in pairs.items():
        if len(places) >= 3 and len(places) >= 0.5 * min(single[left], single[right]):
            shortest = min((one.term for one in places), key=len)
            yield from (_Seen(shortest, "term", one.segment, one.start, one.end) for one in places)


def _base(word: str, known: Mapping[str, int], code: str) -> str:
    """The singular, where the document has it as well."""
    return next((w for w in (word[:-1], word[:-2]) if known.get(w) and word in forms(w, code)), word)


def table(candidates: Sequence[Candidate]) -> str:
    """The candidates as a glossary to edit (TSV); a term without a target is not agreed on yet."""
    rows = ["\t".join(COLUMNS)]
    for one in candidates:
        times = "once" if one.count == 1 else f"{one.count} times"
        doubt = f"ambiguous: {one.doubt}; " if one.doubt else ""
        note = f"{doubt}{times}; {one.places[0]}: {one.contexts[0]}" if one.places else f"{doubt}{times}"
        part = "name" if one.kind == "name" else ""
        rows.append("\t".join(" ".join(cell.split()) for cell in (one.term, one.target, "", note, part, "")))
    return "\n".join(rows) + "\n"
