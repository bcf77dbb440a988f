"""The store on SQLite and PostgreSQL: nothing is lost or doubled, and an item's state is the fold of its events."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from in2x.errors import In2xError, UsageError
from in2x.people.backup import backup, restore
from in2x.people.database import parse_url
from in2x.people.fold import fold, shown_order
from in2x.people.incoming import Refused, checked
from in2x.people.model import Candidate, Item, Screen
from in2x.people.roster import Roster
from in2x.people.store import Store
from in2x.people.writer import NotSaved, Writer
from people_campaign import ASSIGNMENTS, FAMILY, campaign, event, item
from postgresql import Cluster, missing


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if why := missing():
        pytest.skip(why)
    cluster = Cluster()
    yield cluster
    cluster.close()


COUNT = iter(range(10_000))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "people.db")
    return request.getfixturevalue("cluster").database(f"t{next(COUNT)}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url, create=True) as opened:
        opened.add_campaign(campaign(), ASSIGNMENTS, seed=7)
        yield opened


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    writer = Writer(store)
    yield writer
    writer.close()


def test_a_campaign_comes_back_as_it_went_in(store: Store) -> None:
    assert store.campaign("demo") == campaign()
    assert store.campaigns() == ["demo"] and store.the_campaign() == "demo"
    with pytest.raises(UsageError, match="already"):
        store.add_campaign(campaign(), {})
    with pytest.raises(UsageError, match="campaigns in it: demo"):
        store.the_campaign("other")


def test_the_tables_are_those_of_the_schema(store: Store) -> None:
    """The migrations and `schema.py` say the same."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from in2x.people.schema import metadata

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_newer_store_is_refused_and_left_alone(url: str) -> None:
    with Store.open(url, create=True) as store, store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(In2xError, match="newer version of in2x"):
        Store.open(url)


