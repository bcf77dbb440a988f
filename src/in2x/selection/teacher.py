"""Labels and grades by a language model (METHOD 3), through any way of asking one.

`AskAll` is the whole contract: prompts and the JSON schema of the answers go in, one parsed answer for each comes out,
in their order, None where there is none. What has no answer is left to the offline fallback and counted, never dropped.

Labels have two levels over a taxonomy that is given or grown. A name that the model brings is a known one where both
are the same field of `fields.yaml` (Maths and 数学), or say the same words up to case, spaces and the plural of English
("Quadratic equation" and "quadratic equations"). Nothing looser: numerals, signs and short words tell labels apart that
look alike (World War I and II, C and C++, organic and inorganic chemistry). Names in other scripts that are not in the
table are compared by vectors, where a multilingual model embeds (`meaning.py`). What none of this sees stays two
labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from in2x.errors import In2xError
from in2x.language.signs import signs
from in2x.llm.prompt_files import prompt_of
from in2x.plain_yaml import read_yaml
from in2x.selection.labels import Label
from in2x.selection.ngrams import normalise

AskAll = Callable[[Iterable[str], dict[str, Any]], Iterator[Any]]
BATCH = 20
"""Instructions in one request (our choice)."""
ROUND = 64
"""Most requests that are shown the same labels (our choice)."""
SHOWN = 1200
"""Characters of an instruction that the model is shown (our choice)."""

PROMPTS = Path(__file__).parent / "prompts"
"""The words that are asked in, by language as those of `in2x.llm.prompt_files`."""


Names = tuple[tuple[str, ...], ...]
"""Fields, each by what it is called, the first name first."""


@cache
def _fields(own: Names = ()) -> dict[tuple[str, ...], int]:
    """Words of a name -> number of its field: ours and `own`; an own one that shares a name with one of ours is it."""
    text = resources.files(__package__).joinpath("fields.yaml").read_text(encoding="utf-8")
    found = {_words(name): number for number, names in enumerate(yaml.safe_load(text)) for name in names}
    for number, names in enumerate(own, 1 + max(found.values())):
        said = [_words(name) for name in names]
        found |= dict.fromkeys(said, next((found[words] for words in said if words in found), number))
    return found


def read_fields(path: Path) -> Names:
    """Fields of a recipe's own, from a YAML file of lists of names like `fields.yaml`.

    Raises:
        In2xError: the file is none.
    """
    try:
        rows = read_yaml(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise In2xError(f"the fields cannot be read ({' '.join(str(error).split())})", file=path) from None
    sound = isinstance(rows, list) and rows and all(
        isinstance(row, list) and row and all(isinstance(name, str) and name.strip() for name in row) for row in rows
    )  # fmt: skip
    if not sound:
        raise In2xError(
            "not a list of fields, each a list of its names", file=path, mend="write - [Poetry, 詩歌, 诗歌]"
        )
    return tuple(tuple(name.strip() for name in row) for row in rows)


_LETTERS = re.compile(r"\w+")


def _words(name: str) -> tuple[str, ...]:
    """The words of a name as they are compared, and its signs."""
    bare = normalise(name).replace("&", " and ")
    return (*(_singular(word) for word in _LETTERS.findall(bare) if word != "the"), *signs(name))


def _singular(word: str) -> str:
    if len(word) < 4 or not word.isascii() or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("xes", "ches", "shes", "sses")) else word[:-1]


def same_name(name: str, own: Names = ()) -> tuple[str, ...] | int:
    """Equal for names that are one label: the number of a known field (`own` ones are known, too), or the words."""
    words = _words(name)
    return _fields(own).get(words, words)


@dataclass
class Taxonomy:
    """Two-level labels: level 1 -> level-2 names in the order they came.

    Attributes:
        tree: the labels.
        merged: names that were taken for a known one, for the report.
        meant: which of the known names a new one means, by more than its words; None where nothing tells.
        own: fields of a recipe's own; they are labels from the beginning, by their first names.
    """

    tree: dict[str, list[str]] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    meant: Callable[[str, Sequence[str]], str | None] | None = None
    own: Names = ()

    def __post_init__(self) -> None:
        """Know the labels of `tree` and `own` by what they are called."""
        for names in self.own:
            self.tree.setdefault(names[0], [])
        self._firsts = {same_name(first, self.own): first for first in reversed(self.tree)}
        self._seconds = {
            (first, same_name(second, self.own)): second
            for first, names in self.tree.items()
            for second in reversed(names)
        }

    def _mean(self, name: str, known: Sequence[str]) -> str:
        return (self.meant and self.meant(name, known)) or name

    def add(self, first: str, second: str) -> Label:
        """The label of this name in the taxonomy: a known one of the same name, or the name itself, now known."""
        first = first.strip() or "Other"
        key = same_name(first, self.own)
        found = self._firsts[key] = self._firsts.get(key) or self._mean(first, list(self.tree))
        if found != first:
            self.merged[first] = found
        second = second.strip() or found
        names = self.tree.setdefault(found, [])
        place = found, same_name(second, self.own)
        topic = self._seconds[place] = self._seconds.get(place) or self._mean(second, names)
        if topic != second:
            self.merged[f"{found} / {second}"] = topic
        elif topic not in names:
            names.append(topic)
        return found, topic


_NUMBER, _TEXT = {"type": "integer"}, {"type": "string"}
# The reason stands before the verdict: servers that keep to a schema write its keys in this order.
LABEL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["number", "about", "field", "topic"],
    "properties": {"number": _NUMBER, "about": _TEXT, "field": _TEXT, "topic": _TEXT},
}
GRADE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["number", "why", "grade"],
    "properties": {"number": _NUMBER, "why": _TEXT, "grade": {"type": "integer", "minimum": 1, "maximum": 5}},
}


def label_with(
    ask_all: AskAll, texts: Sequence[str], langs: Sequence[str], taxonomy: Taxonomy
) -> tuple[list[Label | None], int]:
    """Labels for `texts` in `langs`, None where the model gave none; and how many requests failed.

    `taxonomy` grows, and each round of requests is shown what it was when the round began.
    """
    out: list[Label | None] = []
    failed = size = 0
    while len(out) < len(texts):
        # One request at first, then twice as many each time: the first labels are the ones that the others should meet.
        size = min(ROUND, max(1, 2 * size))
        known = "\n".join(f"{first}: {', '.join(names[:40])}" for first, names in taxonomy.tree.items())
        part = slice(len(out), len(out) + size * BATCH)
        rows, lost = _batches(ask_all, texts[part], langs[part], "label", LABEL, known=known or "-")
        failed += lost
        for row in rows:
            first, second = (row.get("field"), row.get("topic")) if row else (None, None)
            fits = isinstance(first, str) and isinstance(second, str) and first.strip()
            out.append(taxonomy.add(str(first), str(second)) if fits else None)
    return out, failed


def grade_with(ask_all: AskAll, texts: Sequence[str], langs: Sequence[str]) -> tuple[list[int | None], int]:
    """Grades 1..5 for `texts` in `langs`, None where the model gave none (or no grade); how many requests failed."""
    rows, failed = _batches(ask_all, texts, langs, "grade", GRADE)
    grades = [row.get("grade") if row else None for row in rows]
    return [g if isinstance(g, int) and not isinstance(g, bool) and 1 <= g <= 5 else None for g in grades], failed


def _batches(
    ask_all: AskAll, texts: Sequence[str], langs: Sequence[str], name: str, item: dict[str, Any], **more: str
) -> tuple[list[dict[str, Any] | None], int]:
    """Ask the prompt `name` for one object per text, `BATCH` texts of one language a request and in its words; a failed
    or short answer leaves None in its places."""
    key = f"{name}s"
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [key],
        "properties": {key: {"type": "array", "items": item}},
    }
    by_language: dict[str, list[int]] = {}
    for place, lang in enumerate(langs):
        by_language.setdefault(lang, []).append(place)
    parts = [
        (lang, places[start : start + BATCH])
        for lang, places in by_language.items()
        for start in range(0, len(places), BATCH)
    ]

    def prompts() -> Iterator[str]:
        for lang, part in parts:
            yield prompt_of(PROMPTS, name, lang).render(texts=[texts[place][:SHOWN] for place in part], **more)

    out: list[dict[str, Any] | None] = [None] * len(texts)
    failed = 0
    for (_, part), answer in zip(parts, ask_all(prompts(), schema), strict=True):
        rows = answer.get(key) if isinstance(answer, dict) else None
        failed += not isinstance(rows, list)
        for row in rows if isinstance(rows, list) else ():
            number = row.get("number") if isinstance(row, dict) else None
            if isinstance(number, int) and 1 <= number <= len(part):
                out[part[number - 1]] = row
    return out, failed
