"""What the grammar decides about an answer: the judged fundamental principles, and those written for a prompt.

A verdict is True (kept), False (broken) or None (does not apply, or the grammar cannot tell). It never guesses: where
it cannot read the source, every verdict is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from in2x.principles.prompts import table
from in2x.sample.lexicon import REGISTERS, grammar
from in2x.sample.lexicon import read as read_yaml
from in2x.sample.meaning import SPEAKERS, Difference, Reading, concepts, difference, read, words
from in2x.sample.request import Asked, register_names

_ADDRESS = re.compile("あなた|貴方|お前|きみ")
_DENIED = frozenset({
    "past-negative", "future-negative", "wish-negative", "inability", "never", "why-not", "request-not", "reason",
    "reason-weather", "condition",
})  # fmt: skip
_ASKED = frozenset({"question-past", "question-future", "question-ability", "where", "when", "why-not"})


@dataclass(frozen=True)
class Judged:
    """An answer to what was asked, as the grammar reads it."""

    asked: Asked
    answer: str
    sources: tuple[Reading, ...] = field(init=False)
    readings: tuple[Reading, ...] = field(init=False)
    apart: Difference | None = field(init=False)

    def __post_init__(self) -> None:
        """Read both."""
        asked = self.asked
        known = tuple(reading for reading in read(asked.source, asked.source_lang) if not reading.unread)
        object.__setattr__(self, "sources", known)
        object.__setattr__(self, "readings", read(self.answer.strip(), asked.lang))
        apart = difference(asked.source, asked.source_lang, self.answer.strip(), asked.lang, asked.form)
        object.__setattr__(self, "apart", apart)

    @property
    def whole(self) -> bool:
        """Whether the answer is a sentence of the grammar to its last letter."""
        return any(not reading.unread for reading in self.readings)


def _everything(judged: Judged) -> bool | None:
    apart = judged.apart
    return None if apart is None else not (apart.verb or apart.mood or apart.missing)


def _nothing_else(judged: Judged) -> bool | None:
    apart = judged.apart
    return None if apart is None else not (apart.verb or apart.mood or apart.added) and judged.whole


def _same_meaning(judged: Judged) -> bool | None:
    apart = judged.apart
    return None if apart is None else apart.agreement == 1.0 and judged.whole


def _native(judged: Judged) -> bool | None:
    return None if judged.apart is None else judged.whole and not _trapped(judged)


def _idiom(judged: Judged) -> bool | None:
    """Whether an idiom of the source is said as natives say it; None where there is none."""
    entries = _idioms_of(judged.sources)
    return any(_natural(entry, judged) for entry in entries) if entries else None


def _natural(entry: Mapping[str, Any], judged: Judged) -> bool:
    if _holds_trap(entry, judged):
        return False
    natural = entry.get("natural", ()) if judged.asked.lang == "ja" else ()
    same = any(reading.meaning[0] == f"phrase {entry['id']}" for reading in judged.readings)
    return same or any(form in judged.answer for form in natural)


def _in_register(judged: Judged) -> bool | None:
    wanted = judged.asked.register
    if wanted is None or judged.asked.lang != "ja" or judged.apart is None:
        return None
    return _is_in(wanted, judged)


def _is_in(register: str, judged: Judged) -> bool:
    """By the readings that mean what the source means, or by all where none does."""
    meant = {reading.meaning for reading in judged.sources}
    same = [reading for reading in judged.readings if reading.meaning in meant] or judged.readings
    return any(register in reading.registers for reading in same)


def _pronouns(judged: Judged) -> bool | None:
    if judged.asked.lang != "ja" or judged.apart is None:
        return None
    if not any(reading.meaning[0].startswith("verb ") for reading in judged.readings):
        return None
    said = _ADDRESS.search(judged.answer) is not None
    if judged.asked.register == "casual":  # friends leave 私 out
        said = said or any("person I" in concept for reading in judged.readings for concept in reading.concepts)
    return not said


def _idioms_of(readings: tuple[Reading, ...]) -> list[Mapping[str, Any]]:
    return [entry for reading in readings if (entry := _idioms().get(reading.meaning[0])) is not None]


def _trapped(judged: Judged) -> bool:
    """Whether the answer is a literal rendering of the source's idiom, whichever it is."""
    entries = _idioms_of(judged.sources)
    return bool(entries) and all(_holds_trap(entry, judged) for entry in entries)


def _holds_trap(entry: Mapping[str, Any], judged: Judged) -> bool:
    traps = entry.get({"ja": "traps", "zh": "zh_traps"}.get(judged.asked.lang, ""), ())
    return any(trap in judged.answer for trap in traps)


@cache
def _idioms() -> dict[str, Mapping[str, Any]]:
    return {f"phrase {entry['id']}": entry for kind in ("idiom", "slang") for entry in grammar().phrases[kind]}


