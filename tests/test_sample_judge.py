"""The micro-world's reference judge: what it calls right and wrong, the principles it writes, and its server."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.judge.ask import Judge
from in2x.llm.client import Client
from in2x.llm.config import LlmConfig
from in2x.principles.dynamic import WRITE_SCHEMA, code_fault
from in2x.principles.judged import Judgement, Question, fundamental, judge_answers, said
from in2x.principles.prompts import spoken, table
from in2x.principles.verdict import share
from in2x.records import Message, Pair
from in2x.sample import tasks, world
from in2x.sample.decide import FUNDAMENTAL, read_written
from in2x.sample.judge import NotMine, reply
from in2x.sample.meaning import agreement_of
from in2x.sample.request import Asked, asked
from in2x.sample.server import JudgeServer
from in2x.sample.variants import variants

ROOT = Path(__file__).parents[1]
SHORT = PromptProfile(
    templates=yaml.safe_load((ROOT / "recipes" / "demo-judge.yaml").read_text(encoding="utf-8"))["prompt"]
)


async def ask(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> dict[str, Any]:
    return reply(messages)


def pairs(seed: int, items: int) -> Iterator[Pair]:
    rng = random.Random(seed)
    for item in islice(world.items(seed), items):
        yield from world.pairs(item, rng)


def prompts(pair: Pair) -> list[str]:
    return [p.prompt(Source.of_pair(pair)) for p in (PromptProfile(), SHORT)]


def verdicts(prompt: str, lang: str, answer: str, principles: Sequence[str]) -> dict[str, str]:
    found = asyncio.run(judge_answers(ask, Question(prompt, lang, tuple(principles)), [answer]))[answer]
    assert not found.fault
    return dict(zip(principles, map(said, found.verdicts), strict=True))


def question(kind: str, lang: str, **slots: object) -> list[Message]:
    return [{"role": "user", "content": table("dynamic")[kind][spoken(table("dynamic")[kind], lang)].format(**slots)}]


def write(prompt: str, lang: str, count: int = 4) -> list[str]:
    """What the judge writes; the project's own checks by code find nothing amiss."""
    own = fundamental("translate", lang)
    found: list[str] = reply(question("write", lang, count=count, general="\n".join(own), prompt=prompt))["principles"]
    assert [text for text in found if code_fault(text)] == []
    numbered = "\n".join(f"{i}. {text}" for i, text in enumerate(found, 1))
    review = reply(question("review", lang, numbered=numbered, prompt=prompt))
    assert review == {"contradictions": [], "uncheckable": []}
    return found


def test_every_reference_means_what_its_source_means() -> None:
    found = Counter(agreement_of(p.source, p.src_lang, p.target, p.tgt_lang) for p in pairs(21, 500))
    assert set(found) <= {1.0, None}
    assert found[None] < 0.04 * found[1.0]


def test_no_reference_breaks_a_principle() -> None:
    words: Counter[str] = Counter()
    for pair in pairs(22, 60):
        for prompt in prompts(pair):
            own = fundamental("translate", pair.tgt_lang)
            principles = [*own, *write(prompt, pair.tgt_lang)]
            words.update(verdicts(prompt, pair.tgt_lang, pair.target, principles).values())
    for made in islice(tasks.instructions(23, set()), 200):
        if made.task in ("translate", "rewrite") and made.answer and "faulty" not in made.origin:
            own = fundamental(made.task, made.lang)
            prompt = made.messages[0]["content"]
            words.update(verdicts(prompt, made.lang, made.answer, [*own, *write(prompt, made.lang)]).values())
    assert words["yes"] > 3000 and words["no"] == 0


