"""The micro-world's reference judge: reads a sentence of the three languages by the grammar, and compares meanings.

A reading is the predicate (verb and mood, or set phrase) and the things, people, places and times that stand with it.
Words and endings are those of `grammar/`, so a sentence of the micro-world means here what it was made from, in any
register and order, and one that leaves out a time, denies the verb or swaps a person means something else. What the
grammar does not say it cannot read, and does not judge; word order is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from in2x.sample import clauses, english
from in2x.sample.clauses import Clause, agreement
from in2x.sample.conjugation import adjective_forms
from in2x.sample.lexicon import LANGUAGES, REGISTERS, Grammar, Person, Verb, choose, grammar

_GAP = "\0"
_SLOT = re.compile(r"\{[^{}]*\}|\[[^\[\]|]*\|[^\[\]]*\]")
_OBJECTS = {"I": "me", "we": "us", "he": "him", "she": "her", "they": "them"}
_SPEAKERS = frozenset({"person I", "person we", "person you"})
"""Languages leave these out; that they are missing says nothing."""
_PRONOUNS = frozenset({"person he", "person she", "person they"})
"""Beside somebody who is named, these stand for the same."""
_JOINS = {
    "en": re.compile(
        r"\b(?:the|an?|this|that|these|those|in|at|on|of|to|my|our|your|his|her|their|some|and|because|for|with)\b"
    ),
    "ja": re.compile(r"[ぁ-ん]|[一二三四五](?:\w)?|今日"),
    "zh": re.compile(r"[在的了一这那个本张件把只条杯瓶块份封辆台双束首篇部幅朵盏顶套支片碗盘顿场架棵座间位很是去来]"),
}
_UNREAD = 3
"""Letters that may be neither word nor joint before a sentence is held to be none of the micro-world's."""
Meaning = tuple[str, str]
"""A verb and its mood, or a set phrase and ""."""


@dataclass(frozen=True)
class Reading:
    """What a sentence means."""

    predicates: frozenset[Meaning]
    """What its predicate may be; empty where it cannot be read."""
    concepts: tuple[frozenset[str], ...]
    """What each further word may stand for."""


def agreement_of(source: str, source_lang: str, answer: str, lang: str) -> float | None:
    """How far `answer` means what `source` means, in [0, 1]; None where the source cannot be read.

    1 where predicate and concepts are the same; else F1 of the concepts, times .2 where the verb is right and the mood
    (tense, denial, question, request) is not, times 0 where the verb is another (our choice).
    """
    asked, said = read(source, source_lang), read(answer, lang)
    if not asked.predicates:
        return None
    if asked.predicates & said.predicates:
        right = 1.0
    else:
        right = 0.2 if {verb for verb, _ in asked.predicates} & {verb for verb, _ in said.predicates} else 0.0
    return right * _f1(asked.concepts, said.concepts)


def _f1(asked: Iterable[frozenset[str]], said: Iterable[frozenset[str]]) -> float:
    left, free, same = list(asked), list(said), 0
    for concept in list(left):
        match = next((other for other in free if other & concept), None)
        if match is not None:
            free.remove(match)
            left.remove(concept)
            same += 1
    missing = sum(not concept & _SPEAKERS for concept in left)
    # a person in place of a speaker who was left out is another person
    added = sum(not concept & _SPEAKERS for concept in free)
    return 2 * same / (2 * same + missing + added) if missing + added else 1.0


@lru_cache(maxsize=1 << 14)
def read(text: str, lang: str) -> Reading:
    """The reading of `text` in the language `lang` ("en", "ja" or "zh")."""
    plain = " ".join(text.split())
    if lang == "en":
        plain = plain.lower()
    found: dict[Meaning, tuple[int, str]] = {}
    for meaning, parts in _candidates(plain, lang):
        rest = _gaps(plain, parts)
        size = sum(map(len, parts))
        if rest is not None and size > found.get(meaning, (0, ""))[0]:
            found[meaning] = size, rest
    best = max((size for size, _ in found.values()), default=0)
    read_so = {meaning: _concepts(rest, lang) for meaning, (size, rest) in found.items() if size == best}
    known = {meaning: concepts for meaning, (concepts, left) in read_so.items() if left <= _UNREAD}
    if not known:
        return Reading(frozenset(), _concepts(plain, lang)[0])
    most = max(map(len, known.values()))
    likely = {meaning: concepts for meaning, concepts in known.items() if len(concepts) == most}
    return Reading(frozenset(likely), next(iter(likely.values())))


