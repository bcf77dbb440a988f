"""The chain of gates. Whatever goes in comes out kept, rejected or failed, and the ledger knows why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from in2x.contamination.meaning import Meaning, sentences
from in2x.contamination.table import Contamination
from in2x.instructions.candidate import Candidate
from in2x.instructions.config import InstructConfig
from in2x.instructions.judges import Judged, assess, rereading, response_and_critic, rule_prompts
from in2x.instructions.ledger import Ledger
from in2x.instructions.looked import looked
from in2x.llm.request import Asker
from in2x.stage import Stage


class Gates:
    """The gates of one run; they remember what they have seen, so that nothing passes twice."""

    def __init__(
        self,
        config: InstructConfig,
        contamination: Contamination | None,
        ledger: Ledger,
        meaning: Meaning | None = None,
    ) -> None:
        self.config, self.contamination, self.ledger, self.meaning = config, contamination, ledger, meaning
        self._seen: set[str] = set()
        self.held: Counter[str] = Counter()
        """Items that hold evaluation text, by set."""
        self.meant: Counter[str] = Counter()
        """Items that say what an evaluation text says, by set."""
        self.tidied: Counter[str] = Counter()
        """What was taken off answers, by kind."""

    def by_code(self, candidates: Iterable[Candidate], *, entered: bool = False) -> Iterator[Candidate]:
        """Enter `candidates` into the ledger (unless they are in it) and pass on those that code finds no fault with
        and that, by their vectors, say nothing that an evaluation text says."""
        sound = self._sound(candidates, entered)
        if self.meaning is None:
            yield from sound
            return
        for candidate, alike in self.meaning.asked(sound, lambda candidate: sentences(candidate.item)):
            if alike is None:
                yield candidate
            else:
                self.meant[alike.name] += 1
                self.ledger.reject(
                    candidate.item, "decontaminate", "says what an evaluation text says", alike._asdict()
                )

    def _sound(self, candidates: Iterable[Candidate], entered: bool) -> Iterator[Candidate]:
        """What passes the rules and the table.

        The rules come before anything that reads a whole text, so that one of megabytes is turned away at once.
        """
        for candidate, taken, text, broken in looked(candidates, self.config.rules):
            item = candidate.item
            self.tidied.update(taken)
            if not entered:
                self.ledger.enter(item)
            if candidate.failed:
                self.ledger.fail(item, "model", candidate.why_failed, {"error": candidate.fault})
            elif candidate.fault is not None:
                self.ledger.reject(item, candidate.gate, candidate.fault, candidate.trace)
            elif text in self._seen:
                self.ledger.reject(item, "duplicate", "exact")
            elif fault := broken():
                self.ledger.reject(item, "rules", fault[0], fault[1])
            elif self.contamination is not None and (sets := self.contamination.instruction(item)):
                self.held.update(sets)
                self.ledger.reject(item, "decontaminate", "evaluation text", {"sets": sets})
            else:
                self._seen.add(text)
                yield candidate

    def by_judges(
        self, candidates: Sequence[Candidate], author: Asker, judge: Asker, stage: Stage
    ) -> list[tuple[Candidate, dict[str, object]]]:
        """Put `candidates` through the judges that are on; what passes comes with the evidence of each."""
        judges = self.config.judges
        left: list[tuple[Candidate, dict[str, object]]] = [(c, {}) for c in candidates]
        if judges.assess:
            with stage.progress("gate: assessment", len(left)) as advance:
                left = self._sift("assess", left, assess(judge, [c for c, _ in left], judges.quality, advance))
        if judges.rule_prompts:
            with stage.progress("gate: rule prompts", len(left)) as advance:
                left = self._sift("rule-prompts", left, rule_prompts(judge, [c for c, _ in left], advance))
        if judges.critic:
            with stage.progress("gate: critic", len(left)) as advance:
                judged = response_and_critic(
                    author, judge, [c for c, _ in left], judges.responses, stage.seed, advance,
                    folder=self.config.themes,
                )  # fmt: skip
                left = self._sift("critic", left, judged)
        if judges.rereading:
            with stage.progress("gate: rereading", len(left)) as advance:
                left = self._sift("rereading", left, rereading(author, [c for c, _ in left], judges.least, advance))
        return left

    def _sift(
        self, gate: str, left: Sequence[tuple[Candidate, dict[str, object]]], judged: Iterable[Judged]
    ) -> list[tuple[Candidate, dict[str, object]]]:
        passed = []
        for (candidate, evidence), verdict in zip(left, judged, strict=True):
            if verdict.failed:
                self.ledger.fail(candidate.item, gate, verdict.reason, verdict.evidence)
            elif not verdict.passed:
                self.ledger.reject(candidate.item, gate, verdict.reason, verdict.evidence)
            else:
                passed.append((verdict.candidate, {**evidence, gate: verdict.evidence}))
        return passed
