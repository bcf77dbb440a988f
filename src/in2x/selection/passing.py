"""Pass@k: how often a model solves a task whose result can be checked (METHOD 3: 16 answers of a 70B model).

Each task with a number, an option or a short value as its result is answered `k` times; the share that states it is
the task's pass rate, and its grade follows from that (`annotate.grades`). What an answer states is what stands behind
its last "the answer is" in any language of the packs, else its last line. This is coarser than the rewards of RL: it
grades tasks, and pays nobody. An answer that was cut is asked for once with more room; where half of the answers to a
task never came whole, its rate is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from in2x.judge.retry import Question, ask_until_read, whole
from in2x.language.numbers import numbers
from in2x.language.wording import any_of
from in2x.llm.request import Advance, Asker, Request
from in2x.selection.ngrams import normalise
from in2x.selection.pool import Pool

Ints = npt.NDArray[np.int64]
TEMPERATURE = 0.8
"""Of the answers (our choice); `llm.sampling.solve` says otherwise."""
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}")
_AROUND = " .。!！'\"「」"
_OPTION = re.compile(r"(?<![A-Za-z])([A-Ja-j])(?![A-Za-z])")


def stated(text: str) -> str:
    """What an answer states in the end."""
    if boxed := _BOXED.findall(text):
        return str(boxed[-1])
    ends = [match.end() for match in any_of("concludes").finditer(text)]
    # The whole line where a colon says where the result begins: "は" may be the first letter of it.
    begins = text.rfind("\n", 0, ends[-1]) + 1 if ends and text[: ends[-1]].rstrip("は ")[-1:] in ":：" else None
    lines = (text[(ends[-1] if begins is None else begins) :] if ends else text).strip().splitlines()
    return (lines[0] if ends else lines[-1]).strip() if lines else ""


def _number(said: str, value: str) -> bool:
    want, have = numbers(value), numbers(said)
    return bool(want and have) and have[-1].value == want[-1].value


def _option(said: str, value: str) -> bool:
    found = _OPTION.findall(said)
    return bool(found) and found[-1].upper() == value.strip().upper()


def _exact(said: str, value: str) -> bool:
    words, line = normalise(value).strip(_AROUND), normalise(said).strip(_AROUND)
    return bool(words) and (line == words or re.split("[:：]", line)[-1].strip(_AROUND) == words)


CHECKS: dict[str, Callable[[str, str], bool]] = {"number": _number, "choice": _option, "exact": _exact}
"""By the name of a verifier."""


def solves(text: str, verifier: dict[str, Any]) -> bool:
    """Whether an answer states the result that `verifier` knows."""
    return CHECKS[verifier["name"]](stated(text), str(verifier["value"]))


def checkable(verifier: dict[str, Any]) -> bool:
    """Whether the result of a task can be checked here."""
    return verifier.get("name") in CHECKS and verifier.get("value") is not None


def with_pass_rates(
    asker: Asker, pool: Pool, rows: Ints, k: int, seed: int, advance: Advance | None = None
) -> tuple[Pool, dict[str, Any]]:
    """`pool` with the pass rates of those of `rows` that can be checked and have none yet, and figures."""
    can = np.fromiter(map(checkable, pool.verifiers.at(rows)), bool, len(rows))
    asked = np.sort(rows[can & np.isnan(pool.pass_rate[rows])])
    rates = pool.pass_rate.copy()

    def questions() -> Iterator[Question[str]]:
        for messages in pool.messages(asked):
            for sample in range(k):
                # Even numbers: an answer that was cut takes the next one when it is asked longer.
                yield Question(
                    Request(
                        messages=tuple(messages), max_tokens=2048, temperature=TEMPERATURE, seed=seed,
                        sample=2 * sample, purpose="solve",
                    ),
                    whole,
                )  # fmt: skip

    replies = ask_until_read(asker, questions(), tries=2)
    solved = 0
    for i, verifier in zip(asked.tolist(), pool.verifiers.at(asked), strict=True):
        came = [solves(reply.value, verifier) for _ in range(k) if (reply := next(replies)).value is not None]
        if 2 * len(came) >= k:
            rates[i] = sum(came) / len(came)
            solved += any(came)
        if advance:
            advance(1, asker.usage.note())
    known = rates[asked][~np.isnan(rates[asked])]
    figures = {
        "tasks": len(asked), "samples": k, "unknown": len(asked) - len(known),
        "solved_at_least_once": round(solved / max(1, len(known)), 4),
        "mean_rate": round(float(known.sum()) / max(1, len(known)), 4),
    }  # fmt: skip
    return replace(pool, pass_rate=rates), figures
