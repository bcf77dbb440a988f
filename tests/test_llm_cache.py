"""The cache: what it keeps, who may open it, what happens when it cannot."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError
from in2x.llm.cache import Cache
from in2x.llm.request import Answer, Request, chat
from in2x.llm.schema import read_json, violation


def test_round_trip_and_first_answer_stays(tmp_path: Path) -> None:
    answer = Answer("文\x00\ud800", {"a": [1, None]}, True, 3, 4, [["a", -0.5, []]])
    with Cache(tmp_path / "x" / "c.sqlite") as cache:
        assert cache.get(b"k") is None
        cache.put(b"k", "m", answer)
        cache.put(b"k", "m", Answer("other"))
        found = cache.get(b"k")
        assert found is not None and found.cached and found.text == answer.text and found.value == answer.value
        assert found.logprobs == answer.logprobs and cache.count() == 1
        with pytest.raises(ValueError, match="failures"):
            cache.put(b"f", "m", Answer(error="no"))
    with Cache(tmp_path / "x" / "c.sqlite") as again:
        assert again.get(b"k") == found


def opened_at_once(path: Path, barrier: Any, said: Any) -> None:
    barrier.wait()
    try:
        with Cache(path) as cache:
            said.put(cache.count())
    except In2xError as error:
        said.put(str(error))


def test_processes_that_open_a_new_file_at_once_share_it(tmp_path: Path) -> None:
    """Of 8 processes one in 120 took the file that another was making for another program's."""
    fork = multiprocessing.get_context("fork")
    for n in range(12):
        barrier, said = fork.Barrier(8), fork.Queue()
        processes = [fork.Process(target=opened_at_once, args=(tmp_path / str(n), barrier, said)) for _ in range(8)]
        for process in processes:
            process.start()
        assert [said.get(timeout=60) for _ in processes] == [0] * 8
        for process in processes:
            process.join()


def test_answers_in_the_wrong_form_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    prose = Answer("They are fine.", error="no JSON", unusable=True)
    with Cache(tmp_path / "c.sqlite", unusable=True) as cache:
        cache.put(b"k", "m", prose)
        found = cache.get(b"k")
        assert found is not None and (found.text, found.error, found.unusable) == ("They are fine.", "no JSON", True)
        with pytest.raises(ValueError, match="failures"):
            cache.put(b"f", "m", Answer(error="no server", trouble="server"))
    with Cache(tmp_path / "c.sqlite") as plain:
        assert plain.get(b"k") is None, "for others it is a failure, and asked again"


def test_rows_are_small_and_older_files_are_read(tmp_path: Path) -> None:
    """An answer of 600 bytes took 4.7 KB on the disk; it may take three times itself at most."""
    letters = [chr(0x4E00 + n) for n in range(600)] + [chr(0x3041 + n) for n in range(80)] * 6
    draw = random.Random(1)
    said = ["".join(draw.choices(letters, k=200)) for _ in range(1000)]
    path = tmp_path / "c.sqlite"
    with Cache(path) as cache:
        for text in said:
            cache.put(
                hashlib.blake2b(text.encode(), digest_size=16).digest(), "model", Answer(text, None, True, 9, 200)
            )
    assert path.stat().st_size < 3 * 600 * len(said)
    old = tmp_path / "old.sqlite"
    with sqlite3.connect(old) as db:
        db.execute(
            "CREATE TABLE answers (key BLOB PRIMARY KEY, model TEXT NOT NULL, value TEXT NOT NULL) WITHOUT ROWID"
        )
        row = json.dumps([said[0], {"a": 1}, True, 3, 4, None], separators=(",", ":"))
        db.execute("INSERT INTO answers VALUES (?, ?, ?)", (b"k", "m", row))
        db.execute(f"PRAGMA application_id={0x496E3278}")
        db.execute("PRAGMA user_version=1")
    for _ in range(2):
        with Cache(old) as cache:
            found = cache.get(b"k")
            assert found is not None and found.text == said[0] and found.value == {"a": 1} and cache.count() == 1
            cache.put(b"k", "m", Answer("another"))


