"""How many people can save at once, and is anything lost when the server dies? 200 annotators over real HTTP.

    python benchmarks/people_load.py                                   3 minutes, a save every 2 s each
    python benchmarks/people_load.py --kills 20                        and the server killed 20 times meanwhile
    python benchmarks/people_load.py --database postgresql --kills 20  a cluster of its own
    python benchmarks/people_load.py --every 0 --seconds 30            as fast as each gets an answer

The server runs in its own process (`in2x people serve`), the annotators in this one. Like the page, an annotator keeps
an event until it is acknowledged, and sends it again under the same id after a lost connection. At the end every
acknowledged event must be in the store once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from in2x.people.model import Campaign, Candidate, Item, Protocol, Screen
from in2x.people.roster import Roster
from in2x.people.store import Store

ITEMS = 400


def fill(store: str, annotators: int) -> list[str]:
    """A campaign in which each annotator has one of 40 screens of 10 items; their tokens."""
    screens = tuple(
        Screen(f"s{s}", f"d{s}", tuple(
            Item(f"i{s}-{n}", f"{s}-{n}", "source " * 9, (Candidate(f"c{s}-{n}", "A", "候補の訳文。" * 8),))
            for n in range(10)))
        for s in range(ITEMS // 10)
    )  # fmt: skip
    people = {f"p{n:03d}": [screens[n % len(screens)].id] for n in range(annotators)}
    with Store.open(store, create=True) as opened:
        opened.add_campaign(
            Campaign("load", {"": "Load"}, "en", "ja", Protocol(score=True, spans=True), screens), people
        )
        return [Roster(opened).invite("load", person) for person in people]


@dataclass
class Tally:
    """What the annotators saw."""

    acknowledged: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)


class Annotator:
    """One person with a browser: a keep-alive connection and an outbox."""

    def __init__(self, port: int, token: str, number: int, tally: Tally) -> None:
        self.port, self.token, self.number, self.tally = port, token, number, tally
        self.outbox: list[dict] = []
        self.versions: dict[str, int] = {}
        self.stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def work(self, every: float, until: float) -> None:
        rng = random.Random(self.number)
        await asyncio.sleep(rng.random() * every)
        while time.monotonic() < until:
            began = time.monotonic()
            place = f"{self.number % (ITEMS // 10)}-{rng.randrange(10)}"
            version = self.versions.get(f"i{place}", 0)
            self.outbox.append({"id": str(uuid.uuid4()), "item": f"i{place}", "kind": "score",
                                "value": {"candidate": f"c{place}", "score": rng.randrange(101)},
                                "time": time.time(), "version": version, "revision": 0})  # fmt: skip
            await self.flush(until)
            await asyncio.sleep(max(0.0, every * (0.8 + 0.4 * rng.random()) - (time.monotonic() - began)))

    async def flush(self, until: float) -> None:
        """Send until all is acknowledged, for a while beyond the end if need be."""
        began = time.monotonic()
        while self.outbox and time.monotonic() < until + 30:
            try:
                status, body = await self.post({"tab": f"t{self.number}", "events": self.outbox})
            except (OSError, EOFError, ValueError, IndexError, asyncio.IncompleteReadError):
                self.stream = None
                await asyncio.sleep(0.2)
                began = time.monotonic()  # the time of a save is that of a server which is there
                continue
            if status != 200:
                self.tally.faults[f"{status} {body.get('error')}"] += 1
                await asyncio.sleep(0.2)
                continue
            self.tally.seconds.append(time.monotonic() - began)
            self.tally.refused += len(body["refused"])
            self.tally.acknowledged.update(body["saved"])
            self.versions |= body["versions"]
            done = set(body["saved"])
            self.outbox = [event for event in self.outbox if event["id"] not in done]

    async def post(self, value: dict) -> tuple[int, dict]:
        if self.stream is None:
            self.stream = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.stream
        body = json.dumps(value).encode()
        head = (f"POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
        writer.write(head.encode() + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next(int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length"))
        return int(head.split(" ", 2)[1]), json.loads(await reader.readexactly(size))


class Server:
    """`in2x people serve` in its own process."""

    def __init__(self, store: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.store = store
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "in2x", "people", "serve", "--store", self.store, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def ready(self) -> bool:
        """Wait for the address that it prints; False where it died."""
        assert self.process.stdout is not None
        return bool(self.process.stdout.readline().strip())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def in_store(store: str) -> Counter[str]:
    """Event ids in the store with how often they are there."""
    with Store.open(store) as opened:
        return Counter(event.id for event in opened.events("load"))


async def load(
    store: str, tokens: list[str], every: float, seconds: float, kills: int
) -> dict[str, float | int | dict[str, int]]:
    """Let everybody work; kill the server so often, evenly spread; the figures."""
    server, tally = Server(store), Tally()
    assert server.ready()
    began = time.monotonic()
    until = began + seconds
    people = [Annotator(server.port, token, number, tally) for number, token in enumerate(tokens)]
    work = asyncio.gather(*(person.work(every, until) for person in people))
    restarts = lost = 0
    try:
        for number in range(kills):
            await asyncio.sleep(max(0.0, began + seconds * (number + 1) / (kills + 1) - time.monotonic()))
            server.kill()
            acknowledged = set(tally.acknowledged)  # by now; whoever waited for an answer got none
            server.start()
            restarts += await asyncio.to_thread(server.ready)
            there = await asyncio.to_thread(in_store, store)
            lost += len(acknowledged - set(there))
        await work
    finally:
        took = time.monotonic() - began
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(30)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    there = in_store(store)
    lost += len(tally.acknowledged - set(there))
    quantiles = statistics.quantiles(tally.seconds, n=100)
    return {
        "annotators": len(tokens), "seconds": round(took, 1), "saves": len(tally.acknowledged),
        "saves_a_second": round(len(tally.acknowledged) / min(took, seconds), 1),
        "p50_ms": round(1000 * quantiles[49], 1), "p95_ms": round(1000 * quantiles[94], 1),
        "p99_ms": round(1000 * quantiles[98], 1),
        "server_cpu_ms_a_save": round(1000 * (used.ru_utime + used.ru_stime) / len(tally.acknowledged), 2),
        "kills": kills, "restarts": restarts, "lost": lost,
        "doubled": sum(count - 1 for count in there.values()),
        "unacknowledged": sum(len(person.outbox) for person in people), "refused": tally.refused,
        "faults": dict(tally.faults),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--annotators", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between saves of one; 0: as fast as it goes")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cluster = None
        if given.database == "postgresql":
            sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
            from postgresql import Cluster

            cluster = Cluster()
        try:
            store = cluster.database("load") if cluster else str(Path(folder) / "load.db")
            tokens = fill(store, given.annotators)
            figures = asyncio.run(load(store, tokens, given.every, given.seconds, given.kills))
        finally:
            if cluster:
                cluster.close()
    print(json.dumps({"database": given.database, **figures}))


if __name__ == "__main__":
    main()
