"""What each text format takes for text, for tags and for notes, and how a translation is written into it."""

from __future__ import annotations

import csv
import io
import json

import fluent.syntax
import polib
import pytest
import ruamel.yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Options, Tag, Text
from in2x.formats.placeholders import tagged
from in2x.formats.registry import parse
from in2x.formats.spans import flat

OPTIONS = Options(source_lang="en", target_lang="ja")


def texts(raw: bytes | str, name: str, options: Options = OPTIONS) -> list[str]:
    data = raw.encode() if isinstance(raw, str) else raw
    return [segment.text for segment in parse(data, name, options).segments]


def translated(raw: bytes | str, name: str, *new: str, options: Options = OPTIONS) -> str:
    """The file with texts in place of its first segments; `@` in a text stands for its next tag."""
    data = raw.encode() if isinstance(raw, str) else raw
    document = parse(data, name, options)
    given_texts = {}
    for number, text in enumerate(new):
        parts, at, tags = text.split("@"), 0, []
        for part, tag in zip(parts, document.segments[number].tags, strict=False):
            at += len(part)
            tags.append(Tag(at, tag.raw, tag.number, tag.kind))
        given_texts[number] = Text("".join(parts), tuple(tags))
    return document.write(given_texts).decode()


def test_plain_text() -> None:
    raw = "  - Hello there\r\n\r\n1. One\n---\n|||\n😀\n\u200b\n・日本\n(a) x\n　字下げ"
    assert texts(raw, "a.txt") == ["Hello there", "One", "日本", "x", "字下げ"]
    assert translated(raw, "a.txt", "A\nB") == raw.replace("Hello there", "A B")
    document = parse(raw.encode(), "a.txt", OPTIONS)
    assert [segment.group for segment in document.segments][:2] == ["paragraph 1", "paragraph 2"]
    assert [skipped.text for skipped in document.skipped] == ["---", "|||", "😀", "\u200b"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_are_kept(codec: str) -> None:
    raw = "Hello there\r\nTwo words\r\n".encode(codec)
    document = parse(raw, "a.txt", OPTIONS)
    assert document.write({1: Text("二語")}) == "Hello there\r\n二語\r\n".encode(codec)


def test_json_by_paths_and_by_looks() -> None:
    raw = r'{"messages": [{"role": "user", "text": "Hi \"you\""}], "id": "abc", "x": {"text": "deep"}, '
    raw += r'"s": "a_b", "u": "\u00e9t"}'
    assert texts(raw, "a.json") == ['Hi "you"', "deep", "ét"]
    assert texts(raw, "a.json", Options(paths=("$.messages[*].text",))) == ['Hi "you"']
    assert texts(raw, "a.json", Options(paths=("$..text", "$['id']"))) == ['Hi "you"', "abc", "deep"]
    assert json.loads(translated(raw, "a.json", '"引用"\n\t\\'))["messages"][0]["text"] == '"引用"\n\t\\'
    assert r"\u5f15" in translated(raw, "a.json", "引")  # the file escapes, so do we


def test_icu_plurals() -> None:
    raw = '{"m": "You have {n, plural, offset:1 =0 {no file} one {# file} other {# <b>files</b>}} in {folder}, ok"}'
    assert texts(raw, "a.json") == ["no file", " file", " files", "You have  in , ok"]
    out = json.loads(translated(raw, "a.json", "零", "@一", "@多@い@", "持つ@と@"))["m"]
    assert out == "持つ{n, plural, offset:1 =0 {零} one {#一} other {#多<b>い</b>}}と{folder}"
    nested = '{"m": "{a, select, x {{n, plural, other {deep}}} other {flat {n}}}"}'
    document = parse(nested.encode(), "a.json", OPTIONS)
    assert [s.text for s in document.segments] == ["flat "]
    assert [s.why for s in document.skipped] == ["a plural or choice inside another"]


def test_yaml_mends_quotes_where_the_text_needs_them() -> None:
    raw = "a: plain text\nb: 'it''s'\nc: \"q\"\nd: >-\n    folded\n    text\n\n    two\ne: [flow text, x y]\n"
    raw += "f: Keep this # c\nno: no\n"
    out = translated(raw, "a.yaml", "key: value", "it's", '"\n', "一\n二", "a, b", "- x", "No")
    assert out == (
        "a: 'key: value'\nb: 'it''s'\nc: \"\\\"\\n\"\nd: >-\n    一\n\n    二\n"
        "e: ['a, b', '- x']\nf: 'No' # c\nno: no\n"
    )


TEXTS = st.text("ab 　あ:#-?!&*'\"\\{}[]|>%@`,\t\n\u0085\u2028😀~0", min_size=1, max_size=20)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=7, max_size=7))
def test_yaml_says_exactly_what_was_written(new: list[str]) -> None:
    """In every style; blocks drop white space at the ends, and folded ones that before a line."""
    raw = "a: xx yy\nb: 'xx yy'\nc: \"xx yy\"\nd: |-\n  xx\n  yy\ne: >-\n  xx\n  yy\nf: {g: xx yy}\nh: [xx yy]\n"
    blocks = ["\n".join(line.strip() for line in text.strip().split("\n")) for text in new]
    new[3], new[4] = blocks[3], blocks[4]
    document = parse(raw.encode(), "a.yaml", OPTIONS)
    try:
        out = document.write({number: Text(text) for number, text in enumerate(new)}).decode()
    except In2xError as error:
        assert "cannot stand in a block of YAML" in str(error)
        return
    for yaml in (ruamel.yaml.YAML(typ="safe"), ruamel.yaml.YAML(typ="safe", pure=True)):
        tree = yaml.load(out)
        assert [tree[key] for key in "abcde"] + [tree["f"]["g"], tree["h"][0]] == new


