"""Hindi: आप against तुम and तू.

Pronouns carry most of it; where they are dropped the verb does: -इए is polite; -ओ, -ओगे and a closing -ते हो are
familiar. Spelling is evened out first (nukta and joiners dropped), for the same form is typed in several ways.

Our choices:

- Discourse words that polite and familiar speakers share (चलिए, देखिए, सुनिए; चलो, देखो) weigh half.
- A clause that ends in a bare subjunctive (बताएँ, करें) and has no subject of its own counts as a weak polite request.
- दो and हो count only where the word before shows a verb: दो is also "two", हो also "may be".

What it cannot tell: a request in the infinitive (दरवाज़ा बंद करना); हैं of one respected hearer whose आप is dropped; आप
said of a third person; a dropped subject of the subjunctive.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from in2x.language.address import Address
from in2x.language.address.marks import Mark, settle, words

PRONOUN = 3.0
"""What a pronoun weighs against a verb: आप करते हो is said often, and आप is what it means."""
SHARED = 0.5
"""What a word of discourse weighs that either side says."""
REQUEST = 0.4
"""What a subjunctive without a subject weighs."""

_LETTER = "\u0900-\u0963\u0971-\u097f"
_WORD = re.compile(f"[{_LETTER}]+")
_POLITE = re.compile(r"आप(?:क[ाेीो]|को|ने|से|में|पर)?(?:ं|ँ)?")
_CASUAL = re.compile(r"तुम(?:ने|को|से|में|पर)?|तुम्ह(?:ार[ाेी]|े[ंँ]*|ीं|ी)|तू(?:ने)?|तुझ(?:े|को|से|में|पर|ी)?|तेर[ाेी]")
_REQUEST_IYE = re.compile(rf"[{_LETTER}]+(?:इए|इये|िए|िये)(?:गा)?")
_COMMAND = re.compile(rf"[{_LETTER}]+(?:ाओ|ोओ|िओ)|[{_LETTER}]+(?:ओगे|ोगे|ओगी)")
_SUBJUNCTIVE = re.compile(rf"[{_LETTER}]*(?:एं|एँ|ें|यें)")
_POSTPOSITION = re.compile(rf"\s+(?:का|के|की|को|से|में|पर|ने)(?![{_LETTER}])")
_CLAUSE_END = re.compile(r"\s*(?:$|[।|.?!,;:\n])|\s+(?:और|कि|ताकि|तो|क्योंकि|जो|या)(?=\s)")
_CLAUSE_START = re.compile(r"[।|.?!,;:\n]|\s(?:और|तो)\s")


def normal(text: str) -> str:
    """`text` without nukta and joiners: ज़ and ज, तुम्‍हें and तुम्हें are one spelling."""
    return re.sub("[\u093c\u200b-\u200d]", "", unicodedata.normalize("NFC", text))


@cache
def _lists() -> dict[str, set[str]]:
    return {name: {normal(form) for form in forms.split()} for name, forms in words("hi").items()}


def decide(text: str) -> Address:
    """How a Hindi text addresses its reader."""
    text = normal(text)
    return settle(text, _marks(text))


def _marks(text: str) -> Iterator[Mark]:
    lists = _lists()
    before = ""
    for match in _WORD.finditer(text):
        word, place = match[0], match.start()
        weight = SHARED if word in lists["shared"] else 1.0
        if _POLITE.fullmatch(word):
            if not (word == "आप" and before in ("अपने", "अपना", "खुद")):  # अपने आप: by itself
                yield Mark(place, "polite", PRONOUN)
        elif _CASUAL.fullmatch(word):
            yield Mark(place, "casual", PRONOUN)
        elif word in lists["courtesy"]:
            yield Mark(place, "polite", SHARED)
        elif _REQUEST_IYE.fullmatch(word) and word not in lists["no_request"]:
            if not _POSTPOSITION.match(text, match.end()):  # नज़रिए को is a noun
                yield Mark(place, "polite", weight)
        elif word in lists["commands"] or (_COMMAND.fullmatch(word) and word not in lists["no_command"]):
            yield Mark(place, "casual", weight)
        elif _familiar_verb(before, word, lists) and (word == "हो" or _CLAUSE_END.match(text, match.end())):
            yield Mark(place, "casual")
        elif _SUBJUNCTIVE.fullmatch(word) and word not in lists["no_subjunctive"] and _request(text, match, lists):
            yield Mark(place, "polite", REQUEST)
        before = word


def _familiar_verb(before: str, word: str, lists: dict[str, set[str]]) -> bool:
    """हो after a participle in -ते (करते हो) and दो, लो after a verb (बता दो, जाने दो)."""
    if word == "हो":
        return before.endswith("ते") or before in lists["participles"]
    return word in ("दो", "लो") and (before in lists["stems"] or (before.endswith("ने") and before != "अपने"))


def _request(text: str, verb: re.Match[str], lists: dict[str, set[str]]) -> bool:
    """A subjunctive that ends its clause asks for something, unless the clause names who acts or asks for the mood."""
    clause = _CLAUSE_START.split(text[: verb.start()])[-1]
    subject = any(word in lists["subjects"] for word in _WORD.findall(clause))
    return _CLAUSE_END.match(text, verb.end()) is not None and not subject
