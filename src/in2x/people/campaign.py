"""From a recipe to a campaign in the store: material, sampling, screens, assignment, controls, practice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from in2x.errors import UsageError
from in2x.language import language
from in2x.people.assignment import Load, assign
from in2x.people.config import CampaignConfig, PracticeConfig
from in2x.people.controls import Ids, plant
from in2x.people.incoming import asked
from in2x.people.material import REFERENCE, Document, Progress, read_material
from in2x.people.model import RANK, SCORE, SPANS, Campaign, Candidate, Item, Known, Protocol, Screen, Side
from in2x.people.sampling import ordered

LETTERS_OF_A_WORD = 5.0
"""Letters of an English word, by which other languages' lengths are counted in words."""


@dataclass(frozen=True)
class Built:
    """A campaign that is ready to be stored.

    Attributes:
        campaign: with its screens.
        assignments: annotator -> screens in order of work.
        seconds: estimated time of each annotator, controls and practice included.
        twice: share of the segments of systems that two people judge.
    """

    campaign: Campaign
    assignments: dict[str, list[str]]
    seconds: dict[str, float]
    twice: float


def build(config: CampaignConfig, progress: Progress) -> Built:
    """Make the campaign of `config`. The same config and material give the same campaign.

    Raises:
        In2xError: the material cannot be used, or nothing fits into the time.
    """
    protocol = config.protocol.build()
    documents = ordered(read_material(config, progress), config.sampling.by, config.seed)
    documents = _fitting(documents, config, protocol)
    rng = random.Random(config.seed)
    ids = Ids(rng, set())
    screens = {s.id: s for document in documents for s in _screens(document, protocol, ids, rng)}
    people = [f"p{number:02d}" for number in range(1, config.assignment.annotators + 1)]
    loads = [
        Load(s.id, s.document, tuple(dict.fromkeys(c.system for c in s.items[0].candidates)), len(s.items),
             seconds_of(s, config, protocol))
        for s in screens.values()
    ]  # fmt: skip
    a = config.assignment
    assignments = assign(loads, people, a.judgements, a.twice, config.seed)
    seen = [screen for mine in assignments.values() for screen in mine]
    more = sum(len(screens[s].items) for s in screens if seen.count(s) > 1)
    twice = more / (sum(len(screen.items) for screen in screens.values()) or 1)
    practice = _practice(config, protocol, ids)
    for person in people:
        order, planted = plant(screens, assignments[person], config.controls, config.target_lang, ids, rng)
        assignments[person] = [*(screen.id for screen in practice), *order]
        screens |= {screen.id: screen for screen in planted}
    screens = {screen.id: screen for screen in practice} | screens
    campaign = Campaign(
        config.name, config.words(config.title), config.source_lang, config.target_lang, protocol,
        tuple(screens.values()), config.words(config.guidelines), config.interface, round(60 * a.budget_minutes),
        {**config.about, "recipe": config.model_dump(mode="json")},
    )  # fmt: skip
    seconds = {
        person: sum(seconds_of(screens[s], config, protocol) for s in mine) for person, mine in assignments.items()
    }
    return Built(campaign, assignments, seconds, twice)


def seconds_of(screen: Screen, config: CampaignConfig, protocol: Protocol) -> float:
    """Estimated time for a screen: so much a word of each translation, so much a question."""
    tongue, total = language(config.target_lang), 0.0
    for item in screen.items:
        words = sum(tongue.weigh(candidate.text) for candidate in item.candidates) / LETTERS_OF_A_WORD
        questions = sum(asked(q, item) for q in protocol.questions) * len(item.candidates)
        total += words * config.assignment.seconds_a_word + questions * config.assignment.seconds_a_question
    return total


def _fitting(documents: Sequence[Document], config: CampaignConfig, protocol: Protocol) -> list[Document]:
    """The first documents up to the segments wanted and the time that all people have."""
    a = config.assignment
    copies = a.judgements + (a.twice if a.judgements == 1 and a.annotators > 1 else 0)
    controls = 1 + sum(getattr(config.controls, n) for n in ("degraded", "wrong_document", "source_copy", "repeats"))
    budget = a.annotators * a.budget_minutes * 60
    ids, rng = Ids(random.Random(0), set()), random.Random(0)
    kept: list[Document] = []
    segments, spent = 0, 0.0
    for document in documents:
        cost = sum(seconds_of(s, config, protocol) for s in _screens(document, protocol, ids, rng)) * copies * controls
        if budget and spent + cost > budget:
            continue  # a shorter one may fit yet
        kept.append(document)
        segments, spent = segments + len(document.segments), spent + cost
        if config.sampling.segments and segments >= config.sampling.segments:
            break
    if not kept:
        raise UsageError("not one document fits into the time of all annotators",
                         mend="raise assignment.budget_minutes or annotators, or lower sampling.longest")  # fmt: skip
    return kept


