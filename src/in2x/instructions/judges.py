"""Gates that ask a model: assessment, rule prompts, response + critic, ReReading (METHOD 2.4).

Each takes candidates and gives, for each, a `Judged`: passed or not, with the reason and the evidence. A judge that
gives no answer is a failure, never a rejection and never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from in2x.instructions.candidate import Candidate
from in2x.instructions.prompt import asked_in
from in2x.instructions.themes import kind_of, themes
from in2x.judge.retry import Question, Reply, ask_until_read, json_of, whole
from in2x.language import language
from in2x.llm.request import Advance, Asker, Request, chat
from in2x.records import Instruction

FAULTS = ("too_simple", "no_focus", "self_answered", "contradiction", "not_native")
_FAULTS = {
    "type": "object", "required": ["why", "faults"],
    "properties": {"why": {"type": "string"}, "faults": {"type": "array", "items": {"enum": list(FAULTS)}}},
}  # fmt: skip
_GRADE = {"type": "integer", "minimum": 1, "maximum": 5}
_CRITIC = {
    "type": "object", "required": ["why", "hallucination", "contradiction", "valid", "score"],
    "properties": {
        "why": {"type": "string"},
        "hallucination": {"type": "array", "items": {"type": "string"}}, "contradiction": {"type": "boolean"},
        "valid": {"type": "boolean"}, "score": _GRADE,
    },
}  # fmt: skip
_REREADING = {
    "type": "object", "required": ["why", "correct", "fit", "native"],
    "properties": {"why": {"type": "string"}, "correct": _GRADE, "fit": _GRADE, "native": _GRADE},
}  # fmt: skip
_ASSESS = {
    "type": "object", "required": ["intent", "language", "quality", "difficulty"],
    "properties": {
        "intent": {"type": "string"}, "language": {"type": "string"}, "quality": _GRADE, "difficulty": _GRADE,
    },
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


def _asked(text: str, schema: dict[str, Any], purpose: str = "judge") -> Question[dict[str, Any]]:
    return Question(chat(text, schema=schema, purpose=purpose), partial(json_of, schema=schema))


def assess(
    judge: Asker, candidates: Sequence[Candidate], least: int = 3, advance: Advance | None = None
) -> Iterator[Judged]:
    """Ask for intent, quality, difficulty and language of the task (Magpie's filter). A task without an intent, in
    another language than it is filed under, or of a quality below `least` does not pass; one that does knows how
    difficult it is."""
    questions = (_asked(asked_in(c.item.lang, "assess", instruction=c.prompt), _ASSESS) for c in candidates)
    for candidate, reply in zip(candidates, ask_until_read(judge, questions, advance=advance), strict=True):
        said = reply.value
        if said is None:
            yield _no_judgement(candidate, reply)
            continue
        why = ""
        if not said["intent"].strip():
            why = "no intent"
        elif candidate.item.task not in _OTHER_LANGUAGE and not _named(said["language"], candidate.item.lang):
            why = "another language"
        elif said["quality"] < least:
            why = "poor task"
        item = candidate.item
        if item.difficulty is None:
            item = replace(item, difficulty=int(said["difficulty"]))
        yield Judged(replace(candidate, item=item), not why, why, said)


_OTHER_LANGUAGE = frozenset({"translate"})
"""Tasks whose answer is in another language than they are put in."""


def _named(said: str, lang: str) -> bool:
    """Whether a judge's word for a language (code or name) may be `lang`."""
    known = language(lang)
    word = said.strip().casefold()
    return (
        not word
        or word.partition("-")[0] == lang.partition("-")[0]
        or known.name.casefold() in word
        or (known.endonym.casefold() in word)
    )


def kind_of_answer(item: Instruction, folder: str | None = None) -> str:
    """By what an answer is judged: "fiction", "reasoning", "text" (it works on one that the task gives), "general".
    `folder`: lists of the recipe's own (`themes`)."""
    verifier = (item.verifier or {}).get("name")
    if item.task == "story":
        return "fiction"
    if item.task == "math" or verifier in ("number", "choice", "exact"):
        return "reasoning"
    if item.task in ("summary", "summarize", "rewrite", "reading"):
        return "text"
    prompt = next((m["content"] for m in reversed(item.messages) if m["role"] == "user"), "")
    return themes(item.lang, folder).kinds[kind_of(prompt, item.lang, folder)].judged


def _no_judgement(candidate: Candidate, reply: Reply[dict[str, Any]]) -> Judged:
    return Judged(candidate, False, "no judgement", {"error": reply.fault}, failed=True)


def rule_prompts(judge: Asker, candidates: Sequence[Candidate], advance: Advance | None = None) -> Iterator[Judged]:
    """Ask for each named fault of the instruction."""
    questions = (_asked(asked_in(c.item.lang, "faults", instruction=c.prompt), _FAULTS) for c in candidates)
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
    *,
    folder: str | None = None,
) -> Iterator[Judged]:
    """Let the model answer `responses` times and a critic judge each answer (and the item's own, which comes first).

    The item passes when its own answer passes and at least half of the fresh ones do: an instruction that the model
    cannot answer without inventing is no good even where the given answer looks fine. `folder`: lists of the recipe's
    own, which say by what the answers of a kind are judged. Only whole answers are judged:
    one that was cut is asked for once more with more room, and says nothing of the task if it is cut again. `agreement`
    in the evidence is the share of answers that the critic let pass.
    """
    asks = (
        Question(
            Request(messages=tuple(c.item.messages), temperature=0.7, seed=seed, sample=2 * number, purpose="answer"),
            whole,
        )
        for c in candidates for number in range(responses)
    )  # fmt: skip
    fresh = list(ask_until_read(author, asks, tries=2))
    texts: list[list[str]] = []
    for place, candidate in enumerate(candidates):
        own = [candidate.item.answer] if candidate.item.answer else []
        mine = fresh[place * responses : (place + 1) * responses]
        texts.append([*own, *(reply.value for reply in mine if reply.value is not None)])
    verdicts = ask_until_read(critic, (
        _asked(asked_in(
            c.item.lang, "critic", kind=kind_of_answer(c.item, folder), instruction=c.prompt, response=text
        ), _CRITIC)
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
    """The author reads its own item again, with the notes it made when writing it; each grade must reach `least`.

    Of an item without such notes it is asked for them first; what it then says goes into the evidence.
    """
    bare = [place for place, candidate in enumerate(candidates) if not candidate.reasoned]
    asked = (
        Question(
            chat(
                asked_in(c.item.lang, "rationale", instruction=c.prompt, answer=c.item.answer or ""),
                purpose="reread", max_tokens=1024,
            ),
            whole,
        )
        for c in (candidates[place] for place in bare)
    )  # fmt: skip
    told = dict(zip(bare, ask_until_read(author, asked, tries=2), strict=True))
    noted = {place: reply.value for place, reply in told.items() if reply.value is not None}
    read = [place for place in range(len(candidates)) if place in noted or place not in told]
    questions = (
        _asked(
            asked_in(
                c.item.lang, "rereading", instruction=c.prompt, answer=c.item.answer or "",
                trace=noted.get(place, c.notes),
            ),
            _REREADING, "reread",
        )
        for place, c in ((place, candidates[place]) for place in read)
    )  # fmt: skip
    replies = dict(zip(read, ask_until_read(author, questions, advance=advance), strict=True))
    for place, candidate in enumerate(candidates):
        if place not in replies:
            yield Judged(candidate, False, "no notes", {"error": told[place].fault}, failed=True)
            continue
        reply = replies[place]
        said = reply.value
        if said is None:
            yield _no_judgement(candidate, reply)
            continue
        if place in noted:
            said = {**said, "rationale": noted[place]}
        grades = {part: said[part] for part in ("correct", "fit", "native")}
        worst = min(grades, key=grades.__getitem__)
        passed = grades[worst] >= least
        yield Judged(candidate, passed, "" if passed else f"on rereading: {worst}", said)
