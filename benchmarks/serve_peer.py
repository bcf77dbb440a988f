"""How many requests a second does `in2x serve` answer with 64 clients, beside LibreTranslate with as large a model?

    python3.12 -m venv LT && LT/bin/pip install libretranslate==1.9.6 gunicorn spacy "rich<13"
    LT/bin/python -c "import spacy; spacy.blank('en').to_disk('sentences')"
    python benchmarks/serve_peer_model.py train.jsonl.gz en_ja.argosmodel --spacy sentences
    in2x export MODEL --to ct2 --int8 -o ct2
    python benchmarks/serve_peer.py --model ct2 --package en_ja.argosmodel --peer LT --pairs train.jsonl.gz \\
        --test test.jsonl
    python benchmarks/serve_peer.py --model ct2 --pairs train.jsonl.gz --ours

Two minutes each way, twice, in turn. All ways get the same requests, those of LibreTranslate's clients (`POST
/translate`, JSON), over connections that stay open: the `en` sides of `--pairs`, each once, in one order, so that no
cache can have an answer (LibreTranslate's translation cache is off as it comes; ours joins equal requests that are in
flight, and keeps nothing). A server is started anew for each way, warmed for 10 s with other sentences, and shares the
machine with the clients, which are lean: one process without a library of HTTP.

LibreTranslate runs as it comes (waitress, four threads, beam search with four beams), and in the best of the settings
that `--settings` tries: gunicorn with a process a core, one thread of CTranslate2 each, greedy as ours is. Sentences
end where spaCy's rules say, for MiniSBD's model is not on PyPI; rules cost less than that model.

Told of each way: requests a second, milliseconds of a request, CPU of the server a request, answers by status, memory
of all its processes when warm and at the end (its own, and pages of files), characters of an answer, and BLEU of
`--test` on the corpus's own tokens. With `--ours` only our own server is measured, once.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import itertools
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import sacrebleu
from small_model import machine

WSGI = "import sys\nsys.argv = ['--wsgi']\nfrom libretranslate import main\napp = main()\n"
"""As in LibreTranslate's own `wsgi.py`."""


@dataclass(frozen=True)
class Way:
    """A server as it is started."""

    name: str
    processes: int = 1
    """Of LibreTranslate, gunicorn's where `threads` is not 0; of ours, `--workers`."""
    threads: int = 0
    env: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it is `in2x serve`."""
        return self.name.startswith("in2x")


OURS = Way("in2x")
PLAIN = Way("LibreTranslate, as it comes")
GREEDY = (("ARGOS_BEAM_SIZE", "1"),)
ONE = (*GREEDY, ("ARGOS_INTRA_THREADS", "1"))
BEST = Way("LibreTranslate, greedy, 2 processes of 4 threads", 2, 4, ONE)
SETTINGS = (
    PLAIN,
    Way("LibreTranslate, greedy", env=GREEDY),
    Way("LibreTranslate, greedy, 16 threads", env=ONE, options=("--threads", "16")),
    Way("LibreTranslate, greedy, 64 threads, 2 of CTranslate2", env=(*ONE, ("ARGOS_INTER_THREADS", "2")),
        options=("--threads", "64")),
    BEST,
    Way("LibreTranslate, greedy, 2 processes of 32 threads", 2, 32, ONE),
    Way("LibreTranslate, greedy, 4 processes of 8 threads", 4, 8, ONE),
)  # fmt: skip


def installed(package: Path, home: Path) -> None:
    """Put a package where LibreTranslate looks.

    With one alone it would look for others in the network, and wait: so the other direction is there too, and never
    asked.
    """
    packages = home / "argos-translate" / "packages"
    packages.mkdir(parents=True)
    for name, (source, target) in {"en_ja": ("en", "ja"), "ja_en": ("ja", "en")}.items():
        with zipfile.ZipFile(package) as whole:
            whole.extractall(home / "x")
        shutil.move(home / "x" / "en_ja", packages / name)
        about = {"package_version": "1.0", "argos_version": "1.9", "from_code": source, "from_name": source,
                 "to_code": target, "to_name": target}  # fmt: skip
        (packages / name / "metadata.json").write_text(json.dumps(about), encoding="utf-8")
    (home / "argos-translate" / "spacy" / "senter" / "model").mkdir(parents=True)  # else spaCy's model is fetched


def command(way: Way, options: argparse.Namespace, home: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a server."""
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    if way.ours:
        workers = ["--workers", str(way.processes)] if way.processes > 1 else []
        return [sys.executable, "-m", "in2x", "serve", "--model", options.model, "--port", str(port), "--from", "en",
                "--to", "ja", "--rate", "100000", *workers, *way.options], env  # fmt: skip
    env |= {"XDG_DATA_HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home),
            "ARGOS_CHUNK_TYPE": "SPACY", **dict(way.env)}  # fmt: skip
    env.pop("PYTHONPATH", None)
    binaries = options.peer / "bin"
    if way.threads:
        (home / "lt_wsgi.py").write_text(WSGI, encoding="utf-8")
        return [str(binaries / "gunicorn"), "--chdir", str(home), "--workers", str(way.processes), "--threads",
                str(way.threads), "--bind", f"127.0.0.1:{port}", "--timeout", "300", "--log-level", "error",
                "lt_wsgi:app"], env  # fmt: skip
    return [str(binaries / "libretranslate"), "--port", str(port), *way.options], env


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, task.read_text(encoding="utf-8").split())
    return found


