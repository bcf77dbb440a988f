"""Answers without what a model says around them: reasoning, the task said again, and words about the answer itself.

An opening ("Sure! Here is the poem you asked for:") and a closing ("I hope you like it.") go where they are a
paragraph, a line, or a clause before a colon of their own, and only where an answer is left. The wordings are those of
the packs (`opening`, `presents`, `closing`, `remark`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from in2x.instructions.apart import afterword, foreword
from in2x.instructions.talk import QUOTED, announces, contents
from in2x.instructions.weight import weight
from in2x.language.reasoning import without_reasoning
from in2x.language.wording import any_of, search
from in2x.records import Instruction

_BREAK = re.compile(r"\n[ \t\u3000]*\n\s*|\n")
_PART = re.compile(r"\n[ \t\u3000]*\n\s*|\n|(?<=[：])\s*|(?<=:)\s+|(?<=[。！!])\s*|(?<=[.])\s+")
"""Where an opening may end: behind a paragraph, a line, a colon, a sentence."""
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=\S))+(?:[.!?。！？]+[)）」』”\"']*|\Z|\n)\s*")
_RULE = re.compile(r"\A(?:[-*_=—]{3,}\s*\n\s*)+|(?:\s*\n\s*[-*_=—]{3,})+\s*\Z")
_BRACKETED = re.compile(r"[（(\[【][^（）()\[\]【】\n]{4,200}[)）\]】]\Z")
_TITLE = re.compile(r"\A(?:\*\*[^*\n]{1,60}\*\*|#{1,4} [^\n]{1,60})\s*\n\s*(?=\S)")
_QUOTE = re.compile(r"\A\s*[「『“\"‘'《〈«„]")
LOOKED_AT = 2000
"""Characters at the end of an answer in which its last stanzas are."""
PARTING = 130
LONGEST = 420
"""Latin letters (others weigh more) of a paragraph that may be about the answer and not of it (our choice)."""


@lru_cache(maxsize=8)  # the rules ask it again of an answer that nothing was taken off
def tidy(answer: str, *, asked: str = "", letter: bool = False) -> tuple[str, tuple[str, ...]]:
    """The answer by itself, and what was taken off: "reasoning", "echo", "opening", "closing".

    `asked`: the prompt, whose words an opening takes up ("Here's a poem about a cat:").
    `letter`: the answer may be words to somebody else, whose closing ("Let me know if ...") is part of them.
    """
    taken = []
    rest = without_reasoning(answer).strip()
    if rest != answer.strip():
        taken.append("reasoning")
    for name, find in (("echo", _echo_end), ("opening", _opening_end)):
        if (end := find(rest, asked)) and rest[end:].strip():
            rest = _RULE.sub("", rest[end:].strip()).strip()
            taken.append(name)
    frames = (("answer_label", r"\A{}"), ("work_label", r"\A\W*{}\W*?[:：][\W_]*?(?=[^\W_])"))
    label = next(filter(None, (any_of(name, frame).match(rest) for name, frame in frames)), None)
    if label and label.group(0).strip() not in asked and rest[label.end() :].strip():
        rest = rest[label.end() :].strip()
        taken.append("opening")
    start = _closing_start(rest, asked, letter, noted=search("about_notes", asked) is not None)
    if start < len(rest):
        rest = _RULE.sub("", rest[:start].strip()).strip()
        taken.append("closing")
    return (rest, tuple(taken)) if taken and rest else (answer, ())


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def _echo_end(text: str, asked: str) -> int:
    """Where the first line or paragraph ends, if it is the prompt said again; else 0."""
    wanted = _bare(asked)
    if len(wanted) < 8:
        return 0
    for match in _BREAK.finditer(text[: len(asked) + 200]):
        if _bare(text[: match.start()]) == wanted:
            return match.end()
    return 0


def _opening_end(text: str, asked: str) -> int:
    """Where the words about the answer end that lead it; 0 where none do.

    Behind a line the wording alone is enough; inside a line what follows must have been presented (a colon, or a whole
    sentence that names what was asked for), because "Of course I have notes." begins many an answer.
    """
    if _QUOTE.match(text):
        return 0
    end = 0
    for match in _PART.finditer(text):
        head = text[: match.start()]
        if weight(head) > LONGEST or "```" in head:
            break
        line, apart = "\n" in match.group(0), match.group(0).count("\n") > 1
        if (
            (line and _opens(head, asked))
            or (apart and foreword(head[end:], text[match.end() :], asked))
            or (not line and head[-1] in ":：。！!." and _presents(head, asked))
        ):
            end = match.end()
    return end


def _opens(paragraph: str, asked: str) -> bool:
    """Whether a paragraph is about the answer: by its whole wording, or because it is talk that announces one (a title
    may stand above it)."""
    paragraph = _TITLE.sub("", paragraph)
    return bool(any_of("opening", r"\A\W*{}\W*\Z").match(paragraph)) or announces(paragraph, asked)


def _presents(head: str, asked: str) -> bool:
    """Whether the words before the rest of a line present it: with a colon, or with what was asked for in them (a
    single character is shared by chance)."""
    said = any_of("consent", r"\A\W*(?:{}[\s,.!、。，！]+)+").match(head)
    rest = head[said.end() :] if said else head
    if not any_of("presents", r"\A\W*{}\s*\Z").match(rest):
        return False
    common = contents(rest) & contents(asked)
    named = len(common) >= 3 or any(len(word) > 3 for word in common)
    return named or (said is not None and rest.rstrip()[-1] in ":：") or search("as_follows", rest) is not None


def _closing_start(text: str, asked: str, letter: bool, noted: bool) -> int:
    """Where the words about the answer begin that end it; the end of the text where none do."""
    end = len(text)
    body = _BREAK.split(text)
    apart = len(body) > 1 and not search("addresses", "\n".join(body[:-1]))
    while True:
        for start in _tails(text[:end]):
            tail = text[start:end]
            if not start or weight(tail) > LONGEST or _stanza(text[:end], start):
                continue
            whole, alone = text[start - 1] == "\n", text[:start].endswith("\n\n") or tail[0] in "（("
            if _closes(tail.strip(), letter or not whole, noted, apart and alone) or (
                alone and not noted and afterword(tail.strip(), text[:start], asked)
            ):
                end = start
                break
        else:
            return end
        if not text[:end].strip():
            return len(text)


def _stanza(text: str, start: int) -> bool:
    """Whether the lines from `start` are of a stanza that has as many lines as the one before it, two and more."""
    near = text[-LOOKED_AT:]
    parts = [part.strip().splitlines() for part in re.split(r"\n[ \t\u3000]*\n", near) if part.strip()]
    if len(parts) < 2 or not len(parts[-1]) == len(parts[-2]) > 1:
        return False
    return len(text) - start <= len("\n".join(parts[-1])) + 2


def _tails(text: str) -> Iterator[int]:
    """Where the last paragraph, the last line, the last sentence and a last remark in brackets of `text` begin."""
    body = text.rstrip()
    if bracket := _BRACKETED.search(body):
        yield bracket.start()
    breaks = list(_BREAK.finditer(body))
    for match in reversed(breaks):
        if match.group(0).count("\n") > 1:
            yield match.end()
            break
    if breaks:
        yield breaks[-1].end()
    sentences = list(_SENTENCE.finditer(body))
    if len(sentences) > 1:
        yield sentences[-1].start()


def _closes(tail: str, letter: bool, noted: bool, parting: bool) -> bool:
    """Whether every sentence of a tail, or the tail in one, is about the answer.

    `parting`: it is a paragraph that follows a text which speaks to nobody; then a word to the reader is enough.
    """
    names = [*([] if noted else ["remark", "label"]), *([] if letter else ["closing"])]
    frames = [any_of(name, r"\A\W*{}\W*\Z") for name in names]
    if any(frame.match(tail) for frame in frames):
        return True
    if not letter and parting and weight(tail) <= PARTING and search("addresses", tail) and not QUOTED.search(tail):
        return True
    sentences = [match.group(0).strip() for match in _SENTENCE.finditer(tail)]
    return len(sentences) > 1 and all(any(frame.match(s) for frame in frames) for s in sentences)


def tidy_answer(item: Instruction) -> tuple[str, tuple[str, ...]]:
    """As `tidy`, of the answer of `item`; a translation stays as it is."""
    if not item.answer or item.task == "translate":
        return item.answer or "", ()
    asked = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")
    return tidy(item.answer, asked=asked, letter=search("letters", asked) is not None)


def tidied(item: Instruction) -> tuple[Instruction, tuple[str, ...]]:
    """`item` with its answer by itself, and what was taken off."""
    answer, taken = tidy_answer(item)
    return (replace(item, answer=answer), taken) if taken else (item, ())
