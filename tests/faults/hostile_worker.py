"""A process that gives hostile inputs to our commands, one after the other, and says what came of each.

    python hostile_worker.py FOLDER    reads the number of an input a line, answers {"begin": n} and {"end": n, ...}

Commands run in this process as `in2x` would, so that what a user would see as a traceback is seen as one. What an input
takes is bounded from outside as well: at SECONDS of processor, or ADDRESSES more of memory, the process ends.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hostile_input import Command, Input
from hostile_rooms import inputs
from hostile_texts import CANARY

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SECONDS = 60
"""Processor seconds that one input may take."""
GROWTH = 2 << 30
"""Bytes by which one input may make the process grow."""
METHODS = ("GET", "POST")
ADDRESSES = 6 << 30
"""Bytes of address space beyond what the process has at first: what asks for more fails at once."""


class Desk:
    """What inputs need beside their files: a scripted model, a small model, two servers; each is made when needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._model = ""
        self._urls: dict[str, str] = {}
        self._token = ""

    @property
    def model(self) -> str:
        """The address of a scripted model, which answers in the wrong language, too long, or with tags of its own."""
        if not self._model:
            from chat_server import ChatServer, source_of

            def reply(body: dict[str, Any]) -> str:
                text = source_of(body)
                return ["訳", text[:200], "猫は⟦9⟧眠る <b>", "[[1]] \ud800 {0} ]]> --> \n\n", "訳" + text[:50]][
                    len(text) % 5
                ]

            server = ChatServer(reply)
            server.__enter__()
            self._model = server.url
        return self._model

    def tiny(self, to: Path, over: Path) -> None:
        """Lay down the small model with the input's own files over it."""
        source = self.folder / "tiny"
        if not source.exists():
            small_model(source)
        shutil.copytree(source, to)
        for file in over.iterdir() if over.exists() else ():
            name = file.name
            if name.startswith("-"):
                (to / name[1:]).unlink(missing_ok=True)
            elif name.endswith("+"):
                old = json.loads((to / name[:-1]).read_text())
                (to / name[:-1]).write_text(json.dumps(old | json.loads(file.read_text())))
            else:
                shutil.copy(file, to / name)

    def url(self, which: str) -> str:
        """The address of one of our servers, in this process."""
        if which not in self._urls:
            self._urls[which] = self._serve() if which == "serve" else self._people()
        return self._urls[which]

    def headers(self, which: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if which == "people" else {}

    def _serve(self) -> str:
        from in2x.serve.access import Access
        from in2x.serve.config import Config
        from serve_running import Running, scripted

        engine, _ = scripted()
        running = Running(engine, Config(access=Access((), 1e9, 1e9), target_lang="ja", data=self.folder / "serve"))
        return running.__enter__().url

    def _people(self) -> str:
        import socket

        import uvicorn

        from in2x.people.roster import Roster
        from in2x.people.server import application
        from in2x.people.store import Store
        from people_campaign import ASSIGNMENTS, campaign

        store = Store.open(str(self.folder / "people.db"), create=True)
        store.add_campaign(campaign(), ASSIGNMENTS)
        self._token = Roster(store).invite("demo", "ann")
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application(store), log_level="critical"))
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
        while not server.started:
            time.sleep(0.02)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def small_model(folder: Path) -> None:
    """A model folder with random weights."""
    from in2x.chat.profile import PromptProfile
    from in2x.training.model import ShapeConfig, build_model, save_model
    from in2x.training.tokenizer import train_tokenizer

    profile = PromptProfile(languages=("en", "ja"))
    tokenizer = train_tokenizer(
        [*["The cat sleeps in the garden.", "猫は庭で眠る。"] * 4, *profile.templates.values()], 300
    )
    shape = ShapeConfig(width=16, layers=1, heads=2, kv_heads=1, mlp=32, vocabulary=300, context=128)
    save_model(build_model(shape, tokenizer, seed=1), tokenizer, folder)
    profile.save(folder)


