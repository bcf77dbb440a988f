"""An event as the page sends it, held against the item: what can be saved, and why something never can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from in2x.people.model import Item, Protocol, Question, Severity, Side
from in2x.records import sound

LONGEST = 4000
"""Characters of a why-box, a comment or a flag."""
MOST_SPANS = 1000


class Refused(Exception):
    """The event can never be saved; the text says why, for the page's message."""


def asked(question: Question, item: Item) -> bool:
    """Whether `question` is asked of `item`."""
    return not question.phenomena or bool(set(question.phenomena) & set(item.phenomena))


def checked(kind: str, value: Any, item: Item, protocol: Protocol) -> dict[str, Any]:
    """`value` as it is stored: exactly the keys of its kind, of the right types, within the texts of `item`.

    Raises:
        Refused: it is not a value of this kind for this item.
    """
    if not isinstance(value, Mapping):
        raise Refused("the value is no object")
    match kind:
        case "score":
            _wants(protocol.score, "a score")
            score = value.get("score")
            return {**_candidate(value, item), "score": None if score is None else _number(score, "the score", 0, 100)}
        case "spans":
            _wants(protocol.spans, "spans")
            return {**_candidate(value, item), "spans": _spans(value, item, protocol)}
        case "rank":
            _wants(protocol.rank, "an order")
            return {"ranks": _ranks(value.get("ranks"), item)}
        case "answer":
            question = _question(value, item, protocol)
            choice = value.get("choice")
            if choice is not None and choice not in [c.value for c in question.choices]:
                raise Refused(f"{question.name} has no choice {str(choice)[:40]!r}")
            return {**_candidate(value, item), "question": question.name, "choice": choice}
        case "why":
            name = _question(value, item, protocol).name
            return {**_candidate(value, item), "question": name, "text": _text(value)}
        case "comment" | "flag":
            return {"text": _text(value)}
        case "time":
            return {"seconds": _number(value.get("seconds"), "the time", 0, 3600)}
        case "reveal" | "finish" | "reopen" | "unflag":
            return {}
    raise Refused(f"there is no kind {kind[:40]!r}")


def _wants(asked: bool, what: str) -> None:
    if not asked:
        raise Refused(f"this campaign does not ask for {what}")


def _number(value: Any, what: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise Refused(f"{what} is no number")
    if not least <= value <= most:  # infinity and numbers of 400 digits, too
        raise Refused(f"{what} is not within {least} and {most}")
    return value


def _text(value: Mapping[str, Any]) -> str:
    text = value.get("text")
    if not isinstance(text, str):
        raise Refused("there is no text")
    if len(text) > LONGEST:
        raise Refused(f"the text is longer than {LONGEST} characters")
    return str(sound(text))


def _candidate(value: Mapping[str, Any], item: Item) -> dict[str, Any]:
    name = value.get("candidate")
    if name not in [candidate.id for candidate in item.candidates]:
        raise Refused(f"there is no candidate {str(name)[:40]!r} in {item.id}")
    return {"candidate": name}


def _question(value: Mapping[str, Any], item: Item, protocol: Protocol) -> Question:
    name = value.get("question")
    for question in protocol.questions:
        if question.name == name and asked(question, item):
            return question
    raise Refused(f"{item.id} is not asked {str(name)[:40]!r}")


def _spans(value: Mapping[str, Any], item: Item, protocol: Protocol) -> list[dict[str, Any]]:
    given = value.get("spans")
    if not isinstance(given, list) or len(given) > MOST_SPANS:
        raise Refused(f"spans are a list of at most {MOST_SPANS}")
    target = next(c.text for c in item.candidates if c.id == value["candidate"])
    found = []
    for span in given:
        if not isinstance(span, Mapping):
            raise Refused("a span is no object")
        start, end, side = span.get("start"), span.get("end"), span.get("side", "target")
        severity, category = span.get("severity"), span.get("category", "")
        if side not in get_args(Side):
            raise Refused(f"there is no side {str(side)[:40]!r}")
        size = len(target if side == "target" else item.source)
        whole = all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end))
        if not whole or not 0 <= start < end <= size:  # type: ignore[operator]
            raise Refused(f"the span {str(start)[:12]} to {str(end)[:12]} is not within the {size} characters")
        if severity not in get_args(Severity) or severity not in protocol.severities:
            raise Refused(f"there is no severity {str(severity)[:40]!r}")
        if category and category not in protocol.categories:
            raise Refused(f"there is no category {str(category)[:40]!r}")
        found.append({"start": start, "end": end, "severity": severity, "category": category or "", "side": side})
    return found


def _ranks(ranks: Any, item: Item) -> dict[str, int]:
    names = {candidate.id for candidate in item.candidates}
    if not isinstance(ranks, Mapping) or not set(ranks) <= names:
        raise Refused("the order names other candidates than the item has")
    for rank in ranks.values():
        if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= len(names):
            raise Refused(f"a rank is not within 1 and {len(names)}")
    return dict(ranks)
