"""Hostile raw text and sentence pairs: what a corpus is read from."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
from hostile_documents import XHTML
from hostile_input import Input, one
from hostile_texts import (
    JSONS,
    MEBI,
    RAW,
    TEXTS,
    VALUES,
    XMLS,
    drawn,
    spoilt,
)
from hypothesis import strategies as st


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
