"""Code checks as numbers: what rules see in one translation, higher being better, so that they can be correlated.

    table = check_segments(Segments(sources, hypotheses, source, target, references=references, documents=documents))
    table["numbers"]         # [segments], NaN where the check does not apply

Three families: against the source, against the document around it, against a reference (left out where there is none).
The definitions are our choice; the rules behind them are those of `language/` and of the principles.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from in2x.errors import In2xError
from in2x.evaluate.audit import copied, ngrams
from in2x.language.grammar import Grammar, grammar
from in2x.language.language import language
from in2x.language.script import letter_counts, letters_of, make_up
from in2x.metrics.significance import Floats
from in2x.principles.case import Case
from in2x.principles.fundamental import check_principles
from in2x.principles.quantities import compare
from in2x.principles.verdict import share

NONE = float("nan")


@dataclass(frozen=True)
class Segments:
    """Translations by one system, in the order of their documents.

    Attributes:
        references: one a segment, or None.
        documents: which document each segment belongs to; without it every segment stands alone.
    """

    sources: Sequence[str]
    hypotheses: Sequence[str]
    source_lang: str
    target_lang: str
    references: Sequence[str] | None = None
    documents: Sequence[str] | None = None


@dataclass(frozen=True)
class _Segment:
    source: str
    hypothesis: str
    source_lang: str
    target_lang: str
    reference: str

    @property
    def grammar(self) -> Grammar | None:
        """The grammar of the target language, where there is one."""
        return grammar(language(self.target_lang).code)


def check_segments(given: Segments) -> dict[str, Floats]:
    """Every check of every segment: name -> [segments], NaN where it does not apply.

    Raises:
        In2xError: numbers of segments differ.
    """
    for name, texts in (("sources", given.sources), ("references", given.references), ("documents", given.documents)):
        if texts is not None and len(texts) != len(given.hypotheses):
            raise In2xError(f"{len(given.hypotheses)} hypotheses but {len(texts)} {name}", mend="give one a segment")
    references = given.references if given.references is not None else [""] * len(given.hypotheses)
    segments = [
        _Segment(s, h, given.source_lang, given.target_lang, r)
        for s, h, r in zip(given.sources, given.hypotheses, references, strict=True)
    ]
    checks = AGAINST_SOURCE | (AGAINST_REFERENCE if given.references is not None else {})
    found = {name: np.array([check(segment) for segment in segments]) for name, check in checks.items()}
    rules = grammar(language(given.target_lang).code)
    if given.documents is not None and rules is not None:
        found |= _within_documents(given, given.documents, rules)
    return found


def _log_ratio(a: float, b: float) -> float:
    """Minus the distance of two lengths on a log scale; four letters more, so that short texts count less."""
    return -abs(math.log((a + 4) / (b + 4)))


def _length(s: _Segment) -> float:
    return _log_ratio(language(s.target_lang).weigh(s.hypothesis), language(s.source_lang).weigh(s.source))


def _script(s: _Segment) -> float:
    """Share of the letters that are in the script of the target language."""
    latin, _, others = letter_counts(s.hypothesis)
    if latin + others == 0:
        return NONE
    return len(letters_of(language(s.target_lang).scripts[0]).findall(s.hypothesis)) / (latin + others)


def _residue(s: _Segment) -> float:
    """Minus the share of characters left as they were in the source, or in a foreign script."""
    if s.grammar is None:
        return NONE
    return -sum(f.end - f.start for f in s.grammar.residue(s.hypothesis, s.source)) / max(len(s.hypothesis), 1)


def _repeated(s: _Segment) -> float:
    """Minus the share of 4-grams that have occurred before."""
    grams = ngrams(s.hypothesis, 4, s.target_lang)
    return len(set(grams)) / len(grams) - 1 if grams else NONE


def _numbers_kept(source: str, source_lang: str, answer: str, target_lang: str) -> float:
    """Share of the numbers that can be looked for, in any writing; NaN where there is none."""
    found = compare(source, source_lang, answer, target_lang)
    told = len(found.kept) + len(found.lost)
    return len(found.kept) / told if told else NONE


def _numbers(s: _Segment) -> float:
    """Share of the source's numbers that stand in the translation."""
    return _numbers_kept(s.source, s.source_lang, s.hypothesis, s.target_lang)


_TAGS = re.compile(r"https?://\S+|[@#]\w+|[\U0001f000-\U0001faff\u2600-\u27bf]")


def _tags(s: _Segment) -> float:
    """Share of addresses, mentions, hashtags and emoji of the source that are kept."""
    wanted = _TAGS.findall(s.source)
    return sum(tag in s.hypothesis for tag in wanted) / len(wanted) if wanted else NONE


