"""Dumps of a wiki (MediaWiki's XML export, as Wikipedia publishes it): the articles, as plain text.

Pages of other namespaces and redirects are no articles and are passed over. An article has `WIKI:PAGE` as id (jawiki:5)
and its wiki as source; the names of the namespaces are read from the dump, so any language will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from in2x.corpus.readers import LEFT_OUT, Row
from in2x.corpus.readers.wikitext import plain_text

_FILE, _CATEGORY = ("6", "-2"), ("14",)
_WIKITEXT = (None, "", "wikitext")


def wiki(stream: Any, longest: int, ruby: str = "drop") -> Iterator[Row]:
    """Articles of a dump.

    Args:
        stream: bytes, decompressed.
        longest: bytes; a longer article is a fault.
        ruby: "keep" leaves readings in brackets.

    Raises:
        EOFError: the dump ends inside a page, or is no XML from there on.
    """
    name, unseen = "wiki", {"file", "image", "category", "media"}
    number = 0
    parser = etree.iterparse(
        stream, events=("end",), tag=("{*}siteinfo", "{*}page"), resolve_entities=False, no_network=True,
        load_dtd=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        for _, element in parser:
            if element.tag.endswith("siteinfo"):
                name = element.findtext("{*}dbname") or name
                for space in element.iterfind("{*}namespaces/{*}namespace"):
                    if space.get("key") in _FILE + _CATEGORY and space.text:
                        unseen.add(space.text.lower())
                continue
            number += 1
            row = _article(element, name, frozenset(unseen), longest, ruby)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
            if row is not None:
                yield number, row
    except etree.XMLSyntaxError as error:
        raise EOFError(f"no XML behind page {number}: {error.msg}") from None


def _article(page: Any, name: str, unseen: frozenset[str], longest: int, ruby: str) -> dict[str, Any] | str | None:
    if page.findtext("{*}ns") not in (None, "0") or page.find("{*}redirect") is not None:
        return None
    revision = page.find("{*}revision")
    source = revision.findtext("{*}text") if revision is not None else None
    if not source:
        return f"{LEFT_OUT}an article without text"
    if revision.findtext("{*}model") not in _WIKITEXT:
        return f"{LEFT_OUT}a page that is no wikitext"
    if len(source) > longest:
        return f"longer than {longest:,} bytes"
    text = plain_text(source, unseen, ruby)
    if not text:
        return f"{LEFT_OUT}an article without text"
    return {"id": f"{name}:{page.findtext('{*}id')}", "source": name, "text": text}
