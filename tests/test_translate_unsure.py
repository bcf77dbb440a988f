"""A model that says how far it trusts its words: what it knows is not marked, of the rest it doubts some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conftest import PAIRS
from in2x.chat.source import Source
from in2x.formats.document import Options, Segment, Text
from in2x.translate.engine import LocalBackend
from in2x.translate.files import open_journal, read_paper
from in2x.translate.pieces import bodies, pieces, whole
from in2x.translate.translator import Translator

UNKNOWN = ["Parliament dissolved itself.", "Seven gold rings lie there.", "Bring me that horse, you fool!"]


@pytest.fixture(scope="module")
def translator(tiny_model: Path) -> Translator:
    backend = LocalBackend(tiny_model)
    backend.profile = replace(backend.profile, unsure=0.9)
    return Translator(backend, "tiny", probed=True)


def marked(translator: Translator, lines: list[str]) -> list[bool]:
    found = translator.translate(lines, "en", "ja", register="polite", checks="mark")
    return ["unsure" in {finding.principle for finding in one.findings} for one in found.outcomes]


def test_what_is_known_by_heart_is_not_marked(translator: Translator) -> None:
    known = [source for source, by_register in PAIRS.items() if "polite" in by_register]
    assert known and not any(marked(translator, known))
    found = translator.translate(UNKNOWN, "en", "ja", register="polite", checks="mark")
    doubted = [one for one in found.outcomes if any(f.principle == "unsure" for f in one.findings)]
    assert doubted  # so small a model is sure of some of its few answers, whatever it is asked
    assert all(one.confidence < 0.5 and "unsure of a word" in found.review() for one in doubted)


def test_models_that_do_not_ask_for_it_are_not_asked(tiny_model: Path) -> None:
    plain = Translator(LocalBackend(tiny_model), "tiny", probed=True)
    assert not any(marked(plain, UNKNOWN))


def test_sentences_are_doubted_as_they_were_asked(tiny_model: Path) -> None:
    backend = LocalBackend(tiny_model)
    backend.profile = replace(backend.profile, unsure=0.9, one_sentence=True)
    line = "Where is the station? She did not come."
    one, other = (PAIRS[text]["polite"] for text in ("Where is the station?", "She did not come."))
    asked = Source(line, "en", "ja", "polite")
    assert backend.sureness(asked, one + other) > 0.9  # type: ignore[operator]
    assert backend.sureness(asked, other + one) < 0.5, "each is held against its own"  # type: ignore[operator]
    assert backend.sureness(asked, one) is None, "which of the two it answers is not known"
    assert not any(marked(Translator(backend, "tiny", probed=True), [line, f"{UNKNOWN[0]}"])[:1])


def test_what_was_kept_is_doubted_line_by_line(translator: Translator, tmp_path: Path) -> None:
    source, out = tmp_path / "a.md", tmp_path / "b.md"
    text = "- Where is the station?\n- She did not come.\n\n> The cat sleeps in the garden.\n"
    source.write_text(text, encoding="utf-8")
    paper = read_paper(source, out, Options("en", "ja"), "txt")
    found = []
    for _ in range(2):
        with open_journal(source, out, "en", "ja") as journal:
            done = translator.translate(paper.document, "en", "ja", register="polite", checks="mark", journal=journal)
            found.append([(one.origin, [f.principle for f in one.findings]) for one in done.outcomes])
    assert [origin for origin, _ in found[1]] == ["kept"] * 3
    assert [doubts for _, doubts in found[0]] == [doubts for _, doubts in found[1]] == [[]] * 3


@pytest.mark.parametrize("text", ["- one", "  - one\n\n    * two  \nthree\n", "1. one\n---\ntwo"])
def test_the_bodies_of_a_whole_are_found_again(text: str) -> None:
    segment = Segment(text)
    parts = pieces(segment, marked=True)
    said = [Text(part.body.text.upper()) for part in parts]
    assert bodies(parts, whole(segment, parts, said).text) == [one.text for one in said]
    assert bodies(parts, "something else") == [] or not parts[0].head
