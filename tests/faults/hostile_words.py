"""Hostile files that users write or keep: recipes, glossaries, characters, lines, journals, scores."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

from hostile_input import Input, one
from hostile_texts import (
    BYTES,
    JSONS,
    LINES,
    RAW,
    TEXTS,
    VALUES,
    XMLS,
    YAMLS,
    drawn,
)
from hypothesis import strategies as st


def recipes() -> Iterator[Input]:
    def recipe(label: str, make: Callable[[], bytes], people: bool = False) -> Input:
        command = ("people", "campaign", "r.yaml") if people else ("plan", "r.yaml")
        return one("recipes", f"{'campaign: ' * people}{label}", lambda: {"r.yaml": make()}, command)

    for label, text in YAMLS.items():
        yield recipe(label, lambda t=text: t().encode())
    for label in list(YAMLS)[::2]:
        yield recipe(label, lambda t=label: YAMLS[t]().encode(), people=True)
    for label in RAW:
        yield recipe(label, RAW[label])
    sections = (
        "seed",
        "languages",
        "prompt",
        "data",
        "corpus",
        "base",
        "pretrain",
        "instruct",
        "select",
        "sft",
        "rl",
        "merge",
        "evaluate",
        "report",
        "trackers",
        "launch",
        "unsure",
    )
    rows = drawn(st.dictionaries(st.sampled_from(sections), VALUES, min_size=1, max_size=3), 40)
    for number, row in enumerate(rows):
        yield recipe(f"drawn {number}", lambda row=row: json.dumps(row).encode())


def words() -> Iterator[Input]:
    texts = {"a.txt": b"The cat sleeps.\nKyle reads.\n", "b.txt": "猫が眠る。\nカイルが読む。\n".encode()}

    def checked(room: str, option: str, name: str, label: str, make: Callable[[], bytes]) -> Input:
        return one(
            room,
            f"{name.partition('.')[2]}: {label}",
            lambda: {**texts, name: make()},
            ("check", "a.txt", "b.txt", "--from", "en", "--to", "ja", option, name, "--json"),
        )

    chance = random.Random(13)
    for label in chance.sample(list(TEXTS), 24):
        yield checked(
            "glossaries",
            "--glossary",
            "g.tsv",
            label,
            lambda t=label: (
                "source\ttarget\n"
                + TEXTS[t]().replace("\n", " ")
                + "\t猫\ncat\t"
                + TEXTS[t]().replace("\n", " ")
                + "\n"
            ).encode("utf-8", "surrogatepass"),
        )
    for label in RAW:
        yield checked("glossaries", "--glossary", "g.tsv", label, RAW[label])
    for label, body in {
        "an open quote": b'"' + b"a,b\n" * 50_000,
        "a long cell": b"a," + b"b" * 200_000 + b"\n",
        "a million commas": b"," * 1_000_000,
    }.items():
        yield checked("glossaries", "--glossary", "g.csv", label, lambda body=body: body)
    for label, text in XMLS.items():
        yield checked(
            "glossaries",
            "--glossary",
            "g.tbx",
            label,
            lambda t=text: t().replace("{0}", "<tbx><text><body>").replace("{1}", "</body></text></tbx>").encode(),
        )
    for number, raw in enumerate(drawn(LINES, 10)):
        yield checked(
            "glossaries",
            "--glossary",
            "g.tsv",
            f"drawn {number}",
            lambda raw=raw: f"cat\t{raw}\n{raw}\tcat\n".encode("utf-8", "surrogatepass"),
        )
    for label, text in YAMLS.items():
        yield checked(
            "characters", "--characters", "c.yaml", label, lambda t=text: t().replace("name: ", "characters: ").encode()
        )
    person = st.dictionaries(
        st.sampled_from(["name", "target", "aliases", "gender", "age", "first person", "voice", "register", "to"]),
        VALUES,
        max_size=4,
    )
    for number, row in enumerate(drawn(st.lists(person, max_size=3), 25)):
        yield checked(
            "characters",
            "--characters",
            "c.yaml",
            f"drawn {number}",
            lambda row=row: json.dumps({"characters": [{"name": "Kyle", **one} for one in row]}).encode(),
        )


def others() -> Iterator[Input]:
    chance = random.Random(16)
    for label in chance.sample(list(TEXTS), 20):
        for command in (("register", "--lang", "ja"), ("identify",)):
            yield one(
                "lines",
                f"{command[0]}: {label}",
                lambda t=label: {"a.txt": TEXTS[t]().encode("utf-8", "surrogatepass")},
                ("language", command[0], "a.txt", *command[1:], "--json"),
            )
    head = b'{"journal": 1, "of": "in.txt", "from": "en", "to": "ja"}\n'
    for label in chance.sample(list(JSONS), 15):
        yield one(
            "journals",
            label,
            lambda j=label: {
                "in.txt": b"The cat sleeps.\n",
                "out.txt.journal.jsonl": head + JSONS[j]().encode("utf-8", "surrogatepass") + b"\n",
            },
            (
                "translate",
                "in.txt",
                "-o",
                "out.txt",
                "--model",
                "MODEL",
                "--profile",
                "chat",
                "--no-probe",
                "--from",
                "en",
                "--to",
                "ja",
            ),
        )
    for number, raw in enumerate(drawn(BYTES, 8)):
        yield one(
            "journals",
            f"drawn {number}",
            lambda raw=raw: {"in.txt": b"The cat sleeps.\n", "out.txt.journal.jsonl": raw},
            (
                "translate",
                "in.txt",
                "-o",
                "out.txt",
                "--model",
                "MODEL",
                "--profile",
                "chat",
                "--no-probe",
                "--from",
                "en",
                "--to",
                "ja",
            ),
        )
    for label in chance.sample(list(TEXTS), 8):
        yield one(
            "scores",
            label,
            lambda t=label: {"h.txt": TEXTS[t]().encode("utf-8", "surrogatepass"), "r.txt": b"cat\n"},
            ("evaluate", "score", "--hyp", "h.txt", "--ref", "r.txt", "--to", "ja"),
        )
    for label in chance.sample(list(JSONS), 12):
        yield one(
            "scores",
            f"wmt: {label}",
            lambda j=label: {
                "s.jsonl": JSONS[j]().encode("utf-8", "surrogatepass") + b"\n",
                "t.jsonl": JSONS[j]().encode("utf-8", "surrogatepass") + b"\n",
            },
            ("evaluate", "wmt", "s.jsonl", "--test", "t.jsonl", "--pair", "en-ja_JP"),
        )
