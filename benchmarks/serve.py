"""How many requests a second does `in2x serve` answer with 64 clients, beside a plain FastAPI server of the same model?

    python benchmarks/serve.py --model runs/demo/model                       two minutes each way
    python benchmarks/serve.py --model runs/demo/model --clients 16 --seconds 20
    python benchmarks/serve.py --model runs/demo/model --clients 8 --flood      eight beside one with 5,000 lines

The peer is the server of a tutorial: FastAPI, a plain function as handler, transformers' text-generation pipeline, one
request one call, greedy, as many new tokens as ours may say. It checks nothing; ours runs as it is served (checks and
repair) and with `--checks off`. All speak HTTP to clients in this process, which ask sentences of the micro-world one
after the other, each another one. A server has one thread for torch. Its memory is the largest it had. On a machine
that others use, the CPU time of a request says more than the clock. A server that dies is told of, with its signal;
what it was doing then stands on the terminal (faulthandler).

With `--flood` the clients ask a sentence, think for up to a second, and ask again; first alone, then beside a client
that sends 5,000 lines at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import httpx
from small_model import machine

from in2x.sample import world

ENV = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
WAYS = ("peer", "in2x", "in2x, checks off")


def peer(model: str, port: int) -> None:
    """Serve `model` as a tutorial would."""
    import torch
    import uvicorn
    from fastapi import FastAPI
    from transformers import pipeline

    from in2x.chat.known import profile_of
    from in2x.chat.source import Source

    torch.set_num_threads(1)
    profile = profile_of(model)
    pipe = pipeline("text-generation", model=model, device=-1, dtype=torch.float32)
    app = FastAPI()

    @app.get("/ready")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/translate")
    def translate(ask: dict[str, str]) -> dict[str, str]:
        messages = profile.messages(Source(ask["q"], ask["source"], ask["target"]))
        room = 3 * len(pipe.tokenizer.encode(ask["q"], add_special_tokens=False)) + 32
        said = pipe(messages, max_new_tokens=room, max_length=None, do_sample=False, return_full_text=False)
        return {"translatedText": said[0]["generated_text"]}

    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="error")


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server is ready."""
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"the server ended with {process.returncode} before it was ready")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def command(way: str, model: str, port: int) -> list[str]:
    if way == "peer":
        return [sys.executable, __file__, "--model", model, "--peer", str(port)]
    checks = ["--checks", "off"] if way.endswith("off") else []
    return [sys.executable, "-m", "in2x", "serve", "--model", model, "--port", str(port), "--rate", "100000",
            *checks]  # fmt: skip


def memory(pid: int) -> float:
    """MB of the largest that a process was."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/{pid}/status says nothing of memory")


def cpu(pid: int) -> float:
    """CPU seconds of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    flooded: int = 0


async def client(number: int, way: str, url: str, until: float, texts: list[str], tally: Tally) -> None:
    rng = random.Random(number)
    async with httpx.AsyncClient(base_url=url, timeout=300) as http:
        while time.monotonic() < until:
            text = rng.choice(texts)
            if way == "peer":
                path, body = "/translate", {"q": text, "source": "en", "target": "ja"}
            else:
                path, body = "/pages", {"texts": [text], "from": "en", "to": "ja"}
            began = time.monotonic()
            try:
                answer = await http.post(path, json=body)
            except httpx.TransportError as error:
                tally.codes[type(error).__name__] += 1
                continue
            tally.codes[str(answer.status_code)] += 1
            if answer.status_code == 200:
                tally.seconds.append(time.monotonic() - began)


async def thinking(number: int, url: str, until: float, texts: list[str], tally: Tally) -> None:
    """A person: asks, reads, asks again."""
    rng = random.Random(number)
    async with httpx.AsyncClient(
        base_url=url, timeout=300, headers=[("Authorization", f"Bearer {token(number)}")]
    ) as http:
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await http.post("/pages", json={"texts": [rng.choice(texts)], "from": "en", "to": "ja"})
            tally.codes[str(answer.status_code)] += 1
            tally.seconds.append(time.monotonic() - began)
            await asyncio.sleep(rng.uniform(0, 1))


async def beside(url: str, clients: int, seconds: float, texts: list[str], lines: int) -> Tally:
    """What clients saw, beside one that asks for so many lines as long as they ask."""
    tally, rng = Tally(), random.Random(0)
    until = time.monotonic() + seconds

    async def flood() -> None:
        body = {
            "messages": [{"role": "user", "content": "\n".join(rng.choices(texts, k=lines))}], "stream": True,
            "translation_options": {"source_lang": "en", "target_lang": "ja"},
        }  # fmt: skip
        headers = [("Authorization", f"Bearer {token(-1)}")]
        async with httpx.AsyncClient(base_url=url, timeout=300, headers=headers) as http:
            while True:
                async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
                    answer.raise_for_status()
                    async for line in answer.aiter_lines():
                        tally.flooded += '"content"' in line

    task = asyncio.create_task(flood()) if lines else None
    await asyncio.gather(*(thinking(n, url, until, texts, tally) for n in range(clients)))
    if task:
        if task.done():  # refused, or the server is gone
            await task
        task.cancel()
        await asyncio.wait([task])
    return tally