def test_bad_files_are_sentences_and_stay_as_they_are(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_bytes(b"these are my notes, thank you" * 100)
    with pytest.raises(In2xError, match="not a cache"):
        Cache(text)
    assert text.read_bytes().startswith(b"these are my notes")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE people (name)")
    with pytest.raises(In2xError, match="another program's database"):
        Cache(other)
    old = tmp_path / "old.sqlite"
    Cache(old).close()
    with sqlite3.connect(old) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(In2xError, match="version 99"):
        Cache(old)
    with pytest.raises(In2xError, match="cannot be used"):
        Cache(Path("/proc/nowhere/c.sqlite"))


def test_a_full_disk_is_a_sentence_and_corrupts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    cache = Cache(path)
    cache.put(b"first", "m", Answer("kept"))
    draw = random.Random(1)
    cache._db.execute("PRAGMA max_page_count=8")  # SQLite's own way to say that there is no more room
    with pytest.raises(In2xError, match="no room on the disk"):
        for n in range(1000):
            cache.put(n.to_bytes(4, "big"), "m", Answer(draw.randbytes(2000).hex()))
    cache.close()
    with Cache(path) as again:
        assert again.get(b"first") is not None
        assert again._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_key_holds_all_that_matters_and_nothing_else() -> None:
    base = chat("hello", temperature=0.5)
    assert base.key("m") == chat("hello", temperature=0.5).key("m")
    others = [
        chat("hello!", temperature=0.5), chat("hello", temperature=0.6), chat("hello", temperature=0.5, sample=1),
        chat("hello", temperature=0.5, seed=1), chat("hello", temperature=0.5, max_tokens=5),
        chat("hello", temperature=0.5, stop=("x",)), chat("hello", temperature=0.5, schema={"type": "object"}),
        Request(prompt="hello", temperature=0.5), chat("hello", temperature=0.5, system="be brief"),
    ]  # fmt: skip
    keys = {r.key("m") for r in others} | {base.key("m"), base.key("n")}
    assert len(keys) == len(others) + 2
    with pytest.raises(ValueError, match="either"):
        Request()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_json_is_found_in_what_models_say(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert read_json(text) == (value, None)
    assert read_json(f"Sure! Here it is:\n```json\n{text}\n```\n1 more question?") == (value, None)
    if isinstance(value, (dict, list)):
        assert read_json(f"My answer is {text}, I think.") == (value, None)


def test_no_json_is_an_error() -> None:
    assert read_json("Well { that is } hard [to say") == (None, "no JSON in the answer")
    assert read_json("[" * 100_000) == (None, "no JSON in the answer")


def test_the_last_json_that_follows_the_schema_counts() -> None:
    schema = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}}}
    said = 'Not {"score": 3}; rather {"score": 4}. See [1] for {"why": "it rhymes"}'
    assert read_json(said, schema) == ({"score": 4}, None)
    assert read_json('{"score": "many"} or {"why": 1}', schema) == (None, "answer lacks score")


@pytest.mark.parametrize(
    "said",
    [
        '<think>\nPerhaps {"grade": 1}? It limps, but it rhymes.\n</think>\n{"grade": 5}',
        '<think>\nThe list says [2] and [3].\n</think>\n{"grade": 5}',
        'First thought:\n```json\n{"grade": 2}\n```\nAnd after a second look:\n```json\n{"grade": 5}\n```',
    ],
)
def test_a_verdict_is_what_stands_last_and_outside_of_thoughts(said: str) -> None:
    schema = {"type": "object", "required": ["grade"], "properties": {"grade": {"type": "integer"}}}
    assert read_json(said, schema) == ({"grade": 5}, None)


def test_violations_say_where() -> None:
    schema = {
        "type": "object", "required": ["a"], "additionalProperties": False,
        "properties": {
            "a": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 2},
            "b": {"enum": ["x", "y"]}, "c": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^z"}]},
        },
    }  # fmt: skip
    good: list[dict[str, object]] = [{"a": [1]}, {"a": [1, 2], "b": "x", "c": None}, {"a": [3], "c": "zed"}]
    assert [violation(v, schema) for v in good] == [None] * 3
    bad = {
        "answer lacks a": {}, "answer.a[1] must be at least 1": {"a": [1, 0]}, "unknown key 'd'": {"a": [1], "d": 1},
        "answer.b must be one of": {"a": [1], "b": "q"}, "answer.c fits none": {"a": [1], "c": "no"},
        "answer.a must have at most 2": {"a": [1, 1, 1]}, "answer must be object": [], "must be integer": {"a": [True]},
    }  # fmt: skip
    for words, value in bad.items():
        assert words in str(violation(value, schema))
    with pytest.raises(ValueError, match="not supported"):
        violation(1, {"multipleOf": 2})