def main() -> None:
    """Work through what is asked for."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    everything, desk = inputs(), Desk(folder)
    import torch

    import in2x.cli  # noqa: F401

    torch.set_num_threads(1)
    limit = _status("VmSize") + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    told = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        number = int(line)
        print(json.dumps({"begin": number}), file=told, flush=True)
        print(json.dumps({"end": number, **tried(everything[number], desk, folder / "work")}), file=told, flush=True)


def tried(one: Input, desk: Desk, work: Path) -> dict[str, Any]:
    """What came of an input: "sentence", "sane" or "fault", why, seconds and bytes."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = one.files()
    over = work / "over"
    for name, raw in files.items():
        file = over / name[2:] if name.startswith("m/") else work / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(raw)
    del files
    os.chdir(work)
    for command in one.commands:  # what they need is made before anything is measured
        if command[1] in METHODS:
            desk.url(command[0])
        elif command[0] == "tiny":
            desk.tiny(work / command[1], over)
        elif "MODEL" in command:
            _ = desk.model
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before, began = _status("VmRSS"), time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(began) + 2 * SECONDS + 5, resource.RLIM_INFINITY))
    came, why = "sane", ""
    for command in one.commands:
        if command[0] == "tiny":
            continue
        now, reason = answered(command, desk, work)
        if now == "fault" or (now == "sentence" and came == "sane"):
            came, why = now, reason
        if now != "sane":
            break
    seconds, grown = time.process_time() - began, max(0, _status("VmHWM") - before)
    if came != "fault" and seconds > SECONDS:
        came, why = "fault", f"it took {seconds:.0f} s"
    if came != "fault" and grown > GROWTH:
        came, why = "fault", f"it took {grown >> 20} MiB"
    os.chdir(work.parent)
    if [
        *work.rglob(CANARY),
        *(place / CANARY for place in (work.parent, Path.home(), Path("/tmp")) if (place / CANARY).exists()),
    ]:
        came, why = "fault", "something in it was executed"
    return {"came": came, "why": why[:600], "seconds": round(seconds, 2), "grown": grown}


def _status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    with open("/proc/self/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) << 10 for line in stream if line.startswith(f"{name}:"))


def answered(command: Command, desk: Desk, work: Path) -> tuple[str, str]:
    """What came of one command, and what was said."""
    if command[1] in METHODS:
        return asked(desk, command, work)
    with said(work) as log:
        try:
            code = read(work / command[1]) if command[0] == "read" else typed(command, desk)
        except BaseException as error:
            traceback.print_exc()
            return "fault", f"{type(error).__name__}: {str(error)[:200]} {_where(error)}"
    told = log.read_text(errors="replace")
    if "Traceback (most recent call last)" in told:
        return "fault", "a traceback was shown: " + told[told.index("Traceback") :][-300:]
    if code in (0, 3):
        return "sane", ""
    last = next((line for line in reversed(told.splitlines()) if line.strip()), "")
    if code not in (1, 2) or not any(line.startswith("in2x: ") for line in told.splitlines()):
        return "fault", f"code {code}, and no sentence: {last[:200]}"
    if len(told) > 20_000:
        return "fault", f"a sentence of {len(told):,} characters"
    return "sentence", last


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "in2x" in f.filename]
    return " < ".join(ours[-3:][::-1])


@contextmanager
def said(work: Path) -> Iterator[Path]:
    """Everything that is written to stdout and stderr goes into a file."""
    log = work.parent / "said.log"
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.dup2(file, 1)
        os.dup2(file, 2)
        yield log
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        for number, old in enumerate(kept, 1):
            os.dup2(old, number)
            os.close(old)
        os.close(file)


def typed(command: Command, desk: Desk) -> int:
    """The command as somebody types it."""
    from in2x.cli import main

    return main([desk.model if word == "MODEL" else word for word in command])


def read(file: Path) -> int:
    """Raw text as the corpus reads and cleans it; 1 with a sentence where the reader has one for the whole file."""
    from in2x.corpus.clean import clean, rules
    from in2x.corpus.read import Limits, find_files, plan, read_split
    from in2x.errors import In2xError
    from in2x.language.identify import identify_lines

    try:
        files = find_files([str(file)], file.parent)
        order = rules("keep")
        for split in plan(files, 1 << 20):
            for row in read_split(split, Limits(8 << 20, 100_000)):
                if row["text"]:
                    cleaned, _ = clean(row["text"], order)
                    identify_lines([cleaned])
                else:
                    print("in2x:", row["fault"])
    except In2xError as error:
        print("in2x:", error)
        return error.code
    return 0


def asked(desk: Desk, command: Command, work: Path) -> tuple[str, str]:
    """What a server says to one request."""
    import httpx

    which, method, path, kind = command
    body = (work / "body").read_bytes() if (work / "body").exists() else b""
    with said(work) as log, httpx.Client(timeout=120) as client:
        url = httpx.URL(desk.url(which)).copy_with(raw_path=f"/{path}".encode())
        try:
            response = client.request(method, url, content=body, headers={"Content-Type": kind, **desk.headers(which)})
        except httpx.HTTPError as error:
            return "fault", f"no answer: {error!r}"
    told = response.text
    if response.status_code >= 500 or "Traceback" in told or "Traceback (most" in log.read_text(errors="replace"):
        return "fault", f"{response.status_code} {told[:150]} {log.read_text(errors='replace')[-300:]}"
    if response.status_code >= 400 and len(told) > 20_000:
        return "fault", f"an answer of {len(told):,} characters"
    return ("sentence" if response.status_code >= 400 else "sane"), f"{response.status_code} {told[:100]}"


if __name__ == "__main__":
    main()
