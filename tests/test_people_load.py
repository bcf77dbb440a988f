"""The load of a campaign in short: many save at once, and the server is killed while they do."""

from __future__ import annotations

import asyncio
import importlib.util
import resource
import sys
from pathlib import Path
from types import ModuleType

import pytest

from postgresql import Cluster, missing

FILE = Path(__file__).parents[1] / "benchmarks" / "people_load.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("people_load", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["people_load"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_doubled_when_the_server_is_killed(bench: ModuleType, database: str, tmp_path: Path) -> None:
    if database == "postgresql" and (why := missing()):
        pytest.skip(why)
    cluster = Cluster() if database == "postgresql" else None
    try:
        store = cluster.database("load") if cluster else str(tmp_path / "load.db")
        tokens = bench.fill(store, 50)
        figures = asyncio.run(bench.load(store, tokens, every=0.5, seconds=25, kills=4))
    finally:
        if cluster:
            cluster.close()
    assert figures["restarts"] == figures["kills"] == 4
    assert figures["lost"] == figures["doubled"] == figures["refused"] == figures["unacknowledged"] == 0
    assert figures["saves"] > 200


@pytest.mark.slow
def test_two_hundred_people_cost_less_than_half_a_core(bench: ModuleType, tmp_path: Path) -> None:
    """A save every 2 s each. How long one takes hangs on what else the machine does (docs/people.md); what it costs
    does not: below 5 ms, the server's start included, 100 a second leave a core idle half of the time.
    """
    store = str(tmp_path / "load.db")
    tokens = bench.fill(store, 200)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = asyncio.run(bench.load(store, tokens, every=2.0, seconds=20, kills=0))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert figures["saves"] > 1000
    assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / figures["saves"] < 0.005
    assert figures["lost"] == figures["doubled"] == figures["refused"] == 0 and not figures["faults"]
