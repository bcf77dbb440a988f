"""How much a judge's verdict on each principle is worth: by its measured agreement (`in2x evaluate judge-check`).

    {"judge": {...}, "overall": {"agreement": 0.8, "n": 900},
     "principles": {PRINCIPLE: {"agreement": 0.9, "n": 200}, ...}}

A principle weighs max(0, 2a - 1), where a is the share of verdicts that agree with what was planted (our choice: 1 for
a judge that is always right, 0 for one that tosses a coin). What was not measured has the overall agreement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from in2x.errors import UsageError

MEND = "give the file that `in2x evaluate judge-check` wrote, or leave rl.judge.reliability out"


@dataclass(frozen=True)
class Reliability:
    """Weights of principles; without a file all weigh 1."""

    overall: float = 1.0
    principles: Mapping[str, float] = field(default_factory=dict)

    def weight(self, principle: str) -> float:
        """The weight of a principle, by its sentence."""
        return self.principles.get(principle, self.overall)


def read_reliability(file: Path) -> Reliability:
    """The weights in `file`.

    Raises:
        UsageError: it cannot be read, is no such file, or leaves no principle any weight.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        measured = {str(text): _weight(row) for text, row in found["principles"].items()}
        reliability = Reliability(_weight(found["overall"]), measured)
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", file=file, mend=MEND) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise UsageError(f"holds no agreement of a judge ({why})", file=file, mend=MEND) from None
    if not any((reliability.overall, *measured.values())):
        raise UsageError("this judge agrees with the truth no more than chance would", file=file, mend="take another")
    return reliability


def _weight(row: Mapping[str, Any]) -> float:
    agreement = float(row["agreement"])
    if not 0 <= agreement <= 1:
        raise ValueError(f"an agreement of {agreement}")
    return max(0.0, 2 * agreement - 1)
