"""The corpus stage on Ray: a local cluster of its own with two workers gives the documents that one process gives."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from in2x.records import Document, Verdict, read_records
from test_corpus_stage import _data, _rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'in2x[ray]'"),
]

# Daft's runner cannot be changed in a process, so each engine gets one.
SCRIPT = """
import sys
from pathlib import Path
from in2x.artifact import Artifact
from test_corpus_stage import _run
if __name__ == "__main__":
    engine, data, out = sys.argv[1:]
    if engine == "ray":
        import ray
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    knobs = {"heldout": 4, "split_mb": 1, "shard_mb": 1, "engine": engine, "dedup": {"near": True}}
    _run(Path(out), Artifact.open(Path(data)), knobs)
    if engine == "ray":
        import daft
        assert daft.get_or_infer_runner_type() == "ray", daft.get_or_infer_runner_type()
        tasks = ray.cluster_resources()["CPU"]
        assert tasks == 2, tasks
        ray.shutdown()
"""


def documents(folder: Path) -> list[Document]:
    found = [d for file in sorted((folder / "documents").glob("*.parquet")) for d in read_records(file, Document)]
    return sorted(found, key=lambda d: d.id)


def test_ray_reports_nothing() -> None:
    script = "import in2x.corpus; from ray._common.usage.usage_lib import usage_stats_enabled as on; print(on())"
    quiet = {name: value for name, value in os.environ.items() if name != "RAY_USAGE_STATS_ENABLED"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, env=quiet)
    assert done.stdout.split()[-1:] == ["False"], done.stderr[-2000:]


def test_ray_gives_what_one_process_gives(tmp_path: Path) -> None:
    rows = _rows(240)
    rows += [{**rows[k], "id": f"copy{k}"} for k in range(0, 40, 2)]
    data = _data(tmp_path / "data", rows)
    script = tmp_path / "engine.py"
    script.write_text(SCRIPT, encoding="utf-8")
    tests = str(Path(__file__).parent)
    paths = [tests, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for engine in ("native", "ray"):
        command = [sys.executable, str(script), engine, str(data.path), str(tmp_path / engine)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
    one, many = documents(tmp_path / "native"), documents(tmp_path / "ray")
    assert len(one) > 100
    assert one == many
    verdicts = [
        sorted((v.id, v.stage, v.reason or "") for v in read_records(tmp_path / engine / "verdicts.parquet", Verdict))
        for engine in ("native", "ray")
    ]
    assert verdicts[0] == verdicts[1]
