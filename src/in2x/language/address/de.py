"""German: Sie against du and ihr.

German writes its polite pronouns with a capital, so most of the work is telling *Sie* "you" from *Sie* "she, they"
where the capital says nothing: at the start of a sentence. There the verb decides. *Sie geht* has a verb in -t and is
"she"; *Sie gehen* may be "you" or "they" and counts as a weak polite mark, which a lower-case *sie*, *ihnen* or *ihr*
in the same text takes away: who writes *sie* further on means "they" (our choice; it loses a "you" that speaks of
"them").

What it cannot tell: "they" from "you" in a lone *Sie gehen.* (said to be polite); *ihr* "her" from *ihr* "you" before
a verb that is not listed; text written without capitals; imperatives of rare verbs without a pronoun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from in2x.language.address import Address
from in2x.language.address.marks import Mark, lead, settle, words

WEAK = 0.5
"""What *Sie* with a plural verb at the start of a sentence weighs."""

_START = re.compile(r"(?:^|[.!?:…\n]|\.\.\.)[\s\"„“”»«‚‘'()–—-]*$|[\"„»‚(]\s*$|(?:^|\s)[–—-]\s*$")
_POLITE = re.compile(r"\b(?:Sie|Ihnen|Ihr(?:e[mnrs]?|er|ige[nmrs]?)?|Ihrerseits|Ihret\w+)\b")
_CASUAL = re.compile(
    r"\b(?:du|dich|dir|dein(?:e[mnrs]?)?|deiner|deinige[nrs]?|deinet\w+|euch|euer|eure[mnrs]?|eurer|euret\w+)\b", re.I
)
_THEY = re.compile(r"\b(?:sie|ihnen|ihre?[mnrs]?)\b")
_WORD = re.compile(r"[^\W\d_]+")
_BEFORE_HER = {
    "mit",
    "neben",
    "von",
    "zu",
    "bei",
    "nach",
    "aus",
    "vor",
    "hinter",
    "über",
    "unter",
    "an",
    "in",
    "seit",
    "auf",
}
_SECOND = re.compile(
    r"^(?:hast|bist|kannst|willst|musst|sollst|darfst|magst|weißt|wirst|hattest|warst|würdest|könntest|solltest|möchtest"
    r"|machst|gehst|siehst|denkst|meinst|glaubst|kommst|sagst|brauchst|findest|verstehst|hörst|kennst)$",
    re.I,
)
_NOUN_BEFORE = re.compile(r"\b(?:das|ein|kein|per|beim|vom|zum|ans|aufs|ins|alte[sn]?)\s+$", re.I)


def decide(text: str) -> Address:
    """How a German text addresses its reader."""
    return settle(text, _marks(text))


def _marks(text: str) -> Iterator[Mark]:
    for match in _CASUAL.finditer(text):
        if not (match[0] == "Du" and _NOUN_BEFORE.search(lead(text, match.start()))):  # "beim Du bleiben" is a noun
            yield Mark(match.start(), "casual")
    they = _THEY.search(text) is not None
    for match in _POLITE.finditer(text):
        if not _START.search(lead(text, match.start())):
            yield Mark(match.start(), "polite")
        elif not they and (match[0] != "Sie" or _plural_verb(text[match.end() : match.end() + 40])):
            yield Mark(match.start(), "polite", WEAK)
    yield from _pronounless(text)


def _plural_verb(rest: str) -> bool:
    """*Sie* is followed by a verb that "you" and "they" can have: *Sie gehen*, *Sie sind*, not *Sie geht*."""
    follower = _WORD.match(rest.lstrip())
    return follower is not None and re.fullmatch(r"\w+(?:en|rn|ln)|sind|tun", follower[0]) is not None


def _pronounless(text: str) -> Iterator[Mark]:
    """Familiar address by the verb alone: *ihr habt*, *Komm mit*, *Hast Zeit?*."""
    lists = {name: set(forms.split()) for name, forms in words("de").items()}
    tokens = list(_WORD.finditer(text))
    for at, token in enumerate(tokens):
        word = token[0].lower()
        start = _START.search(lead(text, token.start())) is not None
        neighbours = {tokens[i][0].lower() for i in (at - 1, at + 1) if 0 <= i < len(tokens)}
        her = neighbours & _BEFORE_HER or not neighbours & lists["second_plural"]
        if word == "ihr" and (token[0] == "ihr" or start) and not her:
            yield Mark(token.start(), "casual")
        clause = start or re.search(
            r"[,;]\s*$|\b(?:und|also|dann|bitte|ja|nein|okay|ok)\s+$", lead(text, token.start())
        )
        follower = tokens[at + 1][0] if at + 1 < len(tokens) else ""
        if (
            not clause
            or follower in ("ich", "Sie", "er", "es", "man", "wir", "sie")
            or (not start and word != token[0])
        ):
            continue
        if (word in lists["commands"] and (not word.endswith("e") or start)) or (
            start and (_SECOND.match(word) or (word in lists["plural_commands"] and _commanded(text, token.end())))
        ):
            yield Mark(token.start(), "casual")


def _commanded(text: str, end: int) -> bool:
    """A plural imperative opens a sentence that is no question: *Kommt rein!*, not *Kommt das vor?*."""
    closing = re.compile(r"[.!?]").search(text, end)
    return closing is None or closing[0] != "?"
