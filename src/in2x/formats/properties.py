"""Java's .properties: `key = value`, values over several lines, `\\uXXXX`; UTF-8 or Latin-1.

A file of ASCII alone gets new letters as `\\uXXXX`, which every Java reads. In a message that doubles its apostrophes,
or has `{0}` and no apostrophe, new ones are doubled, for MessageFormat takes a single one for a quote.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from in2x.formats import messages
from in2x.formats.document import Document, Options, Segment
from in2x.formats.spans import Decoded, Draft, decoded

LINE = re.compile(
    r"[ \t\f]*(?:(?P<comment>[#!][^\r\n]*)"
    r"|(?P<key>(?:[^\\\s=:]|\\(?:\r\n|.))+)(?:[ \t\f]*[=:][ \t\f]*|[ \t\f]+)?(?:\\(?:\r\n|\r|\n)[ \t\f]*)*"
    r"(?P<value>(?:[^\\\r\n]|\\(?:\r\n|.))*+)|(?P<value_only>[=:][^\r\n]*))?(?P<end>\r\n|\r|\n|\\?\Z)",
    re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:(?:\r\n|\r|\n)[ \t\f]*|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
SHORT = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


def read(raw: bytes, name: str, options: Options) -> Document:
    """The values of a .properties file.

    Raises:
        In2xError: a key that stands twice, or an escape that is none.
    """
    draft = Draft(decoded(raw, name, otherwise="latin-1"))
    source, at, note, seen = draft.source, 0, [], set[str]()
    while at < len(source.text):
        entry = LINE.match(source.text, at)
        if not entry:
            raise source.fault("no entry of the form key = value", at, "check its backslashes")
        at = entry.end()
        if entry["comment"]:
            note.append(entry["comment"].lstrip("#! "))
            continue
        if entry["key"]:
            key, value = _plain(source, entry, "key"), _plain(source, entry, "value")
            if key in seen:
                raise source.fault(f"the key {key!r} stands twice", entry.start("key"), "remove one of them")
            seen.add(key)
            if value.strip():
                doubled = "''" in value or ("'" not in value and re.search(r"\{\d", value) is not None)
                like = Segment("", place=key, kind="message", group="properties", note=" ".join(note))
                shown = value.replace("''", "'") if doubled else value
                put = _writer(source, doubled)
                messages.add(draft, shown, entry.start("value"), entry.end("value"), like, put)
        note = []
    return draft.document(raw)


def _plain(source: Decoded, entry: re.Match[str], part: str) -> str:
    literal = entry[part]
    if bad := re.search(r"(?<!\\)(?:\\\\)*\\u(?![0-9a-fA-F]{4})", literal):
        raise source.fault("an escape \\u without four digits", entry.start(part) + bad.start(), "complete it")
    out = ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else SHORT.get(match[2], match[2] or ""), literal)
    return out.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _writer(source: Decoded, doubled: bool) -> Callable[[str], str]:
    safe = "ascii" if source.text.isascii() else source.encoding

    def letter(match: re.Match[str]) -> str:
        one = match[0]
        try:
            one.encode(safe)
            return one
        except UnicodeEncodeError:
            units = one.encode("utf-16-be", "surrogatepass")
            return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

    def put(new: str) -> str:
        out = (new.replace("'", "''") if doubled else new).replace("\\", r"\\")
        for short, mark in SHORT.items():
            out = out.replace(mark, "\\" + short)
        out = "\\" + out if out.startswith(" ") else out
        return re.sub(r"[^\x00-\x7f]", letter, out)

    return put
