"""`in2x evaluate express`: translate the suite with models, or take answers, and score them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from in2x.commands.options import once_each, out_option
from in2x.commands.show import AsJson, emit, show, tell
from in2x.errors import UsageError

if TYPE_CHECKING:
    from in2x.evaluate.express.item import Item
    from in2x.evaluate.express.score import Result
    from in2x.llm.cache import Cache


def express(
    model: Annotated[list[str] | None, typer.Option("--model", help="Translate with this folder, hub name or server "
                     "address (ADDRESS#NAME); again for more.", callback=once_each("--model"))] = None,
    hyp: Annotated[list[Path] | None, typer.Option("--hyp", help='Answers made elsewhere, JSON Lines of {"id", '
                   '"hypothesis"}; again for more.', callback=once_each("--hyp"))] = None,
    baseline: Annotated[list[str] | None, typer.Option("--baseline", help="copy, literal or shuffle; again for more.",
                                                       callback=once_each("--baseline"))] = None,
    phenomenon: Annotated[list[str] | None, typer.Option("--phenomenon", help="Only these items; again for more.  "
                                                         "[default: all]", show_default=False)] = None,
    judge: Annotated[str | None, typer.Option("--judge", help="Server address (ADDRESS#NAME) of a model that judges "
                                              "the principles as well; the key comes from OPENAI_API_KEY.")] = None,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Count empty answers of --hyp as failed.")] = False,
    answers: Annotated[Path, typer.Option("--answers", help="Folder for the answers of --model and what servers "
                                          "said, so that scoring again costs nothing.")] = Path("express"),
    export: Annotated[Path | None, typer.Option("--export", help="Only write the sources with context and register, "
                                                "to be translated elsewhere.")] = None,
    out: Annotated[Path | None, out_option("Write a page.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Score translations into Japanese on idioms, slang, register, voice, names and more, by code and with a judge."""
    from in2x.artifact import write_text
    from in2x.evaluate.express import page, score
    from in2x.evaluate.express.answers import export as write_sources
    from in2x.evaluate.express.baselines import BASELINES
    from in2x.evaluate.express.item import choose

    items = choose(phenomenon or ())
    if not items:
        raise UsageError(f"the suite has no item of {', '.join(phenomenon or ())}", mend="choose another phenomenon")
    for name in baseline or ():
        if name not in BASELINES:
            raise UsageError(f"there is no baseline {name!r}", mend=f"use {', '.join(BASELINES)}")
    if export is not None:
        write_sources(export, items)
        print(export)
        return
    if not (model or hyp or baseline):
        raise UsageError("nothing to score", mend="give --model, --baseline, or --hyp for answers made elsewhere")
    results = _results(items, model or (), hyp or (), baseline or (), judge, answers, allow_empty)
    if out is not None:
        write_text(out, page.render(results))
        tell(f"the page: {out}")
    if as_json:
        document = {"items": len(items), "interval": "95%: Wilson; over phenomena Zou and Donner; judge bootstrap",
                    "systems": [score.as_json(result) for result in results]}  # fmt: skip
        emit(document)
        return
    _show(results)


def harness(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write the task files into.")],
) -> None:
    """Write the suite as tasks of lm-evaluation-harness: `lm_eval --include_path FOLDER --tasks in2x_express`.

    in2x must be installed beside the harness: its checks score the answers.
    """
    from in2x.evaluate.express.harness import export

    for file in export(folder):
        print(file)


def _results(
    items: Sequence[Item], models: Sequence[str], files: Sequence[Path], baselines: Sequence[str], judge: str | None,
    folder: Path, allow_empty: bool,
) -> list[Result]:  # fmt: skip
    from in2x.commands.show import progress
    from in2x.evaluate.express.answers import read_answers, write_answers
    from in2x.evaluate.express.baselines import BASELINES
    from in2x.evaluate.express.judged import judge as ask_judge
    from in2x.evaluate.express.score import score
    from in2x.llm.cache import Cache
    from in2x.llm.config import is_address

    # what can be wrong cheaply comes before what is dear
    found: dict[str, list[str]] = {str(file): read_answers(file, items, allow_empty=allow_empty) for file in files}
    with ExitStack() as stack:
        cache: Cache | None = None
        if judge or any(is_address(name) for name in models):
            cache = Cache(folder / "llm.sqlite")
            stack.callback(cache.close)
        asker = None
        if judge:
            from in2x.llm.open import open_server

            asker = open_server(judge, cache)
        said: dict[str, list[str]] = {}
        for name in models:
            from in2x.evaluate.express.translate import translate

            with progress(f"translate with {name}", None) as advance:
                said[name] = translate(items, name, cache, advance)
            plain = re.sub(r"[^\w.-]+", "_", name).strip("_.")
            file = folder / f"{plain}.jsonl"
            write_answers(file, items, said[name])
            tell(f"the answers of {name}: {file}")
        systems = {**{name: BASELINES[name](items) for name in baselines}, **found, **said}
        judged = partial(ask_judge, items, asker=asker) if asker else None
        return [score(name, items, texts, judged(texts) if judged else None) for name, texts in systems.items()]


def _show(results: Sequence[Result]) -> None:
    from rich.table import Table

    def share(value: float, low: float, high: float) -> str:
        return f"{100 * value:.0f} ({100 * low:.0f}–{100 * high:.0f})"

    table = Table("% passed (95%)", *(result.system for result in results))
    for name, first in results[0].phenomena.items():
        parts = [result.phenomena[name] for result in results]
        table.add_row(f"{name} ({first.n})", *(share(p.value, p.low, p.high) for p in parts))
    table.add_section()
    table.add_row("mean over phenomena", *(share(r.macro.value, r.macro.low, r.macro.high) for r in results))
    table.add_row("all items", *(share(r.micro.value, r.micro.low, r.micro.high) for r in results))
    if any(result.judge for result in results):
        kept = [result.judge.share if result.judge else None for result in results]
        table.add_row("principles, by the judge", *(share(k.value, k.low, k.high) if k else "–" for k in kept))
        table.add_row("judge failed", *(str(r.judge.failed) if r.judge else "–" for r in results))
    show(table)
