"""`in2x language ...`: what in2x knows about languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from in2x.errors import UsageError

app = typer.Typer(help="What in2x knows about languages.", no_args_is_help=True, rich_markup_mode=None)


@app.command("register")
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
