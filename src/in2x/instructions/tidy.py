"""Answers without what a model says around them: reasoning in tags, an opening and a closing about the answer itself.

Only whole paragraphs go, and only where an answer is left. The wordings are those of the packs (`opening`, `closing`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from in2x.language.reasoning import without_reasoning
from in2x.language.wording import any_of, search
from in2x.records import Instruction

_PARAGRAPHS = re.compile(r"\n[ \t\u3000]*\n\s*")
_CONTENT = re.compile(r"[a-z]{3,}|[^\W\d_a-z\u3041-\u30ff]")
LONGEST = 160
"""Characters of a paragraph that may be about the answer and not of it (our choice)."""


def tidy(answer: str, *, asked: str = "", letter: bool = False) -> tuple[str, tuple[str, ...]]:
    """The answer by itself, and what was taken off: "reasoning", "opening", "closing".

    `asked`: the prompt, whose words an opening takes up ("Here's a poem about a cat:").
    `letter`: the answer may be words to somebody else, whose closing ("Let me know if ...") is part of them.
    """
    taken = []
    bare = without_reasoning(answer)
    if bare != answer:
        taken.append("reasoning")
    parts = _PARAGRAPHS.split(bare.strip())
    seams = [*_PARAGRAPHS.findall(bare.strip()), ""]
    if len(parts) > 1 and len(parts[0]) <= LONGEST and _opens(parts[0], asked):
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


def _opens(paragraph: str, asked: str) -> bool:
    """Whether a paragraph is about the answer: by its whole wording, or because it presents what was asked for."""
    if any_of("opening", r"\A\W*{}\W*\Z").match(paragraph):
        return True
    said = any_of("consent", r"\A\W*{}[\s,.!、。，！]+").match(paragraph)
    rest = paragraph[said.end() :] if said else paragraph
    if not any_of("presents", r"\A\W*{}\s*\Z").match(rest):
        return False
    return bool(said) or bool(_contents(rest) & _contents(asked))


def _contents(text: str) -> set[str]:
    """Words of Latin letters, single characters of scripts that write meanings."""
    return set(_CONTENT.findall(text.lower()))


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
