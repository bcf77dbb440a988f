"""Rules that know a fault of the task by its wording: leakage, self-answer, no text to work on, nothing to do, no
focus."""

from __future__ import annotations

import json
import re

from in2x.instructions.rules.draft import CODE
from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.weight import weight
from in2x.language.script import letter_counts
from in2x.language.wording import any_of, patterns, search


def leakage(view: View) -> Evidence | None:
    """Template marks or the words of our own generation prompt inside the item, or role marks nobody asked for.

    Marks in code, and where the prompt speaks of such marks (HTML, templates), are the subject. Role marks fault an
    answer only: in a prompt they may well show the dialogue that is to be continued.
    """
    for part, text in view.parts:
        if part == "prompt" and view.item.task == "few-shot":
            continue
        if match := search("leakage", text):
            return {"part": part, "found": match.group(0)[:60]}
        if (match := search("marks", CODE.sub(" ", text))) and not search("about_marks", view.prompt):
            return {"part": part, "found": match.group(0)[:60]}
    bare = CODE.sub(" ", view.answer)
    if (match := search("html", bare)) and not (search("html", view.prompt) or search("about_marks", view.prompt)):
        return {"part": "answer", "found": match.group(0)[:60]}
    if _wrapped(view.answer) and not (search("about_code", view.prompt) or search("about_marks", view.prompt)):
        return {"part": "answer", "found": view.answer.strip()[:60]}
    if (match := search("roles", view.answer)) and not search("dialogue", view.prompt):
        return {"part": "answer", "found": match.group(0)[:60]}
    return None


def _wrapped(answer: str) -> bool:
    """Whether an answer is a JSON object (in a block of code or not), or stands in a tag as a whole."""
    bare = re.sub(r"\A```\w*\s*|\s*```\Z", "", answer.strip())
    if re.fullmatch(r"<(\w+)>.*</\1>", bare, re.S):
        return True
    if not (bare.startswith("{") and bare.endswith("}")):
        return False
    try:
        return isinstance(json.loads(bare), dict)
    except ValueError:
        return False


_BEFORE_ANSWER = r"(?:^|[\n.!?。！？)）」]\s*)"


def self_answered(view: View) -> Evidence | None:
    """The prompt gives its own answer: after "Answer:", or word for word at its end.

    Not where the prompt speaks of the answer as material (asks for a question to it), and not where what follows
    "Answer:" is a choice, a gap or a wish for a form.
    """
    if view.given_text:
        return None
    for pattern in patterns("answered", within=view.prompt):
        for match in pattern.finditer(view.prompt):
            if not re.search(_BEFORE_ANSWER + r"\Z", view.prompt[: match.start()], re.MULTILINE):
                continue
            given = match["answer"].strip()
            # "Answer:" followed by a further question is a few-shot example, not the answer to this one.
            rest = view.prompt[match.end() :].strip()
            before = view.prompt[: match.start()]
            if given and len(rest) < 12 and not search("choices", given) and not search("about_answer", before):
                return {"found": view.prompt[match.start() : match.end()][:80]}
    answer = view.answer.strip()
    if (given := _given(view.prompt, answer)) is not None:
        return {"found": given[:80], "why": "the answer stands in the prompt"}
    if len(answer) >= 16 and view.prompt.rstrip().endswith(answer) and len(answer) > 0.25 * len(view.prompt):
        return {"found": answer[:80]}
    return None


_LABELLED = re.compile(r"[)）\]】」”\"\n]")


def _given(prompt: str, answer: str) -> str | None:
    """What the prompt gives behind a label ("(Answer: night)"), if that and little more is the answer."""
    said = _bare(answer)
    for match in any_of("gives_answer").finditer(prompt):
        rest = prompt[match.end() :].lstrip(" \t\u3000\"“「『‘'*_")
        given = _LABELLED.split(rest, maxsplit=1)[0].strip()
        bare = _bare(given)
        if bare and (said == bare or (said.startswith(bare) and len(said) <= len(bare) + 6)):
            return given
    return None


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


_SHORT_TASK = 220
"""Latin letters (others weigh more) of a prompt that may lack its text; a longer one brings something (our choice)."""
_ORDER = 40
"""The same of sentences before the last that may be orders, and no text."""
_TEXT = re.compile(r"[\"“”「『«„‘]|[:：]\s*\S|\n\s*\S")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*(?=\S)")


def no_material(view: View) -> Evidence | None:
    """The prompt works on a text, a picture, a list that it does not bring ("the paragraph below", and nothing below).

    It brings one in quotation marks, behind a colon, in another line, or in a sentence of its own behind.
    """
    prompt = view.prompt.strip()
    if view.given_text or len(view.item.messages) > 1 or weight(prompt) > _SHORT_TASK or _TEXT.search(prompt):
        return None
    *before, last = _SENTENCE.split(prompt)
    if weight(" ".join(before)) > _ORDER:
        return None
    # "Continue this story:" and nothing behind the colon
    name = "material" if prompt[-1] not in ":：" else "material_here"
    if match := search("material", last) or search(name, last):
        return {"part": "prompt", "found": match.group(0)[:60]}
    return None


def too_simple(view: View) -> Evidence | None:
    """No task at all: a greeting, a single word, a bare mark, a word that is to be said back."""
    if view.given_text:
        return None
    prompt = view.prompt.strip()
    if any_of("greeting", r"\A\W*{}\W*\Z").match(prompt):
        return {"found": prompt[:40]}
    if any_of("trivial", r"\A\W*{}\W*\Z").match(prompt):
        return {"found": prompt[:40]}
    latin, digits, other = letter_counts(prompt)
    # One word is no task, unless it is a formula ("12*7=") or the chat has a history that it continues.
    if digits == 0 and len(view.item.messages) < 2 and latin + 3 * other < 8:
        return {"found": prompt[:40]}
    return None


def no_focus(view: View) -> Evidence | None:
    """Asks for something without saying what, for many things at once, or for nothing at all.

    The last means a short remark ("I like boats.") that opens a chat, or words of which none names a thing.
    """
    if view.given_text:
        return None
    prompt = view.prompt.strip()
    if any_of("vague", r"\A\W*{}\W*\Z").match(prompt):
        return {"found": prompt[:60], "why": "vague"}
    if len(view.item.messages) < 2 and len(prompt) <= 120:
        if match := search("sprawl", prompt):
            return {"found": match.group(0)[:60], "why": "about everything"}
        if any_of("statement", r"\A{}\Z").match(prompt):
            return {"found": prompt[:60], "why": "a remark, no wish"}
        if _names_nothing(prompt):
            return {"found": prompt[:60], "why": "names nothing"}
    questions = len(re.findall(r"[?？]", prompt))
    links = len(any_of("also").findall(prompt))
    if len(prompt) < 1200 and ((questions >= 4 and links >= 2) or links >= 4):
        return {"questions": questions, "links": links, "why": "many tasks"}
    return None


def _names_nothing(prompt: str) -> bool:
    """Two placeholders and more ("that thing"), and nothing left but function words."""
    rest, found = any_of("placeholder").subn(" ", prompt)
    if found < 2:
        return False
    return not any(letter_counts(any_of("filler").sub(" ", rest)))
