"""Answers without what a model says around them: reasoning in tags, an opening and a closing about the answer itself.

Only whole paragraphs go, and only where an answer is left. The wordings are those of the packs (`opening`, `closing`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from in2x.language.wording import any_of, search
from in2x.records import Instruction

_REASONING = re.compile(
    r"\A\s*(?:<(?P<tag>think|thinking|thought|reasoning|scratchpad)>.*?</(?P=tag)>|\[THINK\].*?\[/THINK\])\s*",
    re.S | re.I,
)
_PARAGRAPHS = re.compile(r"\n[ \t\u3000]*\n\s*")
LONGEST = 160
"""Characters of a paragraph that may be about the answer and not of it (our choice)."""


def tidy(answer: str, *, letter: bool = False) -> tuple[str, tuple[str, ...]]:
    """The answer by itself, and what was taken off: "reasoning", "opening", "closing".

    `letter`: the answer may be words to somebody else, whose closing ("Let me know if ...") is part of them.
    """
    taken = []
    bare = _REASONING.sub("", answer)
    if bare != answer:
        taken.append("reasoning")
    parts = _PARAGRAPHS.split(bare.strip())
    seams = [*_PARAGRAPHS.findall(bare.strip()), ""]
    if len(parts) > 1 and len(parts[0]) <= LONGEST and any_of("opening", r"\A\W*{}\W*\Z").match(parts[0]):
        parts, seams = parts[1:], seams[1:]
        taken.append("opening")
    if (
        not letter
        and len(parts) > 1
        and len(parts[-1]) <= LONGEST
        and any_of("closing", r"\A\W*{}\W*\Z").match(parts[-1])
    ):
        parts = parts[:-1]
        taken.append("closing")
    if not taken or not parts[0].strip():
        return answer, ()
    return "".join(part + seam for part, seam in zip(parts, seams, strict=False)).strip(), tuple(taken)


def tidy_answer(item: Instruction) -> tuple[str, tuple[str, ...]]:
    """As `tidy`, of the answer of `item`; a translation stays as it is."""
    if not item.answer or item.task == "translate":
        return item.answer or "", ()
    asked = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")
    return tidy(item.answer, letter=search("voices", asked) is not None)


def tidied(item: Instruction) -> tuple[Instruction, tuple[str, ...]]:
    """`item` with its answer by itself, and what was taken off."""
    answer, taken = tidy_answer(item)
    return (replace(item, answer=answer), taken) if taken else (item, ())
