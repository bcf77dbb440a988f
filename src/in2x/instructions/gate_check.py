"""What the gates do to a set of items, one by one: by code, and by judges where a model is given.

A *labelled* set says of each item whether it is sound; then the gates are measured against the labels. It is a YAML
file of our own shape: `sound`, `faulty` and `judge` (faulty, for a judge alone to see), each kind -> rows of [language,
prompt, answer]; a fourth entry, "code" or "judge", says who can see a fault. Anything else is an instruction set as
`collect.py` reads it, without labels.

A sound item is right where it is kept letter by letter, a faulty one where it is rejected, or freed of its fault.
Precision: share of the faulty among what was touched; recall: share of the faulty ones that were touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from in2x.errors import In2xError
from in2x.instructions.candidate import Candidate
from in2x.instructions.collect import read_set
from in2x.instructions.config import RulesConfig, SetConfig
from in2x.instructions.judges import Judged, response_and_critic, rule_prompts
from in2x.instructions.rules import check
from in2x.instructions.tidy import tidied
from in2x.llm.request import Advance, Asker
from in2x.plain_yaml import read_yaml
from in2x.records import Instruction

Label = Literal["sound", "code", "judge", ""]
"""Sound; faulty, and code can see it; faulty, and only a judge can; not labelled."""
_LABELS: Mapping[str, Label] = {"sound": "sound", "faulty": "code", "judge": "judge"}


@dataclass(frozen=True, slots=True)
class Case:
    """An item, and what its set says of it."""

    item: Instruction
    label: Label = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the gates did to a case."""

    case: Case
    gate: str | None
    """ "rules: refusal", "tidy: opening", "critic: weak answer"; None where it is kept as it is."""
    evidence: Mapping[str, Any] | None = None
    failed: bool = False
    """A judge gave no verdict."""

    @property
    def right(self) -> bool | None:
        """Whether it is touched as its label wants; None without a label or a verdict."""
        if self.failed or not self.case.label:
            return None
        return (self.gate is None) == (self.case.label == "sound")


