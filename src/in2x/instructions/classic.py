"""Classic language tasks as instructions, through varied templates in three languages (METHOD 2.1).

| task | rows |
|---|---|
| nli | premise, hypothesis (or sentence1, sentence2), label: a word, or 0 entailment, 1 neutral, 2 contradiction |
| paraphrase | sentence1, sentence2, label: 1 or 0 |
| sentiment | text (or sentence, review), label: a word, or 0 negative, 1 positive |
| reading | context, question, answers {text: [...]} (SQuAD and its sisters) |
| summary | text (or article, document), summary (or highlights) |
| choice | question, choice0 ... choice4, label; or question, choices {text, label}, answerKey |
| translation | translation {en: ..., ja: ...}: every direction, asked in the language of the source |

Which of a task's templates a row gets depends on its content alone, so the same row is always asked the same way. The
instruction is in the language of its material. Labels become words of that language, and the verifier knows them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from in2x.language import language
from in2x.language.example import HUB
from in2x.language.identify import language_of
from in2x.principles.case import Case, verifier_of

Row = Mapping[str, Any]
Asked = tuple[str, str, str, dict[str, Any]]
"""Language, prompt, answer, verifier."""

_NLI = ("entailment", "neutral", "contradiction")
_SLOT = re.compile(r"\{(\w+)\}")
_LETTERS = "ABCDEFGH"


@cache
def templates() -> Mapping[str, Any]:
    """The bundled templates by task and language, and the words of labels and languages."""
    text = resources.files(__package__).joinpath("classic_templates.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _fill(task: str, lang: str, key: str, **values: str) -> str:
    options = templates()[task][lang]
    digest = hashlib.blake2b(f"{task} {key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    template: str = options[int.from_bytes(digest, "big") % len(options)]
    # One pass over the template: braces in the material stay what they are.
    return _SLOT.sub(lambda slot: values[slot[1]], template)


def _lang(*texts: str) -> str:
    return language_of("\n".join(texts)) or HUB


def _words(task: str, lang: str) -> dict[str, str]:
    words: dict[str, str] = templates()[task]["labels"][lang]
    return words


def _listed(words: Mapping[str, str], lang: str) -> str:
    opening, closing = language(lang).quotes
    shown = [f"{opening}{word}{closing}" for word in words.values()]
    joint, last = (str(part) for part in templates()["list"][lang])
    return joint.join(shown[:-1]) + last + shown[-1]


def _labelled(task: str, label: str, lang: str, words: Mapping[str, str], key: str, **values: str) -> Asked:
    prompt = _fill(task, lang, key, options=_listed(words, lang), **values)
    return lang, prompt, words[label], {"name": "exact", "value": words[label]}


def _first(row: Row, *names: str) -> str:
    """The first of the fields `names` that `row` has. Raises KeyError where it has none."""
    for name in names:
        if name in row:
            return str(row[name]).strip()
    raise KeyError(names[0])


def _two(row: Row) -> tuple[str, str]:
    names = ("premise", "hypothesis") if "premise" in row else ("sentence1", "sentence2")
    first, second = (str(row[name]).strip() for name in names)
    return first, second


def _nli(row: Row) -> Iterator[Asked]:
    first, second = _two(row)
    label = row["label"]
    if label in (-1, "-"):  # SNLI marks rows without a majority so
        return
    name = _NLI[int(label)] if str(label).isdigit() else str(label).lower()
    lang = _lang(first, second)
    yield _labelled("nli", name, lang, _words("nli", lang), first + second, first=first, second=second)


def _paraphrase(row: Row) -> Iterator[Asked]:
    first, second = _two(row)
    name = {"1": "yes", "0": "no", "paraphrase": "yes"}.get(str(row["label"]).lower(), str(row["label"]).lower())
    lang = _lang(first, second)
    yield _labelled("paraphrase", name, lang, _words("paraphrase", lang), first + second, first=first, second=second)


def _sentiment(row: Row) -> Iterator[Asked]:
    text = _first(row, "text", "sentence", "review")
    name = {"0": "negative", "1": "positive"}.get(str(row["label"]).lower(), str(row["label"]).lower())
    lang = _lang(text)
    words = _words("sentiment", lang)
    # A set with two labels is asked with two: "neutral" is offered only where a row can be that.
    offered = words if name == "neutral" else {k: v for k, v in words.items() if k != "neutral"}
    yield _labelled("sentiment", name, lang, offered, text, text=text)


def _reading(row: Row) -> Iterator[Asked]:
    context, question, given = str(row["context"]).strip(), str(row["question"]).strip(), row["answers"]["text"]
    if not given:  # SQuAD 2 has questions that the text does not answer
        return
    answer = str(given[0]).strip()
    lang = _lang(context)
    prompt = _fill("reading", lang, question, context=context, question=question)
    yield lang, prompt, answer, {"name": "exact", "value": answer}


def _summary(row: Row) -> Iterator[Asked]:
    text, short = _first(row, "article", "document", "text"), _first(row, "highlights", "summary")
    lang = _lang(text)
    yield lang, _fill("summary", lang, text, text=text), short, {}


def _choice(row: Row) -> Iterator[Asked]:
    question = str(row["question"]).strip()
    if "choices" in row:
        texts = [str(text) for text in row["choices"]["text"]]
        right = [str(label) for label in row["choices"]["label"]].index(str(row["answerKey"]))
    else:
        texts = [str(row[f"choice{n}"]) for n in range(8) if f"choice{n}" in row]
        right = int(row["label"])
    options = dict(zip(_LETTERS, texts, strict=False))
    lang = _lang(question)
    shown = "\n".join(f"{letter}. {text}" for letter, text in options.items())
    prompt = _fill("choice", lang, question, question=question, options=shown)
    letter = list(options)[right]
    yield lang, prompt, letter, {"name": "choice", "value": letter, "options": options}


def _translation(row: Row) -> Iterator[Asked]:
    names = templates()["translation"]["names"]
    texts = {lang: str(text).strip() for lang, text in row["translation"].items() if lang in names}
    for source, text in texts.items():
        for to, answer in texts.items():
            if to != source:
                prompt = _fill("translation", source, to + text, text=text, to=names[source][to])
                yield to, prompt, answer, verifier_of(Case(text, source, to))


TASKS: Mapping[str, Callable[[Row], Iterator[Asked]]] = {
    "nli": _nli, "paraphrase": _paraphrase, "sentiment": _sentiment, "reading": _reading, "summary": _summary,
    "choice": _choice, "translation": _translation,
}  # fmt: skip
"""By task: the instructions of one row (none for a row that its set marks as without answer).

Raise KeyError, TypeError, ValueError or IndexError where the row is not of the task's layout.
"""
KEYS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (task, frozenset(keys.split()))
    for task, keys in (
        ("nli", "premise hypothesis label"), ("reading", "context question answers"), ("summary", "article highlights"),
        ("summary", "text summary"), ("summary", "document summary"), ("choice", "question choice0 label"),
        ("choice", "question choices answerKey"), ("translation", "translation"),
    )
)  # fmt: skip
"""Layouts that their keys alone tell. Two sentences and a label may be nli or paraphrase, so those must be named."""
