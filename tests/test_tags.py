"""Inline tags: placeholders and back, what is lost, projection."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.formats.document import Tag, Text
from in2x.translate.projection import cuts, projected
from in2x.translate.tags import TagsLost, marked, placeholders, unmarked


def text_of(markup: str) -> Text:
    """A text from `<b>…</b>` and `<x/>`."""
    out, tags, opened, at, number = "", [], [], 0, 0
    for match in re.finditer(r"<(/?)([a-z]+)(/?)>", markup):
        out, at = out + markup[at : match.start()], match.end()
        if match[1]:
            tags.append(Tag(len(out), match[0], opened.pop(), "close"))
            continue
        number += 1
        tags.append(Tag(len(out), match[0], number, "alone" if match[3] else "open"))
        if not match[3]:
            opened.append(number)
    return Text(out + markup[at:], tuple(tags))


def markup_of(text: Text) -> str:
    """The reverse of `text_of`."""
    out, at = "", 0
    for tag in text.tags:
        assert tag.at >= at
        out, at = out + text.text[at : tag.at] + tag.raw, tag.at
    return out + text.text[at:]


@pytest.mark.parametrize(
    ("markup", "asked"),
    [
        ("<b>Hello</b>", "Hello"),  # the outermost pair is no business of the model
        ("<x/>Hello <b>you</b> there<y/>", "Hello<1> you</1> there"),
        ("Press <b><i>OK</i></b> now", "Press<1> OK</1> now"),  # one place, one placeholder
        ("a <b><x/>c</b><y/> d", "a<1> c</1> d"),
        ("a<b></b>c", "a<1/>c"),
        ("<b>a</b><i>c</i>", "<1>a</1><2>c</2>"),
        ("<b>a</b> c <i>d</i>", "<1>a</1> c<2> d</2>"),
        ("see <1> and <b>2</b> x", "see <1> and<2> 2</2> x"),  # no number that the text has itself
        ("  <p>a <b>c</b></p> ", "a<1> c</1>"),
    ],
)
def test_what_a_model_is_asked(markup, asked):
    text = text_of(markup)
    assert marked(text) == asked
    assert "".join(placeholders(text)) == "".join(m for m in re.findall(r"</?\d/?>", asked) if m in placeholders(text))
    assert unmarked(asked, text, "en") == text


PRESS = text_of("Press <b>OK</b> now<x/>, please.")


@pytest.mark.parametrize(
    ("answer", "lang", "wanted"),
    [
        ("今すぐ<1>OK</1>を押して<2/>ください。", "ja", "今すぐ<b>OK</b>を押して<x/>ください。"),
        ("今すぐ ＜１＞ OK ＜／１＞ を押して < 2 / >ください。", "ja", "今すぐ<b>OK</b>を押して<x/>ください。"),
        ("今すぐ〈1〉OK〈/1〉を押して<2></2>ください。", "ja", "今すぐ<b>OK</b>を押して<x/>ください。"),
        ("今すぐ&lt;1&gt;OK&lt;/1&gt;を押して<2>ください。", "ja", "今すぐ<b>OK</b>を押して<x/>ください。"),
        ("Drücken <1> OK </1> jetzt<2/>, bitte.", "de", "Drücken <b>OK</b> jetzt<x/>, bitte."),
        ("Drücken<1> OK</1> jetzt<2/>, bitte.", "de", "Drücken <b>OK</b> jetzt<x/>, bitte."),
        ("Drücken<1>OK</1>jetzt<2/>.", "de", "Drücken <b>OK</b> jetzt<x/>."),
        ("Jetzt<2/> drücken: <1> OK </1>.", "de", "Jetzt<x/> drücken: <b>OK</b>."),
        ("<1>OK</1> drücken<2/>", "de", "<b>OK</b> drücken<x/>"),
    ],
)
def test_what_a_model_answers(answer, lang, wanted):
    assert markup_of(unmarked(answer, PRESS, lang)) == wanted


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("OK</1>を押す<2/>", "<1> is missing"),
        ("<1>OK</1>を押す", "<2/> is missing"),
        ("<1>OK</1>を<1>押す</1><2/>", "<1> stands there more than once"),
        ("</1>OK<1><2/>", "</1> stands before <1>"),
        ("<1></1>OK<2/>", "nothing stands between"),
        ("<1>OK<2/></1>", "<2/> must stand inside no other"),
        ("<1>O</1><1/>K<2/>", "<1/> is not in the source"),
    ],
)
def test_what_is_lost_is_said(answer, why):
    with pytest.raises(TagsLost, match=re.escape(why)) as lost:
        unmarked(answer, PRESS, "ja")
    assert lost.value.why == str(lost.value)


def test_pairs_that_cross_are_lost():
    with pytest.raises(TagsLost, match="cross"):
        unmarked("x <1>a<2>c</1>d</2>", text_of("x <b>a <i>c</i> d</b> e"), "en")


def test_a_placeholder_of_no_use_is_text():
    text = text_of("if a<b>b</b> c")
    assert unmarked("x <7> <1>y</1> z", text, "en").text == "x <7> y z"


def test_what_never_closes_is_a_mark():
    text = Text("a b c", (Tag(2, "<b>", 1, "open"), Tag(3, "<i>", 2, "open")))
    assert marked(text) == "a <1/>b<2/> c"
    assert unmarked("A <1/>B<2/> C", text, "de") == Text("A B C", text.tags)


ALPHABET = "ab猫が。 1が<>/\n👍🏽é"


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Any well nested text, and now and then one that is not."""
    text = draw(st.text(ALPHABET, max_size=12))
    spots = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    tags, opened, number = [], [], 0
    for at in spots:
        kind = draw(st.sampled_from(["open", "close", "alone"]))
        if kind == "close" and not opened:
            kind = "alone"
        if kind == "close":
            which = opened.pop(-1 if draw(st.integers(0, 9)) else 0)
        else:
            number += 1
            which = number
            if kind == "open":
                opened.append(which)
        tags.append(Tag(at, f"[{kind}{which}]", which, kind))
    return Text(text, tuple(tags))


