"""`in2x check`: what a translation breaks, line by line, by the principles that code can check."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from in2x.commands.show import AsJson, emit, show
from in2x.stage import console

if TYPE_CHECKING:
    from in2x.principles.verdict import Verdict

AROUND = 12
"""Characters shown on each side of the place that decides."""


def check(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Text, one segment a line.", show_default=False)],
    translation: Annotated[
        Path, typer.Argument(metavar="TRANSLATION", help="Its translation, line for line.", show_default=False)
    ],
    source_lang: Annotated[str, typer.Option("--from", metavar="LANG", help="Language of the source.")],
    target_lang: Annotated[str, typer.Option("--to", metavar="LANG", help="Language of the translation.")],
    register: Annotated[str | None, typer.Option("--register", help="Register that was asked for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a translation breaks: language, register, numbers, lines, notes, what is copied or left untranslated.

    Exit code 0 whatever is broken. --json: a row for each line and principle, "kept" null where it does not apply.
    """
    from in2x.chat.profile import PromptProfile
    from in2x.evaluate.inputs import read_parallel
    from in2x.principles.case import Case
    from in2x.principles.fundamental import check_principles
    from in2x.translate.request import TranslationRequest, check_request

    wanted = check_request(PromptProfile(), TranslationRequest(source_lang, target_lang, register))
    numbers, (sources, answers) = read_parallel([source, translation], allow_empty=[source, translation])
    rows: list[tuple[int, str, str, Verdict]] = []
    for number, text, answer in zip(numbers, sources, answers, strict=True):
        case = Case(text, wanted.source_lang, wanted.target_lang, register=register)
        rows += [(number, answer, name, verdict) for name, verdict in check_principles(case, answer).items()]
    if as_json:
        emit([{"line": number, "principle": name, **asdict(verdict)} for number, _, name, verdict in rows])
        return
    _show([row for row in rows if row[3].kept is False], len(numbers))


def _show(broken: list[tuple[int, str, str, Verdict]], lines: int) -> None:
    from rich.table import Table
    from rich.text import Text

    if broken:
        table = Table("line", "principle", "why", "excerpt")
        for number, answer, name, verdict in broken:
            table.add_row(str(number), name, Text(verdict.why), Text(excerpt(answer, verdict.start, verdict.end)))
        show(table)
    count = len({number for number, *_ in broken})
    console.print(f"{count:,} of {lines:,} lines break a principle")


def excerpt(text: str, start: int, end: int) -> str:
    """The place of `text` that decides, marked, with some characters around it; the beginning where there is none."""
    if start < 0:
        return text if len(text) <= 4 * AROUND else text[: 4 * AROUND - 1] + "…"
    head, tail = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    before, after = "…" if start > AROUND else "", "…" if end + AROUND < len(text) else ""
    return f"{before}{head}[{text[start:end]}]{tail}{after}"
