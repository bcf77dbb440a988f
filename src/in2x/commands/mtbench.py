"""`in2x evaluate mtbench`: answer, judge and tabulate MT-bench, or only tabulate what was judged before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from in2x.commands.judge import CacheFile
from in2x.commands.options import check_writable
from in2x.commands.show import AsJson, emit, note, show, tell
from in2x.errors import In2xError, UsageError


def mtbench(
    questions: Annotated[Path, typer.Option("--questions", help="JSON Lines of questions.")],
    judgements: Annotated[Path, typer.Option("--judgements", help="JSON Lines of judgements: read, or written when "
                                             "--judge is given.")],
    answers: Annotated[Path | None, typer.Option("--answers", help="JSON Lines of answers to judge: read, or written "
                                                 "when --model is given.")] = None,
    references: Annotated[Path | None, typer.Option("--references", help="JSON Lines of reference answers.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Model that answers: folder, or name at --model-url.")]
    = None,
    model_url: Annotated[str | None, typer.Option("--model-url", help="OpenAI-compatible server of it.")] = None,
    judge: Annotated[str | None, typer.Option("--judge", help="The judge: folder, or name at --judge-url.")] = None,
    judge_url: Annotated[str | None, typer.Option("--judge-url", help="OpenAI-compatible server of the judge.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the model in the table.")] = "model",
    samples: Annotated[int, typer.Option("--samples", min=1, help="Judgements a turn.")] = 1,
    cache: CacheFile = None,
    unit_scale: Annotated[bool, typer.Option("--unit-scale", help="Scores from 0 to 1.")] = False,
    radar: Annotated[Path | None, typer.Option("--radar", help="Write a radar of the categories (SVG) here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """MT-bench: a model answers, a judge reads both turns; means by category and turn.

    Without --judge an existing judgement file is tabulated again.
    """
    from rich.table import Table

    from in2x.artifact import write_text
    from in2x.evaluate import mtbench as room
    from in2x.llm.cache import Cache
    from in2x.llm.open import open_judge
    from in2x.pages.radar import radar as draw

    for written in (answers if model else None, judgements if judge else None, radar):
        if written:
            check_writable(written)
    asked = room.read_questions(questions)
    shown = room.read_answers(references) if references else None
    kept = Cache(cache) if cache else None
    if model or judge:
        if answers is None:
            raise UsageError("no file of answers is named", mend="give --answers")
        if model:
            said, faults = room.generate(asked, open_judge(model, model_url, kept))
            room.write_answers(answers, said, model=name)
            for question, fault in faults.items():
                note(f"question {question}, {fault}")
            if faults:
                raise In2xError(
                    f"{len(faults)} questions have no answer",
                    file=answers,
                    mend="see the server's log and run again; with --cache the others cost nothing",
                )
        if judge:
            found = room.judge(
                asked, room.read_answers(answers), open_judge(judge, judge_url, kept), model=name,
                references=shown, samples=samples,
            )  # fmt: skip
            room.write_judgements(judgements, found)
            for j in found:
                if j.score is None:
                    why = j.text if j.text.startswith(room.NO_ANSWER) else f"no number in {j.text[:60]!r}"
                    note(f"question {j.question}, turn {j.turn}: {why}")
        else:
            tell(f"answers: {answers}; give --judge to have them judged")
            return
    found = room.read_judgements(judgements)
    for words in room.uneven(found, asked):
        note(words)
    rows = room.table(found, asked, unit_scale=unit_scale)
    if radar:
        scale = 1.0 if unit_scale else 10.0
        write_text(radar, draw({r.model: r.categories for r in rows}, top=scale))
        tell(f"the radar: {radar}")
    if as_json:
        emit([
            {"model": r.model, "score": r.overall.value, "low": r.overall.low, "high": r.overall.high,
             "n": r.overall.n, "categories": {c: v for c, v in r.categories.items() if v == v}, "turns": r.turns,
             "failed": r.failed}
            for r in rows
        ])  # fmt: skip
        return
    table = Table("model", "score", "95% interval", *rows[0].categories, "failed")
    for r in rows:
        cells = [f"{v:.2f}" if v == v else "–" for v in r.categories.values()]
        interval = f"{r.overall.low:.2f} – {r.overall.high:.2f}"
        table.add_row(r.model, f"{r.overall.value:.2f}", interval, *cells, str(r.failed))
    show(table)
