"""Clauses: a verb with its people, things, place and time, said in a mood, in three languages and four registers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from in2x.sample import english
from in2x.sample.conjugation import adjective_forms, verb_forms
from in2x.sample.lexicon import REGISTERS, Attribute, Grammar, Noun, Person, Place, Time, Verb, choose

NUMBERS = {2: ("two", "二", "两"), 3: ("three", "三", "三"), 4: ("four", "四", "四"), 5: ("five", "五", "五")}


@dataclass(frozen=True)
class Item:
    """One meaning in three languages; Japanese by register. What pairs, documents and tasks are made of."""

    en: str
    zh: str
    ja: Mapping[str, str]
    domain: str
    names: tuple[tuple[str, str, str], ...] = ()
    natural: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    zh_traps: tuple[str, ...] = ()
    kind: str = ""
    """Mood of the clause or id of the phrase."""
    clause: Clause | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    """Japanese register -> English that its translation is asked with, where that is not `en` (`everyday.py`)."""

    def sides(self) -> list[str]:
        """Every sentence of the item, in all languages and registers."""
        return [self.en, self.zh, *self.ja.values(), *self.asked.values()]


@dataclass(frozen=True)
class Thing:
    """An object phrase: what stands in each language, with and without its number."""

    en: str
    ja: str
    zh: str
    zh_one: str
    ja_count: str = ""
    name: tuple[str, str, str] | None = None
    person: Person | None = None
    category: str = ""


@dataclass(frozen=True)
class Clause:
    """The meaning of one clause."""

    subject: Person
    verb: Verb
    thing: Thing | None = None
    place: Place | None = None
    time: Time | None = None
    reason: Mapping[str, Any] | None = field(default=None, compare=False)


def noun_thing(noun: Noun, g: Grammar, *, the: bool = False, bare: bool = False, attribute: Attribute | None = None,
               number: int = 1) -> Thing:  # fmt: skip
    """The object phrase of a noun. A mass noun takes neither article nor number."""
    words = f"{attribute.en} {noun.en}" if attribute else noun.en
    ja = adjective_forms(*attribute.ja)["attributive"] + noun.ja if attribute else noun.ja
    zh = attribute.zh + noun.zh if attribute else noun.zh
    if noun.counter is None or noun.measure is None or bare:
        return Thing(words, ja, zh, zh, category=noun.category)
    if the:
        return Thing(f"the {words}", ja, zh, zh, category=noun.category)
    if number > 1:
        digit = NUMBERS[number]
        many = english.plural(words, dict(g.irregular_nouns))
        return Thing(f"{digit[0]} {many}", ja, zh, f"{digit[2]}{noun.measure}{zh}", digit[1] + noun.counter,
                     category=noun.category)  # fmt: skip
    return Thing(english.article(words), ja, zh, f"一{noun.measure}{zh}", category=noun.category)


def person_thing(person: Person) -> Thing:
    """The object phrase of a person (Japanese is chosen by register later)."""
    return Thing(person.en, "", person.zh, person.zh, name=person.name, person=person, category="person")


def place_thing(place: Place) -> Thing:
    """A place as goal of motion."""
    return Thing(place.en, place.ja, place.zh, place.zh, category="place")


def draw(g: Grammar, rng: random.Random, name: str | None = None) -> Item | None:
    """One random clause (in mood `name` if given); None where the dice asked for something nobody says (draw again)."""
    name = name or rng.choice(tuple(g.moods))
    mood = g.moods[name]
    subject = rng.choice(g.people) if rng.random() < 0.6 else rng.choice(g.people[:3])
    if not _fits(subject, mood):
        return None
    verb = rng.choice(g.verbs)
    if not _possible(verb, name, mood):
        return None
    thing = _draw_thing(verb, subject, mood, g, rng)
    if verb.objects and thing is None:
        return None
    place = None
    if verb.places and mood.get("place") != "none" and rng.random() < 0.45:
        place = g.place_by_name[rng.choice(verb.places)]
    if mood.get("needs") == "at" and not verb.places:
        return None
    kind = mood.get("time", "none")
    time = rng.choice(g.times[kind]) if kind != "none" else None
    reason = rng.choice(g.reasons[mood["reason"]]) if "reason" in mood else None
    if name in ("request", "request-not", "invitation", "suggestion", "progressive") and rng.random() < 0.6:
        time = None
    return say(name, Clause(subject, verb, thing, place, time, reason), g)


def _possible(verb: Verb, name: str, mood: Mapping[str, Any]) -> bool:
    """Whether people say `verb` in this mood."""
    if name == "progressive":
        return not (verb.motion or verb.state) and (verb.planned or verb.lasting)
    if mood.get("fun") and not verb.fun:
        return False
    return verb.planned or (mood.get("time") == "past" and "reason" not in mood) or name == "when"


def _fits(subject: Person, mood: Mapping[str, Any]) -> bool:
    if subject.id == "you" and "you" not in mood.get("only", ()) and not mood.get("you"):
        return False
    if "only" in mood and subject.id not in mood["only"] and subject.rank not in mood["only"]:
        return False
    return subject.id not in mood.get("not", ()) and (subject.rank not in mood.get("not", ()) or subject.id == "you")


def _draw_thing(verb: Verb, subject: Person, mood: Mapping[str, Any], g: Grammar, rng: random.Random) -> Thing | None:
    if not verb.objects:
        return None
    category = rng.choice(verb.objects)
    if category == "person":
        other = rng.choice(g.people)
        fits = (
            other.id not in ("I", "we", "you", "they", subject.id) and choose(other.ja, "polite") and other.id != "he"
        )
        return person_thing(other) if fits and other.id != "she" else None
    if category in ("place", "city") or category in g.place_by_name:
        places = {"place": g.places, "city": g.cities}.get(category)
        return place_thing(rng.choice(places) if places else g.place_by_name[category])
    noun = rng.choice(g.nouns_called(category))
    attribute = None
    if rng.random() < 0.25 and not (verb.bare or verb.plain):
        fitting = [a for a in g.attributive if a.fits(noun)]
        attribute = rng.choice(fitting) if fitting else None
    number = rng.choice((2, 3, 4, 5)) if mood.get("one") and rng.random() < 0.12 and not verb.the else 1
    return noun_thing(noun, g, the=verb.the, bare=verb.bare, attribute=attribute, number=number)


def say(name: str, clause: Clause, g: Grammar) -> Item | None:
    """`clause` in mood `name`, in all languages; None where fewer than two Japanese registers can say it."""
    mood = g.moods[name]
    ja = {}
    for register in REGISTERS:
        text = japanese(clause, mood, register)
        if text:
            ja[register] = text
    if len(ja) < 2:
        return None
    names = [p.name for p in (clause.subject, clause.thing) if p is not None and p.name]
    return Item(
        en=_english(clause, mood, g), zh=_chinese(clause, mood), ja=ja, domain="general", names=tuple(names),
        kind=name, clause=clause,
    )  # fmt: skip


def agreement(person: Person) -> dict[str, str]:
    """The English words that agree with `person`."""
    third, first = person.third, person.id == "I"
    return {
        "is": "is" if third else "am" if first else "are", "was": "was" if third or first else "were",
        "has": "has" if third else "have", "have": "has" if third else "have", "do": "does" if third else "do",
        "does": "does" if third else "do", "wants": "wants" if third else "want", "pro": person.pronoun,
    }  # fmt: skip


def _english(c: Clause, mood: Mapping[str, Any], g: Grammar) -> str:
    head, _, tail = c.verb.en.partition(" ")
    irregular = dict(g.irregular_verbs)
    past = english.past(head, irregular)
    slots = {
        **agreement(c.subject), "S": c.subject.en, "base": head, "s": english.third(head) if c.subject.third else head,
        "past": past, "pp": irregular[head][1] if head in irregular else past, "ing": english.ing(head),
        "tail": tail.replace("{O}", c.thing.en if c.thing else ""), "s-pronoun": c.subject.pronoun,
        "P": f"{c.place.preposition} {c.place.en}" if c.place else "", "T": c.time.en if c.time else "",
    }  # fmt: skip
    if c.reason:
        slots["reason"] = fill(c.reason["en"], slots)
    return english.sentence(fill(mood["en"], slots))


def fill(template: str, slots: Mapping[str, str]) -> str:
    """`template` with its {slots} filled. Raises KeyError for a slot that nobody knows (a mistake in the grammar)."""
    out, rest = "", template
    while "{" in rest:
        head, _, tail = rest.partition("{")
        name, _, rest = tail.partition("}")
        out += head + slots[name]
    return out + rest


def _chinese(c: Clause, mood: Mapping[str, Any]) -> str:
    thing = (c.thing.zh_one if mood.get("one") else c.thing.zh) if c.thing else ""
    verb = c.verb.zh.replace("{O}", thing)
    place = f"在{c.place.zh}" if c.place else ""
    slots = {
        "S": c.subject.zh, "T": c.time.zh if c.time else "", "P": place, "P/在": place or "在",
        "V": verb.replace("~", ""), **{f"V:{aspect}": verb.replace("~", aspect) for aspect in "了过的"},
        "reason": c.reason["zh"] if c.reason else "",
    }  # fmt: skip
    return fill(mood["zh"], slots)


def japanese(c: Clause, mood: Mapping[str, Any], register: str) -> str | None:
    """`c` in a mood and register; None where nobody says it so."""
    ending = mood["ja"].get(register)
    if isinstance(ending, Mapping):
        ending = ending.get(c.subject.rank)
    forms = _verb_in(c, register)
    if ending is None or forms is None or ("{potential-masu}" in ending and "potential-masu" not in forms):
        return None
    if "{ask}" in ending:
        ask = c.verb.ask
        if ask is None and c.verb.respectful is None and c.verb.ja[1] in ("5", "1"):
            ask = f"お{verb_forms(*c.verb.ja)['stem']}ください"
        if not ask:
            return None
        forms = {**forms, "ask": ask}
    subject = choose(c.subject.ja, register)
    if subject is None:
        return None
    topic = f"{subject}は" if subject and not mood.get("drop") else ""
    reason = ""
    if c.reason:
        form = c.reason["ja"]
        because = form.get(register, form.get("_"))
        if isinstance(because, dict):  # humble or respectful
            because = because.get(c.subject.rank)
        if because is None:
            return None
        reason = f"{because}、"
    ask_word = (choose(mood["ask"], register) or "") if "ask" in mood else ""
    time = choose(c.time.ja, register) or "" if c.time else ""
    place = f"{c.place.ja}で" if c.place else ""
    start = topic + reason if mood.get("reason") == "self" else reason + topic
    return start + time + ask_word + place + _object(c, mood, register) + fill(ending, forms)


def _object(c: Clause, mood: Mapping[str, Any], register: str) -> str:
    particle = c.verb.particle
    if register == "casual":
        particle = {"を": "", "へ": "に"}.get(particle, particle)
    if c.thing is None:
        return particle
    if c.verb.particle == "を" and "object-marker" in mood and not c.thing.person:
        particle = mood["object-marker"]
    noun = choose(c.thing.person.ja, register) or "" if c.thing.person else c.thing.ja
    if register == "casual" and c.thing.person and c.verb.particle == "を":
        particle = "を"  # a person stays marked
    return noun + particle + c.thing.ja_count


def _verb_in(c: Clause, register: str) -> dict[str, str] | None:
    """The forms of the verb in `register`: in the honorific one, of the word that the subject's rank calls for."""
    word, kind = c.verb.ja
    iru = "い"
    if register == "honorific":
        if c.subject.rank == "respected":
            chosen = c.verb.respectful if c.verb.respectful is not None else _respectful(word, kind)
            iru = "いらっしゃい"
        elif c.subject.rank == "self":
            chosen = c.verb.humble
            iru = "おり"
            if chosen and c.thing:
                if c.thing.person and c.thing.person.rank != "respected":
                    chosen = None  # humility is owed to the respected only
                elif c.verb.humble_objects and c.thing.category not in c.verb.humble_objects:
                    chosen = None
        else:
            chosen = None
        if not chosen or not chosen[0]:
            return None
        word, kind = chosen
    forms = dict(verb_forms(word, kind))
    able = verb_forms(forms["potential"], "1")
    forms |= {f"potential-{name}": able[name] for name in ("nai", "masu", "masen", "ta", "nakatta")}
    if word.endswith("なさる"):  # nobody says なされます for being able to
        del forms["potential-masu"]
    forms["iru"] = iru
    return forms


def _respectful(word: str, kind: str) -> tuple[str, str] | None:
    if kind == "suru":
        return word[:-2] + "なさる", "aru"
    if kind == "kuru":
        return None
    stem = verb_forms(word, kind)["stem"]
    if len(stem) == 1:  # 見, 着, 寝: these have words of their own
        return None
    return f"お{stem}になる", "5"
