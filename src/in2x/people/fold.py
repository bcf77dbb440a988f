"""The state of an item is the fold of its events, and a judgement is a row of that state.

Nothing is stored but events: a reload, another tab, the organiser's view and the results all come from here. Events
stand in the order of saving; each sets one field, so the last one counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from in2x.people.model import RANK, SCORE, SPANS, Campaign, Candidate, Event, Item, Judgement, Screen, Span

WEIGHTS = {"neutral": 0.0, "minor": 1.0, "major": 5.0, "critical": 25.0}
"""MQM weights of severities (Freitag et al. 2021)."""


def weight(span: Span) -> float:
    """What a span costs: by severity, but a non-translation 25 and minor punctuation .1 (Freitag et al. 2021)."""
    category = span.category.lower()
    if category.startswith("non-translation"):
        return 25.0
    return 0.1 if category == "fluency/punctuation" and span.severity == "minor" else WEIGHTS[span.severity]


@dataclass
class CandidateState:
    """What an annotator has said of one candidate so far."""

    score: float | None = None
    spans: tuple[Span, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    marked: bool = False
    """Whether spans were ever set: an empty list says "no error" only then, or where the item is finished."""

    def as_json(self) -> dict[str, Any]:
        """As in `GET /api/state`."""
        spans = [{"start": s.start, "end": s.end, "severity": s.severity, "category": s.category, "side": s.side}
                 for s in self.spans]  # fmt: skip
        return {"score": self.score, "spans": spans, "answers": self.answers, "why": self.why}


@dataclass
class ItemState:
    """What an annotator has said of one item so far."""

    version: int = 0
    done: bool = False
    flag: str | None = None
    comment: str = ""
    revealed: bool = False
    seconds: float | None = None
    rank: dict[str, int] = field(default_factory=dict)
    candidates: dict[str, CandidateState] = field(default_factory=dict)
    tries: int = 0
    """Practice: how often the answers were held against the known ones."""
    passed: bool = False
    changed: bool = False
    """The organiser edited the item after the last event: it is to be looked at again."""

    def of(self, candidate: str) -> CandidateState:
        """The state of a candidate, empty at first."""
        return self.candidates.setdefault(candidate, CandidateState())

    def as_json(self) -> dict[str, Any]:
        """As in `GET /api/state`."""
        return {"version": self.version, "done": self.done, "flag": self.flag, "comment": self.comment,
                "revealed": self.revealed, "seconds": self.seconds or 0.0, "rank": self.rank,
                "candidates": {id: state.as_json() for id, state in self.candidates.items()}}  # fmt: skip


def fold(
    events: Iterable[Event],
    item: Item,
    revision: int = 0,
    older: Mapping[int, Item] | None = None,
    before_source: frozenset[str] = frozenset(),
) -> ItemState:
    """The state of `item` after `events` (of one annotator, in the order of saving).

    Args:
        events: those of this item.
        item: as it is now, at `revision`.
        revision: of its screen.
        older: the item at earlier revisions, where it was edited: spans in a text that has changed are dropped.
        before_source: names of the questions whose answers count only until the source is revealed.
    """
    state = ItemState()
    last = revision
    for event in events:
        _apply(state, event, before_source)
        state.version, last = event.version, event.revision
        seen = (older or {}).get(event.revision)
        if event.kind == "spans" and seen is not None and event.revision != revision:
            kept = state.of(event.value["candidate"])
            kept.spans = _still_there(kept.spans, event.value["candidate"], seen, item)
    seen = (older or {}).get(last)
    if state.version and last != revision and seen is not None and _text(seen) != _text(item):
        state.changed, state.done = True, False
    return state


def _text(item: Item) -> tuple[object, ...]:
    return item.source, tuple((c.id, c.text) for c in item.candidates)


def _still_there(spans: tuple[Span, ...], candidate: str, seen: Item, now: Item) -> tuple[Span, ...]:
    def text(item: Item, side: str) -> str | None:
        if side == "source":
            return item.source
        return next((c.text for c in item.candidates if c.id == candidate), None)

    return tuple(span for span in spans if text(seen, span.side) == text(now, span.side))


def _apply(state: ItemState, event: Event, before_source: frozenset[str]) -> None:
    value = event.value
    match event.kind:
        case "score":
            state.of(value["candidate"]).score = value["score"]
        case "spans":
            one = state.of(value["candidate"])
            one.spans, one.marked = tuple(Span(**span) for span in value["spans"]), True
        case "rank":
            state.rank = dict(value["ranks"])
        case "answer":
            late = state.revealed and value["question"] in before_source
            answers = state.of(value["candidate"]).answers
            if late:
                pass  # it was given with the source in sight, which the question must not be
            elif value["choice"] is None:
                answers.pop(value["question"], None)
            else:
                answers[value["question"]] = value["choice"]
        case "why":
            state.of(value["candidate"]).why[value["question"]] = value["text"]
        case "comment":
            state.comment = value["text"]
        case "reveal":
            state.revealed = True
        case "time":
            state.seconds = (state.seconds or 0.0) + value["seconds"]
        case "finish":
            state.done = True
        case "reopen":
            state.done = False
        case "flag":
            state.flag = value["text"]
        case "unflag":
            state.flag = None
        case "practice":
            state.tries, state.passed = state.tries + 1, value["passed"]


def fields_of(kind: str, value: Mapping[str, Any]) -> str | None:
    """The field that an event sets, as `API.md` writes it; None for what two tabs cannot disagree on."""
    match kind:
        case "score" | "spans":
            return f"{kind}:{value['candidate']}"
        case "answer" | "why":
            return f"{kind}:{value['candidate']}:{value['question']}"
        case "rank" | "comment":
            return kind
        case "finish" | "reopen":
            return "done"
        case "flag" | "unflag":
            return "flag"
    return None


def shown_order(item: Item, annotator: str, seed: int) -> list[Candidate]:
    """The candidates in the order in which `annotator` sees them: shuffled, the same at every visit."""

    def place(candidate: Candidate) -> bytes:
        return hashlib.blake2b(f"{seed}\0{annotator}\0{item.id}\0{candidate.id}".encode(), digest_size=8).digest()

    return sorted(item.candidates, key=place)


def judgements(
    campaign: Campaign, screen: Screen, item: Item, annotator: str, state: ItemState, seed: int
) -> Iterator[Judgement]:
    """The rows that `state` gives: for each candidate its score, spans, rank and answers, those that there are."""
    protocol = campaign.protocol
    for position, candidate in enumerate(shown_order(item, annotator, seed)):
        one = state.candidates.get(candidate.id, CandidateState())

        def row(
            dimension: str, value: float | str | None, spans: Sequence[Span] = (), why: str = "",
            worth: float | None = None, candidate: Candidate = candidate, position: int = position,
        ) -> Judgement:  # fmt: skip
            return Judgement(
                campaign.id, item.id, item.segment, screen.document, candidate.system, annotator, dimension, value,
                tuple(spans), why, state.seconds, "practice" if screen.practice else item.role_of(candidate),
                item.phenomena, candidate.id, position, worth,
            )  # fmt: skip

        if one.score is not None:
            yield row(SCORE, one.score, one.spans)
        if protocol.spans and (one.marked or state.done):
            yield row(SPANS, -sum(weight(span) for span in one.spans), one.spans)
        if candidate.id in state.rank:
            yield row(RANK, float(state.rank[candidate.id]))
        for question in protocol.questions:
            if (choice := one.answers.get(question.name)) is not None:
                worth = next((c.worth for c in question.choices if c.value == choice), None)
                yield row(question.name, choice, (), one.why.get(question.name, ""), worth)
