"""Errors a person can act on: one sentence that names the file, the line and the mend.

Everything a user can cause raises one of these; the command line prints the sentence on stderr and exits with
`code`. Any other exception is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from pathlib import Path

LONGEST = 2_000
"""Characters of a sentence (our choice): what it quotes may be a million letters."""


def clipped(sentence: str) -> str:
    """`sentence`, without its middle where that would fill the screen."""
    half = LONGEST // 2
    return sentence if len(sentence) <= LONGEST else f"{sentence[:half]} ... {sentence[-half:]}"


class In2xError(Exception):
    """Work that cannot go on (exit code 1).

    Args:
        what: what is wrong, without a full stop at the end.
        file: the file it was found in, if any.
        line: 1-based line in `file`, if known.
        mend: what the user should do, as an imperative ("give ...", "remove ...").
    """

    code = 1

    def __init__(
        self, what: str, *, file: str | Path | None = None, line: int | None = None, mend: str | None = None
    ) -> None:
        self.what, self.file, self.line, self.mend = what, file, line, mend
        place = f"{file}, line {line}: " if line is not None else f"{file}: " if file is not None else ""
        sentence = clipped(f"{place}{what}{'; ' + mend if mend else ''}")
        super().__init__(sentence if sentence.endswith("?") else sentence + ".")


class UsageError(In2xError):
    """A wrong command line or recipe (exit code 2)."""

    code = 2
