"""Who looks at an item changes nothing: here or in other processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from in2x.instructions import looked as room
from in2x.instructions.candidate import Candidate
from in2x.instructions.config import RulesConfig
from in2x.records import Instruction


def candidates() -> Iterator[Candidate]:
    answers = ["Sure! Here is the poem you asked for:\n\nThe tide comes in.", "As an AI I cannot help with that.", "",
               "海は青い。", "The moon is up."]  # fmt: skip
    for number in range(12):
        lang = "ja" if number % 5 == 3 else "en"
        messages = [{"role": "user", "content": f"Write a short poem about boat {number // 2}."}]
        item = Instruction(f"{number}", lang, "poem", messages, answers[number % 5], origin="magpie")  # type: ignore[arg-type]
        yield Candidate(item, fault="two answers disagree" if number == 7 else None)


def told(given: Iterator[Candidate], workers: int) -> list[object]:
    return [
        (one.candidate, tuple(one.taken), one.text, one.fault() if one.candidate.fault is None else None)
        for one in room.looked(given, RulesConfig(), workers)
    ]


@pytest.mark.slow
def test_other_processes_say_the_same_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = told(candidates(), 2)
    assert {fault[0] for *_, fault in alone if fault} >= {"empty"} and any(taken for _, taken, *_ in alone)  # type: ignore[has-type, misc, attr-defined]
    monkeypatch.setattr(room, "ALONE", 2)
    monkeypatch.setattr(room, "BATCH", 3)
    assert told(candidates(), 2) == alone

    def broken() -> Iterator[Candidate]:
        yield from candidates()
        yield Candidate(Instruction("x", "en", "poem", [{"role": "user", "content": None}], "The moon."))  # type: ignore[dict-item]

    with pytest.raises((AttributeError, TypeError)):
        told(broken(), 2)


def test_a_few_are_looked_at_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ProcessPoolExecutor", None)
    assert len(told(candidates(), 2)) == 12