Decision = Callable[[Judged], bool | None]
FUNDAMENTAL: dict[str, dict[str, Decision]] = {
    "translate": {
        "The answer says everything that the source says.": _everything,
        "The answer says nothing that the source does not say.": _nothing_else,
        "A native reader would not notice that the answer is a translation.": _native,
        "Idioms, slang and wordplay have an effect on the reader like that of the source.": _idiom,
        "Who speaks to whom is reflected in the level of politeness and the forms of address.": _in_register,
        "Subjects and pronouns appear only where the target language would have them.": _pronouns,
    },
    "rewrite": {
        "The meaning of the original text is unchanged.": _same_meaning,
        "The style asked for is kept from the first sentence to the last.": _in_register,
    },
}
"""Task -> principle of `principles/judged.yaml` in English -> its decision."""


@lru_cache(maxsize=1)
def _fundamental() -> dict[str, Decision]:
    """The same by their words in every language."""
    rows = table("judged")["principles"]
    return {
        text: decision
        for task, decisions in FUNDAMENTAL.items()
        for row in rows[task]
        if (decision := decisions.get(row["en"])) is not None
        for text in row.values()
    }


def verdict(principle: str, judged: Judged) -> bool | None:
    """Whether the answer keeps `principle`; None where the grammar cannot tell."""
    decision = _fundamental().get(principle)
    if decision is not None:
        return decision(judged)
    written = read_written(principle)
    return None if written is None or judged.apart is None else _kept(written, judged)


# --- principles written for a prompt ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A principle that `write` wrote: its kind (a key of `grammar/principles.yaml`) and what stands for {what}."""

    kind: str
    what: str
    lang: str
    """Language of the principle."""


def write(asked: Asked, lang: str, count: int) -> list[str]:
    """At most `count` principles in `lang` for a prompt; none where the grammar cannot read its source."""
    readings = [reading for reading in read(asked.source, asked.source_lang) if not reading.unread]
    if not readings:
        return []
    found = list(_written(asked, readings, lang))
    sentences = _sentences()
    return [sentences[kind][lang].replace("{what}", what) for kind, what in found][:count]


def _written(asked: Asked, readings: list[Reading], lang: str) -> Iterator[tuple[str, str]]:
    """(kind, what) of all that can be said of the prompt however it is read, in the order of the file."""
    moods = {reading.meaning[1] for reading in readings}
    said: dict[str, list[str]] = {
        "register": [_called(asked.register, lang)] if asked.register and asked.lang == "ja" else [],
        "idiom": [""] if len(_idioms_of(tuple(readings))) == len(readings) else [],
        "denied": [""] if moods <= _DENIED and not asked.form else [],
        "asked": [""] if moods <= _ASKED and not asked.form else [],
    }
    known = words(lang)
    for concept in (min(c) for c in readings[0].concepts if all(c in other.concepts for other in readings)):
        kind = concept.partition(" ")[0]
        counted = kind == "number" and asked.form is not None  # see `difference`
        if kind in _sentences() and concept in known and concept not in SPEAKERS and not counted:
            said.setdefault(kind, []).append(known[concept])
    for kind in _sentences():
        yield from ((kind, what) for what in dict.fromkeys(said.get(kind, ())))


def read_written(principle: str) -> Written | None:
    """The principle that `write` wrote so; None where it did not."""
    for kind, lang, pattern in _written_patterns():
        if match := pattern.fullmatch(principle):
            return Written(kind, match.groupdict().get("what") or "", lang)
    return None


def at_odds(one: Written, other: Written) -> bool:
    """Whether no answer can keep both."""
    return one.kind == other.kind == "register" and one.what != other.what


@lru_cache(maxsize=1)
def _sentences() -> dict[str, dict[str, str]]:
    return dict(read_yaml("principles"))


@lru_cache(maxsize=1)
def _written_patterns() -> list[tuple[str, str, re.Pattern[str]]]:
    return [
        (kind, lang, re.compile(re.escape(sentence).replace(r"\{what\}", "(?P<what>.+)")))
        for kind, sentences in _sentences().items()
        for lang, sentence in sentences.items()
    ]


def _called(register: str, lang: str) -> str:
    return register if lang == "en" else register_names()[register]


def _kept(written: Written, judged: Judged) -> bool | None:
    if written.kind == "register":
        register = next((name for name in REGISTERS if _called(name, written.lang) == written.what), None)
        return None if register is None else _is_in(register, judged)
    if written.kind == "idiom":
        return _idiom(judged)
    if written.kind in ("denied", "asked"):
        moods = _DENIED if written.kind == "denied" else _ASKED
        if not any(reading.meaning[1] in moods for reading in judged.sources):
            return None
        return any(reading.meaning[1] in moods for reading in judged.readings)
    wanted = {c for c in concepts(written.what, written.lang) if c.startswith(f"{written.kind} ")}
    said = frozenset(c for reading in judged.readings for concept in reading.concepts for c in concept)
    return bool(wanted & (said or concepts(judged.answer, judged.asked.lang))) if wanted else None
