"""Pages of HTML: what is text, that nothing else changes, and that no input makes it slow or wrong."""

from __future__ import annotations

import html
import random
import sys
import time
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError
from in2x.formats.document import Options, Tag, Text
from in2x.formats.html import read
from in2x.formats.markup import attributes, html_tokens, xml_tokens
from in2x.formats.part import MarkupDocument
from in2x.formats.registry import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from markup_files import GENERATORS

EN_JA = Options(source_lang="en", target_lang="ja")
BILINGUAL = ("xliff", "xlf", "tmx")


def page(text: str, options: Options = EN_JA) -> MarkupDocument:
    return read(text.encode(), "a.html", options)


def texts(document) -> list[str]:
    return [segment.text for segment in document.segments]


def own(document) -> dict[int, Text]:
    return {number: Text(s.text, s.tags) for number, s in enumerate(document.segments)}


def around(document) -> dict[int, Text]:
    """Each text between two letters."""
    return {
        n: Text("甲" + s.text + "乙", tuple(Tag(t.at + 1 if t.at else 0, t.raw, t.number, t.kind) for t in s.tags))
        for n, s in enumerate(document.segments)
    }


def test_blocks_are_segments_and_inline_elements_are_tags() -> None:
    document = page('<div>loose<p>A <b><i>bold</i></b> <a href="x">link</a>.</p>tail<ul><li>one<li>two</ul></div>')
    assert texts(document) == ["loose", "A bold link.", "tail", "one", "two"]
    assert [(t.at, t.raw, t.number, t.kind) for t in document.segments[1].tags] == [
        (2, "<b><i>", 1, "open"),
        (6, "</i></b>", 1, "close"),
        (7, '<a href="x">', 2, "open"),
        (11, "</a>", 2, "close"),
    ]


def test_tags_move_with_their_words() -> None:
    document = page("<p>A <b>red</b> door &amp; a <i>blue</i> one</p>")
    bold, _, italic, _ = document.segments[0].tags
    moved = Text("青い赤い&", (
        Tag(0, italic.raw, italic.number, "open"), Tag(2, "", italic.number, "close"),
        Tag(2, bold.raw, bold.number, "open"), Tag(4, "", bold.number, "close"),
    ))  # fmt: skip
    assert document.write({0: moved}) == "<p><i>青い</i><b>赤い</b>&amp;</p>".encode()


@pytest.mark.parametrize(
    ("tags", "what"),
    [
        ((), "lacks the tag <b>"),
        ((Tag(0, "<b>", 1, "open"),), "lacks the tag </b>"),
        ((Tag(1, "</b>", 1, "close"), Tag(1, "<b>", 1, "open")), "not well nested"),
        ((Tag(0, "<b>", 1, "open"), Tag(1, "</b>", 1, "close"), Tag(1, "<x>", 9)), "a tag too many"),
    ],
)
def test_a_translation_without_its_tags_is_refused(tags, what) -> None:
    with pytest.raises(In2xError, match=what):
        page("<p>a <b>b</b> c</p>").write({0: Text("訳", tags)})


def test_characters_are_written_as_the_file_wrote_them() -> None:
    document = page("<p title='it&apos;s'>a&nbsp;b &#x3000; &lt;x&gt; &unknown; 5 < 6</p>")
    assert texts(document) == ["it's", "a\xa0b \u3000 <x> &unknown; 5 < 6"]
    out = document.write({0: Text("'x'"), 1: Text("<\xa0\u3000>&")})
    assert out == b"<p title='&apos;x&apos;'>&lt;&nbsp;&#x3000;&gt;&amp;</p>"


def test_attributes_that_people_read() -> None:
    document = page(
        '<meta name=description content="About"><meta name=viewport content="width">'
        '<input placeholder=Name type=text value=keep><input type=submit value=Send><p>x <img src=a alt="A boat"> y'
        '<a aria-label="More" data-x="no">z</a>'
    )
    assert texts(document) == ["About", "Name", "Send", "x  yz", "A boat", "More"]
    out = document.write({1: Text("名前"), 3: document.segments[3], 4: Text('舟"')}).decode()
    assert 'placeholder="名前" type=text value=keep' in out
    assert 'alt="舟&quot;"' in out


