"""Spanish: usted against tú, vos and vosotros.

The pronouns are seldom there, so the verb decides. Sure marks: *tú, te, ti, contigo, tuyo*, *tu* before a noun, a second
person ending of a known verb (*tienes, dijiste, tenés, tenéis*), an imperative with its pronoun (*cuéntame*) on one side;
*usted(es)*, an imperative in the subjunctive (*disculpe, cuénteme*) on the other. Only where there is none of these do
the weak marks speak: *su*, *le*, a third person without a subject, more so in a question; each is less where the text
has a third person whom it could mean.

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
from in2x.language.address.marks import Mark, settle
from in2x.language.address.prodrop import Grammar, Text

_CASUAL = frozenset(["tú", "te", "ti", "contigo", "tuyo", "tuya", "tuyos", "tuyas", "vos", "vosotros", "vosotras", "vuestro", "vuestra", "vuestros", "vuestras", "os"])
_POLITE = frozenset(["usted", "ustedes", "ud", "uds", "vd", "vds"])
_COMMANDS = frozenset(
    ["mira", "oye", "escucha", "espera", "perdona", "disculpa", "toma", "imagina", "imagínate", "dime", "cuéntame", "hazme", "déjame", "ven", "haz", "pon", "sal", "di", "ten"]
)
_NO_COMMANDS = frozenset(["sea", "sean", "vaya", "vayan", "venga", "haya", "hayan", "viva", "vivan", "fuera", "este", "para", "entre", "sobre"])
_TAGS = frozenset(["sabe", "entiende", "ve", "comprende", "cree", "imagina"])
_EMPTY = frozenset(["ser", "haber", "sido", "habido", "estar", "gustado", "pasado", "parecido"])
_NO_PRONOUN = frozenset(["parte", "aparte", "arte", "comparte", "reparte", "imparte", "marte", "baluarte", "estandarte", "descarte"])


@cache
def _grammar() -> Grammar:
    return Grammar.of("es", verb_forms(), that="que")


def decide(text: str) -> Address:
    """How a Spanish text addresses its reader."""
    words = Text(text, _grammar())
    return settle(text, list(_sure(words)) or list(_weak(words)))


def _sure(text: Text) -> Iterator[Mark]:
    forms = text.grammar.forms
    for at, token in enumerate(text.tokens):
        word = token.low
        if word in _CASUAL or (word in ("tu", "tus") and text.after(at)):
            yield Mark(token.start, "casual")
        elif word in _POLITE:
            yield Mark(token.start, "polite")
        elif word in forms.second and text.is_verb(at):
            yield Mark(token.start, "casual")
        elif (command := _command(text, at)) is not None:
            yield Mark(token.start, command)


def _command(text: Text, at: int) -> Literal["polite", "casual"] | None:
    """An imperative, with pronouns hung on (*dígame*, *cuéntamelo*) or alone at the start of its clause (*disculpe*)."""
    forms, token, before = text.grammar.forms, text.tokens[at], text.before(at)
    if token.low in text.grammar.particles:
        return None
    hung = re.fullmatch(r"\w*(?:[aeiáéí]r|[áé]ndo)te(?:l[oa]s?)?", token.low)
    if hung and not token.low.endswith("uerte") and not token.low.endswith("ierte") and token.low not in _NO_PRONOUN:
        return "casual"  # preguntarte, preguntándote, decírtelo
    hung = re.fullmatch(r"(\w+?)(?:me|te|se|nos|le|les)(?:l[oae]s?)?|(\w+?)l[oae]s?", token.low)
    if hung and before not in text.grammar.determiners and token.low not in forms.lemma:
        verb = bare(hung[1] or hung[2])
        accented = verb != (hung[1] or hung[2])
        if accented and verb in {bare(form) for form in forms.polite_commands}:
            return "polite"
        if verb in forms.casual_commands and (accented or len(verb) <= 3):
            return "casual"
    if before and before not in text.grammar.openers | {"no", "favor"}:
        return None
    plural = token.low.endswith("n") and not token.first
    if token.low in forms.polite_commands and token.low not in _NO_COMMANDS and not token.question and not plural:
        return "polite"
    return None


def _casual_command(text: Text, at: int) -> bool:
    """A common imperative that is "he looks" as well (*mira*), at the start of a clause."""
    token, before = text.tokens[at], text.before(at)
    starts = not before or before in text.grammar.openers
    return token.low in _COMMANDS and starts and not token.question and text.after(at) != "que"


def _weak(text: Text) -> Iterator[Mark]:
    for at, token in enumerate(text.tokens):
        weight = _weight(text, at) * (1.5 if token.question else 1.0) * (0.6 if text.others(at) else 1.0)
        if _casual_command(text, at):
            yield Mark(token.start, "casual", 0.8)
        elif weight:
            yield Mark(token.start, "polite", weight)


def _weight(text: Text, at: int) -> float:
    """What the word at this place says for polite address where nothing else does; 0 for most words."""
    forms, word = text.grammar.forms, text.low(at)
    if word in ("su", "sus", "suyo", "suya", "suyos", "suyas"):
        return 0.5
    if word == "le" or re.fullmatch(r"\w+[aei]rle", word):
        return 0.3
    if word in _TAGS and (text.free(at) or text.tag(at)):
        return 1.0
    if not (word in forms.third or word in forms.shared) or not _addressed(text, at):
        return 0.0
    if word.endswith("n"):
        return 0.1
    if word in forms.polite_commands:
        return 0.35
    if word in forms.third:
        return 0.25 if word.endswith("ó") or word == "está" else 0.4
    first = any(token.low in ("yo", "me", "mi", "mis", "mí", "conmigo") for token in text.tokens)
    return 0.1 if first and not text.tokens[at].question else 0.25


def _addressed(text: Text, at: int) -> bool:
    """A third person verb that can be polite "you": of a verb that people do, without a subject."""
    grammar, verb = text.grammar, text.grammar.forms.lemma[text.low(at)]
    inner = next((word for word in (text.after(at), text.low(at + 2)) if word in _EMPTY), "")  # debe ser, tiene que haber
    if verb == "haber" and re.fullmatch(r"\w+[aií]do|visto|hecho|dicho|puesto|escrito|vuelto|abierto|roto", text.after(at)):
        impersonal = text.after(at) in _EMPTY
    elif verb == "hacer" and re.fullmatch(r"\d+|poco|mucho|tiempo|unos|unas|años|frío|calor|falta|siglos", text.after(at)):
        impersonal = True  # hace poco, hace falta
    else:
        impersonal = verb in grammar.impersonal or bool(inner)
    return not impersonal and text.before(at) != "se" and text.is_verb(at) and text.free(at)
