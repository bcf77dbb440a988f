"""Idioms, slang and set phrases: sentences per language and register with a few slots (see grammar/idioms.yaml)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from in2x.sample import english
from in2x.sample.clauses import Item, agreement, fill
from in2x.sample.conjugation import adjective_forms, verb_forms
from in2x.sample.lexicon import REGISTERS, Grammar, Person, choose

POSSESSIVE = {"I": "my", "we": "our", "you": "your", "he": "his", "she": "her", "they": "their"}


def draw(kind: str, g: Grammar, rng: random.Random) -> Item | None:
    """One random sentence of `kind` ("idiom", "slang", "phrase"); None where the dice fit nothing (draw again)."""
    return say(rng.choice(g.phrases[kind]), kind, g, rng)


def say(entry: Mapping[str, Any], kind: str, g: Grammar, rng: random.Random) -> Item | None:
    """One random filling of `entry`."""
    wanted = {name.partition(".")[0] for name in _slots(entry["en"] + entry["zh"] + str(entry["ja"]))}
    en: dict[str, str] = {}
    zh: dict[str, str] = {}
    ja: dict[str, dict[str, str]] = {register: {} for register in REGISTERS}
    names: list[tuple[str, str, str]] = []
    subject: Person | None = None
    if "S" in wanted:
        subject = rng.choice(g.people) if rng.random() < 0.7 else g.people[0]
        if not _fits(subject, entry):
            return None
        agree = agreement(subject)
        en |= {**agree, "his": POSSESSIVE[subject.pronoun], "S": subject.en}
        if entry.get("object"):
            en["S"] = english.OBJECTS.get(subject.id, subject.en)
        zh["S"] = subject.zh
        for register in REGISTERS:
            name = choose(subject.ja, register)
            ja[register]["S"] = f"{name}{entry.get('topic', 'は')}" if name else ""
            ja[register]["Sga"] = f"{name}が" if name else ""
        names += [subject.name] if subject.name else []
    if "X" in wanted:
        thing = rng.choice(g.fillers["x"][entry["x"]])
        en["X"], zh["X"], en["isx"] = thing["en"], thing["zh"], "are" if thing.get("plural") else "is"
        for register in REGISTERS:
            word = choose(thing["ja"], register) or ""
            ja[register]["X"] = word + entry.get("xja", "が") if word else ""
        names += [(thing["en"], thing["ja"], thing["zh"])] if thing.get("name") else []
    if "v" in wanted or "V" in wanted:
        _fill_verb(rng.choice(g.fillers["v"][entry["v"]]), subject, g, en, zh, ja)
    if "T" in wanted:
        time = rng.choice(g.times[entry["time"]])
        en["T"], zh["T"] = time.en, time.zh
        for register in REGISTERS:
            text = choose(time.ja, register) or ""
            ja[register]["T"] = text.removesuffix("に") if "{T}は" in str(entry["ja"]) else text
    if "N" in wanted:
        _fill_noun(entry, g, rng, en, zh, ja)
    if "P" in wanted:
        place = rng.choice(g.places)
        en["P"], zh["P"], en["at"] = place.en, place.zh, place.preposition
        for register in REGISTERS:
            ja[register]["P"] = place.ja
    if "L" in wanted:
        _fill_lead(g, rng, en, zh, ja, names)
    return _build(entry, kind, subject, en, zh, ja, names)


def _build(
    entry: Mapping[str, Any], kind: str, subject: Person | None, en: Mapping[str, str], zh: Mapping[str, str],
    ja: Mapping[str, Mapping[str, str]], names: list[tuple[str, str, str]],
) -> Item | None:  # fmt: skip
    forms = {}
    for register in REGISTERS:
        template = entry["ja"].get(register)
        if register == "honorific" and subject is not None:
            if isinstance(template, Mapping):
                template = template.get(subject.rank)
            elif subject.rank == "neutral":
                template = None
        if template is not None:
            forms[register] = fill(template, ja[register])
    if not forms:
        return None
    return Item(
        en=english.sentence(fill(entry["en"], en)), zh=fill(entry["zh"], zh), ja=forms,
        domain="general" if kind == "phrase" else kind, names=tuple(names), natural=tuple(entry.get("natural", ())),
        traps=tuple(entry.get("traps", ())), zh_traps=tuple(entry.get("zh_traps", ())), kind=entry["id"],
    )  # fmt: skip


def _slots(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


def _fits(subject: Person, entry: Mapping[str, Any]) -> bool:
    if subject.id == "you" and "you" not in entry.get("only", ()):
        return False
    if "only" in entry and subject.id not in entry["only"] and subject.rank not in entry["only"]:
        return False
    return subject.id not in entry.get("not", ()) and subject.rank not in entry.get("not", ())


def _fill_verb(
    row: Mapping[str, Any], subject: Person | None, g: Grammar, en: dict[str, str], zh: dict[str, str],
    ja: Mapping[str, dict[str, str]],
) -> None:  # fmt: skip
    head, _, tail = row["en"].partition(" ")
    third = subject is not None and subject.third
    en["v"] = f"{english.third(head) if third else head} {tail}".strip()
    en["past"] = f"{english.past(head, dict(g.irregular_verbs))} {tail}".strip()
    en["base"] = row["en"]
    en["ing"] = f"{english.ing(head)} {tail}".strip()
    zh["V"] = zh["Z"] = row["zh"]
    for slot, key in (("V", "ja"), ("H", "hon")):
        if key in row:
            for register in REGISTERS:
                ja[register] |= {f"{slot}.{k}": v for k, v in verb_forms(row[key][0], str(row[key][1])).items()}


def _fill_noun(
    entry: Mapping[str, Any], g: Grammar, rng: random.Random, en: dict[str, str], zh: dict[str, str],
    ja: Mapping[str, dict[str, str]],
) -> None:  # fmt: skip
    nouns = [n for name in entry["n"] for n in g.nouns_called(name)]
    if "{A}" in entry["en"]:
        nouns = [n for n in nouns if any(a.fits(n) for a in g.predicative)]
    noun = rng.choice(nouns)
    plural = english.plural(noun.en, dict(g.irregular_nouns)) if noun.counter else noun.en
    en |= {"N": noun.en, "aN": english.article(noun.en) if noun.counter else noun.en, "Ns": plural}
    zh |= {"N": noun.zh, "M": noun.measure or "种", "1N": f"一{noun.measure}{noun.zh}" if noun.measure else noun.zh}
    attribute = rng.choice([a for a in g.predicative if a.fits(noun)] or [None])
    for register in REGISTERS:
        ja[register]["N"] = noun.ja
        if attribute:
            ja[register] |= {f"A.{k}": v for k, v in adjective_forms(*attribute.ja).items()}
    if attribute:
        en["A"], zh["A"] = attribute.en, attribute.zh


def _fill_lead(
    g: Grammar, rng: random.Random, en: dict[str, str], zh: dict[str, str], ja: Mapping[str, dict[str, str]],
    names: list[tuple[str, str, str]],
) -> None:  # fmt: skip
    """A word of address (a name, two times in three) or a lead-in."""
    if rng.random() < 0.67:
        person = rng.choice([p for p in g.people if p.name])
        en["L"], zh["L"] = f"{person.en}, ", f"{person.zh}，"
        for register in REGISTERS:
            ja[register]["L"] = f"{choose(person.ja, register)}、"
        names += [person.name] if person.name else []
        return
    lead = rng.choice(g.fillers["leads"])
    en["L"], zh["L"] = lead["en"], lead["zh"]
    for register in REGISTERS:
        ja[register]["L"] = choose(lead["ja"], register) or ""
