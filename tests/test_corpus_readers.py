"""The readers of tables, arrays, web pages, web archives and dumps of a wiki."""

# ruff: noqa: E501  # tables of rows

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from in2x.corpus.config import CorpusConfig
from in2x.corpus.kinds import kind, left_out
from in2x.corpus.read import Limits, find_files, plan, read_split
from in2x.corpus.readers import LEFT_OUT
from in2x.corpus.readers.array import array
from in2x.corpus.readers.page import page_text
from in2x.corpus.readers.wikitext import plain_text
from in2x.knob import Config

TEXTS = ["港の朝は早い。\n網を積む。", 'He said, "wait"; then he left.', "灯台の光"]


def rows(folder: Path, **more: Any) -> list[dict[str, Any]]:
    limits = Limits(1 << 20, 1_000_000, **more)
    return [row for split in plan(find_files(["."], folder), 1 << 20) for row in read_split(split, limits)]


JSON_LINES = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS).encode()


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("c4-train.00000-of-01024.json.gz", gzip.compress(JSON_LINES)), ("part-00000", JSON_LINES),
        ("part-00001.gz", gzip.compress(JSON_LINES)), ("shard.7", JSON_LINES), ("a.jsonl.bz2", bz2.compress(JSON_LINES)),
        ("a.jsonl.xz", lzma.compress(JSON_LINES)), ("b.jl", JSON_LINES), ("plain_in_truth.jsonl.gz", JSON_LINES),
        ("packed_in_truth.jsonl", gzip.compress(JSON_LINES)), ("two.jsonl.gz", b"".join(map(gzip.compress, JSON_LINES.splitlines(True)))),
    ],
)  # fmt: skip
def test_json_lines_whatever_the_name(name: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(raw)
    assert [(row["text"], row["fault"]) for row in rows(tmp_path)] == [(text, None) for text in TEXTS]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.csv", 'id,text\n1,"港の朝は早い。\n網を積む。"\n2,"He said, ""wait""; then he left."\n3,灯台の光\n'.encode()),
        ("b.csv", 'id;text\n1;"港の朝は早い。\n網を積む。"\n2;"He said, ""wait""; then he left."\n3;灯台の光\n'.encode("cp932")),
        ("c.csv", '\ufeffid,text\r\n1,"港の朝は早い。\n網を積む。"\r\n2,"He said, ""wait""; then he left."\r\n3,灯台の光'.encode()),
    ],
)  # fmt: skip
def test_tables(name: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(raw)
    assert [(row["id"], row["text"]) for row in rows(tmp_path)] == list(zip("123", TEXTS, strict=True))
    assert len({row["index"] for row in rows(tmp_path)}) == 3


def test_a_tsv_has_no_quotation(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('text\tid\n"Wait," he said\t1\nShe left."\t2\n', encoding="utf-8")
    assert [(row["id"], row["text"]) for row in rows(tmp_path)] == [("1", '"Wait," he said'), ("2", 'She left."')]


def test_bad_rows_of_a_table_are_faults_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,text\n1,good\n2,a,b,c\n" + f"3,{'x' * 2_000_000}\n" + "4,last\n", encoding="utf-8"
    )
    found = rows(tmp_path)
    assert [row["text"] for row in found if row["text"]] == ["good", "last"]
    assert "4 cells under 2 heads" in found[1]["fault"] and found[1]["line"] == 3


FIELDS = {"text": "content", "id": "meta.url", "source": "meta.site"}
META = [{"content": text, "meta": {"url": f"u{k}", "site": "example"}} for k, text in enumerate(TEXTS)]


def test_fields_are_named_by_a_knob(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in META))
    (tmp_path / "b.json").write_text(json.dumps(META))
    pq.write_table(pa.Table.from_pylist(META), tmp_path / "c.parquet")
    found = rows(tmp_path, fields=FIELDS)
    assert [(row["text"], row["id"], row["source"]) for row in found[:3]] == [
        (text, f"u{k}", "example") for k, text in enumerate(TEXTS)
    ]
    (tmp_path / "d.jsonl").write_text(json.dumps({"text": "own name"}))
    assert [row["text"] for row in rows(tmp_path, fields=FIELDS)][-1] == "own name"
    (tmp_path / "d.jsonl").unlink()
    assert [row["text"] for row in found] == 3 * TEXTS and {row["source"] for row in found} == {"example"}
    faults = {row["fault"] for row in rows(tmp_path)}
    assert all("`text`; there are content, meta: name one in corpus.fields" in fault for fault in faults)
    with pytest.raises(ValueError, match="'body' is no field of a document"):
        CorpusConfig.model_validate({"fields": {"body": "text"}})
    assert isinstance(CorpusConfig(), Config)


