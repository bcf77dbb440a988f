"""What human judgement is made of: campaigns, screens, items, events, and the judgements folded from them.

    Campaign ── Protocol ── Question ── Choice
       └─ Screen (a whole document) ── Item (a segment) ── Candidate (a translation; its system stays on the server)
    Event, Event, ...  (append-only, one a key press)   --fold-->   State of an item   --rows-->   Judgement

Offsets of spans are code points of the text, half open, on either side. Texts for the annotator are `Words`: language
code -> text. Nothing here touches a database or the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Words = Mapping[str, str]
"""A text of the interface by language code; the page takes the annotator's language, or the first there is."""

Side = Literal["source", "target"]
Severity = Literal["neutral", "minor", "major", "critical"]
SEVERITIES: tuple[Severity, ...] = ("neutral", "minor", "major", "critical")

CANNOT_TELL = "cannot-tell"
"""The choice that every question has."""

SCORE, SPANS, RANK = "score", "spans", "rank"
"""Dimensions of a judgement beside the names of questions: 0-100, minus the weight of the spans, 1 = best."""

Source = Literal["shown", "hidden", "after"]
"""Whether annotators see the source: at once, never, or once the questions `before_source` are answered."""

ItemRole = Literal["real", "repeat", "practice"]
CandidateRole = Literal["real", "reference", "degraded", "wrong-document", "source-copy"]
Role = Literal["real", "repeat", "practice", "reference", "degraded", "wrong-document", "source-copy"]
CONTROLS: frozenset[str] = frozenset({"degraded", "wrong-document", "source-copy"})
"""Roles whose score must be low: attention checks."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question."""

    value: str
    label: Words
    worth: float | None = None
    """What the answer counts as in means over systems (0 .. 1); None for a choice without rank, as "cannot tell"."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one candidate."""

    name: str
    """"native", "idiom", "slang", "register", "culture", ...; the dimension of its judgements."""
    text: Words
    choices: tuple[Choice, ...]
    """At least two and `CANNOT_TELL`, which stands last."""
    phenomena: tuple[str, ...] = ()
    """Asked of segments with one of these phenomena; () asks it of every segment."""
    before_source: bool = False
    """Asked before the source is shown; needs the protocol's source to be "after"."""
    why: bool = True
    """Whether a box for the reason stands beside it (never demanded)."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is asked of each item. All parts combine freely; at least one is asked."""

    score: bool = False
    """A score from 0 to 100 for each candidate (ESA)."""
    spans: bool = False
    """Error spans in each candidate, and in the source for what is left out."""
    severities: tuple[Severity, ...] = ("minor", "major")
    categories: tuple[str, ...] = ()
    """MQM categories that a span must name ("accuracy/omission"); () asks for none (ESA)."""
    rank: bool = False
    """The candidates of an item are put in order, ties allowed (two: pairwise preference)."""
    candidates: int = 1
    """Candidates of an item shown side by side."""
    questions: tuple[Question, ...] = ()
    source: Source = "shown"


@dataclass(frozen=True, slots=True)
class Known:
    """What a right answer to a practice item looks like in one dimension, and what is said if it is not."""

    dimension: str
    """`SCORE`, `SPANS`, `RANK`, or the name of a question."""
    candidate: str = ""
    """Id of the candidate; "" where the item has one."""
    least: float | None = None
    most: float | None = None
    """Bounds of the score or rank, both included."""
    choices: tuple[str, ...] = ()
    """Answers that are right."""
    spans: tuple[tuple[int, int, Side], ...] = ()
    """Places that a marked span must overlap, each."""
    none: bool = False
    """Nothing is wrong here: any span is too many."""
    feedback: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One translation of an item's segment. The page gets `id` and `text` alone."""

    id: str
    """Within the campaign; says nothing of the system."""
    system: str
    """"" for what no system made (practice)."""
    text: str
    role: CandidateRole = "real"


