"""What the commands show: the result of a run, its plan, a progress bar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from in2x.artifact import Artifact
from in2x.commands.knobs import Knob, knobs
from in2x.cost import Hardware, costs, shape_of
from in2x.recipe import Recipe
from in2x.run import forecast
from in2x.stage import console


def duration(seconds: float) -> str:
    """`seconds` for people: "8 s", "3 min 20 s", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Any]:
    """A bar on stderr for a command that is no stage; yields `advance(count)`. Nothing where stderr is no terminal."""
    bar = Progress(
        TextColumn(f"[bold]{what}[/bold]"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("eta"), TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(task, advance=count)


def show_result(recipe: Recipe, out: Path, artifacts: Mapping[str, Artifact], to: Console) -> None:
    """Say where model and report are, and show three translations of held-out sentences."""
    if "evaluate" in artifacts:
        samples = sample_translations(artifacts["evaluate"].path / "outputs.parquet", recipe.languages.target)
        if samples:
            table = Table(title="Held-out sentences", box=box.SIMPLE_HEAD, title_justify="left", expand=False)
            for column in ("register", "source", "translation", "reference"):
                table.add_column(column, overflow="fold")
            for row in samples:
                table.add_row(*(Text(row.get(c) or "") for c in ("register", "source", "hypothesis", "reference")))
            to.print(table)
    lines = {"model": out / "model", "report": out / "report" / "report.html"}
    for name, path in lines.items():
        if path.exists():
            to.print(f"[bold]{name:7}[/bold] {path}", soft_wrap=True)
    if lines["model"].exists():
        hub, target = recipe.languages.hub, recipe.languages.target
        to.print(f"[bold]{'try':7}[/bold] echo \"I can't make heads or tails of it.\" | in2x translate "
                 f"--model {lines['model']} --from {hub} --to {target}", soft_wrap=True)  # fmt: skip


def sample_translations(file: Path, target: str, count: int = 3) -> list[dict[str, Any]]:
    """`count` rows of the last system's outputs into `target`, of different domains and registers where possible."""
    if not file.is_file():
        return []
    columns = ["system", "pair", "source", "reference", "register", "domain", "hypothesis"]
    rows = pq.read_table(file, columns=columns).to_pylist()
    rows = [r for r in rows if r["system"] == rows[-1]["system"] and r["pair"].endswith(f"-{target}")]
    chosen: list[dict[str, Any]] = []
    # Longer sentences say more about a translator than the first ones of a file.
    for row in sorted(rows, key=lambda r: -len(r["source"])):
        if all((row["domain"], row["register"]) != (c["domain"], c["register"]) for c in chosen):
            chosen.append(row)
        if len(chosen) == count:
            break
    return chosen


STATUS_STYLE = {"unchanged": "dim", "resumes": "yellow", "runs": "green", "runs again": "green"}


def show_plan(recipe: Recipe, out: Path, hardware: Hardware, to: Console, *, as_json: bool) -> None:
    """Print what a run would do, stage by stage, and what its training takes on `hardware`."""
    stages = forecast(recipe, out)
    shape, known_from = shape_of(recipe)
    estimates = list(costs(recipe, hardware))
    if as_json:
        listed = [{"stage": s.room.name, "status": s.status, "why": s.why, "seconds": s.seconds} for s in stages]
        print_json(
            {
                "recipe": recipe.name,
                "out": str(out),
                "stages": listed,
                "parameters": shape.parameters,
                "hardware": vars(hardware),
                "costs": [vars(cost) for cost in estimates],
            }
        )
        return
    table = Table(title=f"{recipe.name} -> {out}", box=box.SIMPLE_HEAD, title_justify="left")
    for column in ("stage", "what happens", "why", "last took"):
        table.add_column(column)
    for stage in stages:
        table.add_row(
            stage.room.name,
            Text(stage.status, style=STATUS_STYLE[stage.status]),
            stage.why,
            "" if stage.seconds is None else duration(stage.seconds),
        )
    to.print(table)
    machine = f"{hardware.count} x {hardware.device} at {hardware.utilisation:.0%} of peak"
    table = Table(
        title=f"{shape.parameters / 1e6:,.1f}M parameters ({known_from}) on {machine}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    for column in ("stage", "tokens", "steps", "FLOPs", "memory", "device h", "wall"):
        table.add_column(column, justify="left" if column == "stage" else "right", no_wrap=True)
    for cost in estimates:
        hours = cost.device_hours
        over = cost.memory > hardware.kind.memory
        table.add_row(
            cost.stage.replace("pretrain phase", "phase "),
            "?" if cost.tokens is None else scaled(cost.tokens),
            "?" if cost.steps is None else f"{cost.steps:,}",
            "?" if cost.flops is None else f"{cost.flops:.2e}",
            Text(f"{cost.memory / 1e9:.1f} GB" + (" !" if over else ""), style="red" if over else ""),
            "?" if hours is None else f"{hours:,.{2 if hours < 100 else 0}f}",
            "?" if hours is None else wall(hours * 3600 / hardware.count),
        )
    to.print(table)
    if any(cost.memory > hardware.kind.memory for cost in estimates):
        room = f"{hardware.kind.memory / 1e9:.0f} GB"
        to.print(Text(f"! more than the {room} of one device: take more of them", style="red"))
    for cost in estimates:
        to.print(Text.assemble((f"{cost.stage}: ", "bold"), cost.words))
    to.print(ASSUMPTIONS)


def scaled(count: float) -> str:
    """A count in three digits: 950, 12.3k, 400M, 2.5T."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g}{letter}"
    return f"{count:g}"


def wall(seconds: float) -> str:
    """A duration; in days where it is more than three of them."""
    return f"{seconds / 86400:,.1f} days" if seconds > 3 * 86400 else duration(seconds)


ASSUMPTIONS = (
    "Estimates, not measurements. N parameters, L layers, d width, c context. Training 6 N + 6 L d c operations a "
    "token (causal attention); memory of a device: 16 bytes a parameter (bf16 weights and gradients, fp32 master copy "
    "and Adam moments) shared out over all devices, activations of one sequence checkpointed at each layer, logits of "
    "2,048 positions at a time. ? means that the recipe alone does not tell."
)


def show_knobs(recipe: Recipe, to: Console, *, as_json: bool) -> None:
    """Print every knob with its value, unit, source and meaning."""
    listed = list(knobs(recipe))
    if as_json:
        print_json([vars(knob) for knob in listed])
    else:
        _show_knobs(listed, to)


def _show_knobs(listed: list[Knob], to: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for column, options in {
        "knob": {"no_wrap": True}, "value": {"overflow": "fold"}, "unit": {}, "source": {}, "meaning": {"ratio": 1},
    }.items():  # fmt: skip
        table.add_column(column, **options)  # type: ignore[arg-type]
    for knob in listed:
        value = json.dumps(knob.value, ensure_ascii=False, default=str)
        changed = knob.value != knob.default
        table.add_row(knob.name, Text(value, style="bold" if changed else ""), knob.unit, knob.source, Text(knob.doc))
    to.print(table)
    to.print("Bold values differ from the default. Override any of them: --set KNOB=VALUE")


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))
