"""What a prompt of the micro-world asks for: its source sentence, languages, register and form.

Prompts are those of `grammar/tasks.yaml` and those of any prompt profile (`chat/profile.py`) that puts a frame, a colon
and then the source ("Translate into Japanese, polite style: ...", "ja polite: ..."): the frame names the language, by
its code or its name in one of the three, and the register where one is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from in2x.language import language
from in2x.sample.lexicon import LANGUAGES, REGISTERS, read


@dataclass(frozen=True)
class Asked:
    """What a prompt asks for."""

    task: str
    """"translate" | "rewrite"."""
    source: str
    source_lang: str
    lang: str
    register: str | None = None
    form: str | None = None
    """The mood of `grammar/moods.yaml` that the sentence shall be rewritten in."""


_STYLES = r"(?: \(style: (?P<en>[^()]+)\)|（(?P<ja>[^（）]+)で）|（用(?P<zh>[^（）]+)）)?"
"""How `tasks.py` names the register at the end of a prompt."""
_FRAME = re.compile(r"(?P<frame>[^\n:：]{2,80})[:：]\s*(?P<text>\S.*)", re.DOTALL)


@lru_cache(maxsize=1 << 12)
def asked(prompt: str) -> Asked | None:
    """What `prompt` asks for; None where it is no prompt of the micro-world."""
    for pattern, task, form in _patterns():
        if match := pattern.fullmatch(prompt):
            parts = match.groupdict()
            source = parts["text"].strip()
            origin = language_of(source)
            lang = _named(parts.get("to") or "") or origin
            style = parts.get("register") or parts.get("en") or parts.get("ja") or parts.get("zh")
            return Asked(task, source, origin, lang, _register(style or ""), form)
    # What stands before (a system's turn) is no part of the frame.
    framed = _FRAME.search(prompt)
    target = _named(framed["frame"]) if framed else None
    if framed and target:
        source = framed["text"].strip()
        return Asked("translate", source, language_of(source), target, _register(framed["frame"]))
    return None


def language_of(text: str) -> str:
    """The language of a sentence of the micro-world, by its script: Japanese ones hold kana."""
    if re.search(r"[ぁ-ゖァ-ヺ]", text):
        return "ja"
    return "zh" if re.search(r"[一-鿿]", text) else "en"


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str, str | None]]:
    """(pattern, task, form) of every prompt template; the more particular ones first."""
    tasks = read("tasks")
    registers = "|".join(map(re.escape, tasks["registers"].values()))
    found: list[tuple[re.Pattern[str], str, str | None]] = []
    for form, by_lang in tasks["rewrite"].items():
        for template in (template for templates in by_lang.values() for template in templates):
            found.append((_pattern(template, {}), "rewrite", form))
    for template in tasks["register"]["ja"]:
        found.append((_pattern(template, {"register": registers}), "rewrite", None))
    for spoken, templates in tasks["translate"].items():
        names = "|".join(map(re.escape, tasks["languages"][spoken].values()))
        found += [(_pattern(template, {"to": names}, _STYLES), "translate", None) for template in templates]
    return found


def _pattern(template: str, slots: Mapping[str, str], end: str = "") -> re.Pattern[str]:
    pattern = re.escape(template).replace(r"\{text\}", r"(?P<text>.+?)")
    for name, words in slots.items():
        pattern = pattern.replace(rf"\{{{name}\}}", f"(?P<{name}>{words})")
    return re.compile(pattern + end, re.DOTALL)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every name of a language, in lower case, and its code."""
    found = {name.lower(): lang for names in read("tasks")["languages"].values() for lang, name in names.items()}
    return found | {lang: lang for lang in LANGUAGES} | {language(lang).name.lower(): lang for lang in LANGUAGES}


def _named(frame: str) -> str | None:
    """The language that `frame` names last."""
    places = {place: lang for name, lang in _names().items() for place in _places(name, frame.lower())}
    return places[max(places)] if places else None


def _places(name: str, frame: str) -> Iterator[int]:
    edge = r"(?<![a-z]){}(?![a-z])" if name.isascii() else "{}"
    return (match.start() for match in re.finditer(edge.format(re.escape(name)), frame))


def _register(words: str) -> str | None:
    """The register that `words` name, by its name or as `tasks.yaml` calls it."""
    called = register_names()
    return next((name for name in REGISTERS if name in words.lower().split() or called[name] in words), None)


@lru_cache(maxsize=1)
def register_names() -> dict[str, str]:
    """What each register is called in prompts."""
    return dict(read("tasks")["registers"])
