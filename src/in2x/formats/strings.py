"""Apple's .strings: `"key" = "value";`, UTF-8 or UTF-16; the comment before an entry is its note."""

from __future__ import annotations

import re

from in2x.formats import messages
from in2x.formats.document import Document, Options, Segment
from in2x.formats.spans import Draft, decoded

STRING = r'"(?:[^"\\]|\\.)*+"'
COMMENT = re.compile(r"/\*.*?\*/|//[^\r\n]*", re.DOTALL)
ENTRY = re.compile(
    rf"(?P<key>{STRING}|[\w.$/:-]+)\s*=\s*(?P<value>{STRING})\s*;|(?P<bare>{STRING}|[\w.-]+)\s*;", re.DOTALL
)
ESCAPE = re.compile(r"\\(?:[Uu]([0-9a-fA-F]{4})|([0-7]{1,3})|(.))", re.DOTALL)
SHORT = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def read(raw: bytes, name: str, options: Options) -> Document:
    """The values of a .strings file.

    Raises:
        In2xError: something that is neither entry nor comment, or a key that stands twice.
    """
    draft = Draft(decoded(raw, name))
    text, at, note, seen = draft.source.text, 0, "", set[str]()
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif comment := COMMENT.match(text, at):
            note, at = comment[0].strip("/* \r\n\t"), comment.end()
        elif entry := ENTRY.match(text, at):
            key = _plain(entry["key"] or entry["bare"])
            if key in seen:
                raise draft.source.fault(f"the key {key!r} stands twice", at, "remove one of them")
            seen.add(key)
            if entry["value"]:
                like = Segment("", place=key, kind="message", group="strings", note=note)
                messages.add(draft, _plain(entry["value"]), entry.start("value"), entry.end("value"), like, _quoted)
            else:
                draft.skip(key, key, "a key without a value, which is its own text")
            note, at = "", entry.end()
        else:
            raise draft.source.fault('no entry of the form "key" = "value";', at, "check its quotes and semicolon")
    return draft.document(raw)


def _plain(literal: str) -> str:
    if not literal.startswith('"'):
        return literal
    out = ESCAPE.sub(_unescaped, literal[1:-1])
    return out.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of \Uxxxx are one character


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2]:
        return chr(int(match[2], 8))
    return SHORT.get(match[3], match[3])


def _quoted(new: str) -> str:
    out = new.replace("\\", r"\\").replace('"', r"\"")
    for letter, mark in SHORT.items():
        out = out.replace(mark, "\\" + letter) if letter in "ntr" else out
    return f'"{out}"'
