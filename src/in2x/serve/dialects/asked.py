"""What a chat message asks of a translator: its text without the words around it, and the languages those name.

Clients that talk to chat models put an instruction before the text ("Translate from English to German, keep ...:"). A
translation model must not translate it. It is known by its form alone: one line or sentence at the beginning that says
"translate" and names a language that exists, with the text behind it; or a system message that does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from in2x.language.codes import named

HEAD = 600
"""Characters within which an instruction ends (our choice)."""
_VERB = re.compile(r"\btranslat(?:e|es|ing|ion|or)\b|翻译|翻譯|翻訳|訳し|译为|译成", re.IGNORECASE)
_ENDS = re.compile(r":[ \t]*\n+|：[ \t]*\n*|\n[ \t]*\n|:[ \t]+(?=\S)|:\Z|\n")
"""Where an instruction may end, tried in the order in which they stand."""
_WORDS = r"[\"'`*<\[({]{0,3}([^\W\d_][\w-]*(?:[ ]\(?[^\W\d_][\w-]*){0,2})"
"""Up to three words, of which the first ones may be the name of a language."""
_INTO = re.compile(rf"\b(?:in)?to\s+(?:the\s+)?{_WORDS}", re.IGNORECASE)
_FROM = re.compile(rf"\bfrom\s+(?:the\s+)?{_WORDS}", re.IGNORECASE)
_INTO_EAST = re.compile(r"(?:翻译成|翻譯成|翻译为|翻譯為|译为|译成)\s*(\w{1,8})|(\w{1,12}語)に(?:翻)?訳")
_FROM_EAST = re.compile(r"[从從]\s*(\w{1,8}?)(?:翻|译|譯|到)|(\w{1,12}語)(?:から|を)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A text and the languages that were named beside it."""

    text: str
    source_lang: str | None = None
    target_lang: str | None = None


def languages_in(instruction: str) -> tuple[str | None, str | None]:
    """The languages that an instruction to translate names, from and into; None for what it does not."""
    if not _VERB.search(instruction):
        return None, None
    found = []
    for patterns in ((_FROM, _FROM_EAST), (_INTO, _INTO_EAST)):
        names = (
            next(filter(None, match.groups()), "") for pattern in patterns for match in pattern.finditer(instruction)
        )
        found.append(next((code for name in names if (code := _language(name))), None))
    return found[0], found[1]


def _language(words: str) -> str | None:
    """The language whose name the words begin with, whatever kind of it ("Brazilian Portuguese"), or in a script
    without spaces end or begin with."""
    parts = [part.strip("()") for part in words.split(" ")]
    some = [" ".join(parts[:size]) for size in (3, 2, 1)] + parts[1:2] + [parts[0].split("-")[0]]
    if not parts[0].isascii():
        some += [parts[0][at:] for at in range(1, len(parts[0]) - 1)] + [
            parts[0][:-at] for at in range(1, len(parts[0]) - 1)
        ]
    return next((code for name in some if (code := named(name))), None)


def asked(system: str, message: str) -> Asked:
    """What a message asks, beside the system's instructions."""
    source, target = languages_in(system)
    for end in _ENDS.finditer(message[:HEAD]):
        head, rest = message[: end.start()], message[end.end() :]
        told = languages_in(head)
        if told[1] and (rest.strip() or end.end() == len(message)):
            return Asked(_unquoted(rest), told[0] or source, told[1])
    return Asked(message, source, target)


def _unquoted(text: str) -> str:
    """A text without the fence that some clients put around it."""
    text = text.strip("\n")
    for fence in ('"""', "```", "'''"):
        if text.startswith(fence) and text.rstrip().endswith(fence) and len(text.strip()) > 2 * len(fence):
            return text.strip()[len(fence) : -len(fence)].strip("\n")
    return text
