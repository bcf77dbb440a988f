"""The micro-world's reference judge: reads a sentence of the three languages by the grammar, and compares meanings.

A reading is the predicate (verb and mood, or set phrase) and the things, people, places and times that stand with it.
Words and endings are those of `grammar/`, so a sentence of the micro-world means here what it was made from, in any
register and order, and one that leaves out a time, denies the verb or swaps a person means something else. What the
grammar does not say it cannot read, and does not judge; word order is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product, takewhile
from typing import Any

from in2x.sample import clauses, english, everyday, texts
from in2x.sample.clauses import Clause, agreement
from in2x.sample.conjugation import adjective_forms, verb_forms
from in2x.sample.lexicon import LANGUAGES, REGISTERS, Grammar, Person, Verb, choose, grammar

_GAP = "\0"
_SLOT = re.compile(r"\{[^{}]*\}|\[[^\[\]|]*\|[^\[\]]*\]")
_FORM = re.compile(r"\{([VHA])\.([\w-]+)\}")
SPEAKERS = frozenset({"person I", "person we", "person you"})
"""Languages leave these out; that they are missing says nothing."""
_PRONOUNS = frozenset({"person he", "person she", "person they"})
"""Beside somebody who is named, these stand for the same."""
_JOINS = {
    "en": r"\b(?:the|an?|this|that|these|those|in|at|on|of|to|my|our|your|his|her|their|some|and|because|for|with|want|"
    r"wants|am|is|are|was|were|has|have|do|does|did)\b",
    "ja": r"[ぁ-ん]|[一二三四五](?:\w)?|今日|前",
    "zh": r"[在的了一这那位很是去来种]",
}
"""What joins words; in Chinese the measure words of all nouns as well."""
_UNREAD = 3
"""Letters that may be neither word nor joint before a sentence is held to be none of the micro-world's."""
Meaning = tuple[str, str]
"""A verb and its mood, or a set phrase and ""."""
Row = tuple[Meaning, tuple[str, ...], frozenset[str]]
"""What is said, the literal parts by which it is told, and the registers in which it is said so."""
Saying = tuple[str, str, tuple[str, ...]]
"""A key of the table, a template, and its registers."""


@dataclass(frozen=True)
class Reading:
    """One way to understand a sentence."""

    meaning: Meaning
    concepts: tuple[frozenset[str], ...]
    """What each further word may stand for."""
    registers: frozenset[str]
    """Registers whose words and endings these are; empty but in Japanese."""
    unread: int
    """Letters that are neither words of the grammar nor joints."""


@dataclass(frozen=True)
class Difference:
    """What an answer says otherwise than its source."""

    verb: bool
    """The predicate is another."""
    mood: bool
    """Tense, denial, question or request is another (also where the predicate is)."""
    missing: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    same: int = 0
    """Words that stand for the same."""

    @property
    def agreement(self) -> float:
        """See `agreement_of`."""
        if self.verb:
            return 0.0
        apart = len(self.missing) + len(self.added)
        return (0.2 if self.mood else 1.0) * (2 * self.same / (2 * self.same + apart) if apart else 1.0)


def agreement_of(source: str, source_lang: str, answer: str, lang: str) -> float | None:
    """How far `answer` means what `source` means, in [0, 1]; None where the source cannot be read.

    1 where predicate and concepts are the same; else F1 of the concepts, times .2 where the verb is right and the mood
    (tense, denial, question, request) is not, times 0 where the verb is another (our choice).
    """
    found = difference(source, source_lang, answer, lang)
    return None if found is None else found.agreement


def difference(source: str, source_lang: str, answer: str, lang: str, mood: str | None = None) -> Difference | None:
    """How `answer` differs from `source` by the readings of both that are nearest; None where `source` cannot be read.

    Args:
        mood: the answer shall be in this one, not in that of the source.
    """
    asked = [reading for reading in read(source, source_lang) if not reading.unread]
    said = read(answer, lang)
    if mood is not None:
        # A Chinese question or denial counts nothing (`one` in moods.yaml).
        asked = [_uncounted(replace(reading, meaning=(reading.meaning[0], mood))) for reading in asked]
        said = tuple(map(_uncounted, said))
    if not asked:
        return None
    pairs = ((one, other) for one in asked for other in said)
    return max((_difference(one, other) for one, other in pairs), default=Difference(True, True), key=_nearness)


