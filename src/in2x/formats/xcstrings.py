"""Apple's string catalogs (.xcstrings, JSON): the target language's unit is replaced, or put in as Xcode writes it.

The source of a key is its text in the catalog's source language, else the key. Variations by plural and device are
listed as skipped: their forms are a matter of the target language's own, which Xcode asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from in2x.errors import UsageError
from in2x.formats import placeholders
from in2x.formats.document import Document, Options, Segment, Text
from in2x.formats.json_tokens import Value, string, values, writer
from in2x.formats.paths import Path
from in2x.formats.spans import Draft, decoded, flat, lettered


@dataclass(slots=True)
class _Key:
    strings: dict[Path, Value] = field(default_factory=dict)
    """Path below the key -> a string."""
    objects: dict[Path, Value] = field(default_factory=dict)
    """Path below the key -> an object; () is the key's own."""
    no: bool = False
    """`"shouldTranslate": false`."""


def read(raw: bytes, name: str, options: Options) -> Document:
    """The keys of a catalog.

    Raises:
        UsageError: no target language is given, without which no unit can be chosen.
        In2xError: it is no catalog.
    """
    if not options.target_lang:
        raise UsageError("a string catalog holds many languages", file=name, mend="say which one is translated into")
    draft = Draft(decoded(raw, name))
    keys: dict[str, _Key] = {}
    source_lang = ""
    for value in values(draft.source):
        path = value.path
        if path == ("sourceLanguage",) and value.kind == "string":
            source_lang = string(draft.source, value)
        elif len(path) >= 2 and path[0] == "strings":
            key = keys.setdefault(str(path[1]), _Key())
            if value.kind == "string":
                key.strings[path[2:]] = value
            elif value.kind == "object":
                key.objects[path[2:]] = value
            elif path[2:] == ("shouldTranslate",):
                key.no = draft.source.text[value.start : value.end] == "false"
    if not source_lang:
        raise draft.source.fault("no sourceLanguage, so it is no string catalog", 0, "give a file that Xcode wrote")
    for name_of, key in keys.items():
        _add(draft, name_of, key, source_lang, options)
    return draft.document(raw)


def _add(draft: Draft, name: str, key: _Key, source_lang: str, options: Options) -> None:
    unit = ("localizations", source_lang, "stringUnit", "value")
    varied = ("localizations", source_lang, "variations") in key.objects
    source = string(draft.source, key.strings[unit]) if unit in key.strings else name
    text = placeholders.tagged(source.strip())
    if key.no:
        draft.skip(name, source, "the catalog says that it is not translated")
    elif varied:
        for path, value in key.strings.items():
            if path[:3] == ("localizations", source_lang, "variations") and path[-1] == "value":
                draft.skip(f"{name} ({'.'.join(map(str, path[3:-2]))})", string(draft.source, value), "a variation")
    elif not lettered(text.text):
        draft.skip(name, source, "it has no letter" if not lettered(source) else "it is a placeholder alone")
    else:
        note = string(draft.source, key.strings[("comment",)]) if ("comment",) in key.strings else ""
        before, _, after = source.partition(source.strip())
        segment = Segment(text.text, text.tags, name, "message", "catalog", note=note)
        _place(draft, segment, key, options, lambda new: before + flat(new) + after)


def _place(draft: Draft, segment: Segment, key: _Key, options: Options, put: Callable[[Text], str]) -> None:
    """Where the translation goes: into the unit that is there, or a new one."""
    lang, quoted, newline = options.target_lang, writer(draft.source), draft.source.newline
    base = ("localizations", lang, "stringUnit")
    own = key.objects[()]
    indent = _indent(draft.source.text, own.start)

    def unit(depth: int, new: str) -> str:
        step = newline + indent + "  " * depth
        inner = f'{step}    "state" : "translated",{step}    "value" : {new}'
        return f'"{lang}" : {{{step}  "stringUnit" : {{{inner}{step}  }}{step}}}'

    if (*base, "value") in key.strings:
        value = key.strings[(*base, "value")]
        there = string(draft.source, value)
        now = placeholders.tagged(there.strip())
        state = key.strings.get((*base, "state"))
        is_done = state is None or string(draft.source, state) == "translated"
        done = there.strip() if is_done and not options.redo else ""
        also = [] if state is None or is_done else [(state.start, state.end, '"translated"')]
        kept = Segment(
            segment.text, segment.tags, segment.place, segment.kind, segment.group, note=segment.note, done=done
        )
        draft.join([kept], value.start, value.end, lambda texts: quoted(put(texts[0])), [now if there else None], also)
    elif ("localizations", lang) in key.objects:
        draft.skip(segment.place, segment.text, f"its {lang} is there in variations")
    elif ("localizations",) in key.objects:
        at = key.objects[("localizations",)].start + 1
        comma = "" if draft.source.text[at:].lstrip()[:1] == "}" else ","
        start = newline + indent + "    "
        tail = "" if comma else newline + indent + "  "
        draft.join([segment], at, at, lambda texts: start + unit(2, quoted(put(texts[0]))) + comma + tail, [None])
    else:
        empty = not draft.source.text[own.start + 1 : own.end - 1].strip()
        at, end = own.start + 1, own.end - 1 if empty else own.start + 1
        start = f'{newline}{indent}  "localizations" : {{{newline}{indent}    '
        close = newline + indent + "  }" + (newline + indent if empty else ",")
        draft.join([segment], at, end, lambda texts: start + unit(2, quoted(put(texts[0]))) + close, [None])


def _indent(text: str, at: int) -> str:
    """The white space that the line of an offset begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]
