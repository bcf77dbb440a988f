"""YAML of users: what is plain data is read, and what floods, nests, lies or would run is one sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from in2x.errors import In2xError
from in2x.plain_yaml import DEEPEST, read_yaml

FILE = Path("a.yaml")


def test_plain_data_is_read() -> None:
    text = "a: &x [1, 2.5, null, yes]\nb: *x\nc: {d: 2024-02-29, <<: {e: 1}}\n'f': |\n  g\n"
    assert read_yaml(text, FILE)["b"] == [1, 2.5, None, True]
    assert read_yaml("", FILE) is None
    assert read_yaml("[" * DEEPEST + "]" * DEEPEST, FILE)


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(11)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [b\n", "line 2: not YAML"),
        ("a: " + "[" * 50_000, "a.yaml, line 1: "),
        ("a: " + "[" * 500, "line 1: more than 100 levels"),
        ("\n".join(" " * n + "k:" for n in range(200)), "line 101: more than 100 levels"),
        (LAUGHS, "line 6: it stands for more than 100,000 values"),
        ("a: &a {b: *a}\n", "line 1: *a stands inside of what it names"),
        ("a: b\n---\na: c\n", "line 2: a second document begins"),
        ("a: *b\n", "line 1: *b names nothing before it"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands twice"),
        ("a: !!python/object/apply:os.system [touch x]\n", "could not determine a constructor"),
        ("a: 2024-99-99\n", "a value cannot be read (month must be in 1..12"),
        ("a: " + "9" * 5_000, "line 1: a number of 5,000 characters"),
        ("a: 0x" + "f" * 5_000, "line 1: a number of 5,002 characters"),
        ("a: !!int x\n", "a value cannot be read"),
        ("a: !!bool x\n", "a value cannot be read"),
        ("a: !!timestamp x\n", "a value cannot be read"),
        ("a: !!int ''\n", "a value cannot be read"),
        ("a: b\0c\n", "not YAML"),
        ("? [a]\n: b\n", "unhashable key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(text: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(In2xError) as caught:
        read_yaml(text, FILE)
    assert said in str(caught.value) and "\n" not in str(caught.value), str(caught.value)
    assert time.process_time() - began < 10


def test_keys_of_one_name_may_stand_in_different_mappings() -> None:
    text = "[{a: 1}, {a: 2}, {b: [a, a], a: {a: 3}}]"
    assert read_yaml(text, FILE) == [{"a": 1}, {"a": 2}, {"b": ["a", "a"], "a": {"a": 3}}]