def of_fluent(out: str) -> str:
    (message,) = fluent.syntax.FluentParser().parse(out).body
    parts = [
        part.value if hasattr(part, "value") else part.expression.parse()["value"] for part in message.value.elements
    ]
    return "".join(parts)


READ_BACK = {
    "json": ('{"a": "xx yy"}', lambda out: json.loads(out)["a"]),
    "csv": ("a,b\nxx yy,1\n", lambda out: list(csv.reader(io.StringIO(out, newline="")))[1][0]),
    "po": ('msgid "xx yy"\nmsgstr ""\n', lambda out: polib.pofile(out)[0].msgstr),
    "ftl": ("a = xx yy\n", of_fluent),
    "strings": ('"a" = "xx yy";\n', lambda out: flat(parse(out.encode(), "a.strings", OPTIONS).segments[0])),
    "properties": ("a=xx yy\n", lambda out: flat(parse(out.encode(), "a.properties", OPTIONS).segments[0])),
    "rpy": ('label a:\n    "xx yy"\n', lambda out: flat(parse(out.encode(), "a.rpy", OPTIONS).segments[0])),
}
"""A file with one text, and what an independent reader (where there is one) finds in its place."""


@pytest.mark.parametrize("kind", READ_BACK)
@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_any_text_can_be_written(kind: str, text: str) -> None:
    text = f"あ{text}あ"
    if kind == "po":  # polib ends lines at these, gettext does not
        text = text.replace("\u0085", "").replace("\u2028", "")
    if kind == "properties":  # two of them are one to MessageFormat, and so when they are read
        text = text.replace("'", "")
    raw, back = READ_BACK[kind]
    out = parse(raw.encode(), f"a.{kind}", OPTIONS).write({0: Text(text)}).decode()
    if kind in ("ftl", "rpy"):  # lines of Fluent have no margins, and what Ren'Py has in brackets is a tag when read
        assert said(back(out)) == said(text)
    else:
        assert back(out) == text


def said(text: str) -> str:
    return "".join(text.replace("[[", "[").replace("{{", "{").split())


