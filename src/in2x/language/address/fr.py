"""French: vous against tu.

The pronouns decide nearly always: *vous, votre, vos, le vôtre* against *tu, te, t', toi, ton, ta, tes, le tien*, for a
French verb needs its subject beside it. Only the imperative has none: a verb in -ez that no *vous* goes with is polite,
*viens*, *regarde* or *dis-moi* at the start of a clause is familiar (a list: *regarde* alone is a third person too).

*Vous* to several friends is said to be polite: the text does not show the number. *Ton* after an article, a possessive
or *le même* is the noun "tone". *Te* and *tu* within names are not looked for.

What it cannot tell: *vous* to several people one says *tu* to; *on* and *nous* for "you"; typing without accents or
apostrophes (*jai*, *ta* for *tu as*).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from in2x.language.address import Address
from in2x.language.address.marks import Mark, lead, settle, words

_POLITE = re.compile(r"\b(?:vous|votre|vos|vôtres?|svp|madame|monsieur\s*[,!?.])(?![\w-]*\w*ville)\b", re.I)
_CASUAL = re.compile(
    r"\b(?:tu|te|toi|tes|ta|(?:les?|du|des|aux?)\s+tiens?|tiennes?)\b|(?<![\w'’-])t['’](?=\w)|-t['’](?:en|y)\b|\bstp\b",
    re.I,
)
_TON = re.compile(r"\bton\b", re.I)
_TONE = re.compile(  # the noun: "le ton", "ce ton", "changer de ton"
    r"(?:\b(?:le|un|du|au|(?<!-)ce|quel|même|bon|autre|seul|certain|aucun|tout)\s+ton\b"
    r"|\b(?:de|d['’]un)\s+ton\b(?=\s*(?:$|[.,;:!?»]|(?:et|à|de|du|pour|en|dans|sur|qui|que)\b)))",
    re.I,
)
_EZ = re.compile(r"\b[^\W\d_]+(?:ez|(?<=\bfa)ites|(?<=\bd)ites|(?<=\bê)tes)\b(?![’'])", re.I)
_VOUS_NEAR = re.compile(r"\bvous\s+(?:[\w'’]+\s+){0,2}(?:\w['’])?$", re.I)
_CLAUSE = re.compile(
    r"(?:^|[.!?:;,…\n«»\"“”(–—-]|\b(?:et|mais|alors|donc|puis|bon|ben|oui|non|ok|allez|tiens|bien|s['’]il (?:te|vous) "
    r"pla[iî]t))\s*$",
    re.I,
)
_OPEN = re.compile(r"(?:^|[.!?:…\n«\"“])\s*$")
_WORD = re.compile(r"[^\W\d_]+")
_CLITIC = re.compile(r"-(?:moi|toi|le|la|les|lui|leur|nous|en|y)\b", re.I)
_SUBJECT = re.compile(r"\s*-?(?:t-)?(?:je|j['’]|il|elle|on|nous|ils|elles|ce|ça)\b", re.I)


def decide(text: str) -> Address:
    """How a French text addresses its reader."""
    return settle(text, _marks(text))


def _marks(text: str) -> Iterator[Mark]:
    lists = {name: set(forms.split()) for name, forms in words("fr").items()}
    for match in _POLITE.finditer(text):
        yield Mark(match.start(), "polite")
    for match in _EZ.finditer(text):
        before = lead(text, match.start())
        if match[0].lower() in lists["not_verbs"] or _VOUS_NEAR.search(before) or text.startswith("-vous", match.end()):
            continue
        if match[0].islower() or _OPEN.search(before):  # "Perez" is a name
            yield Mark(match.start(), "polite")
    yield from (Mark(match.start(), "casual") for match in _CASUAL.finditer(text))
    tones = {match.end() for match in _TONE.finditer(text)}
    yield from (Mark(match.start(), "casual") for match in _TON.finditer(text) if match.end() not in tones)
    yield from _commands(text, lists["commands"])


def _commands(text: str, commands: set[str]) -> Iterator[Mark]:
    """Imperatives at the start of a clause: *Viens !*, *bon, regarde*, *dis-moi*."""
    for token in _WORD.finditer(text):
        before = lead(text, token.start())
        word = token[0].lower()
        if word not in commands or not _CLAUSE.search(before) or _SUBJECT.match(text, token.end()):
            continue
        if _OPEN.search(before) or _CLITIC.match(text, token.end()) or not word.endswith("e"):
            yield Mark(token.start(), "casual")
