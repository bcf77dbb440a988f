"""Glossaries in TBX (ISO 30042, versions 2 and 3): terms of two languages that stand in one entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from in2x.errors import In2xError
from in2x.language.codes import canonical

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ENTRIES = frozenset({"termEntry", "conceptEntry"})
_SIDES = frozenset({"langSet", "langSec"})
_BARRED = ("deprecated", "superseded", "forbidden", "notrecommended", "obsolete")
Row = tuple[str, str, tuple[str, ...], str, str, bool, int]
"""As the fields of a term: source, target, forbidden, note, part of speech, case, line."""


def read_tbx(raw: bytes, file: Path, source_lang: str, target_lang: str) -> Iterator[Row]:
    """The entries that have a term in both languages; several terms of the target are variants.

    Raises:
        In2xError: no XML, or one that defines entities of its own.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise In2xError(
            f"not XML ({getattr(error, 'msg', error)})", file=file, line=line, mend="give a TBX file"
        ) from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise In2xError("the file defines entities of its own, which are not read", file=file, mend="save it without")
    for entry in root.iter():
        if _name(entry) not in _ENTRIES:
            continue
        sources, _ = _terms(entry, source_lang)
        targets, barred = _terms(entry, target_lang)
        note = next((str(n.text or "").strip() for n in entry.iter() if _name(n) in ("note", "descrip")), "")
        part = next((str(n.text or "") for n in entry.iter() if n.get("type") == "partOfSpeech"), "")
        if targets or barred:
            for source in sources:
                yield source, "|".join(targets), tuple(barred), note, part, False, int(entry.sourceline or 0)


def _name(node: Any) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _terms(entry: Any, lang: str) -> tuple[list[str], list[str]]:
    """(accepted, forbidden) terms of one language in an entry; a region more or less does not matter."""
    accepted: list[str] = []
    barred: list[str] = []
    for side in entry.iter():
        if _name(side) not in _SIDES or not _same(str(side.get(_LANG) or side.get("lang") or ""), lang):
            continue
        for node in side.iter():
            if _name(node) != "term":
                continue
            text = "".join(node.itertext()).strip()
            group = node.getparent()
            status = [str(n.text or "").lower() for n in group.iter() if n.get("type") == "administrativeStatus"]
            (barred if any(word in one for one in status for word in _BARRED) else accepted).append(text)
    return [text for text in accepted if text], [text for text in barred if text]


def _same(one: str, other: str) -> bool:
    try:
        return canonical(one).split("-")[0] == other.split("-")[0] if one else False
    except In2xError:
        return False
