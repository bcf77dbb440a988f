"""Address in languages that drop the subject: which verb has "you" for its subject when nothing is written?

A second person ending says it by itself, once the form is known to be a verb and no noun of the same spelling
(`Text.is_verb`: *las compras* against *si compras*). A third person ending says "polite you" only where nobody else can
be its subject. There is no parser here; `Text.free` looks at the words to the left of the verb, over pronouns and
adverbs, and calls the verb free when it stands at the start of its clause, after a conjunction, after a "that" which
follows a verb, or after a relative whose antecedent cannot be the subject, being plural where the verb is singular.
These are rules of thumb of ours; the price is a free verb about somebody named a sentence earlier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from in2x.language.address.forms import Forms
from in2x.language.address.marks import words

_TOKEN = re.compile(r"[^\W\d_]+['’]?|\d+")
_STOP = re.compile(r"[.!?…]+(?=\s|$|[\"»”])|[¿¡\n]")
_BREAK = re.compile(r"[,;:()«»\"“”—–\n.!?¿¡…]|\s-\s")

_TIMES = frozenset("vez veces vezes volta volte".split())
_THEIRS = frozenset("su sus suo sua suoi sue seu seus suas".split())
_AND = frozenset("y e o u ou ni né".split())
_VERB_AFTER = frozenset("no non não si se cuando quando quien".split())


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
    that: frozenset[str]
    verbs: frozenset[str]
    """Every known verb form."""
    particles: frozenset[str]
    """The words of the lists that are no verbs, whatever the conjugation says (*una* of *unir*)."""

    @classmethod
    def of(cls, code: str, forms: Forms, that: str) -> Grammar:
        """From the lists in `<code>.yaml`."""
        names = "nouns determiners prepositions clitics adverbs openers asking third_persons impersonal".split()
        lists = {name: frozenset(words(code)[name].split()) for name in names}
        verbs = frozenset(forms.second | forms.third | forms.shared)
        lists["openers"] |= lists["asking"]
        particles = frozenset().union(*(lists[name] for name in names[1:6]))
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
        named = token.text[0].isupper() and not token.first
        article = before in grammar.determiners and before not in grammar.clitics
        if named or article or token.low in grammar.particles:
            return False
        if not {token.low, token.low + "s", token.low.removesuffix("s")} & grammar.nouns:
            return True
        if before in grammar.prepositions:
            return False
        if before in grammar.clitics and before not in grammar.determiners:
            return True
        if before in grammar.that | _VERB_AFTER:
            return True
        clause = not before or before in grammar.openers | grammar.adverbs
        asked = token.question and (token.first or bool(before)) and before not in _AND
        return clause and (asked or after in grammar.determiners | grammar.clitics)

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
        if not before:
            return True
        if before in grammar.that:
            return self._free_after_that(left - 1, at)
        return before in grammar.openers or before in grammar.verbs or before in grammar.prepositions

    def _asked(self, left: int) -> bool:
        """Whether a question word and its noun stand before `left`, with no other noun: *¿cuántos tíos y tías tiene?*."""
        while self.before(left) and self.before(left) not in self.grammar.determiners - self.grammar.asking:
            left -= 1
            if self.low(left) in self.grammar.asking:
                return True
        return False

    def _over_phrase(self, left: int) -> int:
        """The place where a phrase with a preposition begins that opens the clause before `left` (*con Prime obtiene*)."""
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
        if not antecedent or antecedent in grammar.openers | grammar.adverbs | grammar.verbs | grammar.prepositions:
            return True
        if antecedent in ("lo", "o", "ciò", "quello", "el", "la"):
            return antecedent in ("lo", "o", "ciò", "quello")
        if antecedent in grammar.forms.infinitives or re.fullmatch(r"\w+(?:ndo|go|eo|so|o)", antecedent):
            return True
        return bool(re.fullmatch(r"\w+s", antecedent)) and not self.low(at).endswith("n")

    def others(self, at: int) -> bool:
        """Whether there is a third person whom the word at `at` could mean: *ella*, *mi madre*, not *su madre* (yours?).

        A question turns to the reader: there only its own sentence is searched (our choice).
        """
        people, here = self.grammar.third_persons, self.tokens[at]
        return any(
            token.low in people and self.before(i) not in _THEIRS
            for i, token in enumerate(self.tokens)
            if not here.question or token.sentence == here.sentence
        )

    def tag(self, at: int) -> bool:
        """Whether the verb at this place is a tag put to the reader: it ends a question (*..., ¿sabe?*)."""
        last = at + 1 == len(self.tokens) or self.tokens[at + 1].sentence != self.tokens[at].sentence
        return last and self.tokens[at].question
