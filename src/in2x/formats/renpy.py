"""Ren'Py scripts (.rpy): what characters say, menus, names, `_("...")`, and the `translate` blocks of its own tool.

`{b}` and `[name]` are tags. In a `translate` block the comment is the source and the statement the translation; in
`translate ... strings` it is `old` and `new`. Strings of Python, of screens and of other statements are skipped with a
reason each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from in2x.formats.document import Document, Options, Segment, Text
from in2x.formats.placeholders import cut, paired
from in2x.formats.spans import Draft, decoded, flat, lettered
from in2x.formats.srt import lines_of

STRING = re.compile(r'(?P<quote>"""|\'\'\'|"|\'|`)(?P<body>(?:(?!(?P=quote))[^\\]|\\.)*+)(?P=quote)', re.DOTALL)
SAY = re.compile(r"(?P<who>[A-Za-z_][\w.]*)(?P<more>(?:[ \t]+(?:@[ \t]*)?-?[A-Za-z_]\w*)*)[ \t]+(?=[\"'`])|(?=[\"'`])")
STATEMENTS = re.compile(
    r"(?:define|default|image|play|stop|queue|voice|show|scene|hide|with|jump|call|label|if|elif|else|while|return|pass|"
    r"transform|style|layeredimage|testcase|window|pause|import|from|for|at|camera|rpy|audio|sound|music|on|\$)(?![\w])"
)
TAGS = re.compile(r"\{\{|\[\[|\{[^{}\n]*\}|\[[^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*\]")
TRANSLATABLE = re.compile(r"__?\(\s*(?=[\"'])")
NAMES = re.compile(r"(?:Character|DynamicCharacter)\(\s*(?:_\(\s*)?(?=[\"'])")
WORD = re.compile(r"(?!__?\()\w+")
SHOWN = re.compile(r"(?:text|textbutton|label|tooltip)[ \t]+(?=[\"'])")
ELEMENT = re.compile(r"\{(/?)([a-z_]\w*)[^{}]*(/?)\}")
ESCAPE = re.compile(r"\\(.)|\s+", re.DOTALL)


@dataclass(slots=True)
class _Block:
    """An indented part of a file that is read in its own way."""

    indent: int
    kind: str
    """"python", "screen", "strings", "translate"."""
    sources: list[str] = field(default_factory=list)
    """The texts that the next statements translate."""


def read(raw: bytes, name: str, options: Options) -> Document:
    """The texts of a script.

    Raises:
        In2xError: a string that does not end.
    """
    return _Reader(Draft(decoded(raw, name)), options).read(raw)