@dataclass(frozen=True)
class Memory:
    """MB of a process and all below it; what they share counts once."""

    own: float
    """What nobody else can have."""
    whole: float
    """With pages of files that were looked at (programs, dictionaries): the system takes them back when it needs to."""


def memory(pid: int) -> Memory:
    """What a process and all below it have. Of files that of the one with most: the others map the same ones."""
    own, files = 0.0, 0.0
    for one in family(pid):
        rows = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
        found = {name: int(rest.split()[0]) / 1024 for name, _, rest in (row.partition(":") for row in rows)}
        own += found["Pss"] - found["Pss_File"]
        files = max(files, found["Rss"] - found["Anonymous"])
    return Memory(own, own + files)


def cpu(pid: int) -> float:
    """CPU seconds of a process and all below it."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> tuple[int, str]:
    """Status and translation, by HTTP/1.1."""
    body = json.dumps({"q": text, "source": "en", "target": "ja"}).encode()
    head = (
        f"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + body)
    told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "transfer-encoding: chunked" in told:
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        answer = b"".join(parts)
    else:
        answer = await reader.readexactly(int(told.partition("content-length:")[2].split()[0]))
    status = int(told.split()[1])
    return status, json.loads(answer)["translatedText"] if status == 200 else ""


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    characters: int = 0


async def client(port: int, until: float, texts: Iterator[str], tally: Tally, said: dict[str, str] | None) -> None:
    while time.monotonic() < until:
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while time.monotonic() < until:
                if (text := next(texts, None)) is None:
                    return
                began = time.monotonic()
                status, answer = await ask(reader, writer, text)
                tally.codes[str(status)] += 1
                if status == 200:
                    tally.seconds.append(time.monotonic() - began)
                    tally.characters += len(answer)
                if said is not None:
                    said[text] = answer
        except (OSError, asyncio.IncompleteReadError) as error:
            tally.codes[type(error).__name__] += 1
            await asyncio.sleep(0.05)
        finally:
            if writer:
                writer.close()


async def load(
    port: int, clients: int, seconds: float, texts: Iterator[str], said: dict[str, str] | None = None
) -> tuple[Tally, float]:
    """What so many clients saw in so many seconds, and how long it was until the last had its answer."""
    tally, began = Tally(), time.monotonic()
    await asyncio.gather(*(client(port, began + seconds, texts, tally, said) for _ in range(clients)))
    return tally, time.monotonic() - began


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server translates."""
    body = json.dumps({"q": "one .", "source": "en", "target": "ja"}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/translate", body, {"Content-Type": "application/json"}
    )  # fmt: skip
    while process.poll() is None:
        try:
            urllib.request.urlopen(asked, timeout=60).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"a server ended with {process.returncode} before it was ready")


@dataclass(frozen=True)
class Texts:
    """What is asked."""

    asked: list[str]
    """Of the measurement, each once a way."""
    warm: list[str]
    """Of the time before."""
    test: list[tuple[str, str]]
    """Sentences and their translations, for BLEU."""