def test_planted_faults_break_the_principle_that_they_should() -> None:
    everything, nothing_else, native, idiom, polite, _ = FUNDAMENTAL["translate"]
    caught: Counter[tuple[str, str]] = Counter()
    for variant in variants(5, 300):
        pair = variant.pair
        english = fundamental("translate", "en")
        spoken = dict(zip(english, fundamental("translate", pair.tgt_lang), strict=True))

        def word(principle: str, answer: str, pair: Pair = pair, spoken: dict[str, str] = spoken) -> str:
            own = list(spoken.values())
            return verdicts(prompts(pair)[0], pair.tgt_lang, answer, own)[spoken[principle]]

        if word(everything, pair.target) == "n/a":
            continue
        if variant.shorter:
            caught["dropped", word(everything, variant.shorter)] += 1
            caught["nothing added", word(nothing_else, variant.shorter)] += 1
        if variant.other_registers:
            caught["register", word(polite, variant.other_registers[0])] += 1
        forms, traps = (pair.checks.get(key) for key in ("natural", "traps"))
        if forms and traps:
            literal = pair.target.replace(next(form for form in forms if form in pair.target), traps[0])
            caught["literal", word(idiom, literal)] += 1
            caught["foreign", word(native, literal)] += 1
    assert set(caught) == {
        ("dropped", "no"), ("nothing added", "yes"), ("register", "no"), ("literal", "no"), ("foreign", "no"),
    }  # fmt: skip
    assert min(caught.values()) > 20


def test_all_judged_principles_of_its_tasks_are_known_by_their_words() -> None:
    for task, decisions in FUNDAMENTAL.items():
        assert list(decisions) == [row["en"] for row in table("judged")["principles"][task]]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("Translate into Japanese, polite style: I eat.", Asked("translate", "I eat.", "en", "ja", "polite")),
        ("ja casual: 我吃。", Asked("translate", "我吃。", "zh", "ja", "casual")),
        ("You translate.\nen: 食べる。", Asked("translate", "食べる。", "ja", "en")),
        ("Translate from Japanese into Chinese: 食べる。", Asked("translate", "食べる。", "ja", "zh")),
        ("翻译成日语：I eat.（用敬語）", Asked("translate", "I eat.", "en", "ja", "honorific")),
        ("把下面的句子改成否定句。\n我吃了。", Asked("rewrite", "我吃了。", "zh", "zh", None, "past-negative")),
        ("Write a poem about rain.", None),
        ("What is 2 + 3? Answer: a number", None),
    ],
)  # fmt: skip
def test_prompts_are_understood_by_their_words(prompt: str, wanted: Asked | None) -> None:
    assert asked(prompt) == wanted


@pytest.mark.parametrize(
    "prompt", ["Write a poem about rain.", "Translate into Japanese: Parliament dissolved itself."]
)
def test_what_the_grammar_cannot_read_is_not_judged(prompt: str) -> None:
    principles = fundamental("translate", "ja")
    assert set(verdicts(prompt, "ja", "国会は解散した。", principles).values()) == {"n/a"}
    assert write(prompt, "ja") == []
    with pytest.raises(NotMine):
        reply([{"role": "user", "content": prompt}])


@pytest.mark.parametrize("lang", ["en", "ja", "zh"])
def test_written_principles_are_about_the_sentence_and_told_apart_by_answers(lang: str) -> None:
    prompt = SHORT.prompt(Source("Emma will read a book at the library tomorrow.", "en", "ja", "polite"))
    written = write(prompt, lang, 5)
    kinds = [found.kind for text in written if (found := read_written(text))]
    assert kinds == ["register", "person", "time", "place", "thing"]
    good = verdicts(prompt, lang, "エマさんは明日図書館で本を読みます。", written)
    assert set(good.values()) == {"yes"}
    bad = verdicts(prompt, lang, "トムは本を読むよ。", written)
    assert list(bad.values()) == ["no", "no", "no", "no", "yes"]


def test_a_review_finds_registers_at_odds_and_foreign_principles() -> None:
    lines = ["The style is polite from the first word to the last.", "It rhymes.",
             "The style is casual from the first word to the last."]  # fmt: skip
    numbered = "\n".join(f"{i}. {text}" for i, text in enumerate(lines, 1))
    found = reply(question("review", "en", numbered=numbered, prompt="ja: I eat."))
    assert found == {"contradictions": [[1, 3]], "uncheckable": [2]}


