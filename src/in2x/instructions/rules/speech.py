"""Rules about a model that speaks of itself or to its user where an answer should stand: framing, promise, question
back, refusal."""

from __future__ import annotations

from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.talk import QUOTED, kinds, shared
from in2x.instructions.tidy import tidy_answer
from in2x.instructions.weight import weight
from in2x.language.reasoning import without_reasoning
from in2x.language.wording import any_of, search

SHORT = 620
"""Latin letters (others weigh more); a longer answer that begins with a reservation goes on to answer (our choice)."""


def _spoken(view: View) -> str:
    """The beginning of the answer less what stands in quotation marks, which are the lines of a story."""
    return QUOTED.sub(" ", view.answer.strip()[:400]).lstrip()


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
    answer = view.answer.strip()
    # words that somebody is to say: a shop assistant's "One moment, please"
    if search("voices", view.prompt) and (not shared(answer, view.prompt) or search("waits", view.prompt)):
        return None
    if match := search("promise", answer):
        return {"found": match.group(0)[:80]}
    found = kinds(answer, view.prompt)
    if found and any(kind in ("presents", "intends", "waits", "asks") for kind in found):
        return {"found": answer[:80], "kinds": [str(kind) for kind in found]}
    return None


LOOKED_AT = 4000
"""Characters of an answer that are searched for remarks of its author."""
FAMILIES = ("courtesy", "about_request", "instead", "policy", "assistant")
"""What stands beside "I cannot" where it is said to whoever asked."""


def refusal(view: View) -> Evidence | None:
    """The answer declines the task in the manner of an assistant.

    "I cannot" is said in stories too. To whoever asked it is said with courtesy, of the request, with another offer,
    for reasons of policy, or as an assistant: one of these beside it, or two without it, in a short answer. An apology
    in quotation marks is a line of a story; where the prompt asks for words of refusal or apology, they are the task.
    """
    if view.given_text or search("declining", view.prompt):
        return None
    spoken = _spoken(view)
    # a machine that is asked to speak says "as an AI" in its part
    part = search("machines", view.prompt) is not None
    if not part and (match := search("refusal", spoken)):
        return {"found": match.group(0)[:80]}
    if not part and (match := search("itself", QUOTED.sub(" ", view.answer[:LOOKED_AT]))):
        return {"found": match.group(0)[:80], "why": "it speaks of itself as a machine"}
    if weight(view.answer) > SHORT:
        return None
    if match := search("soft_refusal", spoken):
        return {"found": match.group(0)[:80]}
    match = search("unable", spoken)
    families = [n for n in FAMILIES if match and not (part and n == "assistant") and search(n, spoken)]
    if match and families:
        return {"found": match.group(0)[:80], "signs": families}
    if part or "\n" in view.answer.strip():
        return None
    declined = search("declines", spoken) is not None
    if not declined and not search("offer", spoken):
        return None
    signs = {name for name in ("offer", "reason", "courtesy", "because") if search(name, spoken)}
    about = search("matter", spoken) is not None or shared(spoken, any_of("makes").sub(" ", view.prompt))
    least = 2 if search("letters", view.prompt) else 1  # a letter speaks of reasons too
    if (declined and (len(signs) > 2 or (len(signs) >= least and about))) or (about and signs >= {"offer", "reason"}):
        return {"found": spoken[:80], "signs": sorted(signs)}
    return None


def instructed(view: View) -> Evidence | None:
    """The answer holds what its author was told (a role, constraints) or thought of the task, without tags."""
    if view.given_text or not view.answer.strip():
        return None
    bare = QUOTED.sub(" ", view.answer)
    if (match := search("instructed", bare)) and match.group(0).strip() not in view.prompt:
        return {"part": "answer", "found": match.group(0)[:80]}
    if (match := search("plans", bare)) and len({m.group(0).lower() for m in any_of("about_task").finditer(bare)}) > 1:
        return {"part": "answer", "found": match.group(0)[:80]}
    return None
