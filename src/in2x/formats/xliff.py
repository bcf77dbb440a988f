"""XLIFF 1.2 and 2.0, 2.1: sources are read, targets are made or replaced, and their state says so.

A unit whose target is a translation already keeps it, unless `Options.redo`. Where a tool has cut a source into
sentences (`seg-source`), its marks are tags, so that the target is cut alike.
"""

from __future__ import annotations

from collections.abc import Callable

from in2x.errors import In2xError
from in2x.formats.bilingual import Codes, Source, check_language, indent, plain, source, spelt_out, value
from in2x.formats.document import Options, Segment, Text
from in2x.formats.markup import attributes
from in2x.formats.part import Draft, MarkupDocument, Part, Place, Render
from in2x.formats.spans import flat
from in2x.formats.xml_file import Elements, xml_source

_CODES_1 = Codes(
    pairs=frozenset(("g", "mrk")),
    opens={"bx": ("rid", "id"), "bpt": ("rid", "id")},
    closes={"ex": ("rid", "id"), "ept": ("rid", "id")},
    kept=lambda name, values: values.get("mtype") == "protected",
)
_CODES_2 = Codes(
    pairs=frozenset(("pc", "mrk")),
    opens={"sc": ("id",), "sm": ("id",)},
    closes={"ec": ("startRef",), "em": ("startRef",)},
    kept=lambda name, values: values.get("translate") == "no",
)
_UNTOUCHED = frozenset(("", "new", "needs-translation", "initial"))
"""States of a target that is none yet; without a state it is one if it differs from the source."""


def read(raw: bytes, name: str, options: Options) -> MarkupDocument:
    """The units of a file.

    Raises:
        In2xError: no XLIFF, or XML that is refused.
        UsageError: the file is about other languages.
    """
    coded = xml_source(raw, name)
    xml = Elements(coded)
    root = xml.root()
    if xml.local(root) != "xliff":
        raise In2xError(f"its outermost element is {xml.tokens[root].name}, so it is no XLIFF", file=name)
    version = value(xml, root, "version")
    if not version.startswith(("1.", "2.")):
        raise In2xError(f"its version is {version or 'missing'}; 1.2, 2.0 and 2.1 are read", file=name)
    reader = _Reader(xml, options, name, version.startswith("2."))
    reader.read(root)
    part = Part(coded, tuple(reader.places), tuple(reader.patches))
    return MarkupDocument(raw, tuple(reader.draft.segments), tuple(reader.draft.skipped), part=part)