def _uncounted(reading: Reading) -> Reading:
    left = tuple(concept for concept in reading.concepts if not any(c.startswith("number ") for c in concept))
    return replace(reading, concepts=left)


def _nearness(found: Difference) -> tuple[float, int]:
    return found.agreement, -len(found.missing) - len(found.added)


def _difference(asked: Reading, said: Reading) -> Difference:
    left, free, same = list(asked.concepts), list(said.concepts), 0
    for concept in asked.concepts:
        match = next((other for other in free if other & concept), None)
        if match is not None:
            free.remove(match)
            left.remove(concept)
            same += 1
    # A person in place of a speaker who was left out is another person: only one of the two is no fault.
    missing, added = (frozenset(min(c) for c in rest if not c & SPEAKERS) for rest in (left, free))
    verb = asked.meaning[0] != said.meaning[0]
    return Difference(verb, verb or asked.meaning != said.meaning, missing, added, same)


@lru_cache(maxsize=1 << 14)
def read(text: str, lang: str) -> tuple[Reading, ...]:
    """All ways to understand `text` in the language `lang` ("en", "ja" or "zh") that leave fewest letters unread."""
    plain = " ".join(text.split())
    if lang == "en":
        plain = plain.lower()
    found: dict[tuple[Meaning, tuple[frozenset[str], ...]], tuple[tuple[int, int], Reading]] = {}
    for meaning, parts, registers in _candidates(plain, lang):
        for rest in _gaps(plain, parts):
            concepts, unread = _concepts(rest, lang)
            # Of two ways to say the same, the one with more words of its own tells the register ("です" beside "").
            rank = unread, -sum(map(len, parts))
            best, known = found.get((meaning, concepts), (None, None))
            if known is not None and rank == best:
                registers |= known.registers
            if unread <= _UNREAD and (best is None or rank <= best):
                found[meaning, concepts] = rank, Reading(meaning, concepts, registers, unread)
    readings = [reading for _, reading in found.values()]
    readings += [Reading((row, ""), said, registers, 0) for row, said, registers in everyday.readings(text, lang)]
    fewest = min((reading.unread for reading in readings), default=0)
    return tuple(reading for reading in readings if reading.unread == fewest)


def _gaps(text: str, parts: tuple[str, ...]) -> Iterator[str]:
    """What `text` has beside the literal parts, each way they stand there in order."""
    first, last = parts[0], parts[-1]
    if text.startswith(first) and text.endswith(last) and len(text) >= sum(map(len, parts)):
        for gaps in _between(text[len(first) : len(text) - len(last)], parts[1:-1]):
            yield "\n".join(gaps)


def _between(text: str, parts: tuple[str, ...]) -> Iterator[list[str]]:
    if not parts:
        yield [text]
        return
    at = text.find(parts[0])
    while at >= 0:
        for rest in _between(text[at + len(parts[0]) :], parts[1:]):
            yield [text[:at], *rest]
        at = text.find(parts[0], at + 1)


def _parts(template: str, lang: str) -> tuple[str, ...]:
    """The literal parts of a template whose slots are gaps: the first and last may be empty."""
    text = template.lower() if lang == "en" else template
    parts = [" ".join(part.split()) for part in re.sub(f"{_GAP}[{_GAP} ]*", _GAP, text).split(_GAP)]
    return tuple(part for n, part in enumerate(parts) if part or n in (0, len(parts) - 1))


def _candidates(text: str, lang: str) -> Iterator[Row]:
    table = _table(lang)
    keys = set(re.findall(r"[\w']+", text)) if lang == "en" else set(text)
    for key in keys:
        yield from table.get(key, ())


@lru_cache(maxsize=3)
def _table(lang: str) -> dict[str, list[Row]]:
    """Key (a word of English, a character) -> what a sentence that has it may say, with the literal parts of that."""
    g = grammar()
    found: dict[str, dict[tuple[Meaning, tuple[str, ...]], set[str]]] = {}
    sayings = {"en": _english, "zh": _chinese, "ja": _japanese}[lang]
    for verb, (mood, rules) in product(g.verbs, g.moods.items()):
        for key, template, register in sayings(verb, rules, g):
            row = (_verb_id(verb), mood), _parts(template, lang)
            found.setdefault(key, {}).setdefault(row, set()).update(register)
    for name, templates in _phrases():
        for template, register in templates[lang]:
            parts = _parts(_SLOT.sub(_GAP, template), lang)
            words = re.findall(r"[\w']+", " ".join(parts)) if lang == "en" else list("".join(parts))
            if words:
                row = (name, ""), parts
                found.setdefault(max(words, key=len), {}).setdefault(row, set()).update(register)
    return {
        key: [(meaning, parts, frozenset(registers)) for (meaning, parts), registers in sorted(rows.items())]
        for key, rows in found.items()
    }


