"""Rules about a model that speaks of itself or to its user where an answer should stand: framing, promise, question
back, refusal."""

from __future__ import annotations

import re

from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.weight import weight
from in2x.instructions.tidy import tidy_answer
from in2x.language.reasoning import without_reasoning
from in2x.language.wording import any_of, search

_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”|\"[^\"\n]*\"|„[^„“]*“|«[^«»]*»")
SHORT = 620
"""Latin letters (others weigh more); a longer answer that begins with a reservation goes on to answer (our choice)."""


def _spoken(view: View) -> str:
    """The beginning of the answer less what stands in quotation marks, which are the lines of a story."""
    return _QUOTED.sub(" ", view.answer.strip()[:400]).lstrip()


_TERMS = re.compile(r"[a-z]{5,}|(?=([^\W\d_a-z\u3041-\u309f]{2}))")


def shared(text: str, other: str) -> bool:
    """Whether two texts share a word of five Latin letters, or two characters in a row of another script (without
    hiragana, which writes grammar)."""
    first, second = ({m[1] or m[0] for m in _TERMS.finditer(part.lower())} for part in (text, other))
    return bool(first & second)


def framed(view: View) -> Evidence | None:
    """The answer stands inside what a model says around it: reasoning in tags, "Here is the poem you asked for".

    The gates take that off before (`tidy.py`); what comes here with it was not an answer that could be freed of it.
    """
    if view.answer.strip() and view.item.task != "translate" and not without_reasoning(view.answer).strip():
        return {"part": "answer", "found": "nothing but reasoning"}
    taken = tidy_answer(view.item)[1]
    return {"part": "answer", "found": taken[0]} if taken else None


def promise(view: View) -> Evidence | None:
    """The answer says that it will do the task, and ends ("Understood. Please wait a moment."), or asks what the task
    is to be; and is no reply that was asked for."""
    if view.given_text or weight(view.answer) > SHORT:
        return None
    voiced = search("voices", view.prompt) is not None
    match = search("promise", view.answer.strip())
    if match and not (voiced and not (search("makes", match.group(0)) and shared(match.group(0), view.prompt))):
        return {"found": match.group(0)[:80]}
    if not voiced and (match := search("asks_back", _spoken(view))) and weight(view.answer) <= SHORT / 2:
        return {"found": match.group(0)[:80]}
    return None


FAMILIES = ("courtesy", "about_request", "instead", "policy", "assistant")


def refusal(view: View) -> Evidence | None:
    """The answer declines the task in the manner of an assistant.

    "I cannot" is said in stories too. To whoever asked it is said with courtesy, of the request, with another offer, for
    reasons of policy, or as an assistant: one of these beside it, or two without it, in a short answer. An apology in
    quotation marks is a line of a story; where the prompt asks for words of refusal or apology, they are the task.
    """
    if view.given_text or search("declining", view.prompt):
        return None
    spoken = _spoken(view)
    if match := search("refusal", spoken):
        return {"found": match.group(0)[:80]}
    if weight(view.answer) > SHORT:
        return None
    if match := search("soft_refusal", spoken):
        return {"found": match.group(0)[:80]}
    families = [name for name in FAMILIES if search(name, spoken)]
    if families and (match := search("unable", spoken)):
        return {"found": match.group(0)[:80], "signs": families}
    return None


def instructed(view: View) -> Evidence | None:
    """The answer holds what its author was told: a role, a list of constraints, what "the user" wants."""
    if view.given_text or not view.answer.strip():
        return None
    if (match := any_of("instructed").search(_QUOTED.sub(" ", view.answer))) and match.group(0).strip() not in view.prompt:
        return {"part": "answer", "found": match.group(0)[:80]}
    return None
