"""Gettext: .po and .pot. The source is `msgid`, the translation goes into `msgstr`.

Plurals get a segment for each form of the target language, whose number and rule CLDR knows (by babel), and the header
says so when one is written. Comments, contexts and places in the code are notes; a fuzzy translation counts as none and
loses its flag when it is written anew; obsolete entries stay. `c-format` and `python-format` placeholders are tags.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel.core import UnknownLocaleError
from babel.messages.plurals import get_plural

from in2x.errors import UsageError
from in2x.formats import placeholders
from in2x.formats.document import Document, Options, Segment, Text
from in2x.formats.spans import BREAK, Decoded, Draft, decoded, flat, lettered

FIELD = re.compile(r"[ \t]*(?P<name>msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)[ \t]*(?=\")")
LITERAL = re.compile(r'[ \t]*"((?:[^"\\\r\n]|\\.)*)"[ \t]*(?=[\r\n]|\Z)')
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
SHORT = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(slots=True)
class Entry:
    """One message: its fields by name with where they stand, and its comments."""

    fields: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Name -> text, offset of the first quote, offset behind the last."""
    starts: dict[str, int] = field(default_factory=dict)
    """Name -> where its keyword begins."""
    flags: list[str] = field(default_factory=list)
    flag_line: tuple[int, int] = (0, 0)
    """The line of flags, its break included."""
    notes: list[str] = field(default_factory=list)


def read(raw: bytes, name: str, options: Options) -> Document:
    """The messages of a .po file.

    Raises:
        In2xError: a line that is none of a .po file, or one message twice.
    """
    declared = re.search(rb'"Content-Type:[^"]*charset=([\w-]+)', raw)
    charset = declared[1].decode() if declared and _known(declared[1].decode()) else ""
    draft = Draft(decoded(raw, name, otherwise=charset))
    found = _entries(draft)
    header = next((entry for entry in found if entry.fields["msgid"][0] == "" and "msgctxt" not in entry.fields), None)
    forms = _Forms(header, options)
    seen = set[tuple[str | None, str]]()
    for entry in found:
        if entry is header:
            draft.skip("header", entry.fields["msgstr"][0] if "msgstr" in entry.fields else "", "the header")
            continue
        key = (entry.fields["msgctxt"][0] if "msgctxt" in entry.fields else None, entry.fields["msgid"][0])
        if key in seen:
            raise draft.source.fault(f"the message {key[1]!r} stands twice", entry.starts["msgid"], "remove one")
        seen.add(key)
        _add(draft, entry, forms, options)
    return draft.document(raw)


def _known(charset: str) -> bool:
    try:
        "".encode(charset)
    except LookupError:
        return False
    return True


def _entries(draft: Draft) -> list[Entry]:
    """The entries of a file that are not obsolete."""
    text, at = draft.source.text, 0
    entries: list[Entry] = []
    entry = Entry()

    def ended() -> None:
        nonlocal entry
        if entry.fields:
            if "msgid" not in entry.fields or not any(name.startswith("msgstr") for name in entry.fields):
                raise draft.source.fault("a message without msgid or msgstr", max(0, at - 1), "complete or remove it")
            entries.append(entry)
        entry = Entry()

    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end].strip()
        if line.startswith("#"):
            if any(name.startswith("msgstr") for name in entry.fields):
                ended()
            if line.startswith("#~"):
                if body := re.search(r'msgid\s+"(.+)"', line):
                    draft.skip(f"line {draft.source.line(at)}", body[1], "an obsolete message")
            elif line.startswith("#,"):
                entry.flags += [flag.strip() for flag in line[2:].split(",")]
                entry.flag_line = (at, end)
            elif not line.startswith("#|") and line[2:].strip():
                entry.notes.append(line[1:].lstrip(".: ").strip())
            at = end
        elif not line:
            ended()
            at = end
        elif match := FIELD.match(text, at):
            if match["name"] in ("msgctxt", "msgid") and any(name.startswith("msgstr") for name in entry.fields):
                ended()
            at = _field(draft, entry, match)
        else:
            raise draft.source.fault(f"{line[:30]!r} is no line of a .po file", at, "quote it, or make it a comment")
    ended()
    return entries


def _line_end(text: str, at: int) -> int:
    match = BREAK.search(text, at)
    return match.end() if match else len(text)


def _field(draft: Draft, entry: Entry, match: re.Match[str]) -> int:
    text, at, parts, first, last = draft.source.text, match.end(), [], match.end(), match.end()
    while literal := LITERAL.match(text, at):
        parts.append(_plain(literal[1]))
        last = literal.start() + len(literal[0].rstrip())
        at = _line_end(text, literal.end())
    if not parts:
        raise draft.source.fault("a quote that is not closed", match.start(), "close it on the same line")
    if match["name"] in entry.fields:
        raise draft.source.fault(f"{match['name']} twice in one message", match.start(), "part them by an empty line")
    entry.fields[match["name"]] = ("".join(parts), first, last)
    entry.starts[match["name"]] = match.start() + len(match[0]) - len(match[0].lstrip())
    return at


def _plain(literal: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] or match[2]:
            return chr(int(match[1], 16) if match[1] else int(match[2], 8))
        return SHORT.get(match[3], match[3])

    return ESCAPE.sub(one, literal)


