"""Portuguese: você, o senhor and the unstated third person against tu.

European Portuguese is meant first: *tu* with its endings (*tens, disseste, quiseres*), *teu, te, ti, contigo* is
familiar; everything in the third person is polite, most often with no pronoun at all (*Tem tempo?*). In Brazil *você*
is what friends say: a text of *você* and *seu* comes out polite all the same, for nothing in it shows the country (our
choice); with *te* and *teu* beside *você*, as Brazilians speak, the heavier side wins.

Sure marks: the above, *você(s)*, *o senhor*, an imperative in the subjunctive (*diga*, *não se preocupe*). Weak ones,
heard only without sure ones: *seu* (more than Spanish *su*, for "his" is *dele*), *lhe*, *si*, a third person without a
subject.

What it cannot tell: *olha* "look!" from "he looks" but for the commonest imperatives; *seu* of somebody spoken of
before the text begins; the third person of a story from "you".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from in2x.language.address import Address
from in2x.language.address.marks import Mark, settle, words
from in2x.language.address.prodrop import Grammar, Text, weak
from in2x.language.address.pt_verbs import verb_forms


@cache
def _grammar() -> Grammar:
    return Grammar.of("pt", verb_forms(), that="que")


def decide(text: str) -> Address:
    """How a Portuguese text addresses its reader."""
    tokens = Text(text, _grammar())
    return settle(text, list(_sure(tokens)) or weak(tokens, _weight))


def _sure(text: Text) -> Iterator[Mark]:
    forms = text.grammar.forms
    for at, token in enumerate(text.tokens):
        word = token.low
        if word in text.grammar.casual:
            yield Mark(token.start, "casual")
        elif word in text.grammar.polite or (
            word in ("senhor", "senhora", "senhores", "senhoras") and _with_article(text, at)
        ):
            yield Mark(token.start, "polite")
        elif word in forms.second and text.is_verb(at):
            yield Mark(token.start, "casual")
        elif _command(text, at):
            yield Mark(token.start, "polite")


def _with_article(text: Text, at: int) -> bool:
    """*O senhor* is "you", *um senhor* and *este senhor* are not."""
    return text.before(at) in ("o", "a", "os", "as", "ao", "à", "do", "da")


def _command(text: Text, at: int) -> bool:
    """A polite imperative at the start of its clause: *diga*, *não se preocupe*."""
    forms, token, left = text.grammar.forms, text.tokens[at], at
    while text.before(left) in ("não", "se", "me", "lhe", "o", "a", "nos"):
        left -= 1
    before = text.before(left)
    if before and before not in ("e", "mas", "ou", "então", "favor", "bem", "sim", "agora", "depois"):
        return False
    if token.low not in forms.polite_commands or token.low in text.grammar.no_commands or not text.is_verb(at):
        return False
    return not token.question and (token.first or not token.low.endswith("m"))


def _weight(text: Text, at: int) -> float:
    """What the word at this place says for polite address where nothing else does; 0 for most words."""
    forms, word = text.grammar.forms, text.low(at)
    if word in ("seu", "sua", "seus", "suas"):
        return 0.7
    if word == "consigo" or (
        word == "si" and text.before(at) in ("a", "para", "de", "com") and text.after(at) != "mesmo"
    ):
        return 0.5
    if word in ("lhe", "lhes") and text.free(at - 1 if text.before(at) in text.grammar.verbs else at):
        return 0.35
    if word in text.grammar.tags and (text.free(at) or text.tag(at)):
        return 1.0
    if text.before(at) in ("se", "quando") and (word in forms.infinitives or word in forms.future_subjunctives):
        return 0.4
    if not (word in forms.third or word in forms.shared) or not _addressed(text, at):
        return 0.0
    if word.endswith(("m", "ão")) and word not in ("tem", "vem", "mantém", "obtém"):
        return 0.1
    if word in forms.polite_commands:
        return 0.35
    if word in forms.third:
        busy = text.after(at) == "a" or text.after(at).endswith("ndo")  # está a dizer
        past = 0.25 if text.tokens[at].question else 0.1  # stories are told in the past
        return past if word in forms.past else 0.25 if word == "está" and not busy else 0.4
    first = any(token.low in ("eu", "me", "meu", "minha", "mim", "comigo") for token in text.tokens)
    return 0.1 if first and not text.tokens[at].question else 0.25


def _addressed(text: Text, at: int) -> bool:
    """A third person verb that can be polite "you": of a verb that people do, without a subject."""
    grammar, verb = text.grammar, text.grammar.forms.lemma[text.low(at)]
    inner = any(text.low(i) in text.grammar.empty for i in (at + 1, at + 2))  # deve ser, tem de ser
    inner = inner or (verb == "fazer" and text.after(at) in words("pt")["weather"].split())
    impersonal = inner or verb in grammar.impersonal or text.after(at) == "se"
    if text.before(at) == "se":  # "oneself, one" after a word that draws the pronoun to it, "if" elsewhere
        impersonal = impersonal or text.before(at - 1) in grammar.that | grammar.adverbs | grammar.asking
    return not impersonal and text.is_verb(at) and text.free(at)