def token(number: int) -> str:
    """A client's: the server tells clients apart by it."""
    return f"a-token-of-client-{number:04d}"


def flooded(model: str, clients: int, seconds: float, texts: list[str]) -> None:
    """p95 of clients alone, and beside one with 5,000 lines."""
    port = free_port()
    env = {**ENV, "IN2X_SERVE_TOKENS": " ".join(token(n) for n in range(-1, clients))}
    lots = [*command("in2x", model, port), "--waiting", "2000000", "--deadline", "3600"]
    with subprocess.Popen(lots, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process)
            asyncio.run(beside(url, clients, 5, texts, 0))  # warm
            print(
                f"{clients} clients, {seconds:g} s each way\n\n"
                f"| | p50 s | p95 s | answers | lines of the one |\n{'|---' * 5}|"
            )
            found = []
            for name, lines in (("alone", 0), ("beside 5,000 lines", 5000), ("alone", 0), ("beside 5,000 lines", 5000)):
                tally = asyncio.run(beside(url, clients, seconds, texts, lines))
                cuts = statistics.quantiles(tally.seconds, n=20)
                found.append(cuts[-1])
                print(
                    f"| {name} | {cuts[9]:.2f} | {cuts[-1]:.2f} | {dict(tally.codes)} | {tally.flooded} |", flush=True
                )
            print(f"\np95 beside / alone: {found[1] / found[0]:.2f} and {found[3] / found[2]:.2f}")
        finally:
            process.terminate()


async def load(way: str, url: str, clients: int, seconds: float, texts: list[str]) -> tuple[Tally, float]:
    tally = Tally()
    began = time.monotonic()
    await asyncio.gather(*(client(n, way, url, began + seconds, texts, tally) for n in range(clients)))
    return tally, time.monotonic() - began


def measure(way: str, model: str, clients: int, seconds: float, texts: list[str]) -> tuple[float, float, float, float]:
    """Requests a second, p99, growth of memory, CPU seconds a request; and a line of the table."""
    port = free_port()
    with subprocess.Popen(command(way, model, port), env=ENV, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process)
            asyncio.run(load(way, url, clients, 8, texts))  # warm
            before, spent = memory(process.pid), cpu(process.pid)
            tally, took = asyncio.run(load(way, url, clients, seconds, texts))
            if process.poll() is not None:
                raise SystemExit(f"{way} died with {process.returncode} after {len(tally.seconds)} answers")
            after, spent = memory(process.pid), cpu(process.pid) - spent
        finally:
            process.terminate()
    if len(tally.seconds) < 2:
        raise SystemExit(f"{way} gave no answers: {dict(tally.codes)}")
    cuts = statistics.quantiles(tally.seconds, n=100)
    rate = len(tally.seconds) / took
    each = spent / len(tally.seconds)
    errors = {code: count for code, count in tally.codes.items() if code != "200"}
    print(f"| {way} | {rate:.1f} | {each * 1e3:.1f} | {cuts[49]:.2f} | {cuts[94]:.2f} | {cuts[98]:.2f} | "
        f"{before:.0f} -> {after:.0f} | "
          f"{errors or 'none'} |", flush=True)  # fmt: skip
    return rate, cuts[98], after / before - 1, each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--flood", action="store_true", help="beside one client with 5,000 lines, instead")
    parser.add_argument("--peer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer(options.model, options.peer)
        return
    drawn = (item.en for item in islice(world.items(7), 3000))
    texts = [text for text in drawn if "\n" not in text]
    print(machine(), flush=True)
    if options.flood:
        flooded(options.model, options.clients, options.seconds, texts)
        return
    print(f"{options.clients} clients, {options.seconds:g} s each way\n")
    print(f"| server | requests/s | CPU ms each | p50 s | p95 s | p99 s | MB, warm -> end | errors |\n{'|---' * 8}|")
    found = {way: measure(way, options.model, options.clients, options.seconds, texts) for way in WAYS}
    base = found["peer"]
    for way in WAYS[1:]:
        rate, p99, grown, each = found[way]
        print(f"\n{way}: {rate / base[0]:.1f} x the peer's requests a second, p99 {p99 / base[1]:.2f} x, "
              f"CPU a request {each / base[3]:.2f} x, "
              f"memory {grown:+.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
