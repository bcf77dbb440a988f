"""Texts made of the grammar: encyclopaedia entries, stories and dialogues, in any of the three languages."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from in2x.sample import clauses
from in2x.sample.clauses import Clause, Item, fill
from in2x.sample.lexicon import LANGUAGES, Grammar, Noun, Place, Verb, choose, grammar, read

JOIN = {"en": " ", "ja": "", "zh": ""}
"""What stands between two sentences."""
NOTHING: set[str] = set()
ANSWERS = ("Yes", "No", "I see", "Then", "Of course", "All right", "Sure")
"""How lines begin that only make sense as answers."""


@lru_cache(maxsize=1)
def _scenes() -> Mapping[str, list[list[list[str]]]]:
    scenes: Mapping[str, list[list[list[str]]]] = read("scenes")
    return scenes


@lru_cache(maxsize=1)
def _facts() -> Mapping[str, Any]:
    facts: Mapping[str, Any] = read("facts")["kinds"]
    return facts


@lru_cache(maxsize=1)
def _dialogues() -> list[Mapping[str, Any]]:
    dialogues: list[Mapping[str, Any]] = read("dialogues")
    return dialogues


def entry(lang: str, rng: random.Random) -> str:
    """An encyclopaedia text: some entries of one kind."""
    kind = _facts()[rng.choice(list(_facts()))]
    i = LANGUAGES.index(lang)
    paragraphs = []
    for row in rng.sample(kind["rows"], rng.choice((1, 2, 3))):
        slots = {name: cell[i] for name, cell in zip(kind["columns"], row, strict=True)}
        first, *rest = kind[lang]
        rng.shuffle(rest)
        lines = [fill(t, slots) for t in [first, *rest[: rng.choice((2, 3))]]]
        if lang == "en":
            lines = [_lower_articles(t) for t in lines]
        paragraphs.append(JOIN[lang].join(lines))
    return "\n".join(paragraphs)


def _lower_articles(text: str) -> str:
    """A name that opens with its article is lower case inside the sentence."""
    return text.replace(" The ", " the ").replace(" A ", " a ")


def fact(kind: str, column: str, lang: str, rng: random.Random) -> tuple[str, str]:
    """A short text about one thing of `kind` and the word in it that answers a question about `column`."""
    table, i = _facts()[kind], LANGUAGES.index(lang)
    row = rng.choice(table["rows"])
    slots = {name: cell[i] for name, cell in zip(table["columns"], row, strict=True)}
    lines = [fill(t, slots) for t in table[lang]]
    if lang == "en":
        lines = [_lower_articles(t) for t in lines]
    return JOIN[lang].join(lines), slots[column]


def _cast(g: Grammar, rng: random.Random) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Two given names, hero and friend."""
    first, second = rng.sample([p.name for p in g.people if p.name and p.rank == "neutral"], 2)
    return first, second


def props(g: Grammar) -> list[Noun]:
    """The things that a story may be about."""
    return [n for n in (*g.nouns["goods"], *g.nouns["furniture"]) if n.counter]


def _scene(
    scene: list[list[str]], cast: tuple[tuple[str, str, str], ...], thing: Noun, place: Place, i: int
) -> list[str]:
    """The sentences of a scene in language number `i`."""
    slots = {"hero": cast[0][i], "friend": cast[1][i], "P": (place.en, place.ja, place.zh)[i]}
    slots["N"] = (thing.en, thing.ja, thing.zh)[i]
    return [fill(sentence[i], slots) for sentence in scene]


def story(
    lang: str, rng: random.Random, scenes: int, banned: set[str] = NOTHING,
    cast: tuple[tuple[str, str, str], tuple[str, str, str]] | None = None, thing: Noun | None = None,
) -> str:  # fmt: skip
    """A story of `scenes` scenes between its opening and its ending, with one cast and one thing from first to last.

    A scene that would hold a sentence of `banned` is left out.
    """
    g, i = grammar(), LANGUAGES.index(lang)
    cast = cast or _cast(g, rng)
    thing = thing or rng.choice(props(g))
    order = list(_scenes()["middle"])
    rng.shuffle(order)
    middle = [order[k % len(order)] for k in range(scenes)]
    paragraphs = []
    for scene in [rng.choice(_scenes()["opening"]), *middle, rng.choice(_scenes()["ending"])]:
        place = g.place_by_name[rng.choice(g.groups["story"])]
        lines = _scene(scene, cast, thing, place, i)
        if banned.isdisjoint(lines):
            paragraphs.append(JOIN[lang].join(lines))
    return "\n".join(paragraphs)


