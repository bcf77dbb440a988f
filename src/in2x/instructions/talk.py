"""What a model says to its user around an answer, sentence by sentence: consent, thanks, an announcement, a question.

Answers are freed of it where something stands beside it (`tidy.py`), and fall where nothing does (`rules/speech.py`).
The wordings are those of the packs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from in2x.instructions.weight import weight
from in2x.language.wording import any_of, patterns, search

Kind = Literal["consent", "thanks", "notes", "presents", "intends", "waits", "asks", "closes"]

_SENTENCE = re.compile(r"(?:[^.!?。！？:：\n]|[.:](?=\S))+(?:[.!?。！？:：]+[)）」』”\"']*|\Z|\n)\s*")
_CONTENT = re.compile(r"[a-z]{3,}|[^\W\d_a-z\u3041-\u30ff]")
_TERMS = re.compile(r"[a-z]{4,}|(?=([^\W\d_a-z\u3041-\u309f]{2}))")
QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”|\"[^\"\n]*\"|„[^„“]*“|«[^«»]*»|‘[^‘’]*’")


@lru_cache(maxsize=64)
def contents(text: str) -> frozenset[str]:
    """Words of Latin letters, single characters of scripts that write meanings."""
    return frozenset(_CONTENT.findall(text.lower()))


def common(text: str, other: str) -> frozenset[str]:
    """The words of four Latin letters that two texts share, and the pairs of characters in a row of another script
    (without hiragana, which writes grammar)."""
    return _terms(text) & _terms(other)


@lru_cache(maxsize=64)
def _terms(text: str) -> frozenset[str]:
    return frozenset(m[1] or m[0] for m in _TERMS.finditer(text.lower()))


def shared(text: str, other: str) -> bool:
    """Whether two texts share such a word or pair."""
    return bool(common(text, other))


@lru_cache(maxsize=512)
def forms(asked: str) -> frozenset[str]:
    """The forms of writing that a prompt asks for, by its grammar ("write a short MYTH about") and by name."""
    by_name = (match.group(0) for match in any_of("works").finditer(asked))
    by_place = (match["form"] for pattern in patterns("form_asked", within=asked) for match in pattern.finditer(asked))
    return frozenset(word.lower().removesuffix("s") for word in (*by_name, *by_place) if len(word) > 1)


def names_form(text: str, asked: str) -> bool:
    """Whether a text names the form that was asked for ("Mean toasts can hurt" for a toast)."""
    lower = text.lower()
    return any(re.search(rf"\b{re.escape(form)}", lower) if form.isascii() else form in lower for form in forms(asked))


def sentences(text: str) -> list[str]:
    """The sentences of a text; a colon ends one too."""
    return [match.group(0).strip() for match in _SENTENCE.finditer(text) if match.group(0).strip()]


def _is(name: str, sentence: str) -> bool:
    return any_of(name, r"\A\W*{}\W*\Z").match(sentence) is not None


def kinds(text: str, asked: str, leading: bool = False) -> list[Kind] | None:
    """What each sentence of `text` does; None where one of them is no talk about the task.

    An announcement ("Here is ...", "I'll write ...") is one where words of consent lead it or it takes up what was
    `asked` for; alone it may begin an answer. `leading`: an answer follows the text, so that words that merely point at
    a work present it.
    """
    found: list[Kind] = []
    for whole in sentences(text):
        kind = _kind(whole.strip("*_#> \t\u3000"), asked, leading, found)
        if kind is None:
            return None
        found.append(kind)
    return found or None


def _kind(sentence: str, asked: str, leading: bool, before: list[Kind]) -> Kind | None:
    if len(sentence) > LONGEST:
        return None
    said = any_of("consent", r"\A\W*(?:{}[\s,.!、。，！]+)+").match(sentence + " ")
    rest = sentence[said.end() :].strip() if said else sentence
    led = said is not None or any(kind in ("consent", "thanks", "notes", "presents") for kind in before)
    if _is("thanks", sentence) or _is("thanks", rest):
        return "thanks"
    if not rest:
        return "consent"
    if _is("asks_back", rest) or (_is("tell_me", rest) and (before or shared(rest, asked))):
        return "asks"
    if rest[-1] in "?？" and not leading and shared(rest, asked):
        return "notes"
    announced = any_of("presents", r"\A\W*{}\s*\Z").match(rest) and (led or contents(rest) & contents(asked))
    if announced or _is("opening", sentence):
        return "presents"
    if (before or search("makes", rest)) and _is("waits", rest):
        return "waits"
    if (led or shared(rest, asked)) and search("makes", rest) and (_is("intends", rest) or _is("intends", sentence)):
        return "intends"
    if (shared(rest, asked) or len(contents(rest) & contents(asked)) > 1) and _is("notes_task", rest):
        return "notes"
    if leading and ((not before and _is("remark", rest)) or _shows(rest, asked, led)):
        return "presents"
    return "closes" if before and (_is("closing", rest) or _is("remark", rest)) else None


LONGEST = 300
"""Characters of a sentence that may be talk (our choice)."""
PRESENTED = 220
"""Latin letters (others weigh more) of a sentence that presents an answer (our choice)."""


def _shows(sentence: str, asked: str, led: bool) -> bool:
    """Whether a sentence points at a work or says that it was made: it names one, or what was asked for."""
    if sentence[-1] not in ":：!！。.↓" or weight(sentence) > PRESENTED or QUOTED.search(sentence):
        return False
    if led and sentence[-1] in ":：↓" and shared(sentence, asked):
        return True
    if not (search("deictic", sentence) or search("made", sentence)):
        return False
    common = contents(sentence) & contents(asked)
    named = len(common) >= 2 or any(len(word) > 3 for word in common)
    return named or led or (search("works", sentence) is not None and sentence[-1] in ":：!！↓")


def announces(text: str, asked: str) -> bool:
    """Whether a paragraph is talk alone, and announces an answer."""
    found = kinds(text, asked, leading=True)
    return found is not None and any(kind in ("presents", "intends") for kind in found)
