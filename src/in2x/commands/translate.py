"""`in2x translate`: plain text, one line in, one line out."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from in2x.commands.options import check_writable, once_each
from in2x.errors import UsageError
from in2x.stage import console
from in2x.translate.open import Combine


def translate(
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            help="Model folder, hub name, or address of an OpenAI-compatible server; again for more, see --combine.",
            callback=once_each("--model"),
        ),
    ],
    source_lang: Annotated[str, typer.Option("--from", metavar="LANG", help="Language of the text: en, ja, zh, ...")],
    target_lang: Annotated[str, typer.Option("--to", metavar="LANG", help="Language wanted.")],
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="Text, one segment a line; - is stdin.", show_default=False)
    ] = "-",
    register: Annotated[
        str | None,
        typer.Option("--register", help="One that the language tells: plain, polite, honorific, casual or literary."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here (beside, then renamed).")] = None,
    mbr: Annotated[
        int,
        typer.Option(
            "--mbr",
            min=0,
            metavar="N",
            help="Draw N samples (of each model whose answers are combined) and take the one the others agree with.",
        ),
    ] = 0,
    combine: Annotated[
        Combine,
        typer.Option(
            "--combine",
            help="Several models: average their probabilities token by token (one tokenizer), or "
            "choose among the answers of all (with --mbr).",
        ),
    ] = "tokens",
    temperature: Annotated[
        float, typer.Option("--temperature", min=0.01, help="Of the samples: 1 is the model's own distribution.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the samples.")] = 0,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Lines translated together.")] = 256,
    beam: Annotated[
        int | None, typer.Option("--beam", min=1, help="Beam search with so many beams.  [default: as the profile]")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="How the model is asked: a profile's name, a file, or chat for any.  [default: the model's]",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            help="SQLite file that keeps a server's answers.  [default: beside the output, until every line is done]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Translate plain text: one line in, one line out.

    A line that could not be translated stays as it is, is named on stderr, and makes the exit code 3. The same command
    again asks a server only for what it has not answered.
    """
    from in2x.commands.show import progress
    from in2x.llm.cache import Cache
    from in2x.llm.config import is_address
    from in2x.translate.lines import open_source, open_target, read_lines, translate_lines
    from in2x.translate.open import open_together, profile_at
    from in2x.translate.request import TranslationRequest, check_request

    if mbr == 1:
        raise UsageError("--mbr 1 leaves nothing to choose from", mend="give 2 or more")
    if output:
        check_writable(output)
    remote = any(map(is_address, model))
    if cache and not remote:
        raise UsageError("--cache keeps what a server answers", mend="leave it out for a model in this process")
    wanted = TranslationRequest(source_lang, target_lang, register, seed=seed, beams=beam)
    for one in model:
        wanted = check_request(profile_at(one, profile), wanted)
    beside = output.with_name(output.name + ".answers") if output and remote else None
    kept, failures = cache or beside, 0
    with (
        open_source(None if file == "-" else Path(file)) as (stream, name, total),
        open_target(output) as target,
        Cache(kept) if kept else nullcontext() as answers,
    ):
        translator = open_together(model, combine, mbr, temperature, answers, profile)
        with progress("translate", total) as advance:

            def write(lines: list[str]) -> None:
                target.write("".join(f"{line}\n" for line in lines))
                target.flush()

            def failed(line: int, why: str) -> None:
                nonlocal failures
                failures += 1
                console.print(f"{escape(name)}, line {line}: not translated ({escape(why)})", soft_wrap=True)

            interactive = file == "-" and sys.stdin.isatty()
            answer = partial(translator.translations, request=wanted, done=advance)
            translate_lines(answer, read_lines(stream, name), write, failed, 1 if interactive else batch)
    if failures:
        note = f"; the server's answers are kept in {kept}: the same command asks for the others alone" if kept else ""
        console.print(escape(f"lines not translated, left as they were: {failures:,}{note}"), soft_wrap=True)
        raise typer.Exit(3)
    if kept and not cache:
        kept.unlink()
