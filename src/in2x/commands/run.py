"""`in2x run` and one command a stage: run a recipe, then show where the result is and what it translates."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from in2x.commands.show import Force, Keep, Out, RecipeFile, Sets
from in2x.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from in2x.artifact import Artifact
    from in2x.recipe import Recipe


def run_recipe(
    recipe: RecipeFile,
    out: Out = None,
    sets: Sets = None,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="STAGE", help="Start here; what lies before is kept, or taken from runs/NAME."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="STAGE", help="Stop after this stage.")] = None,
    force: Force = False,
    keep: Keep = False,
    launch: Annotated[
        str | None, typer.Option("--launch", metavar="COMMAND", help="Starts the training processes (knob `launch`).")
    ] = None,
    shrink: Annotated[
        bool,
        typer.Option("--shrink", help="Rehearse: every stage, in minutes, on a tiny random model of the same family."),
    ] = False,
) -> None:
    """Run a recipe: from raw text to a translator and a report. Finished stages are kept, killed ones resumed."""
    if shrink:
        _rehearse(recipe, out, sets or [], first, until, launch or "")
        return
    given = [*(sets or []), *([] if launch is None else [f"launch={json.dumps(launch)}"])]
    _run(recipe, out, given, first, until, force, keep)


def _rehearse(file: Path, out: Path | None, sets: list[str], first: str | None, until: str | None, launch: str) -> None:
    import time

    from rich.console import Console
    from rich.text import Text

    from in2x.commands.show import duration
    from in2x.recipe import load_recipe
    from in2x.run import run
    from in2x.shrink.recipe import shrunk
    from in2x.shrink.server import serve
    from in2x.stage import say

    began = time.monotonic()
    recipe = load_recipe(file, sets)
    folder = out or Path("runs") / f"{recipe.name}-shrink"
    with serve(recipe.languages.all) as server:
        small = shrunk(recipe, folder / ".shrink", server, launch, lambda text: say("shrink", text))
        artifacts = run(small, folder, first=first, until=until)
    took, page = duration(time.monotonic() - began), folder / "report" / "report.html"
    said = (
        f" {len(artifacts)} stages of {file} in {took}: each ran, and what came out means nothing. The report: {page}"
    )
    Console(highlight=False).print(Text.assemble(("rehearsed", "bold"), said), soft_wrap=True)


def _run(
    file: Path, out: Path | None, sets: list[str], first: str | None, until: str | None, force: bool, keep: bool
) -> None:
    from rich.console import Console

    from in2x.artifact import MANIFEST
    from in2x.cost.lacking import refuse
    from in2x.recipe import load_recipe
    from in2x.run import STAGES, room, run

    if force and keep:
        raise UsageError("--force makes anew and --keep keeps", mend="give one of them")
    recipe = load_recipe(file, sets)
    usual = Path("runs") / recipe.name
    folder = out or usual
    begin = STAGES.index(room(first).name) if first else 0
    end = STAGES.index(room(until).name) + 1 if until else len(STAGES)
    # What is there already lacks nothing; a stage that is to run is refused before the first of them does.
    refuse(recipe, [name for name in STAGES[begin:end] if not (folder / name / MANIFEST).exists()])
    if recipe.takes.seconds and end - begin == len(STAGES) and not any((folder / name).exists() for name in STAGES):
        from in2x.cost.clock import expected
        from in2x.stage import say

        say("time", expected(recipe.takes.seconds, recipe.takes.operations))
    artifacts = run(recipe, folder, first=first, until=until, force=force, keep=keep, earlier=usual)
    show_result(recipe, folder, artifacts, Console(highlight=False))


def stage_command(name: str, doc: str) -> Callable[..., None]:
    """The command of one stage, everything up to it; `doc` is its help."""

    def command(
        recipe: RecipeFile, out: Out = None, sets: Sets = None, force: Force = False, keep: Keep = False
    ) -> None:
        # --force means this stage, not all those before it.
        _run(recipe, out, sets or [], name if force else None, name, force, keep)

    command.__doc__ = doc
    return command


def show_result(recipe: Recipe, out: Path, artifacts: Mapping[str, Artifact], to: Console) -> None:
    """Show translations of held-out sentences, say where model and report are, and how to try the model."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    samples = []
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
            to.print(Text.assemble((f"{name:7}", "bold"), f" {path}"), soft_wrap=True)
    if lines["model"].exists() and samples:
        to.print(Text.assemble((f"{'try':7} ", "bold"), example(samples[-1], lines["model"])), soft_wrap=True)


def example(row: Mapping[str, Any], model: Path) -> str:
    """A command line that translates the source of one held-out sentence with `model`."""
    source_lang, _, target_lang = str(row["pair"]).partition("-")
    source = str(row["source"])
    # Double quotes read better around an apostrophe, where the shell sees nothing to do in the text.
    text = f'"{source}"' if not set(source) & set('"$`\\!\n') else shlex.quote(source)
    command = f"echo {text} | in2x translate --model {model} --from {source_lang} --to {target_lang}"
    return command + (f" --register {row['register']}" if row.get("register") else "")


def sample_translations(file: Path, target: str, count: int = 3) -> list[dict[str, Any]]:
    """`count` rows of the last system's outputs into `target`, of different domains and registers where possible."""
    import pyarrow.parquet as pq

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
