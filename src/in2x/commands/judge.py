"""`in2x evaluate judge|judge-check|correlate`: grades by a model, how good it is at that, and agreement with people."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from in2x.commands.options import language_code, once_each, out_option
from in2x.commands.show import AsJson, emit, note, show
from in2x.errors import In2xError, UsageError

if TYPE_CHECKING:
    from in2x.evaluate.judge_check import JudgeCheck
    from in2x.metrics.significance import Interval

Server = Annotated[str | None, typer.Option("--judge-url", help="OpenAI-compatible server of the judge, up to /v1.")]
JudgeModel = Annotated[
    str,
    typer.Option("--judge", help="The judge: a model folder, an address (ADDRESS#NAME), or its name at --judge-url."),
]
CacheFile = Annotated[Path | None, typer.Option("--cache", help="SQLite file; an answer is paid for once.")]


def judge(
    hyp: Annotated[
        list[Path],
        typer.Option("--hyp", help="Translations, one a line; again for further systems.", callback=once_each("--hyp")),
    ],
    src: Annotated[Path, typer.Option("--src", help="Sources, one a line.")],
    source: Annotated[str, typer.Option("--from", help="Language of the sources.", callback=language_code)],
    to: Annotated[str, typer.Option("--to", help="Language of the translations.", callback=language_code)],
    model: JudgeModel,
    url: Server = None,
    cache: CacheFile = None,
    register: Annotated[str | None, typer.Option("--register", help="Register that was asked for.")] = None,
    context: Annotated[int, typer.Option("--context", min=0, help="Source lines before it that the judge sees.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Grade translations from 0 to 100 with error spans, by a language model (in the manner of GEMBA-ESA)."""
    from rich.table import Table

    from in2x.evaluate.inputs import read_parallel
    from in2x.judge.esa import Segment, grade
    from in2x.llm.cache import Cache
    from in2x.llm.open import open_judge
    from in2x.metrics.significance import bootstrap, mean

    asker = open_judge(model, url, Cache(cache) if cache else None)
    numbers, (sources, *systems) = read_parallel([src, *hyp])
    before = ["\n".join(sources[max(0, i - context) : i]) for i in range(len(sources))]
    rows: list[dict[str, Any]] = []
    table = Table("system", "score", "95% interval", "graded", "no verdict")
    for file, lines in zip(hyp, systems, strict=True):
        segments = [
            Segment(s, h, document=str(n), context=b, register=register)
            for n, s, h, b in zip(numbers, sources, lines, before, strict=True)
        ]
        graded = grade(segments, source, to, asker, system=str(file))
        found = bootstrap(mean([g.score for g in graded if g.score is not None]))
        failed = {n: g.fault for n, g in zip(numbers, graded, strict=True) if g.score is None}
        for n, fault in failed.items():
            note(f"{file}, line {n}: no verdict ({fault})")
        rows.append({"system": str(file), "judge": asker.name, "score": found.value, "low": found.low,
                     "high": found.high, "n": found.n, "failed": list(failed),
                     "segments": [dataclasses.asdict(g) for g in graded]})  # fmt: skip
        table.add_row(str(file), f"{found.value:.1f}", f"{found.low:.1f} – {found.high:.1f}", str(found.n),
                      str(len(failed)))  # fmt: skip
    if as_json:
        emit(rows)
    else:
        show(table)


