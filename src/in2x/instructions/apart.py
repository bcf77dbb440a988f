"""Paragraphs that stand apart from the work beside them: where a model turns to its user, its voice changes.

Wordings are many, the change is one. A paragraph before or behind a work is none of it where it is polite and the work
is plain, where it stands above the salutation of a letter, where it ends in a colon and speaks of
the answer, where it points at the work ("this motto", "以上の句") or at its reader, or where it says "you" beside a
work that speaks to nobody. The words that tell so are the packs' (`polite`, `salutes`, `points_at`, `works`, `serves`,
`writing`, `made`, `forewords`, `interjection`).
"""

from __future__ import annotations

import re

from in2x.instructions.talk import QUOTED, forms, names_form
from in2x.instructions.weight import weight
from in2x.language.wording import any_of, search

FOREWORD = 120
"""Latin letters (others weigh more) of a paragraph that may lead a work without being of it (our choice)."""
EXCLAIMED = 60
"""The same of one that is no more than an exclamation."""
BESIDE = 1500
"""Characters of the work that are looked at."""
NEAR = 26
"""Characters behind "this" in which the form is named."""
WORK = 12
"""The least of a work that has a voice (a salutation has none)."""
_STOP = re.compile(r"(?<=[.!?。！？])[\s\"”」』’)）]*|\n+")
_COLON = re.compile(r"(?:[:：↓]|[—–―]{1,2})[\s*_#】\])）]*\Z")
_SPEAKER = re.compile(r"\W*[A-Z]{2,}[A-Z .]*(?:[(（][^()（）\n]*[)）])?[:.]|_\w+_\.|\S{1,6}(?:\u3000|――|——)")
"""Who speaks in a play."""
_SPEECH = re.compile(r"[「」『』“”\"«»]")
"""Talk may begin and end in other paragraphs."""
_LIST = re.compile(r"\A\s*(?:[-*+•・▪]|\d{1,2}[.)、．])\s")


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _STOP.split(text) if part and part.strip(" \t\u3000*_#—-")]


def turns_polite(part: str, rest: str, asked: str) -> bool:
    """Whether `part` ends politely and none of the sentences of `rest` does, quotations aside (verse has no verbs to
    tell, and is plain).

    Not where it says "you" or "I" as a poem does, nor where it merely tells in a polite voice: it must be courteous, or
    speak of the work.
    """
    end = any_of("polite", r"{}[\W_]*\Z")
    said = _sentences(QUOTED.sub("", part))
    if not said or search("intimate", part) or not end.search(said[-1]):
        return False
    if not (search("courteous", part) or search("made", part) or names_form(part, asked)):
        return False
    told = any_of("narrates", r"{}[\W_]*\Z").search(said[-1]) is not None
    if (told or not all(end.search(sentence) for sentence in said)) and not search("made", part):
        return False
    other = _sentences(QUOTED.sub("", rest))
    if not other or weight(rest) < WORK or _LIST.match(rest):
        return False
    return not any(end.search(sentence) for sentence in other)


def _polite(text: str) -> bool:
    return any_of("polite", r"{}[\W_笑]*\Z").search(text) is not None


def _persons(text: str) -> tuple[bool, bool]:
    """Whether a text says "I", and "you", quotations aside."""
    bare = QUOTED.sub(" ", text)
    return search("first_person", bare) is not None, search("second_person", bare) is not None


def turns_to_reader(part: str, rest: str, asked: str) -> bool:
    """Whether `part` says "you", or "I" of the making, and `rest` does not: a work that speaks to nobody has ended.

    "You" counts in a question, an exclamation, or with what one does for a reader (`serves`); "I" with a word for
    writing (`writing`), or the form that was asked for and its making.
    """
    (told, spoken), (tells, speaks) = _persons(part), _persons(rest)
    lively = part.rstrip(' )）*_"”')[-1:] in tuple("?？!！~～:：")
    if spoken and not speaks and (lively or search("serves", part)):
        return True
    made = names_form(part, asked) and search("made", part) is not None
    return told and not tells and (made or search("writing", part) is not None)


def points_at_work(part: str, asked: str) -> bool:
    """Whether a paragraph begins with "this" and the form of writing that was `asked` for."""
    start = any_of("points_at", r"\A\W*{}").match(part)
    near = re.split(r"[\n,.、。，!?！？]", part[start.end() : start.end() + NEAR])[0].lower() if start else ""
    return any(form in near for form in forms(asked))


def foreword(head: str, rest: str, asked: str) -> bool:
    """Whether `head`, a paragraph of its own before `rest`, is words about the answer."""
    head, rest = head.strip(), rest[:BESIDE]
    if "\n" in head or weight(head) > FOREWORD or _SPEECH.search(head) or head[:1] in tuple("—–―(（-…"):
        return False
    if _SPEAKER.match(head):
        return False
    if _salutes(rest) and not _salutes(head) and head[-1] not in ",，、0123456789":
        return weight(head) >= 2 * WORK and head[-1] in tuple(":：.。!！?？~～♪")
    if search("made", head) and turns_polite(head, rest, asked):
        return True
    if head[0] in "[［【" and head[-1] in "]］】" and names_form(head, asked):
        return True
    if _COLON.search(head) and weight(head) <= EXCLAIMED and names_form(head, asked):
        return not (_LIST.match(rest) or _salutes(head + "\n"))
    if search("speakers", asked) or search("letters", asked):
        return False
    if _COLON.search(head):
        if _LIST.match(rest):
            return False
        if names_form(head, asked) or search("as_follows", head) or (search("works", head) and search("deictic", head)):
            return True
    own = search("intimate", head) is None and search("listed", head) is None
    if search("made", head) and (names_form(head, asked) or (own and _polite(head))):
        return True
    if turns_polite(head, rest, asked) and not search("listed", head):
        return True
    if weight(head) <= EXCLAIMED and any_of("interjection", r"\A\W*{}\W*\Z").match(head):
        return True
    told, tells = _persons(head)[0], _persons(rest)[0]
    if search("forewords", head) and not search("forewords", rest) and not (told and tells):
        return True
    return weight(rest) >= 2 * WORK and turns_to_reader(head, rest, asked)


def afterword(tail: str, body: str, asked: str) -> bool:
    """Whether `tail`, the last paragraph behind `body`, turns from it to the reader or to the work itself."""
    body = body[-BESIDE:]
    if weight(tail) > FOREWORD or _SPEECH.search(tail) or _SPEAKER.match(tail):
        return False
    if points_at_work(tail, asked) or _labels(tail, body):
        return True
    if search("the_reader", tail) and not search("the_reader", f"{asked}\n{body}"):
        return True
    if search("letters", asked) or search("asks_reader", asked):
        return False
    return turns_polite(tail, body, asked) or turns_to_reader(tail, body, asked)


_LABEL = re.compile(r"\A\W*(?:[^\W\d][\w ]{1,20}|[^\W\d]{1,8})\s*[:：=＝]\s*\S.{0,60}\Z")


def _labels(tail: str, body: str) -> bool:
    """Whether a paragraph is two labels and more with their values ("Form: sonnet / Mood: quiet"), and the only one."""
    cells = [cell for cell in re.split(r"[\n/／|｜;；]|(?<=[.。]) ?", tail) if cell.strip()]
    return (
        len(cells) > 1
        and all(_LABEL.match(cell.strip()) for cell in cells)
        and not any(_LABEL.match(line) for line in body.splitlines())
    )


def _salutes(text: str) -> bool:
    """Whether a text begins as a letter does."""
    return any_of("salutes", r"\A\W*{}").match(text) is not None
