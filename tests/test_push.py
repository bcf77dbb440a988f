"""`in2x push` against a stand-in of the hub: what goes up, with which card, and what stays here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.torch import load as read_safetensors

from hub_server import TOKEN, Hub
from in2x import push
from in2x.errors import In2xError, UsageError
from test_report import synthetic_run


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


def in2x(hub: Hub, *arguments: object, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the hub's client reads its address when it is imported."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    there = {**kept, "HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1", "HF_HOME": "/nonexistent"}
    return subprocess.run([sys.executable, "-m", "in2x", "push", *map(str, arguments)], env=there, text=True,
                          capture_output=True, timeout=120, check=False)  # fmt: skip


def head(card: bytes | str) -> dict[str, object]:
    text = card.decode() if isinstance(card, bytes) else card
    return yaml.safe_load(text.split("---\n")[1])


def test_a_model_goes_up_whole_and_loads(hub: Hub, tiny_model: Path, tmp_path: Path) -> None:
    import shutil

    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    (model / "manifest.json").write_text('{"command": "/home/someone/secret"}')
    (model / "optimizer.pt").write_bytes(b"not for others")
    done = in2x(hub, model, "me/tiny", "--private", "--license", "apache-2.0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.url}/me/tiny"
    there = hub.files["model", "me/tiny", "main"]
    assert {"config.json", "tokenizer.json", "in2x_prompt.json", "README.md", "model.safetensors"} <= set(there)
    assert not {"manifest.json", "optimizer.pt"} & set(there)
    assert read_safetensors(there["model.safetensors"]) and hub.private["me/tiny"]
    assert head(there["README.md"])["license"] == "apache-2.0"
    again = in2x(hub, model, "me/tiny", "--revision", "second")
    assert again.returncode == 0, again.stderr
    assert "config.json" in hub.files["model", "me/tiny", "second"]


def test_data_goes_up_with_a_card_that_loads_it(hub: Hub, tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    done = in2x(hub, run / "data", "me/pairs")
    assert done.returncode == 0, done.stderr
    there = hub.files["dataset", "me/pairs", "main"]
    assert set(there) == {"pairs.train.parquet", "pairs.dev.parquet", "pairs.test.parquet", "README.md"}
    splits = {part["split"]: part["path"] for part in head(there["README.md"])["configs"][0]["data_files"]}  # type: ignore[index]
    assert splits == {"train": ["pairs.train.parquet"], "validation": ["pairs.dev.parquet"],
                      "test": ["pairs.test.parquet"]}  # fmt: skip
    assert str(tmp_path) not in there["README.md"].decode()
    (tmp_path / "x").mkdir()
    for name, raw in there.items():
        (tmp_path / "x" / name).write_bytes(raw)
    assert pq.read_table(tmp_path / "x" / "pairs.dev.parquet").num_rows > 0
    from datasets import load_dataset

    loaded = load_dataset(str(tmp_path / "x"), "pairs", split="validation", streaming=True)
    assert "source" in next(iter(loaded))


def test_the_card_of_instructions_names_their_licences(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path / "run")
    kind, files = push.contents(run / "instruct")
    assert kind == "dataset" and files == ["pool.rl.parquet", "pool.sft.parquet"], "verdicts are about the work"
    card = push.data_card(run / "instruct", files, "me/pool", None)
    assert "| not said | 900 |" in card and 'load_dataset("me/pool", "pool.sft")' in card
    assert "in2x" in head(card)["tags"]  # type: ignore[operator]


def test_a_refusal_is_one_sentence(hub: Hub, tiny_model: Path) -> None:
    done = in2x(hub, tiny_model, "me/tiny", token="hf_wrong")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "HF_TOKEN" in done.stderr and "Traceback" not in done.stderr and "hf_wrong" not in done.stderr
    assert not hub.files


def test_what_is_neither_and_what_would_go(
    in2x: Callable[..., tuple[int, str, str]], tiny_model: Path, tmp_path: Path
) -> None:
    code, out, _ = in2x("push", tiny_model, "me/tiny", "--dry-run")
    assert code == 0 and "model.safetensors" in out.split()
    with pytest.raises(UsageError, match="neither"):
        push.contents(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(In2xError, match="safetensors"):
        push.contents(tmp_path)
    with pytest.raises(UsageError, match="OWNER/NAME"):
        push.push(tiny_model, "tiny")
