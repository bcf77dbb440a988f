"""Hostile requests to both servers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

from hostile_documents import seeds
from hostile_input import Input, one
from hostile_texts import (
    JSONS,
    RAW,
    TEXTS,
    VALUES,
    ZIPS,
    drawn,
    spoilt,
)
from hypothesis import strategies as st

SERVE = (
    ("v2/translate", {"text": ["The cat."], "target_lang": "JA"}),
    ("v2/write/rephrase", {"text": ["The cat."]}),
    (
        "v3/glossaries",
        {
            "name": "a",
            "dictionaries": [{"source_lang": "en", "target_lang": "ja", "entries": "a\tb", "entries_format": "tsv"}],
        },
    ),
    (
        "v2/glossaries",
        {"name": "a", "source_lang": "en", "target_lang": "ja", "entries": "a\tb", "entries_format": "tsv"},
    ),
    ("translate", {"q": "The cat.", "source": "en", "target": "ja"}),
    ("detect", {"q": "The cat."}),
    ("v1/chat/completions", {"model": "in2x", "messages": [{"role": "user", "content": "Translate to Japanese: cat"}]}),
    ("v1/completions", {"model": "in2x", "prompt": "cat"}),
    ("api/chat", {"model": "in2x", "messages": [{"role": "user", "content": "cat"}]}),
    ("api/generate", {"model": "in2x", "prompt": "cat"}),
)
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")


def bodies(
    good: dict[str, object], chance: random.Random, count: int
) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """(label, type, body) for one route."""
    for label in chance.sample(list(JSONS), count):
        yield label, TYPES[0], lambda j=label: JSONS[j]().encode("utf-8", "surrogatepass")
    for label in chance.sample(list(TEXTS), count):
        name = chance.choice(list(good))
        like = isinstance(good[name], list)
        yield (
            f"{name}: {label}",
            TYPES[0],
            lambda t=label, n=name, like=like: json.dumps({**good, n: [TEXTS[t]()] if like else TEXTS[t]()}).encode(),
        )
    for label in chance.sample(list(RAW), 2):
        yield label, chance.choice(TYPES), RAW[label]
    for number, value in enumerate(drawn(VALUES, count)):
        name = chance.choice(list(good))
        yield f"{name}: drawn {number}", TYPES[0], lambda n=name, v=value: json.dumps({**good, n: v}).encode()


def serve_routes() -> Iterator[Input]:
    chance = random.Random(14)
    for path, good in SERVE:
        for label, kind, make in bodies(good, chance, 4):
            yield one(
                "routes of serve", f"{path}: {label}", lambda m=make: {"body": m()}, ("serve", "POST", path, kind)
            )
    for suffix in ("docx", "srt", "json", "epub", "html", "yaml"):
        for label, raw in (("a bomb", ZIPS["a bomb"]), ("spoilt", lambda s=suffix: next(spoilt(seeds(s), 1)))):
            yield one(
                "routes of serve",
                f"v2/document: {suffix}, {label}",
                lambda s=suffix, raw=raw: {
                    "body": (
                        b'--x\r\nContent-Disposition: form-data; name="target_lang"\r\n\r\nJA\r\n--x\r\n'
                        b"Content-Disposition: form-data; "
                        b'name="file"; filename="../../a.' + s.encode() + b'"\r\n\r\n' + raw() + b"\r\n--x--\r\n"
                    )
                },
                ("serve", "POST", "v2/document", TYPES[2]),
            )
    for path in (
        "v2/glossaries/../../etc/passwd",
        "v2/document/%00",
        "v2/languages?type=%ff",
        "static/../../../etc/passwd",
        "static/%2e%2e/%2e%2e/x",
        "v2/glossaries/" + "a" * 5_000,
        "v2/usage?" + "a=b&" * 5_000,
        "%0d%0aX: y",
    ):
        yield one("routes of serve", f"GET {path[:40]}", dict, ("serve", "GET", path, TYPES[0]))


def people_routes() -> Iterator[Input]:
    chance = random.Random(15)
    event = {
        "id": "x",
        "item": "i-1-a",
        "kind": "score",
        "value": {"candidate": "c-1-a", "score": 3},
        "time": 1,
        "version": 0,
    }
    for label in JSONS:
        yield one(
            "routes of people",
            f"api/events: {label}",
            lambda j=label: {"body": JSONS[j]().encode("utf-8", "surrogatepass")},
            ("people", "POST", "api/events", TYPES[0]),
        )
    for number, value in enumerate(drawn(VALUES, 25)):
        name = chance.choice(list(event))
        yield one(
            "routes of people",
            f"api/events: {name} drawn {number}",
            lambda n=name, v=value: {"body": json.dumps({"tab": "t", "events": [{**event, n: v}]}).encode()},
            ("people", "POST", "api/events", TYPES[0]),
        )
    kinds = ("spans", "rank", "answer", "why", "comment", "time", "flag", "finish", "reveal", "score")
    for number, value in enumerate(
        drawn(
            st.dictionaries(
                st.sampled_from(["candidate", "score", "spans", "ranks", "question", "choice", "text", "seconds"]),
                VALUES,
            ),
            30,
        )
    ):
        kind = kinds[number % len(kinds)]
        yield one(
            "routes of people",
            f"api/events: {kind} {number}",
            lambda k=kind, v=value: {
                "body": json.dumps({"tab": "t", "events": [{**event, "id": f"{k}", "kind": k, "value": v}]}).encode()
            },
            ("people", "POST", "api/events", TYPES[0]),
        )
    for label in chance.sample(list(RAW), 6):
        yield one(
            "routes of people",
            f"api/events: {label}",
            lambda r=label: {"body": RAW[r]()},
            ("people", "POST", "api/events", TYPES[0]),
        )
    for path in (
        "a/../../etc/passwd",
        "a/%00",
        "static/../people.db",
        "static/%2e%2e/people.db",
        "api/practice/%ff",
        "admin/api/x",
        "api/state?" + "a" * 5_000,
        "a/" + "t" * 5_000,
    ):
        yield one("routes of people", f"GET {path[:40]}", dict, ("people", "GET", path, TYPES[0]))
