"""Patterns over texts that were made to be slow: 100,000 characters take no more than their length asks for."""

from __future__ import annotations

import time

import pytest

from in2x.corpus.clean import gutenberg
from in2x.corpus.readers.wikitext import plain_text
from in2x.formats.renpy import _plain
from in2x.language import anchors
from in2x.language.words import prose
from in2x.principles import quantities
from in2x.principles.document_checks import _codes
from in2x.translate.backend import one_line

LONG = 100_000
TEXTS = {
    "letters": "a" * LONG,
    "mail": "a@" * (LONG // 2),
    "dots": "a.b@" * (LONG // 4),
    "slashes": "http://" + "a." * LONG,
    "points": "." * LONG,
}


@pytest.mark.parametrize("name", TEXTS)
def test_addresses_are_looked_for_in_a_pass(name: str) -> None:
    began = time.process_time()
    list(_codes(TEXTS[name]))
    quantities._NAMES.sub("", TEXTS[name])
    anchors._SAME.findall(TEXTS[name])
    prose(TEXTS[name] + ".")
    assert time.process_time() - began < 10  # minutes, before


def test_addresses_are_still_found() -> None:
    text = "Write to first.last+x@mail.example.org, or http://a.example/b1 (call 30)."
    assert prose("Ask a.b+c@mail.example.org, @cat and x@y.") == f"Ask {' ' * 22}, {' ' * 4} and {' ' * 4}"
    assert list(_codes(text)) == ["first.last+x@mail.example.org", "http://a.example/b1"]
    assert "30" in quantities._NAMES.sub("", text) and "b1" not in quantities._NAMES.sub("", text)


@pytest.mark.parametrize("tag", ["rt", "rp", "nowiki"])
def test_elements_that_are_never_closed_are_passed_once(tag: str) -> None:
    began = time.process_time()
    assert plain_text(f"<{tag}>" * 30_000 + "cat").endswith("cat")
    assert time.process_time() - began < 10
    assert plain_text(f"a<{tag}>x<b>y</b></{tag}>b") == ("ax<b>y</b>b" if tag == "nowiki" else "ab")


def test_space_is_gone_through_once() -> None:
    began = time.process_time()
    spaces = "a" + " " * LONG + "b"
    assert one_line(spaces) == spaces and _plain(spaces) == spaces
    gutenberg("Project Gutenberg" + "\n" * LONG)
    assert time.process_time() - began < 10
    assert one_line(" a \n\n b\tc\u2028 d ") == "a b\tc d"
    assert _plain("a\\  \n  b\\n c  d") == "a  b\n c  d"  # an escaped space stays one
