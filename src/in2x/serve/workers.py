"""Several processes behind one address: each loads the model and listens; the system shares connections out among them.

The first process holds the port (SO_REUSEPORT) and starts the others anew when they die; it answers nothing and loads
nothing. What clients leave is in the one folder; equal requests join, and limits count, within a process. When it is
told to end, so are they; when it is killed, they see that it is gone and end too.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from pathlib import Path

from in2x.errors import In2xError
from in2x.serve.config import Config
from in2x.serve.loading import Loading
from in2x.serve.metrics import Workers
from in2x.serve.resources import Resources
from in2x.serve.server import GRACE, address, listener, serve

PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until a worker that died is started again; twice as long each time that it dies soon (our choice)."""
SOON = 60.0
"""Seconds of life up to which a death is soon (our choice)."""
UP = b"up"


@dataclass(slots=True)
class _Worker:
    """A place for a process."""

    number: int
    process: SpawnProcess | None = None
    told: connection.Connection | None = None
    """Where the process says that it is up."""
    born: float = 0.0
    pause: float = 0.0
    """Seconds before it is started again."""


def serve_with_workers(loading: Loading, config: Config, host: str, port: int, count: int) -> None:
    """Serve with `count` processes until interrupted or told to end (SIGTERM): then each finishes what it took.

    Args:
        loading: the model, which each process loads.
        config: the settings.
        host: where to listen.
        port: 0 takes a free one.
        count: processes.

    Raises:
        In2xError: the address cannot be had, or the first process could not load the model (it has said why).
    """
    with ExitStack() as stack:
        listener(host, port).close()  # a port that is shared would not say that another server has it
        place = stack.enter_context(listener(host, port, shared=True))
        port = place.getsockname()[1]
        spare = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="in2x-serve-")))
        config = replace(config, data=config.data or spare, workers=Workers(0, spare))
        Resources(config.data or spare).close()  # laid out once, before several open it
        house = _House(loading, config, host, port)
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(number, house.end)
            stack.callback(signal.signal, number, before)
        house.run(count, address(place))


class _House:
    """The processes, and whoever watches over them."""

    def __init__(self, loading: Loading, config: Config, host: str, port: int) -> None:
        self.loading, self.config, self.host, self.port = loading, config, host, port
        self.ending = False
        self._context = get_context("spawn")  # a process that has loaded a model must never be forked

    def end(self, *_: object) -> None:
        """Handler of signals."""
        self.ending = True

    def run(self, count: int, url: str) -> None:
        """Start them, and start anew what dies, until told to end."""
        workers = [_Worker(number) for number in range(count)]
        threads = os.environ.get("OMP_NUM_THREADS")
        if threads is None:  # each would else take every core
            os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // count))
        try:
            self._first(workers[0])
            if not self.ending:
                print(url, flush=True)
            while not self.ending:
                for worker in workers:
                    self._look_after(worker)
                alive = [worker.process.sentinel for worker in workers if worker.process]
                connection.wait(alive, timeout=0.2)
        finally:
            if threads is None:
                del os.environ["OMP_NUM_THREADS"]
            _stop([worker.process for worker in workers if worker.process])

    def _first(self, worker: _Worker) -> None:
        """Start one and wait until it listens: what is wrong with the model is said once."""
        self._start(worker)
        assert worker.process is not None and worker.told is not None
        while not self.ending:
            if worker.told.poll(0.1):
                try:
                    worker.told.recv_bytes()
                except EOFError:
                    worker.process.join()
                    raise In2xError("the first process could not serve", mend="see above") from None
                return

    def _look_after(self, worker: _Worker) -> None:
        if worker.process is None:
            if time.monotonic() >= worker.born + worker.pause:
                self._start(worker)
        elif not worker.process.is_alive():
            code, lived = worker.process.exitcode, time.monotonic() - worker.born
            worker.pause = min(LONGEST_PAUSE, 2 * worker.pause) if worker.pause and lived < SOON else PAUSE
            worker.process, worker.born = None, time.monotonic()
            print(
                f"in2x: process {worker.number} ended ({_how(code)}); it is started again", file=sys.stderr, flush=True
            )

    def _start(self, worker: _Worker) -> None:
        worker.told, told = self._context.Pipe(duplex=False)
        config = replace(self.config, workers=replace(self.config.workers, number=worker.number))  # type: ignore[type-var]
        worker.process = self._context.Process(
            target=work, args=(self.loading, config, self.host, self.port, told), name=f"in2x {worker.number}"
        )
        worker.process.start()
        worker.born = time.monotonic()
        told.close()  # the process has its own end: with it dies the pipe


def work(loading: Loading, config: Config, host: str, port: int, told: connection.Connection) -> None:
    """A process: load the model, listen beside the others. `told` is sent `UP` when it does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        engine = loading.engine()
        where = listener(host, port, shared=True)
        told.send_bytes(UP)
        serve(engine, config, where, announced=True)
    except In2xError as error:
        print(f"in2x: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(processes: Sequence[SpawnProcess]) -> None:
    for process in processes:
        process.terminate()
    until = time.monotonic() + GRACE + 10
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"exit {code}"
    return signal.Signals(-code).name
