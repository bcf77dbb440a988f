"""Take up judgements of other tools as a campaign that is closed: `in2x people import`.

Each translation of a document by one system becomes a screen, each judgement the events that the page would have sent.
Ids follow from the content, so an import that was killed is run again: what is in the store stays, the rest is added.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from in2x.errors import In2xError, UsageError
from in2x.people.import_formats import FORMATS, Said, Texts, format_of
from in2x.people.model import (
    SEVERITIES,
    Campaign,
    Candidate,
    CandidateRole,
    Event,
    Item,
    ItemRole,
    Kind,
    Protocol,
    Screen,
)
from in2x.people.store import Store
from in2x.people.writer import NotSaved, Writer

_SPACE = uuid.UUID("6f1c1f0e-6d2a-4b7e-9a5e-2f3d8f1b7c55")
AT_ONCE = 2000
"""Events in one transaction."""


@dataclass(frozen=True)
class Imported:
    """What a file holds, ready for the store."""

    campaign: Campaign
    assignments: Mapping[str, Sequence[str]]
    events: Mapping[str, Sequence[Event]]
    """Annotator -> events in order."""
    judgements: int
    format: str


def read_file(
    file: Path, name: str, source_lang: str, target_lang: str, *, kind: str | None = None, texts: Path | None = None
) -> Imported:  # fmt: skip
    """Read judgements.

    Args:
        file: in one of `FORMATS`.
        name: of the campaign that they become.
        source_lang: code.
        target_lang: code.
        kind: the format, if not by suffix and content.
        texts: test set with sources and outputs, for files that hold numbers alone.

    Raises:
        In2xError: the file is not as its format says, or holds no judgement.
    """
    kind = kind or format_of(file)
    if kind not in FORMATS:
        raise UsageError(f"{kind!r} is no format of judgements", mend=f"use one of {', '.join(FORMATS)}")
    said = list(FORMATS[kind](file, Texts.read(texts) if texts else Texts()))
    if not said:
        raise In2xError("no judgement in this file", file=file, mend="give the scores, not the tasks")
    return take_up(said, name, source_lang, target_lang, kind)


_ITEM_ROLES: dict[str, ItemRole] = {"repeat": "repeat", "practice": "practice"}
_CANDIDATE_ROLES: dict[str, CandidateRole] = {
    "reference": "reference", "degraded": "degraded", "wrong-document": "wrong-document", "source-copy": "source-copy",
}  # fmt: skip


def take_up(said: Sequence[Said], name: str, source_lang: str, target_lang: str, kind: str) -> Imported:
    """The campaign that judgements make."""
    items: dict[tuple[str, str, str, str, str, int], Item] = {}
    screens: dict[tuple[str, str, bool], list[Item]] = {}
    where: dict[str, tuple[str, str, bool]] = {}
    times: dict[tuple[str, ...], int] = {}
    placed: list[tuple[Said, Item]] = []
    for one in said:
        # The same translation judged again by the same annotator is an item of its own: both judgements stay.
        same = (one.annotator, one.document, one.segment, one.system, one.role)
        nth = times[same] = times.get(same, -1) + 1
        key = (one.document, one.segment, one.system, one.role, one.text, nth)
        if key not in items:
            number = len(items) + 1
            candidate = Candidate(f"c{number}", one.system, one.text, _CANDIDATE_ROLES.get(one.role, "real"))
            items[key] = Item(f"i{number}", one.segment, one.source, (candidate,), _ITEM_ROLES.get(one.role, "real"))
            place = (one.document, one.system, one.role == "practice")
            screens.setdefault(place, []).append(items[key])
            where[items[key].id] = place
        placed.append((one, items[key]))
    ids = {place: f"s{number}" for number, place in enumerate(screens, start=1)}
    severities = {span.severity for one in said for span in one.spans or ()}
    protocol = Protocol(
        score=any(one.score is not None for one in said),
        spans=any(one.spans is not None for one in said),
        severities=tuple(s for s in SEVERITIES if s in severities) or ("minor", "major"),
        categories=tuple(sorted({span.category for one in said for span in one.spans or () if span.category})),
    )
    campaign = Campaign(
        name, {}, source_lang, target_lang, protocol,
        tuple(Screen(ids[place], place[0], tuple(found), practice=place[2]) for place, found in screens.items()),
        about={"imported": kind},
    )  # fmt: skip
    assignments: dict[str, dict[str, None]] = {}
    events: dict[str, list[Event]] = {}
    for one, item in placed:
        assignments.setdefault(one.annotator, {})[ids[where[item.id]]] = None
        events.setdefault(one.annotator, []).extend(_events(name, one, item))
    return Imported(campaign, {who: list(found) for who, found in assignments.items()}, events, len(said), kind)


def _events(name: str, one: Said, item: Item) -> list[Event]:
    candidate = item.candidates[0].id
    values: list[tuple[Kind, dict[str, object]]] = []
    if one.spans is not None:
        spans = [{"start": s.start, "end": s.end, "severity": s.severity, "category": s.category, "side": s.side}
                 for s in one.spans]  # fmt: skip
        values.append(("spans", {"candidate": candidate, "spans": spans}))
    if one.score is not None:
        values.append(("score", {"candidate": candidate, "score": one.score}))
    if one.seconds is not None:
        values.append(("time", {"seconds": one.seconds}))
    values.append(("finish", {}))
    return [
        Event(str(uuid.uuid5(_SPACE, f"{name}\0{one.annotator}\0{item.id}\0{kind}")), one.annotator, item.id, kind,
              value, one.time, tab="import")
        for kind, value in values
    ]  # fmt: skip


def save(store: Store, imported: Imported) -> int:
    """Put what was read into `store`; returns how many events it holds of it.

    Raises:
        UsageError: the store has another campaign of this name.
        In2xError: the database took nothing.
    """
    name = imported.campaign.id
    if name in store.campaigns():
        if store.campaign(name).screens != imported.campaign.screens:
            raise UsageError(f"the store has another campaign {name!r}", mend="choose a name with --name")
    else:
        store.add_campaign(imported.campaign, imported.assignments, status="closed")
    writer = Writer(store)
    saved = 0
    try:
        for annotator, events in imported.events.items():
            waiting = [
                writer.submit(name, annotator, events[start : start + AT_ONCE])
                for start in range(0, len(events), AT_ONCE)
            ]
            saved += sum(len(future.result().ids) for future in waiting)
    except NotSaved as error:
        raise In2xError(f"the store took no more ({error})", mend="make room and run the same command again") from None
    finally:
        writer.close()
    return saved
