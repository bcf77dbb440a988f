"""Reading XML safely: its encoding, that it is well formed, and nothing that a hostile file could make of entities.

No document type is loaded and no entity of a document's own is expanded: a file that declares some is refused, for
that is how a few lines become gigabytes, or the content of another file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from xml.parsers import expat

from in2x.errors import In2xError
from in2x.formats.markup import Token, xml_tokens
from in2x.formats.part import Coded
from in2x.formats.spans import LONGEST_LINE, MARKS

LARGEST_PART = 1 << 26
"""Bytes of the largest part of a package (our choice)."""
DEEPEST = 250
"""How deep elements may lie in each other (our choice, about that of libxml2)."""
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")
_DECLARATION = re.compile(r"^\s*<\?xml\s.*?\?>", re.DOTALL)
_PROLOG = re.compile(r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE(?:[^\[>\"']++|\"[^\"]*+\"|'[^']*+')*+(\[)?")


def codec(label: str) -> str | None:
    """The codec of Python for the name of an encoding; None where it is not known."""
    try:
        return codecs.lookup(_AS_BROWSERS.get(label.lower(), label)).name
    except LookupError:
        return None


_AS_BROWSERS = {
    "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "sjis": "cp932", "windows-31j": "cp932",
    "gb2312": "gb18030", "gbk": "gb18030", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "unicode": "utf-16-le",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
}  # fmt: skip
"""What is really written under these names (as the encoding standard of browsers has it)."""


def xml_source(raw: bytes, name: str, one_line: bool = False) -> Coded:
    """The characters of an XML file.

    Args:
        one_line: its lines may be of any length; parts of packages are one line by custom.

    Raises:
        In2xError: another encoding than the declared one, entities of its own, not well formed, or too long a line.
    """
    mark, encoding = next(((mark, known) for mark, known in MARKS if raw.startswith(mark)), (b"", ""))
    if not encoding:
        head = raw[:1024]
        for wide in ("utf-16-le", "utf-16-be"):
            if head.startswith("<?".encode(wide)):
                encoding = wide
        if not encoding and (declared := _DECLARED.match(head)):
            label = declared[1].decode("ascii")
            encoding = codec(label) or ""
            if not encoding:
                raise In2xError(f"the encoding that it declares, {label}, is not known", file=name)
    source = Coded(raw, name, encoding or "utf-8", mark)
    if not one_line:
        check_lines(source)
    elif len(raw) > LARGEST_PART:
        raise In2xError(f"a part of {len(raw):,} bytes; {LARGEST_PART:,} are the most that are read", file=name)
    check(source.text, name)
    return source


def check_lines(source: Coded) -> None:
    """Refuse a line that was never meant to be read."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            raise In2xError(f"a line of {len(line):,} characters", file=source.name, line=number, mend="break it up")


def check(text: str, name: str) -> None:
    """Refuse what is no XML, and XML with declarations of its own."""
    prolog = _PROLOG.match(text)
    doctype = _DOCTYPE.match(text, prolog.end() if prolog else 0)
    if doctype and doctype[1]:
        what = "it declares entities or elements of its own, which are not read: they can be used to flood or to spy"
        raise In2xError(what, file=name, mend="remove the part in [ ] of its DOCTYPE")
    body = _DECLARATION.sub(lambda match: "\n" * match[0].count("\n"), text, count=1)
    parser = expat.ParserCreate("utf-8")
    try:
        parser.Parse(body.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        said = expat.errors.messages.get(error.code, "it cannot be parsed")
        raise In2xError(f"it is no well-formed XML: {said}", file=name, line=error.lineno) from None


class Elements:
    """The tokens of a file of XML with the tag that closes each element."""

    def __init__(self, source: Coded) -> None:
        self.source, self.text = source, source.text
        self.tokens: list[Token] = list(xml_tokens(self.text))
        self.close: dict[int, int] = {}
        stack: list[int] = []
        for index, token in enumerate(self.tokens):
            if token.kind == "open":
                stack.append(index)
                if len(stack) > DEEPEST:
                    what = f"its elements lie in each other more than {DEEPEST} deep"
                    raise In2xError(what, file=source.name, line=source.line(token.start))
            elif token.kind == "close":
                self.close[stack.pop()] = index
            elif token.kind == "empty":
                self.close[index] = index

    def local(self, index: int) -> str:
        """The name of a tag without its prefix."""
        return self.tokens[index].name.rpartition(":")[2]

    def children(self, index: int) -> Iterator[int]:
        """The elements directly inside an element."""
        at, end = index + 1, self.close[index]
        while at < end:
            if at in self.close:
                yield at
                at = self.close[at]
            at += 1

    def child(self, index: int, *names: str) -> int | None:
        """The first element of one of these local names directly inside another."""
        return next((at for at in self.children(index) if self.local(at) in names), None)

    def inner(self, index: int) -> tuple[int, int]:
        """The span of an element's content."""
        return self.tokens[index].end, self.tokens[self.close[index]].start if self.is_open(index) else self.tokens[
            index
        ].end

    def outer(self, index: int) -> tuple[int, int]:
        """The span of an element with its tags."""
        return self.tokens[index].start, self.tokens[self.close[index]].end

    def is_open(self, index: int) -> bool:
        """Whether an element has a closing tag of its own."""
        return self.tokens[index].kind == "open"

    def root(self) -> int:
        """The outermost element."""
        return min(self.close)
