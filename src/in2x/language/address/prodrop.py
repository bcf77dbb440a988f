"""Address in languages that drop the subject: which verb has "you" for its subject when nothing is written?

A second person ending says it by itself, once the form is known to be a verb and no noun of the same spelling
(`Text.is_verb`: *las compras* against *si compras*). A third person ending says "polite you" only where nobody else can
be its subject. There is no parser here; `Text.free` looks at the words to the left of the verb, over pronouns and
adverbs, and calls the verb free when it stands at the start of its clause, after a conjunction, after a "that" which
follows a verb, or after a relative whose antecedent cannot be the subject, being plural where the verb is singular.
These are rules of thumb of ours, and so are the weights below: fitted by hand on half of some real sentences, looked at
in the other half. A free verb that goes on about the subject of the verb before it (`Text.topic`) counts little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from in2x.language.address.forms import Forms
from in2x.language.address.marks import Mark, words

_TOKEN = re.compile(r"[^\W\d_]+['’]?|\d+")
_STOP = re.compile(r"[.!?…]+(?=\s|$|[\"»”])|[¿¡\n]")
_BREAK = re.compile(r"[,;:()«»\"“”—–\n.!?¿¡…]|\s-\s")

_PLURAL = re.compile(r"(?!tem$|vem$|bem$|\w*ém$)\w+(?:n|no|m|ão)")
_TIMES = {"vez", "veces", "vezes", "volta", "volte"}
_THEIRS = {"su", "sus", "suo", "sua", "suoi", "sue", "seu", "seus", "suas"}
_WHO = {"chi", "quien", "quién", "quem"}
_AND = {"y", "e", "ed", "o", "u", "ou", "ni", "né"}
_VERB_AFTER = {"no", "non", "não", "si", "se", "cuando", "quando", "quien"}
_PARTICLES = ("determiners", "prepositions", "clitics", "adverbs", "openers", "asking")
_LISTS = (
    *("nouns", *_PARTICLES, "third_persons", "impersonal"),
    *("casual", "polite", "commands", "no_commands", "tags", "empty"),
)
QUESTION = 1.5
"""What a weak mark of polite address counts in a question, against 1 in a lone statement."""
OTHERS = 0.6
"""What it counts where a third person is spoken of."""
TOPIC = 0.3
"""How much a free verb still says for "you" where an earlier verb had a subject that it can go on about."""

LONG = 45
"""Words from which on weak marks are counted by their share: a page about others has many and addresses nobody."""


@dataclass(frozen=True)
class Token:
    """A word in its place."""

    text: str
    low: str
    start: int
    opens: bool
    """A sign stands before it that ends a clause: a comma, a quotation mark, the start of the text."""
    first: bool
    """First of its sentence."""
    sentence: int
    question: bool
    """Its sentence ends in a question mark."""


@dataclass(frozen=True)
class Grammar:
    """The words of a language that the rules of this file look for, and its verb forms."""

    forms: Forms
    nouns: frozenset[str]
    determiners: frozenset[str]
    prepositions: frozenset[str]
    clitics: frozenset[str]
    adverbs: frozenset[str]
    openers: frozenset[str]
    third_persons: frozenset[str]
    impersonal: frozenset[str]
    asking: frozenset[str]
    casual: frozenset[str]
    polite: frozenset[str]
    commands: frozenset[str]
    """Common familiar imperatives that are a third person as well (*mira*)."""
    no_commands: frozenset[str]
    tags: frozenset[str]
    empty: frozenset[str]
    """After these verbs nobody is addressed: *tiene que ser*."""
    that: frozenset[str]
    verbs: frozenset[str]
    """Every known verb form."""
    particles: frozenset[str]
    """The words of the lists that are no verbs, whatever the conjugation says (*una* of *unir*)."""

    @classmethod
    def of(cls, code: str, forms: Forms, that: str) -> Grammar:
        """From the lists in `<code>.yaml`."""
        lists = {name: frozenset(words(code)[name].split()) for name in _LISTS}
        verbs = frozenset(forms.second | forms.third | forms.shared)
        particles = frozenset().union(*(lists[name] for name in _PARTICLES))
        lists["openers"] |= lists["asking"]
        return cls(forms, that=frozenset(that.split()), verbs=verbs - particles, particles=particles, **lists)


class Text:
    """A text as words, with the questions that the rules ask of a place in it."""

    def __init__(self, text: str, grammar: Grammar) -> None:
        self.grammar = grammar
        self.tokens: list[Token] = []
        end = 0
        sentences = [0, *(match.end() for match in _STOP.finditer(text)), len(text) + 1]
        ends = {match.end(): "?" in match[0] for match in _STOP.finditer(text)}
        sentence = -1
        for match in _TOKEN.finditer(text):
            first = False
            while match.start() >= sentences[sentence + 1]:
                sentence += 1
                first = True
            between = text[end : match.start()]
            opens = first or not self.tokens or _BREAK.search(between) is not None
            question = ends.get(sentences[sentence + 1], False)
            word = match[0].replace("’", "'")
            self.tokens.append(Token(word, word.lower(), match.start(), opens, first, sentence, question))
            end = match.end()
        people = grammar.third_persons
        self._peopled = {
            token.sentence
            for at, token in enumerate(self.tokens)
            if token.low in people and self.before(at) not in _THEIRS
        }

    def low(self, at: int) -> str:
        """The word at this place in lower case, empty beyond the ends."""
        return self.tokens[at].low if 0 <= at < len(self.tokens) else ""

    def before(self, at: int) -> str:
        """The word before, empty where a clause starts."""
        return "" if self.tokens[at].opens else self.low(at - 1)

    def after(self, at: int) -> str:
        """The word after, empty where a clause ends."""
        return "" if at + 1 >= len(self.tokens) or self.tokens[at + 1].opens else self.low(at + 1)

    def is_verb(self, at: int) -> bool:
        """Whether the form at this place is a verb here: no determiner before it, and proof if it is a noun as well."""
        grammar, token, before, after = self.grammar, self.tokens[at], self.before(at), self.after(at)
        named = token.text.istitle() and not token.first
        article = before in grammar.determiners and before not in grammar.clitics
        if named or article or token.low in grammar.particles:
            return False
        if not {token.low, token.low + "s", token.low.removesuffix("s")} & grammar.nouns:
            return True
        if before in grammar.prepositions:
            return False
        if before in grammar.clitics and before not in grammar.determiners:
            return True
        if before in grammar.that or before in _VERB_AFTER:
            return True
        counted = self.before(at - 1) in grammar.asking - grammar.that  # ¿cuántas maletas lleva?
        if token.question and counted and before and before not in grammar.verbs:
            return True
        clause = not before or before in grammar.openers or before in grammar.adverbs
        asked = token.question and (token.first or bool(before)) and before not in _AND
        return clause and (asked or (after in grammar.determiners or after in grammar.clitics))

    def free(self, at: int) -> bool:
        """Whether the third person verb at this place has no subject that is written to its left."""
        grammar = self.grammar
        left = at
        while not self.tokens[left].opens:
            word = self.low(left - 1)
            if word in _TIMES and not self.tokens[left - 1].opens:  # alguna vez
                left -= 2
                continue
            if word not in grammar.clitics | grammar.adverbs and not word.endswith("mente"):
                break
            left -= 1
        left = self._over_phrase(left)
        if self.tokens[at].question and self._asked(left):
            return True
        before = self.before(left)
        if not before or before in _WHO:
            return not before
        if before in grammar.that:
            return self._free_after_that(left - 1, at)
        return before in grammar.openers or before in grammar.verbs or before in grammar.prepositions

    def _asked(self, left: int) -> bool:
        """Whether a question word and its noun stand before `left`, and no other noun: *¿cuántos tíos tiene?*"""
        while self.before(left) and self.before(left) not in self.grammar.determiners - self.grammar.asking:
            left -= 1
            if self.low(left) in self.grammar.asking:
                return True
        return False

    def _over_phrase(self, left: int) -> int:
        """Where a phrase with a preposition begins that opens the clause before `left`: *con este pase obtiene*."""
        grammar = self.grammar
        for size in (2, 3):
            at = left - size
            if at < 0 or any(token.opens for token in self.tokens[at + 1 : left + 1]):
                break
            if self.low(at) in grammar.prepositions and (size == 2 or self.low(at + 1) in grammar.determiners):
                before = self.before(at)
                return at if not before or before in grammar.openers else left
        return left

    def _free_after_that(self, that: int, at: int) -> bool:
        """After *que*, *che*: "that" after a verb or a conjunction; a relative if a noun is before it."""
        grammar, antecedent = self.grammar, self.before(that)
        closed = (grammar.openers, grammar.adverbs, grammar.verbs, grammar.prepositions)
        if not antecedent or any(antecedent in group for group in closed):
            return True
        if antecedent in ("lo", "o", "ciò", "quello", "el", "la"):
            return antecedent in ("lo", "o", "ciò", "quello")
        if antecedent in grammar.forms.infinitives or re.fullmatch(r"\w+(?:ndo|go|eo|so|o)", antecedent):
            return True
        return bool(re.fullmatch(r"\w+s", antecedent)) and not self.low(at).endswith("n")

    def others(self, at: int) -> bool:
        """Whether there is a third person whom the word here could mean: *ella*, *mi madre*, not *su madre* (yours?).

        A question turns to the reader: there only its own sentence is searched (our choice).
        """
        here = self.tokens[at]
        return here.sentence in self._peopled if here.question else bool(self._peopled)

    def tag(self, at: int) -> bool:
        """Whether the verb at this place is a tag put to the reader: it ends a question (*..., ¿sabe?*)."""
        last = at + 1 == len(self.tokens) or self.tokens[at + 1].sentence != self.tokens[at].sentence
        return last and self.tokens[at].question

    def topic(self, at: int) -> float:
        """How far a free verb in a statement can still be "you" after the verbs before it: 1 down to 0.

        *El tren sale a las ocho y llega a las diez. Tarda dos horas*: *llega* is free, but it is the train that arrives
        and likely the train that takes two hours. This sentence and the one before count, if they ask nothing.
        """
        grammar, here = self.grammar, self.tokens[at]
        if here.question:
            return 1.0
        joined = self.before(at) in _AND
        share, i = 1.0, at
        while i > 0 and self.tokens[i - 1].sentence >= here.sentence - 1:
            i -= 1
            token = self.tokens[i]
            same = token.sentence == here.sentence
            if joined and same and token.first and token.low in grammar.determiners:
                return 0.0  # El tren ... y llega
            if token.question or token.low not in grammar.forms.third or not self._has_subject(i):
                continue
            if _PLURAL.fullmatch(token.low) and not _PLURAL.fullmatch(here.low):
                continue  # Los vecinos ayudan y tiene tiempo: somebody else has time
            share = 0.0 if joined and same else min(share, TOPIC)
        return share

    def _has_subject(self, at: int) -> bool:
        """Whether the third person verb at this place is of somebody who is named before it."""
        personal = self.grammar.forms.lemma[self.low(at)] not in self.grammar.impersonal
        return personal and self.is_verb(at) and not self.free(at)

    def scale(self, at: int) -> float:
        """How much more, or less, a weak mark at this place says than in a lone statement."""
        question = QUESTION if self.tokens[at].question else 1.0
        return question * (OTHERS if self.others(at) else 1.0) * self.topic(at)


def weak(text: Text, weight: Callable[[Text, int], float]) -> Iterator[Mark]:
    """The marks that speak where nothing sure was found.

    `weight` says what a word counts for polite address. A common imperative that is "he looks" as well (*mira, guarda,
    olha*) is familiar at the start of a clause that is no question.
    """
    grammar = text.grammar
    openers = grammar.openers - grammar.asking
    share = min(1.0, LONG / max(1, len(text.tokens)))
    for at, token in enumerate(text.tokens):
        starts = not text.before(at) or text.before(at) in openers
        if token.low in grammar.commands and starts and not token.question and text.after(at) not in grammar.that:
            yield Mark(token.start, "casual", 0.8 * share)
        elif (weighs := weight(text, at)) > 0:
            yield Mark(token.start, "polite", weighs * text.scale(at) * share)
