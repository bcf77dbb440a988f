"""Apple's string catalogs (.xcstrings, JSON): the target language's unit is replaced, or put in as Xcode writes it.

The source of a key is its text in the catalog's source language, else the key. A variation by plural gets the forms
that CLDR knows of the target language; variations by device and substitutions are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from babel.core import Locale, UnknownLocaleError

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
    quoted = writer(draft.source)
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
        _add(draft, name_of, key, source_lang, options, quoted)
    return draft.document(raw)


def _add(draft: Draft, name: str, key: _Key, source_lang: str, options: Options, quoted: Callable[[str], str]) -> None:
    base = ("localizations", source_lang)
    unit = (*base, "stringUnit", "value")
    source = string(draft.source, key.strings[unit]) if unit in key.strings else name
    text = placeholders.tagged(source.strip())
    note = string(draft.source, key.strings[("comment",)]) if ("comment",) in key.strings else ""
    like = Segment(text.text, text.tags, name, "message", "catalog", note=note)
    if key.no:
        draft.skip(name, source, "the catalog says that it is not translated")
    elif (*base, "variations") in key.objects or (*base, "substitutions") in key.objects:
        _vary(draft, key, base, like, options, quoted)
    elif not lettered(text.text):
        draft.skip(name, source, "it has no letter" if not lettered(source) else "it is a placeholder alone")
    else:
        _place(draft, like, source, key, options, quoted)


def _place(draft: Draft, like: Segment, source: str, key: _Key, options: Options, quoted: Callable[[str], str]) -> None:
    """Where the translation goes: into the unit that is there, or a new one."""
    lang = options.target_lang
    base = ("localizations", lang, "stringUnit")
    before, _, after = source.partition(source.strip())

    def put(texts: Sequence[Text]) -> str:
        return quoted(before + flat(texts[0]) + after)

    if (*base, "value") in key.strings:
        value = key.strings[(*base, "value")]
        there = string(draft.source, value)
        state = key.strings.get((*base, "state"))
        is_done = state is None or string(draft.source, state) == "translated"
        done = there.strip() if is_done and not options.redo else ""
        also = [] if state is None or is_done else [(state.start, state.end, '"translated"')]
        now = placeholders.tagged(there.strip()) if there and is_done else None
        draft.join([replace(like, done=done)], value.start, value.end, put, [now], also)
    elif ("localizations", lang) in key.objects:
        draft.skip(like.place, like.text, f"its {lang} is there in variations")
    else:
        _insert(draft, [like], key, lang, lambda texts: _unit(put(texts)))


def _vary(
    draft: Draft, key: _Key, base: tuple[str, str], like: Segment, options: Options, quoted: Callable[[str], str]
) -> None:
    """A variation by plural: a segment for each form of the target language."""
    forms = {path[4]: value for path, value in key.strings.items()
             if path[:4] == (*base, "variations", "plural") and path[5:] == ("stringUnit", "value")}  # fmt: skip
    all_values = [(p, v) for p, v in key.strings.items() if p[:2] == base and p[-1] == "value"]
    there = ("localizations", options.target_lang) in key.objects
    if there or "other" not in forms or len(all_values) != len(forms):
        why = f"its {options.target_lang} is there" if there else "a variation that is not by plural alone"
        for path, value in all_values:
            draft.skip(f"{like.place} ({'.'.join(map(str, path[2:-2]))})", string(draft.source, value), why)
        return
    try:
        tags = Locale.parse(options.target_lang.replace("-", "_")).plural_form.tags
    except (ValueError, UnknownLocaleError):
        raise UsageError(f"no plural rule is known for {options.target_lang!r}") from None
    names = [name for name in ("zero", "one", "two", "few", "many", "other") if name in {*tags, "other"}]
    sources = [string(draft.source, forms.get(name, forms["other"])) for name in names]
    texts = [placeholders.tagged(source.strip()) for source in sources]
    segments = [
        replace(like, text=text.text, tags=text.tags, place=f"{like.place} ({name})")
        for name, text in zip(names, texts, strict=True)
    ]

    def build(new: Sequence[Text]) -> dict[str, Any]:
        units = {}
        for name, source, text in zip(names, sources, new, strict=True):
            before, _, after = source.partition(source.strip())
            if text.text or text.tags:
                units[name] = _unit(quoted(before + flat(text) + after))
        return {"variations": {"plural": units}}

    _insert(draft, segments, key, options.target_lang, build)


def _unit(value: str) -> dict[str, Any]:
    return {"stringUnit": {"state": '"translated"', "value": value}}


def _insert(
    draft: Draft, segments: list[Segment], key: _Key, lang: str, build: Callable[[Sequence[Text]], dict[str, Any]]
) -> None:
    """Put a localization in, first of those that are there, or together with the object that holds them."""
    source, own = draft.source.text, key.objects[()]
    newline, margin = draft.source.newline, _indent(source, own.start) + "  "
    held = key.objects.get(("localizations",), own)
    empty = not source[held.start + 1 : held.end - 1].strip()
    start, end = held.start + 1, held.end - 1 if empty else held.start + 1
    deeper = margin if held is own else margin + "  "

    def put(texts: Sequence[Text]) -> str:
        tree: dict[str, Any] = {lang: build(texts)}
        inner = {"localizations": tree} if held is own else tree
        body = _laid(inner, deeper[:-2], newline)[1:-1]
        return body if empty else body.rstrip() + ","

    draft.join(segments, start, end, put, [None] * len(segments))


def _laid(tree: Mapping[str, Any] | str, margin: str, newline: str) -> str:
    """An object as Xcode lays it out; its leaves are JSON already."""
    if isinstance(tree, str):
        return tree
    rows = (f'{margin}  "{name}" : {_laid(value, margin + "  ", newline)}' for name, value in tree.items())
    return "{" + newline + f",{newline}".join(rows) + newline + margin + "}"


def _indent(text: str, at: int) -> str:
    """The white space that the line of an offset begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]
