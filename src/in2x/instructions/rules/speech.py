"""Rules about a model that speaks of itself or to its user where an answer should stand: framing, promise, question
back, refusal."""

from __future__ import annotations

import re

from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.talk import QUOTED, common, contents, forms, kinds, names_form, sentences, shared
from in2x.instructions.tidy import tidy_answer
from in2x.instructions.weight import weight
from in2x.language.example import HUB
from in2x.language.language import language
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
    if "\n" not in answer and answer[-1:] in tuple(":：") and (shared(answer, view.prompt) or search("works", answer)):
        return {"found": answer[:80], "why": "it announces, and ends"}
    if match := search("promise", answer):
        return {"found": match.group(0)[:80]}
    if (match := _EMPTY.search(answer)) and not search("about_code", view.prompt):
        return {"found": match.group(0)[:80], "why": "headings over nothing"}
    if _asked(answer, view.prompt):
        return {"found": answer[:80], "why": "it asks, and ends"}
    if not search("letters", view.prompt) and _described(answer, view.prompt):
        return {"found": answer[:80], "why": "it tells of a work that is not there"}
    found = None if QUOTED.match(answer) else kinds(answer, view.prompt)
    if found and any(kind in ("presents", "intends", "waits", "asks") for kind in found):
        return {"found": answer[:80], "kinds": [str(kind) for kind in found]}
    return None


CURT = 260
"""Latin letters (others weigh more) of an answer that is nothing but a refusal in words of its own (our choice)."""
BRIEF = 70
"""The same of an apology that names neither topic nor reason."""


def _asked(answer: str, prompt: str) -> bool:
    """Whether an answer is one or two sentences that end in a question to the reader, where more than a line is due."""
    if not answer.endswith(("?", "？", "か。")) or weight(answer) > 2 * BRIEF:
        return False
    if "\n" in answer or QUOTED.search(answer):
        return False
    if any(search(name, prompt) for name in ("one_piece", "voices", "letters", "asks_reader")) or "?" in prompt:
        return False
    said, task = (any_of("filler").sub(" ", any_of("makes").sub(" ", text)) for text in (answer, prompt))
    about = names_form(answer, prompt) or bool(common(said, task) - language(HUB).pack.words)
    if about and kinds(sentences(answer)[0], prompt) in (["consent"], ["notes"]):
        return True
    if not forms(prompt) or len(sentences(answer)) > 2:
        return False
    return names_form(answer, prompt) or (about and search("second_person", answer) is not None)


def _described(answer: str, prompt: str) -> bool:
    """Whether an answer of one short paragraph names the form that was asked for, and says what it is like ("The speech
    below honours ..."), or in one sentence that here it is."""
    if "\n" in answer or max(weight(answer), weight(prompt)) > CURT or QUOTED.search(answer):
        return False
    named = names_form(answer[:120], prompt)
    if (named or shared(answer, any_of("makes").sub(" ", prompt))) and search("plans_work", answer):
        return True
    if not named:
        return False
    if search("describes", answer):
        return True
    return len(sentences(answer)) == 1 and any_of("points_here", r"\A\W*{}").match(answer) is not None


_EMPTY = re.compile(r"^[\w#*'’ -]{1,40}[:：][*_ ]*\n(?:\s*\n)?[\w#*'’ -]{1,40}[:：][*_ ]*(?:\n|\Z)", re.MULTILINE)


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
    # a reply in a story has its courtesies
    spoke = search("letters", view.prompt) is not None or search("voices", view.prompt) is not None
    match = search("unable", spoken)
    families = [n for n in FAMILIES if match and not (part and n == "assistant") and search(n, spoken)]
    if match and len(families) > spoke:
        return {"found": match.group(0)[:80], "signs": families}
    if part or "\n" in view.answer.strip() or weight(view.answer) > CURT:
        return None
    declined = search("declines", spoken) is not None
    signs = {name for name in ("offer", "reason", "courtesy", "because") if search(name, spoken)}
    task = any_of("makes").sub(" ", view.prompt)
    alike = len({char for char in contents(spoken) & contents(task) if not char.isascii()}) > 1
    about = search("matter", spoken) is not None or alike or shared(spoken, task)
    brief = weight(view.answer) <= BRIEF
    if brief and declined and not search("voices", view.prompt) and search("matter", spoken) and "courtesy" in signs:
        return {"found": spoken[:80], "signs": sorted(signs)}
    letter = search("letters", view.prompt) is not None  # which speaks of reasons too
    least = 2 if letter else 1
    if letter and "reason" not in signs:
        return _shied(view, signs)
    if (declined and (len(signs) > 2 or (len(signs) >= least and about))) or (about and signs >= {"offer", "reason"}):
        return {"found": spoken[:80], "signs": sorted(signs)}
    if declined and signs >= {"reason", "because"} and weight(view.answer) <= 2 * BRIEF and not spoke:
        return {"found": spoken[:80], "signs": sorted(signs)}
    return _shied(view, signs | {"declines"} if declined else signs)


