"""Lexers of XML and HTML that say where things stand: tags, texts and attribute values as spans of the file.

XML is checked to be well formed beforehand (`xml_file.py`), so its lexer is one pattern. The one for HTML is tolerant
and follows the tokeniser of the HTML standard where it decides what is text: raw text elements, escaped scripts, bogus
comments, tags that never end. Both take time in proportion to the file, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["text", "raw", "open", "close", "empty", "comment", "cdata", "other"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a file; the pieces of a file follow each other without gaps.

    "raw" is the content of an element that holds no text (script, style); "empty" an element without content; "other" a
    declaration, an instruction or what no reader understands.
    """

    kind: TokenKind
    start: int
    end: int
    name: str = ""
    """Of a tag: as written in XML, in lower case in HTML."""


_XML = re.compile(
    r"<(?:(!--.*?-->)|(!\[CDATA\[.*?\]\]>)|(\?.*?\?>|!(?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+>)|(/?)([^\s/>!?]++)(?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+>)",
    re.DOTALL,
)


def xml_tokens(text: str) -> Iterator[Token]:
    """The tokens of well-formed XML without an internal subset."""
    done = 0
    for match in _XML.finditer(text):
        start, end = match.span()
        if start > done:
            yield Token("text", done, start)
        comment, cdata, _, closing, name = match.groups()
        if name:
            kind: TokenKind = "close" if closing else "empty" if text[end - 2] == "/" else "open"
            yield Token(kind, start, end, name)
        else:
            yield Token("comment" if comment else "cdata" if cdata else "other", start, end)
        done = end
    if done < len(text):
        yield Token("text", done, len(text))


def elements(names: str) -> frozenset[str]:
    """The names of elements, written with spaces between them."""
    return frozenset(names.split())


VOID = elements("area base br col embed hr img input link meta param source track wbr")
_RAW = elements("script style xmp iframe noembed noframes")
_RCDATA = frozenset(("title", "textarea"))
_FOREIGN = frozenset(("svg", "math"))
_TAG = re.compile(
    r"<(/?)([A-Za-z][^\s/>]*+)"
    r"(?:[\s/]++|[^\s/>=][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+|(?=>)))?+)*+>"
)
_CRUDE = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)[^>]*+>")
_MARK = re.compile(r"<(?=[A-Za-z/!?])")
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT = re.compile(r"<!--|-->|<(/?)script(?=[\s/>])", re.IGNORECASE)


def html_tokens(text: str) -> Iterator[Token]:
    """The tokens of any HTML."""
    at = done = 0
    foreign = 0
    ends = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW | _RCDATA}
    while match := _MARK.search(text, at):
        start = match.start()
        token = _html_markup(text, start)
        if token is None:  # "</" before what begins no name: text
            at = start + 1
            continue
        if start > done:
            yield Token("text", done, start)
        yield token
        at = done = token.end
        if token.name in _FOREIGN and token.kind != "empty":
            foreign = max(0, foreign + (1 if token.kind == "open" else -1))
        if token.kind != "open" or foreign:
            continue
        if token.name == "plaintext":
            break
        if token.name in ends:
            stop = _script_end(text, at) if token.name == "script" else _end(ends[token.name], text, at)
            if stop > at:
                yield Token("text" if token.name in _RCDATA else "raw", at, stop)
            at = done = stop
    if done < len(text):
        yield Token("text", done, len(text))


def _html_markup(text: str, start: int) -> Token | None:
    if text.startswith("<!--", start):
        short = next((end for end in ("<!-->", "<!--->") if text.startswith(end, start)), None)
        close = None if short else _COMMENT_END.search(text, start + 4)
        return Token("comment", start, start + len(short) if short else close.end() if close else len(text))
    end_tag = text.startswith("</", start)
    if text.startswith(("<!", "<?"), start) or (end_tag and not text[start + 2 : start + 3].isalpha()):
        if end_tag and start + 2 >= len(text):
            return None
        close_at = text.find(">", start)
        return Token("other", start, close_at + 1 if close_at >= 0 else len(text))
    tag = _TAG.match(text, start) or _CRUDE.match(text, start)
    if tag is None:
        return Token("other", start, len(text))
    name = tag[2].lower()
    if tag[1]:
        return Token("close", start, tag.end(), name)
    empty = name in VOID or (text[tag.end() - 2] == "/" and name not in _NEVER_EMPTY)
    return Token("empty" if empty else "open", start, tag.end(), name)


_NEVER_EMPTY = elements(
    """a abbr address article aside b bdi bdo big blockquote body button caption center cite code dd del details dfn
    div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header html i iframe ins kbd label
    legend li main mark menu nav noembed noframes noscript ol optgroup option p plaintext pre q rb rp rt rtc ruby s samp
    script section select small span strike strong style sub summary sup table tbody td template textarea tfoot th thead
    title tr tt u ul var video audio canvas object map xmp"""
)
"""Elements of HTML, where a slash before the `>` means nothing."""


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.search(text, at)
    return match.start() if match else len(text)


def _script_end(text: str, at: int) -> int:
    """Where a script ends: inside `<!-- <script>` a `</script>` closes the inner one."""
    escaped = double = False
    for match in _SCRIPT.finditer(text, at):
        if match[0] == "<!--":
            escaped = True
        elif match[0] == "-->":
            escaped = double = False
        elif not match[1]:
            double = double or escaped
        elif double:
            double = False
        else:
            return match.start()
    return len(text)


@dataclass(frozen=True, slots=True)
class Attribute:
    """The value of an attribute, without its quotes; an empty span where there is none."""

    start: int
    end: int
    quote: str
    """What it stands in: `"`, `'` or nothing."""


_ATTRIBUTE = re.compile(
    r"([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+)))?+", re.DOTALL
)


def attributes(text: str, token: Token, lower: bool = False) -> dict[str, Attribute]:
    """Attribute name -> where its value stands; the first of a name counts. `lower` for HTML."""
    found: dict[str, Attribute] = {}
    start = text.find(token.name[0], token.start) if not lower else token.start + 1
    for match in _ATTRIBUTE.finditer(text, start + len(token.name), token.end - 1):
        name = match[1].lower() if lower else match[1]
        if name not in found:
            group = match.lastindex or 1
            span = match.span(group) if group > 1 else (match.end(), match.end())
            found[name] = Attribute(*span, {2: '"', 3: "'"}.get(group, ""))
    return found
