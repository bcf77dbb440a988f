"""`in2x check`: what a translation made elsewhere breaks, as a table, as JSON, and as a page for an editor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from in2x.commands.options import From, check_writable, told
from in2x.commands.show import AsJson, emit, progress, show, tell

if TYPE_CHECKING:
    from in2x.translate.checked import Checked

AROUND = 12
"""Characters shown on each side of the place that decides."""


def check(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            exists=True,
            dir_okay=False,
            help="Text (one segment a line) or a document of any known format.",
            show_default=False,
        ),
    ],
    translation: Annotated[
        Path,
        typer.Argument(
            metavar="TRANSLATION",
            exists=True,
            dir_okay=False,
            help="Its translation, line for line or segment for segment.",
            show_default=False,
        ),
    ],
    source_lang: From = None,
    target_lang: Annotated[
        str | None,
        typer.Option("--to", metavar="LANG", help="Language of the translation.  [default: what it reads as]",
                     show_default=False),
    ] = None,
    register: Annotated[str | None, typer.Option("--register", help="Register that was asked for.")] = None,
    glossary: Annotated[
        Path | None,
        typer.Option("--glossary", exists=True, dir_okay=False, help="Agreed terms: .tsv, .csv or .tbx."),
    ] = None,
    characters: Annotated[
        Path | None,
        typer.Option("--characters", exists=True, dir_okay=False, help="Who speaks, and how (YAML)."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a page (HTML) for an editor.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show what a translation breaks, segment by segment: language, terms, names, register, numbers, tags, moved lines.

    Exit code 0 whatever is broken. --json: a row for each segment and principle, "kept" null where it does not apply.
    """
    from in2x.artifact import write_text
    from in2x.chat.profile import PromptProfile
    from in2x.translate.characters import Characters, read_characters
    from in2x.translate.check_page import render
    from in2x.translate.checked import check_pairs, read_pairs, sides_of
    from in2x.translate.findings import Rules
    from in2x.translate.glossary import Glossary, read_glossary
    from in2x.translate.request import TranslationRequest, check_request

    if output:
        check_writable(output)
    if target_lang is None:
        target_lang = told((done or text for text, done in sides_of(translation)), source_lang, "to")
    if source_lang is None:
        source_lang = told((text for text, _ in sides_of(source)), target_lang)
    wanted = check_request(PromptProfile(), TranslationRequest(source_lang, target_lang, register))
    source_lang, target_lang = wanted.source_lang, wanted.target_lang
    rules = Rules(
        read_glossary(glossary, source_lang, target_lang) if glossary else Glossary(),
        read_characters(characters, target_lang) if characters else Characters(),
    )
    pairs = read_pairs(source, translation, source_lang, target_lang)
    with progress("check", len(pairs)) as advance:
        checked = check_pairs(pairs, rules, source_lang, target_lang, register, advance)
    if output:
        write_text(output, render(checked, rules, source_lang, target_lang, (source.name, translation.name), register))
        tell(f"written: {output}")
    if as_json:
        emit([{"line": one.pair.number, "principle": name, **asdict(verdict)}
              for one in checked for name, verdict in one.verdicts.items()])  # fmt: skip
    else:
        _show(checked)


def _show(checked: list[Checked]) -> None:
    from rich.table import Table
    from rich.text import Text

    broken = [one for one in checked if one.broken]
    if broken:
        table = Table("place", "principle", "why", "excerpt")
        for one in broken:
            for name, verdict in one.broken.items():
                shown = excerpt(one.pair.answer.text, verdict.start, verdict.end)
                table.add_row(one.pair.segment.place or str(one.pair.number), name, Text(verdict.why), Text(shown))
        show(table)
    tell(f"{len(broken):,} of {len(checked):,} segments break a principle")


def excerpt(text: str, start: int, end: int) -> str:
    """The place of `text` that decides, marked, with some characters around it; the beginning where there is none."""
    if start < 0:
        return text if len(text) <= 4 * AROUND else text[: 4 * AROUND - 1] + "…"
    head, tail = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    before, after = "…" if start > AROUND else "", "…" if end + AROUND < len(text) else ""
    return f"{before}{head}[{text[start:end]}]{tail}{after}"
