"""Gates that ask a model: rule prompts, response + critic, ReReading (METHOD 2.4).

Each takes candidates and gives, for each, a `Judged`: passed or not, with the reason and the evidence. A judge that
gives no answer is a failure, never a rejection and never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from in2x.instructions.candidate import Candidate
from in2x.instructions.prompt import prompt
from in2x.judge.retry import Question, Reply, ask_until_read, json_of
from in2x.language import language
from in2x.llm.request import Advance, Asker, Request, chat

FAULTS = ("too_simple", "no_focus", "self_answered", "contradiction", "not_native")
_FAULTS = {
    "type": "object", "required": ["faults", "why"],
    "properties": {"faults": {"type": "array", "items": {"enum": list(FAULTS)}}, "why": {"type": "string"}},
}  # fmt: skip
_GRADE = {"type": "integer", "minimum": 1, "maximum": 5}
_CRITIC = {
    "type": "object", "required": ["hallucination", "contradiction", "valid", "score", "why"],
    "properties": {
        "hallucination": {"type": "array", "items": {"type": "string"}}, "contradiction": {"type": "boolean"},
        "valid": {"type": "boolean"}, "score": _GRADE, "why": {"type": "string"},
    },
}  # fmt: skip
_REREADING = {
    "type": "object", "required": ["correct", "fit", "native", "why"],
    "properties": {"correct": _GRADE, "fit": _GRADE, "native": _GRADE, "why": {"type": "string"}},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """What a gate says of one candidate."""

    candidate: Candidate
    passed: bool
    reason: str = ""
    evidence: dict[str, Any] | None = None
    failed: bool = False
    """No judgement came about."""


def _asked(text: str, schema: dict[str, Any]) -> Question[dict[str, Any]]:
    return Question(chat(text, schema=schema), partial(json_of, schema=schema))


def _no_judgement(candidate: Candidate, reply: Reply[dict[str, Any]]) -> Judged:
    return Judged(candidate, False, "no judgement", {"error": reply.fault}, failed=True)


def rule_prompts(judge: Asker, candidates: Sequence[Candidate], advance: Advance | None = None) -> Iterator[Judged]:
    """Ask for each named fault of the instruction."""
    questions = (
        _asked(prompt("faults").render(language=language(c.item.lang).name, instruction=c.prompt), _FAULTS)
        for c in candidates
    )
    replies = ask_until_read(judge, questions, advance=advance)
    for candidate, reply in zip(candidates, replies, strict=True):
        said = reply.value
        if said is None:
            yield _no_judgement(candidate, reply)
        elif said["faults"]:
            yield Judged(candidate, False, said["faults"][0], said)
        else:
            yield Judged(candidate, True, evidence=said)


def response_and_critic(
    author: Asker,
    critic: Asker,
    candidates: Sequence[Candidate],
    responses: int,
    seed: int,
    advance: Advance | None = None,
) -> Iterator[Judged]:
    """Let the model answer `responses` times and a critic judge each answer (and the item's own, which comes first).

    The item passes when its own answer passes and at least half of the fresh ones do: an instruction that the model
    cannot answer without inventing is no good even where the given answer looks fine. Only whole answers are judged:
    one that was cut says nothing of the task. `agreement` in the evidence is the share of answers that the critic let
    pass.
    """
    asks = [
        Request(messages=tuple(c.item.messages), temperature=0.7, seed=seed, sample=number)
        for c in candidates for number in range(responses)
    ]  # fmt: skip
    fresh = list(author.ask_all(asks))
    texts: list[list[str]] = []
    for place, candidate in enumerate(candidates):
        own = [candidate.item.answer] if candidate.item.answer else []
        mine = fresh[place * responses : (place + 1) * responses]
        texts.append([*own, *(a.text for a in mine if a.ok and not a.lack)])
    verdicts = ask_until_read(critic, (
        _asked(prompt("critic").render(instruction=c.prompt, response=text), _CRITIC)
        for c, mine in zip(candidates, texts, strict=True) for text in mine
    ))  # fmt: skip
    for candidate, shown in zip(candidates, texts, strict=True):
        yield _weigh(candidate, [next(verdicts) for _ in shown])
        if advance:
            advance(1, critic.usage.note())


def _weigh(candidate: Candidate, replies: Sequence[Reply[dict[str, Any]]]) -> Judged:
    judged = [reply.value for reply in replies if reply.value is not None]
    if not judged or (candidate.item.answer and replies[0].value is None):
        error = replies[0].fault if replies else "the model gave no answer to judge"
        return Judged(candidate, False, "no judgement", {"error": error}, failed=True)
    passes = [_acceptable(said) for said in judged]
    agreement = round(sum(passes) / len(passes), 3)
    evidence: dict[str, Any] = {"agreement": agreement, "critics": judged}
    if candidate.item.answer and not passes[0]:
        return Judged(candidate, False, _complaint(judged[0]), evidence)
    if agreement < 0.5:
        worst = next(said for said, passed in zip(judged, passes, strict=True) if not passed)
        return Judged(candidate, False, _complaint(worst), evidence)
    return Judged(candidate, True, evidence=evidence)


def _acceptable(said: dict[str, Any]) -> bool:
    return bool(said["valid"] and not said["contradiction"] and not said["hallucination"] and said["score"] >= 3)


def _complaint(said: dict[str, Any]) -> str:
    if said["hallucination"]:
        return "hallucination"
    if said["contradiction"]:
        return "contradiction"
    return "no valid result" if not said["valid"] else "weak answer"


def rereading(
    author: Asker, candidates: Sequence[Candidate], least: int = 4, advance: Advance | None = None
) -> Iterator[Judged]:
    """The author reads its own item again, with the notes it made when writing it; each grade must reach `least`."""
    questions = (
        _asked(
            prompt("rereading").render(
                language=language(c.item.lang).name, instruction=c.prompt, answer=c.item.answer or "", trace=c.notes
            ),
            _REREADING,
        )
        for c in candidates
    )
    replies = ask_until_read(author, questions, advance=advance)
    for candidate, reply in zip(candidates, replies, strict=True):
        said = reply.value
        if said is None:
            yield _no_judgement(candidate, reply)
            continue
        grades = {part: said[part] for part in ("correct", "fit", "native")}
        worst = min(grades, key=grades.__getitem__)
        passed = grades[worst] >= least
        yield Judged(candidate, passed, "" if passed else f"on rereading: {worst}", said)
