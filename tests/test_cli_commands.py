"""The list of commands: loaded when asked for, each with a line and an example that parses, completed by the shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.table import Table

from in2x.cli import COMMANDS, app
from in2x.commands.examples import EXAMPLES
from in2x.commands.show import note, show, tell
from test_docs import test_in2x_commands_parse as parses

HEAVY = ("torch", "transformers", "numpy", "pyarrow", "pydantic", "yaml", "jinja2")


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(path)
        return
    for name in inner:
        yield from leaves(inner[name], (*path, name))


LEAVES = list(leaves(typer.main.get_command(app)))


def test_every_command_has_an_example_and_no_example_is_of_nothing() -> None:
    assert set(LEAVES) == set(EXAMPLES)


@pytest.mark.parametrize("command", LEAVES)
def test_an_example_parses(command: str, tmp_path: Path) -> None:
    parses(Path("--help"), shlex.split(f"in2x {command} {EXAMPLES[command]}"), True, tmp_path)


def test_the_help_of_a_command_shows_its_example(in2x) -> None:
    for command in ("translate", "sft", "people invite", "evaluate mbr"):
        code, out, _ = in2x(*command.split(), "--help")
        assert code == 0 and f"  in2x {command} {EXAMPLES[command]}" in out


def test_the_list_has_a_whole_line_for_each(in2x) -> None:
    out = in2x("--help")[1]
    for name, entry in COMMANDS.items():
        assert entry.line.endswith(".") and f"  {name} " in out
        assert " ".join(entry.line.split()) in " ".join(out.split()), name


def python(*arguments: str, **environment: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=120,
                          env={**os.environ, **environment})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_loads_nothing_heavy() -> None:
    """On an idle core it takes .15 s; what would make it slow again is an import (a clock would tell of the load)."""
    seen = python("-c", "import sys; from in2x.cli import main; main(['--help']); print(*sys.modules)")
    assert not set(HEAVY) & set(seen.split())


def test_the_shell_completes_commands_and_options() -> None:
    def completed(words: str) -> list[str]:
        count = str(len(words.split(" ")) - 1)
        return python("-m", "in2x", _IN2X_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count).split()

    assert completed("in2x sta") == ["status"]
    assert "judge-check" in completed("in2x evaluate ")
    assert "--register" in completed("in2x translate --re")


def test_brackets_in_names_and_in_words_of_servers_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("[/head]")
    table.add_row("a[/b]c")
    show(table)
    tell("runs/a[/]b: done")
    note("400: no [/INST] here")
    out, err = capsys.readouterr()
    assert "[/head]" in out and "a[/b]c" in out
    assert err == "runs/a[/]b: done\nnote  400: no [/INST] here\n"
