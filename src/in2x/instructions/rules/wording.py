"""Rules that know a fault by its wording: leakage, framing, promise, self-answer, refusal, nothing to do, no focus."""

from __future__ import annotations

import re
from functools import partial

from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.tidy import tidy_answer
from in2x.language.reasoning import without_reasoning
from in2x.language.script import make_up
from in2x.language.wording import any_of, patterns, search

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.S)
_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”|\"[^\"\n]*\"|„[^„“]*“|«[^«»]*»")


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
        if (match := search("marks", _CODE.sub(" ", text))) and not search("about_marks", view.prompt):
            return {"part": part, "found": match.group(0)[:60]}
    if (match := search("roles", view.answer)) and not search("dialogue", view.prompt):
        return {"part": "answer", "found": match.group(0)[:60]}
    return None


def framed(view: View) -> Evidence | None:
    """The answer stands inside what a model says around it: reasoning in tags, "Here is the poem you asked for".

    The gates take that off before (`tidy.py`); what comes here with it was not an answer that could be freed of it.
    """
    if view.answer.strip() and view.item.task != "translate" and not without_reasoning(view.answer).strip():
        return {"part": "answer", "found": "nothing but reasoning"}
    taken = tidy_answer(view.item)[1]
    return {"part": "answer", "found": taken[0]} if taken else None


def promise(view: View) -> Evidence | None:
    """The answer says that it will do the task, and ends ("Understood. Please wait a moment."), and is no reply that
    was asked for."""
    if view.given_text or len(view.answer) > 240 or search("voices", view.prompt):
        return None
    match = search("promise", view.answer.strip())
    return {"found": match.group(0)[:80]} if match else None


_BEFORE_ANSWER = r"(?:^|[\n.!?。！？)）」]\s*)"


def self_answered(view: View) -> Evidence | None:
    """The prompt gives its own answer: after "Answer:", or word for word at its end.

    Not where the prompt speaks of the answer as material (asks for a question to it), and not where what follows
    "Answer:" is a choice, a gap or a wish for a form.
    """
    if view.given_text:
        return None
    for pattern in patterns("answered"):
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
    if len(answer) >= 16 and view.prompt.rstrip().endswith(answer) and len(answer) > 0.25 * len(view.prompt):
        return {"found": answer[:80]}
    return None


def refusal(view: View) -> Evidence | None:
    """The answer declines the task in the manner of an assistant.

    An apology in quotation marks is a line of a story; where the prompt asks for words of refusal or apology, they are
    the task.
    """
    if view.given_text or search("declining", view.prompt):
        return None
    answer = view.answer.strip()
    spoken = _QUOTED.sub(" ", answer[:400]).lstrip()
    if match := search("refusal", spoken):
        return {"found": match.group(0)[:80]}
    if len(answer) > SHORT:
        return None
    if match := search("soft_refusal", spoken):
        return {"found": match.group(0)[:80]}
    # "I cannot" is said in stories too: to whoever asked it is said with courtesy, of the request, or with an offer.
    if (match := search("unable", spoken)) and any(map(partial(search, text=spoken), ADDRESSED)):
        return {"found": match.group(0)[:80]}
    return None


ADDRESSED = ("courtesy", "about_request", "instead")
SHORT = 240
"""Characters; a longer answer that begins with a reservation goes on to answer (our choice)."""


def too_simple(view: View) -> Evidence | None:
    """No task at all: a greeting, a single word, a bare mark, a word that is to be said back."""
    if view.given_text:
        return None
    prompt = view.prompt.strip()
    if any_of("greeting", r"\A\W*{}\W*\Z").match(prompt):
        return {"found": prompt[:40]}
    if any_of("trivial", r"\A\W*{}\W*\Z").match(prompt):
        return {"found": prompt[:40]}
    count = make_up(prompt)
    # One word is no task, unless it is a formula ("12*7=") or the chat has a history that it continues.
    if count.digit == 0 and len(view.item.messages) < 2 and count.latin + 3 * (count.kana + count.han) < 8:
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
    count = make_up(any_of("filler").sub(" ", rest))
    return count.letters + count.digit == 0