def test_sqlite_flushes_at_each_commit(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db", create=True) as store, store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_an_event_sent_again_is_one_event(store: Store, writer: Writer) -> None:
    first = event("i-1-a", "score", {"candidate": "c-1-a", "score": 40})
    assert writer.submit("demo", "ann", [first]).result().versions == {"i-1-a": 1}
    again = writer.submit("demo", "ann", [first, first, event("i-1-a", "finish")]).result()
    assert again.ids[0] == first.id and again.versions == {"i-1-a": 2}
    assert [e.version for e in store.events("demo", "ann")] == [1, 2]
    assert writer.submit("demo", "ben", [first]).result().versions == {"i-1-a": 1}  # another's id is another event
    assert len(list(store.events("demo"))) == 3


def test_many_writers_lose_and_double_nothing(store: Store, writer: Writer) -> None:
    """Eight threads, two processes' worth of writers, every event sent up to three times."""
    other = Writer(store)  # a second writer on the same database, as another process would be
    sent: list[str] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        rng = random.Random(number)
        for _ in range(25):
            one = event(rng.choice(["i-1-a", "i-2-a"]), "score", {"candidate": "c-1-a", "score": rng.randrange(101)})
            for _ in range(rng.randint(1, 3)):
                (writer if rng.random() < 0.5 else other).submit("demo", "ann", [one]).result(30)
            with lock:
                sent.append(one.id)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    there = list(store.events("demo"))
    assert sorted(e.id for e in there) == sorted(sent)
    for name in ("i-1-a", "i-2-a"):  # versions are 1, 2, ... without a gap
        versions = [e.version for e in there if e.item == name]
        assert versions == list(range(1, len(versions) + 1))


def test_another_tab_is_told_what_both_have_set(writer: Writer) -> None:
    score = {"candidate": "c-1-a", "score": 40}
    writer.submit("demo", "ann", [event("i-1-a", "score", score, tab="one")], {"i-1-a": 0}).result()
    same = writer.submit("demo", "ann", [event("i-1-a", "score", score, tab="one")], {"i-1-a": 0}).result()
    assert same.conflicts == {}  # its own event, whose answer it has not seen yet
    both = writer.submit("demo", "ann", [event("i-1-a", "score", score, tab="two")], {"i-1-a": 0}).result()
    assert both.conflicts == {"i-1-a": ["score:c-1-a"]}
    apart = writer.submit("demo", "ann", [event("i-1-a", "comment", {"text": "x"}, tab="one")], {"i-1-a": 2}).result()
    assert apart.conflicts == {"i-1-a": []}
    assert writer.submit("demo", "ann", [event("i-1-a", "finish", tab="one")], {"i-1-a": 4}).result().conflicts == {}


def test_a_clock_set_back_changes_no_order(store: Store, writer: Writer) -> None:
    late = replace(event("i-1-a", "score", {"candidate": "c-1-a", "score": 10}), client_time=2e9)
    early = replace(event("i-1-a", "score", {"candidate": "c-1-a", "score": 90}), client_time=1.0)
    writer.submit("demo", "ann", [late]).result()
    writer.submit("demo", "ann", [early]).result()
    assert store.states(store.load("demo"), "ann")["ann"]["i-1-a"].candidates["c-1-a"].score == 90


def test_a_full_disk_is_said_and_nothing_is_half_saved(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db", create=True) as store:
        store.add_campaign(campaign(), ASSIGNMENTS)
        kept = store.engine.raw_connection()
        pages = kept.driver_connection.execute("PRAGMA page_count").fetchone()[0]
        kept.close()
        from sqlalchemy import event as signals

        signals.listen(store.engine, "connect", lambda c, _: c.execute(f"PRAGMA max_page_count={pages + 3}"))
        store.engine.dispose()
        writer = Writer(store)
        saved = 0
        with pytest.raises(NotSaved):
            for _ in range(100):
                writer.submit("demo", "ann", [event("i-1-a", "comment", {"text": "長" * 1000})]).result()
                saved += 1
        writer.close()
        assert len(list(store.events("demo"))) == saved > 0
    with Store.open(tmp_path / "a.db") as store:  # room again: it goes on
        writer = Writer(store)
        writer.submit("demo", "ann", [event("i-1-a", "finish")]).result()
        writer.close()


def test_judgements_are_rows_of_finished_items(store: Store, writer: Writer) -> None:
    spans = [{"start": 0, "end": 5, "severity": "major", "category": "", "side": "target"},
             {"start": 0, "end": 6, "severity": "minor", "category": "", "side": "source"}]  # fmt: skip
    writer.submit("demo", "ann", [
        event("i-1-a", "answer", {"candidate": "c-1-a", "question": "native", "choice": "no"}),
        event("i-1-a", "reveal"),
        event("i-1-a", "answer", {"candidate": "c-1-a", "question": "native", "choice": "yes"}),  # too late
        event("i-1-a", "answer", {"candidate": "c-1-a", "question": "idiom", "choice": "literal"}),
        event("i-1-a", "why", {"candidate": "c-1-a", "question": "idiom", "text": "word for word"}),
        event("i-1-a", "spans", {"candidate": "c-1-a", "spans": spans}),
        event("i-1-a", "score", {"candidate": "c-1-a", "score": 35}),
        event("i-1-a", "time", {"seconds": 20.5}), event("i-1-a", "time", {"seconds": 1.5}),
    ]).result()  # fmt: skip
    assert store.judgements("demo") == []
    assert len(store.judgements("demo", unfinished=True)) == 4
    writer.submit("demo", "ann", [event("i-1-a", "finish"), event("i-1-x", "score", {"candidate": "c-1-x", "score": 9}),
                                  event("i-1-x", "finish")]).result()  # fmt: skip
    rows = {(row.item, row.dimension): row for row in store.judgements("demo")}
    score = rows["i-1-a", "score"]
    assert (score.value, score.system, score.document, score.segment) == (35, "alpha", "d1", "1")
    assert [(s.start, s.end, s.severity, s.side) for s in score.spans] == [(0, 5, "major", "target"),
                                                                           (0, 6, "minor", "source")]  # fmt: skip
    assert score.seconds == 22.0 and score.role == "real"
    assert rows["i-1-a", "spans"].value == -6.0
    assert (rows["i-1-a", "native"].value, rows["i-1-a", "native"].worth) == ("no", 0.0)
    assert rows["i-1-a", "idiom"].why == "word for word"
    assert rows["i-1-x", "score"].role == "repeat"


def test_an_edit_keeps_what_was_said_and_drops_spans_of_the_old_text(store: Store, writer: Writer) -> None:
    span = {"start": 0, "end": 5, "severity": "major", "category": "", "side": "target"}
    source = {**span, "side": "source"}
    writer.submit("demo", "ann", [
        event("i-1-a", "spans", {"candidate": "c-1-a", "spans": [span, source]}),
        event("i-1-a", "score", {"candidate": "c-1-a", "score": 35}), event("i-1-a", "finish"),
        event("i-2-a", "score", {"candidate": "c-2-a", "score": 70}), event("i-2-a", "finish"),
    ]).result()  # fmt: skip
    screen = store.campaign("demo").screens[1]
    first = replace(screen.items[0], candidates=(replace(screen.items[0].candidates[0], text="短い。"),))
    store.edit("demo", [replace(screen, items=(first, screen.items[1]))])
    loaded = store.load("demo")
    assert loaded.revisions["s1"] == 1 and loaded.campaign.screens[1].items[0].candidates[0].text == "短い。"
    state = store.states(loaded, "ann")["ann"]
    assert (state["i-1-a"].changed, state["i-1-a"].done, state["i-1-a"].candidates["c-1-a"].score) == (True, False, 35)
    assert [s.side for s in state["i-1-a"].candidates["c-1-a"].spans] == ["source"]
    assert state["i-2-a"].done and not state["i-2-a"].changed  # its own text is as it was
    writer.submit("demo", "ann", [event("i-1-a", "finish", revision=1)]).result()
    state = store.states(loaded, "ann")["ann"]
    assert state["i-1-a"].done and not state["i-1-a"].changed
    with pytest.raises(UsageError, match="other items"):
        store.edit("demo", [Screen("s1", "d1", (item("9-a", "alpha", "x"),))])


def test_people_links_and_the_log(store: Store) -> None:
    roster = Roster(store)
    token = roster.invite("demo", "ann", days=1)
    assert len(token) >= 22 and roster.invitation(token).annotator == "ann"  # 22 letters of base64 are 128 bits
    assert roster.invitation(token + "x") is None
    with store.engine.connect() as connection:  # at rest there is only the hash
        assert token not in str(connection.execute(text("SELECT * FROM invitation")).all())
        assert token not in str(connection.execute(text("SELECT * FROM audit")).all())
    assert roster.person("demo", "ann").links == 1
    assert roster.revoke("demo", "ann") == 1 and roster.invitation(token).revoked is not None
    roster.reassign("demo", ["s3"], "ann", "ben")
    assert roster.person("demo", "ben").screens == ("s0", "s1", "s2", "s3")
    assert roster.person("demo", "ann").withdrawn == ("s3",)
    roster.reassign("demo", ["s3"], "ben", "ann")  # and back
    assert "s3" in roster.person("demo", "ann").screens
    with pytest.raises(UsageError, match="already"):
        roster.reassign("demo", ["s1"], "ann", "ben")
    roster.add_annotator("demo", "cem", ["s2"], "new")
    roster.set_annotator("demo", "cem", "paused")
    assert roster.person("demo", "cem").status == "paused"
    organiser = roster.new_admin_token()
    assert roster.is_admin(organiser) and not roster.is_admin(token)
    roster.new_admin_token(only=True)
    assert not roster.is_admin(organiser)
    assert [line["action"] for line in store.audit("demo")][-3:] == ["revoked", "invited", "created"]


def test_a_backup_goes_into_either_database(store: Store, writer: Writer, tmp_path: Path, request) -> None:
    """Taken while events come in: what it holds is a prefix of each item's events."""
    ends = threading.Event()

    def save() -> None:
        while not ends.is_set():
            writer.submit("demo", "ann", [event("i-1-a", "comment", {"text": "改行\n\x00 と 絵文字 👨‍👩‍👧"})]).result()

    thread = threading.Thread(target=save)
    thread.start()
    time.sleep(0.2)
    backup(store, tmp_path / "copy.jsonl.gz")
    ends.set()
    thread.join()
    kinds = [str(tmp_path / "new.db")] + ([] if missing() else [request.getfixturevalue("cluster").database(
        f"t{next(COUNT)}")])  # fmt: skip
    for kind in kinds:
        with Store.open(kind, create=True) as other:
            restore(other, tmp_path / "copy.jsonl.gz")
            copied = list(other.events("demo"))
            assert copied and copied == list(store.events("demo"))[: len(copied)]
            assert other.load("demo") == store.load("demo")
            again = Writer(other)  # and it goes on there
            assert again.submit("demo", "ann", [event("i-1-a", "finish")]).result().versions["i-1-a"] == len(copied) + 1
            again.close()
            with pytest.raises(UsageError, match="holds campaigns"):
                restore(other, tmp_path / "copy.jsonl.gz")


def test_a_cut_backup_is_refused_whole(tmp_path: Path) -> None:
    import gzip

    with Store.open(tmp_path / "a.db", create=True) as store:
        store.add_campaign(campaign(), ASSIGNMENTS)
        backup(store, tmp_path / "copy.gz")
    lines = gzip.decompress((tmp_path / "copy.gz").read_bytes()).splitlines(keepends=True)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"".join(lines[:-1])))
    (tmp_path / "torn.gz").write_bytes((tmp_path / "copy.gz").read_bytes()[:-40])
    (tmp_path / "other.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))
    for name, why in [("cut", "not whole"), ("torn", "cannot be read"), ("other", "no backup")]:
        with Store.open(tmp_path / f"{name}.db", create=True) as store:
            with pytest.raises(In2xError, match=why):
                restore(store, tmp_path / f"{name}.gz")
            assert store.campaigns() == []


def test_databases_that_cannot_be_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not supported"):
        Store.open("mysql://x/y")
    with pytest.raises(UsageError, match="no such store"):
        Store.open(tmp_path / "none.db")
    with pytest.raises(UsageError, match="a store is a file"):
        Store.open("sqlite://", create=True)
    (tmp_path / "text.db").write_text("hello, this is no database at all, but long enough to be looked at" * 20)
    with pytest.raises(In2xError, match="cannot be opened"):
        Store.open(tmp_path / "text.db")
    sqlite3.connect(tmp_path / "else.db").execute("CREATE TABLE event (x)")
    with pytest.raises(In2xError, match="something else"):
        Store.open(tmp_path / "else.db")
    with pytest.raises(In2xError, match="cannot be opened") as refused:
        Store.open("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(refused.value)
    assert parse_url("postgresql://u@h/d").drivername == "postgresql+pg8000"


SPAN = {"start": 0, "end": 10, "severity": "minor", "category": "", "side": "target"}


@pytest.mark.parametrize(("kind", "value", "why"), [
    ("score", {"candidate": "c-1-a", "score": 101}, "not within"),
    ("score", {"candidate": "c-1-a", "score": float("nan")}, "no number"),
    ("score", {"candidate": "c-1-a", "score": True}, "no number"),
    ("score", {"candidate": "c-2-a", "score": 50}, "no candidate"),
    ("spans", {"candidate": "c-1-a", "spans": [{**SPAN, "end": 11}]}, "not within the 10"),
    ("spans", {"candidate": "c-1-a", "spans": [{**SPAN, "start": 10}]}, "not within"),
    ("spans", {"candidate": "c-1-a", "spans": [{**SPAN, "start": -1}]}, "not within"),
    ("spans", {"candidate": "c-1-a", "spans": [{**SPAN, "severity": "critical"}]}, "no severity"),
    ("spans", {"candidate": "c-1-a", "spans": [{**SPAN, "side": "left"}]}, "no side"),
    ("spans", {"candidate": "c-1-a", "spans": [{**SPAN, "category": "x"}]}, "no category"),
    ("rank", {"ranks": {"c-1-a": 1}}, "does not ask"),
    ("answer", {"candidate": "c-1-a", "question": "native", "choice": "maybe"}, "no choice"),
    ("answer", {"candidate": "c-1-a", "question": "slang", "choice": "yes"}, "not asked"),
    ("why", {"candidate": "c-1-a", "question": "idiom", "text": "x" * 4001}, "longer"),
    ("time", {"seconds": -1}, "not within"),
    ("drop table", {}, "no kind"),
    ("practice", {"passed": True}, "no kind"),
    ("score", [], "no object"),
])  # fmt: skip
def test_what_can_never_be_saved_says_why(kind: str, value: object, why: str) -> None:
    one = campaign().items()["i-1-a"]
    with pytest.raises(Refused, match=why):
        checked(kind, value, one, campaign().protocol)


def test_spans_are_code_points() -> None:
    one = campaign().items()["i-1-a"]
    assert len(FAMILY) == 10
    whole = checked("spans", {"candidate": "c-1-a", "spans": [SPAN]}, one, campaign().protocol)
    assert whole["spans"] == [SPAN]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["score", "clear", "spans", "answer", "finish", "reopen", "flag", "unflag", "time"])))