# --- the server -----------------------------------------------------------------------------------------------------


@contextmanager
def serving(**options: Any) -> Iterator[JudgeServer]:
    with JudgeServer(**options) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def judged(url: str) -> list[Judgement]:
    """What a judge over HTTP says of two answers to each of 24 prompts, by principles that it wrote before."""
    judge = Judge(Client(LlmConfig(base_url=url, model="micro-world", timeout=1.0, backoff=0.01)))

    async def one(pair: Pair) -> list[Judgement]:
        prompt, lang = prompts(pair)[1], pair.tgt_lang
        written = await judge(question("write", lang, count=3, general="", prompt=prompt), WRITE_SCHEMA)
        asked_by = Question(prompt, lang, (*fundamental("translate", lang), *written["principles"]))
        found = await judge_answers(judge, asked_by, [pair.target, "?"])
        return [found[pair.target], found["?"]]

    async def both() -> list[list[Judgement]]:
        return await asyncio.gather(*(one(pair) for pair in islice(pairs(31, 40), 24)))

    return [judgement for group in asyncio.run(both()) for judgement in group]


def test_faults_change_no_verdict(tmp_path: Path) -> None:
    with serving() as server:
        calm = judged(server.url)
    with serving(faults=0.3, seed=3, silence=1.5, record=tmp_path / "record.jsonl") as server:
        stormy = judged(server.url)
    assert stormy == calm and not any(judgement.fault for judgement in calm)
    assert {share(judgement.verdicts) for judgement in calm[::2]} <= {1.0, None}
    rows = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()]
    faults = Counter(row["fault"] for row in rows)
    assert len(faults) > 5 and 0.15 < 1 - faults[None] / len(rows) < 0.5
    # A server's fault gives no answer; the same question is then asked once more.
    assert all((row["answer"] is None) == (row["fault"] in ("500", "429", "silence", "cut")) for row in rows)


def test_faults_follow_from_seed_and_question() -> None:
    with serving(faults=0.3, seed=1) as one, serving(faults=0.3, seed=1) as same, serving(faults=0.3, seed=2) as other:
        questions = [(f"q{n}", n % 3 + 1, False) for n in range(300)]
        assert [one.fault(*q) for q in questions] == [same.fault(*q) for q in questions]
        assert [one.fault(*q) for q in questions] != [other.fault(*q) for q in questions]
        assert {one.fault(q, n, True) for q, n, _ in questions} == {None, "500", "429", "silence", "cut"}


def test_what_is_no_question_for_it_is_refused() -> None:
    with serving() as server:
        for body in ({"messages": [{"role": "user", "content": "Hello?"}]}, {"prompt": "Hello"}, [], "no JSON"):
            answer = httpx2.post(f"{server.url}/chat/completions", json=body)
            assert answer.status_code == 400 and answer.json()["error"]["message"]
        assert httpx2.get(f"{server.url}/models").json()["data"][0]["id"] == "micro-world"
        assert httpx2.get(f"{server.url}/nothing").status_code == 404


def test_the_command_serves_until_it_is_stopped(in2x: Callable[..., tuple[int, str, str]]) -> None:
    command = [sys.executable, "-m", "in2x", "sample", "judge", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            assert httpx2.get(f"{url}/models").status_code == 200
            port = url.removesuffix("/v1").rpartition(":")[2]
            code, _, err = in2x("sample", "judge", "--port", port)
            assert code == 1 and f"port {port} cannot be had" in err
        finally:
            process.terminate()


def test_the_demonstration_with_a_judge_differs_from_the_other_in_rl_alone() -> None:
    demo, judged = (yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text()) for name in ("demo", "demo-judge"))
    assert {key for key in demo | judged if demo.get(key) != judged.get(key)} == {"name", "rl"}