def test_a_changed_attribute_is_kept_in_a_changed_paragraph() -> None:
    document = page('<p>x <img src=a alt="A boat"> y</p>')
    tags = tuple(Tag(1, t.raw, t.number, t.kind) for t in document.segments[0].tags)
    assert document.write({0: Text("前後", tags), 1: Text("舟")}).decode() == '<p>前<img src=a alt="舟">後</p>'


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        ("<script>var secret = '<p>secret</p>';</script>", "a script"),
        ("<script><!-- <script> secret </script> secret --></script>", "a script"),
        ("<style>p::after { content: 'secret' }</style>", "a style sheet"),
        ("<pre>secret</pre>", "preformatted text"),
        ("<p>x <code>secret</code></p>", "code"),
        ("<p translate=no>secret <b>secret</b><p>x", 'translate="no"'),
        ("<ul><li class='a notranslate'>secret<li>x</ul>", "class notranslate"),
        ("<svg><title>secret</title><text>secret</text></svg>", "a drawing"),
        ("<math><mi>secret</mi></math>", "a formula"),
    ],
)
def test_what_is_not_translated_is_listed(markup, why) -> None:
    document = page(f"<p>before</p>{markup}<p>after</p>")
    assert not any("secret" in text for text in texts(document))
    assert "before" in texts(document) and "after" in texts(document)
    assert {skip.why for skip in document.skipped if "secret" in skip.text} == {why}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<script>", "</script>", "<!--", "-->", "<SCRIPT x>", "</script >", "word", "<p>", "</p", ">", "<style>",
             "</style>", "'", '"', "<textarea>", "</textarea>", "<title>", "</title>", "</scriptx>", "--!>"]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_scripts_end_where_another_parser_ends_them(parts) -> None:
    """Against the tokeniser of libxml2, which follows the standard."""
    numbered = "".join(f"word{n} " if part == "word" else part for n, part in enumerate(parts))
    text = f"<!DOCTYPE html><html><body>{numbered}"
    tree = lxml.html.document_fromstring(text)
    theirs = "".join(e.text or "" for e in tree.iter("script", "style"))
    mine = "".join(text[t.start : t.end] for t in html_tokens(text) if t.kind == "raw")
    assert {w for w in theirs.split() if w.startswith("word")} == {w for w in mine.split() if w.startswith("word")}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>/!-=\"' &;abp#x1[]?\n夜", max_size=60))
def test_any_text_is_cut_without_gaps_and_comes_back(text) -> None:
    at = 0
    for token in html_tokens(text):
        assert token.start == at < token.end
        at = token.end
        if token.kind in ("open", "empty"):
            for one in attributes(text, token, lower=True).values():
                assert token.start < one.start <= one.end < token.end
    assert at == len(text)
    document = page(text, Options())
    assert document.write({}) == document.write(own(document)) == text.encode()
    again = page(document.write(around(document)).decode(), Options())
    assert [s.text for s in again.segments] == [t.text for t in around(document).values()]


@pytest.mark.parametrize("seed", range(30))
def test_every_text_of_a_page_is_a_segment_or_listed(seed) -> None:
    raw = GENERATORS["html"](random.Random(seed))
    document = read(raw, "a.html", Options())
    said = ["".join(html.unescape(t).split()) for t in [*texts(document), *(s.text for s in document.skipped)]]
    parser = lxml.html.HTMLParser(encoding="utf-8")
    for element in lxml.html.document_fromstring(document.part.source.text.encode(), parser=parser).iter():
        inside = element.text if isinstance(element.tag, str) and element.tag != "rp" else None
        for text in (inside, element.tail):
            bare = "".join((text or "").split())
            assert not bare or any(bare in one for one in said), bare


