"""`in2x instruct-check`: what the gates of the instruct stage do to a file of instructions, as a table by gate."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from in2x.commands.options import check_writable
from in2x.commands.show import AsJson, emit, progress, show, tell

if TYPE_CHECKING:
    from in2x.instructions.gate_check import Checked, Measured


def instruct_check(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            show_default=False,
            help="Instructions (.jsonl, .json, .parquet), or a labelled set (.yaml).",
        ),
    ],
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="Server address (ADDRESS#NAME) of a model: rule prompts and critic judge too."),
    ] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="SQLite file; an answer is paid for once.")] = None,
    skip: Annotated[list[str] | None, typer.Option("--skip", help="A rule that is off; may be given again.")] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Show only the items that their label contradicts.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a page (HTML) of all that fell.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the gates do to a file of instructions: by code, and by a judge with --judge.

    Of a labelled set (docs/instructions.md) precision and recall are shown. Exit code 0 whatever falls.
    """
    from in2x.artifact import write_text
    from in2x.errors import UsageError
    from in2x.instructions.config import RulesConfig
    from in2x.instructions.gate_check import by_code, by_judge, measured, read_cases, row
    from in2x.instructions.gate_page import render
    from in2x.instructions.rules import RULES

    if output:
        check_writable(output)
    if unknown := set(skip or ()) - set(RULES):
        raise UsageError(f"--skip {sorted(unknown)[0]}: no such rule; they are {', '.join(RULES)}")
    cases = read_cases(file)
    parts = {"code": by_code(cases, RulesConfig(skip=tuple(skip or ())))}
    if judge:
        from in2x.llm.cache import Cache
        from in2x.llm.open import open_judge

        asker = open_judge(judge, None, Cache(cache) if cache else None)
        with progress("judge", 2 * len(cases)) as advance:
            parts["judge"] = by_judge(asker, cases, lambda count, note: advance(count))
    figures = {name: measured(found, name == "judge") for name, found in parts.items()}
    shown = {name: [one for one in found if _wanted(one, wrong)] for name, found in parts.items()}
    if output:
        write_text(output, render(file.name, figures, shown))
        tell(f"written: {output}")
    if as_json:
        emit({name: asdict(figures[name]) | {"rows": [row(one) for one in shown[name]]} for name in parts})
        return
    for name, found in figures.items():
        _show(name, found, shown[name] if wrong else [])


def _wanted(one: Checked, wrong: bool) -> bool:
    return one.right is False if wrong else one.gate is not None or one.failed


def _show(name: str, found: Measured, rows: list[Checked]) -> None:
    from rich.table import Table
    from rich.text import Text

    labelled = found.precision is not None or found.sound_kept is not None
    gates = Table("gate", *(("faulty", "sound", "precision") if labelled else ("items", "share")), title=f"by {name}")
    for gate in found.gates:
        cells: tuple[Any, ...] = (gate.faulty, gate.sound, _share(gate.precision))
        gates.add_row(gate.name, *map(str, cells if labelled else (gate.unlabelled,
                                                                  _share(gate.unlabelled / found.items))))  # fmt: skip
    show(gates)
    if found.kinds:
        kinds = Table("kind", "items", "right")
        for kind, (items, right) in found.kinds.items():
            kinds.add_row(kind, str(items), str(right))
        show(kinds)
    if rows:
        wrongs = Table("kind", "gate", "lang", "prompt", "answer")
        for one in rows:
            item = one.case.item
            wrongs.add_row(f"{one.case.label}: {one.case.kind}", one.gate or "-", item.lang,
                           Text(item.messages[-1]["content"][:60]), Text((item.answer or "")[:120]))  # fmt: skip
        show(wrongs)
    parts = [f"{found.touched:,} of {found.items:,} items touched by {name}"]
    if found.failed:
        parts.append(f"{found.failed:,} without a verdict")
    if labelled:
        parts += [f"precision {_share(found.precision)}", f"recall {_share(found.recall)}"]
        parts.append(f"sound kept {_share(found.sound_kept)}")
        if found.recall_judge is not None:
            parts.append(f"of faults for a judge alone {_share(found.recall_judge)}")
    tell(", ".join(parts))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