class _Reader:
    def __init__(self, draft: Draft, options: Options) -> None:
        self.draft, self.redo = draft, options.redo
        self.text = draft.source.text
        self.blocks: list[_Block] = []
        self.group = ""

    def read(self, raw: bytes) -> Document:
        done = 0
        for start, end in lines_of(self.text):
            line = self.text[start:end]
            if start < done or not line.strip():
                continue
            indent = len(line) - len(line.lstrip())
            while self.blocks and indent <= self.blocks[-1].indent:
                self.blocks.pop()
            done = self._line(start + indent, end, indent)
        return self.draft.document(raw)

    def _line(self, at: int, end: int, indent: int) -> int:
        """Read the statement at an offset; where it ends (strings may go over lines)."""
        line = self.text[at:end]
        block = self.blocks[-1] if self.blocks else None
        if line.startswith("#"):
            if block and block.kind == "translate" and (say := re.match(r"#\s*", line)):
                block.sources += self._said(line[say.end() :])
            return end
        if opened := re.match(r"translate\s+\w+\s+(\w+)\s*:", line):
            kind = {"strings": "strings", "python": "python", "style": "python"}.get(opened[1], "translate")
            self.blocks.append(_Block(indent, kind))
            self.group = opened[1]
            return end
        if re.match(
            r"(?:init\s+(?:-?\d+\s+)?)?python\b.*:\s*$|(?:style|transform|layeredimage|testcase)\s.*:\s*$", line
        ):
            self.blocks.append(_Block(indent, "python"))
            return end
        if re.match(r"(?:init\s+(?:-?\d+\s+)?)?screen\b.*:\s*$", line):
            self.blocks.append(_Block(indent, "screen"))
            return end
        if label := re.match(r"label\s+([\w.]+).*:", line):
            self.group = label[1]
            return end
        if block and block.kind == "strings":
            return self._pair(at, end, block)
        if block and block.kind in ("python", "screen"):
            return self._code(at, end, "a string of code" if block.kind == "python" else "in a screen", block.kind)
        if STATEMENTS.match(line):
            return self._code(at, end, "an argument of a statement", "statement")
        if line.startswith("menu"):
            return end
        say = SAY.match(self.text, at, end)
        if not say:
            return self._code(at, end, "a statement that is not known", "statement")
        return self._say(say, end, block)

    def _string(self, at: int) -> re.Match[str]:
        string = STRING.match(self.text, at)
        if not string:
            raise self.draft.source.fault("a string that does not end", at, "close its quote")
        return string

    def _said(self, line: str) -> list[str]:
        """What a statement in a comment says; [] where it is none."""
        say = SAY.match(line)
        string = STRING.match(line, say.end()) if say else None
        return [string["body"]] if string else []

    def _say(self, say: re.Match[str], end: int, block: _Block | None) -> int:
        string = self._string(say.end())
        speaker = "" if say["who"] in (None, "extend", "centered", "vcentered") else say["who"]
        following = re.compile(r"[ \t]+(?=[\"'])").match(self.text, string.end())
        if not speaker and following and STRING.match(self.text, following.end()):
            speaker, string = string["body"], self._string(following.end())  # "Name" "what is said"
        after = self.text[string.end() : self._end_of_line(string.end())]
        choice = re.match(r"\s*(?:\(.*\)\s*)?(?:if\b.*)?:\s*$", after)
        number = self.draft.source.line(string.start())
        place, group = f"line {number}", self.group or "script"
        like = Segment("", (), place, "speech", group, speaker)
        if choice:
            like = Segment("", (), place, "message", group, note="a choice")
        source = block.sources.pop(0) if block and block.kind == "translate" and block.sources else ""
        if len(string["quote"]) == 3:
            self._monologue(string, like)
        else:
            self._add(string, like, source)
        return max(end, self._end_of_line(string.end()))

    def _monologue(self, string: re.Match[str], like: Segment) -> None:
        """A string in three quotes: each of its paragraphs is said on its own."""
        for part in re.finditer(r"\S(?:(?!\r?\n[ \t]*\r?\n).)*", string["body"], re.DOTALL):
            start = string.start("body") + part.start()
            text, end = _text(part[0].rstrip()), start + len(part[0].rstrip())
            place = f"line {self.draft.source.line(start)}"
            if lettered(text.text):
                own = Segment(text.text, text.tags, place, like.kind, like.group, like.speaker)
                self.draft.add(own, start, end, lambda new: _written(new, string["quote"]))
            elif part[0].strip():
                self.draft.skip(place, part[0], "it has no letter")

    def _pair(self, at: int, end: int, block: _Block) -> int:
        pair = re.compile(r"(old|new)\s+(?=[\"'`])").match(self.text, at, end)
        if not pair:
            return end
        string = self._string(pair.end())
        if pair[1] == "old":
            block.sources = [string["body"]]
        elif block.sources:
            number = self.draft.source.line(at)
            self._add(string, Segment("", place=f"line {number}", kind="message", group="strings"), block.sources.pop())
        return max(end, self._end_of_line(string.end()))

    def _code(self, at: int, end: int, why: str, kind: str) -> int:
        """The strings of a line of code: names of characters, `_("...")`, and others with the reason why they stay."""
        while at < end:
            comment = self.text[at] == "#"
            if comment:
                return end
            wanted = next((m for p in (TRANSLATABLE, NAMES) if (m := p.match(self.text, at, end))), None)
            if wanted is None and kind == "screen":
                wanted = SHOWN.match(self.text, at, end)
            if wanted:
                string = self._string(wanted.end())
                named = wanted[0].endswith("(") and "haracter" in wanted[0]
                place = f"line {self.draft.source.line(at)}"
                self._add(string, Segment("", place=place, kind="name" if named else "message", group="code"), "")
                at = string.end()
            elif self.text[at] in "\"'":
                quoted = STRING.match(self.text, at)
                if not quoted:
                    return end  # an apostrophe in code that is no string
                body = quoted["body"]
                if lettered(body):
                    self.draft.skip(f"line {self.draft.source.line(at)}", body, why)
                at = quoted.end()
            else:
                word = WORD.match(self.text, at)
                at = word.end() if word else at + 1
        return max(at, end)

    def _end_of_line(self, at: int) -> int:
        match = re.compile(r"[^\r\n]*").match(self.text, at)
        return match.end() if match else at

    def _add(self, string: re.Match[str], like: Segment, source: str) -> None:
        """Add a string; with `source`, what it translates."""
        own = string["body"]
        text = _text(source or own)
        if not lettered(text.text):
            if own.strip():
                self.draft.skip(like.place, own, "it has no letter" if not lettered(own) else "it is markup alone")
            return
        quote = string["quote"]
        done = own if source and own != source and not self.redo else ""
        segment = Segment(
            text.text, text.tags, like.place, like.kind, like.group, like.speaker, like.note, None, flat(_text(done))
        )
        now = None if source and not own else _text(own)
        start, end = string.span("body")
        self.draft.join([segment], start, end, lambda texts: _written(texts[0], quote), [now])


def _text(body: str) -> Text:
    spans = [match.span() for match in TAGS.finditer(body) if match[0] not in ("{{", "[[")]
    text = cut(body, spans, _plain)
    return Text(text.text, paired(((tag.at, tag.raw) for tag in text.tags), ELEMENT))


def _plain(part: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[1]:
            return "\n" if match[1] == "n" else match[1]
        return " " if "\n" in match[0] else match[0]

    out = ESCAPE.sub(plain, part)
    return out.replace("{{", "{").replace("[[", "[")


def _written(text: Text, quote: str) -> str:
    def escape(part: str) -> str:
        out = part.replace("\\", r"\\").replace(quote[0], "\\" + quote[0])
        return re.sub(r"\r\n|\r|\n", r"\\n", out.replace("{", "{{").replace("[", "[["))

    return flat(text, escape)
