"""Spanish: usted against tú, vos and vosotros.

The pronouns are seldom there, so the verb decides. Sure marks: *tú, te, ti, contigo, tuyo*, *tu* before a noun, a
second person ending of a known verb (*tienes, dijiste, tenés, tenéis*), an imperative with its pronoun (*cuéntame*) on
one side; *usted(es)*, an imperative in the subjunctive (*disculpe, cuénteme*) on the other. Only where there is none of
these do the weak marks speak: *su*, *le*, a third person without a subject, more so in a question; each is less where
the text has a third person whom it could mean.

*Ustedes* is said to be polite, though in the Americas friends are *ustedes* too. *Vosotros* is familiar.

What it cannot tell: *su* and *tiene* of somebody spoken of before the text begins; *mira* "look" from *mira* "he looks"
but for the commonest imperatives; verbs that are not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from in2x.language.address import Address
from in2x.language.address.es_verbs import verb_forms
from in2x.language.address.forms import bare
from in2x.language.address.marks import Mark, settle, words
from in2x.language.address.prodrop import Grammar, Text, weak

_PARTICIPLE = re.compile(r"\w+[aií]do|visto|hecho|dicho|puesto|escrito|vuelto|abierto|roto")
_TIME = re.compile(r"\d+|poco|mucho|tiempo|unos|unas|años|frío|calor|falta|siglos")


@cache
def _grammar() -> Grammar:
    return Grammar.of("es", verb_forms(), that="que")


@cache
def _bare_commands() -> frozenset[str]:
    """The polite imperatives as they stand before a pronoun, without their accent rule: *diga* of *dígame*."""
    return frozenset(bare(form) for form in verb_forms().polite_commands)


def decide(text: str) -> Address:
    """How a Spanish text addresses its reader."""
    tokens = Text(text, _grammar())
    return settle(text, list(_sure(tokens)) or weak(tokens, _weight))


def _sure(text: Text) -> Iterator[Mark]:
    forms = text.grammar.forms
    for at, token in enumerate(text.tokens):
        word = token.low
        if word in text.grammar.casual or (word in ("tu", "tus") and text.after(at)):
            yield Mark(token.start, "casual")
        elif word in text.grammar.polite:
            yield Mark(token.start, "polite")
        elif word in forms.second and text.is_verb(at):
            yield Mark(token.start, "casual")
        elif (command := _command(text, at)) is not None:
            yield Mark(token.start, command)


def _command(text: Text, at: int) -> Literal["polite", "casual"] | None:
    """An imperative with pronouns hung on (*dígame*, *cuéntamelo*), or alone at the start of a clause (*disculpe*)."""
    forms, token, before = text.grammar.forms, text.tokens[at], text.before(at)
    if token.low in text.grammar.particles:
        return None
    hung = re.fullmatch(r"\w*(?:[aeiáéí]r|[áé]ndo)te(?:l[oa]s?)?", token.low)
    if hung and not token.low.endswith(("uerte", "ierte")) and token.low not in words("es")["not_hung"].split():
        return "casual"  # preguntarte, preguntándote, decírtelo
    hung = re.fullmatch(r"(\w+?)(?:me|te|se|nos|le|les)(?:l[oae]s?)?|(\w+?)l[oae]s?", token.low)
    if hung and before not in text.grammar.determiners and token.low not in forms.lemma:
        verb = bare(hung[1] or hung[2])
        accented = verb != (hung[1] or hung[2])
        if accented and verb in _bare_commands():
            return "polite"
        if verb in forms.casual_commands and (accented or len(verb) <= 3):
            return "casual"
    if before and before not in text.grammar.openers | {"no", "favor"}:
        return None
    plural = token.low.endswith("n") and not token.first
    seldom = token.low in text.grammar.no_commands
    command = token.low in forms.polite_commands and not seldom and not plural and not token.question
    return "polite" if command else None


def _weight(text: Text, at: int) -> float:
    """What the word at this place says for polite address where nothing else does; 0 for most words."""
    forms, word = text.grammar.forms, text.low(at)
    if word in ("su", "sus", "suyo", "suya", "suyos", "suyas"):
        return 0.5
    if (word == "le" and text.free(at)) or re.fullmatch(r"\w+[aei]rle", word):
        return 0.3
    if word in text.grammar.tags and (text.free(at) or text.tag(at)):
        return 1.0
    if not (word in forms.third or word in forms.shared) or not _addressed(text, at):
        return 0.0
    if word.endswith("n"):
        return 0.1
    if word in forms.polite_commands:
        return 0.35
    if word in forms.third:
        past = 0.25 if text.tokens[at].question else 0.1  # stories are told in the past
        return past if word in forms.past else 0.25 if word == "está" else 0.4
    first = any(token.low in ("yo", "me", "mi", "mis", "mí", "conmigo") for token in text.tokens)
    return 0.1 if first and not text.tokens[at].question else 0.25


def _addressed(text: Text, at: int) -> bool:
    """A third person verb that can be polite "you": of a verb that people do, without a subject."""
    grammar, verb = text.grammar, text.grammar.forms.lemma[text.low(at)]
    after, empty = text.after(at), grammar.empty
    if verb == "haber" and _PARTICIPLE.fullmatch(after):  # ha comido
        impersonal = after in empty
    elif verb == "hacer" and _TIME.fullmatch(after):  # hace poco, hace falta
        impersonal = True
    else:
        impersonal = verb in grammar.impersonal or after in empty or text.low(at + 2) in empty  # tiene que ser
    return not impersonal and text.before(at) != "se" and text.is_verb(at) and text.free(at)
