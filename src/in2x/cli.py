"""The command line: thin commands over the rooms, faults in one sentence.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed with a sentence, 2 wrong usage,
3 done with lines that are not translated, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from in2x import __version__
from in2x.commands import (
    check,
    evaluate,
    export,
    instruct_check,
    language,
    merge,
    people,
    plan,
    run,
    sample,
    serve,
    terms,
    translate,
)
from in2x.commands.options import Grouped
from in2x.errors import In2xError
from in2x.process import be_quiet

be_quiet()
app = typer.Typer(
    name="in2x",
    help="From raw text to an expressive translator: one recipe, every stage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        print(f"in2x {__version__}")
        raise typer.Exit


app.command("run")(run.run_recipe)
run.add_stage_commands(app)
app.command("plan")(plan.plan_recipe)
app.command("translate", cls=Grouped)(translate.translate)
app.command("serve", cls=Grouped)(serve.serve)
app.command("check")(check.check)
app.command("terms")(terms.terms)
app.command("instruct-check")(instruct_check.instruct_check)
app.command("export")(export.export)
app.command("merge-models")(merge.merge_models)
app.add_typer(language.app, name="language")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(people.app, name="people")
app.add_typer(sample.app, name="sample")


_NOT_OURS = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EISDIR, errno.ENOTDIR,
    errno.ENAMETOOLONG,
}  # fmt: skip
"""What a disk says about a path that was given to us: a sentence, where another OSError is a bug and keeps its
traceback."""
_MENDS = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "; make room, and give the same command again")


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
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise
        place = f"{error.filename}: " if error.filename else ""
        mend = _MENDS.get(error.errno, "")
        say.print(f"[bold red]in2x:[/bold red] {escape(f'{place}{error.strerror}{mend}')}.")
        return 1
    except Exception as error:
        if not hasattr(error, "exit_code"):  # not one of Typer's own: a bug of ours keeps its traceback
            raise
        message = getattr(error, "format_message", lambda: "stopped")()
        say.print(f"[bold red]in2x:[/bold red] {escape(message.rstrip('.'))}; see in2x --help.")
        return int(error.exit_code)
    if result == 130:
        say.print("[bold red]in2x:[/bold red] interrupted; the same command goes on where it stopped.")
    return int(result) if isinstance(result, int) else 0