def judge_check(
    model: JudgeModel,
    url: Server = None,
    cache: CacheFile = None,
    pairs: Annotated[Path | None, typer.Option("--pairs", help="Your own pairs, JSON Lines as data.train has them.  "
                                               "[default: the micro-world's]", show_default=False)] = None,
    source: Annotated[str | None, typer.Option("--from", help="Language of the sources of --pairs.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Language of the translations of --pairs.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Pairs; three questions are asked about each.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Which pairs, and what is planted.")] = 0,
    out: Annotated[Path | None, out_option("JSON for rl.judge.reliability.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Measure a judge by faults planted in good translations: does it see them, and what else sways it?"""
    from in2x.artifact import write_json
    from in2x.commands.show import progress
    from in2x.evaluate.judge_check import check_judge
    from in2x.evaluate.planted import of_pairs, of_world, read_pairs
    from in2x.language.codes import canonical
    from in2x.llm.cache import Cache
    from in2x.llm.open import open_judge

    if pairs is None:
        planted = list(of_world(seed, count))
    elif source is None or to is None:
        raise UsageError("--pairs needs --from and --to", mend="name the two languages")
    else:
        planted = list(of_pairs(read_pairs(pairs, canonical(source), canonical(to)), seed, count))
    if not planted:
        raise UsageError("no fault can be planted in these pairs", file=pairs,
                         mend="give sentences of several clauses, or checks (names, natural and traps)")  # fmt: skip
    asker = open_judge(model, url, Cache(cache) if cache else None)
    with progress("judge", len(planted)) as advance:
        found = check_judge(asker, planted, advance)
    if out is not None:
        write_json(out, found.as_json())
    if as_json:
        emit(found.as_json())
    else:
        _show_check(found)
    for why, times in found.why.items():
        note(f"{times} answers without a verdict: {why}")


def _show_check(found: JudgeCheck) -> None:
    from rich.table import Table

    def cells(part: Interval | None) -> list[str]:
        return [f"{part.value:.3f}", f"{part.low:.3f} – {part.high:.3f}", str(part.n)] if part else ["–", "–", "0"]

    faults = Table("planted fault", "share fell", "95% interval", "pairs")
    for kind, fell in found.faults.items():
        faults.add_row(kind, *cells(fell))
    agreement = Table("principle", "agreement", "kept", "broken", "verdicts")
    for text, a in {**found.principles, "all that a fault breaks": found.overall}.items():
        if a.agreement is not None:  # nothing is known of a principle that no fault breaks
            agreement.add_row(text, f"{a.agreement:.3f}", cells(a.kept)[0], cells(a.broken)[0], str(a.n))
    bias = Table("", "value", "95% interval", "n")
    for name, part in {
        "position: share when first less share when last": found.position,
        "length: the same said twice is better": found.length,
        "consistency: the same verdict when asked again": found.consistency,
        "unreadable: no verdict": found.unreadable,
    }.items():
        bias.add_row(name, *cells(part))
    for table in (faults, agreement, bias):
        show(table)


def correlate(
    test: Annotated[Path, typer.Option("--test", help="JSON Lines, one a segment: line, doc_id, src, ref, hyps.")],
    human: Annotated[Path, typer.Option("--human", help="ESA scores (JSON Lines) or MQM annotations (.tsv).")],
    pair: Annotated[str, typer.Option("--pair", help="Languages, for example en-ja.")],
    metric: Annotated[list[str] | None, typer.Option("--metric", help="BLEU, chrF, chrF++, TER, comet:MODEL, "
                                                     "metricx:MODEL.  [default: chrF chrF++ BLEU]",
                                                     show_default=False)] = None,
    scores: Annotated[Path | None, typer.Option("--scores", help="Scores from elsewhere: JSON Lines of system, line, "
                                                "scores.")] = None,
    checks: Annotated[bool, typer.Option("--checks/--no-checks", help="The code checks as well.")] = True,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """How well metrics and code checks agree with people, over systems and over segments; systems in rank clusters."""
    from rich.table import Table

    from in2x.evaluate import judged as room
    from in2x.evaluate.clusters import rank_clusters
    from in2x.evaluate.correlation import Agreement
    from in2x.language.codes import canonical

    if "-" not in pair:
        raise UsageError(f"{pair!r} is no language pair", mend="give it as en-ja")
    languages = [canonical(code) for code in pair.split("-", 1)]
    found = room.read_judged(test, human, pair)
    if len(found.systems) < 3:
        raise In2xError(f"only {len(found.systems)} systems are judged", file=human, mend="judge at least three")
    if found.left_out:
        note(f"judged, without outputs in the test set: {', '.join(found.left_out)}")
    names = metric or (["chrF", "chrF++", "BLEU"] if found.references else [])
    tables = [(name, "metric", room.metric_table(found, name, languages[1])) for name in names]
    if scores:
        tables += [(name, "metric", table) for name, table in room.read_score_tables(scores, found).items()]
    if checks:
        tables += [(name, "check", table) for name, table in room.check_tables(found, *languages).items()]
    rows, placed = room.correlate(tables, found.human), rank_clusters(found.human, found.systems)
    if as_json:
        emit({"systems": [dataclasses.asdict(p) for p in placed], "agreement": [dataclasses.asdict(r) for r in rows]})
        return
    people = Table("system", "human mean", "cluster", "rank range", "segments")
    for p in placed:
        people.add_row(p.system, f"{p.mean:.1f}", str(p.cluster), f"{p.first}–{p.last}", str(p.n))
    table = Table("", "systems: Pearson", "Spearman", "Kendall", "pairs", "segments: Pearson", "Spearman", "Kendall",
                  "pairs, ties", "n")  # fmt: skip

    def cells(a: Agreement | None) -> list[str]:
        return [f"{v:.3f}" for v in (a.pearson, a.spearman, a.kendall, a.accuracy)] if a else ["–"] * 4

    for r in rows:
        table.add_row(r.name, *cells(r.system), *cells(r.segment), str(r.segment.n) if r.segment else "0")
    show(people)
    show(table)
