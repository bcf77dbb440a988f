"""TMX translation memories: units that lack the target language get a variant in it.

A variant that is there is a translation already; `Options.redo` replaces it.
"""

from __future__ import annotations

from collections.abc import Callable

from in2x.errors import In2xError, UsageError
from in2x.formats.bilingual import Codes, Source, indent, is_language, plain, source, spelt_out, value
from in2x.formats.document import Options, Segment, Text
from in2x.formats.part import Draft, MarkupDocument, Part, Place, Render
from in2x.formats.xml_file import Elements, xml_source

_CODES = Codes(pairs=frozenset(("hi",)), opens={"bpt": ("i",)}, closes={"ept": ("i",)})


def read(raw: bytes, name: str, options: Options) -> MarkupDocument:
    """The units of a memory.

    Raises:
        In2xError: no TMX, or XML that is refused.
        UsageError: no target language is asked for, or no source language known.
    """
    coded = xml_source(raw, name)
    xml = Elements(coded)
    if xml.local(xml.root()) != "tmx":
        raise In2xError(f"its outermost element is {xml.tokens[xml.root()].name}, so it is no TMX", file=name)
    if not options.target_lang:
        raise UsageError("a memory holds several languages", file=name, mend="give the target language")
    header = xml.child(xml.root(), "header")
    general = value(xml, header, "srclang") if header is not None else ""
    draft = Draft()
    places: list[Place] = []
    units = [index for index in sorted(xml.close) if xml.local(index) == "tu"]
    for number, unit in enumerate(units, 1):
        said = options.source_lang or value(xml, unit, "srclang") or general
        if not said or said.lower() == "*all*":
            raise UsageError("it does not say which language is the source", file=name, mend="give the source language")
        _unit(xml, unit, f"unit {value(xml, unit, 'tuid') or number}", said, options, draft, places)
    return MarkupDocument(raw, tuple(draft.segments), tuple(draft.skipped), part=Part(coded, tuple(places)))


def _unit(
    xml: Elements, unit: int, place: str, source_lang: str, options: Options, draft: Draft, places: list[Place]
) -> None:
    variants = [child for child in xml.children(unit) if xml.local(child) == "tuv"]
    children = [(index, value(xml, index, "xml:lang", "lang"), xml.child(index, "seg")) for index in variants]
    segs = [(index, lang, seg) for index, lang, seg in children if seg is not None]
    first = next(((index, seg) for index, lang, seg in segs if is_language(lang, source_lang)), None)
    if first is None:
        for _, lang, seg in segs[:1]:
            draft.skip(place, plain(xml, seg, _CODES), f"it has no {source_lang}; its first language is {lang}")
        return
    found = source(xml, first[1], _CODES, draft, place)
    if found is None:
        return
    target = next((seg for _, lang, seg in segs if is_language(lang, options.target_lang)), None)
    notes = [plain(xml, child, _CODES) for child in xml.children(unit) if xml.local(child) == "note"]
    done = "" if target is None or options.redo else spelt_out(xml, target, _CODES)
    number = draft.add(
        Segment(found.text.text, found.text.tags, place=place, kind="message", note=" ".join(notes), done=done)
    )
    own = xml.tokens[first[0]].name.removesuffix("tuv")
    if target is None:
        end = xml.outer(variants[-1])[1]
        head = f'{indent(xml, first[0])}<{own}tuv xml:lang="{options.target_lang}"><{own}seg>'
        places.append(Place(end, end, number, _written(found, head, f"</{own}seg></{own}tuv>"), None))
    else:
        start, end = xml.outer(target)
        places.append(
            Place(start, end, number, _written(found, f"<{own}seg>", f"</{own}seg>"), Text(done) if done else None)
        )


def _written(found: Source, head: str, foot: str) -> Callable[[Text, Render], str]:
    return lambda text, render: head + found.put(text, render) + foot