def _screens(document: Document, protocol: Protocol, ids: Ids, rng: random.Random) -> list[Screen]:
    """One screen a system, or a group of systems that are compared; each system stands in one at least."""
    names = list(document.translations)
    rng.shuffle(names)
    size = protocol.candidates
    if size > len(names):
        raise UsageError(f"{size} candidates of an item need as many systems", mend=f"there are {len(names)}")
    groups = [names[at : at + size] for at in range(0, len(names), size)]
    if missing := size - len(groups[-1]):
        groups[-1] = [*groups[-1], *rng.sample([n for n in names if n not in groups[-1]], missing)]
    screens = []
    for group in groups:
        items = tuple(
            Item(
                ids.new("i"), segment.id, segment.source,
                tuple(
                    Candidate(ids.new("c"), name, document.translations[name][at],
                              "reference" if name == REFERENCE else "real")
                    for name in group
                ),
                phenomena=segment.phenomena, note=segment.note, speaker=segment.speaker, listener=segment.listener,
                relation=segment.relation,
            )
            for at, segment in enumerate(document.segments)
        )  # fmt: skip
        screens.append(Screen(ids.new("s"), document.id, items, document.domain))
    return screens


def _practice(config: CampaignConfig, protocol: Protocol, ids: Ids) -> list[Screen]:
    screens = []
    for number, given in enumerate(config.practice, start=1):
        if len(given.candidates) != protocol.candidates:
            raise UsageError(f"practice item {number} has {len(given.candidates)} candidates, others "
                             f"{protocol.candidates}", mend="give as many as protocol.candidates")  # fmt: skip
        candidates = tuple(Candidate(ids.new("c"), "", text) for text in given.candidates)
        item = Item(ids.new("i"), f"practice {number}", given.source, candidates, "practice", None, given.phenomena,
                    note=given.note)  # fmt: skip
        known = tuple(_known(one, item, protocol, given, number) for one in given.known)
        screens.append(Screen(ids.new("s"), f"practice {number}", (replace(item, known=known),), "", True))
    return screens


def _known(given: dict[str, Any], item: Item, protocol: Protocol, whole: PracticeConfig, number: int) -> Known:
    """A known answer of the recipe. Raises UsageError where it cannot be one."""

    def fault(what: str) -> UsageError:
        return UsageError(f"practice item {number}: {what}", mend="see `practice` in docs/people.md")

    strange = set(given) - {"dimension", "candidate", "least", "most", "choices", "spans", "source_spans", "none",
                            "feedback"}  # fmt: skip
    if strange:
        raise fault(f"unknown key {sorted(strange)[0]!r}")
    dimension, place = str(given.get("dimension", "")), given.get("candidate", 0)
    questions = {q.name: q for q in protocol.questions if asked(q, item)}
    parts = {SCORE: protocol.score, SPANS: protocol.spans, RANK: protocol.rank}
    if not parts.get(dimension, dimension in questions):
        raise fault(f"{dimension!r} is not asked of it")
    if not isinstance(place, int) or not 0 <= place < len(item.candidates):
        raise fault(f"there is no candidate {place!r}")
    choices = tuple(str(choice) for choice in given.get("choices", ()))
    if dimension in questions and not (choices and set(choices) <= {c.value for c in questions[dimension].choices}):
        raise fault(f"{dimension} has no choices {', '.join(choices) or 'given'}")
    spans: list[tuple[int, int, Side]] = []
    sides: tuple[tuple[str, str, Side], ...] = (
        ("spans", whole.candidates[place], "target"), ("source_spans", whole.source, "source"),
    )  # fmt: skip
    for key, text, side in sides:
        for marked in given.get(key, ()):
            start = text.find(str(marked))
            if start < 0 or not marked:
                raise fault(f"{marked!r} does not stand in its text")
            spans.append((start, start + len(str(marked)), side))
    feedback = given.get("feedback", {})
    words = {"": feedback} if isinstance(feedback, str) else dict(feedback)
    return Known(dimension, item.candidates[place].id, given.get("least"), given.get("most"), choices, tuple(spans),
                 bool(given.get("none", False)), words)  # fmt: skip
