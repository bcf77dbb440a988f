"""`in2x language ...`: what in2x knows about languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.options import told
from in2x.commands.show import AsJson, emit
from in2x.commands.shown_help import App

app = App("What in2x knows about languages.")
Text = Annotated[
    str, typer.Argument(metavar="FILE|-", help="Text, one segment a line; - is stdin.", show_default=False)
]
Lang = Annotated[
    str | None,
    typer.Option("--lang", metavar="LANG", help="Language of the text.  [default: what it reads as]",
                 show_default=False),
]  # fmt: skip


def _lines(file: str) -> list[str]:
    from in2x.translate.lines import open_source, read_lines

    with open_source(None if file == "-" else Path(file)) as (stream, name, _):
        return list(read_lines(stream, name))


@app.command()
def register(file: Text = "-", lang: Lang = None, as_json: AsJson = False) -> None:
    """Name the register of each line: honorific, polite, plain, casual, literary or none."""
    from in2x.language.register import label_lines

    lines = _lines(file)
    labels = label_lines(lines, lang or told(lines, side="lang"))
    if as_json:
        emit([{"line": number, "register": label} for number, label in enumerate(labels, 1)])
    else:
        for label in labels:
            print(label)


@app.command()
def describe(file: Text = "-", lang: Lang = None, as_json: AsJson = False) -> None:
    """Say what is seen in each line: its register and, where grammar is known, the findings behind it."""
    from in2x.language.finding import Finding
    from in2x.language.register import describe_lines

    lines = _lines(file)
    rows = describe_lines(lines, lang or told(lines, side="lang"))
    if as_json:
        emit([{"line": number, **row} for number, row in enumerate(rows, 1)])
        return
    for number, row in enumerate(rows, 1):
        rest = "  ".join(f"{k}={v}" for k, v in row.items() if k not in ("text", "register", "findings"))
        print(f"{number}\t{row['register']}\t{rest}".rstrip())
        for finding in row.get("findings", ()):
            seen = Finding(**finding)
            print(f"\t{row['text'][seen.start : seen.end]}\t{seen.label}: {seen.en}")


@app.command()
def identify(file: Text = "-", as_json: AsJson = False) -> None:
    """Name the language of each line: its code, und where the line tells none."""
    from in2x.language.identify import identify_lines

    codes = identify_lines(_lines(file))
    if as_json:
        emit([{"line": number, "language": code} for number, code in enumerate(codes, 1)])
    else:
        for code in codes:
            print(code)