def read_cases(path: Path) -> list[Case]:
    """The items of a labelled set (YAML) or of an instruction set.

    Raises:
        In2xError: no such file, or rows that are none.
    """
    if path.suffix not in (".yaml", ".yml"):
        return [Case(item) for item in read_set(SetConfig(path=str(path)))]
    try:
        found = read_yaml(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise In2xError(f"the set cannot be read ({str(error).splitlines()[0]})", file=path,
                        mend="give a YAML file of sound and faulty items, or an instruction set") from None  # fmt: skip
    if not isinstance(found, dict) or not found or set(found) - set(_LABELS):
        raise In2xError(f"a labelled set has the keys {', '.join(_LABELS)}", file=path, mend="name its parts so")
    return [case for side, kinds in found.items() for case in _cases(path, side, kinds)]


def _cases(path: Path, side: str, kinds: Any) -> Iterator[Case]:
    if not isinstance(kinds, dict) or not all(isinstance(rows, list) for rows in kinds.values()):
        raise In2xError(f"{side!r} is no table of kinds with rows", file=path,
                        mend="write kind: and below it rows of [language, prompt, answer]")  # fmt: skip
    for kind, rows in kinds.items():
        for number, row in enumerate(rows, 1):
            if not (isinstance(row, list) and len(row) in (3, 4) and all(isinstance(cell, str) for cell in row)):
                raise In2xError(f"row {number} of {side}, {kind}: not [language, prompt, answer]", file=path,
                                mend="write three texts, and behind a fault code or judge")  # fmt: skip
            label: Label = _LABELS[side]
            if len(row) == 4:
                if side == "sound" or row[3] not in ("code", "judge"):
                    raise In2xError(f"row {number} of {side}, {kind}: {row[3]!r} is neither code nor judge", file=path,
                                    mend="say behind a fault who can see it, or nothing")  # fmt: skip
                label = row[3]  # type: ignore[assignment]  # one of the two
            messages = [{"role": "user", "content": row[1]}]
            item = Instruction(f"{side}/{kind}/{number}", row[0], "chat", messages, row[2], origin="magpie")  # type: ignore[arg-type]
            yield Case(item, label, str(kind))


def by_code(cases: Iterable[Case], config: RulesConfig | None = None) -> list[Checked]:
    """Free each answer of what a model says around it, then let the rules look, as in `in2x instruct`."""
    config = config or RulesConfig()
    found = []
    for case in cases:
        item, taken = tidied(case.item)
        if fault := check(item, config):
            found.append(Checked(case, f"rules: {fault[0]}", fault[1]))
        elif taken:
            found.append(Checked(case, f"tidy: {taken[0]}", {"left": item.answer}))
        else:
            found.append(Checked(case, None))
    return found


def by_judge(judge: Asker, cases: Sequence[Case], advance: Advance | None = None) -> list[Checked]:
    """Put each task through the rule prompts and each answer through the critic; the first complaint counts."""
    candidates = [Candidate(case.item) for case in cases]
    tasks = list(rule_prompts(judge, candidates, advance))
    answers = list(response_and_critic(judge, judge, candidates, responses=0, seed=0, advance=advance))
    return [_joined(case, task, answer) for case, task, answer in zip(cases, tasks, answers, strict=True)]


def _joined(case: Case, task: Judged, answer: Judged) -> Checked:
    for gate, said in (("rule prompts", task), ("critic", answer)):
        if not said.passed and not said.failed:
            return Checked(case, f"{gate}: {said.reason}", said.evidence)
    if task.failed or answer.failed:
        return Checked(case, None, (task if task.failed else answer).evidence, failed=True)
    return Checked(case, None)


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate touched."""

    name: str
    faulty: int
    sound: int
    unlabelled: int

    @property
    def precision(self) -> float | None:
        """Share of the faulty among the labelled items it touched."""
        return self.faulty / (self.faulty + self.sound) if self.faulty + self.sound else None


@dataclass(frozen=True, slots=True)
class Measured:
    """The gates against the labels; shares are None where nothing is labelled so."""

    items: int
    touched: int
    failed: int
    precision: float | None
    recall: float | None
    """Of the faults that the label "code" calls visible to code (for judges: of all faults)."""
    recall_judge: float | None
    """Of the faults that only a judge can see."""
    sound_kept: float | None
    gates: tuple[Gate, ...]
    kinds: Mapping[str, tuple[int, int]]
    """ "sound: refrain" -> (items, right)."""


def measured(checked: Sequence[Checked], judged: bool = False) -> Measured:
    """The figures of one run over a set; `judged`: by a judge, which is asked for all faults."""
    gates: dict[str, Counter[str]] = {}
    kinds: dict[str, tuple[int, int]] = {}
    for one in checked:
        if one.gate:
            gates.setdefault(one.gate, Counter())[one.case.label] += 1
        if one.right is not None:
            name = f"{one.case.label}: {one.case.kind}"
            items, right = kinds.get(name, (0, 0))
            kinds[name] = (items + 1, right + one.right)
    told = [one for one in checked if one.right is not None]

    def share(*labels: Label) -> float | None:
        rows = [one for one in told if one.case.label in labels]
        return sum(bool(one.right) for one in rows) / len(rows) if rows else None

    touched = [one for one in told if one.gate]
    faulty = [one for one in touched if one.case.label != "sound"]
    return Measured(
        len(checked), sum(one.gate is not None for one in checked), sum(one.failed for one in checked),
        len(faulty) / len(touched) if touched else None,
        share("code", "judge") if judged else share("code"), share("judge"), share("sound"),
        tuple(sorted((Gate(name, count["code"] + count["judge"], count["sound"], count[""])
                      for name, count in gates.items()), key=lambda g: (-g.faulty - g.sound - g.unlabelled, g.name))),
        kinds,
    )  # fmt: skip


def row(one: Checked) -> dict[str, Any]:
    """A checked item as one row of JSON."""
    item = one.case.item
    prompt = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")
    return {
        "id": item.id, "lang": item.lang, "label": one.case.label or None, "kind": one.case.kind or None,
        "gate": one.gate, "failed": one.failed, "right": one.right, "prompt": prompt, "answer": item.answer,
        "evidence": dict(one.evidence) if one.evidence else None,
    }  # fmt: skip
