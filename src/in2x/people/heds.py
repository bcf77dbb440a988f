"""The Human Evaluation Datasheet (HEDS 3.0, Belz and Thomson, 2412.07940) of a campaign, as JSON and LaTeX.

Questions bear the numbers of the sheet; their wording here is ours and short. What the campaign knows is filled in:
items, evaluators, design, quality criteria, tests, agreement. What only people know comes from `about` in the recipe,
by the key named beside the question; what is nowhere is marked to be filled in, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from in2x.language.codes import known_name
from in2x.people.analysis.whole import Agreed, Analysis
from in2x.people.latex import escape
from in2x.people.model import CANNOT_TELL, RANK, SCORE, SPANS, Campaign, Question

OPEN = "TO BE FILLED IN"


@dataclass(frozen=True)
class Answer:
    """One question of the sheet."""

    number: str
    question: str
    answer: str
    criterion: str = ""
    """Of section 4, which is filled in once for each quality criterion."""


def datasheet(campaign: Campaign, analysis: Analysis) -> list[Answer]:
    """The sheet, in its order."""
    about = campaign.about

    def told(key: str) -> str:
        value = about.get(key)
        return str(value) if value not in (None, "") else f"{OPEN} (about.{key})"

    people = analysis.people
    practice = sum(len(s.items) for s in campaign.screens if s.practice)
    rows = [
        Answer("1.1.1", "Main reference", told("paper")),
        Answer("1.1.2", "Which experiment of it", told("experiment") if "experiment" in about else campaign.id),
        Answer("1.2.1", "Resources", told("resources")),
        Answer("1.3.1.1", "Who completes this sheet", told("author")),
        Answer("1.3.1.2", "Affiliation", told("affiliation")),
        Answer("1.3.1.3", "Email", told("email")),
        Answer("1.3.2.1", "Contact", told("contact")),
        Answer("2.1", "Type of input", "text: sentence or document"),
        Answer("2.2", "Type of output", "text: sentence or document"),
        Answer("2.3", "Task", "machine translation"),
        Answer("2.4", "Languages of input", f"{known_name(campaign.source_lang)} ({campaign.source_lang})"),
        Answer("2.5", "Languages of output", f"{known_name(campaign.target_lang)} ({campaign.target_lang})"),
        Answer("3.1.1", "How many outputs are evaluated", _outputs(analysis)),
        Answer("3.1.2", "How they were selected", told("selection")),
        Answer("3.1.3.1", "How statistical power was determined", "paired differences, design effect of documents, "
               "one-sided test at .05 with 80% power; simulated in benchmarks/people_coverage.py"),
        Answer("3.1.3.2", "Its outcome", _power(analysis)),
        Answer("3.2.1", "How many evaluators", str(people)),
        Answer("3.2.2", "Kind of evaluators (expertise, pay, known to the authors, authors)", told("evaluators")),
        Answer("3.2.3", "How they were recruited", told("recruitment")),
        Answer("3.2.4", "Training and practice", f"guidelines and {practice} practice items with feedback" if practice
               else "guidelines only" if campaign.guidelines else told("training")),
        Answer("3.2.5", "Other characteristics", told("characteristics")),
        Answer("3.3.1", "Preregistered", told("preregistered")),
        Answer("3.3.2", "How responses were collected", _collected(campaign)),
        Answer("3.3.3", "Quality assurance", _quality(analysis)),
        Answer("3.3.4", "What evaluators see", _seen(campaign)),
        Answer("3.3.5", "Free to choose when to start and pause", "yes; every action is saved at once"),
        Answer("3.3.6", "Told that they may ask, and comment", "yes: a comment and a flag on each item"),
        Answer("3.3.7", "Conditions in which they evaluate", told("conditions")),
        Answer("3.3.8", "Steps taken to control them", told("conditions_control")),
    ]  # fmt: skip
    for name, own in _criteria(campaign, analysis):
        rows += [Answer(a.number, a.question, a.answer, name) for a in own]
    return [
        *rows,
        Answer("5.1", "Ethics approval", told("ethics_approval")),
        Answer("5.2", "Personal data", told("personal_data")),
        Answer("5.3", "Special categories of personal data", told("special_data")),
        Answer("5.4", "Impact assessments", told("impact_assessment")),
    ]


def _outputs(analysis: Analysis) -> str:
    systems = len(analysis.systems) or (len(analysis.preferences.systems) if analysis.preferences else 0)
    judged = f"{analysis.judgements} judgements of {analysis.segments} segments in {analysis.documents} documents"
    return f"{judged} by {systems} systems"


def _power(analysis: Analysis) -> str:
    if analysis.power is None:
        return "not applicable: no paired scores"
    listed = "; ".join(f"{n} segments a system for a difference of {d}" for d, n in analysis.power.needed_here.items())
    return f"{listed} (documents as uneven as here)"


def _collected(campaign: Campaign) -> str:
    tool = campaign.about.get("imported")
    return f"with another tool ({tool})" if tool else "by in2x people: a web page, one invitation link a person"


def _quality(analysis: Analysis) -> str:
    controls = sum(a.controls for a in analysis.annotators)
    repeats = sum(a.repeats for a in analysis.annotators)
    failing = [a.name for a in analysis.annotators if a.fails]
    fixed = "fixed beforehand" if analysis.rules_fixed else "not fixed beforehand"
    rules = analysis.rules
    return (f"{controls} control items (rule: {100 * rules.attention:.0f}% seen through), {repeats} repeated items "
            f"(rule: consistency of {rules.consistency:g}), {fixed}; {len(failing)} annotators fail one; results "
            "are given with all, with weights, and without them")  # fmt: skip


def _seen(campaign: Campaign) -> str:
    source = {"shown": "the source", "hidden": "no source", "after": "the source after the first questions"}
    side = campaign.protocol.candidates
    return (f"whole documents segment by segment, {source[campaign.protocol.source]}, {side} translation"
            f"{'s side by side' if side > 1 else ''}, systems hidden")  # fmt: skip


def _criteria(campaign: Campaign, analysis: Analysis) -> Iterator[tuple[str, list[Answer]]]:
    agreed = {a.dimension: a for a in analysis.agreement}
    p = campaign.protocol
    if p.score:
        yield SCORE, _criterion(
            SCORE, "overall quality of the translation, meaning and expression", "101", "0 to 100", "slider and keys",
            "direct assessment after marking errors" if p.spans else "direct assessment", agreed.get(SCORE),
            analysis)  # fmt: skip
    if p.spans:
        names = ", ".join(p.severities) + (f"; categories {', '.join(p.categories)}" if p.categories else "")
        yield SPANS, _criterion(
            SPANS, "places where the translation is wrong", str(len(p.severities)), names, "marking in the text",
            "annotation of spans in target and source", agreed.get(SPANS), analysis)  # fmt: skip
    if p.rank:
        yield RANK, _criterion(
            RANK, "which translation is better", str(p.candidates), f"ranks 1 to {p.candidates}, ties allowed",
            "ordering side by side", "relative quality estimation", agreed.get(RANK), analysis)  # fmt: skip
    for question in p.questions:
        yield question.name, _criterion(
            question.name, _first(question.text), str(len(question.choices)), _choices(question), "buttons and keys",
            "multiple choice" + (" with a box for the reason" if question.why else ""), agreed.get(question.name),
            analysis)  # fmt: skip


def _first(words: Any) -> str:
    return str(next(iter(words.values()), ""))


def _choices(question: Question) -> str:
    return "; ".join(f"{_first(c.label) or c.value}" + ("" if c.worth is None else f" (counts {c.worth:g})")
                     for c in question.choices)  # fmt: skip


def _criterion(
    name: str, definition: str, size: str, values: str, shown: str, form: str, agreed: Agreed | None, analysis: Analysis
) -> list[Answer]:
    question = name not in (SCORE, SPANS, RANK)
    return [
        Answer("4.1.1", "Type of quality", "goodness"),
        Answer("4.1.2", "Aspect of the output", "both form and content"),
        Answer("4.1.3", "Frame of reference", "relative to the input" if not question else "in its own right or "
               "relative to the input, as the question says"),
        Answer("4.2.1", "Objective or subjective", "subjective"),
        Answer("4.2.2", "Absolute or relative", "relative" if name == RANK else "absolute"),
        Answer("4.2.3", "Intrinsic or extrinsic", "intrinsic"),
        Answer("4.3.1", "Name given to evaluators", name),
        Answer("4.3.2", "Definition given to evaluators", definition),
        Answer("4.3.3", "Size of the scale", size),
        Answer("4.3.4", "Values of the scale", values),
        Answer("4.3.5", "How the scale is shown", shown),
        Answer("4.3.6", "If there is no scale, what is asked", "not applicable"),
        Answer("4.3.7", "Question put to evaluators", definition),
        Answer("4.3.8", "Form of response", form),
        Answer("4.3.9", "How raw responses become results", f"mean worth; “{CANNOT_TELL}” left out and counted"
               if question else "Bradley-Terry and win rates" if name == RANK else "mean over judgements; standard "
               "scores by annotator; linear mixed model"),
        Answer("4.3.10", "Effect size and significance", analysis.ranking.test + ", all pairs and neighbours, with and "
               "without Holm's correction; differences with bootstrap-t intervals over documents" if analysis.ranking
               else "intervals by bootstrap over documents"),
        Answer("4.3.11.1", "Agreement between annotators: method", "Krippendorff's alpha, bootstrap over translations"
               + ("; F1 of marked characters" if name == SPANS else "")),
        Answer("4.3.11.2", "Agreement between annotators: value", _agreement(agreed)),
        Answer("4.3.12.1", "Agreement of annotators with themselves: method", "repeated items: 1 - mean gap / "
               "mean gap of any two scores"),
        Answer("4.3.12.2", "Agreement of annotators with themselves: value", _self(analysis)
               if name == analysis.dimension else "not measured"),
    ]  # fmt: skip


def _agreement(agreed: Agreed | None) -> str:
    found = [] if agreed is None else [
        f"{kind}: {a.value:.2f} ({a.low:.2f} to {a.high:.2f}, {a.units} translations)"
        for kind, a in agreed.alphas.items() if not math.isnan(a.value)]  # fmt: skip
    if agreed is not None and agreed.overlap is not None and not math.isnan(agreed.overlap.f1):
        found.append(f"F1 {agreed.overlap.f1:.2f} ({agreed.overlap.low:.2f} to {agreed.overlap.high:.2f})")
    return "; ".join(found) or "cannot be computed: nothing was judged twice"


def _self(analysis: Analysis) -> str:
    found = [a.consistency for a in analysis.annotators if a.consistency is not None]
    return f"{sum(found) / len(found):.2f} on average over {len(found)} annotators" if found else "not measured"


def as_json(rows: list[Answer]) -> dict[str, Any]:
    """The sheet as one object: number -> answer; section 4 by criterion."""
    sheet: dict[str, Any] = {"heds": "3.0", "answers": {}, "criteria": {}}
    for row in rows:
        place = sheet["criteria"].setdefault(row.criterion, {}) if row.criterion else sheet["answers"]
        place[row.number] = {"question": row.question, "answer": row.answer}
    return sheet


def as_latex(rows: list[Answer]) -> str:
    """The sheet as LaTeX sections of descriptions."""
    titles = {"1": "Main reference and resources", "2": "Evaluated systems",
              "3": "Sample of outputs, evaluators and design", "4": "Quality criteria", "5": "Ethics"}  # fmt: skip
    lines = [r"\section*{Human evaluation datasheet (HEDS 3.0)}"]
    section = criterion = ""
    for row in rows:
        if (row.number[0], row.criterion) != (section, criterion):
            if section:
                lines.append(r"\end{description}")
            if row.number[0] != section:
                lines.append(rf"\subsection*{{{row.number[0]} {titles[row.number[0]]}}}")
            section, criterion = row.number[0], row.criterion
            if criterion:
                lines.append(rf"\paragraph{{Criterion: {escape(criterion)}}}")
            lines.append(r"\begin{description}")
        answer = rf"\textbf{{{escape(row.answer)}}}" if row.answer.startswith(OPEN) else escape(row.answer)
        lines.append(rf"\item[{row.number}] \emph{{{escape(row.question)}}}: {answer}")
    return "\n".join([*lines, r"\end{description}", ""])