def test_comments_are_notes() -> None:
    raw = "# first\n# second\na: Some text\n\nb: Other text\n"
    assert [s.note for s in parse(raw.encode(), "a.yml", OPTIONS).segments] == ["first second", ""]


def test_tables() -> None:
    raw = 'id;Text;Note\r\n1;"Say ""hi""; now";x y\r\n2;"two\nlines";\r\n'
    options = Options(paths=("Text",))
    assert texts(raw, "a.csv", options) == ['Say "hi"; now', "two\nlines"]
    assert translated(raw, "a.csv", 'a;"b"', options=options) == raw.replace('"Say ""hi""; now"', '"a;""b"""')
    assert texts("Hello\tx\nBye\ty", "a.tsv", Options(paths=("1",))) == ["Hello", "Bye"]
    assert translated("Hello\tx\nBye\ty", "a.tsv", "a\tb\nc", options=Options(paths=("1",))) == "a b c\tx\nBye\ty"


def test_gettext_plurals_follow_the_target_language() -> None:
    raw = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n#, c-format\nmsgid "%d file"\n' \
          'msgid_plural "%d files"\nmsgstr[0] ""\nmsgstr[1] ""\n'  # fmt: skip
    out = translated(raw, "a.po", "@個のファイル")
    assert "nplurals=1; plural=0;" in out and 'msgstr[0] "%d個のファイル"\n' in out and "msgstr[1]" not in out
    russian = parse(raw.encode(), "a.po", Options(target_lang="ru"))
    assert [(s.text, s.note) for s in russian.segments] == [
        (" files", "for the numbers 1, 21, 31, 41"),
        (" files", "for the numbers 2, 3, 4, 22"),
        (" files", "for the numbers 0, 5, 6, 7"),
    ]
    same = parse(raw.encode(), "a.po", Options(target_lang="de"))
    assert [s.text for s in same.segments] == [" file", " files"]


def test_gettext_fuzzy_done_and_obsolete() -> None:
    raw = '#, fuzzy, c-format\nmsgctxt "menu"\nmsgid "Open %s"\nmsgstr "Shut %s"\n\n'
    raw += '#. note\nmsgid "Yes"\nmsgstr "はい"\n\n#~ msgid "gone"\n#~ msgstr "x"\n'
    document = parse(raw.encode(), "a.po", OPTIONS)
    assert [(s.done, s.note) for s in document.segments] == [("", "menu"), ("はい", "note")]
    assert [s.text for s in document.skipped] == ["gone"]
    assert '#, c-format\nmsgctxt "menu"\nmsgid "Open %s"\nmsgstr "@"'.replace("@", "%s開く") in translated(
        raw, "a.po", "@開く"
    )
    assert [s.done for s in parse(raw.encode(), "a.po", Options(target_lang="ja", redo=True)).segments] == ["", ""]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.po", 'msgid "Open %s"\nmsgstr ""\n"Öffne "\n"%s"\n'),
        ("a.rpy", 'translate de strings:\n    old "Hi [name]"\n    new "Hallo [name]"\n'),
        (
            "a.xcstrings",
            '{"sourceLanguage":"en","strings":{"Hi %@":{"localizations":{"ja":{"stringUnit":{"value":"Yo %@"}}}}}}',
        ),
    ],
)
def test_what_is_translated_already_may_be_written_back(name: str, raw: str) -> None:
    document = parse(raw.encode(), name, OPTIONS)
    (segment,) = document.segments
    assert segment.done and document.write({0: Text(segment.done)}) == raw.encode()


