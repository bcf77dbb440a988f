"""The command line: thin commands over the rooms, faults in one sentence.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed with a sentence, 2 wrong usage,
3 done with lines that are not translated, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from in2x import __version__
from in2x.commands.lazy import Entry, lazy_group
from in2x.commands.shown_help import example_of
from in2x.errors import In2xError, clipped
from in2x.process import be_quiet

be_quiet()
STAGES = {
    "data": "Up to what goes in: the user's files, or the micro-world.",
    "corpus": "Up to the corpus: read, clean, identify, dedup, score, mix.",
    "base": "Up to the base model.",
    "pretrain": "Up to continued pretraining in three phases.",
    "instruct": "Up to the verified instructions.",
    "select": "Up to the selection: two rounds for SFT and one set for RL.",
    "sft": "Up to supervised fine-tuning.",
    "rl": "Up to reinforcement learning.",
    "merge": "Up to the merged model.",
}


def _stage(name: str, module: Any) -> Any:
    return module.stage_command(name, STAGES[name])


TRANSLATE, TRAIN, STUDY = "For those who translate", "For those who train", "For those who study translation"
STAGE = "One stage of a recipe, and those before it"
COMMANDS = {
    "translate": Entry("translate", "translate", "Translate a document, a folder of documents, or lines.", TRANSLATE),
    "serve": Entry("serve", "serve", "Serve a model to DeepL's, LibreTranslate's, OpenAI's clients.", TRANSLATE),
    "check": Entry("check", "check", "Show what a translation breaks, segment by segment.", TRANSLATE),
    "terms": Entry("terms", "terms", "List the names and terms of a document, to edit.", TRANSLATE),
    "language": Entry("language", "app", "Registers and languages of lines.", TRANSLATE),
    "recipes": Entry("recipes", "show_recipes", "List the recipes that come with in2x, or print one.", TRAIN),
    "plan": Entry("plan", "plan_recipe", "Say what a run would do and take, without running it.", TRAIN),
    "run": Entry("run", "run_recipe", "Run a recipe: from raw text to a translator and a report.", TRAIN),
    "status": Entry("status", "status", "Say how far a run is, and its last figures.", TRAIN),
    "compare": Entry("compare", "compare", "Compare two runs: recipes, figures, curves.", TRAIN),
    "export": Entry("export", "export", "Write what another program trains or translates with.", TRAIN),
    "push": Entry("push", "push", "Put a model or data onto the Hugging Face hub, with its card.", TRAIN),
    "merge-models": Entry("merge", "merge_models", "Merge models that come from one base.", TRAIN),
    "instruct-check": Entry("instruct_check", "instruct_check", "Show what the gates do to instructions.", TRAIN),
    "sample": Entry("sample", "app", "The bundled micro-world: sentences and files to try, its judge.", TRAIN),
    **{name: Entry("run", partial(_stage, name), line, STAGE) for name, line in STAGES.items()},
    "evaluate": Entry("evaluate", "app", "Measure, rank, judge and audit translations.", STUDY),
    "people": Entry("people", "app", "Human judgement: campaigns, the page, results.", STUDY),
}
app = typer.Typer(
    name="in2x",
    cls=lazy_group(COMMANDS),
    help="From raw text to an expressive translator: one recipe, every stage. in2x COMMAND --help shows an example.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        print(f"in2x {__version__}")
        raise typer.Exit


_NOT_OURS = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EISDIR, errno.ENOTDIR,
    errno.ENAMETOOLONG,
}  # fmt: skip
"""What a disk says about a path that was given to us: a sentence, where another OSError is a bug and keeps its
traceback."""
_MENDS = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "; make room, and give the same command again")


def _wrong_usage(error: Any) -> str:
    """Typer's words, and where to look: an example where something is missing, else the help of the very command."""
    said = getattr(error, "format_message", lambda: "stopped")().rstrip(".")
    if said.endswith("?"):  # "Did you mean ...?"
        return str(said)
    path = getattr(getattr(error, "ctx", None), "command_path", None) or "in2x"
    example = example_of(path.removeprefix("in2x ")) if hasattr(error, "param_type") else ""
    return f"{said}; for example `{example}`." if example else f"{said}; see {path} --help."


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
        say.print(f"[bold red]in2x:[/bold red] {escape(clipped(f'{place}{error.strerror}{mend}'))}.")
        return 1
    except Exception as error:
        if not hasattr(error, "exit_code"):  # not one of Typer's own: a bug of ours keeps its traceback
            raise
        say.print(f"[bold red]in2x:[/bold red] {escape(clipped(_wrong_usage(error)))}")
        return int(error.exit_code)
    if result == 130:
        say.print("[bold red]in2x:[/bold red] interrupted; the same command goes on where it stopped.")
    return int(result) if isinstance(result, int) else 0
