"""XLIFF, TMX and Android's strings: targets are made, kept and marked as their formats have it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Options, Tag, Text
from in2x.formats.registry import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from markup_files import GENERATORS

EN_JA = Options(source_lang="en", target_lang="ja")
HEAD_1 = (
    '<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="a.txt" datatype="plaintext" '
)
HEAD_2 = '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en"><file id="f"><unit id="u">'


def first(units: str, options: Options = EN_JA, languages: str = 'source-language="en" target-language="ja"'):
    raw = f"{HEAD_1}{languages}><body>{units}</body></file></xliff>"
    return parse(raw.encode(), "a.xlf", options)


def second(segments: str, options: Options = EN_JA):
    return parse(f"{HEAD_2}{segments}</unit></file></xliff>".encode(), "a.xlf", options)


def body(document, texts) -> str:
    return document.write(texts).decode().partition("<body>")[2].partition("</body>")[0]


def marked(document, number: int, text: str) -> Text:
    """`text` with the tags of a segment in their order at its end."""
    return Text(text, tuple(Tag(len(text), t.raw, t.number, t.kind) for t in document.segments[number].tags))


# XLIFF


def test_a_target_is_made_right_behind_its_source() -> None:
    document = first('\n  <trans-unit id="1">\n    <source>Hi</source>\n    <note>Greeting</note>\n  </trans-unit>')
    [segment] = document.segments
    assert (segment.text, segment.place, segment.note, segment.done) == ("Hi", "unit 1", "Greeting", "")
    made = '\n    <source>Hi</source>\n    <target state="translated">やあ</target>\n    <note>Greeting</note>'
    assert made in body(document, {0: Text("やあ")})


@pytest.mark.parametrize("target", ["<target/>", '<target state="new">Hi</target>', "<target>Hi</target>"])
def test_a_target_that_is_none_yet_is_replaced(target) -> None:
    document = first(f'<trans-unit id="1"><source>Hi</source>{target}</trans-unit>')
    assert document.segments[0].done == ""
    assert '<source>Hi</source><target state="translated">やあ</target>' in body(document, {0: Text("やあ")})


def test_a_translation_is_kept_unless_asked_for_again() -> None:
    units = '<trans-unit id="1"><source>Hi</source><target xml:lang="ja" state="final">どうも</target></trans-unit>'
    assert first(units).segments[0].done == "どうも"
    again = first(units, Options("en", "ja", redo=True))
    assert again.segments[0].done == ""
    assert '<target xml:lang="ja" state="translated">やあ</target>' in body(again, {0: Text("やあ")})


def test_a_translation_that_is_written_again_changes_nothing() -> None:
    units = '<trans-unit id="1"><source>A <x id="1"/> b</source><target>甲<x id="1"/></target></trans-unit>'
    document = first(units)
    assert document.segments[0].done == '甲<x id="1"/>'
    assert document.write({0: Text(document.segments[0].done)}) == document.raw


def test_codes_go_into_the_target_as_they_are() -> None:
    source = (
        '<g id="1">Big <x id="2"/></g> <bpt id="3">&lt;b></bpt>boat<ept id="3">&lt;/b></ept> '
        '<mrk mtype="protected">K</mrk>'
    )
    document = first(f'<trans-unit id="1"><source>{source}</source></trans-unit>')
    assert [(t.raw, t.kind) for t in document.segments[0].tags] == [
        ('<g id="1">', "open"), ('<x id="2"/>', "alone"), ("</g>", "close"), ('<bpt id="3">&lt;b></bpt>', "open"),
        ('<ept id="3">&lt;/b></ept>', "close"), ('<mrk mtype="protected">K</mrk>', "alone"),
    ]  # fmt: skip
    assert {skip.text for skip in document.skipped} == {"K"}
    made = '舟<g id="1"><x id="2"/></g><bpt id="3">&lt;b></bpt><ept id="3">&lt;/b></ept><mrk mtype="protected">K</mrk>'
    assert made in body(document, {0: marked(document, 0, "舟")})


def test_codes_that_cross_elements_stand_alone() -> None:
    source = 'a <bx id="1"/>b <g id="2">c <ex id="1"/>d</g> e'
    document = first(f'<trans-unit id="1"><source>{source}</source></trans-unit>')
    assert [t.kind for t in document.segments[0].tags] == ["alone", "open", "alone", "close"]
    etree.fromstring(document.write({0: marked(document, 0, "x")}))


def test_sentences_that_a_tool_has_cut_are_cut_in_the_target() -> None:
    cut = '<seg-source><mrk mtype="seg" mid="1">A.</mrk> <mrk mtype="seg" mid="2">B.</mrk></seg-source>'
    document = first(f'<trans-unit id="1"><source>A. B.</source>{cut}</trans-unit>')
    one, two = (t.number for t in document.segments[0].tags if t.kind == "open")
    pairs = Tag(0, "", one, "open"), Tag(2, "", one, "close"), Tag(2, "", two, "open"), Tag(4, "", two, "close")
    made = '<mrk mtype="seg" mid="1">甲。</mrk><mrk mtype="seg" mid="2">乙。</mrk></target>'
    assert f'</seg-source><target state="translated">{made}' in body(document, {0: Text("甲。乙。", pairs)})


def test_what_is_not_to_be_translated_is_listed() -> None:
    document = first(
        '<group translate="no"><trans-unit id="1"><source>No</source></trans-unit>'
        '<trans-unit id="2" translate="yes"><source>Yes</source></trans-unit></group>'
    )
    assert [s.text for s in document.segments] == ["Yes"] and [s.text for s in document.skipped] == ["No"]


def test_version_two_sets_the_state_of_segments_and_the_language_of_the_file() -> None:
    document = second(
        '<notes><note>N</note></notes><segment id="s"><source>Hi <pc id="1">you</pc> <sc id="2"/>there'
        '<ec startRef="2"/></source></segment><ignorable><source> </source></ignorable>'
        '<segment state="initial"><source>B</source><target>B</target></segment>'
    )
    assert [(s.place, s.note, s.done) for s in document.segments] == [
        ("unit u, segment s", "N", ""),
        ("unit u", "N", ""),
    ]
    out = document.write({0: marked(document, 0, "やあ"), 1: Text("乙")}).decode()
    assert 'srcLang="en" trgLang="ja"' in out
    assert (
        '<segment id="s" state="translated"><source>' in out
        and '<segment state="translated"><source>B</source><target>乙' in out
    )


SCHEMA = """<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="urn:oasis:names:tc:xliff:document:1.2"
 datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes"><start><element name="xliff"><attribute name="version"/>
