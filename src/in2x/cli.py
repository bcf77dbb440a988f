"""The command line: thin commands over the rooms, faults in one sentence.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed with a sentence, 2 wrong usage,
130 interrupted.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from in2x import __version__
from in2x.errors import In2xError, UsageError

QUIET = {
    "GOMP_SPINCOUNT": "10000",
    "TOKENIZERS_PARALLELISM": "true",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "DAFT_SHOW_QUERY_ID": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""Defaults of the environment, set before torch or Daft load: idle threads spin for less than a millisecond and then
sleep, nothing phones home, no foreign progress bars. What the user has set stays."""

app = typer.Typer(
    name="in2x",
    help="From raw text to an expressive translator: one recipe, every stage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
language = typer.Typer(help="What in2x knows about languages.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(language, name="language")

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, for example recipes/demo.yaml.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run.  [default: runs/NAME]", show_default=False)]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Override a knob; may be given again.")
]
Force = Annotated[bool, typer.Option("--force", help="Run even where nothing changed.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        print(f"in2x {__version__}")
        raise typer.Exit


@app.command("run")
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
) -> None:
    """Run a recipe: from raw text to a translator and a report. Finished stages are kept, killed ones resumed."""
    _run(recipe, out, sets or [], first, until, force)


def _run(file: Path, out: Path | None, sets: list[str], first: str | None, until: str | None, force: bool) -> None:
    from in2x.commands.plan import show_result
    from in2x.recipe import load_recipe
    from in2x.run import run

    recipe = load_recipe(file, sets)
    usual = Path("runs") / recipe.name
    folder = out or usual
    artifacts = run(recipe, folder, first=first, until=until, force=force, earlier=usual)
    show_result(recipe, folder, artifacts, Console(highlight=False))


def _add_stage_command(name: str, doc: str) -> None:
    def command(recipe: RecipeFile, out: Out = None, sets: Sets = None, force: Force = False) -> None:
        # --force means this stage, not all those before it.
        _run(recipe, out, sets or [], name if force else None, name, force)

    app.command(name, help=doc)(command)


for _stage, _doc in {
    "data": "Up to what goes in: the user's files, or the bundled micro-world.",
    "corpus": "Up to the corpus: read, clean, identify, dedup, score, mix.",
    "base": "Up to the base model.",
    "pretrain": "Up to continued pretraining in three phases.",
    "instruct": "Up to the verified instructions.",
    "select": "Up to the selection: two rounds for SFT and one set for RL.",
    "sft": "Up to supervised fine-tuning.",
    "rl": "Up to reinforcement learning.",
    "merge": "Up to the merged model.",
}.items():
    _add_stage_command(_stage, _doc)


@app.command("plan")
def plan_recipe(
    recipe: RecipeFile,
    out: Out = None,
    sets: Sets = None,
    with_knobs: Annotated[bool, typer.Option("--knobs", help="Every knob: value, unit, source, meaning.")] = False,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="a100, h100, h200, b200, l40s or cpu.  [default: h100; cpu for a model from scratch]"
        ),
    ] = None,
    devices: Annotated[int | None, typer.Option("--devices", min=1, help="How many.  [default: 8; 1 for cpu]")] = None,
    mfu: Annotated[
        float, typer.Option("--mfu", min=0.01, max=1, help="Share of the peak that training reaches.")
    ] = 0.4,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
) -> None:
    """Say what a run would do and take, without running anything."""
    from in2x.commands.plan import show_knobs, show_plan
    from in2x.commands.show import WIDE
    from in2x.cost import Hardware
    from in2x.recipe import load_recipe

    loaded = load_recipe(recipe, sets or [])
    console = Console(highlight=False)
    if with_knobs:
        if not console.is_terminal:
            console.width = WIDE  # names and values whole in a pipe
        show_knobs(loaded, console, as_json=as_json)
    else:
        folder = out or Path("runs") / loaded.name
        device = device or ("h100" if loaded.base.model else "cpu")
        hardware = Hardware(device, devices or (1 if device == "cpu" else 8), mfu)
        show_plan(loaded, folder, hardware, console, as_json=as_json)