@pytest.mark.parametrize("kind", GENERATORS)
def test_files_come_back_as_they_were(kind) -> None:
    for seed in range(12):
        raw = GENERATORS[kind](random.Random(seed))
        document = parse(raw, f"a.{kind}", EN_JA)
        assert document.write({}) == raw
        if kind not in BILINGUAL:
            assert document.write(own(document)) == raw
            again = parse(document.write(around(document)), f"a.{kind}", EN_JA)
            assert texts(again) == [text.text for text in around(document).values()]


@pytest.mark.parametrize("encoding", ["shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "utf-16"])
def test_old_encodings_stay(encoding) -> None:
    head = "" if encoding == "utf-16" else f'<meta charset="{encoding}">'
    raw = f"{head}<p>夜の川</p><p>舟</p>".encode(encoding)
    document = read(raw, "a.html", Options())
    assert texts(document) == ["夜の川", "舟"]
    assert document.write({1: Text("川 é")}) == f"{head}<p>夜の川</p><p>川 é</p>".encode(encoding, "xmlcharrefreplace")


def test_bytes_that_an_encoding_writes_in_two_ways_stay() -> None:
    raw = b"<meta charset=shift_jis><p>\x87\x90 \x81\xe0</p><p>x</p>"  # NEC's sign and the standard's: both are U+2252
    assert read(raw, "a.html", Options()).write({1: Text("y")}) == raw.replace(b"<p>x", b"<p>y")


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b'<meta charset="utf-8"><p>\x93\xfa\x96\x7b', "not in the encoding"),
        (b'<meta charset="klingon"><p>x', "is not known"),
        (b"<p>a\0b", "zero bytes"),
        (b"<p>" + b"x" * (100 << 20), "a line of 104,857,603 characters"),
        (b"<?xml version='1.0'?><html><p></html>", "no well-formed XML"),
        (b"<?xml version='1.0'?><!DOCTYPE html [<!ENTITY a 'aaa'>]><html>&a;</html>", "declares entities"),
    ],
)  # fmt: skip
def test_pages_that_are_refused(raw, what) -> None:
    with pytest.raises(In2xError, match=what) as error:
        read(raw, "a.html", Options())
    assert str(error.value).startswith("a.html") and len(str(error.value)) < 300


@pytest.mark.parametrize(
    "piece",
    ["<a ", "<b>", "</i>", "<a b=\"'>", "<ruby>x", "<code>", "&foo;", "<!--", "<", "<br>", "<p translate=no>", "&"],
)
def test_time_grows_with_the_page(piece) -> None:
    def seconds(times: int) -> float:
        begin = time.process_time()
        page("<p>x" + piece * times)
        return time.process_time() - begin

    seconds(100)
    assert min(map(seconds, [20_000] * 2)) < 40 * seconds(2_000) + 1.0


def test_the_page_says_its_new_language_where_something_is_translated() -> None:
    document = page('<html lang="en"><p>Hi</p></html>')
    assert document.write({0: Text("やあ")}) == '<html lang="ja"><p>やあ</p></html>'.encode()
    assert b'lang="en"' in document.write({0: Text("Hi")})


def test_control_characters_are_refused_in_a_sentence() -> None:
    with pytest.raises(In2xError, match=r"holds '\\x01', which"):
        page("<p>a</p>").write({0: Text("a\x01")})


def test_xml_tokens_see_through_quotes_comments_and_sections() -> None:
    text = "<a b='1>2'>x<!-- <c> --><![CDATA[<d>]]><e/></a>"
    assert [(t.kind, text[t.start : t.end]) for t in xml_tokens(text)] == [
        ("open", "<a b='1>2'>"), ("text", "x"), ("comment", "<!-- <c> -->"), ("cdata", "<![CDATA[<d>]]>"),
        ("empty", "<e/>"), ("close", "</a>"),
    ]  # fmt: skip