<oneOrMore><element name="file"><attribute name="original"/><attribute name="source-language"/>
<attribute name="datatype"/>
<optional><attribute name="target-language"/></optional><element name="body"><zeroOrMore><element name="trans-unit">
<attribute name="id"><data type="NMTOKEN"/></attribute><optional><attribute name="translate"/></optional>
<element name="source"><ref name="codes"/></element><optional><element name="target"><optional><attribute name="state">
<choice><value>new</value><value>translated</value></choice></attribute></optional><ref name="codes"/></element>
</optional><zeroOrMore><element name="note"><text/></element></zeroOrMore></element></zeroOrMore></element></element>
</oneOrMore></element></start><define name="codes"><zeroOrMore><choice><text/>
<element name="g"><attribute name="id"/><ref name="codes"/></element>
<element name="x"><attribute name="id"/></element>
<element><choice><name>ph</name><name>bpt</name><name>ept</name></choice>
<attribute name="id"/><text/></element></choice></zeroOrMore></define></grammar>"""
"""The part of XLIFF 1.2 that made files use, after the specification's order of elements."""


def test_translated_files_are_valid() -> None:
    schema = etree.RelaxNG(etree.fromstring(SCHEMA))
    for seed in range(40):
        document = parse(GENERATORS["xliff"](random.Random(seed)), "a.xliff", EN_JA)
        out = etree.fromstring(document.write({n: marked(document, n, "訳") for n in range(len(document.segments))}))
        assert schema.validate(out), schema.error_log
        for unit in out.iter("{*}trans-unit"):
            source, target = unit.find("{*}source"), unit.find("{*}target")
            if unit.get("translate") != "no":
                ids = [[(e.tag, e.get("id")) for e in side.iter() if e.get("id")] for side in (source, target)]
                assert sorted(ids[0]) == sorted(ids[1]) and target.get("state") == "translated"


# TMX


def memory(units: str, options: Options = EN_JA):
    return parse(f'<tmx version="1.4"><header srclang="en-US"/><body>{units}</body></tmx>'.encode(), "a.tmx", options)


def test_a_unit_gets_the_variant_that_it_lacks() -> None:
    document = memory(
        '<tu>\n  <tuv xml:lang="en-US"><seg>A <hi>b</hi> c</seg></tuv>\n  <tuv xml:lang="de"><seg>D</seg></tuv>\n</tu>'
    )
    made = '<seg>D</seg></tuv>\n  <tuv xml:lang="ja"><seg>訳<hi></hi></seg></tuv>\n</tu>'
    assert made in document.write({0: marked(document, 0, "訳")}).decode()


def test_a_variant_that_is_there_is_a_translation() -> None:
    unit = '<tu><tuv xml:lang="EN"><seg>A</seg></tuv><tuv xml:lang="ja-JP"><seg>甲</seg></tuv></tu>'
    assert memory(unit).segments[0].done == "甲"
    again = memory(unit, Options("en", "ja", redo=True))
    assert '<tuv xml:lang="ja-JP"><seg>乙</seg></tuv></tu>' in again.write({0: Text("乙")}).decode()


def test_a_unit_without_the_source_language_is_listed() -> None:
    document = memory('<tu><tuv xml:lang="fr"><seg>Nuit</seg></tuv></tu>')
    assert not document.segments and document.skipped[0].text == "Nuit"


