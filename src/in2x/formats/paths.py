"""Which values of a tree are text: by the paths a user gives, or by how they look.

Paths are JSON paths as far as they choose values: `$.messages[*].text`, `$..title`, `$.a['odd key'][0]`; `*` is any
key or number, `..` any depth. They hold for YAML, too.
"""

from __future__ import annotations

import re

from in2x.errors import UsageError
from in2x.formats.document import Options
from in2x.formats.spans import lettered

Path = tuple[str | int, ...]
STEP = re.compile(
    r"""\.\.\*|\.\.(?P<deep>[^.\[\]]+)|\.?(?P<any>\*)|\.?(?P<name>[^.\[\]*]+)|
    \[(?:(?P<number>\d+)|(?P<star>\*)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]""",
    re.VERBOSE,
)
CODES = re.compile(
    r"(?P<address>(?:[a-z][a-z0-9+.-]*:)?//\S+|(?:mailto|tel|data|file|urn):\S+|www\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<path>[~.]{0,2}(?:/[\w.@%+~-]+)+/?|[A-Za-z]:\\\S+|[\w./-]+\.[a-z][a-z0-9]{1,4})"
    r"|(?P<number>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|#[0-9a-fA-F]{3,8}"
    r"|\d[\d.,:eExXTZ+/-]*[a-zA-Z%]{0,3}|v\d+(?:\.\d+)+\S*)"
    r"|(?P<name>[A-Za-z0-9]*(?:[_$:=/\\][A-Za-z0-9]*)+|[a-z0-9]+(?:[-.][A-Za-z0-9]+)+|[a-z]+[A-Z]\w*|[A-Z0-9]+_[A-Z0-9_]+"
    r"|[a-z]{2}-[A-Z]{2}|[A-Za-z]*\d[A-Za-z0-9]*|[A-Za-z0-9+/]{40,}={0,2})"
)
"""Texts for machines: addresses, paths and file names, numbers and hashes, names of programs."""
KINDS = {"address": "an address", "path": "a path", "number": "a number or a code", "name": "a name of a program"}
MACHINE_KEY = re.compile(
    r"\$?(?:id|uuid|key|type|kind|class|lang|language|locale|ur[il]|href|src|path|file|icon|image|colou?r|format|encoding|"
    r"charset|version|hash|sha|role|code|date|time|timestamp|created|updated|email|slug|ref|schema|model)",
    re.IGNORECASE,
)
"""Last keys of values that are for machines, unless a space shows otherwise (our choice)."""


class Chosen:
    """Which values are text.

    Raises:
        UsageError: a path that cannot be read.
    """

    def __init__(self, options: Options) -> None:
        self.patterns = [_pattern(path) for path in options.paths]

    def why_not(self, path: Path, text: str) -> str:
        """Why a value is not translated ("" if it is)."""
        if not lettered(text):
            return "it has no letter"
        if self.patterns:
            spelled = spell(path)
            return "" if any(pattern.fullmatch(spelled) for pattern in self.patterns) else "no path names it"
        return why_no_text(text, next((step for step in reversed(path) if isinstance(step, str)), ""))


def why_no_text(text: str, key: str) -> str:
    """Why a text looks to be for machines ("" if for people): a single word in their spelling, or under their keys."""
    text = text.strip()
    if any(letter.isspace() or (letter.isalpha() and not letter.isascii()) for letter in text):
        return ""
    match = CODES.fullmatch(text)
    if match and match.lastgroup:
        return f"it looks like {KINDS[match.lastgroup]}"
    return f"the key {key} is for programs" if MACHINE_KEY.fullmatch(key) else ""


def spell(path: Path) -> str:
    """A path in one line, each step behind a NUL, which no key of a file needs."""
    return "".join(f"\0{step}" for step in path)


def shown(path: Path) -> str:
    """A path for people: `menu.items[2].label`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".") or "$"


def _pattern(path: str) -> re.Pattern[str]:
    rest, out = path.strip().removeprefix("$"), ""
    while rest:
        step = STEP.match(rest)
        if not step:
            raise UsageError(f"{path!r} is no path", mend="write it like $.messages[*].text or $..title")
        given = next((value for value in step.groups() if value is not None), "*")
        deep = step[0].startswith("..")
        out += (r"(?:\0[^\0]*)*" if deep else "") + r"\0" + ("[^\\0]*" if given == "*" else re.escape(given))
        rest = rest[step.end() :]
    return re.compile(out, re.DOTALL)
