"""Paragraphs that stand apart from the work beside them: where a model turns to its user, its voice changes.

Wordings are many, the change is one. A paragraph before or behind a work is none of it where it is polite and the work
is plain (Japanese, Korean), where it ends in a colon and speaks of the answer, where it points at the work ("this
motto", "以上の句"), or where it speaks to a reader beside a work that speaks to nobody. The words that tell politeness,
pointing and forms of writing are the packs' (`polite`, `points_at`, `works`, `addresses`, `forewords`, `interjection`).
"""

from __future__ import annotations

import re

from in2x.instructions.talk import QUOTED, shared
from in2x.instructions.weight import weight
from in2x.language.wording import any_of, search

FOREWORD = 120
"""Latin letters (others weigh more) of a paragraph that may lead a work without being of it (our choice)."""
EXCLAIMED = 60
"""The same of one that is no more than an exclamation."""
WORK = 12
"""The least of a work that has a voice (a salutation has none)."""
_STOP = re.compile(r"(?<=[.!?。！？])[\s\"”」』’)）]*|\n+")
_COLON = re.compile(r"(?:[:：↓]|[—–―]{1,2})[\s*_#】\])）]*\Z")
_LIST = re.compile(r"\A\s*(?:[-*+•・▪]|\d{1,2}[.)、．])\s")


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _STOP.split(text) if part and part.strip(" \t\u3000*_#—-")]


def turns_polite(part: str, rest: str) -> bool:
    """Whether every sentence of `part` ends politely and none of `rest` does, quotations aside (verse has no verbs to
    tell, and is plain). Not where it says "you" or "I" as a poem does."""
    end = any_of("polite", r"{}[\W_]*\Z")
    said = _sentences(QUOTED.sub("", part))
    if not said or search("intimate", part) or not all(end.search(sentence) for sentence in said):
        return False
    other = _sentences(QUOTED.sub("", rest))
    return weight(rest) >= WORK and not _LIST.match(rest) and not any(end.search(sentence) for sentence in other)


def points_at_work(part: str, asked: str) -> bool:
    """Whether a paragraph begins with "this" and the form of writing that was `asked` for."""
    start = any_of("points_at", r"\A\W*{}").match(part)
    form = any_of("works", r"[^\n,.、。，!?！？]{0,16}?({})").match(part, start.end()) if start else None
    return form is not None and form[1].lower() in asked.lower()


def foreword(head: str, rest: str, asked: str) -> bool:
    """Whether `head`, a paragraph of its own before `rest`, is words about the answer."""
    head = head.strip()
    if "\n" in head or weight(head) > FOREWORD or QUOTED.search(head) or head.startswith(("—", "(", "（", "-")):
        return False
    if search("voices", asked) or search("letters", asked):
        return False
    if _COLON.search(head):
        named = search("works", head) is not None or shared(head, asked)
        return named and search("works", asked) is not None and not _LIST.match(rest)
    if turns_polite(head, rest) and not search("deictic", head):
        return True
    if weight(head) <= EXCLAIMED and any_of("interjection", r"\A\W*{}\W*\Z").match(head):
        return True
    return search("forewords", head) is not None and not search("forewords", rest)


def afterword(tail: str, body: str, asked: str) -> bool:
    """Whether `tail`, the last paragraph behind `body`, turns from it to the reader or to the work itself."""
    if weight(tail) > FOREWORD or QUOTED.search(tail):
        return False
    return points_at_work(tail, asked) or (not search("letters", asked) and turns_polite(tail, body))