def _verb_id(verb: Verb) -> str:
    return f"verb {verb.en}"


Texts = dict[str, list[tuple[str, tuple[str, ...]]]]
"""Language -> templates, each with the registers that it is in."""


@lru_cache(maxsize=1)
def _phrases() -> list[tuple[str, Texts]]:
    """Every whole sentence of the grammar with words of its own in every language: its name, templates."""
    found: list[tuple[str, Texts]] = []
    for entry in (entry for entries in grammar().phrases.values() for entry in entries):
        found.append((f"phrase {entry['id']}", _texts(entry)))
    for number, (en, ja, zh) in enumerate(texts.narration()):
        found.append((f"narration {number}", _texts({"en": en, "zh": zh, "ja": {"plain": ja}})))
    for number, line in enumerate(texts.set_lines()):
        found.append((f"line {number}", {lang: [(f"{{L}}{t}", r) for t, r in of] for lang, of in _texts(line).items()}))
    return [(name, of) for name, of in found if all(_told(text) for said in of.values() for text, _ in said)]


def _texts(entry: Mapping[str, Any]) -> Texts:
    ja: list[tuple[str, tuple[str, ...]]] = [
        (_FORM.sub(lambda slot: slot[0] + _common_end(slot[1], slot[2]), template), (register,))
        for register, forms in entry["ja"].items()
        for template in (forms.values() if isinstance(forms, Mapping) else [forms])
    ]
    acts = list(grammar().fillers["v"][entry["v"]]) if "v" in entry else []
    # Where only one act can stand there, its words are the sentence's own ("likes").
    en = [entry["en"].replace("{v}", said) for said in _acts(acts[0], "en")] if len(acts) == 1 else [entry["en"]]
    none: tuple[str, ...] = ()
    return {"en": [(template, none) for template in en], "ja": ja, "zh": [(entry["zh"], none)]}


@lru_cache(maxsize=64)
def _common_end(slot: str, form: str) -> str:
    """What every word that can stand in a slot ends with in this form: "ません" of {V.masen}."""
    g = grammar()
    if slot == "A":
        said = [adjective_forms(*attribute.ja)[form] for attribute in g.predicative]
    else:
        key = {"V": "ja", "H": "hon"}[slot]
        acts = [act[key] for acts in g.fillers["v"].values() for act in acts if key in act]
        said = [verb_forms(word, str(kind))[form] for word, kind in acts]
    backwards = zip(*(word[::-1] for word in said), strict=False)
    return "".join(letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, backwards))[::-1]


def _told(template: str) -> bool:
    return len(re.sub(r"\W", "", _SLOT.sub("", template))) > 1


def _english(verb: Verb, mood: Mapping[str, Any], g: Grammar) -> Iterator[Saying]:
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
        yield used.partition(" ")[0], re.sub(r" ([.?,])", r"\1", template), ()


def _chinese(verb: Verb, mood: Mapping[str, Any], g: Grammar) -> Iterator[Saying]:
    said = verb.zh.replace("{O}", _GAP)
    verbs = {"V": said.replace("~", ""), **{f"V:{aspect}": said.replace("~", aspect) for aspect in "了过的"}}
    for place in (f"在{_GAP}", "在"):
        slots = {"S": _GAP, "T": _GAP, "P": _GAP, "P/在": place, "reason": _GAP, **verbs}
        yield said[0], clauses.fill(mood["zh"], slots), ()


