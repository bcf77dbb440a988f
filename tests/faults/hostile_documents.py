"""Hostile documents of every format that is translated."""

from __future__ import annotations

import io
import json
import random
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import format_files
import markup_files
from hostile_input import Input, one
from hostile_texts import (
    JSONS,
    RAW,
    TEXTS,
    XMLS,
    YAMLS,
    ZIPS,
    spoilt,
)

from in2x.formats.registry import ARCHIVES, READERS

SEEDS = {**format_files.GENERATORS, **markup_files.GENERATORS}
ALIKE = {"markdown": "md", "htm": "html", "xhtml": "html", "yml": "yaml", "pot": "po", "ssa": "ass"}
XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><p>{0}</p></body></html>'
FRAMES: dict[str, Callable[[str], str]] = {
    "txt": str,
    "md": lambda text: f"# A cat\n\n{text}\n",
    "html": lambda text: XHTML.format(text),
    "json": lambda text: json.dumps({"menu": {"open": text}}),
    "jsonl": lambda text: json.dumps({"id": 1, "text": text}) + "\n",
    "xcstrings": lambda text: json.dumps({"sourceLanguage": "en", "version": "1.0", "strings": {text[:99_999]: {}}}),
    "yaml": lambda text: f"a: {json.dumps(text)}\n",
    "csv": lambda text: 'id,text\n1,"' + text.replace('"', '""') + '"\n',
    "tsv": lambda text: "id\ttext\n1\t" + text.replace("\n", " ") + "\n",
    "po": lambda text: 'msgid ""\nmsgstr ""\n\nmsgid ' + json.dumps(text, ensure_ascii=False) + '\nmsgstr ""\n',
    "xlf": lambda text: (
        '<xliff version="1.2"><file source-language="en" target-language="ja" original="a" datatype="x">'
        f'<body><trans-unit id="1"><source>{escape(text)}</source></trans-unit></body></file></xliff>'
    ),
    "tmx": lambda text: (
        '<tmx version="1.4"><header srclang="en"/><body><tu><tuv xml:lang="en"><seg>'
        f"{escape(text)}</seg></tuv></tu></body></tmx>"
    ),
    "srt": lambda text: f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n\n",
    "vtt": lambda text: f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n\n",
    "ass": lambda text: (
        "[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,D,," + text.replace("\n", r"\N") + "\n"
    ),
    "xml": lambda text: f'<resources><string name="a">{escape(text)}</string></resources>',
    "strings": lambda text: f'"a" = {json.dumps(text, ensure_ascii=False)};\n',
    "properties": lambda text: "a = " + text.replace("\\", "\\\\").replace("\n", "\\n") + "\n",
    "ftl": lambda text: "a = " + text.replace("\n", "\n    ") + "\n",
    "rpy": lambda text: f"label start:\n    e {json.dumps(text, ensure_ascii=False)}\n",
}
FRAMES["xliff"] = FRAMES["xlf"]
RUN = re.compile(r"(<(?:w:t|a:t|t)(?: [^>]*)?>)[^<]*(</(?:w:t|a:t|t)>)")
BODY = re.compile(r"(<body[^>]*>)")


def seeds(suffix: str, count: int = 4) -> list[bytes]:
    """Right files of a format."""
    make = SEEDS[ALIKE.get(suffix, suffix)]
    return [make(random.Random(n)) for n in range(count)]


def packaged(suffix: str, text: str, raw: bool = False) -> bytes:
    """A right package with a text of ours (escaped, or `raw` XML) in its first runs or at the head of its pages."""
    shown = (
        text if raw else escape("".join(c for c in text if c in "\t\n\r" or 32 <= ord(c) < 0xD800 or ord(c) > 0xDFFF))
    )
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(seeds(suffix, 1)[0])) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            part = old.read(entry)
            if entry.filename.endswith((".xml", ".xhtml", ".html")):
                page = part.decode("utf-8", "replace")
                page = RUN.sub(lambda m: m[1] + shown + m[2], page, count=1)
                page = BODY.sub(lambda m: f"{m[1]}<p>{shown}</p>", page, count=1)
                part = page.encode("utf-8", "surrogatepass")
            new.writestr(entry.filename, part)
    return out.getvalue()


def framed(suffix: str, text: str) -> bytes:
    """A file of a format with the text in it."""
    suffix = ALIKE.get(suffix, suffix)
    if f".{suffix}" in ARCHIVES:
        return packaged(suffix, text)
    return FRAMES[suffix](text).encode("utf-8", "surrogatepass")


def formats() -> Iterator[Input]:
    chance = random.Random(11)
    names = sorted(suffix[1:] for suffix in READERS)

    def document(suffix: str, label: str, make: Callable[[], bytes], back: bool = False) -> Input:
        source, target = ("ja", "en") if back else ("en", "ja")
        file = f"in.{suffix}"
        way = ("--from", source, "--to", target)
        return one(
            "documents",
            f"{suffix}: {label}",
            lambda: {file: make()},
            (
                "translate",
                file,
                "-o",
                f"out.{suffix}",
                "--model",
                "MODEL",
                "--profile",
                "chat",
                "--no-probe",
                "--context",
                "2",
                "--checks",
                "mark",
                *way,
            ),
            ("terms", file, *way),
        )

    for label, text in TEXTS.items():
        for back in (False, True):
            yield document("txt", f"{label}{', from Japanese' * back}", lambda t=text: framed("txt", t()), back)
    for suffix in names:
        for label in chance.sample(list(TEXTS), 5):
            yield document(suffix, label, lambda s=suffix, t=label: framed(s, TEXTS[t]()), chance.random() < 0.5)
        for label in list(RAW) if suffix == "txt" else chance.sample(list(RAW), 3):
            yield document(suffix, label, RAW[label])
        for number, raw in enumerate(spoilt(seeds(suffix), 3)):
            yield document(suffix, f"spoilt {number}", lambda raw=raw: raw)
    for suffix, few in (("json", 99), ("jsonl", 5), ("xcstrings", 5)):
        for label in list(JSONS) if few > len(JSONS) else chance.sample(list(JSONS), few):
            yield document(suffix, label, lambda j=label: JSONS[j]().encode("utf-8", "surrogatepass"))
    for label, text in YAMLS.items():
        yield document("yaml", label, lambda t=text: t().encode())
    for suffix, few in (("xlf", 99), ("xml", 8), ("tmx", 6), ("html", 8), ("xhtml", 4)):
        head, _, tail = FRAMES[suffix if suffix != "xhtml" else "html"]("\0").partition("\0")
        for label in list(XMLS) if few > len(XMLS) else chance.sample(list(XMLS), few):
            yield document(
                suffix, label, lambda x=label, h=head, t=tail: XMLS[x]().replace("{0}", h).replace("{1}", t).encode()
            )
    for suffix in ("docx", "epub", "pptx", "xlsx"):
        for label in list(ZIPS) if suffix == "docx" else chance.sample(list(ZIPS), 4):
            yield document(suffix, label, ZIPS[label])
        for label in chance.sample(list(XMLS), 4):
            yield document(
                suffix,
                f"a part with {label}",
                lambda x=label, s=suffix: packaged(s, XMLS[x]().replace("{0}", "").replace("{1}", ""), raw=True),
            )
