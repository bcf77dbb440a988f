"""`in2x evaluate ...`: thin commands over this room. Results on stdout (`--json`: one document), all else on stderr."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from in2x.commands import judge as cli_judged
from in2x.commands import mtbench as cli_mtbench
from in2x.commands.express import express, harness
from in2x.commands.options import language_code, once_each, out_option
from in2x.commands.show import AsJson, emit, note, show, tell
from in2x.commands.shown_help import App
from in2x.errors import UsageError

app = App("Measure, rank, judge and audit translations.")


@app.command()
def score(
    hyp: Annotated[list[Path], typer.Option("--hyp", help="Translations, one a line; again for further systems.",
                                            callback=once_each("--hyp"))],
    ref: Annotated[list[Path], typer.Option("--ref", help="References, one a line; again for further references.")],
    to: Annotated[str, typer.Option("--to", help="Language of the translations, for example ja.",
                                    callback=language_code)],
    src: Annotated[Path | None, typer.Option("--src", help="Sources, one a line (learned metrics need them).")] = None,
    metric: Annotated[list[str] | None, typer.Option("--metric", help="BLEU, chrF, chrF++, TER, or comet:MODEL, "
                                                     "metricx:MODEL.  [default: the first four]",
                                                     show_default=False)] = None,
    tokenize: Annotated[str | None, typer.Option("--tokenize", help="BLEU tokeniser.  [default: by language]",
                                                 show_default=False)] = None,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Take empty translations.")] = False,
    resamples: Annotated[int, typer.Option("--resamples", min=100, help="Bootstrap resamples.")] = 1000,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Score translations with sacrebleu signatures and 95% intervals; later systems are compared with the first."""
    from rich.table import Table

    from in2x.evaluate.compare import compare_systems
    from in2x.evaluate.inputs import read_parallel
    from in2x.metrics.strings import METRICS

    files = [*ref, *hyp, *([src] if src else [])]
    _, lines = read_parallel(files, allow_empty=hyp if allow_empty else ())
    references, hypotheses = lines[: len(ref)], lines[len(ref) : len(ref) + len(hyp)]
    rows = compare_systems(
        dict(zip([str(h) for h in hyp], hypotheses, strict=True)), references, lang=to, tokenize=tokenize,
        sources=lines[-1] if src else None, metrics=metric or list(METRICS), resamples=resamples,
    )  # fmt: skip
    if as_json:
        emit([{k: v for k, v in dataclasses.asdict(r).items() if v is not None} for r in rows])
        return
    table = Table("system", "metric", "score", "95% interval", *(["against the first"] if hyp[1:] else []))
    named = {str(h): h.name if len({one.name for one in hyp}) == len(hyp) else str(h) for h in hyp}
    for r in rows:
        gap = "" if r.difference is None else f"{r.difference:+.2f} (p = {r.p:.3f})"
        shown = (r.metric, f"{r.value:.2f}", f"{r.low:.2f} – {r.high:.2f}", *([gap] if hyp[1:] else []))
        table.add_row(named[r.system], *shown)
    show(table)
    for measure, signature in {r.metric: r.signature for r in rows}.items():
        print(f"{measure}: {signature}")  # whole, to be copied: a column would cut it


@app.command()
def mbr(
    systems: Annotated[list[Path], typer.Argument(metavar="FILE", help="Translations of the same text, one a line, "
                                                  "of any systems; three files or more.",
                                                  callback=once_each("FILE"))],
    out: Annotated[Path, out_option("The lines chosen.")],
) -> None:  # fmt: skip
    """Choose line by line, of what several systems say, the translation that the others agree with most (by chrF)."""
    from in2x.artifact import write_text
    from in2x.evaluate.inputs import read_lines, read_parallel
    from in2x.translate.mbr import UTILITY, consensus

    if len(systems) < 3:
        raise UsageError("of two translations neither has more agreement than the other", mend="give three files")
    numbers, columns = read_parallel(systems, allow_empty=systems)
    chosen = [""] * len(read_lines(systems[0]))
    for number, *said in zip(numbers, *columns, strict=True):
        chosen[number - 1] = consensus([text for text in said if text.strip()])
    write_text(out, "".join(f"{line}\n" for line in chosen))
    tell(f"utility: {UTILITY}")
    print(out)