class _Forms:
    """The plural forms of the translation: how many, for which numbers each, and what the header must say."""

    def __init__(self, header: Entry | None, options: Options) -> None:
        said = header.fields.get("msgstr", ("", 0, 0)) if header else ("", 0, 0)
        has = re.search(r"nplurals\s*=\s*(\d+)\s*;\s*plural\s*=\s*([^;\n]+)", said[0])
        self.count, self.rule = (int(has[1]), has[2].strip()) if has else (0, "")
        if options.target_lang:
            try:
                count, rule = get_plural(options.target_lang.replace("-", "_"))[:2]
            except (ValueError, UnknownLocaleError):
                raise UsageError(f"no plural rule is known for {options.target_lang!r}") from None
            if count != self.count:
                self.count, self.rule = count, rule
        self.also: tuple[tuple[int, int, str], ...] = ()
        line = f"Plural-Forms: nplurals={self.count}; plural={self.rule};"
        if header and self.count and not (has and int(has[1]) == self.count):
            text, first, last = said
            kept = [part for part in text.split("\n") if part and not part.startswith("Plural-Forms")]
            self.also = ((first, last, "\n".join(['""', *(_literal(part + "\n") for part in [*kept, line])])),)
        self.numbers: list[list[int]] = [[] for _ in range(self.count)]
        if self.count:
            rule_of: Callable[[int], Any] = gettext.c2py(self.rule)  # type: ignore[attr-defined]
            for number in range(200):
                form = int(rule_of(number))
                if form < self.count:
                    self.numbers[form].append(number)


def _add(draft: Draft, entry: Entry, forms: _Forms, options: Options) -> None:
    singular = entry.fields["msgid"][0]
    context = entry.fields.get("msgctxt", ("", 0, 0))[0]
    place = f"line {draft.source.line(entry.starts['msgid'])}"
    printf = any(flag.endswith("-format") and not flag.startswith("no-") for flag in entry.flags)
    note = "; ".join([*([context] if context else []), *entry.notes])
    fuzzy = "fuzzy" in entry.flags
    also = [_unflagged(draft.source, entry)] if fuzzy else []
    core = placeholders.tagged(singular.strip(), printf)
    if not lettered(core.text):
        draft.skip(place, singular, "it has no letter" if not lettered(singular) else "it is a placeholder alone")
        return
    if "msgid_plural" not in entry.fields:
        if "msgstr" not in entry.fields:
            raise draft.source.fault("msgstr[0] without a msgid_plural", entry.starts["msgid"], "add it")
        have, first, last = entry.fields["msgstr"]
        done = "" if fuzzy or options.redo else have.strip()
        before, _, after = singular.partition(singular.strip())
        now = placeholders.tagged(have.strip(), printf) if have and not fuzzy else None
        like = Segment(core.text, core.tags, place, "message", context, note=note, done=done)
        newline = draft.source.newline
        draft.join([like], first, last, lambda new: _wrapped(before + flat(new[0]) + after, newline), [now], also)
        return
    _add_plural(draft, entry, forms, options, Segment("", (), place, "message", context, note=note), printf, also)


def _add_plural(
    draft: Draft, entry: Entry, forms: _Forms, options: Options, like: Segment, printf: bool, also: list[Any]
) -> None:
    singular, plural = entry.fields["msgid"][0], entry.fields["msgid_plural"][0]
    have = {name: entry.fields[name][0] for name in entry.fields if name.startswith("msgstr")}
    count = forms.count or len(have)
    redo = options.redo or bool(also) or len(have) != count
    segments, now, shapes = [], list[Text | None](), []
    for form in range(count):
        numbers = forms.numbers[form] if form < len(forms.numbers) else []
        source = singular if numbers == [1] or (not numbers and form == 0 and count > 1) else plural
        core = placeholders.tagged(source.strip(), printf)
        before, _, after = source.partition(source.strip())
        shapes.append((before, after))
        there = have.get(f"msgstr[{form}]", "")
        now.append(placeholders.tagged(there.strip(), printf) if there and len(have) == count and not also else None)
        single = f"for one: {singular.strip()}" if count == 1 else ""
        examples = f"for the numbers {', '.join(map(str, numbers[:4]))}" if numbers and count > 1 else ""
        segments.append(
            Segment(
                core.text,
                core.tags,
                f"{like.place}, form {form + 1} of {count}",
                "message",
                like.group,
                note="; ".join(part for part in (like.note, examples, single) if part),
                done="" if redo else there.strip(),
            )
        )
    names = [name for name in entry.fields if name.startswith("msgstr")]
    start, end = entry.starts[names[0]], entry.fields[names[-1]][2]
    newline = draft.source.newline

    def write(texts: Sequence[Text]) -> str:
        forms_of = (
            f"msgstr[{form}] {_wrapped(before + flat(text) + after if text.text or text.tags else '', newline)}"
            for form, (text, (before, after)) in enumerate(zip(texts, shapes, strict=True))
        )
        return newline.join(forms_of)

    draft.join(segments, start, end, write, now, [*also, *_with_newline(forms.also, newline)])


def _with_newline(edits: Sequence[tuple[int, int, str]], newline: str) -> list[tuple[int, int, str]]:
    return [(start, end, new.replace("\n", newline)) for start, end, new in edits]


def _unflagged(source: Decoded, entry: Entry) -> tuple[int, int, str]:
    """The line of flags without `fuzzy`."""
    start, end = entry.flag_line
    kept = [flag for flag in entry.flags if flag not in ("fuzzy", "")]
    tail = re.search(r"[\r\n]*\Z", source.text[start:end])
    return (start, end, f"#, {', '.join(kept)}{tail[0] if tail else ''}" if kept else "")


def _wrapped(text: str, newline: str) -> str:
    """The literals of a text: one, or one a line under an empty one, as gettext's tools write it."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    return _literal(text) if len(lines) < 2 else newline.join(['""', *map(_literal, lines)])


def _literal(text: str) -> str:
    out = text.replace("\\", r"\\").replace('"', r"\"")
    for letter, mark in SHORT.items():
        out = out.replace(mark, "\\" + letter)
    return f'"{out}"'