def test_subrip_with_what_people_have() -> None:
    raw = "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>Two lines\nof text</i>\n"
    raw += "2\n00:00:03,000 --> 00:00:04,500\n40\n3\n00:00:05,000 --> 00:00:06,000\n- Hi.\n- Yo.\n\n"
    raw += "4\n00:00:07,000 --> 00:00:08,000\nafter a\n\nblank\n"
    document = parse(raw.encode(), "a.srt", OPTIONS)
    assert [s.text for s in document.segments] == ["Two lines of text", "Hi.", "Yo.", "after a", "blank"]
    assert [s.text for s in document.skipped] == ["40"]
    limit = document.segments[0].limit
    assert limit and (limit.width, limit.lines, limit.seconds) == (13, 2, 1)
    out = translated(raw, "a.srt", "@@彼女は昨日、東京の駅前で友達を待っていた。@", "やあ。")
    assert "{\\an8}<i>彼女は昨日、東京の駅前で\n友達を待っていた。</i>\n2\n" in out and "- やあ。\n- Yo." in out


@pytest.mark.parametrize(
    ("cue", "sung", "after"),
    [
        ("<i>♪ It's a nice day. ♪</i>", ["It's a nice day."], "<i>♪ あ ♪</i>"),
        ("<i>♪ One line ♪\n♪ two lines ♪</i>", ["One line", "two lines"], "<i>♪ あ ♪\n♪ あ ♪</i>"),
        ("♪ one\ntwo ♪", ["one two"], "♪ あ ♪"),
        ("- ♪ la la ♪\n- Stop it.", ["la la", "Stop it."], "- ♪ あ ♪\n- あ"),
        ("{\\an8}♪♪ up", ["up"], "{\\an8}♪♪ あ"),
        ("A C♪ is no song", ["A C♪ is no song"], "あ"),
        ("♪ ♪", [], "♪ ♪"),
    ],
)
def test_notes_around_a_song_stay_where_they_are(cue: str, sung: list[str], after: str):
    raw = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"
    assert texts(raw.format(cue), "a.srt") == sung
    assert translated(raw.format(cue), "a.srt", *("あ" for _ in sung)) == raw.format(after)


def test_webvtt() -> None:
    raw = "WEBVTT\n\nNOTE a word\n\nid\n00:01.000 --> 00:02.000 line:0\n<v.loud Ann>Salt &amp; <i>pepper</i>\n\n" \
          "00:03.000 --> 00:04.000\n<v A>One</v>\n<v B>Two</v>\n"  # fmt: skip
    document = parse(raw.encode(), "a.vtt", OPTIONS)
    assert [(s.text, s.speaker) for s in document.segments] == [("Salt & pepper", "Ann"), ("One", "A"), ("Two", "B")]
    assert "<v.loud Ann>塩&amp;<i>胡椒</i>" in translated(raw, "a.vtt", "@塩&@胡椒@")


def test_substation() -> None:
    head = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    line = "Dialogue: 0,0:00:00.00,0:00:02.00,A,{},0,0,0,,{}\n"
    raw = (
        head
        + line.format("Ann", r"{\i1}Hi,\Nyou{\i0}")
        + line.format("", r"{\p1}m 0 0{\p0}")
        + line.format("", r"{\k20}la")
    )
    document = parse(raw.encode(), "a.ass", OPTIONS)
    assert [(s.text, s.speaker) for s in document.segments] == [("Hi, you", "Ann")]
    assert [s.why.split(",")[0] for s in document.skipped] == ["a drawing", "karaoke"]
    assert r"{\i1}やあ、君{\i0}" in translated(raw, "a.ass", "@やあ、君@")


def test_apple_and_java() -> None:
    raw = '/* greet */\n"k" = "Hi %@, \\"you\\"";\n'.encode("utf-16")
    document = parse(raw, "a.strings", OPTIONS)
    assert (document.segments[0].text, document.segments[0].note) == ('Hi , "you"', "greet")
    new = document.write({0: Text('"君"、', (Tag(4, "%@", 1),))})
    assert new.decode("utf-16") == '/* greet */\n"k" = "\\"君\\"、%@";\n'
    java = "a=It''s {0}\nb: caf\\u00e9 \\\n   bar\n"
    assert texts(java, "a.properties") == ["It's ", "café bar"]
    assert translated(java, "a.properties", "'@", "猫") == "a=''{0}\nb: \\u732b\n"


