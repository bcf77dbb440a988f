"""Folders that nobody may write into: one sentence before any work is done, and what only reads goes on reading.

The disk is a tmpfs that is mounted read-only, which holds for root too; the rights of a folder do not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chat_server import ChatServer, source_of

if TYPE_CHECKING:
    from small_disk import Disk

TINY = Path(__file__).parents[1] / "recipes" / "tiny.yaml"
In2x = Callable[..., tuple[int, str, str]]


@pytest.fixture
def locked(disk: Disk) -> Path:
    """A read-only folder with a text, a run that was begun, and a store of judgements."""
    from in2x.people.store import Store
    from people_campaign import ASSIGNMENTS, campaign

    (disk.path / "in.txt").write_text("The cat sleeps.\n")
    (disk.path / "run").mkdir()
    with Store.open(str(disk.path / "people.db"), create=True) as store:
        store.add_campaign(campaign(), ASSIGNMENTS)
    disk.lock()
    return disk.path


def test_what_would_write_there_is_one_sentence(locked: Path, tmp_path: Path, in2x: In2x) -> None:
    asked = []
    with ChatServer(lambda body: asked.append(body) or f"訳{source_of(body)}") as server:
        model = ("--model", server.url, "--profile", "chat", "--no-probe", "--from", "en", "--to", "ja")
        text = locked / "in.txt"
        for command in (
            ("run", TINY, "--out", locked / "new"),
            ("run", TINY, "--out", locked / "run"),
            ("translate", text, "-o", locked / "out.txt", *model),
            ("translate", text, "-o", tmp_path / "o.txt", "--cache", locked / "cache.sqlite", *model),
            ("translate", text, "-o", locked / "o.txt", "--qe", *model),
            ("translate", text, "-o", tmp_path / "o.txt", "--report", locked / "page.html", *model),
            ("serve", "--port", 0, "--data", locked / "data", *model),
            ("people", "campaign", TINY.parents[2] / "recipes" / "people-demo.yaml", "--store", locked / "new.db"),
            ("terms", text, "--from", "en", "--to", "ja", "-o", locked / "terms.tsv"),
            ("check", text, text, "--from", "en", "--to", "ja", "-o", locked / "page.html"),
        ):
            code, _, said = in2x(*command)
            told = [line for line in said.splitlines() if line.startswith("in2x: ")]
            assert code in (1, 2) and len(told) == 1 and "Traceback" not in said, (command, said)
            assert str(locked) in told[0], told
    assert not asked, "a model is asked nothing before it is known that the answer can be kept"
    assert not (tmp_path / "o.txt").exists()


def test_what_only_reads_goes_on(locked: Path, tmp_path: Path, in2x: In2x, tiny_model: Path, disk: Disk) -> None:
    disk.lock(False)
    shutil.copytree(tiny_model, locked / "model")
    disk.lock()
    code, said, _ = in2x("translate", locked / "in.txt", "--model", locked / "model", "--from", "en", "--to", "ja")
    assert code in (0, 3) and said.count("\n") == 1
    assert in2x("language", "identify", locked / "in.txt")[1].strip() == "en"
    assert in2x("people", "backup", tmp_path / "b.jsonl.gz", "--store", locked / "people.db")[0] in (0, 1)