def _shied(view: View, signs: set[str]) -> Evidence | None:
    """The answer talks about the task instead of doing it: it names the form that was asked for, or what was requested,
    in one paragraph without a quotation, with a reservation, and as one person to another or for a value."""
    answer, prompt = view.answer.strip(), view.prompt
    if max(weight(answer), weight(prompt)) > CURT or "\n" in prompt.strip():
        return None
    if QUOTED.search(answer) or search("about_writing", prompt):
        return None
    requested, reserves = search("requested", answer) is not None, search("reserves", answer) is not None
    if weight(answer) <= BRIEF and requested and reserves and search("this_request", answer):
        return {"found": answer[:80], "signs": ["it talks of the request"]}
    if "declines" in signs and search("this_request", answer) and not search("voices", prompt):
        return {"found": answer[:80], "signs": ["it declines, and talks of the request"]}
    named = requested or names_form(answer, prompt)
    reserved = reserves or bool(signs & {"declines", "offer"})
    persons = search("first_person", answer) or search("second_person", answer)
    task = any_of("makes").sub(" ", prompt)
    score = named + reserved + bool(persons) + len(signs & {"reason", "offer", "because"}) + shared(answer, task)
    spoken = search("voices", prompt) is not None or search("letters", prompt) is not None
    if named and reserved and score >= 4 + spoken:
        return {"found": answer[:80], "signs": [*sorted(signs), "it talks of the task"]}
    return None


_MARKED = re.compile(r"[:：→]|[\"“「『][^\"”」』\n]*[\"”」』]")


def _drafted(answer: str) -> str | None:
    """The last line, if a line before it weighs it among others ("Options: ... \"The Open Eye\" rings best")."""
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    if not 1 < len(lines) <= 8:
        return None
    last = lines[-1].strip('*_"“”「」『』. 。')
    for line in lines[:-1]:
        at = line.find(last)
        if len(last) >= 2 and at >= 0 and weight(last) + 12 < weight(line) < CURT and _MARKED.search(line):
            return line
    return None


def instructed(view: View) -> Evidence | None:
    """The answer holds what its author was told (a role, constraints) or thought of the task, without tags."""
    if view.given_text or not view.answer.strip():
        return None
    bare = QUOTED.sub(" ", view.answer)
    asked = search("dialogue", view.prompt) is not None
    match = search("instructed", bare)
    question = match is not None and asked and match.group(0).lstrip()[:1] in "QqＱ问問"
    if match and not question and match.group(0).strip() not in view.prompt:
        return {"part": "answer", "found": match.group(0)[:80]}
    if not asked and not search("verse", view.prompt) and (line := _drafted(view.answer)):
        return {"part": "answer", "found": line[:80], "why": "a line weighs the answer that follows"}
    aside = ("voices", "thinking", "about_notes")
    if (match := search("muses", bare)) and not any(search(name, view.prompt) for name in aside):
        return {"part": "answer", "found": match.group(0)[:80]}
    if (match := search("plans", bare)) and len({m.group(0).lower() for m in any_of("about_task").finditer(bare)}) > 1:
        return {"part": "answer", "found": match.group(0)[:80]}
    return None