def test_fluent() -> None:
    raw = "# note\nhi = Hello, { $user }!\nn = { $n ->\n    [one] One thing\n   *[other] { $n } things\n}\n"
    raw += "-b = Brand\n    .g = x\nsave = Save\n    .accesskey = S\n"
    assert texts(raw, "a.ftl") == ["Hello, !", "One thing", " things", "Brand", "Save"]
    out = translated(raw, "a.ftl", "やあ@{", "一つ", "@個\n[二]")
    assert 'hi = やあ{ $user }{"{"}\n' in out
    assert '*[other] { $n }個\n       {"["}二]\n}' in out


def test_renpy() -> None:
    raw = 'define e = Character("Ann")\nlabel start:\n    e happy "Hi {b}you{/b} [name]!" with vpunch\n'
    raw += '    "Bob" "Yes."\n    menu:\n        "Go" if x:\n            jump a\n    play music "a.ogg"\n'
    raw += 'translate xx start_1:\n    # e "Old words"\n    # e "More"\n    e ""\n    e @ b "Mehr"\n'
    raw += 'translate xx strings:\n    old "Go"\n    new "Geh"\n'
    document = parse(raw.encode(), "a.rpy", OPTIONS)
    assert [(s.text, s.speaker, s.kind, s.done) for s in document.segments] == [
        ("Ann", "", "name", ""),
        ("Hi you !", "e", "speech", ""),
        ("Yes.", "Bob", "speech", ""),
        ("Go", "", "message", ""),
        ("Old words", "e", "speech", ""),
        ("More", "e", "speech", "Mehr"),
        ("Go", "", "message", "Geh"),
    ]
    out = translated(raw, "a.rpy", "アン", '"やあ"@君@[@')
    assert r'e happy "\"やあ\"{b}君{/b}[[[name]" with vpunch' in out


def test_string_catalog_gets_a_unit_as_xcode_writes_it() -> None:
    raw = '{\n  "sourceLanguage" : "en",\n  "strings" : {\n    "Hello %@" : {\n\n    }\n  },\n  "version" : "1.0"\n}'
    tree = json.loads(translated(raw, "a.xcstrings", "やあ@"))
    unit = tree["strings"]["Hello %@"]["localizations"]["ja"]["stringUnit"]
    assert unit == {"state": "translated", "value": "やあ%@"}
    plural = {"plural": {form: {"stringUnit": {"state": "new", "value": f"%d {form}"}} for form in ("one", "other")}}
    entry = {"comment": "c", "localizations": {"en": {"variations": plural}}}
    raw = json.dumps({"sourceLanguage": "en", "strings": {"n": entry}}, indent=2)
    russian = parse(raw.encode(), "a.xcstrings", Options(target_lang="ru"))
    assert [s.text for s in russian.segments] == [" one", " other", " other", " other"]
    new = {number: Text(f"{number}", segment.tags) for number, segment in enumerate(russian.segments)}
    forms = json.loads(russian.write(new))["strings"]["n"]["localizations"]["ru"]["variations"]["plural"]
    assert {form: unit["stringUnit"]["value"] for form, unit in forms.items()} == {
        "one": "%d0", "few": "%d1", "many": "%d2", "other": "%d3"
    }  # fmt: skip
    with pytest.raises(UsageError, match="many languages"):
        parse(raw.encode(), "a.xcstrings", Options())


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("%s of %1$d", " of "), ("50% discount and 100% sure", "50% discount and 100% sure"), ("%d%% done", " done"),
        ("Hi {name}, {{count}} ${x}", "Hi ,  "), ("%(who)s did %s", " did "), ("%user_name% is", " is"), ("%d%d", ""),
        ("<b>x</b> < y > z", "x < y > z"), ("$t(key) and @:link.key", " and "), ("a {} b {0:.2f}", "a  b "),
    ],
)  # fmt: skip
def test_placeholders(message: str, text: str) -> None:
    found = tagged(message)
    assert found.text == text
    assert flat(found) == message
