"""Italian: Lei against tu.

The verb decides, as in Spanish. Sure marks: *tu, te, ti, tuo*, a second person ending of a known verb (*vuoi, dicevi,
potresti*), *non* with an infinitive at the start of a clause, an infinitive with *-ti* on one side; *Lei, Suo, La* with
a capital inside a sentence and imperatives in the subjunctive (*scusi, mi dica, venga*) on the other. *Guardi* is "you
look" to a friend and "look!" to a stranger: at the start of a clause that asks nothing it counts as the latter. Weak
marks speak only without sure ones: *suo*, *lei*, *le*, a third person without a subject.

*Voi* says nothing: it is the plural of *tu* and of *Lei* (our choice; as a polite singular it is of the south and of
old books).

What it cannot tell: *lei* "she" from *lei* "you" without a capital; *guarda* "look!" from "he looks" but for the
commonest imperatives; *suo* of somebody spoken of before the text begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from in2x.language.address import Address
from in2x.language.address.it_verbs import verb_forms
from in2x.language.address.marks import Mark, settle, words
from in2x.language.address.prodrop import Grammar, Text, weak

_CAPITAL = {"Lei", "Suo", "Sua", "Suoi", "Sue", "La", "Le", "L'"}
_HER = re.compile(r"\w+[a-zàèéìòù](?:La|Le|Lei)")  # contattarLa
_HUNG = re.compile(r"\w+(?:ar|[^tp]er|ir|ur)(?:ti|te(?:l[oaie]|ne))|\w+ndo(?:ti|tel[oaie])")


@cache
def _grammar() -> Grammar:
    return Grammar.of("it", verb_forms(), that="che")


def decide(text: str) -> Address:
    """How an Italian text addresses its reader."""
    tokens = Text(text, _grammar())
    return settle(text, list(_sure(tokens)) or weak(tokens, _weight))


def _sure(text: Text) -> Iterator[Mark]:
    forms = text.grammar.forms
    for at, token in enumerate(text.tokens):
        word = token.low
        if word in text.grammar.casual:
            yield Mark(token.start, "casual")
        elif _HER.fullmatch(token.text) or (token.text in _CAPITAL and not token.first and _pronoun(text, at)):
            yield Mark(token.start, "polite")
        elif (command := _command(text, at)) is not None:
            yield Mark(token.start, command)
        elif word in forms.second and _is_verb(text, at) and not _anybody(text, at):
            yield Mark(token.start, "casual")


def _pronoun(text: Text, at: int) -> bool:
    """*Lei* and *Suo*, or *La*, *Le*, *L'* before a verb: not the article of a title (*La Bella e la Bestia*)."""
    if text.tokens[at].text not in ("La", "Le", "L'"):
        return True
    after = text.after(at)
    return after in text.grammar.verbs or after in ("ho", "abbiamo") or text.before(at) in ("non", "che", "se", "come")


def _is_verb(text: Text, at: int) -> bool:
    """As everywhere; *sei* is a number where a plural follows."""
    if text.low(at) != "sei":
        return text.is_verb(at)
    counted = re.fullmatch(r"\d+|\w+i|ore|volte|settimane", text.after(at))
    return not counted and text.before(at) not in text.grammar.determiners | text.grammar.prepositions


def _anybody(text: Text, at: int) -> bool:
    """*Penso che parli*, *la gente compri*: a form that is a subjunctive of anybody as well, where one is likely."""
    if text.low(at) not in text.grammar.forms.polite_commands:
        return False
    left = at
    while text.before(left) in text.grammar.clitics | {"non"}:
        left -= 1
    thinking = {text.low(left - 2), text.low(left - 3)} & set(words("it")["thinking"].split())
    return (text.before(left) == "che" and bool(thinking)) or not text.free(at)


def _command(text: Text, at: int) -> Literal["polite", "casual"] | None:
    """An imperative at the start of its clause, or an infinitive that *-ti* hangs on."""
    forms, token = text.grammar.forms, text.tokens[at]
    word = token.low
    if _HUNG.fullmatch(word) and text.before(at) not in text.grammar.determiners and _known(text, word):
        return "casual"
    hung = re.fullmatch(r"(\w{3,})(?:mi|[mtc]el[oaie]|[mt]ene)", word)
    if hung and hung[1] in forms.casual_commands and word not in forms.lemma:
        return "casual"
    if token.first and word.endswith("ti") and word[:-2] in forms.casual_commands:  # arrivati is a participle elsewhere
        return "casual" if word.endswith("iti") or text.after(at) in ("di", "che") else None
    left = at
    while text.before(left) in text.grammar.clitics | {"non"}:
        left -= 1
    opening = text.before(left) in {
        "",
        "e",
        "ma",
        "o",
        "quindi",
        "allora",
        "beh",
        "favore",
        "prego",
        "poi",
        "ora",
        "adesso",
    }
    if token.question or not opening or word in text.grammar.particles:
        return None
    if text.low(left) == "non" and at == left + 1 and re.fullmatch(r"\w+[aei]re", word):
        return "casual"  # non andare
    if word not in forms.polite_commands or word in text.grammar.no_commands:
        return None
    noun = word in text.grammar.nouns if left == at else False  # conti, giochi; "mi conti" is no noun
    return None if noun and not text.is_verb(at) else "polite"


def _known(text: Text, word: str) -> bool:
    """*-arti, -erti, -irti* of a verb: the infinitive is listed, or the word is long and no participle (*coperti*)."""
    infinitive = re.sub(r"t(?:i|el[oaie]|ene)$", "e", word)
    participle = len(word) < 8 or word.endswith(("perti", "ferti", "certi"))
    return infinitive in text.grammar.forms.infinitives or not participle


def _weight(text: Text, at: int) -> float:
    """What the word at this place says for polite address where nothing else does; 0 for most words."""
    forms, word = text.grammar.forms, text.low(at)
    if word == "lei" or word in ("suo", "sua", "suoi", "sue"):
        return 0.5
    if (word == "le" and text.after(at) in text.grammar.verbs and text.free(at)) or re.fullmatch(r"\w+[aei]rle", word):
        return 0.3
    if word in text.grammar.tags and (text.free(at) or text.tag(at)):
        return 1.0
    if not (word in forms.third or word in forms.shared) or not _addressed(text, at):
        return 0.0
    if word.endswith("o") and word in forms.third:
        return 0.1
    if word in forms.past:
        return 0.1  # the remote past tells stories
    return 0.4 if word in forms.third else 0.25


def _addressed(text: Text, at: int) -> bool:
    """A third person verb that can be polite "you": of a verb that people do, without a subject."""
    grammar, verb, after = text.grammar, text.grammar.forms.lemma[text.low(at)], text.after(at)
    inner = after in text.grammar.empty or text.low(at + 2) in text.grammar.empty  # deve essere
    impersonal = inner or verb in grammar.impersonal
    if verb == "fare" and after in words("it")["weather"].split():
        impersonal = True
    if verb == "essere":
        impersonal = not (text.tokens[at].question and re.fullmatch(r"mai|\w+[aiu]t[oa]|stat[oa]", after))
    return not impersonal and text.before(at) != "si" and text.is_verb(at) and text.free(at)
