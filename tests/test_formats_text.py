"""Text formats: files come back byte for byte, translations are read back as written, bad files are refused."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Document, Options, Text
from in2x.formats.registry import READERS, parse, read_document
from in2x.formats.spans import decoded, flat

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
OPTIONS = Options(source_lang="en", target_lang="ja")
KINDS = ("txt", "md", "json", "jsonl", "xcstrings", "yaml", "csv", "tsv", "po", "srt", "vtt", "ass", "strings",
         "properties", "ftl", "rpy")  # fmt: skip
TWO_SIDED = ("po", "xcstrings")
each_kind = pytest.mark.parametrize("kind", KINDS)


def loaded(name: str) -> ModuleType:
    if name not in sys.modules:
        sys.path.insert(0, str(BENCHMARKS))
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def made(kind: str, seed: int) -> bytes:
    raw: bytes = loaded("format_files").GENERATORS[kind](random.Random(seed))
    return raw


def changed(document: Document) -> dict[int, Text]:
    new: dict[int, Text] = loaded("formats").changed(document)
    return new


def said(text: str) -> str:
    """A text but for its spaces, which lines of subtitles and of Markdown do not keep."""
    return "".join(text.split())


def check(kind: str, seed: int) -> None:
    raw = made(kind, seed)
    document = parse(raw, f"made.{kind}", OPTIONS)
    assert document.write({}) == raw
    if kind not in TWO_SIDED:
        assert document.write(loaded("formats").own(document)) == raw
    new = changed(document)
    again = parse(document.write(new), f"made.{kind}", OPTIONS)
    assert len(again.segments) == len(document.segments)
    assert [skipped.why for skipped in again.skipped] == [skipped.why for skipped in document.skipped]
    for number, segment in enumerate(again.segments):
        if kind in TWO_SIDED or segment.done:
            assert said(segment.done) == said(flat(new[number]))
        else:
            assert said(segment.text) == said(new[number].text)
            assert [tag.number for tag in segment.tags] == [tag.number for tag in new[number].tags]


@each_kind
def test_made_files_come_back(kind: str) -> None:
    for seed in range(12):
        check(kind, seed)


@pytest.mark.slow
@each_kind
def test_two_hundred_made_files_come_back(kind: str) -> None:
    for seed in range(1000, 1200):
        check(kind, seed)


@pytest.mark.slow
def test_the_usual_libraries_see_the_same_structure() -> None:
    formats = loaded("formats")
    for kind in KINDS:
        row = formats.measure(kind, 60, seed=7)
        assert (row.as_read, row.own_texts, row.same_shape) == (60, 60, 60), kind


NASTY = list("{}\"'\\\n\r[(*_`<>&|#%\t :=1\ufeff\0\u2028\x85]")
NASTY += ["\n\n", "-->", "- ", "->", '"""', "/*", "~~", "![", "msgid", ""]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(KINDS),
    st.integers(0, 300),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(NASTY)), max_size=4),
)
def test_a_damaged_file_is_refused_or_comes_back(kind: str, seed: int, damage: list[tuple[float, str]]) -> None:
    text = decoded(made(kind, seed), "made").text
    for where, what in damage:
        at = int(where * len(text))
        text = text[:at] + what + text[at + (what == "") :]
    raw = text.encode()
    try:
        document = parse(raw, f"made.{kind}", OPTIONS)
    except In2xError as error:
        assert f"made.{kind}, line " in str(error)
        return
    assert document.write({}) == raw
    parse(document.write(changed(document)), f"made.{kind}", OPTIONS)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_plain_text(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    document = parse(raw, "any.txt", OPTIONS)
    assert document.write({}) == raw
    if "\x00" not in text:
        assert document.write(changed(document)).decode().replace("甲", "").replace("乙", "") == raw.decode().replace(
            "甲", ""
        ).replace("乙", "")


JSON = st.recursive(st.text(max_size=20) | st.integers() | st.none(), lambda child: st.lists(child, max_size=4)
                    | st.dictionaries(st.text(max_size=8), child, max_size=4), max_leaves=12)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_string_of_json_is_a_segment_or_skipped(tree: object, ascii_only: bool, indent: int | str | None) -> None:
    raw = json.dumps(tree, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    document = parse(raw, "any.json", Options(paths=("$..*", "$")))

    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [s for v in value.values() for s in strings(v)]
        if isinstance(value, list):
            return [s for v in value for s in strings(v)]
        return [value] if isinstance(value, str) else []

    assert len(document.segments) + len(document.skipped) == len(strings(json.loads(raw)))
    again = json.loads(document.write(changed(document)))
    assert len(strings(again)) == len(strings(tree))


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("a.json", b'{"a": "x', "line 1: a string that does not end"),
        ("a.json", b'{"a": 1,\n "a": 2}', "line 2: the key 'a' stands twice"),
        ("a.json", b"[" * 5000, "line 1: more than 250 levels of nesting"),
        ("a.json", b'{"a": [1,\n2', "line 2: the file ends inside a value"),
        ("a.json", b"<html></html>", "line 1: '<html></ht' is no JSON"),
        ("a.json", b"", "there is no JSON value"),
        ("a.jsonl", b'{"a": "b"}\n{"a": ', "line 2: the file ends inside a value"),
        ("a.txt", b"good\nb\xff\xfed", "line 2: bytes that are no UTF-8"),
        ("a.txt", "日本語の文章です。今日はいい天気ですね。".encode("cp932"), "save it as UTF-8"),
        ("a.txt", b"a\n" + b"x" * 100_000_000, "line 2: a line of 100,000,000 characters"),
        ("a.yaml", b"a: [x", "line 1: no YAML"),
        ("a.yaml", b"a: 1\nb:\n  c: x\n  c: y", "line 4: the key 'c' stands twice"),
        ("a.yaml", b"- " * 3000 + b"x", "levels of nesting"),
        ("a.csv", b'a,b\n1,"x', "line 2: a quote that is not closed"),
        ("a.po", b'msgid "a"\n', "line 1: a message without msgid or msgstr"),
        ("a.po", b'msgid "a"\nmsgstr "b', "line 2: a quote that is not closed"),
        ("a.po", b'msgid "a"\nmsgstr ""\n\nmsgid "a"\nmsgstr ""\n', "line 4: the message 'a' stands twice"),
        ("a.srt", b"Hello there", "no line of times"),
        ("a.vtt", b"1\n00:00:01,000 --> 00:00:02,000\nx", "it does not begin with WEBVTT"),
        ("a.srt", b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nx", "name it .vtt"),
        ("a.csv", b"PK\x03\x04\x14\0", "it is a zip archive"),
        ("a.txt", b"%PDF-1.7 x", "it is a PDF, not .txt"),
        ("a.ass", b"1\n00:00:01,000 --> 00:00:02,000\nx", "no [Events]"),
        ("a.ass", b"[Events]\nDialogue: 0,0:00:00.00,x", "line 2: a dialogue line of 3 fields"),
        ("a.strings", b'"a" = "b', "line 1: no entry of the form"),
        ("a.properties", b"a=1\nb=\\u12", "line 2: an escape \\u without four digits"),
        ("a.ftl", b"a = { $x", "line 1: a brace that is not closed"),
        ("a.ftl", b"a = " + b"{" * 500, "levels of braces"),
        ("a.rpy", b'label start:\n    e "Hello', "line 2: a string that does not end"),
        ("a.xcstrings", b"{}", "no sourceLanguage"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_in_one_sentence(name: str, raw: bytes, says: str) -> None:
    with pytest.raises(In2xError) as error:
        parse(raw, name, OPTIONS)
    assert says in str(error.value) and name in str(error.value)
    assert "\n" not in str(error.value)


def test_an_error_names_the_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"[1,\n")
    with pytest.raises(In2xError, match=r"a\.json, line \d") as error:
        read_document(file, OPTIONS)
    assert error.value.file == str(file)


def test_an_unknown_format_and_unknown_fields() -> None:
    with pytest.raises(UsageError, match="known are"):
        parse(b"", "a.xyz", OPTIONS)
    with pytest.raises(UsageError, match="no column 'txt'; there are id, text"):
        parse(b"id,text\n1,Hi", "a.csv", Options(paths=("txt",)))
    with pytest.raises(UsageError, match="is no path"):
        parse(b"{}", "a.json", Options(paths=("$.[",)))
    assert set(KINDS) <= {suffix[1:] for suffix in READERS}


def test_a_catalogue_that_lies_about_its_encoding_is_a_sentence() -> None:
    raw = b'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "caf\xe9"\nmsgstr ""\n'
    with pytest.raises(In2xError, match="line 4: bytes that are no UTF-8"):
        parse(raw, "a.po", Options("en", "ja"))
