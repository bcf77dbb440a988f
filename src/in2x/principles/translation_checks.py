"""Checks by code of an answer against its source: traps, natural renderings, names, numbers, lines, notes.

What is left untranslated is told in `residue.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from in2x.language import cased_names, wording
from in2x.language.finding import Finding
from in2x.language.grammar import grammar
from in2x.language.language import language
from in2x.language.number_words import number_facts
from in2x.language.words import words_of
from in2x.principles.case import TRANSLATE, Case
from in2x.principles.phrases import occurrence
from in2x.principles.place import NOWHERE, Span, normalise, place_of
from in2x.principles.quantities import compare
from in2x.principles.terms import due, stands, variants
from in2x.principles.text_checks import EMPTY
from in2x.principles.verdict import KEPT, Verdict, not_applicable

CASED = frozenset({"Latn", "Cyrl", "Grek", "Armn"})
"""Scripts with capitals."""


def listed(phrases: Iterable[str], most: int = 5) -> str:
    """Phrases for people, the first ones where there are many."""
    shown = list(phrases)
    return ", ".join(shown[:most]) + (", ..." if len(shown) > most else "")


def no_trap(case: Case, answer: str) -> Verdict:
    """None of the literal renderings appears."""
    traps = case.checks.get("traps")
    if not traps:
        return not_applicable("no literal rendering is known")
    for trap in traps:
        if (span := occurrence(answer, str(trap), case.target_lang)) is not None:
            return Verdict(False, f"{trap} is a rendering word for word", *span)
    return KEPT


def natural(case: Case, answer: str) -> Verdict:
    """One of the accepted natural renderings appears."""
    accepted = case.checks.get("natural")
    if not accepted:
        return not_applicable("no natural rendering is known")
    for rendering in accepted:
        if (span := occurrence(answer, str(rendering), case.target_lang)) is not None:
            return Verdict(True, f"has {rendering}", *span)
    return Verdict(False, f"has none of {listed(map(str, accepted))}")


def names(case: Case, answer: str) -> Verdict:
    """Each agreed name whose source form occurs in the source stands in the answer; and no name stands for another,
    where that can be told: by the names of the reference, or by their sound."""
    agreed = _terms(case, answer, "names", "name")
    if agreed.kept is False or case.task != TRANSLATE:
        return agreed
    swapped = _swapped(case, answer)
    if isinstance(swapped, Finding):
        return Verdict(False, swapped.en, swapped.start, swapped.end)
    return KEPT if swapped else agreed


def _swapped(case: Case, answer: str) -> Finding | bool | None:
    rules, target = grammar(case.target_lang), language(case.target_lang)
    if rules:
        return rules.swapped_name(case.source, answer, case.reference)
    if case.reference and target.scripts[0] in CASED:
        return cased_names.swapped_name(case.source, answer, case.reference, target)
    return None


def glossary(case: Case, answer: str) -> Verdict:
    """Each glossary term whose source form occurs in the source is rendered as the glossary says."""
    return _terms(case, answer, "glossary", "term")


def _terms(case: Case, answer: str, key: str, what: str) -> Verdict:
    table = case.checks.get(key)
    if not table:
        return not_applicable(f"no {what} is agreed")
    agreed = {str(term): variants(str(target)) for term, target in table.items()}
    wanted = {term: agreed[term] for term in due(case.source, agreed, case.source_lang) if agreed[term]}
    if not wanted:
        return not_applicable(f"no agreed {what} stands in the source")
    missing = [f"{' or '.join(renderings)} for {term}" for term, renderings in wanted.items()
               if not stands(answer, renderings, case.target_lang)]  # fmt: skip
    return Verdict(False, f"{listed(missing)} is missing") if missing else KEPT


def numbers_kept(case: Case, answer: str) -> Verdict:
    """The numbers of the source stand in the answer, in any writing; see `quantities.py` for what is decided."""
    if not number_facts(case.target_lang).known and not re.search(r"\d", answer):
        return not_applicable("numbers may be spelt out in words")
    found = compare(case.source, case.source_lang, answer, case.target_lang)
    if found.lost:
        written = [case.source[number.start : number.end].strip() for number in found.lost]
        place = (found.extra[0].start, found.extra[0].end) if len(found.extra) == len(found.lost) == 1 else NOWHERE
        return Verdict(False, f"{listed(dict.fromkeys(written))} of the source is missing", *place)
    if found.kept:
        return KEPT
    return not_applicable("no number of the source can be looked for")


def lines(case: Case, answer: str) -> Verdict:
    """As many lines as the source (trailing white space aside)."""
    if not answer.strip():
        return EMPTY
    have, wanted = answer.strip().count("\n") + 1, case.source.strip().count("\n") + 1
    return KEPT if have == wanted else Verdict(False, f"{have} lines; the source has {wanted}")


def not_copied(case: Case, answer: str) -> Verdict:
    """The answer is not the source. Applies where source and target differ in wording by nature: some letters, and a
    reference (if any) that is not the source itself."""
    source = normalise(case.source)
    if case.source_lang == case.target_lang or sum(len(word.text) for word in words_of(case.source)) < 2:
        return not_applicable("the source may stay as it is")
    if case.reference is not None and normalise(case.reference) == source:
        return not_applicable("the accepted answer is the source")
    have = normalise(answer)
    if not have:
        return Verdict(False, "the answer has no words")
    if have == source or (len(source) >= 8 and source in have):
        return Verdict(False, "the source is copied", *place_of(answer, case.source))
    return KEPT


_ASIDE = re.compile(r"[(（]([^()（）\n]*)[)）]?")
_READING = re.compile(r"[ぁ-ゖァ-ヺー・\u2010-\u2015A-Za-z .'-]*|.{0,2}")


def no_notes(case: Case, answer: str) -> Verdict:
    """No note, preface or heading that the source does not have."""
    if not answer.strip():
        return EMPTY
    note = wording.search("notes", answer)
    if note and not wording.search("notes", case.source):
        return Verdict(False, f"{note[0].strip()!r} is a note or preface", *_bare(answer, note.span()))
    # a bracketed aside that the source has not; a reading in kana or Latin letters (天安（チョンアン）) is none
    asides = [aside for aside in _ASIDE.finditer(answer) if not _READING.fullmatch(aside[1])]
    allowed = max(len(re.findall(r"[(（\[【「『〈《]", case.source)), len(_ASIDE.findall(case.reference or "")))
    if len(asides) <= allowed:
        return KEPT
    return Verdict(False, f"{asides[-1][0]} is added in brackets", *asides[-1].span())


def _bare(text: str, span: Span) -> Span:
    """`span` without the white space around it."""
    start, end = span
    inside = text[start:end]
    start, end = start + len(inside) - len(inside.lstrip()), end - (len(inside) - len(inside.rstrip()))
    return (start, end) if start < end else NOWHERE