class _Reader:
    def __init__(self, xml: Elements, options: Options, name: str, second: bool) -> None:
        self.xml, self.options, self.name, self.second = xml, options, name, second
        self.codes = _CODES_2 if second else _CODES_1
        self.draft = Draft()
        self.places: list[Place] = []
        self.patches: list[tuple[int, int, str]] = []
        self.group = ""

    def read(self, root: int) -> None:
        """Take every unit of the file in order."""
        xml = self.xml
        if self.second:
            self._languages(root, "srcLang", "trgLang")
        kept = [False]
        for index, token in enumerate(xml.tokens):
            local = xml.local(index)
            if local not in ("file", "group", "unit", "trans-unit"):
                continue
            if token.kind == "close":
                kept.pop()
            elif token.kind == "open":
                said = value(xml, index, "translate")
                kept.append(said == "no" or (kept[-1] and said != "yes"))
                if local == "file":
                    self.group = value(xml, index, "original") or value(xml, index, "id")
                    if not self.second:
                        self._languages(index, "source-language", "target-language")
                elif local == "trans-unit":
                    self._unit(index, index, self._note(index), kept[-1])
                elif local == "unit":
                    self._segments(index, kept[-1])

    def _languages(self, index: int, source_name: str, target_name: str) -> None:
        xml = self.xml
        check_language(value(xml, index, source_name), self.options.source_lang, self.name, "source")
        declared = value(xml, index, target_name)
        check_language(declared, self.options.target_lang, self.name, "target")
        if not declared and self.options.target_lang:
            end = xml.tokens[index].end - 1
            self.patches.append((end, end, f' {target_name}="{self.options.target_lang}"'))

    def _note(self, index: int) -> str:
        xml = self.xml
        notes = xml.child(index, "notes")
        where = [child for child in xml.children(index if notes is None else notes) if xml.local(child) == "note"]
        return " ".join(" ".join(plain(xml, note, self.codes).split()) for note in where)

    def _segments(self, index: int, kept: bool) -> None:
        xml = self.xml
        note = self._note(index)
        for child in xml.children(index):
            if xml.local(child) == "segment":
                self._unit(index, child, note, kept)
            elif xml.local(child) == "ignorable" and (inner := xml.child(child, "source")) is not None:
                self.draft.skip(f"unit {value(xml, index, 'id')}", plain(xml, inner, self.codes), "marked as ignorable")

    def _unit(self, unit: int, index: int, note: str, kept: bool) -> None:
        """A unit of version 1, or a segment of a unit of version 2."""
        xml = self.xml
        name = value(xml, unit, "resname", "name") or value(xml, unit, "id")
        place = f"unit {name}" + (f", segment {value(xml, index, 'id')}" if index != unit else "").removesuffix(
            ", segment "
        )
        first = xml.child(index, "source")
        if first is None:
            raise In2xError(f"{place} has no source", file=self.name, line=xml.source.line(xml.tokens[index].start))
        cut = xml.child(index, "seg-source")
        here = first if cut is None else cut
        if kept:
            self.draft.skip(place, plain(xml, here, self.codes), 'translate="no"')
            return
        found = source(xml, here, self.codes, self.draft, place)
        if found is None:
            return
        target = xml.child(index, "target")
        done = "" if target is None or self.options.redo else self._done(index, target, flat(found.text))
        segment = Segment(
            found.text.text, found.text.tags, place=place, kind="message", group=self.group, note=note, done=done
        )
        number = self.draft.add(segment)
        now = Text(done) if done else None
        tag = xml.tokens[first].name.removesuffix("source") + "target"
        if target is None:
            end = xml.outer(here)[1]
            put = self._target(found, f"{indent(xml, first)}<{tag}{'' if self.second else _STATE}>", f"</{tag}>")
            self.places.append(Place(end, end, number, put, None))
        else:
            start, end = xml.outer(target)
            put = self._target(found, f"<{tag}{self._attributes(target)}>", f"</{tag}>")
            self.places.append(Place(start, end, number, put, now))
        if self.second:
            self._state(index, number, now)

    def _done(self, index: int, target: int, text: str) -> str:
        there = spelt_out(self.xml, target, self.codes)
        state = value(self.xml, index if self.second else target, "state")
        return "" if state in _UNTOUCHED and (state or there == text) else there

    def _target(self, found: Source, head: str, foot: str) -> Callable[[Text, Render], str]:
        return lambda text, render: head + found.put(text, render) + foot

    def _attributes(self, target: int) -> str:
        """Those of a target of version 1 with its new state; those of version 2 as they are."""
        token = self.xml.tokens[target]
        raw = self.xml.text[token.start + 1 + len(token.name) : token.end - 1].rstrip("/").rstrip()
        if self.second:
            return raw
        state = attributes(self.xml.text, token).get("state")
        if state is None:
            return raw + _STATE
        first = token.start + 1 + len(token.name)
        return raw[: state.start - first] + "translated" + raw[state.end - first :]

    def _state(self, index: int, number: int, now: Text | None) -> None:
        """A segment of version 2 says that it is translated."""
        token = self.xml.tokens[index]
        state = attributes(self.xml.text, token).get("state")
        start, end = (state.start, state.end) if state else (token.end - 1, token.end - 1)
        new = "translated" if state else _STATE
        self.places.append(Place(start, end, number, lambda text, render: new, now))


_STATE = ' state="translated"'
