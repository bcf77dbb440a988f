"""Documents to try the translator on: subtitles, a book, a page, messages, their glossary and their characters.

They say what the micro-world says, so the demonstration model knows their words. What is written is the same each time.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from in2x.artifact import write_text
from in2x.sample import texts
from in2x.sample.lexicon import grammar, read

SEED = 7
"""Of all that is drawn (our choice)."""
CHAPTERS = ("It's a nice day.", "Where are we going?", "See you again.")
"""Their headings, in sentences of the phrasebook."""
_CONTAINER = (
    '<?xml version="1.0"?>\n<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    "<rootfiles>"
    '<rootfile full-path="book/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>\n'
)
_OPF = (
    '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
    'unique-identifier="id">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:in2x:sample</dc:identifier>'
    "<dc:title>{title}</dc:title><dc:language>en</dc:language>"
    '<meta property="dcterms:modified">2025-01-01T00:00:00Z</meta></metadata><manifest>'
    '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>{items}</manifest>'
    "<spine>{spine}</spine></package>\n"
)
_XHTML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en" lang="en"><head><title>{title}</title></head>\n'
    "<body>\n{body}\n</body></html>\n"
)


def write_files(folder: Path) -> list[Path]:
    """Write the documents into `folder`, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)
    stories = [texts.story("en", rng, scenes=3) for _ in CHAPTERS]
    people = [p for p in grammar().people if p.name and any(p.name[0] in text for text in stories)]
    glossary = "source\ttarget\n" + "".join(f"{p.name[0]}\t{p.name[1]}\n" for p in people if p.name)
    characters = "characters:\n" + "".join(
        f"  - name: {json.dumps(p.name[0])}\n    target: {p.name[1]}\n    register: polite\n" for p in people if p.name
    )
    told = zip(CHAPTERS, stories, strict=True)
    chapters = [f"## {heading}\n\n" + text.replace("\n", "\n\n") for heading, text in told]
    written = {
        "film.srt": _subtitles(read("film")),
        "story.md": "\n\n".join(chapters) + "\n",
        "glossary.tsv": glossary,
        "characters.yaml": characters,
    }
    for name, text in written.items():
        write_text(folder / name, text)
    beside = folder / "story.epub.new"
    beside.write_bytes(_book(stories))
    beside.replace(folder / "story.epub")
    return [*(folder / name for name in written), folder / "story.epub"]


def _subtitles(lines: Sequence[str]) -> str:
    cues, at = [], 1.0
    for number, line in enumerate(lines, 1):
        long = 1.2 + 0.06 * len(line)
        cues.append(f"{number}\n{_stamp(at)} --> {_stamp(at + long)}\n{line}\n")
        at += long + 0.3
    return "\n".join(cues)


def _stamp(seconds: float) -> str:
    whole = round(1000 * seconds)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"


def _book(stories: list[str]) -> bytes:
    title = "Three stories"
    names = [f"chapter{n}.xhtml" for n in range(1, len(stories) + 1)]
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(names)))
    links = "".join(f'<li><a href="{name}">{heading}</a></li>' for name, heading in zip(names, CHAPTERS, strict=True))
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": _CONTAINER,
        "book/book.opf": _OPF.format(title=title, items=items, spine=spine),
        "book/nav.xhtml": _XHTML.format(title=title, body=f'<nav epub:type="toc"><ol>{links}</ol></nav>'),
    }
    for name, heading, story in zip(names, CHAPTERS, stories, strict=True):
        lines = [line for line in story.split("\n") if line]
        body = f"<h1>{heading}</h1>\n" + "\n".join(f"<p>{escape(line)}</p>" for line in lines)
        parts[f"book/{name}"] = _XHTML.format(title=heading, body=body)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, text in parts.items():
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            package.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), text, kind)
    return out.getvalue()
