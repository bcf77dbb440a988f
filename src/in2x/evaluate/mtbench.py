"""MT-bench: two-turn answers, a judge that sees both turns, and tables from judgement files.

    questions.jsonl   {"question_id", "category", "turns": [first, second]}
    references.jsonl  {"question_id", "choices": [{"turns": [...]}]}       (also the layout of answer files)
    judgements.jsonl  {"question_id", "model", "turn", "score", "judgment", "judge"}

Questions and references are given by path; the prompts to the judge are our own. A judge that will not give a number is
asked again a bounded number of times, then counted as a failure and left out of the means, never scored 0. A fault of a
server is neither the model's nor the judge's: it is told by its own name, and no answer of the model is made of it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from in2x.artifact import write_text
from in2x.errors import In2xError
from in2x.evaluate.inputs import read_jsonl
from in2x.judge.retry import Question as Asked
from in2x.judge.retry import Reply, Unreadable, ask_until_read
from in2x.language.reasoning import spoken
from in2x.llm.request import Answer, Asker, Request, chat
from in2x.metrics.significance import Interval, bootstrap, mean
from in2x.records import Message

CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")
TEMPERATURES = {
    "writing": 0.7, "roleplay": 0.7, "reasoning": 0.0, "math": 0.0, "coding": 0.0, "extraction": 0.0, "stem": 0.1,
    "humanities": 0.1,
}  # fmt: skip
"""Sampling temperature by category, as the benchmark prescribes; categories it does not know get 0.7."""
WITH_REFERENCE = frozenset({"math", "reasoning", "coding"})
"""Categories whose judge is shown the reference."""

_RATING = re.compile(r"\[\[\s*(\d+(?:\.\d+)?)\s*\]\]")
_EXAMPLE = re.compile(r"例\s*[:：]\s*\[\[\s*7\s*\]\]|\[\[\s*7\s*\]\]\s*(?=のように)")
"""What the prompts show a judge, which it may repeat."""

NO_ANSWER = "no answer came"
"""Begins the words of a judgement that the server failed, not the judge."""
SYSTEM = "あなたは日本語に堪能な、厳正で公平な採点者です。"
_FIRST = """次の質問に対する回答を採点してください。

# 質問
{question1}
{reference1}
# 回答
{answer1}

# 採点のしかた
役に立つか、問いに合っているか、事実として正しいか、十分に深いか、表現が自然な日本語かを見ます。まず短く講評し、最後の行に
1(まったく不十分)から10(申し分ない)までの点数を [[点数]] の形で書いてください。例: [[7]]"""
_SECOND = """利用者との二回のやりとりを読み、二回目の回答を採点してください。一回目は文脈として読みます。

# 一回目の質問
{question1}
{reference1}
# 一回目の回答
{answer1}

# 二回目の質問
{question2}
{reference2}
# 二回目の回答
{answer2}

# 採点のしかた
二回目の回答が、役に立つか、前のやりとりを踏まえているか、事実として正しいか、十分に深いか、表現が自然な日本語かを見ます。まず短く
講評し、最後の行に1(まったく不十分)から10(申し分ない)までの点数を [[点数]] の形で書いてください。例: [[7]]"""
_AGAIN = "点数が読み取れませんでした。[[7]] のように、二重の角括弧に1から10までの点数だけを入れて答えてください。"


@dataclass(frozen=True)
class Question:
    """One question with its turns."""

    id: str
    category: str
    turns: list[str]


@dataclass(frozen=True)
class Judgement:
    """One score of one turn; None where the judge failed."""

    question: str
    model: str
    turn: int
    score: float | None
    text: str = ""
    judge: str = ""


def read_questions(file: Path) -> list[Question]:
    """Questions in file order. Raises In2xError for a line without id, category or turns."""
    found = []
    for number, row in read_jsonl(file):
        turns = row.get("turns")
        if not _texts(turns) or not turns or "question_id" not in row or "category" not in row:
            raise In2xError("no question_id, category and turns", file=file, line=number,
                            mend="give all three, turns as a list of texts")  # fmt: skip
        found.append(Question(str(row["question_id"]), str(row["category"]), turns))
    if not found:
        raise In2xError("no question in this file", file=file, mend="give one question a line")
    return found


def read_answers(file: Path) -> dict[str, list[str]]:
    """Turns of answers or references by question id. Raises In2xError for a line without them."""
    found: dict[str, list[str]] = {}
    for number, row in read_jsonl(file):
        try:
            question, turns = str(row["question_id"]), row["choices"][0]["turns"]
        except (KeyError, IndexError, TypeError):
            question, turns = "", None
        if not _texts(turns):
            raise In2xError("no question_id and choices[0].turns", file=file, line=number,
                            mend="give both, as MT-bench does: turns as a list of texts")  # fmt: skip
        found[question] = turns
    return found


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def write_answers(file: Path, answers: Mapping[str, Sequence[str]], *, model: str) -> None:
    """Write answers in the benchmark's own layout."""
    rows = [{"question_id": q, "model_id": model, "choices": [{"index": 0, "turns": list(turns)}]}
            for q, turns in answers.items()]  # fmt: skip
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_judgements(file: Path) -> list[Judgement]:
    """Judgements of a file, as they are; a score of -1 is a failure of the judge.

    Raises:
        In2xError: a score is missing or not a number from 1 to 10, or a turn is no whole number.
    """
    found = []
    for number, row in read_jsonl(file):
        value, model, question = row.get("score"), row.get("model"), row.get("question_id")
        if (
            not isinstance(value, (int, float))
            or isinstance(value, bool)
            or not (value == -1 or 1 <= value <= 10)
            or None in (model, question)
        ):
            raise In2xError(
                f"{model}, question {question}: the score is {value!r}", file=file, line=number,
                mend="give question_id, model and a score from 1 to 10 (-1: the judge failed)",
            )  # fmt: skip
        turn = row.get("turn", 1)
        if not isinstance(turn, int) or isinstance(turn, bool) or turn < 1:
            raise In2xError(f"{model}, question {question}: the turn is {turn!r}", file=file, line=number,
                            mend="give 1 or 2")  # fmt: skip
        judge = row.get("judge")
        name = "/".join(map(str, judge)) if isinstance(judge, list) else str(judge or "")
        score = None if value == -1 else float(value)
        text = str(row.get("judgment", ""))
        found.append(Judgement(str(question), str(model), turn, score, text, name))
    if not found:
        raise In2xError("no judgement in this file", file=file, mend="give one judgement a line")
    return found


