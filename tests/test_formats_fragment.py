"""Pieces of HTML and XML that come over a wire: whatever they are, what is not translated comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from in2x.errors import In2xError
from in2x.formats.document import Text
from in2x.formats.fragment import Rules, read_html, read_xml

PARTS = st.sampled_from(["<a>", "</a>", "<b x='1'>", "</b>", "<c/>", "<p>", "</p>", " ", "\n", "hat", "帽子", "&amp;",
                         "&", "<", ">", "<!-- x -->", "<![CDATA[x]]>", "<?y?>", "\r\n", '"'])  # fmt: skip
RULES = st.builds(Rules, st.sampled_from([(), ("b",), ("A",)]), st.sampled_from([(), ("a",), ("p", "b")]),
                  st.sampled_from([(), ("p",)]), st.booleans())  # fmt: skip


@given(st.lists(PARTS, max_size=14).map("".join), RULES, st.sampled_from([read_html, read_xml]))
def test_what_is_translated_into_itself_is_the_same(text: str, rules: Rules, read: object) -> None:
    document = read(text, rules)  # type: ignore[operator]
    same = {number: Text(one.text, one.tags) for number, one in enumerate(document.segments)}
    assert document.write({}).decode() == document.write(same).decode() == text


@pytest.mark.parametrize(("text", "rules", "segments"), [
    ("<d><t>One</t> <p>Two <i>x</i></p></d>", Rules(), ["One", "Two x"]),
    ("<d><t>One</t> <p>Two <i>x</i></p></d>", Rules(outline=False), ["One Two x"]),
    ("<d><t>One</t> <p>Two <i>x</i></p></d>", Rules(joined=("t", "P")), ["One Two x"]),
    ("<b>One</b> <i>two</i>", Rules(), ["One two"]),
    ("<p>One</p><p>two</p>", Rules(), ["One", "two"]),
    ("a<cut/>b", Rules(splitting=("cut",)), ["a", "b"]),
    ("Keep <x>this one</x> here", Rules(ignored=("x",)), ["Keep  here"]),
    ("<x>only this</x>", Rules(ignored=("x",)), []),
    ('<img alt="not a text of XML"/>', Rules(), []),
    ("", Rules(), []),
])  # fmt: skip
def test_what_of_xml_is_a_text(text: str, rules: Rules, segments: list[str]) -> None:
    assert [one.text for one in read_xml(text, rules).segments] == segments


@pytest.mark.parametrize(
    "text", ["<b>", "</b>", "a < b", "&nope;", "<a></b>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']
)
def test_strict_xml_is_well_formed_and_declares_nothing(text: str) -> None:
    with pytest.raises(In2xError):
        read_xml(text, Rules(), strict=True)


def test_a_hostile_depth_takes_linear_time() -> None:
    text = "<a>" * 30_000 + "hat" + "</a>" * 30_000
    assert [one.text for one in read_xml(text, Rules()).segments] == ["hat"]
