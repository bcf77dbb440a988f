"""Which encoding a text is in: Unicode by its marks or its validity, everything else by chardet.

chardet was chosen over charset-normalizer by `benchmarks/text_encodings.py`. It is asked about the lines that are not
ASCII, wherever in the text they stand, and never about valid UTF-8.
"""

from __future__ import annotations

import codecs
import contextlib
import re

import chardet
from chardet.enums import EncodingEra

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_ESCAPE = re.compile(rb"\x1b[$(]")
"""Where ISO-2022 changes its character set; its bytes are ASCII."""
_TELLING = re.compile(rb"[^\n]*[\x80-\xff\x1b][^\n]*\n?")
LOOKED_AT = 1 << 16
"""Bytes of telling lines that are looked at."""
_ERAS = EncodingEra.MODERN_WEB | EncodingEra.LEGACY_ISO
_FEW = 40
"""Bytes below which the code pages of DOS are out of the question: a word or two fit any of them."""
_WIDER = {"ascii": "utf-8", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932",
          "shift_jis_2004": "cp932", "euc_jis_2004": "euc_jp", "euc_kr": "cp949"}  # fmt: skip
"""Codecs that read all that a narrower one reads, and what users of that one write beyond it."""
_USUAL = {"iso2022_jp_2": "iso2022_jp", "big5hkscs": "big5"}
"""The usual codec, where it is enough."""


def detect(raw: bytes, *, whole: bool = False) -> str | None:
    """The encoding (a Python codec) of a text; None for what is no text.

    Args:
        raw: the text, or its beginning, which may end inside a character.
        whole: `raw` is all of it.

    A text that is UTF-8 but for a few bytes is UTF-8.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    if b"\0" not in raw and not _ESCAPE.search(raw) and _nearly_utf8(raw, whole):
        return "utf-8"
    telling = raw[:LOOKED_AT]
    if b"\0" not in raw:
        telling = b""
        for line in _TELLING.finditer(raw):
            telling += line[0][: LOOKED_AT - len(telling)]
            if len(telling) == LOOKED_AT:
                break
    eras = _ERAS if len(telling) < _FEW else _ERAS | EncodingEra.DOS
    found = chardet.detect(telling, encoding_era=eras, compat_names=False)["encoding"]
    if found is None:
        return None
    name = wider(found)
    return _USUAL[name] if name in _USUAL and _reads(_USUAL[name], telling) else name


def wider(name: str) -> str:
    """The codec that reads all of `name` (a codec's own name) and what users of it write beyond it."""
    return _WIDER.get(name, name)


def _reads(name: str, raw: bytes, whole: bool = False) -> bool:
    try:
        codecs.getincrementaldecoder(name)().decode(raw, whole)
    except UnicodeDecodeError:
        return False
    return True


def _nearly_utf8(raw: bytes, whole: bool) -> bool:
    if _reads("utf-8", raw, whole):
        return True
    text = raw.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if 100 * broken <= sum(char > "\x7f" for char in text) - broken:
        return True
    lines = [line[0] for line in _TELLING.finditer(raw)]
    return 2 * sum(_reads("utf-8", line, True) for line in lines) >= max(1, len(lines))


def decode(raw: bytes, encoding: str) -> str:
    """`raw` in the encoding of its file, or, where it is not in that, in its own (a file may be put together).

    Raises:
        UnicodeDecodeError: it is in neither.
    """
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        own = detect(raw, whole=True)
        if own is None or own == encoding:
            raise
        return raw.decode(own)


def decode_text(raw: bytes, encoding: str) -> str:
    """A whole text: its lines in the encoding of the file, those that are not in the one that they share.

    What is in neither becomes U+FFFD, which the cleaning counts.
    """
    with contextlib.suppress(UnicodeDecodeError):
        return decode(raw, encoding)
    if encoding.startswith(("utf-16", "utf-32")):
        return raw.decode(encoding, "replace")
    lines = raw.split(b"\n")
    others = b"\n".join(line for line in lines if not _reads(encoding, line, True))
    own = detect(others, whole=True) or encoding
    return "\n".join(
        line.decode(encoding) if _reads(encoding, line, True) else line.decode(own, "replace") for line in lines
    )