def write_judgements(file: Path, judgements: Iterable[Judgement]) -> None:
    """Write judgements in the benchmark's own layout."""
    rows = [
        {"question_id": j.question, "model": j.model, "judge": j.judge, "turn": j.turn,
         "score": -1 if j.score is None else j.score, "judgment": j.text}
        for j in judgements
    ]  # fmt: skip
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def rating(text: str) -> float | None:
    """The last [[n]] of a judgement, n from 1 to 10; None where there is none outside reasoning and our own example."""
    found = [float(m) for m in _RATING.findall(_EXAMPLE.sub("", spoken(text)))]
    return next((value for value in reversed(found) if 1 <= value <= 10), None)


def generate(
    questions: Sequence[Question], asker: Asker, *, max_tokens: int = 1024, seed: int = 0
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Let a model answer every turn, each with the turns before it in view, at the category's temperature.

    A turn that stays empty when it is asked again is judged so; one that is cut, as far as it goes.

    Returns:
        Answers by question, and by question why there are none (a fault of the server or the connection).
    """
    faults: dict[str, str] = {}
    answers: dict[str, list[str]] = {q.id: [] for q in questions}
    for turn in range(max(len(q.turns) for q in questions)):
        asked = [q for q in questions if len(q.turns) > turn and q.id not in faults]
        requests = (
            Request(messages=tuple(_history(q, answers[q.id])), temperature=TEMPERATURES.get(q.category, 0.7),
                    max_tokens=max_tokens, seed=seed) for q in asked
        )  # fmt: skip
        replies = ask_until_read(asker, [Asked(request, _something) for request in requests])
        for question, reply in zip(asked, replies, strict=True):
            if reply.unasked:
                faults[question.id] = f"turn {turn + 1}: {reply.fault}"
            answers[question.id].append(reply.value or reply.text)
    return {question: turns for question, turns in answers.items() if question not in faults}, faults


def _something(answer: Answer) -> str:
    if not answer.text.strip():
        raise Unreadable("nothing was said")
    return answer.text


def _words(reply: Reply[float]) -> str:
    """What stands in the judgement: the judge's words, or that none came and why."""
    return f"{NO_ANSWER}: {reply.fault}" if reply.unasked else reply.text or reply.fault


def _history(question: Question, answers: Sequence[str]) -> Iterator[Message]:
    for said, answered in zip(question.turns, answers, strict=False):
        yield {"role": "user", "content": said}
        yield {"role": "assistant", "content": answered}
    yield {"role": "user", "content": question.turns[len(answers)]}


def judge(
    questions: Sequence[Question], answers: Mapping[str, Sequence[str]], asker: Asker, *, model: str,
    references: Mapping[str, Sequence[str]] | None = None, samples: int = 1, tries: int = 3, max_tokens: int = 1024,
) -> list[Judgement]:  # fmt: skip
    """Single-answer grading of every turn; for the second turn the judge sees both.

    Args:
        model: name of the model that answered.
        references: shown to the judge for mathematics, reasoning and coding.
        samples: judgements a turn.
        tries: how often a judge that gives no number is asked in all.

    Raises:
        In2xError: a question has no answer.
    """
    turns: list[Turn] = []
    for question in questions:
        given = answers.get(question.id)
        if given is None or len(given) < len(question.turns):
            count = f"{len(given or [])} answers for {len(question.turns)} turns"
            raise In2xError(f"{model}, question {question.id}: {count}", mend="let the model answer it first")
        for number in range(min(2, len(question.turns))):
            text = _prompt(question, given, (references or {}).get(question.id, []), number)
            turns += [Turn(question.id, number + 1, text, sample) for sample in range(samples)]
    # One judgement is greedy; several need room to differ.
    asked = (turn.asked(0.0 if samples == 1 else 0.7, max_tokens) for turn in turns)
    replies = ask_until_read(asker, asked, tries=tries, wish=_AGAIN)
    return [
        Judgement(turn.question, model, turn.number, reply.value, _words(reply), asker.name)
        for turn, reply in zip(turns, replies, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of a model, to be judged once."""

    question: str
    number: int
    prompt: str
    sample: int

    def asked(self, temperature: float, max_tokens: int) -> Asked[float]:
        """The question to the judge."""
        request = chat(self.prompt, system=SYSTEM, temperature=temperature, sample=self.sample, max_tokens=max_tokens)
        return Asked(request, _read)


def _read(answer: Answer) -> float:
    score = rating(answer.text)
    if score is None:
        raise Unreadable("no [[n]] from 1 to 10")
    return score


def _prompt(question: Question, answers: Sequence[str], references: Sequence[str], turn: int) -> str:
    shown = references if question.category in WITH_REFERENCE else []
    values = {f"question{n}": t for n, t in enumerate(question.turns[:2], start=1)}
    values |= {f"answer{n}": t or "(回答なし)" for n, t in enumerate(answers[:2], start=1)}
    for n in (1, 2):
        values[f"reference{n}"] = f"\n# 参考解答\n{shown[n - 1]}\n" if len(shown) >= n else ""
    template = _SECOND if turn else _FIRST
    # Not str.format: questions hold braces (code).
    return re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], template)


@dataclass(frozen=True)
class Row:
    """One model: mean scores with interval over all its judgements, by category and by turn; `failed` are left out."""

    model: str
    overall: Interval
    categories: dict[str, float]
    turns: dict[int, float]
    failed: int


def table(judgements: Sequence[Judgement], questions: Sequence[Question], *, unit_scale: bool = False) -> list[Row]:
    """Models by mean score, best first: the plain mean over all judgements of a model.

    Args:
        unit_scale: divide by 10, as leaderboards do that mix benchmarks.

    Raises:
        In2xError: a judgement of an unknown question, or a model whose every judgement failed.
    """
    category = {q.id: q.category for q in questions}
    unit = 0.1 if unit_scale else 1.0
    rows = []
    for model in dict.fromkeys(j.model for j in judgements):
        own = [j for j in judgements if j.model == model]
        stranger = next((j.question for j in own if j.question not in category), None)
        if stranger is not None:
            raise In2xError(f"{model}: question {stranger} is not among the questions", mend="give the right questions")
        scored = [(j, j.score * unit) for j in own if j.score is not None]
        if not scored:
            place = f"{model}, question {own[0].question}"
            raise In2xError(f"{place}: the judge gave no score ({own[0].text[:60]!r}), and so for every question",
                            mend="use a judge that follows the format")  # fmt: skip
        kinds = [*(c for c in CATEGORIES if c in category.values()), *sorted(set(category.values()) - set(CATEGORIES))]
        rows.append(Row(
            model, bootstrap(mean([s for _, s in scored])),
            {c: _mean([s for j, s in scored if category[j.question] == c]) for c in kinds},
            {t: _mean([s for j, s in scored if j.turn == t]) for t in sorted({j.turn for j, _ in scored})},
            len(own) - len(scored),
        ))  # fmt: skip
    return sorted(rows, key=lambda row: (-row.overall.value, row.model))


def uneven(judgements: Sequence[Judgement], questions: Sequence[Question]) -> list[str]:
    """Where a mean over all judgements is lopsided, a sentence a model: turns judged more or less often than most."""
    notes = []
    for model in dict.fromkeys(j.model for j in judgements):
        counts = Counter((j.question, j.turn) for j in judgements if j.model == model)
        usual = Counter(counts.values()).most_common(1)[0][0]
        judged = {question for question, _ in counts}
        turns = [(q.id, n) for q in questions if q.id in judged for n in range(1, min(2, len(q.turns)) + 1)]
        odd = [turn for turn in turns if counts[turn] != usual]
        if odd:
            question, number = odd[0]
            first = f"turn {number} of question {question} {counts[question, number]} times, where {usual} is usual"
            notes.append(f"{model}: {len(odd)} of {len(turns)} turns are not judged as often as the others: {first}")
    return notes


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else float("nan")
