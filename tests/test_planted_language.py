"""What is planted in good translations is seen, and good ones pass: `benchmarks/planted_language.py` with limits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from in2x.language.japanese.roles import role_language

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))  # it reads its pairs as wrong_language.py does
    spec = importlib.util.spec_from_file_location("planted_language", BENCHMARKS / "planted_language.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.shared
def test_planted_faults_are_caught(benchmark: ModuleType, shared_data: Path) -> None:
    counts = benchmark.measure(shared_data, each=60)
    for kind, least in {
        "clause left": 0.97, "third language": 0.98, "source copied": 0.98, "name swapped, reference": 0.95,
        "name swapped, no reference": 0.65,
    }.items():  # fmt: skip
        count = counts[kind]
        assert sum(n for (_, caught), n in count.items() if caught) >= least * count.total(), kind
    verdicts = benchmark.alarms(shared_data, 100, "all")
    assert verdicts[False] <= 0.001 * verdicts.total()


@pytest.mark.shared
def test_ordinary_japanese_hardly_plays_a_role(shared_data: Path) -> None:
    rows = (shared_data / "register" / "formality.en-ja.jsonl").read_text("utf-8").split("\n")
    texts = [json.loads(row)["formal"] for row in rows if row]
    assert sum(bool(role_language(text)) for text in texts) <= 0.002 * len(texts)
