"""`in2x terms`: the names and terms of a document, as a glossary to edit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from in2x.commands.options import From, check_writable, told
from in2x.commands.show import AsJson, emit, show, tell

if TYPE_CHECKING:
    from in2x.translate.terms import Candidate

SHOWN = 40
"""Candidates that the table on the screen has."""


def terms(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="A document of any known format.", show_default=False
        ),
    ],
    target_lang: Annotated[str, typer.Option("--to", metavar="LANG", help="Language of the translation.")],
    source_lang: From = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a glossary to edit here (TSV).")] = None,
    glossary: Annotated[
        Path | None,
        typer.Option("--glossary", exists=True, dir_okay=False, help="Terms that are agreed already: left out."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Model folder, hub name or server address that proposes targets."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the names and terms of a document: a first pass of its glossary, to edit.

    With --model each has a proposal; those that the model renders otherwise in context are marked "ambiguous".
    """
    from in2x.artifact import write_text
    from in2x.chat.profile import PromptProfile
    from in2x.errors import In2xError
    from in2x.formats.document import Options
    from in2x.formats.registry import read_document
    from in2x.translate.checked import is_lines
    from in2x.translate.glossary import read_glossary
    from in2x.translate.propose import proposed
    from in2x.translate.request import TranslationRequest, check_request
    from in2x.translate.terms import extract, table

    if output:
        check_writable(output)
        if output.exists():
            raise In2xError("the file is there already, and may be edited", file=output, mend="give another -o")
    kind = "txt" if is_lines(file) else None
    if source_lang is None:
        texts = (one.text for one in read_document(file, Options(target_lang=target_lang), kind).segments)
        source_lang = told(texts, target_lang)
    request = check_request(PromptProfile(), TranslationRequest(source_lang, target_lang))
    known = read_glossary(glossary, request.source_lang, request.target_lang) if glossary else None
    segments = read_document(file, Options(request.source_lang, request.target_lang), kind).segments
    found = extract(segments, request.source_lang, known)
    if model:
        from in2x.translate.open import open_backend

        found = proposed(found, segments, open_backend(model), request)
    if output:
        write_text(output, table(found))
    if as_json:
        emit([asdict(one) for one in found])
    elif output is None:
        _show(found)
    doubts = sum(bool(one.doubt) for one in found)
    doubted = f", {doubts:,} ambiguous" if model else ""
    tell(f"{len(found):,} names and terms{doubted}" + (f": {output}" if output else ""))


def _show(found: list[Candidate]) -> None:
    from rich.table import Table
    from rich.text import Text

    rows = Table("term", "kind", "times", "context")
    for one in found[:SHOWN]:
        rows.add_row(Text(one.term), one.kind, str(one.count), Text(one.contexts[0] if one.contexts else ""))
    if found:
        show(rows)
