"""Nothing is left out: each text that the usual library of a format sees is in a segment or is skipped by name."""

from __future__ import annotations

import csv
import html
import importlib.util
import io
import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import fluent.syntax
import fluent.syntax.ast
import fluent.syntax.visitor
import markdown_it
import polib
import pysubs2
import pytest
import ruamel.yaml

from in2x.formats.document import Options
from in2x.formats.registry import parse
from in2x.formats.spans import decoded, flat

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def files() -> ModuleType:
    spec = importlib.util.spec_from_file_location("format_files", BENCHMARKS / "format_files.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def strings(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in strings(value)]
    if isinstance(tree, list):
        return [text for value in tree for text in strings(value)]
    return [tree] if isinstance(tree, str) else []


def of_subtitles(kind: str) -> Callable[[str], list[str]]:
    def nodes(text: str) -> list[str]:
        events = pysubs2.SSAFile.from_string(text, format_=kind)
        lines = [line for event in events for line in re.split(r"\\[Nn]", event.text)]
        return [re.sub(r"\{[^}]*\}|<[^>]*>|\\h", "", html.unescape(line)) for line in lines]

    return nodes


def of_fluent(text: str) -> list[str]:
    found: list[str] = []

    class Visitor(fluent.syntax.visitor.Visitor):
        def visit_TextElement(self, node: fluent.syntax.ast.TextElement) -> None:
            found.extend(node.value.split("\n"))

    Visitor().visit(fluent.syntax.FluentParser().parse(text))
    return found


def of_markdown(text: str) -> list[str]:
    body = text.split("\n---\n", 1)[1] if text.startswith("---\ntitle") else text
    tokens = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body)
    inline = [child for token in tokens for child in token.children or []]
    blocks = [token.content for token in tokens if token.type in ("fence", "code_block", "html_block")]
    return [token.content for token in inline if token.type in ("text", "text_special", "code_inline")] + blocks


NODES: dict[str, Callable[[str], list[str]]] = {
    "txt": lambda text: re.split(r"[\r\n]+(?:\(a\) )?", "\n" + text),
    "md": lambda text: of_markdown(text.replace("\r\n", "\n")),
    "json": lambda text: strings(json.loads(text)),
    "jsonl": lambda text: [node for line in text.split("\n") if line.strip() for node in strings(json.loads(line))],
    "yaml": lambda text: strings(ruamel.yaml.YAML(typ="safe").load(text)),
    "csv": lambda text: [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row],
    "tsv": lambda text: [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t") for cell in row],
    "po": lambda text: [node for entry in polib.pofile(text) for node in (entry.msgid, entry.msgid_plural)],
    "srt": of_subtitles("srt"),
    "vtt": of_subtitles("vtt"),
    "ass": of_subtitles("ass"),
    "ftl": of_fluent,
    "strings": lambda text: re.findall(r'= ?"((?:[^"\\]|\\.)*)";', re.sub(r"\\(?:n|U00e9)", "", text)),
    "rpy": lambda text: re.findall(r'"((?:[^"\\\n]|\\.)+)"', text.replace('"d\n', "\n")),
}  # fmt: skip


def letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalpha())


@pytest.mark.parametrize("kind", NODES)
def test_every_text_node_is_a_segment_or_skipped(kind: str) -> None:
    made, seen = files().GENERATORS[kind], 0
    for seed in range(40):
        raw = made(random.Random(seed))
        document = parse(raw, f"made.{kind}", Options(source_lang="en", target_lang="ja"))
        known = [letters(flat(segment)) for segment in document.segments]
        known += [letters(segment.note) for segment in document.segments]
        known += [letters(skipped.text) for skipped in document.skipped]
        for node in NODES[kind](decoded(raw, "made").text):
            text = letters(re.sub(r"^id \d+$", "", node))  # pysubs2 takes names of cues for text
            assert not text or any(text in one for one in known), (kind, seed, node)
            seen += bool(text)
    assert seen > 40
