"""Do files come back as they were, beside the libraries that people use for them?

    python benchmarks/formats.py [--files 200] [--only srt,po]

For each format made files (`benchmarks/format_files.py`, and that of markup formats) are read and written: as read,
with each segment's own text, and with every text changed. Of the last the usual library must see the structure that it
sees in the source. Its own load and save stands beside it.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import io
import json
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import fluent.syntax
import markdown_it
import polib
import pysubs2
import ruamel.yaml
from format_files import GENERATORS

from in2x.formats.document import Document, Options, Tag, Text
from in2x.formats.registry import parse

OPTIONS = Options(source_lang="en", target_lang="ja")


@dataclass(frozen=True)
class Usual:
    """The library that people open a format with."""

    name: str
    shape: Callable[[bytes], Any]
    """What stays the same when texts are translated: keys, times, numbers of rows."""
    saved: Callable[[bytes], bytes] | None = None
    """Its own load and save."""


@dataclass
class Row:
    """Files of a format that came out right, of `files`."""

    suffix: str
    library: str
    files: int
    segments: int = 0
    as_read: int = 0
    own_texts: int = 0
    same_shape: int = 0
    saved: int | None = None


def leaves(tree: Any) -> Any:
    """A tree with its texts forgotten."""
    if isinstance(tree, dict):
        return {key: leaves(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [leaves(value) for value in tree]
    return "text" if isinstance(tree, str) else tree


def json_lines(raw: bytes) -> list[Any]:
    return [json.loads(line) for line in raw.decode("utf-8-sig").split("\n") if line.strip()]


def catalog(raw: bytes) -> Any:
    tree = json.loads(raw)
    return {key: {k: v for k, v in value.items() if k != "localizations"} for key, value in tree["strings"].items()}


def yaml_tree(raw: bytes) -> Any:
    return leaves(ruamel.yaml.YAML(typ="safe").load(raw.decode("utf-8-sig")))


def yaml_saved(raw: bytes) -> bytes:
    yaml = ruamel.yaml.YAML()
    yaml.preserve_quotes, yaml.width = True, 1 << 20
    out = io.BytesIO()
    yaml.dump(yaml.load(raw.decode("utf-8-sig")), out)
    return out.getvalue()


def characters(raw: bytes) -> str:
    return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


def rows(delimiter: str) -> Callable[[bytes], Any]:
    return lambda raw: [len(row) for row in csv.reader(io.StringIO(characters(raw), newline=""), delimiter=delimiter)]


def rows_saved(delimiter: str) -> Callable[[bytes], bytes]:
    def saved(raw: bytes) -> bytes:
        out = io.StringIO(newline="")
        end = "\r\n" if b"\r\n" in raw else "\n"
        table = csv.reader(io.StringIO(characters(raw), newline=""), delimiter=delimiter)
        csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(table)
        return out.getvalue().encode()

    return saved


def catalog_po(raw: bytes) -> Any:
    return [(e.msgctxt, e.msgid, e.msgid_plural, e.comment, e.tcomment, e.occurrences, e.obsolete)
            for e in polib.pofile(raw.decode())]  # fmt: skip


def po_saved(raw: bytes) -> bytes:
    return str(polib.pofile(raw.decode(), wrapwidth=0)).encode()


def times(kind: str) -> Callable[[bytes], Any]:
    return lambda raw: [(e.start, e.end, e.style, e.name, e.type)
                        for e in pysubs2.SSAFile.from_string(characters(raw), format_=kind)]  # fmt: skip


def times_saved(kind: str) -> Callable[[bytes], bytes]:
    return lambda raw: pysubs2.SSAFile.from_string(characters(raw), format_=kind).to_string(kind).encode()


def messages(raw: bytes) -> Any:
    tree = fluent.syntax.FluentParser().parse(raw.decode("utf-8-sig"))
    return [
        (type(e).__name__, getattr(getattr(e, "id", None), "name", ""), len(getattr(e, "attributes", [])))
        for e in tree.body
        if "Comment" not in type(e).__name__
    ]


def messages_saved(raw: bytes) -> bytes:
    tree = fluent.syntax.FluentParser().parse(raw.decode("utf-8-sig"))
    return str(fluent.syntax.FluentSerializer().serialize(tree)).encode()


def rendered(raw: bytes) -> Any:
    """Blocks in their order, and of each how much emphasis, how many links and so on it has."""
    out: list[Any] = []
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    body = raw.decode("utf-8-sig").removeprefix("---")
    for token in parser.parse(body):
        marks = {"<strong>": "strong_open", "<em>": "em_open", "<del>": "s_open"}
        kinds = [
            marks.get(c.content, c.type)
            for c in token.children or []
            if c.content not in ("</strong>", "</em>", "</del>")
        ]
        out.append(
            (
                token.type,
                sorted(k for k in kinds if k not in ("text", "softbreak", "text_special") and "close" not in k),
            )
        )
    return out


USUAL: dict[str, Usual] = {
    "txt": Usual("(lines)", lambda raw: raw.count(b"\n")),
    "md": Usual("markdown-it-py", rendered),
    "json": Usual("json", lambda raw: leaves(json.loads(raw.decode("utf-8-sig"))),
                  lambda raw: json.dumps(json.loads(raw.decode("utf-8-sig")), ensure_ascii=False, indent=2).encode()),
    "jsonl": Usual("json", lambda raw: leaves(json_lines(raw)),
                   lambda raw: "".join(json.dumps(v, ensure_ascii=False) + "\n" for v in json_lines(raw)).encode()),
    "xcstrings": Usual("json", catalog, lambda raw: json.dumps(json.loads(raw), ensure_ascii=False, indent=2).encode()),
    "yaml": Usual("ruamel.yaml", yaml_tree, yaml_saved),
    "csv": Usual("csv", rows(","), rows_saved(",")),
    "tsv": Usual("csv", rows("\t"), rows_saved("\t")),
    "po": Usual("polib", catalog_po, po_saved),
    "srt": Usual("pysubs2", times("srt"), times_saved("srt")),
    "vtt": Usual("pysubs2", times("vtt"), times_saved("vtt")),
    "ass": Usual("pysubs2", times("ass"), times_saved("ass")),
    "strings": Usual("(entries)", lambda raw: characters(raw).count('";')),
    "properties": Usual("(lines)", lambda raw: re.findall(r"^k\.\d", characters(raw), re.M)),
    "ftl": Usual("fluent.syntax", messages, messages_saved),
    "rpy": Usual("(lines)", lambda raw: raw.count(b"\n")),
}  # fmt: skip
"""Suffix -> its library; formats in brackets have none here that installs, so only counts are compared."""

for extra in ("formats_xml",):  # the same two tables for formats of markup
    if importlib.util.find_spec(extra):
        module = importlib.import_module(extra)
        GENERATORS.update(module.GENERATORS)
        USUAL.update(module.USUAL)


def own(document: Document) -> dict[int, Text]:
    """Each segment's own text, but for the part of a Ren'Py script that holds translations beside their sources."""
    return {number: segment for number, segment in enumerate(document.segments) if segment.group != "strings"}


def changed(document: Document) -> dict[int, Text]:
    """Every text with a letter before it (behind the tags that it begins with) and one behind it."""
    return {
        number: Text("甲" + s.text + "乙", tuple(Tag(t.at + 1 if t.at else 0, t.raw, t.number, t.kind) for t in s.tags))
        for number, s in enumerate(document.segments)
    }


TRANSLATIONS = {"po", "xcstrings", "xliff", "xlf", "tmx"}
"""Formats that hold source and translation: their sources are no translations to write back."""


def measure(suffix: str, files: int, seed: int = 0) -> Row:
    """Read and write made files of a format."""
    usual = USUAL[suffix]
    row = Row(suffix, usual.name, files, saved=0 if usual.saved else None)
    for number in range(files):
        raw = GENERATORS[suffix](random.Random(seed * 1_000_003 + number))
        document = parse(raw, f"made.{suffix}", OPTIONS)
        row.segments += len(document.segments)
        row.as_read += document.write({}) == raw
        row.own_texts += suffix in TRANSLATIONS or document.write(own(document)) == raw
        row.same_shape += usual.shape(document.write(changed(document))) == usual.shape(raw)
        if usual.saved:
            try:
                row.saved = (row.saved or 0) + (usual.saved(raw) == raw)
            except Exception:  # what a library cannot load it does not give back either
                continue
    return row


def marked_line(r: random.Random) -> Text:
    """A line as a translator may give it: brackets of a language without spaces, emphasis and links anywhere."""
    text = (
        "".join(
            r.choice("あ漢字カナ。、：！？「」『』（）【】…・a1 *_[]—〜★％") for _ in range(r.randint(2, 24))
        ).strip()
        or "あ"
    )
    places = sorted(r.sample(range(len(text) + 1), min(len(text) + 1, 2 * r.randint(1, 3))))
    tags = []
    for number, (start, end) in enumerate(zip(places[::2], places[1::2], strict=False), 1):
        first, last = r.choice(
            [("**", "**"), ("*", "*"), ("_", "_"), ("__", "__"), ("~~", "~~"), ("[", "](https://x.y)")]
        )
        tags += [Tag(start, first, number, "open"), Tag(end, last, number, "close")]
        if r.random() < 0.2:
            tags.insert(-1, Tag(end, "`code`", 100 + number))
    return Text(text, tuple(tags))


def broken_marks(lines: int, seed: int = 0) -> tuple[int, int]:
    """Of `lines` made lines, how many lose a mark or a letter when rendered: tags put where they belong, and ours."""
    from in2x.formats.markdown_write import written
    from in2x.formats.spans import flat

    r, parser, broken = random.Random(seed), markdown_it.MarkdownIt("commonmark").enable("strikethrough"), [0, 0]
    for _ in range(lines):
        text = marked_line(r)
        want = sum(tag.kind == "open" for tag in text.tags)
        said = flat(Text(text.text, tuple(Tag(t.at, "code", t.number) for t in text.tags if t.raw == "`code`")))
        escaped = flat(text, lambda part: re.sub(r"[*_\[\]]", r"\\\g<0>", part))
        for number, line in enumerate((escaped, written(text, (), False, ""))):
            html = parser.render(line)
            seen = len(re.findall(r"<(?:strong|em|s|del|a)[ >]", html))
            broken[number] += seen != want or re.sub(r"<[^>]*>", "", html).strip() != said
    return broken[0], broken[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200, help="files of each format")
    parser.add_argument("--only", default="", help="suffixes, with commas between")
    parser.add_argument("--lines", type=int, default=1000, help="lines of Markdown whose marks are rendered")
    args = parser.parse_args()
    plain, ours = broken_marks(args.lines)
    print(f"lines of Markdown with a broken mark: {plain} of {args.lines} as they are, {ours} as they are written\n")
    print(
        "| format | files | segments | as read | own texts | same structure, translated | library | its load and save |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for suffix in args.only.split(",") if args.only else GENERATORS:
        row = measure(suffix, args.files)
        texts = "-" if suffix in TRANSLATIONS else row.own_texts
        saved = "-" if row.saved is None else row.saved
        cells = (suffix, row.files, row.segments, row.as_read, texts, row.same_shape, row.library, saved)
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
