"""Checks by code of a translation in a document: placeholders, ruby, refusals, answers instead of translations.

They stand beside the fundamental principles (`fundamental.py`), which rewards are made of; `translate/findings.py` asks
both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from in2x.formats.document import Text
from in2x.formats.placeholders import pattern
from in2x.language import wording
from in2x.language.grammar import grammar
from in2x.language.language import language
from in2x.principles.case import Case
from in2x.principles.fundamental import Principle
from in2x.principles.place import NOWHERE, normalise
from in2x.principles.quantities import numbers_of
from in2x.principles.terms import due, places
from in2x.principles.verdict import KEPT, Verdict, not_applicable

_MORE = (
    r"https?://[!-;=?-Z_a-z~]+[\w/]|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[A-Za-z]{2,})+"
    r"|\\[A-Za-z]+\[\w+\]|\\[{}|.!><^$]"  # control codes of games: \\V[1]
    r"|\[[A-Za-z]+[._][\w.]+\]"  # [player.name]
)
"""What must stand in any translation, beside what formats take for placeholders."""


def placeholders(case: Case, answer: str) -> Verdict:
    """Every placeholder, control code and address of the source stands in the answer as often, and no other."""
    wanted, have = Counter(_codes(case.source)), Counter(_codes(answer))
    if not wanted and not have:
        return not_applicable("no placeholder stands in the source")
    lost, extra = wanted - have, have - wanted
    if lost:
        return Verdict(False, f"{next(iter(lost))} of the source is missing")
    if extra:
        code = next(iter(extra))
        at = answer.find(code)
        return Verdict(False, f"{code} is not in the source", *((at, at + len(code)) if at >= 0 else NOWHERE))
    return KEPT


def _codes(text: str) -> Iterator[str]:
    for match in pattern(more=_MORE).finditer(text):
        yield re.sub(r"\s", "", match[0])


def forbidden(case: Case, answer: str) -> Verdict:
    """No rendering that the glossary forbids for a term of the source."""
    table = case.checks.get("forbidden")
    if not table:
        return not_applicable("no rendering is forbidden")
    stand = due(case.source, table, case.source_lang)
    if not stand:
        return not_applicable("no term with a forbidden rendering stands in the source")
    allowed = [span for target in (case.checks.get("glossary") or {}).values() for one in str(target).split("|")
               for span in places(answer, one.strip(), case.target_lang)]  # fmt: skip
    for term in stand:
        for rendering in table[term]:
            for start, end in places(answer, str(rendering), case.target_lang):
                if not any(a <= start and end <= b for a, b in allowed):
                    return Verdict(False, f"{rendering} is forbidden for {term}", start, end)
    return KEPT


def no_refusal(case: Case, answer: str) -> Verdict:
    """The answer is no refusal to translate."""
    found = wording.search("refusal", answer)
    if not found or wording.search("refusal", case.source):
        return KEPT if answer.strip() else not_applicable("the answer is empty")
    return Verdict(False, "it reads as a refusal, not as a translation", *found.span())


def translated_not_answered(case: Case, answer: str) -> Verdict:
    """A source that asks or orders is translated, not answered or obeyed.

    Told by what an answer has and a translation has not: the opening of a reply ("Sure, here is ..."), "yes" or a
    number in place of a question.
    """
    source = case.source.strip()
    asks, orders = _asks(source), wording.search("orders", source) is not None
    if not asks and not orders:
        return not_applicable("the source neither asks nor orders")
    if asks and _asks(answer.strip(), loosely=True):
        return KEPT
    for name in ("opening", "promise"):
        found = wording.any_of(name).match(answer.strip())
        if found and len(found[0]) > 3 and not wording.any_of(name).match(source):
            return Verdict(False, "the source is answered, not translated")
    if not asks or "\n" in source or len(language(case.source_lang).sentences(source)) != 1:
        return KEPT
    if not answer.strip():
        return KEPT
    if wording.any_of("reply").match(answer.strip()) and not wording.any_of("reply").match(source):
        return Verdict(False, "the question is answered, not translated")
    stated = [n for n in numbers_of(answer, case.target_lang) if n.digits and n.sure]
    if stated and not numbers_of(source, case.source_lang) and len(normalise(answer)) < 12:
        return Verdict(False, "the question is answered, not translated", stated[0].start, stated[0].end)
    return KEPT


def _asks(text: str, loosely: bool = False) -> bool:
    """Whether a text closes as a question; `loosely`: whether it may be one."""
    closing = text.rstrip("\"'”’»）)」』】]。. ")
    names = ("asks", "may_ask") if loosely else ("asks",)
    return closing.endswith(("?", "？", "؟")) or any(wording.any_of(name, "{}$").search(closing) for name in names)


def ruby(case: Case, answer: str) -> Verdict:
    """No reading that stands beside its word in the source leaks into the answer, marks and brackets included."""
    rules = grammar(case.source_lang)
    readings = rules.ruby(case.source) if rules else []
    if not readings:
        return not_applicable("no ruby stands in the source")
    mark = re.search(r"《[^》]*》|｜|</?r(?:uby|t|p|b)>", answer)
    if mark:
        return Verdict(False, f"{mark[0]} is a mark of ruby", *mark.span())
    for reading in readings:
        if language(case.target_lang).scripts[0] != language(case.source_lang).scripts[0]:
            at = answer.find(reading.label)
            if at >= 0:
                why = f"{reading.label} is a reading that leaked in"
                return Verdict(False, why, at, at + len(reading.label))
    return KEPT


def tags(source: Text, answer: Text) -> Verdict:
    """The inline tags of the source, each once and well nested."""
    if not source.tags and not answer.tags:
        return not_applicable("no tag stands in the source")
    lost = Counter(tag.raw for tag in source.tags) - Counter(tag.raw for tag in answer.tags)
    extra = Counter(tag.raw for tag in answer.tags) - Counter(tag.raw for tag in source.tags)
    if lost:
        return Verdict(False, f"the tag {next(iter(lost))} is missing")
    if extra:
        return Verdict(False, f"the tag {next(iter(extra))} is not in the source")
    open_: list[int] = []
    for tag in answer.tags:
        if tag.kind == "open":
            open_.append(tag.number)
        elif tag.kind == "close" and (not open_ or open_.pop() != tag.number):
            return Verdict(False, f"the tag {tag.raw} closes what is not open", tag.at, tag.at + 1)
    return KEPT


def honorifics(case: Case, answer: str) -> Verdict:
    """No honorific form is wrong whoever speaks to whom."""
    rules = grammar(case.target_lang)
    if rules is None:
        return not_applicable("honorifics cannot be told")
    wrong = rules.misuse(answer)
    return Verdict(False, wrong[0].en, wrong[0].start, wrong[0].end) if wrong else KEPT


DOCUMENT: tuple[Principle, ...] = (
    Principle("forbidden", "No forbidden rendering of a term is used.", forbidden),
    Principle("placeholders", "Placeholders, control codes and addresses are kept.", placeholders),
    Principle("refusal", "It is no refusal.", no_refusal),
    Principle("answered", "The source is translated, not answered.", translated_not_answered),
    Principle("ruby", "No ruby leaks in.", ruby),
    Principle("honorifics", "Honorific forms are right.", honorifics),
)
"""In the order of tables and reports, behind the fundamental ones."""