def test_a_long_array_is_read_as_a_stream() -> None:
    made = [{"text": "港" * (k % 50 * 1000), "id": k} for k in range(300)]
    raw = json.dumps(made, ensure_ascii=False, indent=1).encode()
    read = [row for _, row in array(io.BytesIO(raw), "utf-8", 1 << 20)]
    assert read == made
    assert [row for _, row in array(io.BytesIO(b'{"text": "a"}'), "utf-8", 1 << 20)] == [{"text": "a"}]
    *good, bad = [row for _, row in array(io.BytesIO(raw[: len(raw) // 2]), "utf-8", 1 << 20)]
    assert good == made[: len(good)] and str(bad).startswith("not JSON")
    long = json.dumps([{"text": "a"}, {"text": "x" * 3_000_000}]).encode()
    assert [row for _, row in array(io.BytesIO(long), "utf-8", 1 << 20)][1] == f"longer than {1 << 20:,} characters"


PAGE = """<!DOCTYPE html><html><head><title>港 - 記録</title><style>p {}</style><script>var x = 1</script></head>
<body class="with-sidebar"><header><h2>灯浜の記録</h2></header><nav><ul><li><a href="/">はじめに</a></li></ul></nav>
<div class="content"><h1>港の朝</h1><p>灯台の<b>光</b>が消える
ころ、<ruby>漁師<rp>（</rp><rt>りょうし</rt><rp>）</rp></ruby>は沖に出る。</p>
<p>「……え？」<br>　と<em>彼</em>は言った。 <a href="x">網</a>を積む。</p><ul><li>網</li><li>船</li></ul>
<table><tr><td>朝</td><td>morning</td></tr></table></div>
<div class="related-posts"><p>ほかの話もどうぞ</p></div><div><a href="a">夜の海</a> <a href="b">次へ</a></div>
<p hidden>見えない</p><footer>Copyright</footer></body></html>"""
WRITTEN = "港の朝\n\n灯台の光が消えるころ、漁師は沖に出る。\n\n「……え？」\n　と彼は言った。 網を積む。\n\n網\n船\n\n朝 morning"


def test_a_page_is_what_was_written_on_it() -> None:
    assert page_text(PAGE.encode()) == WRITTEN
    assert "漁師（りょうし）は" in page_text(PAGE.encode(), ruby="keep")
    inside = "<article><p>The story.</p></article>"
    assert page_text(f"<body><p>Hello, stranger.</p>{inside}<p>Bye.</p></body>".encode()) == "The story."


@pytest.mark.parametrize(
    ("told", "charset", "encoding"),
    [
        ("<meta charset=Shift_JIS>", None, "cp932"), ("", "x-sjis", "cp932"), ("", "EUC-JP", "euc_jp"), ("", None, "utf-8"),
        ("<meta charset=iso-8859-1>", None, "utf-8"), ("", "iso-2022-jp", "iso2022_jp"), ("", "no-such-code", "utf-8"),
        ('<meta http-equiv=Content-Type content="text/html; charset=gb2312">', None, "gb18030"), ("", "big5", "big5"),
    ],
)  # fmt: skip
def test_pages_in_many_encodings(told: str, charset: str | None, encoding: str) -> None:
    text = "港口" if encoding in ("gb18030", "big5") else "港の朝"
    assert page_text(f"<html><head>{told}</head><p>{text}</p>".encode(encoding), charset) == text
    assert page_text("<p>le thé</p>".encode("latin-1"), "iso-8859-1") == "le thé"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"<", b"\0\0", b"<div>" * 100_000, b"<p>" + b"\xff" * 100, b"&#x110000;&#xD800;", b"<ruby>a" * 10_000,
        b"<table><tr><td>" * 5_000, b"<a " + b"x=1 " * 100_000 + b">", b'<?xml version="1.0" encoding="utf-7"?><p>+ADw-</p>',
        b"<div class=sidebar>a" * 1000, b"<html><frameset><frame></frameset></html>",
    ],
)  # fmt: skip
def test_no_page_is_too_odd(raw: bytes) -> None:
    assert isinstance(page_text(raw), str)


def archive(path: Path) -> None:
    """Written by warcio: what people's crawlers write."""
    warcio = pytest.importorskip("warcio.warcwriter")
    headers = pytest.importorskip("warcio.statusandheaders").StatusAndHeaders

    with path.open("wb") as stream:
        writer = warcio.WARCWriter(stream, gzip=path.suffix == ".gz")
        writer.write_record(writer.create_warcinfo_record("a.warc.gz", {"software": "test"}))

        def answer(address: str, kind: str, body: bytes, status: str = "200 OK", **more: str) -> None:
            told = [("Content-Type", kind), *((name.replace("_", "-"), value) for name, value in more.items())]
            http = headers(status, told, protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(address, "response", payload=io.BytesIO(body), http_headers=http)
            )

        answer("https://example.org/a", "text/html; charset=utf-8", PAGE.encode())
        answer("https://example.com/b", "text/html", "<meta charset=shift_jis><p>網を積む。</p>".encode("cp932"))
        answer("https://example.com/c", "text/html", gzip.compress(b"<p>Packed page.</p>"), Content_Encoding="gzip")
        chunked = b"6\r\n<p>In \r\na\r\nparts.</p>\r\n0\r\n\r\n"
        answer("https://example.com/d", "text/html", chunked, Transfer_Encoding="chunked")
        answer("https://example.com/e", "text/html", b"<p>Gone</p>", "404 Not Found")
        answer("https://example.com/f.png", "image/png", bytes(range(256)))
        answer("https://example.com/g.txt", "text/plain", "灯台の光".encode("euc_jp") * 9)
        answer("https://example.com/h", "text/html", b"<script>x</script>")
        writer.write_record(
            writer.create_warc_record("https://example.net/", "conversion", payload=io.BytesIO("港の朝".encode()),
                                      warc_content_type="text/plain")
        )  # fmt: skip


@pytest.mark.parametrize("name", ["crawl.warc.gz", "crawl.warc", "noname"])
def test_a_web_archive(name: str, tmp_path: Path) -> None:
    archive(tmp_path / name)
    found = rows(tmp_path)
    assert {row["id"]: row["text"] for row in found if row["fault"] is None} == {
        "https://example.org/a": WRITTEN, "https://example.com/b": "網を積む。", "https://example.com/c": "Packed page.",
        "https://example.com/d": "In parts.", "https://example.com/g.txt": "灯台の光" * 9, "https://example.net/": "港の朝",
    }  # fmt: skip
    assert {row["source"] for row in found if row["text"]} == {"example.org", "example.com", "example.net"}
    reasons = ["an answer 404", "image/png", "a page without text"]
    assert [row["fault"] for row in found if row["fault"]] == [LEFT_OUT + reason for reason in reasons]


def test_a_broken_web_archive_gives_what_it_holds(tmp_path: Path) -> None:
    archive(tmp_path / "a.warc")
    raw = (tmp_path / "a.warc").read_bytes()
    (tmp_path / "a.warc").write_bytes(b"noise\r\n" * 3 + raw[:-60])
    found = rows(tmp_path)
    assert len([row for row in found if row["text"]]) == 5
    assert found[0]["fault"] == "no WARC record where one should begin" and "breaks off" in found[-1]["fault"]


ARTICLE = """{{基礎情報 町
|名前=灯浜町
|画像=[[ファイル:Tohama.jpg|250px|港の[[灯台]]]]
}}
[[ファイル:Port.jpg|thumb|朝の[[港|漁港]]]]
'''灯浜町'''（とうはまちょう、{{lang-en|Tohama}}、{{IPA|a}}）は、[[海]]に面した[[町 (行政)|町]]である<ref name="a">{{cite|x}}</ref>。
<ruby>灯守<rp>（</rp><rt>ひもり</rt><rp>）</rp></ruby>という職があった<!-- 要確認 -->。
== 歴史 ==
{| class="wikitable"
| 1700 || {|
| inside
|}
|}
港は[[17世紀|十七世紀]]に開かれた。{{要出典範囲|漁師が灯を守った|date=2020年}}。[https://example.org 町史]による。
* 網の町
== 統計 ==
{{人口統計}}
== 関連項目 ==
* [[灯台]]
== 外部リンク ==
* [https://example.org 公式サイト]
[[カテゴリ:架空の町]]
[[en:Tohama]]"""
PROSE = """灯浜町（とうはまちょう、Tohama）は、海に面した町である。
灯守という職があった。

歴史
港は十七世紀に開かれた。漁師が灯を守った。町史による。
網の町"""
UNSEEN = frozenset(("file", "ファイル", "category", "カテゴリ"))


def test_wikitext_becomes_prose() -> None:
    assert plain_text(ARTICLE, UNSEEN) == PROSE
    assert "灯守（ひもり）という" in plain_text(ARTICLE, UNSEEN, "keep")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("-{zh-hans:程序;zh-hant:程式}-和-{台灣}-", "程序和台灣"), ("<nowiki>[[x]] {{y}}</nowiki> stays", "[[x]] {{y}} stays"),
        ("It is {{convert|5|km|mi}} away&nbsp;now, [[Pipe (tool)|]].", "It is 5 km away now, Pipe."),
        ("{{Quote|text=So be it.}}", "So be it."), (":: 「はい」\n: 「……」と", "「はい」\n「……」と"), ("#REDIRECT", "REDIRECT"),
        ("a {{b|{{c|{{d}}}}}} e", "a  e"), ("[[:Category:海|海]]と''波''", "海と波"), ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("== Empty ==\n== Full ==\ntext", "Full\ntext"), ("", ""), ("{{unclosed", "{{unclosed"), ("海（）と（、山）", "海と（山）"),
    ],
)  # fmt: skip
def test_marks_of_wikitext(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    "unit", ["{{", "[[", "{|\n", "<ref>", "<", "==", "'", " ", "-{", "{{a{b}", "= a", "[a", "（ ", "、"]
)
def test_broken_wikitext_takes_no_longer_than_its_length(unit: str) -> None:
    """Quadratic patterns took minutes for a hundred thousand spaces; the test would hang."""
    assert isinstance(plain_text(unit * (150_000 // len(unit)) + "x"), str)


def dump(pages: str) -> str:
    space = '<namespace key="0"/><namespace key="6">ファイル</namespace><namespace key="14">カテゴリ</namespace>'
    return (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja">\n'
        f"<siteinfo><dbname>jawiki</dbname><namespaces>{space}</namespaces></siteinfo>\n{pages}</mediawiki>\n"
    )


def page(number: int, text: str, ns: int = 0, more: str = "") -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<page><title>題{number}</title><ns>{ns}</ns><id>{number}</id>{more}<revision><id>9</id>"
        f"<model>wikitext</model><text>{escaped}</text></revision></page>\n"
    )


@pytest.mark.parametrize("name", ["jawiki-pages-articles.xml.bz2", "jawiki-pages-articles1.xml-p1p200.bz2", "a.xml"])
def test_a_dump_of_a_wiki(name: str, tmp_path: Path) -> None:
    pages = [
        page(5, ARTICLE),
        page(6, "#転送 [[港]]", more='<redirect title="港"/>'),
        page(7, "{{a}}"),
        page(8, "議論", ns=1),
    ]
    raw = dump("".join(pages)).encode()
    half = len(raw) // 2  # dumps are many streams in one file
    (tmp_path / name).write_bytes(bz2.compress(raw[:half]) + bz2.compress(raw[half:]) if name.endswith("bz2") else raw)
    article, empty = rows(tmp_path)
    assert (article["id"], article["source"], article["text"]) == ("jawiki:5", "jawiki", PROSE)
    assert empty["fault"] == f"{LEFT_OUT}an article without text"


def test_a_dump_that_breaks_off_or_attacks(tmp_path: Path) -> None:
    whole = dump(page(1, "港の朝。") + page(2, "夜の海。"))
    (tmp_path / "a.xml").write_text(whole[:-120], encoding="utf-8")
    first, last = rows(tmp_path)
    assert first["text"] == "港の朝。" and "no XML behind page 1" in last["fault"]
    entities = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY x SYSTEM "file:///etc/passwd">'
    entities += "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "]>"
    bomb = whole.replace("港の朝。", "&i;&x;")
    (tmp_path / "a.xml").write_text(f'<?xml version="1.0"?>{entities}{bomb}', encoding="utf-8")
    assert all(len(row["text"] or "") < 100 and "root:" not in (row["text"] or "") for row in rows(tmp_path))


def test_files_that_are_not_read_are_listed_by_kind(tmp_path: Path) -> None:
    unread = {}
    for name in ("a.pdf", "b.pdf", "c.tar.gz", "d.xml", "e.json", "LICENSE"):
        (tmp_path / name).write_bytes(b"<x/>")
        found, why = kind(tmp_path / name)
        if found is None:
            unread[tmp_path / name] = why
    listed = left_out(unread)
    assert listed[".pdf"] == {
        "files": 2,
        "why": "a document format: turn it into text or HTML",
        "names": ["a.pdf", "b.pdf"],
    }
    assert set(listed) == {".pdf", ".tar.gz", ".xml", "no suffix"}
