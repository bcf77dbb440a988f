"""The ledger: where each item went, and why. in = kept + rejected + failed, always.

`rejected` is a judgement on the item (a fault was found); `failed` means that no judgement came about (the model gave
no answer, the budget ran out). The funnel that the pages show is counted here and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from in2x.records import Instruction, Verdict

R = TypeVar("R", contravariant=True)

EXAMPLES = 3
"""Example texts kept for each reason."""
GATES = (
    "model", "author", "pairs", "duplicate", "rules", "decontaminate", "assess", "rule-prompts", "critic", "rereading",
    "balance",
)  # fmt: skip
"""Every gate in the order in which items meet them: "model" is a model that gave no answer, "author" one whose own
work did not hold (another result, a near-duplicate of its pool, an answer cut short), "pairs" one that is no
translation."""
JUDGES = frozenset({"assess", "rule-prompts", "critic", "rereading"})
"""Those of them that ask a model."""
NO_LICENCE = "not given"


class Sink(Protocol[R]):
    """Takes records as they come: a list, or a file (`records.RecordWriter`)."""

    def append(self, record: R, /) -> None:
        """Take one."""


class Ledger:
    """Counts items in and out, by origin, language, licence, gate and reason.

    Args:
        verdicts: takes the verdict on each item.
        lost: takes the items that are not kept, in the order of their verdicts.
    """

    def __init__(self, verdicts: Sink[Verdict], lost: Sink[Instruction]) -> None:
        self.verdicts, self.lost = verdicts, lost
        self._entered: Counter[str] = Counter()
        self._languages: dict[str, Counter[str]] = {}
        """Of the kept items of each origin."""
        self._licences: dict[str, Counter[str]] = {}
        self._judged: Counter[str] = Counter()
        """Kept items of each origin that a judge has seen."""
        self._shown: dict[str, list[tuple[Instruction, Mapping[str, Any] | None]]] = {}
        self._gates: dict[str, dict[str, Counter[str]]] = {}
        self._reasons: dict[tuple[str, str, str], dict[str, Any]] = {}

    @property
    def entered(self) -> int:
        """Items counted in."""
        return self._entered.total()

    def enter(self, item: Instruction) -> None:
        """Count `item` in."""
        self._entered[item.origin] += 1

    def keep(self, item: Instruction, evidence: Mapping[str, Any] | None = None) -> None:
        """`item` passed every gate; `evidence` is what the judges said and what its author noted."""
        self._languages.setdefault(item.origin, Counter())[item.lang] += 1
        self._licences.setdefault(item.origin, Counter())[item.license or NO_LICENCE] += 1
        self._judged[item.origin] += bool(evidence and JUDGES & evidence.keys())
        # Drawn by their ids, which are hashes: no order of the work favours any.
        shown = self._shown.setdefault(item.origin, [])
        if len(shown) < EXAMPLES or item.id < shown[-1][0].id:
            shown.append((item, evidence))
            shown.sort(key=lambda one: one[0].id)
            del shown[EXAMPLES:]
        self.verdicts.append(Verdict(item.id, "verify", True, "", dict(evidence) if evidence else None))

    def reject(self, item: Instruction, gate: str, reason: str, evidence: Mapping[str, Any] | None = None) -> None:
        """`item` was found faulty at `gate` (one of `GATES`)."""
        self._lose(item, "rejected", gate, reason, evidence)

    def fail(self, item: Instruction, gate: str, reason: str, evidence: Mapping[str, Any] | None = None) -> None:
        """No judgement of `item` came about at `gate` (one of `GATES`)."""
        self._lose(item, "failed", gate, reason, evidence)

    def _lose(self, item: Instruction, how: str, gate: str, reason: str, evidence: Mapping[str, Any] | None) -> None:
        if gate not in GATES:
            raise ValueError(f"{gate!r} is no gate")
        self._gates.setdefault(item.origin, {}).setdefault(how, Counter())[gate] += 1
        self.lost.append(item)
        self.verdicts.append(Verdict(item.id, gate, False, reason, {"outcome": how, **(evidence or {})}))
        entry = self._reasons.setdefault(
            (gate, reason, how), {"gate": gate, "reason": reason, "outcome": how, "count": 0, "examples": []}
        )
        entry["count"] += 1
        if len(entry["examples"]) < EXAMPLES:
            entry["examples"].append(_example(item, evidence))

    def funnel(self) -> dict[str, Any]:
        """The counts. Raises RuntimeError where an item was lost or counted twice (a bug of ours)."""
        origins = {origin: self._origin(origin) for origin in sorted(self._entered)}
        if stray := (self._languages.keys() | self._gates.keys()) - self._entered.keys():
            raise RuntimeError(f"items of {sorted(stray)} came out that never went in")
        total = {
            key: sum(int(o[key]) for o in origins.values()) for key in ("in", "kept", "judged", "rejected", "failed")
        }
        reasons = sorted(self._reasons.values(), key=lambda e: (-e["count"], e["gate"], e["reason"]))
        return {
            **total, "languages": _languages(self._languages.values()), "licenses": _licences(self._licences.values()),
            "gates": self._passage(total["in"]), "origins": origins, "reasons": reasons,
            "examples": {
                origin: [_example(item, said) for item, said in self._shown[origin]] for origin in sorted(self._shown)
            },
        }  # fmt: skip

    def _origin(self, origin: str) -> dict[str, Any]:
        kept, lost = self._languages.get(origin, Counter()), self._gates.get(origin, {})
        counts = {"in": self._entered[origin], "kept": kept.total(), "judged": self._judged[origin]}
        counts |= {how: lost.get(how, Counter()).total() for how in ("rejected", "failed")}
        if counts["in"] != counts["kept"] + counts["rejected"] + counts["failed"]:
            raise RuntimeError(f"{origin}: {counts['in']} items in, but {counts} out")
        every = sum(lost.values(), Counter[str]())
        return {
            **counts, "gates": {gate: every[gate] for gate in GATES if every[gate]},
            "languages": _languages([kept]), "licenses": _licences([self._licences.get(origin, Counter())]),
        }  # fmt: skip

    def _passage(self, entered: int) -> list[dict[str, Any]]:
        """For each gate that stopped something: how many came, how many were stopped, how many went on."""
        found = []
        for gate in GATES:
            stopped = {
                how: sum(lost.get(how, Counter())[gate] for lost in self._gates.values())
                for how in ("rejected", "failed")
            }
            if any(stopped.values()):
                left = entered - sum(stopped.values())
                found.append({"gate": gate, "in": entered, **stopped, "left": left})
                entered = left
        return found


def _example(item: Instruction, evidence: Mapping[str, Any] | None) -> dict[str, Any]:
    prompt = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")
    return {
        "id": item.id, "origin": item.origin, "lang": item.lang, "prompt": prompt[:240],
        "answer": (item.answer or "")[:240], "evidence": _short(dict(evidence or {})),
    }  # fmt: skip


def _languages(counts: Iterable[Counter[str]]) -> dict[str, int]:
    return dict(sorted(sum(counts, Counter[str]()).items()))


def _licences(counts: Iterable[Counter[str]]) -> dict[str, int]:
    return dict(sum(counts, Counter[str]()).most_common())


def _short(value: Any) -> Any:
    """Evidence as an example shows it: long texts and lists cut (the verdict keeps them whole)."""
    if isinstance(value, str):
        return value if len(value) <= 240 else value[:240] + " …"
    if isinstance(value, Mapping):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(item) for item in value[:6]]
    return value
