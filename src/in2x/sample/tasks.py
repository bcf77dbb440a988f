"""Instructions of the micro-world: several tasks and difficulties in three languages, each with a checkable answer.

Some are faulty on purpose; only their origin ("collected:micro-world/faulty-<kind>") says so, so that verification
can be measured.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from in2x.principles.case import Case, verifier_of
from in2x.records import Instruction, content_id
from in2x.sample import clauses, english, phrases, texts, world
from in2x.sample.clauses import Item, fill
from in2x.sample.lexicon import LANGUAGES, REGISTERS, grammar, read

ORIGIN = "collected:micro-world"
FAULTY = 0.1
"""Share of faulty instructions."""
SHARES = {"translate": 0.3, "register": 0.1, "rewrite": 0.12, "math": 0.18, "qa": 0.12, "choice": 0.06, "story": 0.12}


@lru_cache(maxsize=1)
def _tasks() -> Mapping[str, Any]:
    tasks: Mapping[str, Any] = read("tasks")
    return tasks


def instructions(seed: int, banned: set[str]) -> Iterator[Instruction]:
    """Endless instructions, the languages of the answers in turn; no sentence of `banned` stands in them."""
    rng = random.Random(f"{seed}/instructions")
    source = world.train(seed + 2_000_003, banned)
    kept: list[Instruction] = []
    number = 0
    while True:
        lang = LANGUAGES[number % 3]
        if rng.random() < FAULTY:
            made = _faulty(lang, rng, kept, number)
        else:
            task = rng.choices(list(SHARES), list(SHARES.values()))[0]
            made = MAKERS[task](lang, rng, source, banned)
            if made:
                kept.append(made)
                del kept[:-200]
        if made:
            yield made
            number += 1


def _make(lang: str, task: str, prompt: str, answer: str | None, verifier: dict[str, Any] | None, difficulty: int,
          labels: list[str], origin: str = ORIGIN) -> Instruction:  # fmt: skip
    return Instruction(
        id=content_id(task, prompt, answer, origin), lang=lang, task=task,
        messages=[{"role": "user", "content": prompt}], answer=answer, verifier=verifier, origin=origin,
        license="Apache-2.0", labels=labels, difficulty=difficulty,
    )  # fmt: skip


def _translate(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    """Prompt in any language, translation into `lang`."""
    item = next(source)
    other = rng.choice([x for x in LANGUAGES if x != lang])
    register = rng.choice([r for r in REGISTERS if r in item.ja])
    sides = {"en": item.en, "zh": item.zh, "ja": item.ja[register]}
    spoken = rng.choice(LANGUAGES)
    prompt = fill(
        rng.choice(_tasks()["translate"][spoken]), {"to": _tasks()["languages"][spoken][lang], "text": sides[other]}
    )
    asked = register if lang == "ja" else None
    if asked:
        prompt += {
            "en": f" (style: {asked})",
            "ja": f"（{_tasks()['registers'][asked]}で）",
            "zh": f"（用{_tasks()['registers'][asked]}）",
        }[spoken]
    facts = world.check_facts(item, other, lang)
    verifier = verifier_of(Case(sides[other], other, lang, asked, checks=facts))
    difficulty = {"general": 2, "slang": 4, "idiom": 4}.get(item.domain, 3)
    return _make(
        lang, "translate", prompt, sides[lang], verifier, difficulty, ["Translation", item.domain.capitalize()]
    )


def _register(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    if lang != "ja":
        return _rewrite(lang, rng, source, banned)
    item = next(source)
    if len(item.ja) < 2:
        return None
    given, asked = rng.sample([r for r in REGISTERS if r in item.ja], 2)
    prompt = fill(
        rng.choice(_tasks()["register"]["ja"]), {"text": item.ja[given], "register": _tasks()["registers"][asked]}
    )
    verifier = {"name": "register", "register": asked, "source": item.ja[given]}
    difficulty = 4 if asked == "honorific" else 3
    return _make("ja", "rewrite", prompt, item.ja[asked], verifier, difficulty, ["Rewriting", "Register"])


def _rewrite(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    """A past statement made negative or made a question."""
    form = rng.choice(tuple(_tasks()["rewrite"]))
    item = clauses.draw(grammar(), rng, "past")
    changed = clauses.say(form, item.clause, grammar()) if item and item.clause else None
    if item is None or changed is None or not banned.isdisjoint(item.sides() + changed.sides()):
        return None
    if form == "question-past" and item.clause and item.clause.subject.person != "3":
        return None
    text = {"en": item.en, "zh": item.zh, "ja": item.ja["polite"]}[lang]
    answer = {"en": changed.en, "zh": changed.zh, "ja": changed.ja["polite"]}[lang]
    prompt = fill(rng.choice(_tasks()["rewrite"][form][lang]), {"text": text})
    return _make(lang, "rewrite", prompt, answer, {"name": "exact", "value": answer}, 2, ["Rewriting", "Sentence form"])


def _math(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    problem = rng.choice(_tasks()["math"])
    a, b, d = rng.randint(2, 12), rng.randint(2, 12), rng.randint(1, 9)
    value, step = MATH[problem["value"]](a, b, d)
    if value <= 0:
        return None
    g, i = grammar(), LANGUAGES.index(lang)
    noun = rng.choice([n for n in (*g.nouns["fruit"], *g.nouns["goods"]) if n.counter])
    name = rng.choice([p.name for p in g.people if p.name and p.rank == "neutral"])
    slots = {
        "a": str(a), "b": str(b), "d": str(d), "v": str(value), "e": str(step), "who": name[i], "c": noun.counter or "",
        "m": noun.measure or "", "N": (noun.en, noun.ja, noun.zh)[i],
        "Ns": english.plural(noun.en, dict(g.irregular_nouns)),
    }  # fmt: skip
    prompt, answer = fill(problem[lang], slots), fill(problem["explain"][lang], slots)
    labels = ["Mathematics", "Word problems"]
    return _make(lang, "math", prompt, answer, {"name": "number", "value": str(value)}, problem["difficulty"], labels)


MATH: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "a + b": lambda a, b, d: (a + b, a + b),
    "a - b": lambda a, b, d: (a - b, a - b),
    "a * b": lambda a, b, d: (a * b, a * b),
    "a * b + d": lambda a, b, d: (a * b + d, a * b),
    "(a * b - d) * 2": lambda a, b, d: ((a * b - d) * 2, a * b - d),
}
"""The `value` of a problem in tasks.yaml -> (answer, step on the way)."""


def _qa(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    i = LANGUAGES.index(lang)
    questions = _tasks()["qa"]["questions"]
    kind = rng.choice(tuple(questions))
    column = rng.choice(tuple(questions[kind]))
    text, answer = texts.fact(kind, column, lang, rng)
    prompt = fill(rng.choice(_tasks()["qa"][lang]), {"text": text, "question": questions[kind][column][LANGUAGES[i]]})
    return _make(lang, "qa", prompt, answer, {"name": "contains", "all": [answer]}, 2, ["Reading", kind.capitalize()])


def _choice(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    """Which of three Japanese (or English, Chinese) sentences renders an idiom; the others are other idioms."""
    g = grammar()
    found: list[Item] = []
    while len(found) < 3:
        item = phrases.draw(rng.choice(("idiom", "slang")), g, rng)
        if (
            item
            and banned.isdisjoint(item.sides())
            and "casual" in item.ja
            and item.kind not in [f.kind for f in found]
        ):
            found.append(item)
    right = rng.randrange(3)
    source_text = found[right].zh if lang == "en" else found[right].en
    options = [{"en": f.en, "ja": f.ja["casual"], "zh": f.zh}[lang] for f in found]
    prompt = fill(
        rng.choice(_tasks()["choice"][lang]), {"text": source_text, "A": options[0], "B": options[1], "C": options[2]}
    )
    value = "ABC"[right]
    return _make(lang, "choice", prompt, value, {"name": "choice", "value": value}, 3, ["Translation", "Idiom"])


def _story(lang: str, rng: random.Random, source: Iterator[Item], banned: set[str]) -> Instruction | None:
    g, i = grammar(), LANGUAGES.index(lang)
    hero, friend = rng.sample([p.name for p in g.people if p.name and p.rank == "neutral"], 2)
    noun = rng.choice(texts.props(g))
    word = (noun.en, noun.ja, noun.zh)[i]
    prompt = fill(rng.choice(_tasks()["story"][lang]), {"hero": hero[i], "friend": friend[i], "N": word})
    answer = texts.story(lang, rng, scenes=1, banned=banned, cast=(hero, friend), thing=noun)
    if not all(wanted in answer for wanted in (hero[i], friend[i], word)):
        return None
    verifier = {"name": "contains", "all": [hero[i], friend[i], word], "min_sentences": 4}
    return _make(lang, "story", prompt, answer, verifier, 4, ["Creative writing", "Story"])


MAKERS: dict[str, Callable[[str, random.Random, Iterator[Item], set[str]], Instruction | None]] = {
    "translate": _translate, "register": _register, "rewrite": _rewrite, "math": _math, "qa": _qa, "choice": _choice,
    "story": _story,
}  # fmt: skip


def _faulty(lang: str, rng: random.Random, kept: list[Instruction], number: int) -> Instruction | None:
    """One instruction that verification should reject."""
    faults = _tasks()["faults"]
    kind = rng.choice([*faults, "wrong-language", "duplicate"])
    origin = f"{ORIGIN}/faulty-{kind}"
    if kind == "duplicate":
        same = [k for k in kept if k.lang == lang]
        if not same:
            return None
        original = rng.choice(same)
        return replace(original, id=content_id(original.id, number), origin=origin)
    if kind == "wrong-language":
        same = [k for k in kept if k.lang != lang and k.task in ("math", "qa", "story")]
        if not same:
            return None
        original = rng.choice(same)  # the answer is not in the language that the row claims and the prompt asks for
        return replace(original, id=content_id(original.id, number, lang), lang=lang, origin=origin)
    a, b = rng.randint(2, 30), rng.randint(2, 30)
    noun = rng.choice(grammar().nouns["goods"])
    word = (noun.en, noun.ja, noun.zh)[LANGUAGES.index(lang)]
    prompt = fill(rng.choice(faults[kind][lang]), {"N": word, "a": str(a), "b": str(b), "v": str(a + b)})
    made = _make(lang, "qa", prompt, None, None, 1, ["Other", "Other"], origin)
    return replace(made, id=content_id(made.id, number))
