"""Lines are broken by meaning and by the rules of the language, and marks of Markdown render beside any bracket."""

from __future__ import annotations

import importlib.util
import random
import re
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import markdown_it
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.formats.document import Options, Tag, Text
from in2x.formats.layout import breaks, joined, rules, width, wrapped
from in2x.formats.markdown_inline import parse as inline
from in2x.formats.markdown_write import written
from in2x.formats.registry import parse
from in2x.formats.spans import flat

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
LETTERS = st.text("あいう漢字カタ々ーっ、。！？「」『』（）…――A1b -　😀", max_size=60)


@pytest.fixture(scope="module")
def formats() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("formats", BENCHMARKS / "formats.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["formats"] = module
    spec.loader.exec_module(module)
    return module


@settings(max_examples=200, deadline=None)
@given(LETTERS, st.lists(st.integers(0, 60), max_size=3))
def test_wrapped_lines_keep_every_letter_and_every_rule(text: str, places: list[int]) -> None:
    rule = rules("ja")
    tags = tuple(Tag(min(at, len(text)), f"<{n}>", n) for n, at in enumerate(sorted(places)))
    out = wrapped(Text(text, tags), "ja", rule.limit(None))
    assert "".join(out.text.split()) == "".join(text.split())
    assert [tag.raw for tag in out.tags] == [tag.raw for tag in tags]
    for old, new in zip(tags, out.tags, strict=True):
        assert "".join(out.text[: new.at].split()) == "".join(text[: old.at].split())
    lines = out.text.split("\n")
    for before, after in pairwise(lines):
        assert after[0] not in rule.no_start and before[-1] not in rule.no_end
        assert not re.search(r"[A-Za-z0-9]$", before) or not re.match(r"[A-Za-z0-9]", after) or " " in text
        assert not (before[-1] == "…" and after[0] == "…") and not (before[-1] == "―" and after[0] == "―")
    assert width(text.strip()) > rule.width or len(lines) == 1


@pytest.mark.parametrize(
    ("lang", "text", "lines"),
    [
        ("ja", "彼女は昨日、東京の駅前で友達を待っていた。", ["彼女は昨日、東京の駅前で", "友達を待っていた。"]),
        ("ja", "短い文。", ["短い文。"]),
        ("ja", "えっ、何を言ってるの？もう一度言ってよ。", ["えっ、何を言ってるの？", "もう一度言ってよ。"]),
        ("en", "It is a long line of words that is broken in two, we hope.",
         ["It is a long line of words", "that is broken in two, we hope."]),
    ],
)  # fmt: skip
def test_lines_break_by_meaning(lang: str, text: str, lines: list[str]) -> None:
    assert wrapped(Text(text), lang, rules(lang).limit(None)).text.split("\n") == lines


def test_a_long_text_is_never_cut() -> None:
    text = "長い話が続くと字幕は読みにくい。" * 60
    out = wrapped(Text(text), "ja", rules("ja").limit(2.0))
    assert out.text.replace("\n", "") == text and max(map(width, out.text.split("\n"))) <= 13
    assert breaks("", "ja") == [] and joined(Text("a\nb")).text == "a b" and joined(Text("あ\nい")).text == "あい"


def test_each_language_has_rules() -> None:
    assert rules("zh-TW").phrases == "zh-hant" and rules("zh").phrases == "zh-hans" and rules("ja-JP").width == 13
    assert rules("de").width == rules("en").width and not rules("de").phrases and rules("").lines == 2


def test_marks_render_in_a_thousand_lines(formats: ModuleType) -> None:
    plain, ours = formats.broken_marks(1000, seed=5)
    assert ours == 0
    assert plain > 200, "the lines must be such that marks put back as they are break"


@pytest.mark.parametrize(
    ("text", "start", "end", "mark", "line"),
    [
        ("これは「重要」です", 3, 7, "**", "これは「**重要**」です"),
        ("注意：読む", 0, 3, "**", "**注意**：読む"),
        ("とても良い本", 3, 5, "_", "とても*良い*本"),
        ("それは……だ", 3, 5, "**", "それは<strong>……</strong>だ"),
        ("a word here", 2, 6, "**", "a **word** here"),
    ],
)
def test_emphasis_is_moved_to_where_it_renders(text: str, start: int, end: int, mark: str, line: str) -> None:
    marked = Text(text, (Tag(start, mark, 1, "open"), Tag(end, mark, 1, "close")))
    assert written(marked, (), False, "") == line


@settings(max_examples=300, deadline=None)
@given(st.text("ab あ「」*_`[]()<>&!\\~#\n1.-|", max_size=40))
def test_the_inline_grammar_agrees_with_markdown_it(text: str) -> None:
    """Emphasis, links and code as an independent implementation sees them, and a paragraph's pieces cover it."""
    pieces = inline(text)
    assert "".join(text[piece.start : piece.end] for piece in pieces) == text
    parser = markdown_it.MarkdownIt("commonmark").enable("strikethrough")
    tokens = parser.parseInline(text)[0].children or []
    theirs = sorted(
        token.type.split("_")[0] for token in tokens if token.type.endswith(("em_open", "strong_open", "link_open"))
    )
    ours = [text[piece.start : piece.end] for piece in pieces if piece.kind == "open"]
    names = {"*": "em", "_": "em", "**": "strong", "__": "strong", "[": "link"}
    assert sorted(names[mark] for mark in ours if mark in names) == theirs
    assert sum(piece.kind == "alone" and text[piece.start] == "`" for piece in pieces) == sum(
        token.type == "code_inline" for token in tokens
    )


@settings(max_examples=200, deadline=None)
@given(st.text("ab あ「」*_`[]()<>&!\\~#1.-+|=$:{%", min_size=1, max_size=40), st.booleans())
def test_a_written_text_says_what_it_said(text: str, cell: bool) -> None:
    """Whatever a translator writes is text, never markup."""
    text = " ".join(text.split())
    if not text:
        return
    line = written(Text(text), (), cell, "")
    parser = markdown_it.MarkdownIt("commonmark").enable(["strikethrough", "table"])
    tokens = parser.parse(f"| {line} | x |\n|---|---|\n" if cell else line)
    said = next(token for token in tokens if token.type == "inline")
    assert [token.type for token in tokens[:2]] == (
        ["table_open", "thead_open"] if cell else ["paragraph_open", "inline"]
    )
    assert "".join(child.content for child in said.children or []) == text


MARKDOWN = """---
title: 'My page'
---
# Heading **one** #

Some **bold**, [a link](https://x.y "Its title"), `code` and
a second line.\\
After a break &amp; ![a picture](p.png) [label].

> - [ ] quoted item

| Name | Text |
|---|---|
| a \\| b | `x` two |

```
code
```

[label]: https://x.y
"""


def test_markdown() -> None:
    document = parse(MARKDOWN.encode(), "a.md", Options(source_lang="en", target_lang="ja"))
    assert [segment.text for segment in document.segments] == [
        "My page", "Heading one", "Some bold, a link,  and a second line.After a break &  label.", "Its title",
        "a picture", "quoted item", "Name", "Text", "a | b", " two",
    ]  # fmt: skip
    assert [skipped.why for skipped in document.skipped] == ["code"]
    body = document.segments[2]
    new = Text(
        "甲乙" + body.text[4:], tuple(Tag(max(0, tag.at - 2), tag.raw, tag.number, tag.kind) for tag in body.tags)
    )
    out = document.write({0: Text("人'々"), 2: new, 3: Text('題"名'), 4: Text("絵]"), 8: Text("甲|乙")}).decode()
    assert "title: '人''々'" in out and '(https://x.y "題\\"名")' in out and "![絵\\]](p.png)" in out
    assert "[label][label]" in out and "| 甲\\|乙 |" in out
    assert len(parse(out.encode(), "a.md", Options()).segments) == len(document.segments)


@pytest.mark.parametrize(
    "piece", ["*a _", "[", "![", "`", "<a ", "](", "&", "**「", "<!--", "$", "{{", "[a](", "{%", "``x`"]
)
def test_hostile_markdown_takes_linear_time(piece: str) -> None:
    """Ten times as long takes about ten times as much, not a hundred times."""

    def seconds(size: int) -> float:
        raw = (piece * (size // len(piece))).encode()
        start = time.process_time()
        document = parse(raw, "a.md", Options())
        document.write({number: Text("甲" + segment.text) for number, segment in enumerate(document.segments)})
        return time.process_time() - start

    assert min(map(seconds, [40_000] * 2)) < 40 * (seconds(4_000) + 0.05)


def test_flat_puts_tags_where_they_were() -> None:
    r = random.Random(3)
    for _ in range(50):
        text = "".join(r.choice("ab*") for _ in range(8))
        tags = tuple(Tag(at, "<x>", n) for n, at in enumerate(sorted(r.choices(range(9), k=3))))
        assert flat(Text(text, tags)).replace("<x>", "") == text
