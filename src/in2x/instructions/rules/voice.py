"""A learnt ear for a model that talks where a work should stand: a linear classifier over parts of an answer.

Wordings are without end, so this one is learnt from labelled sets (`benchmarks/instruction_voice.py`), and tried where
the rules find nothing. An answer is cut into the parts that talk stands in: all of it, its first and last paragraph,
line, sentence, remark in brackets. Each is a bag of runs of one to four tokens (a Latin word, a character of another
script, `P` for what it takes up from the prompt, `F` for the form that was asked for, `Q` for a quotation), and of what
it is beside the rest: its place, length, end, persons, politeness. Features are hashed to `SIZE` weights; the score is
their sum, a log-odds. Same text, same score: nothing is drawn by chance.

Left out on purpose: embeddings (no model is asked), and the middle of an answer.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from in2x.instructions.rules.view import Evidence, View
from in2x.instructions.talk import QUOTED, forms
from in2x.instructions.weight import weight
from in2x.language.script import HAN, KATAKANA
from in2x.language.wording import search

Zone = Literal["whole", "head", "tail"]
BITS = 17
SIZE = 1 << BITS
"""Weights (our choice)."""
RUNS = 4
"""Tokens of the longest run."""
LONGEST = 420
"""Latin letters (others weigh more) of a part that may be talk, as in `tidy.py`."""
BESIDE = 800
"""Characters of the rest that are looked at."""
LEAST: Mapping[Zone, float] = {"whole": 1.0, "head": 2.5, "tail": 2.5}
"""From which score on a part counts as talk (our choice, by false alarms over what people wrote: short paragraphs of
books sound most like talk)."""
WEIGHTS = Path(__file__).with_name("voice.npz")

_PARAGRAPH = re.compile(r"[ \t\u3000]*\n\s*")
_SENTENCE = re.compile(r"(?:[^.!?。！？:：\n]|[.:](?=\S))+(?:[.!?。！？:：]+[)）」』”\"'’]*|\Z|\n)\s*")
_LAST = re.compile(r"[（(\[【][^（）()\[\]【】\n]{4,200}[)）\]】]\s*\Z")
_FIRST = re.compile(r"\A[（(\[【][^（）()\[\]【】\n]{3,200}[)）\]】]")
_TOKEN = re.compile(r"[a-z]+(?:['’-][a-z]+)*|\d+|[^\s]")
_WORD = re.compile(r"[a-z]{4,}")
_PAIR = re.compile(f"[{HAN}{KATAKANA}\uac00-\ud7a3]{{2,}}")
_PROMPT = ("letters", "voices", "declining", "machines", "dialogue", "verse", "about_notes", "about_writing",
           "asks_reader", "about_code", "thinking", "speakers")  # fmt: skip
"""Wordings that tell what a prompt asks for."""
_SPEECH = frozenset({"letters", "voices", "declining", "machines", "dialogue"})
_PERSONS = ("polite", "courteous", "first_person", "second_person")


class Part(NamedTuple):
    """A part of an answer, and the rest of it."""

    zone: Zone
    text: str
    rest: str
    apart: bool
    """A blank line stands between them."""


def parts(answer: str) -> list[Part]:
    """The parts of an answer that may be talk."""
    text = answer.strip()
    breaks = list(_PARAGRAPH.finditer(text))
    sentences = list(_SENTENCE.finditer(text[:4000])) if len(text) < 4000 else []
    found: dict[tuple[Zone, str], Part] = {}

    def add(zone: Zone, start: int, end: int, apart: bool = False) -> None:
        part, rest = text[start:end].strip(), (text[end:] if zone == "head" else text[:start]).strip()
        if part and weight(part) <= LONGEST and (rest or zone == "whole"):
            found.setdefault((zone, part), Part(zone, part, rest, apart))

    if len(text) <= LONGEST:
        add("whole", 0, len(text))
    blank = [match for match in breaks if match.group(0).count("\n") > 1]
    for some, apart in ((blank, True), (breaks, False)):
        if some:
            add("head", 0, some[0].start(), apart)
            add("tail", some[-1].end(), len(text), apart)
    for count in (1, 2):
        if len(sentences) > count:
            add("head", 0, sentences[count - 1].end())
            add("tail", sentences[-count].start(), len(text))
    if last := _LAST.search(text[-240:]):
        add("tail", len(text) - len(text[-240:]) + last.start(), len(text))
    if first := _FIRST.match(text):
        add("head", 0, first.end())
    return list(found.values())


def tokens(text: str, prompt: str) -> list[str]:
    """The tokens of a part, with what it takes up from the prompt as `P`, and the form asked for as `F`."""
    asked = prompt.lower()
    named = forms(prompt)
    stems = {word[:5] for word in _WORD.findall(asked)}
    low = QUOTED.sub(" Q ", text.lower())
    for form in sorted((f for f in named if not f.isascii()), key=lambda f: (-len(f), f)):
        low = low.replace(form, " F ")
    for run in sorted({m for m in _runs(asked)}, key=lambda r: (-len(r), r)):
        low = low.replace(run, " P ")
    forms_en = {form[:5] for form in named if form.isascii()}
    found = []
    for token in re.findall(r"[PFQ]|" + _TOKEN.pattern, low):
        if token[0].isascii() and token[0].islower():
            stem = token[:5]
            token = "F" if stem in forms_en else "P" if len(token) > 3 and stem in stems else token
        found.append("0" if token[0].isdigit() else token)
    return found


def _runs(asked: str) -> Iterator[str]:
    """Runs of characters of a prompt that carry meaning: whole, and each pair of them."""
    for match in _PAIR.finditer(asked):
        yield match.group(0)
        yield from (a + b for a, b in pairwise(match.group(0)))


def _hash(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def _bag(found: Sequence[str]) -> NDArray[np.uint32]:
    """The hashes of all runs of 1 to `RUNS` tokens."""
    one = np.array([_hash(token) for token in ("^", *found, "$")], np.uint32)
    every, run = [one], one
    for size in range(1, RUNS):
        if len(one) <= size:
            break
        run = run[:-1] * np.uint32(0x01000193) ^ (one[size:] + np.uint32(size))
        every.append(run * np.uint32(0x9E3779B1))
    stems = [_hash("stem " + token[:5]) for token in found if len(token) > 5]
    return np.unique(np.concatenate([*every, np.array(stems, np.uint32)]) >> np.uint32(32 - BITS))


def _beside(part: Part, found: Sequence[str], flags: Sequence[str]) -> list[str]:
    """What a part is beside the rest, by name."""
    zone, text, rest, apart = part
    size, other = weight(text), weight(rest[:3000])
    last = text[-1] if not text[-1].isalnum() else "_"
    names = [zone, f"apart {apart}", f"end {last}", f"size {int(1.5 * log2(size + 1))}",
             f"beside {int(log2(other + 1))}", f"taken {min(found.count('P'), 3)}",
             f"form {min(found.count('F'), 2)}"]  # fmt: skip
    if "Q" in found:
        names.append("quotes")
    if text[0] in '「『“"':
        names.append("speech")
    if text[0] in "([（【":
        names.append("brackets")
    if "\n" in text:
        names.append("lines")
    bare, near = QUOTED.sub(" ", text), QUOTED.sub(" ", rest[:BESIDE])
    for name in _PERSONS:
        if search(name, bare):
            names.append(f"{name} {search(name, near) is not None if rest else '-'}")
    names += [f"asked {flag}" for flag in flags]
    if _SPEECH.intersection(flags):
        names.append("asked for speech")
    return [*names, *(f"{zone}, {name}" for name in names[1:])]


class Features(NamedTuple):
    """One part as a sparse row."""

    places: NDArray[np.int64]
    values: NDArray[np.float32]


def features(part: Part, prompt: str, flags: Sequence[str]) -> Features:
    """The row of a part: runs of tokens share a length of three, each fact beside them counts one half."""
    found = tokens(part.text, prompt)
    bag = _bag(found).astype(np.int64)
    facts = np.unique(np.array([_hash(n) >> (32 - BITS) for n in _beside(part, found, flags)], np.int64))
    values = np.concatenate([np.full(len(bag), 3 / np.sqrt(len(bag))), np.full(len(facts), 0.5)])
    return Features(np.concatenate([bag, facts]), values.astype(np.float32))


def asked_for(prompt: str) -> list[str]:
    """What a prompt asks for, by the names of the packs' wordings."""
    return [name for name in _PROMPT if search(name, prompt)]


class Ear(NamedTuple):
    """The weights and what is added to their sum."""

    weights: NDArray[np.float32]
    bias: float

    def score(self, row: Features) -> float:
        """The log-odds that a part is talk."""
        return float(self.weights[row.places] @ row.values) + self.bias


@cache
def ear(path: Path = WEIGHTS) -> Ear:
    """The bundled weights (places and values of those that are not zero)."""
    with np.load(path, allow_pickle=False) as stored:
        weights = np.zeros(SIZE, np.float32)
        weights[stored["places"]] = stored["values"].astype(np.float32)
        return Ear(weights, float(stored["bias"]))


def spoken(view: View) -> Evidence | None:
    """A part of the answer sounds like a model that talks to its user about the task."""
    if view.given_text or not view.answer.strip() or search("declining", view.prompt):
        return None
    flags, listener = asked_for(view.prompt), ear()
    for part in parts(view.answer):
        if (score := listener.score(features(part, view.prompt, flags))) >= LEAST[part.zone]:
            return {"part": "answer", "found": part.text[:80], "where": part.zone, "score": round(score, 2)}
    return None
