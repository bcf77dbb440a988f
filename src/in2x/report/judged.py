"""The page's part on principles of RL: what a judge wrote for the prompts, and verdicts on some answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from in2x.pages.charts import Bar, bars
from in2x.report.rows import rows_of

CHARS = 600
"""Most of a prompt or an answer that is shown."""
MARKS = {"yes": "good", "no": "bad"}


@dataclass(frozen=True)
class Mark:
    """A verdict: the principle, "good", "bad" or "" (does not apply), and why."""

    principle: str
    kind: str
    why: str = ""


@dataclass(frozen=True)
class Shown:
    """One answer with the verdicts on it: the judge's on each principle, and what code found broken."""

    prompt: str
    answer: str
    reference: str
    judged: list[Mark]
    broken: list[Mark]
    fault: str


def answers(rl: Path) -> list[Shown]:
    """The answers kept at the last held-out score."""
    last: list[dict[str, Any]] = []
    for row in rows_of(rl / "trajectories.jsonl"):
        if last and row["step"] != last[0]["step"]:
            last = []
        last.append(row)
    return [
        Shown(
            row["prompt"][:CHARS], row["answer"][:CHARS], (row["reference"] or "")[:CHARS],
            [Mark(text, MARKS.get(word, "")) for text, word in row.get("judged", {}).items()],
            [Mark(name.replace("_", " "), "bad", why) for name, why in row["why"].items()],
            row.get("fault", ""),
        )
        for row in last
    ]  # fmt: skip


def written(rl: Path, most: int = 8) -> list[dict[str, Any]]:
    """The principles of the first prompts: kept, and rejected with the reason; or why there are none."""
    return [
        {"prompt": row["prompt"][:CHARS], **{key: row[key] for key in ("kept", "rejected", "failed")}}
        for row in islice(rows_of(rl / "principles.jsonl"), most)
    ]


def fates(figures: Mapping[str, Any]) -> list[Bar]:
    """What became of the principles that were written."""
    found = figures.get("principles") or {}
    rows = {"kept": {"": float(found["kept"])}} if found else {}
    rows |= {f"rejected: {reason}": {"": float(count)} for reason, count in found.get("rejected", {}).items()}
    return bars(rows)
