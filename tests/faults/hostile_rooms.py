"""A thousand hostile inputs, room by room: which files lie in a folder, and which commands are given there.

A command is one of `in2x`, or `read FILE` (a raw file of the corpus through reader and cleaning), `tiny FOLDER` (lays a
small model there), `serve METHOD PATH TYPE` and `people METHOD PATH TYPE` (one request with the file `body`). MODEL
stands for the address of a scripted model.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import format_files
import markup_files
from hostile_texts import (
    BYTES,
    CANARY,
    JSONS,
    LINES,
    MEBI,
    RAW,
    TEXTS,
    TOUCH,
    VALUES,
    XMLS,
    YAMLS,
    ZIPS,
    drawn,
    spoilt,
    zipped,
)

from in2x.formats.registry import ARCHIVES, READERS

Files = Mapping[str, bytes]
Command = tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """One hostile input."""

    room: str
    label: str
    files: Callable[[], Files]
    commands: tuple[Command, ...]


def inputs() -> list[Input]:
    """All of them, in a fixed order; in a room no two have one label."""
    rooms = (formats, corpus, training_data, recipes, words, models, serve_routes, people_routes, others)
    found: dict[tuple[str, str], Input] = {}
    for new in itertools.chain.from_iterable(room() for room in rooms):
        label = new.label
        for again in itertools.count(2):
            if (new.room, label) not in found:
                break
            label = f"{new.label} ({again})"
        found[new.room, label] = replace(new, label=label)
    return list(found.values())


def one(room: str, label: str, make: Callable[[], Files], *commands: Command) -> Input:
    return Input(room, label, make, commands)


# Documents ------------------------------------------------------------------------------------------------------------

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


# Raw text -------------------------------------------------------------------------------------------------------------


def record(
    kind: str, block: bytes, size: int | str | None = None, type: str = "application/http; msgtype=response"
) -> bytes:
    """One record of a web archive."""
    length = len(block) if size is None else size
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: {type}\r\n"
    return head.encode() + f"Content-Length: {length}\r\n\r\n".encode() + block + b"\r\n\r\n"


def answer(body: bytes, **headers: str) -> bytes:
    """A block of HTTP."""
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\n{told}\r\n".encode() + body


PAGE = b"<html><body><p>The cat sleeps in the garden.</p></body></html>"
WARCS: dict[str, Callable[[], bytes]] = {
    "a length below zero": lambda: record("response", answer(PAGE, Content_Type="text/html"), -5),
    "a length of 4,400 digits": lambda: record("response", answer(PAGE), "9" * 4_400),
    "a length that is no number": lambda: record("response", answer(PAGE), "½"),
    "a length past the end": lambda: record("response", answer(PAGE), 10**9),
    "a length past the limit": lambda: record("response", answer(PAGE), 10**17),
    "a bomb of gzip": lambda: record(
        "response", answer(gzip.compress(bytes(300 * MEBI)), Content_Type="text/html", Content_Encoding="gzip")
    ),
    "gzip that is none": lambda: record("response", answer(b"xx", Content_Type="text/html", Content_Encoding="gzip")),
    "chunks below zero": lambda: record(
        "response", answer(b"-5\r\nabc\r\n0\r\n", Transfer_Encoding="chunked", Content_Type="text/html")
    ),
    "chunks without end": lambda: record(
        "response", answer(b"ffffffffffffffff\r\nabc", Transfer_Encoding="chunked", Content_Type="text/html")
    ),
    "an unknown charset": lambda: record("response", answer(PAGE, Content_Type="text/html; charset=klingon")),
    "a charset that is a codec": lambda: record("response", answer(PAGE, Content_Type="text/html; charset=zlib_codec")),
    "a charset with a NUL": lambda: record("response", answer(PAGE, Content_Type="text/html; charset=utf\0-8")),
    "an open head": lambda: b"WARC/1.0\r\n" + b"A: b\r\n" * 100_000,
    "a long head": lambda: b"WARC/1.0\r\nA: " + b"b" * 5 * MEBI + b"\r\n\r\n",
    "an address that is none": lambda: record("response", answer(PAGE, Content_Type="text/html")).replace(
        b"http://a.example/", b"http://[::1"
    ),
    "nested 100,000 deep": lambda: record("response", answer(b"<div>" * 100_000 + b"cat", Content_Type="text/html")),
    "a million open tags": lambda: record("response", answer(b"<" * 1_000_000, Content_Type="text/html")),
    "no archive": lambda: b"cat\n" * 10_000,
}


def wiki(text: str) -> str:
    """A dump with one article."""
    page = f"<title>A</title><ns>0</ns><id>1</id><revision><text>{text}</text></revision>"
    return f"<mediawiki><page>{page}</page></mediawiki>"


WIKITEXTS: dict[str, Callable[[], str]] = {
    "templates in each other": lambda: "{{a|" * 50_000 + "cat" + "}}" * 50_000,
    "open templates": lambda: "{{" * 100_000,
    "links in each other": lambda: "[[a|" * 50_000 + "]]" * 50_000,
    "open links": lambda: "[[" * 100_000,
    "open tables": lambda: "\n{|\n|-\n|" * 30_000,
    "tables in each other": lambda: "\n{|\n" * 3_000 + "\n|}\n" * 3_000,
    "open references": lambda: escape("<ref>" * 50_000),
    "open comments": lambda: escape("<!--" * 50_000),
    "headings": lambda: "=" * 200_000,
    "quotes": lambda: "'" * 200_000,
    "variants": lambda: "-{" * 50_000 + "}-" * 50_000,
    "references in each other": lambda: escape("<ref name=a>" * 3_000 + "x" + "</ref>" * 3_000),
    "brackets": lambda: "（、" * 100_000 + "、）" * 100_000,
    "addresses": lambda: "[http://a " * 50_000,
    "readings": lambda: escape("<rt>" * 50_000),
}


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def corpus() -> Iterator[Input]:
    chance = random.Random(12)

    def raw(name: str, label: str, make: Callable[[], bytes]) -> Input:
        return one("raw text", f"{name.partition('.')[2]}: {label}", lambda: {name: make()}, ("read", name))

    for label, text in JSONS.items():
        yield raw("a.jsonl", label, lambda t=text: t().encode("utf-8", "surrogatepass") + b"\n")
    for label in chance.sample(list(JSONS), 10):
        yield raw("a.json", label, lambda j=label: JSONS[j]().encode("utf-8", "surrogatepass"))
    for label in chance.sample(list(TEXTS), 36):
        yield raw("a.txt", label, lambda t=label: TEXTS[t]().encode("utf-8", "surrogatepass"))
    for suffix in ("txt", "jsonl", "html", "csv", "json", "xml"):
        for label in chance.sample(list(RAW), 4):
            yield raw(f"a.{suffix}", label, RAW[label])
    for label in chance.sample(list(TEXTS), 14):
        yield raw("a.html", label, lambda t=label: XHTML.format(TEXTS[t]()).encode("utf-8", "surrogatepass"))
    for label in chance.sample(list(XMLS), 10):
        yield raw("a.html", label, lambda x=label: XMLS[x]().replace("{0}", "<p>").replace("{1}", "</p>").encode())
    for label, make in WARCS.items():
        yield raw("a.warc", label, make)
    for label, text in WIKITEXTS.items():
        yield raw("a.xml", label, lambda t=text: wiki(t()).encode())
    for label, text in XMLS.items():
        yield raw(
            "a.xml",
            label,
            lambda t=text: (
                t().replace("{0}", wiki("\0").partition("\0")[0]).replace("{1}", wiki("\0").partition("\0")[2]).encode()
            ),
        )
    for label, body in {
        "an open quote": b'text\n"' + b"a,\n" * 300_000,
        "a million columns": b"text," * 1_000_000,
        "cells without heads": b"text\n" + b"," * 100_000,
        "a NUL": b"text\na\0b\n",
        "no rows": b"text",
        "returns": b"text\ra\rb\r\r",
        "heads twice": b"text,text\na,b\n",
        "a long cell": b"text\n" + b"a" * 10 * MEBI,
    }.items():
        yield raw("a.csv", label, lambda body=body: body)
    for label, make in {
        "a list for a text": lambda: parquet(pa.table({"text": [["a"], None]})),
        "numbers for texts": lambda: parquet(pa.table({"text": [1.5, float("nan")]})),
        "binary for a text": lambda: parquet(pa.table({"text": [b"\xff\xfe", b"\0"]})),
        "no column": lambda: parquet(pa.table({"other": ["a"]})),
        "no rows": lambda: parquet(pa.table({"text": []})),
        "cut": lambda: parquet(pa.table({"text": ["a"] * 1_000}))[:-20],
        "only its mark": lambda: b"PAR1PAR1",
        "a wrong footer": lambda: b"PAR1" + b"\xff" * 40 + b"PAR1",
        "a footer of 4 GB": lambda: b"PAR1" + bytes(8) + b"\xff\xff\xff\x7fPAR1",
        "spoilt": lambda: next(spoilt([parquet(pa.table({"text": ["cat"] * 99}))], 1)),
    }.items():
        yield raw("a.parquet", label, make)
    for label, make in {
        "cut": lambda: gzip.compress(b'{"text": "cat"}\n' * 1_000)[:-9],
        "no gzip": lambda: b"cat\n",
        "a bomb": lambda: gzip.compress(b"a" * 300 * MEBI),
        "a bomb of lines": lambda: gzip.compress(b"\n" * 30 * MEBI),
        "junk behind": lambda: gzip.compress(b'{"text": "cat"}\n') + b"junk" * 10,
    }.items():
        yield raw("a.jsonl.gz", label, make)
    yield raw("a.txt.zst", "no zstd", lambda: b"cat\n")
    yield raw("a.txt.gz", "a bomb", lambda: gzip.compress(b"a" * 300 * MEBI))


# Sentence pairs -------------------------------------------------------------------------------------------------------


def training_data() -> Iterator[Input]:
    recipe = json.dumps(
        {
            "name": "a",
            "languages": {"target": "ja", "hub": "en", "others": []},
            "data": {"train": ["train.jsonl"], "dev": "dev.jsonl", "test": "dev.jsonl"},
        }
    ).encode()
    good = b'{"en": "The cat sleeps.", "ja": "\xe7\x8c\xab\xe3\x81\x8c\xe7\x9c\xa0\xe3\x82\x8b\xe3\x80\x82"}\n'

    held = json.dumps({"en": "Where is the station?", "ja": "駅はどこ。"}).encode()

    def pairs(label: str, make: Callable[[], bytes]) -> Input:
        return one(
            "sentence pairs",
            label,
            lambda: {"r.yaml": recipe, "train.jsonl": make(), "dev.jsonl": held},
            ("data", "r.yaml", "--out", "run"),
        )

    for label, text in JSONS.items():
        yield pairs(label, lambda t=text: good * 3 + t().encode("utf-8", "surrogatepass") + b"\n")
    for label in ("no UTF-8", "UTF-16 of odd length", "a megabyte of zeros", "random bytes", "gzip"):
        yield pairs(label, RAW[label])
    rows = drawn(
        st.fixed_dictionaries(
            {},
            optional={name: VALUES for name in ("en", "ja", "register", "doc_id", "domain", "checks", "translation")},
        ),
        20,
    )
    for number, row in enumerate(rows):
        yield pairs(f"drawn {number}", lambda row=row: good * 3 + json.dumps(row).encode() + b"\n")
    for label in (
        "a million letters",
        "a million Han characters",
        "a NUL",
        "control tokens",
        "a template",
        "bidirectional overrides",
        "100,000 marks on one letter",
    ):
        yield pairs(label, lambda t=label: good + json.dumps({"en": "cat", "ja": TEXTS[t]()}).encode() + b"\n")


# Recipes --------------------------------------------------------------------------------------------------------------


def recipes() -> Iterator[Input]:
    def recipe(label: str, make: Callable[[], bytes], people: bool = False) -> Input:
        command = ("people", "campaign", "r.yaml") if people else ("plan", "r.yaml")
        return one("recipes", f"{'campaign: ' * people}{label}", lambda: {"r.yaml": make()}, command)

    for label, text in YAMLS.items():
        yield recipe(label, lambda t=text: t().encode())
    for label in list(YAMLS)[::2]:
        yield recipe(label, lambda t=label: YAMLS[t]().encode(), people=True)
    for label in RAW:
        yield recipe(label, RAW[label])
    sections = (
        "seed",
        "languages",
        "prompt",
        "data",
        "corpus",
        "base",
        "pretrain",
        "instruct",
        "select",
        "sft",
        "rl",
        "merge",
        "evaluate",
        "report",
        "trackers",
        "launch",
        "unsure",
    )
    rows = drawn(st.dictionaries(st.sampled_from(sections), VALUES, min_size=1, max_size=3), 40)
    for number, row in enumerate(rows):
        yield recipe(f"drawn {number}", lambda row=row: json.dumps(row).encode())


# Words of the user ----------------------------------------------------------------------------------------------------


def words() -> Iterator[Input]:
    texts = {"a.txt": b"The cat sleeps.\nKyle reads.\n", "b.txt": "猫が眠る。\nカイルが読む。\n".encode()}

    def checked(room: str, option: str, name: str, label: str, make: Callable[[], bytes]) -> Input:
        return one(
            room,
            f"{name.partition('.')[2]}: {label}",
            lambda: {**texts, name: make()},
            ("check", "a.txt", "b.txt", "--from", "en", "--to", "ja", option, name, "--json"),
        )

    chance = random.Random(13)
    for label in chance.sample(list(TEXTS), 24):
        yield checked(
            "glossaries",
            "--glossary",
            "g.tsv",
            label,
            lambda t=label: (
                "source\ttarget\n"
                + TEXTS[t]().replace("\n", " ")
                + "\t猫\ncat\t"
                + TEXTS[t]().replace("\n", " ")
                + "\n"
            ).encode("utf-8", "surrogatepass"),
        )
    for label in RAW:
        yield checked("glossaries", "--glossary", "g.tsv", label, RAW[label])
    for label, body in {
        "an open quote": b'"' + b"a,b\n" * 50_000,
        "a long cell": b"a," + b"b" * 200_000 + b"\n",
        "a million commas": b"," * 1_000_000,
    }.items():
        yield checked("glossaries", "--glossary", "g.csv", label, lambda body=body: body)
    for label, text in XMLS.items():
        yield checked(
            "glossaries",
            "--glossary",
            "g.tbx",
            label,
            lambda t=text: t().replace("{0}", "<tbx><text><body>").replace("{1}", "</body></text></tbx>").encode(),
        )
    for number, raw in enumerate(drawn(LINES, 10)):
        yield checked(
            "glossaries",
            "--glossary",
            "g.tsv",
            f"drawn {number}",
            lambda raw=raw: f"cat\t{raw}\n{raw}\tcat\n".encode("utf-8", "surrogatepass"),
        )
    for label, text in YAMLS.items():
        yield checked(
            "characters", "--characters", "c.yaml", label, lambda t=text: t().replace("name: ", "characters: ").encode()
        )
    person = st.dictionaries(
        st.sampled_from(["name", "target", "aliases", "gender", "age", "first person", "voice", "register", "to"]),
        VALUES,
        max_size=4,
    )
    for number, row in enumerate(drawn(st.lists(person, max_size=3), 25)):
        yield checked(
            "characters",
            "--characters",
            "c.yaml",
            f"drawn {number}",
            lambda row=row: json.dumps({"characters": [{"name": "Kyle", **one} for one in row]}).encode(),
        )


# Models ---------------------------------------------------------------------------------------------------------------

TEMPLATES = {
    "reaches for a class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "runs a command": "{{ cycler.__init__.__globals__.os.popen('" + TOUCH + "').read() }}",
    "runs another": "{{ lipsum.__globals__['os'].system('" + TOUCH + "') }}",
    "reaches by a filter": "{{ ()|attr('__class__')|attr('__base__') }}",
    "loops for ever": "{% for a in range(10**12) %}x{% endfor %}",
    "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "multiplies": "{{ 'x' * 10**12 }}",
    "takes a power": "{{ 9 ** 9 ** 9 }}",
    "is no template": "{% for %}{{",
    "calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "raises": "{{ raise_exception('no') }}",
    "is nested deep": "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "says nothing": "",
    "includes a file": "{% include '/etc/passwd' %}",
    "formats": "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
}
CONFIGS = {
    "code of its own": {
        "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"},
        "model_type": "evil",
    },
    "code for a known kind": {"auto_map": {"AutoModelForCausalLM": "evil.Model"}},
    "an unknown kind": {"model_type": "klingon"},
    "no kind": {"model_type": None},
    "layers below zero": {"num_hidden_layers": -1},
    "layers without end": {"num_hidden_layers": 10**6},
    "another width": {"hidden_size": 10**5},
    "a width that is a text": {"hidden_size": "x"},
    "no heads": {"num_attention_heads": 0},
    "another vocabulary": {"vocab_size": 7},
    "NaN": {"rms_norm_eps": float("nan")},
    "no type": {"torch_dtype": "evil"},
}


def models() -> Iterator[Input]:
    """What `files` gives is laid over the small model; a name with `-` before it is taken out, one with `+` updated."""

    def model(label: str, make: Callable[[], Files]) -> Input:
        return one(
            "models",
            label,
            lambda: {"in.txt": b"The cat sleeps.\n", **{f"m/{k}": v for k, v in make().items()}},
            ("tiny", "m"),
            ("translate", "in.txt", "-o", "o.txt", "--model", "m", "--from", "en", "--to", "ja", "--force"),
        )

    evil = f"import os\nos.system({TOUCH!r})\nclass Config: pass\nclass Model: pass\n".encode()
    for label, template in TEMPLATES.items():
        yield model(f"a template that {label}", lambda t=template: {"chat_template.jinja": t.encode()})
    for label, config in CONFIGS.items():
        yield model(f"config: {label}", lambda c=config: {"config.json+": json.dumps(c).encode(), "evil.py": evil})
    for label in ("nested 100,000 deep", "a scalar", "NaN", "an open string", "a NUL", "duplicate keys"):
        for name in ("config.json", "tokenizer.json", "in2x_prompt.json", "generation_config.json"):
            yield model(f"{name}: {label}", lambda n=name, j=label: {n: JSONS[j]().encode()})
    pickled = b"cos\nsystem\n(S'" + TOUCH.encode() + b"'\ntR."
    for label, files in {
        "cut weights": {"model.safetensors": b'\x10\0\0\0\0\0\0\0{"a":{"dtype":'},
        "weights of zeros": {"model.safetensors": bytes(100_000)},
        "a head of 2**63 bytes": {"model.safetensors": b"\xff" * 8 + b"{}"},
        "no weights": {"-model.safetensors": b""},
        "a pickle for weights": {"-model.safetensors": b"", "pytorch_model.bin": pickled},
        "a pickle called safetensors": {"model.safetensors": pickled},
        "a pickle of a module": {"-model.safetensors": b"", "pytorch_model.bin": zipped({"archive/data.pkl": pickled})},
        "no config": {"-config.json": b""},
        "no tokenizer": {"-tokenizer.json": b"", "-tokenizer_config.json": b""},
        "a tokenizer with code": {
            "tokenizer_config.json": json.dumps(
                {"auto_map": {"AutoTokenizer": ["evil.T", None]}, "tokenizer_class": "T"}
            ).encode(),
            "evil.py": evil,
        },
        "an index that leads out": {
            "-model.safetensors": b"",
            "model.safetensors.index.json": json.dumps(
                {"metadata": {}, "weight_map": {"a": "../../../../etc/passwd"}}
            ).encode(),
        },
        "tensors past the end": {
            "model.safetensors": _tensors({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}})
        },
        "a shape that overflows": {
            "model.safetensors": _tensors({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}})
        },
    }.items():
        yield model(label, lambda files=files: files)


def _tensors(head: dict[str, object]) -> bytes:
    raw = json.dumps(head).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(4)


# Routes ---------------------------------------------------------------------------------------------------------------

SERVE = (
    ("v2/translate", {"text": ["The cat."], "target_lang": "JA"}),
    ("v2/write/rephrase", {"text": ["The cat."]}),
    (
        "v3/glossaries",
        {
            "name": "a",
            "dictionaries": [{"source_lang": "en", "target_lang": "ja", "entries": "a\tb", "entries_format": "tsv"}],
        },
    ),
    (
        "v2/glossaries",
        {"name": "a", "source_lang": "en", "target_lang": "ja", "entries": "a\tb", "entries_format": "tsv"},
    ),
    ("translate", {"q": "The cat.", "source": "en", "target": "ja"}),
    ("detect", {"q": "The cat."}),
    ("v1/chat/completions", {"model": "in2x", "messages": [{"role": "user", "content": "Translate to Japanese: cat"}]}),
    ("v1/completions", {"model": "in2x", "prompt": "cat"}),
    ("api/chat", {"model": "in2x", "messages": [{"role": "user", "content": "cat"}]}),
    ("api/generate", {"model": "in2x", "prompt": "cat"}),
)
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")


def bodies(
    good: dict[str, object], chance: random.Random, count: int
) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """(label, type, body) for one route."""
    for label in chance.sample(list(JSONS), count):
        yield label, TYPES[0], lambda j=label: JSONS[j]().encode("utf-8", "surrogatepass")
    for label in chance.sample(list(TEXTS), count):
        name = chance.choice(list(good))
        like = isinstance(good[name], list)
        yield (
            f"{name}: {label}",
            TYPES[0],
            lambda t=label, n=name, like=like: json.dumps({**good, n: [TEXTS[t]()] if like else TEXTS[t]()}).encode(),
        )
    for label in chance.sample(list(RAW), 2):
        yield label, chance.choice(TYPES), RAW[label]
    for number, value in enumerate(drawn(VALUES, count)):
        name = chance.choice(list(good))
        yield f"{name}: drawn {number}", TYPES[0], lambda n=name, v=value: json.dumps({**good, n: v}).encode()


def serve_routes() -> Iterator[Input]:
    chance = random.Random(14)
    for path, good in SERVE:
        for label, kind, make in bodies(good, chance, 4):
            yield one(
                "routes of serve", f"{path}: {label}", lambda m=make: {"body": m()}, ("serve", "POST", path, kind)
            )
    for suffix in ("docx", "srt", "json", "epub", "html", "yaml"):
        for label, raw in (("a bomb", ZIPS["a bomb"]), ("spoilt", lambda s=suffix: next(spoilt(seeds(s), 1)))):
            yield one(
                "routes of serve",
                f"v2/document: {suffix}, {label}",
                lambda s=suffix, raw=raw: {
                    "body": (
                        b'--x\r\nContent-Disposition: form-data; name="target_lang"\r\n\r\nJA\r\n--x\r\n'
                        b"Content-Disposition: form-data; "
                        b'name="file"; filename="../../a.' + s.encode() + b'"\r\n\r\n' + raw() + b"\r\n--x--\r\n"
                    )
                },
                ("serve", "POST", "v2/document", TYPES[2]),
            )
    for path in (
        "v2/glossaries/../../etc/passwd",
        "v2/document/%00",
        "v2/languages?type=%ff",
        "static/../../../etc/passwd",
        "static/%2e%2e/%2e%2e/x",
        "v2/glossaries/" + "a" * 5_000,
        "v2/usage?" + "a=b&" * 5_000,
        "%0d%0aX: y",
    ):
        yield one("routes of serve", f"GET {path[:40]}", dict, ("serve", "GET", path, TYPES[0]))


def people_routes() -> Iterator[Input]:
    chance = random.Random(15)
    event = {
        "id": "x",
        "item": "i-1-a",
        "kind": "score",
        "value": {"candidate": "c-1-a", "score": 3},
        "time": 1,
        "version": 0,
    }
    for label in JSONS:
        yield one(
            "routes of people",
            f"api/events: {label}",
            lambda j=label: {"body": JSONS[j]().encode("utf-8", "surrogatepass")},
            ("people", "POST", "api/events", TYPES[0]),
        )
    for number, value in enumerate(drawn(VALUES, 25)):
        name = chance.choice(list(event))
        yield one(
            "routes of people",
            f"api/events: {name} drawn {number}",
            lambda n=name, v=value: {"body": json.dumps({"tab": "t", "events": [{**event, n: v}]}).encode()},
            ("people", "POST", "api/events", TYPES[0]),
        )
    kinds = ("spans", "rank", "answer", "why", "comment", "time", "flag", "finish", "reveal", "score")
    for number, value in enumerate(
        drawn(
            st.dictionaries(
                st.sampled_from(["candidate", "score", "spans", "ranks", "question", "choice", "text", "seconds"]),
                VALUES,
            ),
            30,
        )
    ):
        kind = kinds[number % len(kinds)]
        yield one(
            "routes of people",
            f"api/events: {kind} {number}",
            lambda k=kind, v=value: {
                "body": json.dumps({"tab": "t", "events": [{**event, "id": f"{k}", "kind": k, "value": v}]}).encode()
            },
            ("people", "POST", "api/events", TYPES[0]),
        )
    for label in chance.sample(list(RAW), 6):
        yield one(
            "routes of people",
            f"api/events: {label}",
            lambda r=label: {"body": RAW[r]()},
            ("people", "POST", "api/events", TYPES[0]),
        )
    for path in (
        "a/../../etc/passwd",
        "a/%00",
        "static/../people.db",
        "static/%2e%2e/people.db",
        "api/practice/%ff",
        "admin/api/x",
        "api/state?" + "a" * 5_000,
        "a/" + "t" * 5_000,
    ):
        yield one("routes of people", f"GET {path[:40]}", dict, ("people", "GET", path, TYPES[0]))


# The rest -------------------------------------------------------------------------------------------------------------


def others() -> Iterator[Input]:
    chance = random.Random(16)
    for label in chance.sample(list(TEXTS), 20):
        for command in (("register", "--lang", "ja"), ("identify",)):
            yield one(
                "lines",
                f"{command[0]}: {label}",
                lambda t=label: {"a.txt": TEXTS[t]().encode("utf-8", "surrogatepass")},
                ("language", command[0], "a.txt", *command[1:], "--json"),
            )
    head = b'{"journal": 1, "of": "in.txt", "from": "en", "to": "ja"}\n'
    for label in chance.sample(list(JSONS), 15):
        yield one(
            "journals",
            label,
            lambda j=label: {
                "in.txt": b"The cat sleeps.\n",
                "out.txt.journal.jsonl": head + JSONS[j]().encode("utf-8", "surrogatepass") + b"\n",
            },
            (
                "translate",
                "in.txt",
                "-o",
                "out.txt",
                "--model",
                "MODEL",
                "--profile",
                "chat",
                "--no-probe",
                "--from",
                "en",
                "--to",
                "ja",
            ),
        )
    for number, raw in enumerate(drawn(BYTES, 8)):
        yield one(
            "journals",
            f"drawn {number}",
            lambda raw=raw: {"in.txt": b"The cat sleeps.\n", "out.txt.journal.jsonl": raw},
            (
                "translate",
                "in.txt",
                "-o",
                "out.txt",
                "--model",
                "MODEL",
                "--profile",
                "chat",
                "--no-probe",
                "--from",
                "en",
                "--to",
                "ja",
            ),
        )
    for label in chance.sample(list(TEXTS), 8):
        yield one(
            "scores",
            label,
            lambda t=label: {"h.txt": TEXTS[t]().encode("utf-8", "surrogatepass"), "r.txt": b"cat\n"},
            ("evaluate", "score", "--hyp", "h.txt", "--ref", "r.txt", "--to", "ja"),
        )
    for label in chance.sample(list(JSONS), 12):
        yield one(
            "scores",
            f"wmt: {label}",
            lambda j=label: {
                "s.jsonl": JSONS[j]().encode("utf-8", "surrogatepass") + b"\n",
                "t.jsonl": JSONS[j]().encode("utf-8", "surrogatepass") + b"\n",
            },
            ("evaluate", "wmt", "s.jsonl", "--test", "t.jsonl", "--pair", "en-ja_JP"),
        )


__all__ = ["CANARY", "Input", "inputs"]
