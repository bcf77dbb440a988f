"""Playful and old spellings as the tagger can read them: half-width kana, and polite endings drawn out (まーす).

The dictionary knows neither ｱﾘｶﾞﾄｳ nor しま〜す, so both are put into usual spelling first, and every letter keeps its
place in the text as written. Our choice: a half-width run becomes katakana, but its grammatical tail hiragana
(ﾀﾍﾞﾏｽ -> タベます), for the dictionary has endings in hiragana only.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_HALF = re.compile(r"[\uff66-\uff9f]+")
_TAIL = re.compile(
    r"(?:(?:ゴザイ)?(?:マス|マシタ|マセン|マショウ)|デス|デシタ|デショウ|クダサイ|(?<=マジ)デ)(?:カ|ネ|ヨ|ヨネ|ワ)?$"
    r"|^(?:ネ|ヨ|カ|ダ|ゾ|ゼ)+$"
)
_SU = r"す(?:[よねかがのしけわ]|[^ぁ-ん]|$)"
_DRAWN = re.compile(
    rf"(?<=ま)[ー〜～]+(?={_SU}|した|せん|しょう)"
    r"|(?<=まし|でし|ませ)[ー〜～]+(?=[たんょ])"
    rf"|(?<=で)[ー〜～]+(?={_SU})"
    r"|(?<=くださ)[ー〜～]+(?=い)|(?<=下さ)[ー〜～]+(?=い)"
)


class Reading(NamedTuple):
    """A text as read, and where each of its characters stands in the text as written."""

    text: str
    starts: tuple[int, ...] | None
    """Offset in the written text of each character, and of the end; None where both texts are one."""

    def at(self, place: int) -> int:
        """The offset in the written text of the character `place` as read."""
        return place if self.starts is None else self.starts[place]


def as_read(text: str) -> Reading:
    """`text` in usual spelling."""
    if not _HALF.search(text) and not _DRAWN.search(text):
        return Reading(text, None)
    letters: list[str] = []
    starts: list[int] = []
    for start, written, read in _pieces(text):
        for i, letter in enumerate(read):
            letters.append(letter)
            starts.append(start + (i if len(read) == len(written) else _width(written, i)))
    starts.append(len(text))
    return _drawn_in("".join(letters), starts)


def _pieces(text: str) -> list[tuple[int, str, str]]:
    """Stretches of `text`: offset, as written, as read with half-width kana made full."""
    pieces, at = [], 0
    for match in _HALF.finditer(text):
        pieces.append((at, text[at : match.start()], text[at : match.start()]))
        full = unicodedata.normalize("NFKC", match[0])
        tail = _TAIL.search(full)
        if tail:
            full = full[: tail.start()] + "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in tail[0])
        pieces.append((match.start(), match[0], full))
        at = match.end()
    return [*pieces, (at, text[at:], text[at:])]


def _width(written: str, letters: int) -> int:
    """How many half-width characters spell the first `letters` kana: voicing marks stand apart."""
    at = 0
    for _ in range(letters):
        at += 1
        while at < len(written) and written[at] in "\uff9e\uff9f":
            at += 1
    return at


def _drawn_in(text: str, starts: list[int]) -> Reading:
    """Drop the marks that draw an ending out."""
    dropped = {place for match in _DRAWN.finditer(text) for place in range(*match.span())}
    kept = [place for place in range(len(text)) if place not in dropped]
    return Reading("".join(text[place] for place in kept), (*(starts[place] for place in kept), starts[-1]))