@dataclass(frozen=True, slots=True)
class Item:
    """One segment with what is judged of it."""

    id: str
    segment: str
    """Id of the segment in the test set; the same for all systems, repeats and controls of it."""
    source: str
    candidates: tuple[Candidate, ...]
    role: ItemRole = "real"
    repeats: str | None = None
    """Item that this one shows once more to the same annotator."""
    phenomena: tuple[str, ...] = ()
    speaker: str = ""
    listener: str = ""
    """Who speaks to whom, shown beside the text."""
    relation: str = ""
    """In what relation they stand, as shown ("a clerk to a customer")."""
    note: str = ""
    """Context that the annotator needs, in plain text."""
    known: tuple[Known, ...] = ()

    def role_of(self, candidate: Candidate) -> Role:
        """The role of a judgement of `candidate`: practice, then what was spoilt, then what is shown again."""
        if self.role == "practice" or (self.role == "repeat" and candidate.role not in CONTROLS):
            return self.role
        return candidate.role


@dataclass(frozen=True, slots=True)
class Screen:
    """A whole document, judged segment by segment on one page."""

    id: str
    document: str
    items: tuple[Item, ...]
    domain: str = ""
    practice: bool = False
    """Shown first, with feedback; counts for nothing else."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Everything about a campaign but people and their answers."""

    id: str
    """The name in the recipe; letters, digits, "-" and "_"."""
    title: Words
    source_lang: str
    target_lang: str
    protocol: Protocol
    screens: tuple[Screen, ...]
    guidelines: Words = field(default_factory=dict)
    """Plain text; an empty line parts paragraphs."""
    interface: tuple[str, ...] = ()
    """Languages offered by the page, the usual one first; () offers all that the page knows."""
    budget_seconds: int = 0
    """Time that one annotator is asked for; 0 is no limit."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What a methods section needs: recruitment, pay, exclusion rules fixed beforehand; free keys from the recipe."""

    def items(self) -> dict[str, Item]:
        """Every item by id."""
        return {item.id: item for screen in self.screens for item in screen.items}


@dataclass(frozen=True, slots=True)
class Span:
    """A marked error: code points of the text, half open."""

    start: int
    end: int
    severity: Severity
    category: str = ""
    side: Side = "target"


Kind = Literal[
    "spans", "score", "rank", "answer", "why", "comment", "reveal", "time", "finish", "reopen", "flag", "unflag",
    "practice",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One action of an annotator, as it was sent. What `value` holds by kind: `people/API.md`."""

    id: str
    """UUID made by the page: the same event sent twice is one event."""
    annotator: str
    item: str
    kind: Kind
    value: Mapping[str, Any]
    client_time: float
    """Seconds since 1970 by the annotator's clock, which may be wrong: for reading only."""
    server_time: float = 0.0
    """Seconds since 1970 when it was saved."""
    version: int = 0
    """1, 2, ... within (annotator, item), in the order of saving; 0 before that."""
    tab: str = ""
    """Which tab of the annotator sent it."""
    revision: int = 0
    """Revision of the screen that it was made on."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One row of results: what one annotator says of one candidate in one dimension, folded from the events."""

    campaign: str
    item: str
    segment: str
    document: str
    system: str
    annotator: str
    dimension: str
    """`SCORE`, `SPANS` (value: minus the MQM weights), `RANK`, or the name of a question."""
    value: float | str | None
    """A number, or the value of a choice (`CANNOT_TELL` among them)."""
    spans: tuple[Span, ...] = ()
    """On the rows of `SCORE` and `SPANS`."""
    why: str = ""
    seconds: float | None = None
    """Active time on the whole item, all candidates together; None where the page reported none."""
    role: Role = "real"
    phenomena: tuple[str, ...] = ()
    candidate: str = ""
    """Id of the candidate."""
    position: int = 0
    """Place at which the annotator saw the candidate, from 0."""
    worth: float | None = None
    """The `worth` of the choice that was taken (questions only)."""