@app.command("translate")
def translate(
    model: Annotated[
        str, typer.Option("--model", help="Model folder, hub name, or address of an OpenAI-compatible server.")
    ],
    source_lang: Annotated[str, typer.Option("--from", metavar="LANG", help="Language of the text: en, ja, zh, ...")],
    target_lang: Annotated[str, typer.Option("--to", metavar="LANG", help="Language wanted.")],
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="Text, one segment a line; - is stdin.", show_default=False)
    ] = "-",
    register: Annotated[
        str | None, typer.Option("--register", help="plain, polite, honorific, casual or literary.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here (beside, then renamed).")] = None,
    mbr: Annotated[
        int, typer.Option("--mbr", min=0, metavar="N", help="Draw N samples and take the one the others agree with.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the samples.")] = 0,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Lines translated together.")] = 256,
) -> None:
    """Translate plain text: one line in, one line out."""
    from in2x.chat.profile import REGISTERS
    from in2x.commands.plan import progress
    from in2x.translate.lines import open_source, open_target, read_lines, translate_lines
    from in2x.translate.mbr import MbrTranslator
    from in2x.translate.open import open_translator

    if register is not None and register not in REGISTERS:
        raise UsageError(f"--register {register!r} is not known", mend=f"use one of {', '.join(REGISTERS)}")
    if mbr == 1:
        raise UsageError("--mbr 1 leaves nothing to choose from", mend="give 2 or more")
    if source_lang == target_lang:
        raise UsageError(f"--from and --to are both {source_lang!r}", mend="give two languages")
    with open_source(None if file == "-" else Path(file)) as (stream, name, total):
        translator = open_translator(model)
        with open_target(output) as target, progress("translate", total) as advance:

            def write(lines: list[str]) -> None:
                target.write("".join(f"{line}\n" for line in lines))
                target.flush()

            interactive = file == "-" and sys.stdin.isatty()
            engine = MbrTranslator(translator, mbr) if mbr else translator
            answer = partial(
                engine.translate, source_lang=source_lang, target_lang=target_lang, register=register, seed=seed,
                done=advance,
            )  # fmt: skip
            translate_lines(answer, read_lines(stream, name), write, 1 if interactive else batch)


@language.command("register")
def language_register(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="Text, one segment a line; - is stdin.", show_default=False)
    ] = "-",
    lang: Annotated[str, typer.Option("--lang", help="Language of the text.")] = "ja",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document: a list of {line, register}.")] = False,
) -> None:
    """Name the register of each line: one label a line."""
    from in2x.language.register import REGISTER_OF, register_of
    from in2x.translate.lines import open_source, read_lines

    if lang not in REGISTER_OF:
        raise UsageError(
            f"the registers of {lang!r} are not known", mend=f"use one of {', '.join(sorted(REGISTER_OF))}"
        )
    with open_source(None if file == "-" else Path(file)) as (stream, name, _):
        lines = read_lines(stream, name)
        if as_json:
            print(json.dumps([{"line": n, "register": register_of(text, lang)} for n, text in enumerate(lines, 1)],
                             ensure_ascii=False))  # fmt: skip
        else:
            for text in lines:
                print(register_of(text, lang))


for _name, _value in QUIET.items():
    os.environ.setdefault(_name, _value)
if importlib.util.find_spec("in2x.commands.evaluate"):
    app.add_typer(importlib.import_module("in2x.commands.evaluate").app, name="evaluate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the only place where faults become sentences."""
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        result = app(list(arguments) if arguments is not None else None, prog_name="in2x", standalone_mode=False)
    except In2xError as error:
        say.print(f"[bold red]in2x:[/bold red] {escape(str(error))}")
        return error.code
    except KeyboardInterrupt:
        result = 130
    except BrokenPipeError:
        # The reader (head, less) went away: nothing is wrong, and Python must not complain while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not hasattr(error, "exit_code"):  # not one of Typer's own: a bug of ours keeps its traceback
            raise
        message = getattr(error, "format_message", lambda: "stopped")()
        say.print(f"[bold red]in2x:[/bold red] {escape(message.rstrip('.'))}; see in2x --help.")
        return int(error.exit_code)
    if result == 130:
        say.print("[bold red]in2x:[/bold red] interrupted; the same command goes on where it stopped.")
    return int(result) if isinstance(result, int) else 0
