"""What `in2x run` says of the time it will take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from in2x.cost import clock

TINY = Path(__file__).parent / "recipes" / "tiny.yaml"


def test_it_grows_with_both_of_its_parts_and_names_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "products", lambda: 1e11)
    monkeypatch.setattr(clock, "slowness", lambda: 2.0)
    told = clock.expected(150, 6e13)
    assert told.startswith("some 15 minutes if nothing else is at work here (")
    assert told.endswith(", 100 GFLOP/s)")
    assert clock.expected(10, 1e12).startswith("about a minute")


def test_a_run_says_at_once_how_long_it_will_be(in2x: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{\n", encoding="utf-8")
    asked = ("run", TINY, "--set", f"data.train={broken}")
    code, out, err = in2x(*asked, "--set", "takes.seconds=600", "--out", tmp_path / "timed")
    assert code == 1 and "minutes if nothing else is at work here" in out + err
    code, out, err = in2x(*asked, "--out", tmp_path / "untimed")
    assert code == 1 and "minutes if" not in out + err