def test_the_state_is_that_of_the_last_event_of_each_field(kinds: list[str]) -> None:
    """Against a plain replay that keeps one value a field."""
    values = {"score": {"candidate": "c", "score": 10}, "clear": {"candidate": "c", "score": None},
              "spans": {"candidate": "c", "spans": [SPAN]}, "time": {"seconds": 2.0}, "flag": {"text": "why"},
              "answer": {"candidate": "c", "question": "q", "choice": "yes"}}  # fmt: skip
    one = Item("i", "s", "source", (Candidate("c", "a", "text of ten"),))
    events = [event("i", "score" if k == "clear" else k, values.get(k), version=n) for n, k in enumerate(kinds, 1)]
    state = fold(events, one)

    def last(*of: str) -> str | None:
        return next((k for k in reversed(kinds) if k in of), None)

    said = state.of("c")
    assert state.version == len(kinds)
    assert said.score == (10 if last("score", "clear") == "score" else None)
    assert bool(said.spans) == ("spans" in kinds) and bool(said.answers) == ("answer" in kinds)
    assert state.done == (last("finish", "reopen") == "finish")
    assert state.flag == ("why" if last("flag", "unflag") == "flag" else None)
    assert (state.seconds or 0) == 2.0 * kinds.count("time")


def test_candidates_are_shuffled_by_person_and_stay_so() -> None:
    one = Item("i", "s", "x", tuple(Candidate(f"c{n}", f"system {n}", "t") for n in range(4)))
    orders = {tuple(c.id for c in shown_order(one, f"p{n}", 3)) for n in range(40)}
    assert len(orders) > 10 and all(shown_order(one, "p1", 3) == shown_order(one, "p1", 3) for _ in range(3))


def test_a_process_killed_while_it_saves_leaves_whole_events(tmp_path: Path) -> None:
    """kill -9 of a writing process: every acknowledged event is there, and the store opens."""
    script = """
import sys, uuid
sys.path.insert(0, sys.argv[2])
from people_campaign import *
from in2x.people.store import Store
from in2x.people.writer import Writer
store = Store.open(sys.argv[1], create=True)
store.add_campaign(campaign(), ASSIGNMENTS)
writer = Writer(store)
while True:
    one = event("i-1-a", "comment", {"text": "x" * 500})
    writer.submit("demo", "ann", [one]).result()
    print(one.id, flush=True)
"""
    file = tmp_path / "a.db"
    process = subprocess.Popen([sys.executable, "-c", script, str(file), str(Path(__file__).parent)],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    told = [process.stdout.readline().strip() for _ in range(30)]
    process.kill()
    told += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    with Store.open(file) as store:
        assert set(told) <= {e.id for e in store.events("demo")}