def _gaps(text: str, parts: tuple[str, ...]) -> str | None:
    """What `text` has beside the literal parts; None where they are not there in order, the outer ones at its ends."""
    first, last = parts[0], parts[-1]
    if not text.startswith(first) or not text.endswith(last) or len(text) < sum(map(len, parts)):
        return None
    at, stop = len(first), len(text) - len(last)
    gaps = []
    for part in parts[1:-1]:
        place = text.find(part, at, stop)
        if place < 0:
            return None
        gaps.append(text[at:place])
        at = place + len(part)
    return "\n".join([*gaps, text[at:stop]])


def _parts(template: str, lang: str) -> tuple[str, ...]:
    """The literal parts of a template whose slots are gaps: the first and last may be empty."""
    text = template.lower() if lang == "en" else template
    parts = [" ".join(part.split()) for part in re.sub(f"{_GAP}[{_GAP} ]*", _GAP, text).split(_GAP)]
    return tuple(part for n, part in enumerate(parts) if part or n in (0, len(parts) - 1))


def _candidates(text: str, lang: str) -> Iterator[tuple[Meaning, tuple[str, ...]]]:
    table = _table(lang)
    keys = set(re.findall(r"[\w']+", text)) if lang == "en" else set(text)
    for key in keys:
        yield from table.get(key, ())


@lru_cache(maxsize=3)
def _table(lang: str) -> dict[str, list[tuple[Meaning, tuple[str, ...]]]]:
    """Key (a word of English, a character) -> what a sentence that has it may say, with the literal parts of that."""
    g, found = grammar(), dict[str, set[tuple[Meaning, tuple[str, ...]]]]()
    sayings = {"en": _english, "zh": _chinese, "ja": _japanese}[lang]
    for verb, (mood, rules) in product(g.verbs, g.moods.items()):
        for key, template in sayings(verb, rules, g):
            found.setdefault(key, set()).add(((_verb_id(verb), mood), _parts(template, lang)))
    for entry in filter(_told, (entry for entries in g.phrases.values() for entry in entries)):
        for template in _phrase(entry, lang):
            parts = _parts(_SLOT.sub(_GAP, template), lang)
            words = re.findall(r"[\w']+", " ".join(parts)) if lang == "en" else list("".join(parts))
            if words:
                found.setdefault(max(words, key=len), set()).add(((f"phrase {entry['id']}", ""), parts))
    return {key: sorted(rows) for key, rows in found.items()}


def _verb_id(verb: Verb) -> str:
    return f"verb {verb.en}"


def _phrase(entry: Mapping[str, Any], lang: str) -> Iterator[str]:
    if lang != "ja":
        yield entry[lang]
        return
    for template in entry["ja"].values():
        yield from template.values() if isinstance(template, Mapping) else [template]


def _told(entry: Mapping[str, Any]) -> bool:
    """Whether a phrase has words of its own in every language, by which it can be told."""
    return all(len(re.sub(r"\W", "", _SLOT.sub("", text))) > 2 for lang in LANGUAGES for text in _phrase(entry, lang))


def _english(verb: Verb, mood: Mapping[str, Any], g: Grammar) -> Iterator[tuple[str, str]]:
    head, _, tail = verb.en.partition(" ")
    irregular = dict(g.irregular_verbs)
    past = english.past(head, irregular)
    participle = irregular[head][1] if head in irregular else past
    forms = {"base": head, "past": past, "pp": participle, "ing": english.ing(head)}
    gaps = dict.fromkeys(("S", "P", "T", "reason", "s-pronoun", "pro"), _GAP)
    for person in (g.people[0], g.people[1], next(p for p in g.people if p.third)):
        forms["s"] = english.third(head) if person.third else head
        slots = {**agreement(person), **forms, **gaps, "tail": tail.replace("{O}", _GAP)}
        template = re.sub(rf" ?({_GAP}) ?([.?,])", r"\1\2", clauses.fill(mood["en"], slots))
        used = next((forms[name] for name in forms if f"{{{name}}}" in mood["en"]), head)
        yield used.partition(" ")[0], re.sub(r" ([.?,])", r"\1", template)


def _chinese(verb: Verb, mood: Mapping[str, Any], g: Grammar) -> Iterator[tuple[str, str]]:
    said = verb.zh.replace("{O}", _GAP)
    verbs = {"V": said.replace("~", ""), **{f"V:{aspect}": said.replace("~", aspect) for aspect in "了过的"}}
    for place in (f"在{_GAP}", "在"):
        slots = {"S": _GAP, "T": _GAP, "P": _GAP, "P/在": place, "reason": _GAP, **verbs}
        yield said[0], clauses.fill(mood["zh"], slots)