@given(texts())
def test_an_answer_that_is_the_question_gives_the_text_back(text):
    once = unmarked(marked(text), text)
    assert [tag.raw for tag in once.tags] == [tag.raw for tag in text.tags]
    assert re.sub(r"\s", "", once.text) == re.sub(r"\s", "", text.text)


def sound(found: Text, source: Text) -> None:
    """All tags, each in its place in the text, pairs nested as in the source."""
    assert sorted(map(repr, (t.raw for t in found.tags))) == sorted(map(repr, (t.raw for t in source.tags)))
    assert all(0 <= t.at <= len(found.text) for t in found.tags)
    assert [t.at for t in found.tags] == sorted(t.at for t in found.tags)
    assert parents(found) == parents(source)


def parents(text: Text) -> dict[int, int | None]:
    """The pair around each pair of a text; {} where pairs of the text cross."""
    around, stack = {}, []
    for tag in text.tags:
        if tag.kind == "open":
            around[tag.number] = stack[-1] if stack else None
            stack.append(tag.number)
        elif tag.kind == "close":
            if not stack or stack[-1] != tag.number:
                return {}
            stack.pop()
    return {} if stack else around


@settings(deadline=None)
@given(texts(), st.text(ALPHABET, max_size=15), st.sampled_from(["ja", "en", "zh", "th"]), st.data())
def test_projection_keeps_every_tag_well_nested(text, answer, lang, data):
    for mark in data.draw(st.lists(st.sampled_from([*placeholders(text), "<1>", "</1>", "<9/>"]), max_size=6)):
        at = data.draw(st.integers(0, len(answer)))
        answer = answer[:at] + mark + answer[at:]
    found = projected(text, answer, "de", lang)
    sound(found, text)
    assert re.sub(r"[\s\d<>/]", "", found.text) == re.sub(r"[\s\d<>/]", "", answer)


@given(st.lists(st.sampled_from(["猫が", "Tokyo", "12", "。", "👨‍👩‍👧", "が", "🇯🇵🇫🇷", "👍🏽"]), max_size=6))
def test_tags_stand_outside_words_and_graphemes(parts):
    text = "".join(parts)
    inside = [m.start() + n for m in re.finditer(r"Tokyo|12|👨‍👩‍👧|が|🇯🇵|👍🏽", text) for n in range(1, len(m[0]))]
    for lang in ("ja", "zh", "de"):
        assert not set(cuts(text, lang)) & set(inside) - {0, len(text)}


def test_no_tag_inside_a_word_that_no_space_ends():
    text = "走っている猫が食べる。"
    places = cuts(text, "ja")
    assert 5 in places and 7 in places and 1 not in places and 9 not in places  # 走|っ, 食|べる


@pytest.mark.parametrize(
    ("markup", "answer", "source_lang", "target_lang", "wanted"),
    [
        ("Press <b>OK</b> to save.", "保存するにはOKを押してください。", "en", "ja",
         "保存するには<b>OK</b>を押してください。"),
        ("<b>Sarah</b> bought <i>12</i> apples.", "サラは十二個のりんごを買った。", "en", "ja",
         "<b>サラ</b>は<i>十二</i>個のりんごを買った。"),
        ("Call <a>Tom Smith</a> at <b>10</b>.", "10時にトム・スミスに電話してください。", "en", "ja",
         "<b>10</b>時に<a>トム・スミス</a>に電話してください。"),
        ("See <a>https://x.org/a</a> or ask.", "Siehe https://x.org/a oder frag.", "en", "de",
         "Siehe <a>https://x.org/a</a> oder frag."),
        ("彼は<b>「大事」</b>と言った。", "He said “that matters”.", "ja", "en", "He said “<b>that matters</b>”."),
        ("One thing. <b>Two things.</b> Three.", "一つ。二つ。三つ。", "en", "ja", "一つ。<b>二つ。</b>三つ。"),
        ("Press <b>OK</b> to <i>save</i>.", "<2>保存</2>するには<1>OKを押す。", "en", "ja",
         "<i>保存</i>するには<b>OK</b>を押す。"),
        ("a <b>c</b> d", "", "en", "ja", "<b></b>"),
    ],
)  # fmt: skip
def test_projection_by_anchors(markup, answer, source_lang, target_lang, wanted):
    assert markup_of(projected(text_of(markup), answer, source_lang, target_lang)) == wanted


def test_terms_are_anchors():
    found = projected(text_of("The <b>old oak</b> fell."), "古樫が倒れた。", "en", "ja", [("old oak", "古樫")])
    assert markup_of(found) == "<b>古樫</b>が倒れた。"


def test_a_hostile_text_takes_no_recursion_and_little_time():
    deep = text_of("".join(f"<b>{n} " for n in range(1100)) + "x" + "</b>" * 1100)
    wide = text_of("".join(f"{n} <b>a</b> " for n in range(300)))
    began = time.process_time()
    for text in (deep, wide):
        assert unmarked(marked(text), text).tags == text.tags
        sound(projected(text, text.text[: len(text.text) // 2], "en", "de"), text)
    assert time.process_time() - began < 10
