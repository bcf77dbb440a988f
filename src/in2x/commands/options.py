"""Options that commands share, checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from in2x.commands.show import tell
from in2x.errors import UsageError

From = Annotated[
    str | None,
    typer.Option("--from", metavar="LANG", help="Language of the text.  [default: what it reads as]",
                 show_default=False),
]  # fmt: skip
"""`--from`, which the text may say itself (`told`)."""


def out_option(help: str) -> Any:
    """`-o/--out FILE`: refused at once where nothing can be written, not after an hour's work."""
    return typer.Option("-o", "--out", help=help, show_default=False, callback=_writable)


def _writable(file: Path | None) -> Path | None:
    if file is not None:
        check_writable(file)
    return file


def check_writable(file: Path) -> None:
    """Raise UsageError where `file` cannot be written: its folder is missing or not ours, or it is a folder."""
    if file.is_dir():
        raise UsageError("this is a folder", file=file, mend="give the name of a file in it")
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}", file=file, mend=f"make it first: mkdir -p {file.parent}")
    if not os.access(file.parent, os.W_OK):
        raise UsageError("nothing may be written into its folder", file=file, mend="choose another place")


def once_each(option: str) -> Callable[[Iterable[Any] | None], list[Any] | None]:
    """A callback for an option that may be given again: the same value twice is a slip, and is said to be one."""

    def check(values: Iterable[Any] | None) -> list[Any] | None:
        if values is None:
            return None
        given = list(values)
        places = [os.path.realpath(v) if isinstance(v, Path) else v for v in given]
        twice = next((v for v, place in zip(given, places, strict=True) if places.count(place) > 1), None)
        if twice is not None:
            raise UsageError(f"{option} {twice} is given twice", mend="give each system once")
        return given

    return check


def language_code(code: str) -> str:
    """A callback for an option that names a language: its one spelling, or what was probably meant."""
    from in2x.language.codes import canonical

    return canonical(code)


def told(
    texts: Iterable[str],
    other: str | None = None,
    side: Literal["from", "to", "lang"] = "from",
    known: Sequence[str] = (),
) -> str:
    """The language that texts read as, where the option `side` names none; said on stderr.

    Args:
        texts: the beginning is read.
        other: the language of the other side, if it is named.
        side: the option that would name it.
        known: codes of the languages that it may be; () for any.

    Raises:
        UsageError: it cannot be told.
    """
    from in2x.language import language
    from in2x.translate.detect import detected, sample_of

    code = detected(sample_of(texts), other, known, side)
    tell(f"--{side} {code}: it reads as {language(code).name}; name another where it is not")
    return code
