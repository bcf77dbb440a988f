"""Whatever is sent, by our own description of the interfaces or against it, the fault is the client's, and said."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from in2x.serve.access import Access
from in2x.serve.config import Config
from serve_running import Running, scripted

CASES = 10_000


class Kept:
    """What stands at the server: ids that a case may name in place of its own."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.glossaries: list[str] = []
        self.made = 0
        self.papers: list[tuple[str, str]] = []

    def fill(self) -> None:
        """Leave what is gone anew."""
        alive = {one["glossary_id"] for one in self.http.get("/v3/glossaries").json()["glossaries"]}
        self.glossaries = [one for one in self.glossaries if one in alive]
        while len(self.glossaries) < 6:
            self.made += 1
            pairs = [("en", "de"), ("de", "ja")][: 1 + self.made % 2]  # of one kind as often as of the other
            dictionaries = [{"source_lang": a, "target_lang": b, "entries": "hat\tHut", "entries_format": "tsv"}
                            for a, b in pairs]  # fmt: skip
            made = self.http.post("/v3/glossaries", json={"name": "hats", "dictionaries": dictionaries})
            self.glossaries.append(made.json()["glossary_id"])
        while len(self.papers) < 4:
            form = {"target_lang": "DE", "source_lang": "EN"}
            files = {"file": ("hats.srt", b"1\n00:00:01,000 --> 00:00:02,000\nA hat.\n")}
            made = self.http.post("/v2/document", data=form, files=files).json()
            key = {"document_key": made["document_key"]}
            while self.http.post(f"/v2/document/{made['document_id']}", json=key).json()["status"] != "done":
                time.sleep(0.02)
            self.papers.append((made["document_id"], made["document_key"]))

    def put(self, case: Any, chance: random.Random) -> bool:
        """Let a case name what is there; whether it does."""
        named, where = False, case.path_parameters or {}
        body = case.body if isinstance(case.body, dict) else {}
        paper, key = chance.choice(self.papers)
        for name, values in (("glossary", self.glossaries), ("document", [paper]), ("ticket", [f"{paper}.{key}"])):
            if name in where:
                where[name], named = chance.choice(values), True
        if "document" in where and chance.random() < 0.9:
            body["document_key"] = key
        if named and chance.random() < 0.5:  # the languages of a dictionary that is there
            for told in (case.query, body):
                if told and {"source_lang", "target_lang"} <= set(told):
                    told |= {"source_lang": "en", "target_lang": "de"}
            if "entries" in body:
                body |= {"entries": "hat\tHut", "entries_format": "tsv"}
        if "glossary_id" in body:
            body["glossary_id"], named = chance.choice(self.glossaries), True
        if "glossary_ids" in body:
            body["glossary_ids"], named = chance.sample(self.glossaries, 2), True
        return named


def tried(cases: int) -> tuple[Counter[tuple[str, int]], Counter[str]]:
    """What came of so many cases, by path and status; and how many named something that was there, by path."""
    import requests
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable

    came: Counter[tuple[str, int]] = Counter()
    named: Counter[str] = Counter()
    chance = random.Random(5)
    engine, _ = scripted()
    with Running(engine, Config(access=Access((), 1e9, 1e9), target_lang="de")) as server, requests.Session() as line:
        kept = Kept(server.url)
        kept.fill()
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]
        for operation in operations:

            @settings(max_examples=cases // (2 * len(operations)) + 1, deadline=None, database=None,
                      phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
            def call(case: Any) -> None:
                if chance.random() < 0.7 and kept.put(case, chance):
                    named[case.path] += 1
                answer = case.call(session=line)
                came[case.path, answer.status_code] += 1
                assert answer.status_code < 500 or case.path == "/ready", (case.path, answer.status_code, answer.text)
                assert "Traceback" not in answer.text
                if case.method == "DELETE" and answer.status_code == 204:
                    kept.fill()

            for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
                with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a call that takes nothing
                    given(case=operation.as_strategy(generation_mode=mode))(call)()
            print(sum(came.values()), "cases, up to", operation.label, flush=True)
    return came, named


@pytest.mark.slow
def test_no_input_by_the_schema_or_against_it_is_a_fault_of_ours(capfd) -> None:
    came, named = tried(CASES)
    print(sum(came.values()), "cases,", sum(named.values()), "named what was there;", dict(Counter(
        {code: sum(n for (_, c), n in came.items() if c == code) for code in {c for _, c in came}})))  # fmt: skip
    assert sum(came.values()) > CASES / 2
    reached = {path: came[path, 200] + came[path, 204] for path in named if "{" in path}
    assert min(reached.values()) > 0, reached  # ids do name what is there
    assert "Traceback" not in capfd.readouterr().err
