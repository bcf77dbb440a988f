"""A clock that is set back by a year, between two starts and within one: nothing is lost, late or negative."""

from __future__ import annotations

import email.utils
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from in2x.artifact import begin, write_json
from in2x.llm.wire import retry_after
from in2x.people.store import Store
from in2x.stage import PROGRESS
from people_campaign import ASSIGNMENTS, campaign

YEAR = 365 * 86_400.0
In2x = Callable[..., tuple[int, str, str]]


class Clock:
    """`time.time` of this process, which may be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off, true = 0.0, time.time
        monkeypatch.setattr(time, "time", lambda: true() + self.off)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_time_left_of_a_run_is_what_its_pace_says(tmp_path: Path, in2x: In2x, clock: Clock) -> None:
    from test_status_compare import states

    partial = tmp_path / ".partial" / "sft"
    begin(partial, "key")
    (partial / "work").mkdir()
    write_json(partial / "work" / PROGRESS,
               {"what": "sft", "done": 50, "total": 200, "pace": 2.0, "note": "", "time": time.time()})  # fmt: skip
    for off in (-YEAR, YEAR):
        clock.off = off
        with (tmp_path / ".lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            left = states(in2x, tmp_path)["sft"]["left"]
        assert 0 <= left <= 76, left  # 150 steps at 2/s


def test_a_server_that_says_when_is_believed_by_its_own_clock(clock: Clock) -> None:
    now = time.time()
    head = {
        "date": email.utils.formatdate(now, usegmt=True),
        "retry-after": email.utils.formatdate(now + 7, usegmt=True),
    }
    for clock.off in (0.0, -YEAR, YEAR):
        assert retry_after(head) == pytest.approx(7, abs=1)


def test_judgements_keep_their_order_and_links_stay_good(tmp_path: Path, clock: Clock) -> None:
    from in2x.people.roster import Roster
    from test_people_server import running, score

    with Store.open(tmp_path / "people.db", create=True) as store:
        store.add_campaign(campaign(), ASSIGNMENTS)
        token = Roster(store).invite("demo", "ann", days=7)
    for turn, off in enumerate((0.0, -YEAR)):
        clock.off = off
        with Store.open(tmp_path / "people.db") as store, running(store) as site, site.client(token) as ann:
            assert ann.get("/api/task").json()["status"] == "open"
            events = [score(10 * turn + n) for n in range(3)]
            said = ann.post("/api/events", json={"tab": "t", "events": events}).json()
            assert len(said["saved"]) == 3 and said["versions"] == {"i-1-a": 3 * turn + 3}
            if turn:  # set back while it serves
                clock.off -= YEAR
                ann.post("/api/events", json={"tab": "t", "events": [score(77)]})
            shown = ann.get("/api/state").json()["items"]["i-1-a"]["candidates"]["c-1-a"]["score"]
            assert shown == (77 if turn else 2)
    with Store.open(tmp_path / "people.db") as store:
        values = [one.value["score"] for one in store.events("demo", "ann")]
    assert values == [0, 1, 2, 10, 11, 12, 77]


def test_documents_and_glossaries_stay_and_the_time_left_is_not_negative(tmp_path: Path, clock: Clock) -> None:
    from in2x.serve.resources import Resources
    from serve_running import serving

    gate = threading.Event()
    lines = [f"Hat {n}." for n in range(60)]
    with serving(lambda source: (gate.wait(0.05), f"訳{source.text}")[1], tmp_path) as server:
        body = {"name": "a", "source_lang": "en", "target_lang": "ja", "entries": "hat\t帽子"}
        glossary = server.call("POST", "v2/glossaries", json=body).json()["glossary_id"]
        form = {"source_lang": "EN", "target_lang": "JA"}
        files = {"file": ("hats.txt", "\n".join(lines).encode())}
        said = server.call("POST", "v2/document", files=files, data=form).json()
        key = {"document_key": said["document_key"]}
        clock.off = -YEAR
        while (told := server.call("POST", f"v2/document/{said['document_id']}", json=key).json())["status"] != "done":
            assert told["status"] != "error" and told.get("seconds_remaining", 1) >= 1, told
            gate.set()
            time.sleep(0.02)
    Resources(tmp_path).sweep()
    with serving(lambda source: f"訳{source.text}", tmp_path) as server:
        assert server.call("GET", f"v2/glossaries/{glossary}/entries").text == "hat\t帽子"
        text = server.call("POST", f"v2/document/{said['document_id']}/result", json=key).text
    assert text.split("\n") == [f"訳{line}" for line in lines]


CLOCK = """
import os, time
true = time.time
def told():
    try:
        return true() + float(open(os.environ["CLOCK"]).read())
    except (OSError, ValueError):
        return true()
time.time = told
"""


@pytest.mark.slow
def test_a_run_goes_on_through_both(tmp_path: Path) -> None:
    """Set back while it trains, killed, set back again: its model is that of a run that nobody disturbed."""
    from killing import RECIPE

    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    off = tmp_path / "off"
    off.write_text("0")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "CLOCK": str(off),
                   "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}  # fmt: skip

    def begun(out: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "in2x", "run", str(RECIPE), "--out", str(out), "--until", "pretrain"]
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    calm, out = begun(tmp_path / "calm"), tmp_path / "run"
    assert calm.wait() == 0, calm.stderr and calm.stderr.read()[-2000:]
    shutil.copytree(tmp_path / "calm" / "data", out / "data")
    shutil.copytree(tmp_path / "calm" / "corpus", out / "corpus")
    disturbed = begun(out)
    for stage, years in (("base", 1), ("pretrain", 2)):
        while not (out / ".partial" / stage / ".key").exists():
            assert disturbed.poll() is None
            time.sleep(0.02)
        off.write_text(str(-years * YEAR))
    disturbed.kill()
    disturbed.wait()
    off.write_text(str(-3 * YEAR))
    again = begun(out)
    said = again.communicate()[1]
    assert again.returncode == 0, said[-2000:]
    name = Path("pretrain") / "model" / "model.safetensors"
    assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
    log = (out / "run.jsonl").read_text()
    assert '"seconds": -' not in log and '"seconds": -' not in (out / "pretrain" / "manifest.json").read_text()
