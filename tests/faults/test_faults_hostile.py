"""Hostile inputs end in one sentence or a sane result; `benchmarks/hostile.py` tries all of them with the same code."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from hostile import tried
from hostile_rooms import inputs


def test_there_are_more_than_a_thousand_in_every_room() -> None:
    everything = inputs()
    assert len(everything) > 1_000 and len({(one.room, one.label) for one in everything}) == len(everything)
    assert len({one.room for one in everything}) >= 12


@pytest.mark.slow
def test_some_of_each_room(tmp_path: Path) -> None:
    """Twelve of each, always the same."""
    everything, chance = inputs(), random.Random(1)
    rooms: dict[str, list[int]] = {}
    for number, one in enumerate(everything):
        rooms.setdefault(one.room, []).append(number)
    chosen = [n for numbers in rooms.values() for n in chance.sample(numbers, 12)]
    came: dict[int, dict[str, Any]] = {}
    tried(chosen, tmp_path, lambda number, told: came.update({number: told}))
    faults = {f"{everything[n].room}: {everything[n].label}": told["why"] for n, told in came.items()
              if told["came"] == "fault"}  # fmt: skip
    assert len(came) == len(chosen) and not faults, faults