def narration() -> list[list[str]]:
    """Every sentence of the scenes: English, Japanese and Chinese template."""
    return [sentence for part in _scenes().values() for scene in part for sentence in scene]


def set_lines() -> list[Mapping[str, Any]]:
    """Every set line of the dialogues that is no answer: its text by language, Japanese by register."""
    turns = [turn for plan in _dialogues() for _, turn in plan["turns"] if "mood" not in turn]
    return [turn for turn in turns if not turn["en"].startswith(ANSWERS)]


def story_sentence(g: Grammar, rng: random.Random) -> Item:
    """One sentence of narration."""
    scene = rng.choice([s for part in _scenes().values() for s in part])
    number = rng.randrange(len(scene))
    cast, thing, place = _cast(g, rng), rng.choice(props(g)), g.place_by_name[rng.choice(g.groups["story"])]
    en, ja, zh = (_scene(scene, cast, thing, place, i)[number] for i in range(3))
    names = tuple(n for slot, n in zip(("{hero}", "{friend}"), cast, strict=True) if slot in scene[number][0])
    return Item(en, zh, {"plain": ja}, "story", names=names, kind="story")


def dialogue_line(g: Grammar, rng: random.Random) -> Item:
    """A set line of a dialogue, said to somebody by name."""
    line, person = rng.choice(set_lines()), rng.choice([p for p in g.people if p.name])
    en = line["en"] if line["en"].startswith(("I ", "I'")) else line["en"][0].lower() + line["en"][1:]
    said = {r: text for r, text in line["ja"].items() if r != "honorific" or text != line["ja"]["polite"]}
    ja = {register: f"{choose(person.ja, register)}、{text}" for register, text in said.items()}
    names = (person.name,) if person.name else ()
    return Item(f"{person.en}, {en}", f"{person.zh}，{line['zh']}", ja, "dialogue", names=names, kind="dialogue")


def dialogue(lang: str, rng: random.Random, banned: set[str]) -> list[tuple[str, str]]:
    """A dialogue as (speaker, line); Japanese in one register throughout."""
    g = grammar()
    people = {"you": next(p for p in g.people if p.id == "you"), "I": replace(g.people[0], ja="")}
    while True:
        plan = rng.choice(_dialogues())
        manner = rng.choice(("polite", "casual", "honorific"))
        topic = _topic(plan, rng, g)
        lines: list[tuple[str, str]] = []
        for who, turn in plan["turns"]:
            if "mood" not in turn:
                item = Item(turn["en"], turn["zh"], turn["ja"], "dialogue")
                before = None
            else:
                mood = g.moods[turn["mood"]]
                clause = replace(topic, subject=people[turn["subject"]])
                if not turn.get("time", True):
                    clause = replace(clause, time=None)
                if "reason" in mood:
                    clause = replace(clause, reason=rng.choice(g.reasons[mood["reason"]]))
                said = clauses.say(turn["mood"], clause, g)
                if said is None or not banned.isdisjoint(said.sides()) or (lang == "ja" and manner not in said.ja):
                    break
                item, before = said, turn.get("before")
            line = item.ja[manner] if lang == "ja" else item.en if lang == "en" else item.zh
            if before:
                head = (choose(before["ja"], manner) or "") if lang == "ja" else before[lang]
                line = head + line
            lines.append((who, line))
        else:
            names = rng.sample([p.name for p in g.people if p.name and p.rank == "neutral"], 2)
            cast = {"A": names[0][LANGUAGES.index(lang)], "B": names[1][LANGUAGES.index(lang)]}
            return [(cast[who], line) for who, line in lines]


def _topic(plan: Mapping[str, Any], rng: random.Random, g: Grammar) -> Clause:
    """A clause that fits `plan` and can be asked about and answered."""
    mood = {"past": "question-past", "future": "question-future"}[plan["topic"]]
    fits = ABOUT[plan.get("verbs", "any")]
    while True:
        item = clauses.draw(g, rng, mood)
        if item and item.clause and item.clause.time and item.clause.subject.id == "you" and fits(item.clause.verb):
            return item.clause


ABOUT: dict[str, Callable[[Verb], bool]] = {
    "any": lambda verb: True,
    "fun": lambda verb: verb.fun and not verb.motion,
    "together": lambda verb: verb.fun,
    "errand": lambda verb: not verb.fun and not verb.motion and verb.planned and bool(verb.objects),
    "trip": lambda verb: verb.motion,
}
"""What the topic of a dialogue may be about (`verbs` in dialogues.yaml)."""