@app.command()
def autorank(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Score files, SYSTEM.jsonl each.")],
    pair: Annotated[str, typer.Option("--pair", help="Language pair as in the files, for example en-ja_JP.")],
    metrics: Annotated[str | None, typer.Option("--metrics", help="Comma-separated; without it the organisers' own.")]
    = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Rank by one domain alone.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Rank the systems of a WMT25 language pair by AutoRank (1 is best)."""
    from rich.table import Table

    from in2x.evaluate.autorank import autorank as rank
    from in2x.evaluate.autorank import read_scores

    chosen = [m.strip() for m in metrics.split(",")] if metrics else None
    ranking = rank(read_scores(folder, pair), pair, metrics=chosen, domain=domain)
    for warning in ranking.warnings:
        note(warning)
    if as_json:
        emit({"pair": pair, "metrics": ranking.metrics, "systems": [dataclasses.asdict(r) for r in ranking.rows],
               "warnings": ranking.warnings})  # fmt: skip
        return
    table = Table("system", "AutoRank", *ranking.metrics)
    for row in ranking.rows:
        shown = [f"{row.metrics[m]:.{3 if 'comet' in m.lower() else 1}f}" for m in ranking.metrics]
        table.add_row(row.system, f"{row.autorank:.1f}", *shown)
    show(table)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example runs/demo.")],
    out: Annotated[Path | None, out_option("Where to write.  [default: RUN/report.html]")] = None,
) -> None:  # fmt: skip
    """Make the page about a run again, from whatever stages are finished."""
    from in2x.artifact import write_text
    from in2x.language.example import HUB, TARGET
    from in2x.report.config import ReportConfig
    from in2x.report.stage import finished, render
    from in2x.run import STAGES

    found = finished(run, STAGES)
    languages: dict[str, Any] = next(iter(found.values())).manifest.get("languages", {})
    name = str(next(iter(found.values())).manifest.get("recipe", run.name))
    page = render(found, ReportConfig(), name=name, target=str(languages.get("target", TARGET)),
                  hub=str(languages.get("hub", HUB)))  # fmt: skip
    file = out or run / "report.html"
    write_text(file, page)
    print(file)


@app.command()
def wmt(
    submission: Annotated[Path, typer.Argument(metavar="SUBMISSION", help="JSON Lines of doc_id and hypothesis.")],
    test: Annotated[Path, typer.Option("--test", help="The test set, JSON Lines.")],
    pair: Annotated[str, typer.Option("--pair", help="Language pair, for example en-ja_JP.")],
    as_json: AsJson = False,
) -> None:
    """Check a WMT submission against its test set; with references also chrF by domain. Exit code 1 on any fault."""
    from rich.table import Table

    from in2x.evaluate.wmt import align, check_submission, chrf_by_domain, read_submission, read_testset

    documents, found = read_testset(test, pair), read_submission(submission, pair)
    said = found.documents
    faults = check_submission(said, documents, submission.stem)
    scores = {}
    if not faults and all(d.references for d in documents.values()):
        lang = pair.split("-")[1].split("_")[0]
        scores = chrf_by_domain(documents, align(said, documents, submission.stem), lang)
    if as_json:
        emit(
            {
                "faults": faults,
                "documents": len(documents),
                "other_pairs": found.others,
                "chrF": {d: dataclasses.asdict(s) for d, s in scores.items()},
            }
        )
    else:
        for other, count in found.others.items():
            note(f"{count} documents of {other} are in the file; they were not checked")
        for fault in faults:
            print(fault)
        if scores:
            table = Table("domain", "chrF", "95% interval", "paragraphs")
            for domain, s in scores.items():
                table.add_row(domain, f"{s.value:.1f}", f"{s.low:.1f} – {s.high:.1f}", str(s.n))
            show(table)
        if not faults:
            tell(f"{len(documents)} documents, no fault found")
    if faults:
        raise typer.Exit(1)


@app.command()
def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Score files, SYSTEM.jsonl each.")],
    pair: Annotated[str, typer.Option("--pair", help="Language pair, for example en-ja_JP.")],
    out: Annotated[Path, out_option("The page to write.")],
    outputs: Annotated[Path | None, typer.Option("--outputs", help="JSON Lines with the systems' outputs, to show "
                                                 "side by side.")] = None,
) -> None:  # fmt: skip
    """Write the leaderboard page of a WMT pair: metrics, domains, rank clusters, outputs side by side."""
    from in2x.artifact import write_text
    from in2x.evaluate import leaderboard as room
    from in2x.evaluate.autorank import read_scores
    from in2x.evaluate.wmt import read_testset

    scores = read_scores(folder, pair)
    samples = room.side_by_side(scores, read_testset(outputs, pair), pair) if outputs else []
    write_text(out, room.render(room.leaderboard(scores, pair), samples))
    print(out)


@app.command()
def audit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run with a finished evaluate stage.")],
    before: Annotated[str, typer.Option("--before", help="Model before the rewards.")] = "sft",
    after: Annotated[str, typer.Option("--after", help="Model after the rewards.")] = "rl",
    pair: Annotated[str | None, typer.Option("--pair", help="Direction.  [default: the first one]", show_default=False)]
    = None,
    rewarded: Annotated[list[str] | None, typer.Option("--rewarded", help="What was rewarded; again for more.  "
                                                       "[default: the run's own rewards]", show_default=False)] = None,
    learned: Annotated[list[str] | None, typer.Option("--learned", help="Measure both with comet:MODEL or "
                                                      "metricx:MODEL as well; again for more.")] = None,
    out: Annotated[Path | None, out_option("The page.  [default: RUN/audit.html]")] = None,
    candidates: Annotated[int, typer.Option("--candidates", min=0, help="Samples a segment for the table of minimum "
                                            "Bayes risk; 0 leaves it out.")] = 0,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Audit a rewarded model on measures that it was not rewarded with."""
    from in2x.evaluate.audit_run import audit_run

    found, file = audit_run(run, before=before, after=after, pair=pair, rewarded=rewarded,
                            learned=learned or (), out=out, candidates=candidates)  # fmt: skip
    if as_json:
        emit({"segments": found.segments, "findings": found.findings,
               "measures": [dataclasses.asdict(m) for m in found.measures], "page": str(file)})  # fmt: skip
        return
    for finding in found.findings or ["Nothing to flag."]:
        print(finding)
    tell(f"the page: {file}")


app.command()(express)
app.command()(harness)
app.command()(cli_judged.judge)
app.command("judge-check")(cli_judged.judge_check)
app.command()(cli_judged.correlate)
app.command()(cli_mtbench.mtbench)
