"""The engine: one answer a text, equal requests joined, the work of who left dropped, no client before another."""

from __future__ import annotations

import asyncio
import random
import statistics
import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in2x.errors import In2xError, UsageError
from in2x.formats.document import Segment
from in2x.serve.queue import HEAVY, Full, Lot, Queue, cost
from in2x.serve.reading import Lines, read
from in2x.serve.wish import Wish
from in2x.translate.findings import Finding
from in2x.translate.job import Job
from in2x.translate.outcome import Outcome
from in2x.web.guard import Fault
from scripted_backend import ALL, Scripted
from serve_running import scripted, shout

pytestmark = pytest.mark.anyio
GERMAN = Wish("de", "en")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def engine():
    made, backend = scripted()
    yield made, backend
    made.close()


class Gate:
    """A model that answers only when it is let."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.open, self.asked, self.seconds = threading.Event(), threading.Event(), seconds

    def __call__(self, source) -> str:
        self.asked.set()
        assert self.open.wait(20)
        time.sleep(self.seconds)
        return shout(source)


# --- reading ----------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.sampled_from("ab \t\r\n・…\u2028"), max_size=60))
def test_plain_text_comes_back_with_its_breaks(text) -> None:
    reading = read(text, Wish("de", "en"))
    untouched = [Outcome(one, one, "untouched") for one in reading.segments]
    assert reading.answer(untouched, Job("en", "de")).text == text


@pytest.mark.parametrize(
    ("kind", "text", "segments"),
    [
        ("html", "Say <b>no</b> now", ["Say no now"]),
        ("html", '<meta charset="shift_jis">é <i>x</i>', ["é x"]),
        ("html", "<p>One</p><p>Two</p>", ["One", "Two"]),
        ("xml", 'Press <x id="7"></x> or <g>go</g>', ["Press  or go"]),
        ("xml", "Press <x/> now", ["Press  now"]),
    ],
)
def test_markup_comes_back_byte_for_byte(kind, text, segments) -> None:
    reading = read(text, Wish("de", "en", kind=kind))
    assert [one.text for one in reading.segments] == segments
    untouched = [Outcome(one, one, "untouched") for one in reading.segments]
    assert reading.answer(untouched, Job("en", "de")).text == text


def test_xml_that_is_none_is_refused() -> None:
    with pytest.raises(In2xError):
        read("a <b>", Wish("de", "en", kind="xml"))


def test_findings_point_into_the_whole_text() -> None:
    lines = (Segment("one"), Segment("two"))
    outcomes = [
        Outcome(lines[0], Segment("eins"), "model"),
        Outcome(lines[1], Segment("zwo"), "model", findings=(Finding("natural", "odd", "minor", 0, 3),)),
    ]
    answer = Lines(lines, ("\r\n", "")).answer(outcomes, Job("en", "de"))
    [finding] = answer.findings
    assert answer.text == "eins\r\nzwo" and answer.text[finding.start : finding.end] == "zwo"


# --- answers ----------------------------------------------------------------------------------------------------------


async def test_one_answer_a_text_in_order(engine) -> None:
    made, _ = engine
    texts = ["one", "", "two\n\n  three\n", "---", "one"]
    answers = await made.translate(texts, GERMAN, "a")
    assert [one.text for one in answers] == ["de:one", "", "de:two\n\n  de:three\n", "---", "de:one"]
    assert {one.source_lang for one in answers} == {"en"}


async def test_the_language_is_told_and_a_text_in_the_one_wanted_stays(engine) -> None:
    made, backend = engine
    texts = ["I was there yesterday with my brother.", "Ich war gestern mit meinem Bruder dort, und du?"]
    answers = await made.translate(texts, Wish("de"), "a")
    assert [one.source_lang for one in answers] == ["en", "de"]
    assert answers[1].text == texts[1] and len(backend.asked) == 1


async def test_wishes_reach_the_question(engine) -> None:
    made, backend = engine
    wish = Wish("ja", "en", "polite", (("cat", "ねこ"), ("dog", "いぬ")), "A tale.", "brief")
    await made.translate(["The cat sat."], wish, "a")
    [asked] = backend.asked
    assert (asked.register, asked.terms, asked.scene, asked.style) == ("polite", (("cat", "ねこ"),), "A tale.", "brief")


async def test_what_cannot_be_is_a_usage_error(engine) -> None:
    made, _ = engine
    for wish in (Wish("xx", "en"), Wish("de", "de"), Wish("ja", "en", "shouting")):
        with pytest.raises(UsageError):
            await made.translate(["one"], wish, "a")


async def test_texts_together_are_told_what_stands_before_them_and_others_never(monkeypatch) -> None:
    made, backend = scripted()
    monkeypatch.setattr(made.translator, "_takes", lambda job: ALL)
    try:
        together = Wish("de", "en", together=True)
        await asyncio.gather(
            made.translate(["mine one", "mine two", "mine three"], together, "a"),
            made.translate(["yours one", "yours two"], GERMAN, "b"),
        )
        told = {one.text: [source for source, _ in one.before] for one in backend.asked}
        assert told["mine three"] == ["mine one", "mine two"]
        assert told["yours two"] == [] and not any("yours" in b for t, row in told.items() for b in row)
    finally:
        made.close()


async def test_alternatives_differ_and_are_bounded() -> None:
    class Drawing(Scripted):
        def _draw(self, sources, request, samples, done):
            found = super()._draw(sources, request, samples, done)
            return [[type(one)(f"{one.text}{n % 3}") for n, one in enumerate(row)] for row in found]

    made, _ = scripted()
    made.translator.members = [Drawing(shout)]
    try:
        assert await made.alternatives("one", GERMAN, 2, "a") == ["de:one0", "de:one1"]
        assert len(await made.alternatives("one", GERMAN, 10_000, "a")) == 3
        assert await made.alternatives(" ", GERMAN, 3, "a") == []
        assert await made.alternatives("one\n\n---\ntwo\n", GERMAN, 2, "a") == [
            "de:one0\n\n---\nde:two0\n", "de:one1\n\n---\nde:two1\n"
        ]  # fmt: skip
    finally:
        made.close()


async def test_a_model_that_fails_is_told_without_its_words(capfd) -> None:
    def broken(source) -> str:
        raise ValueError(source.text)

    made, _ = scripted(broken)
    try:
        with pytest.raises(Fault) as fault:
            await made.translate(["my secret"], GERMAN, "a")
        assert fault.value.status == 500 and "secret" not in fault.value.message
        assert "secret" not in capfd.readouterr().err
        assert made._queue.lots == 0
    finally:
        made.close()


# --- sharing ----------------------------------------------------------------------------------------------------------


async def test_equal_requests_of_one_client_are_one_job_and_of_two_are_two() -> None:
    gate = Gate()
    made, _ = scripted(gate)
    try:
        asking = [asyncio.create_task(made.translate(["one"], GERMAN, who)) for who in "aaab"]
        await asyncio.sleep(0.05)
        gate.open.set()
        answers = await asyncio.gather(*asking)
        assert {one.text for [one] in answers} == {"de:one"}
        assert made.metrics.joined.value() == 2
    finally:
        made.close()
    assert made._queue.lots == 0 and made._queue.characters == 0


async def test_who_joined_still_gets_an_answer_when_the_first_leaves() -> None:
    gate = Gate()
    made, _ = scripted(gate)
    try:
        first, second = (asyncio.create_task(made.translate(["one"], GERMAN, "a")) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.sleep(0.02)
        gate.open.set()
        assert [one.text for one in await second] == ["de:one"]
    finally:
        made.close()


async def test_work_of_a_client_that_left_is_dropped() -> None:
    gate = Gate()
    made, backend = scripted(gate)
    try:
        asking = asyncio.create_task(made.translate([f"line {n}" for n in range(1000)], GERMAN, "a"))
        await asyncio.to_thread(gate.asked.wait, 5)
        asking.cancel()
        await asyncio.sleep(0.02)
        assert made._queue.characters == 0
        gate.open.set()
        await made.translate(["after"], GERMAN, "b")
        assert len(backend.asked) <= 64 + 1 and made._queue.lots == 0
    finally:
        gate.open.set()
        made.close()


async def test_a_deadline_ends_the_waiting_and_the_work() -> None:
    gate = Gate()
    made, backend = scripted(gate)
    try:
        holding = asyncio.create_task(made.translate(["hold"], GERMAN, "b"))
        await asyncio.to_thread(gate.asked.wait, 5)
        with pytest.raises(Fault) as fault:
            await made.translate(["one"], GERMAN, "a", deadline=0.05)
        assert fault.value.status == 504
        gate.open.set()
        await holding
        assert [one.text for one in backend.asked] == ["hold"]
    finally:
        gate.open.set()
        made.close()


async def test_too_much_is_told_to_come_back_later() -> None:
    gate = Gate()
    made, _ = scripted(gate, queue=Queue(most=2000))
    try:
        held = [asyncio.create_task(made.translate(["hold"], GERMAN, "a"))]
        await asyncio.to_thread(gate.asked.wait, 5)
        held += [asyncio.create_task(made.translate(["x" * 900], GERMAN, who)) for who in "bc"]
        await asyncio.sleep(0.02)
        with pytest.raises(Fault) as fault:
            await made.translate(["y" * 900], GERMAN, "d")
        assert fault.value.status == 429 and 1 <= fault.value.wait <= 60
        gate.open.set()
        await asyncio.gather(*held)
    finally:
        gate.open.set()
        made.close()


async def test_the_end_finishes_what_was_taken_and_takes_no_more() -> None:
    gate = Gate()
    made, _ = scripted(gate)
    asking = asyncio.create_task(made.translate([f"line {n}" for n in range(200)], GERMAN, "a"))
    await asyncio.to_thread(gate.asked.wait, 5)
    closing = asyncio.create_task(asyncio.to_thread(made.close))
    await asyncio.sleep(0.05)
    with pytest.raises(Fault) as fault:
        await made.translate(["late"], GERMAN, "b")
    assert fault.value.status == 503
    gate.open.set()
    assert len(await asking) == 200
    await closing


async def test_people_go_before_documents() -> None:
    gate = Gate()
    made, backend = scripted(gate)
    try:
        first = asyncio.create_task(made.translate(["hold"], GERMAN, "x"))
        await asyncio.to_thread(gate.asked.wait, 5)
        paper = asyncio.create_task(made.translate([f"p{n}" for n in range(200)], GERMAN, "a", interactive=False))
        await asyncio.sleep(0.02)
        person = asyncio.create_task(made.translate(["person"], GERMAN, "b"))
        await asyncio.sleep(0.02)
        gate.open.set()
        await asyncio.gather(first, paper, person)
        assert [one.text for one in backend.asked][:2] == ["hold", "person"]
    finally:
        gate.open.set()
        made.close()


async def test_a_client_with_thousands_of_lines_leaves_the_others_as_fast() -> None:
    """With threads and a clock; the bound is that of the simulation below, and some room for a busy machine."""

    class Slow(Scripted):
        def _draw(self, sources, request, samples, done):
            time.sleep(0.05 + 0.01 * len(sources))
            return super()._draw(sources, request, samples, done)

    async def others(made) -> float:
        async def one(who: str) -> list[float]:
            took = []
            for n in range(8):
                began = time.monotonic()
                await made.translate([f"{who} asks {n}"], GERMAN, who)
                took.append(time.monotonic() - began)
                await asyncio.sleep(0.02)
            return took

        return statistics.median([t for row in await asyncio.gather(*map(one, "abcd")) for t in row])

    made, _ = scripted()
    made.translator.backend = Slow(shout)
    try:
        before = await others(made)
        flood = asyncio.create_task(made.translate([f"line {n} of many" for n in range(5000)], GERMAN, "flood"))
        while made._queue.characters < 50_000:
            await asyncio.sleep(0.02)
        during = await others(made)
        assert not flood.done() and during <= 2.5 * before, (before, during)
        flood.cancel()
        await asyncio.wait([flood])
    finally:
        made.close()


# --- the queue alone --------------------------------------------------------------------------------------------------


def lot(client: str, sizes: list[int], interactive: bool = True, together: bool = False) -> Lot:
    reading = Lines(tuple(Segment("x" * size) for size in sizes), ("",) * len(sizes))
    return Lot(object(), client, Wish("de", "en", together=together), Job("en", "de"), (reading,), interactive)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.lists(st.integers(0, 4000), max_size=40), st.booleans(), st.booleans(),
            st.booleans(),
        ),
        max_size=15,
    )
)  # fmt: skip
def test_every_segment_is_taken_once_unless_its_client_left(rows) -> None:
    queue, lots, left = Queue(), [], set()
    taken: Counter[tuple[int, int]] = Counter()
    now = 0.0

    def turn() -> bool:
        batch = queue.take(now)
        assert len({one.lot.goes_with for one in batch}) <= 1
        for one in batch:
            assert one.lot not in left
            taken.update((id(one.lot), n) for n in range(one.start, one.end))
            one.lot.outcomes.update({n: None for n in range(one.start, one.end)})
            if one.lot.finished:
                queue.drop(one.lot)
        return bool(batch)

    for client, sizes, interactive, together, leaves in rows:
        now += 0.7
        new = lot(client, sizes, interactive, together)
        lots.append(new)
        queue.add(new, now)
        if leaves:
            queue.drop(new)
            left.add(new)
        turn()
    while turn():
        now += 0.7
    wanted = Counter((id(one), n) for one in lots if one not in left for n in range(len(one.segments)))
    assert taken == wanted and queue.characters == 0 and not any(queue._waiting.values())


def test_clients_of_a_kind_go_round() -> None:
    queue = Queue()
    for client in "ab":
        queue.add(lot(client, [400] * 50), 0.0)
    batch = queue.take(100.0)
    assert {one.lot.client: one.end - one.start for one in batch} == {"a": 7, "b": 7}


def test_a_heavy_client_gets_slices_while_others_are_about_and_all_of_it_alone() -> None:
    queue = Queue()
    heavy = lot("heavy", [50] * 1000)
    assert heavy.left > HEAVY
    queue.add(heavy, 0.0)
    assert queue.take(0.0)[0].end > 60
    queue.add(lot("light", [40]), 1.0)
    assert [one.lot.client for one in queue.take(1.0)] == ["light"]  # before the heavy one, that came earlier
    [one] = queue.take(1.1)
    assert sum(cost(heavy.segments[n]) for n in range(one.start, one.end)) <= 60
    assert queue.take(1000.0)[0].end - one.end > 60


def simulated(seconds, clients: int, think: float, flood: int, flood_is_paper: bool = False) -> tuple[float, int]:
    """The p95 of `clients` that ask one line each time, beside a client with `flood` lines; and its lines by the end.

    `seconds`: what a batch of so many segments takes. The clock is simulated.
    """
    rng = random.Random(1)
    queue, now, took = Queue(), 0.0, []
    arrivals = [(rng.random() * think, f"client {n}") for n in range(clients)]
    big = lot("flood", [30] * flood, not flood_is_paper)
    if flood:
        queue.add(big, 0.0)
        queue.take(-100.0)
    while len(took) < 60 * clients:
        while arrivals and min(arrivals)[0] <= now:
            arrivals.remove(first := min(arrivals))
            queue.add(lot(first[1], [rng.randint(20, 60)]), first[0])
        batch = queue.take(now)
        if not batch:
            now = min(arrivals)[0]
            continue
        took_it = seconds(sum(one.end - one.start for one in batch))
        queue.measured(sum(cost(one.lot.segments[n]) for one in batch for n in range(one.start, one.end)), took_it)
        now += took_it
        for one in batch:
            one.lot.outcomes.update({n: None for n in range(one.start, one.end)})
            if one.lot.finished:
                queue.drop(one.lot)
                if one.lot is not big:
                    took.append(now - one.lot.since)
                    arrivals.append((now + rng.uniform(0, 2 * think), one.lot.client))
    return statistics.quantiles(took, n=20)[-1], big.next


@pytest.mark.parametrize(
    "seconds", [lambda n: 0.1 * n, lambda n: 0.1, lambda n: 0.1 + 0.02 * n], ids=["by the line", "constant", "both"]
)
@pytest.mark.parametrize(("clients", "think"), [(1, 0.5), (4, 0.5), (4, 2.0), (16, 1.0), (64, 5.0)])
@pytest.mark.parametrize("paper", [False, True], ids=["lines", "document"])
def test_a_client_with_5000_lines_at_most_doubles_the_p95_of_others(seconds, clients, think, paper) -> None:
    alone, _ = simulated(seconds, clients, think, 0)
    beside, done = simulated(seconds, clients, think, 5000, paper)
    assert beside <= 2.0 * alone, (alone, beside)
    assert done >= 64 + 10  # and is not starved


def test_a_request_larger_than_the_queue_is_taken_where_nothing_waits() -> None:
    queue = Queue(most=100)
    queue.admit("a", True, 5000)
    queue.add(lot("b", [10]), 0.0)
    with pytest.raises(Full):
        queue.admit("a", True, 5000)


def test_what_is_short_and_shows_nothing_is_taken_to_be_in_the_language_around_it() -> None:
    made, _ = scripted()
    try:
        assert made.detect("12:30", "de", "fr") == "fr"
        assert made.detect("12:30", "en") != "en"
    finally:
        made.close()
