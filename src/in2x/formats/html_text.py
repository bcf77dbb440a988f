"""The texts of a page of HTML or XHTML: what a browser shows as one block is a segment, what stands in it is a tag.

No list says which elements hold text: every text between two block elements is a segment, or is in an element that is
not translated and is listed with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from in2x.formats import ruby
from in2x.formats.document import Kind, Options, Segment, Text
from in2x.formats.entities import escape, escaped, unescaped, unknown
from in2x.formats.inline import Item, passage
from in2x.formats.markup import VOID, Attribute, Token, attributes, elements
from in2x.formats.part import Coded, Draft, Place, Render

BLOCK = elements(
    """address article aside audio blockquote body button canvas caption center col colgroup datalist dd details dialog
    dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html
    iframe legend li link main menu meta nav noframes noscript ol optgroup option p picture plaintext pre script
    search section select source style summary table tbody td template textarea tfoot th thead title tr track ul video
    xmp"""
)
SKIPPED = {
    "script": "a script", "style": "a style sheet", "code": "code", "pre": "preformatted text", "xmp": "code",
    "svg": "a drawing", "math": "a formula", "iframe": "another page", "noembed": "another page",
    "noframes": "another page", "plaintext": "preformatted text",
}  # fmt: skip
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "title", "summary"), "heading"), "td": "cell", "th": "cell",
}  # type: ignore[dict-item]  # fmt: skip
_ATTRIBUTES = frozenset(("alt", "title", "placeholder", "aria-label", "aria-description"))
_METAS = frozenset(
    ("description", "keywords", "og:title", "og:description", "og:site_name", "twitter:title", "twitter:description")
)
_ROWS = frozenset(("tr", "tbody", "thead", "tfoot"))
_IMPLIED = {
    "p": BLOCK - {"script", "style", "link", "meta", "button", "noscript", "template", "select", "option", "source",
                  "track", "audio", "video", "picture", "canvas", "iframe", "textarea"},
    "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "td": {"td", "th"} | _ROWS, "th": {"td", "th"} | _ROWS,
    "tr": _ROWS, "tbody": _ROWS - {"tr"}, "thead": _ROWS - {"tr"}, "option": {"option", "optgroup"},
    "optgroup": {"optgroup"},
}  # fmt: skip
"""Element whose end tag may be left out -> what begins after it."""

Where = Callable[[int, Kind | None], tuple[str, str]]
"""(offset, kind) -> what a segment there is called by people, and its group; kind None for what is skipped."""


class Page:
    """The reader of one page."""

    blocks: frozenset[str] = BLOCK
    """Elements that part texts."""
    skipped: Mapping[str, str] = SKIPPED
    """Elements that are not translated, and why."""
    collapse = True
    """Whether white space is as a browser shows it."""

    def __init__(self, source: Coded, tokens: Sequence[Token], options: Options, html: bool) -> None:
        self.source, self.file, self.tokens, self.options, self.html = source, source.text, tokens, options, html
        self.lang = options.source_lang
        self.patches: list[tuple[int, int, str]] = []
        self._items: list[Item] = []
        self._spelt: dict[str, str] = {}
        self._block = ""
        self._found: list[tuple[int, int, Text, Kind, Callable[[Text, Render], str]]] = []
        self._skips: list[tuple[int, str, str]] = []

    def read(self, draft: Draft, where: Where) -> list[Place]:
        """Add the segments of the page to `draft` in their order; where they stand."""
        at = 0
        while at < len(self.tokens):
            at = self._token(at) + 1
        self._flush()
        places = []
        for start, end, text, kind, put in sorted(self._found, key=lambda found: found[:2]):
            name, group = where(start, kind)
            number = draft.add(Segment(text.text, text.tags, place=name, kind=kind, group=group))
            places.append(Place(start, end, number, put, text))
        for start, left, why in self._skips:
            draft.skip(where(start, None)[0], left, why)
        return places

    def _name(self, token: Token) -> str:
        return token.name if self.html else token.name.rpartition(":")[2].lower()

    def _token(self, index: int) -> int:
        """Take one token, or the whole element that begins with it; the last index taken."""
        token = self.tokens[index]
        name = self._name(token)
        match token.kind:
            case "text":
                self._text(token)
            case "cdata":
                self._items.append(
                    Item("text", token.start, token.end, self.file[token.start + 9 : token.end - 3], fixed=True)
                )
            case "raw":
                self._skips.append((token.start, self.file[token.start : token.end], "code"))
            case "comment" | "other":
                self._items.append(Item("alone", token.start, token.end))
                if token.kind == "other" and token.end == len(self.file) and self.html:
                    self._skips.append((token.start, self.file[token.start : token.end], "a tag that never ends"))
            case "close" if name in self.blocks:
                self._flush()
                self._block = ""
            case "close":
                self._items.append(Item("close", token.start, token.end, name=name))
            case _:
                return self._element(index, token, name)
        return index

    def _element(self, index: int, token: Token, name: str) -> int:
        found = attributes(self.file, token, self.html)
        why = self.skipped.get(name) or self._untranslated(found)
        if name == "html":
            self._language(found)
        if why is None or name in ("code", "svg"):
            self._attributes(name, found)
        if why is not None and token.kind == "open":
            end = self._end(index)
            span = (token.start, self.tokens[end].end)
            self._skips += [
                (t.start, unescaped(self.file[t.start : t.end])[0], why)
                for t in self.tokens[index + 1 : end + 1]
                if t.kind in ("text", "raw", "cdata")
            ]
            if name in self.blocks:
                self._flush()
            else:
                self._items.append(Item("alone", *span, word=name != "svg"))
            return end
        if name == "ruby" and token.kind == "open" and (last := self._ruby(index)):
            return last
        if name in self.blocks:
            self._flush()
            self._block = name
        elif name == "br":
            before = next((item for item in reversed(self._items) if item.kind != "text" or item.text.strip()), None)
            if before is not None and before.name == "br":
                self._flush()
            else:
                self._items.append(Item("alone", token.start, token.end, name="br"))
        else:
            alone = token.kind == "empty"
            self._items.append(Item("alone" if alone else "open", token.start, token.end, name=name))
        return index

    def _text(self, token: Token) -> None:
        raw = self.file[token.start : token.end]
        at = 0
        for own in () if self.html else unknown(raw):
            self._characters(token.start + at, raw[at : own.start()])
            self._items.append(Item("alone", token.start + own.start(), token.start + own.end(), word=True))
            at = own.end()
        self._characters(token.start + at, raw[at:])

    def _characters(self, start: int, raw: str) -> None:
        text, spelt = unescaped(raw)
        self._spelt |= spelt
        self._items.append(Item("text", start, start + len(raw), text))

    def _flush(self) -> None:
        found = passage(self._items, self.source.slice, self.collapse) if self._items else None
        if found:
            kind = _KINDS.get(self._block, "text")
            self._found.append((found.start, found.end, found.text, kind, found.put(escape(self._spelt))))
        self._items, self._spelt = [], {}

    def _untranslated(self, found: dict[str, Attribute]) -> str | None:
        if "translate" in found and self._value(found["translate"]).lower() == "no":
            return 'translate="no"'
        if "class" in found and "notranslate" in self._value(found["class"]).lower().split():
            return "class notranslate"
        return None

    def _value(self, attribute: Attribute) -> str:
        return unescaped(self.file[attribute.start : attribute.end])[0]

    def _language(self, found: dict[str, Attribute]) -> None:
        for name in ("lang", "xml:lang"):
            if name in found:
                self.lang = self.lang or self._value(found[name])
                if self.options.target_lang and found[name].quote:
                    self.patches.append((found[name].start, found[name].end, self.options.target_lang))

    def _attributes(self, name: str, found: dict[str, Attribute]) -> None:
        def value(key: str) -> str:
            return self._value(found[key]).lower() if key in found else ""

        for key, attribute in found.items():
            shown = key in _ATTRIBUTES
            shown |= key == "label" and name in ("option", "optgroup", "track")
            shown |= key == "value" and name == "input" and value("type") in ("submit", "button", "reset")
            shown |= key == "content" and name == "meta" and bool({value("name"), value("property")} & _METAS)
            raw = self.file[attribute.start : attribute.end]
            if shown and raw.strip():
                text, spelt = unescaped(raw)
                put = _in_quotes(attribute.quote, spelt)
                self._found.append((attribute.start, attribute.end, Text(text), "attribute", put))

    def _ruby(self, index: int) -> int | None:
        """The element `ruby` at `index` as text; None where it holds more than text, or never ends."""
        end = next((i for i in range(index + 1, len(self.tokens)) if self._ends_ruby(self.tokens[i])), None)
        if end is None or self.tokens[end].kind != "close" or self._name(self.tokens[end]) != "ruby":
            return None
        pairs: list[tuple[str, str]] = []
        base, above, inside = "", "", "rb"
        for token in self.tokens[index + 1 : end]:
            name = self._name(token)
            if token.kind in ("text", "cdata"):
                text = unescaped(self.file[token.start : token.end])[0].strip()
                if inside == "rb":
                    if above:
                        pairs.append((base, above))
                        base = above = ""
                    base += text
                elif inside == "rt":
                    above += text
            elif token.kind == "open" and name in ("rt", "rp", "rb", "rtc"):
                if name == "rt" and above:
                    pairs.append((base, above))
                    base = above = ""
                inside = "rt" if name == "rtc" else name
            elif token.kind == "close" and name in ("rt", "rp"):
                inside = "rb"
            elif name in ("img", "image"):
                return None
        pairs.append((base, above))
        following = self.tokens[end + 1] if end + 1 < len(self.tokens) else None
        after = self.file[following.start : following.end][:8] if following and following.kind == "text" else ""
        text, dropped = ruby.spoken(pairs, self.lang, after)
        self._items.append(Item("text", self.tokens[index].start, self.tokens[end].end, text, fixed=True))
        self._skips += [(self.tokens[index].start, above, f"the reading of {base}") for base, above in dropped]
        return end

    def _ends_ruby(self, token: Token) -> bool:
        name = self._name(token)
        return name == "ruby" or (token.kind != "text" and name in self.blocks)

    def _end(self, index: int) -> int:
        """The index of the last token of the element that `index` opens, as a browser would close it."""
        name = self._name(self.tokens[index])
        stack, inside = [name], Counter((name,))
        for at in range(index + 1, len(self.tokens)):
            token = self.tokens[at]
            other = self._name(token)
            if token.kind == "open" and other not in VOID:
                while self.html and stack and other in _IMPLIED.get(stack[-1], ()):
                    inside[stack.pop()] -= 1
                if not stack:
                    return at - 1
                stack.append(other)
                inside[other] += 1
            elif token.kind == "close" and inside[other]:
                while True:
                    last = stack.pop()
                    inside[last] -= 1
                    if last == other:
                        break
                if not stack:
                    return at
            elif token.kind == "close" and self.html and other in BLOCK and (other != "p" or name not in BLOCK):
                return at - 1
        return len(self.tokens) - 1


def _in_quotes(quote: str, spelt: dict[str, str]) -> Callable[[Text, Render], str]:
    def put(text: Text, render: Render) -> str:
        return escaped(text.text, spelt, quote) if quote else f'"{escaped(text.text, spelt, chr(34))}"'

    return put
