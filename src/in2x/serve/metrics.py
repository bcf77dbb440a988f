"""What is counted, as text for Prometheus: base units, `_total`, and in labels nothing that a client sent."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from in2x.serve.store import write_beside

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
SIZES = (1, 2, 4, 8, 16, 32, 64)

Labels = tuple[tuple[str, str], ...]


def _shown(labels: Labels, more: str = "") -> str:
    parts = [f'{name}="{value}"' for name, value in labels] + ([more] if more else [])
    return "{" + ",".join(parts) + "}" if parts else ""


class Counter:
    """Only grows."""

    kind = "counter"

    def __init__(self, name: str, help: str) -> None:
        self.name, self.help = name, help
        self._lock = threading.Lock()
        self._values: dict[Labels, float] = {}

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count; the values of labels are words of ours."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def value(self, **labels: str) -> float:
        """What was counted under these labels."""
        return self._values.get(tuple(sorted(labels.items())), 0)

    def lines(self) -> Iterator[str]:
        """As text."""
        with self._lock:
            values = dict(self._values)
        for labels, value in values.items() or [((), 0.0)]:
            yield f"{self.name}{_shown(labels)} {value:g}"


class Gauge:
    """A value of this moment, which `read` tells."""

    kind = "gauge"

    def __init__(self, name: str, help: str) -> None:
        self.name, self.help = name, help
        self.read: Callable[[], float] = lambda: 0

    def lines(self) -> Iterator[str]:
        """As text."""
        yield f"{self.name} {self.read():g}"


class Histogram:
    """How values are spread."""

    kind = "histogram"

    def __init__(self, name: str, help: str, bounds: Sequence[float]) -> None:
        self.name, self.help, self.bounds = name, help, tuple(bounds)
        self._lock = threading.Lock()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Count a value."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            counts = self._counts.setdefault(key, [0] * (len(self.bounds) + 1))
            counts[bisect_left(self.bounds, value)] += 1
            self._sums[key] = self._sums.get(key, 0.0) + value

    def lines(self) -> Iterator[str]:
        """As text."""
        with self._lock:
            counts = {labels: list(row) for labels, row in self._counts.items()}
            sums = dict(self._sums)
        for labels, row in counts.items():
            total = 0
            for bound, count in zip([*(f"{b:g}" for b in self.bounds), "+Inf"], row, strict=True):
                total += count
                below = f'le="{bound}"'
                yield f"{self.name}_bucket{_shown(labels, below)} {total}"
            yield f"{self.name}_sum{_shown(labels)} {sums[labels]:g}"
            yield f"{self.name}_count{_shown(labels)} {total}"


class Metrics:
    """Everything that is counted."""

    def __init__(self) -> None:
        self.requests = Counter("in2x_http_requests_total", "Requests by route and status.")
        self.duration = Histogram(
            "in2x_http_request_duration_seconds", "From request to the end of its answer.", SECONDS
        )
        self.queue_depth = Gauge("in2x_queue_depth", "Texts in flight.")
        self.queue_characters = Gauge("in2x_queue_characters", "Characters that wait.")
        self.queue_wait = Histogram("in2x_queue_wait_seconds", "From request to the model.", SECONDS)
        self.first_text = Histogram(
            "in2x_time_to_first_text_seconds", "From request to its first translated text.", SECONDS
        )
        self.batch_size = Histogram("in2x_batch_size", "Segments that are translated together.", SIZES)
        self.characters = Counter("in2x_characters_total", "Characters translated, by direction.")
        self.findings = Counter("in2x_findings_total", "What checks found fault with, by principle.")
        self.repairs = Counter("in2x_repairs_total", "Segments asked for again, by outcome.")
        self.failed = Counter("in2x_untranslated_segments_total", "Segments that stay as they were.")
        self.rejected = Counter("in2x_rejected_total", "Requests turned away, by reason.")
        self.joined = Counter("in2x_joined_total", "Texts that were in flight already.")
        self.dropped = Counter("in2x_dropped_total", "Texts nobody waited for any more.")

    def text(self, workers: Workers | None = None) -> str:
        """The page that Prometheus reads; with `workers`, of all of them, each under a label of its own."""
        rows: list[str] = []
        others = {} if workers is None else workers.told()
        if workers is not None:
            others[workers.number] = self.told()
        for one in vars(self).values():
            rows += (f"# HELP {one.name} {one.help}", f"# TYPE {one.name} {one.kind}")
            if workers is None:
                rows += one.lines()
            for number, told in sorted(others.items()):
                rows += (_labelled(line, number) for line in told.get(one.name, ()))
        return "\n".join(rows) + "\n"

    def told(self) -> dict[str, list[str]]:
        """Name -> its lines."""
        return {one.name: list(one.lines()) for one in vars(self).values()}


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes behind one address: whichever is asked tells for all, from files that each writes now and then."""

    number: int
    """Of this one, from 0."""
    folder: Path

    def tell(self, metrics: Metrics) -> None:
        """Write what this process has counted."""
        write_beside(self.folder / f"metrics-{self.number}.json", json.dumps(metrics.told()).encode())

    def told(self) -> dict[int, dict[str, list[str]]]:
        """What each process has written."""
        files = self.folder.glob("metrics-*.json")
        return {int(file.stem.partition("-")[2]): json.loads(file.read_bytes()) for file in files}


def _labelled(line: str, worker: int) -> str:
    """A line with the label of its process before the others."""
    name, _, value = line.rpartition(" ")
    base, _, labels = name.partition("{")
    return f'{base}{{worker="{worker}"{"," + labels if labels else "}"} {value}'