def measure(way: Way, options: argparse.Namespace, texts: Texts) -> tuple[float, float]:
    """Requests a second, p99; prints a line of the table."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="serve-peer-") as folder:
        home = Path(folder)
        if not way.ours:
            installed(options.package, home)
        line, env = command(way, options, home, port)
        with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                wait_for(port, process)
                said: dict[str, str] = {}
                asyncio.run(load(port, options.clients, 600, iter([source for source, _ in texts.test]), said))
                asyncio.run(load(port, options.clients, options.warm, itertools.cycle(texts.warm)))
                before, spent = memory(process.pid), cpu(process.pid)
                tally, took = asyncio.run(load(port, options.clients, options.seconds, itertools.cycle(texts.asked)))
                after, spent = memory(process.pid), cpu(process.pid) - spent
            finally:
                os.killpg(process.pid, signal.SIGTERM)
    count = len(tally.seconds)
    if count < 100:
        raise SystemExit(f"{way.name} gave {count} answers: {dict(tally.codes)}")
    cuts = statistics.quantiles(tally.seconds, n=100)
    errors = {code: number for code, number in tally.codes.items() if code != "200"}
    bleu = "-"
    if texts.test:
        answers, wanted = [said[source] for source, _ in texts.test], [target for _, target in texts.test]
        bleu = f"{sacrebleu.corpus_bleu(answers, [wanted], tokenize='none').score:.1f}"
    twice = " (some twice)" if sum(tally.codes.values()) > len(texts.asked) else ""
    grown = [
        f"{a:.0f} to {b:.0f} ({b / a - 1:+.1%})" for a, b in ((before.own, after.own), (before.whole, after.whole))
    ]
    print(f"| {way.name} | {count / took:.1f} | {cuts[49] * 1e3:.0f} | {cuts[94] * 1e3:.0f} | {cuts[98] * 1e3:.0f} | "
          f"{spent / count * 1e3:.2f} | {count}{twice} | {errors or 'none'} | {' | '.join(grown)} | "
          f"{tally.characters / count:.1f} | {bleu} |", flush=True)  # fmt: skip
    return count / took, cuts[98]


def rows(path: Path) -> list[dict[str, str]]:
    """The objects of a file of JSON Lines."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder, as of `in2x serve`")
    parser.add_argument("--package", type=Path, help="an .argosmodel, en to ja")
    parser.add_argument("--peer", type=Path, help="the virtual environment of LibreTranslate")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--warm", type=float, default=10, help="seconds before")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="of ours")
    parser.add_argument("--settings", action="store_true", help="try settings of LibreTranslate, instead, once each")
    parser.add_argument("--ours", action="store_true", help="only our own server, once")
    options = parser.parse_args()
    if not options.ours and not (options.package and options.peer):
        parser.error("give --package and --peer, or --ours")
    sentences = list(dict.fromkeys(row["en"] for row in rows(options.pairs)))
    tests = [(row["en"], row["ja"]) for row in rows(options.test)] if options.test else []
    texts = Texts(sentences[2000:], sentences[:2000], list(dict(tests).items()))
    print(f"{options.clients} clients, {options.seconds:g} s each way, {len(texts.asked)} different sentences of "
          f"{statistics.mean(map(len, texts.asked)):.0f} characters; {machine('ctranslate2')}\n")  # fmt: skip
    print("| server | requests/s | p50 ms | p95 ms | p99 ms | CPU ms each | answers | errors | MB of its own, warm to "
          f"end | MB with files | characters an answer | BLEU |\n{'|---' * 12}|", flush=True)  # fmt: skip
    ours = Way(OURS.name, options.workers)
    ways = SETTINGS if options.settings else (ours,) if options.ours else (ours, BEST, PLAIN) * options.rounds
    found: dict[str, list[tuple[float, float]]] = {}
    for way in ways:
        found.setdefault(way.name, []).append(measure(way, options, texts))
    if options.settings or options.ours:
        return
    mine = found[ours.name]
    print()
    for other in (BEST, PLAIN):
        told = [
            f"{a[0] / b[0]:.2f} times its requests a second, p99 {a[1] / b[1]:.2f} of its"
            for a, b in zip(mine, found[other.name], strict=True)
        ]
        print(f"in2x beside {other.name}: {'; '.join(told)}")


if __name__ == "__main__":
    main()
