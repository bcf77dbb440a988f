"""A small campaign for tests: two documents, two systems, everything asked, a practice item, a control."""

from __future__ import annotations

import time
import uuid
from typing import Any

from in2x.people.model import Campaign, Candidate, Choice, Event, Item, Known, Protocol, Question, Screen

UNSURE = Choice("cannot-tell", {"en": "?"})
NATIVE = Question(
    "native",
    {"en": "Native?"},
    (Choice("yes", {"en": "Yes"}, 1.0), Choice("no", {"en": "No"}, 0.0), UNSURE),
    before_source=True,
)
IDIOM = Question(
    "idiom",
    {"en": "The idiom?"},
    (Choice("natural", {"en": "natural"}, 1.0), Choice("literal", {"en": "literal"}, 0.0), UNSURE),
    phenomena=("idiom",),
)
PROTOCOL = Protocol(score=True, spans=True, questions=(NATIVE, IDIOM), source="after")
FAMILY = "👨‍👩‍👧が𠮷野家で"
"""Ten code points, fourteen UTF-16 units."""


def item(name: str, system: str, text: str, **more: Any) -> Item:
    return Item(f"i-{name}", name.split("-")[0], f"source {name}", (Candidate(f"c-{name}", system, text),), **more)


def campaign(name: str = "demo", protocol: Protocol = PROTOCOL) -> Campaign:
    practice = Item("i-try", "practice", "A piece of cake.", (Candidate("c-try", "", "一切れのケーキ。"),), "practice",
                    phenomena=("idiom",),
                    known=(Known("score", "c-try", most=50, feedback={"en": "At most 50."}),
                           Known("spans", "c-try", spans=((0, 7, "target"),)),
                           Known("idiom", choices=("literal",))))  # fmt: skip
    screens = (
        Screen("s0", "practice", (practice,), practice=True),
        Screen("s1", "d1", (item("1-a", "alpha", FAMILY, phenomena=("idiom",)), item("2-a", "alpha", "訳文二。"))),
        Screen(
            "s2", "d1", (item("1-b", "beta", "別の訳。", phenomena=("idiom",)), item("2-b", "beta", "また別の訳。"))
        ),
        Screen("s3", "d2", (item("3-a", "alpha", "三番目の訳文です。"),)),
        Screen("s4", "d1", (item("1-x", "alpha", "壊れた訳。", repeats="i-1-a", role="repeat"),)),
    )
    return Campaign(name, {"en": "Demo"}, "en", "ja", protocol, screens, {"en": "Guide"}, ("ja", "en"), 3600)


ASSIGNMENTS = {"ann": ["s0", "s1", "s3", "s4"], "ben": ["s0", "s1", "s2"]}


def event(item: str, kind: str, value: dict[str, Any] | None = None, **more: Any) -> Event:
    return Event(str(uuid.uuid4()), "", item, kind, value or {}, time.time(), **more)  # type: ignore[arg-type]