def _japanese(verb: Verb, mood: Mapping[str, Any], g: Grammar) -> Iterator[Saying]:
    for rank, register in product(("self", "respected", "neutral"), REGISTERS):
        nobody = Person("", "", "", rank, "")
        text = clauses.japanese(Clause(nobody, verb), mood, register)
        if text is None:
            continue
        ask = (choose(mood["ask"], register) or "") if "ask" in mood else ""
        particles = {verb.particle, {"を": "", "へ": "に"}.get(verb.particle, ""), str(mood.get("object-marker", ""))}
        ending = text.removeprefix(ask)
        for particle in sorted(particles, key=len, reverse=True):
            if len(particle) == 1 and ending.startswith(particle):  # a longer one (に水を) tells the verb
                ending = ending.removeprefix(particle)
                break
        yield ending[0], (_GAP + ask if ask else "") + _GAP + ending, (register,)


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
        words += [english.OBJECTS[person.id]] if i == 0 and person.id in english.OBJECTS else []
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
            yield word.removesuffix("に"), f"time {time.en}"  # 先週の金曜日は
    for attribute in (*g.attributive, *g.predicative):
        surfaces = ([attribute.en], _adjective(attribute.ja), [attribute.zh])[i]
        yield from ((word, f"quality {attribute.en}") for word in surfaces)
    qualities = {attribute.en for attribute in g.attributive}
    for thing, particle in _fillers(g):
        for word in forms(thing[lang]):
            what = re.sub("^(the|this|that|an?) ", "", thing["en"])
            quality, _, rest = what.partition(" ")
            if what != "it" and not (quality in qualities and rest in g.noun_by_name):  # "new computer" is two words
                concept = f"thing {what}"
                yield word, concept
                if lang == "ja" and re.search("[一-鿿]", particle):
                    yield word + particle, concept
    for lead in g.fillers["leads"]:
        yield from ((word.strip(), f"lead {lead['en'].strip()}") for word in forms(lead[lang]))
    for act in (act for acts in g.fillers["v"].values() for act in acts):
        yield from ((word, f"act {act['en']}") for word in _acts(act, lang))
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


def _fillers(g: Grammar) -> Iterator[tuple[Mapping[str, Any], str]]:
    """What idioms speak of, with what stands after it in Japanese ("を聞いて" holds a verb)."""
    for entry in (entry for entries in g.phrases.values() for entry in entries if "x" in entry):
        yield from ((thing, str(entry.get("xja", ""))) for thing in g.fillers["x"][entry["x"]])


@lru_cache(maxsize=3)
def _joints(lang: str) -> re.Pattern[str]:
    measures = {noun.measure for nouns in grammar().nouns.values() for noun in nouns if noun.measure}
    return re.compile("|".join([_JOINS[lang], *(map(re.escape, sorted(measures)) if lang == "zh" else ())]))


def _acts(act: Mapping[str, Any], lang: str) -> Iterator[str]:
    """Every form of a verb phrase that idioms speak of."""
    if lang == "zh":
        yield act["zh"]
    elif lang == "ja":
        for slot, key in (("V", "ja"), ("H", "hon")):
            for form, said in verb_forms(act[key][0], str(act[key][1])).items() if key in act else ():
                yield said
                yield said.removesuffix(_common_end(slot, form))  # the end stands in the template
    else:
        head, _, tail = act["en"].partition(" ")
        for form in (head, english.third(head), english.past(head, dict(grammar().irregular_verbs)), english.ing(head)):
            yield f"{form} {tail}".strip()


def _reasons(reason: Mapping[str, Any], lang: str) -> Iterator[str]:
    if lang == "en":
        for person in (grammar().people[0], grammar().people[1], next(p for p in grammar().people if p.third)):
            yield clauses.fill(reason["en"], {**agreement(person), "S": ""})
    elif lang == "zh":
        yield reason["zh"]
    else:
        for form in reason["ja"].values():
            yield from form.values() if isinstance(form, Mapping) else [form]


def concepts(text: str, lang: str) -> frozenset[str]:
    """All that the words of `text` may stand for, whatever is said with them."""
    return frozenset().union(*_concepts(text.lower() if lang == "en" else text, lang)[0])


@lru_cache(maxsize=3)
def words(lang: str) -> dict[str, str]:
    """The word of the language `lang` for each concept, where it has several the first."""
    return {concept: word for word, concept in reversed(list(_lexicon(lang))) if word}


def _concepts(text: str, lang: str) -> tuple[tuple[frozenset[str], ...], int]:
    """What the words of `text` stand for, and how many letters of content are no such word."""
    pattern, table = _words(lang)
    left = len(re.sub(r"\W", "", _joints(lang).sub("", pattern.sub("\n", text))))
    found = [table[match[0]] for match in pattern.finditer(text)]
    named = [concept for concept in found if any(c.startswith("person ") for c in concept) and not concept & _PRONOUNS]
    # The same person twice ("she ... her friend") is one.
    people = dict.fromkeys(concept for concept in found if concept in named or concept & _PRONOUNS)
    others = [concept for concept in found if concept not in people]
    kept = [concept for concept in people if not (named and concept & _PRONOUNS)]
    return (*kept, *others), left
