"""A model that says how far it trusts its words: what it knows is not marked, of the rest it doubts some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conftest import PAIRS
from in2x.translate.engine import LocalBackend
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
