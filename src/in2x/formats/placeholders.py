"""Which parts of a message are placeholders, and so tags: `%1$d`, `{name}`, `{{name}}`, `<b>`, `$t(key)`.

Read by every format that holds messages of programs. A percent sign behind a digit ("50% sure") begins none, for `% s`
is a conversion in C; where a file says that its messages are C or Python formats, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from in2x.formats.document import Tag, Text

_CONVERSION = r"(?:\d+\$)?[-+#0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|ll|[hlLqjzt])?[diouxXeEfFgGaAcCsSpn@]"
_PRINTF = rf"%%|(?<![\d０-９])%{_CONVERSION}"
_STRICT = r"%[ ]?" + _CONVERSION + r"|%%"
_NAMED = r"%\([\w.]+\)[-+#0 ]*\d*(?:\.\d+)?[a-zA-Z]|%\{[^{}\n]{1,80}\}"
_BETWEEN = rf"%(?!{_CONVERSION}%)[A-Za-z_]\w+%(?!%)"
_BRACES = r"\{\{\{?[^{}\n]{1,120}\}?\}\}|[$#]\{[^{}\n]{1,120}\}|\{(?:[A-Za-z0-9_$@][^{}\n]{0,80})?\}"
_CALLS = r"\$t\([^()\n]{1,120}\)|@:\([\w.-]+\)|@(?:\.\w+)?:[\w-]+(?:\.[\w-]+)*"
_MARKUP = r"</?[A-Za-z0-9][\w:.-]*(?:\s[^<>]*?)?/?>|&nbsp;|<!--.{0,1000}?-->"
_ELEMENT = re.compile(r"<(/?)([A-Za-z0-9][\w:.-]*)[^<>]*?(/?)>", re.DOTALL)
_VOID = {"br", "hr", "img", "input", "wbr", "source", "meta", "link", "area", "col", "embed", "track", "base", "param"}


@cache
def pattern(printf: bool = False, more: str = "") -> re.Pattern[str]:
    """What is a placeholder; `printf` where the file says that it is a format of C, `more` for what a format adds."""
    parts = [
        more,
        _STRICT if printf else "",
        _NAMED,
        "" if printf else _BETWEEN,
        "" if printf else _PRINTF,
        _BRACES,
        _CALLS,
        _MARKUP,
    ]
    return re.compile("|".join(part for part in parts if part), re.DOTALL)


def tagged(message: str, printf: bool = False, more: str = "") -> Text:
    """A message with its placeholders as tags; elements (`<b>`, `</b>`) are paired by their names."""
    spans = [(match.start(), match.end()) for match in pattern(printf, more).finditer(message)]
    return cut(message, spans)


def cut(message: str, spans: Iterable[tuple[int, int]], plain: Callable[[str], str] = str) -> Text:
    """A message with the stretches `spans`, in order, as tags; `plain` undoes the escapes of what is between them."""
    text, raws, done = "", [], 0
    for start, end in spans:
        text += plain(message[done:start])
        raws.append((len(text), message[start:end]))
        done = end
    return Text(text + plain(message[done:]), paired(raws))


def paired(raws: Iterable[tuple[int, str]], element: re.Pattern[str] = _ELEMENT) -> tuple[Tag, ...]:
    """Tags from (place, raw): an element that opens and is closed is a pair, all else stands alone.

    `element` has three groups: "/" of a closing one, the name, "/" of one that is closed in itself.
    """
    tags: list[Tag] = []
    open_ones: list[tuple[str, int]] = []
    number = 0
    for index, (at, raw) in enumerate(raws):
        found = element.fullmatch(raw)
        if found and found[1]:
            depth = next((d for d in range(len(open_ones) - 1, -1, -1) if open_ones[d][0] == found[2]), None)
            if depth is not None:
                opener = tags[open_ones[depth][1]]
                tags[open_ones[depth][1]] = Tag(opener.at, opener.raw, opener.number, "open")
                tags.append(Tag(at, raw, opener.number, "close"))
                del open_ones[depth:]  # what opened inside and was not closed stands alone
                continue
        elif found and not found[3] and found[2].lower() not in _VOID:
            open_ones.append((found[2], index))
        number += 1
        tags.append(Tag(at, raw, number))
    return tuple(tags)