def _marks(s: _Segment) -> float:
    """Minus the difference in questions, exclamations and quotations, counted in either script."""

    def count(text: str) -> tuple[int, ...]:
        text = unicodedata.normalize("NFKC", text)
        return text.count("?"), text.count("!"), len(re.findall(r"[「『“]|\"[^\"]*\"", text))

    return -float(sum(abs(a - b) for a, b in zip(count(s.source), count(s.hypothesis), strict=True)))


def _punctuation(s: _Segment) -> float:
    """Minus the breaks of the language's typesetting for each hundred characters."""
    if s.grammar is None:
        return NONE
    return -100 * len(s.grammar.punctuation(s.hypothesis)) / max(len(s.hypothesis), 20)


def _principles(s: _Segment) -> float:
    """Share of the principles kept that apply without a reference."""
    kept = share(check_principles(Case(s.source, s.source_lang, s.target_lang), s.hypothesis).values())
    return NONE if kept is None else kept


def _one_style(s: _Segment) -> float:
    """Share of the sentences (quotations apart) that close in the segment's usual style."""
    counts = s.grammar.styles(s.hypothesis) if s.grammar else []
    return max(counts.count("polite"), counts.count("plain")) / len(counts) if counts else NONE


AGAINST_SOURCE: dict[str, Callable[[_Segment], float]] = {
    "length": _length, "script": _script, "residue": _residue,
    "copied": lambda s: -copied(s.source, s.hypothesis, s.target_lang),
    "repeated": _repeated, "numbers": _numbers, "tags": _tags, "marks": _marks, "punctuation": _punctuation,
    "principles": _principles, "one style": _one_style,
}  # fmt: skip


def _same_register(s: _Segment) -> float:
    """1 where translation and reference are both formal or both informal."""
    return NONE if s.grammar is None else float(s.grammar.formality(s.hypothesis) == s.grammar.formality(s.reference))


def _same_politeness(s: _Segment) -> float:
    """Minus the distance in politeness, as the grammar measures it."""
    return NONE if s.grammar is None else -abs(s.grammar.politeness(s.hypothesis) - s.grammar.politeness(s.reference))


def _same_script(s: _Segment) -> float:
    """Minus half the distance in the shares of scripts: 0 alike, -1 nothing in common."""
    a, b = make_up(s.hypothesis), make_up(s.reference)
    if not sum(a) or not sum(b):
        return NONE
    return -sum(abs(x / sum(a) - y / sum(b)) for x, y in zip(a, b, strict=True)) / 2


_KATAKANA = re.compile(r"[ァ-ヴー]{3,}")


def _same_katakana(s: _Segment) -> float:
    """Share of the reference's katakana words, names and loans, that the translation has too."""
    wanted = set(_KATAKANA.findall(s.reference))
    return sum(word in s.hypothesis for word in wanted) / len(wanted) if wanted else NONE


def _same_numbers(s: _Segment) -> float:
    """Share of the reference's numbers that the translation has too."""
    return _numbers_kept(s.reference, s.target_lang, s.hypothesis, s.target_lang)


AGAINST_REFERENCE: dict[str, Callable[[_Segment], float]] = {
    "register as the reference": _same_register,
    "politeness as the reference": _same_politeness,
    "scripts as the reference": _same_script,
    "katakana of the reference": _same_katakana,
    "numbers of the reference": _same_numbers,
    "length as the reference": lambda s: _log_ratio(
        language(s.target_lang).weigh(s.hypothesis), language(s.target_lang).weigh(s.reference)
    ),
}


def _within_documents(given: Segments, documents: Sequence[str], rules: Grammar) -> dict[str, Floats]:
    """Names and style against the rest of the document."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, document in enumerate(documents):
        groups[document].append(index)
    names, style = np.zeros(len(documents)), np.full(len(documents), NONE)
    for indices in groups.values():
        if language(given.source_lang).scripts[0] == "Latn":  # names can be compared by sound
            sources, hypotheses = [given.sources[i] for i in indices], [given.hypotheses[i] for i in indices]
            for place, _ in rules.name_drift(sources, hypotheses):
                names[indices[place]] -= 1
        own = {i: rules.styles(given.hypotheses[i]) for i in indices}
        everything = [s for styles in own.values() for s in styles]
        if everything:
            usual = max(("plain", "polite"), key=everything.count)
            for i, styles in own.items():
                style[i] = styles.count(usual) / len(styles) if styles else NONE
    return {"names as in the document": names, "style as in the document": style}
