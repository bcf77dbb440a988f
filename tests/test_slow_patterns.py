"""Patterns over texts that were made to be slow: 100,000 characters take no more than their length asks for."""

from __future__ import annotations

import time

import pytest

from in2x.corpus.readers.wikitext import plain_text
from in2x.language import anchors
from in2x.principles import quantities
from in2x.principles.document_checks import _codes

LONG = 100_000
TEXTS = {
    "letters": "a" * LONG,
    "mail": "a@" * (LONG // 2),
    "dots": "a.b@" * (LONG // 4),
    "slashes": "http://" + "a." * LONG,
}


@pytest.mark.parametrize("name", TEXTS)
def test_addresses_are_looked_for_in_a_pass(name: str) -> None:
    began = time.process_time()
    list(_codes(TEXTS[name]))
    quantities._NAMES.sub("", TEXTS[name])
    anchors._SAME.findall(TEXTS[name])
    assert time.process_time() - began < 10  # minutes, before


def test_addresses_are_still_found() -> None:
    text = "Write to first.last+x@mail.example.org, or http://a.example/b1 (call 30)."
    assert list(_codes(text)) == ["first.last+x@mail.example.org", "http://a.example/b1"]
    assert "30" in quantities._NAMES.sub("", text) and "b1" not in quantities._NAMES.sub("", text)


@pytest.mark.parametrize("tag", ["rt", "rp", "nowiki"])
def test_elements_that_are_never_closed_are_passed_once(tag: str) -> None:
    began = time.process_time()
    assert plain_text(f"<{tag}>" * 30_000 + "cat").endswith("cat")
    assert time.process_time() - began < 10
    assert plain_text(f"a<{tag}>x<b>y</b></{tag}>b") == ("ax<b>y</b>b" if tag == "nowiki" else "ab")