# Android


def strings(inner: str, options: Options = EN_JA):
    raw = f'<resources xmlns:xliff="urn:oasis:names:tc:xliff:document:1.2">{inner}</resources>'
    return parse(raw.encode(), "strings.xml", options)


def inside(document, texts) -> str:
    return document.write(texts).decode().partition(">")[2].rpartition("</resources>")[0]


def test_escapes_and_placeholders_of_strings() -> None:
    document = strings("<!-- Hello -->\n<string name='a'>Don\\'t, %1$s!\\n\\u00A0<b>50% off</b></string>")
    [segment] = document.segments
    assert (segment.text, segment.place, segment.note) == ("Don't, !\n\xa050% off", "a", "Hello")
    assert [t.raw for t in segment.tags] == ["%1$s", "<b>", "</b>"]
    holder, begin, end = (t.number for t in segment.tags)
    text = Text('"It\'s"\n\xa0@x', (Tag(0, "", holder), Tag(1, "", begin, "open"), Tag(2, "", end, "close")))
    assert inside(document, {0: text}).endswith("<string name='a'>%1$s\\\"<b>I</b>t\\'s\\\"\\n\\u00A0@x</string>")


def test_a_sign_that_would_be_a_reference_is_escaped() -> None:
    document = strings('<string name="a">at</string><string name="b">@string/a</string>')
    assert [s.text for s in document.segments] == ["at"]
    assert '<string name="a">\\@home</string>' in inside(document, {0: Text("@home")})


def test_sections_quotes_plurals_arrays_and_what_stays() -> None:
    document = strings(
        '<string name="c"><![CDATA[Read <a href="x">this</a> & go]]></string><string name="q">"  two  spaces "</string>'
        '<plurals name="n"><item quantity="one">%d song</item><item quantity="other">%d songs</item></plurals>'
        '<string-array name="r"><item>One</item></string-array><string name="k" translatable="false">KEY</string>'
        '<string name="g">Hi <xliff:g id="n">%s</xliff:g>!</string><color name="c">#fff</color>'
    )
    assert [(s.place, s.text) for s in document.segments] == [
        ("c", "Read this & go"), ("q", "two  spaces"), ("n.one", " song"), ("n.other", " songs"), ("r[0]", "One"),
        ("g", "Hi !"),
    ]  # fmt: skip
    assert {(s.text, s.why) for s in document.skipped} == {
        ("KEY", 'translatable="false"'), ("%s", "marked with xliff:g"), ("#fff", "a color, not a string"),
    }  # fmt: skip
    begin, end = document.segments[0].tags
    text = Text("<&'", (Tag(0, "", begin.number, "open"), Tag(1, "", end.number, "close")))
    assert '<![CDATA[<a href="x"><</a>&\\\']]>' in inside(document, {0: text})
    with pytest.raises(In2xError, match="holds ]]>"):
        document.write({0: Text("x]]>", text.tags)})


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab '\"\\@?&<>%\n\t夜{}0$s", min_size=1, max_size=30))
def test_any_translation_of_a_string_is_read_back(text) -> None:
    out = strings('<string name="a">x</string>').write({0: Text(text)})
    [element] = etree.fromstring(out)
    again = parse(out, "strings.xml", EN_JA)
    said = [s.text for s in again.segments] or [s.text for s in again.skipped] or [""]
    if again.segments and not again.segments[0].tags:
        assert said[0].strip() == " ".join(text.split(" ")).strip() or "  " in text
    assert element.tag == "string"


# Faults


@pytest.mark.parametrize(
    ("name", "raw", "what"),
    [
        ("a.xlf", b"<tmx/>", "so it is no XLIFF"),
        ("a.xlf", b'<xliff version="3.0"/>', "its version is 3.0"),
        ("a.tmx", b"<xliff/>", "so it is no TMX"),
        ("a.xml", b"<html/>", "holds no strings of Android"),
        ("a.xlf", b'<!DOCTYPE x [<!ENTITY a "b">]><xliff version="1.2"/>', "declares entities"),
        ("a.xml", b"<resources>" + b" " * (17 << 20) + b"</resources>", "a line of 17,825,8"),
        ("a.xlf", b'<?xml version="1.0" encoding="utf-8"?><xliff>\xff</xliff>', "not in the encoding"),
    ],
)
def test_files_that_are_refused(name, raw, what) -> None:
    with pytest.raises(In2xError, match=what) as error:
        parse(raw, name, EN_JA)
    assert str(error.value).startswith(name)


def test_other_languages_than_asked_for_are_refused() -> None:
    unit = '<trans-unit id="1"><source>Hi</source></trans-unit>'
    assert first(unit, languages='source-language="en-US" target-language="ja-JP"').segments
    with pytest.raises(UsageError, match="its target language is fr, not ja"):
        first(unit, languages='source-language="en" target-language="fr"')
    with pytest.raises(UsageError, match="give the target language"):
        memory("<tu/>", Options("en"))