def _japanese(verb: Verb, mood: Mapping[str, Any], g: Grammar) -> Iterator[tuple[str, str]]:
    for rank, register in product(("self", "respected", "neutral"), REGISTERS):
        nobody = Person("", "", "", rank, "")
        text = clauses._japanese(Clause(nobody, verb), mood, register)
        if text is None:
            continue
        ask = (choose(mood["ask"], register) or "") if "ask" in mood else ""
        particles = {verb.particle, {"を": "", "へ": "に"}.get(verb.particle, ""), str(mood.get("object-marker", ""))}
        ending = text.removeprefix(ask)
        for particle in sorted(particles, key=len, reverse=True):
            if particle and ending.startswith(particle):
                ending = ending.removeprefix(particle)
                break
        yield ending[0], (_GAP + ask if ask else "") + _GAP + ending


@lru_cache(maxsize=3)
def _words(lang: str) -> tuple[re.Pattern[str], dict[str, frozenset[str]]]:
    """A pattern of all words that stand for something, the longest first, and what each stands for."""
    found: dict[str, set[str]] = {}
    for surface, concept in _lexicon(lang):
        word = surface.lower() if lang == "en" else surface
        if word:
            found.setdefault(word, set()).add(concept)
    longest = sorted(found, key=len, reverse=True)
    edge = r"(?<![\w'])(?:{})(?![\w'])" if lang == "en" else "{}"
    return re.compile(edge.format("|".join(map(re.escape, longest)))), {w: frozenset(c) for w, c in found.items()}


def _lexicon(lang: str) -> Iterator[tuple[str, str]]:
    g, i = grammar(), LANGUAGES.index(lang)

    def forms(word: Any) -> list[str]:
        return [word] if isinstance(word, str) else [choose(word, register) or "" for register in REGISTERS]

    for person in g.people:
        words = forms((person.en, person.ja, person.zh)[i])
        words += [_OBJECTS[person.id]] if i == 0 and person.id in _OBJECTS else []
        yield from ((word, f"person {person.id}") for word in words)
        if person.name:
            yield person.name[i], f"person {person.id}"
    for noun in (noun for nouns in g.nouns.values() for noun in nouns):
        yield (noun.en, noun.ja, noun.zh)[i], f"thing {noun.en}"
        if i == 0:
            yield english.plural(noun.en, dict(g.irregular_nouns)), f"thing {noun.en}"
    for place in (*g.place_by_name.values(), *g.places, *g.cities):
        yield (place.en, place.ja, place.zh)[i], f"place {place.en}"
    for time in (time for times in g.times.values() for time in times):
        for word in forms((time.en, time.ja, time.zh)[i]):
            yield word, f"time {time.en}"
    for attribute in (*g.attributive, *g.predicative):
        surfaces = ([attribute.en], _adjective(attribute.ja), [attribute.zh])[i]
        yield from ((word, f"quality {attribute.en}") for word in surfaces)
    for thing in (thing for things in g.fillers["x"].values() for thing in things):
        for word in forms(thing[lang]):
            if thing["en"] != "it":
                yield word, f"thing {thing['en'].removeprefix('the ')}"
    for reason in (reason for reasons in g.reasons.values() for reason in reasons):
        for said in _reasons(reason, lang):
            yield said, f"reason {reason['en']}"
    for value, (en, ja, zh) in ((n, (d[0], d[1], d[2])) for n, d in clauses.NUMBERS.items()):
        if lang == "en":
            yield en, f"number {value}"
        else:
            units = {n.counter if lang == "ja" else n.measure for nouns in g.nouns.values() for n in nouns}
            yield from ((f"{ja if lang == 'ja' else zh}{unit}", f"number {value}") for unit in units if unit)


def _adjective(word: tuple[str, str]) -> list[str]:
    """What all forms of a Japanese adjective begin with, and its attributive form."""
    return [adjective_forms(*word)["attributive"], word[0].removesuffix("い")]


def _reasons(reason: Mapping[str, Any], lang: str) -> Iterator[str]:
    if lang == "en":
        for person in (grammar().people[0], grammar().people[1], next(p for p in grammar().people if p.third)):
            yield clauses.fill(reason["en"], {**agreement(person), "S": ""})
    elif lang == "zh":
        yield reason["zh"]
    else:
        for form in reason["ja"].values():
            yield from form.values() if isinstance(form, Mapping) else [form]


def _concepts(text: str, lang: str) -> tuple[tuple[frozenset[str], ...], int]:
    """What the words of `text` stand for, and how many letters of content are no such word."""
    pattern, table = _words(lang)
    left = len(re.sub(r"\W", "", _JOINS[lang].sub("", pattern.sub("\n", text))))
    found = [table[match[0]] for match in pattern.finditer(text)]
    named = [concept for concept in found if any(c.startswith("person ") for c in concept) and not concept & _PRONOUNS]
    return tuple(concept for concept in found if not (named and concept & _PRONOUNS)), left
