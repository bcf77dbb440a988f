"""`in2x people analyse|import|export|judge`: what follows from judgements, files in and out, a judge held to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from in2x.commands.judge import CacheFile
from in2x.commands.options import out_option
from in2x.commands.show import AsJson, emit, note, show, tell
from in2x.commands.shown_help import App
from in2x.errors import UsageError

if TYPE_CHECKING:
    from in2x.people.analysis.whole import Analysis
    from in2x.people.calibrate import Calibration

StoreUrl = Annotated[
    str,
    typer.Option("--store", help="SQLite file, or postgresql://USER@HOST/NAME (a password goes into PGPASSWORD or the "
                                 "URL)."),
]  # fmt: skip
CampaignName = Annotated[
    str | None, typer.Option("--campaign", help="Its name.  [default: the only one]", show_default=False)
]
Dimension = Annotated[
    str | None,
    typer.Option("--by", help="Rank by score, spans, rank or the name of a question.  [default: the first there is]",
                 show_default=False),
]  # fmt: skip
Level = Annotated[float, typer.Option("--alpha", min=0.0001, max=0.5, help="Level of the tests.")]
Judges = Annotated[
    list[Path] | None, typer.Option("--judge", help="A file of `in2x people judge`; again for further judges.")
]


DEFAULT = "people.db"


def register(app: App) -> None:
    """Add these commands to `in2x people`."""
    app.command()(analyse)
    app.command("import")(take_in)
    app.command()(export)
    app.command()(judge)


def _judges(listed: list[Path] | None) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for file in listed or ():
        try:
            read = json.loads(file.read_text(encoding="utf-8"))
            found[str(read["judge"]["name"])] = {str(k): float(v) for k, v in read["shares"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"no calibration of a judge ({type(error).__name__})", file=file,
                             mend="give a file that `in2x people judge` wrote") from None  # fmt: skip
    return found


def analyse(
    store: StoreUrl = DEFAULT,
    campaign: CampaignName = None,
    by: Dimension = None,
    alpha: Level = 0.05,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Metrics to hold against people, where references were judged.  "
                     "[default: chrF chrF++ BLEU]", show_default=False),
    ] = None,
    judges: Judges = None,
    out: Annotated[Path | None, out_option("The page to write.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Who is better, how sure that is, who judged with care, how many more judgements it takes, what to read first."""
    from in2x.artifact import write_text
    from in2x.people.analysis.machines import METRICS
    from in2x.people.analysis.whole import analyse as run
    from in2x.people.analysis_page import render
    from in2x.people.store import Store

    said = _judges(judges)
    with Store.open(store) as opened:
        name = opened.the_campaign(campaign)
        held, rows = opened.campaign(name), opened.judgements(name)
    found = run(rows, held, dimension=by, significance=alpha, metrics=tuple(metric or METRICS), judges=said)
    if out is not None:
        write_text(out, render(found, held))
    if as_json:
        emit(found.as_json())
    else:
        _show(found)
        if out is not None:
            tell(f"the page: {out}")


def _interval(low: float, high: float) -> str:
    return "–" if low != low else f"{low:.1f} – {high:.1f}"


def _show(found: Analysis) -> None:
    from rich.table import Table

    if found.ranking is not None:
        table = Table(
            "system", "mean", "95% interval", "z", "model", "95% interval", "cluster", "ranks", "by Holm", "n"
        )
        for s, p in zip(found.systems, found.ranking.places, strict=True):
            model = (f"{s.model.value:.2f}", _interval(s.model.low, s.model.high)) if s.model else ("–", "–")
            table.add_row(s.system, f"{s.mean:.2f}", _interval(s.low, s.high), f"{s.z:+.3f}", *model, str(p.cluster),
                          f"{p.first}–{p.last}", str(p.cluster_holm), str(s.n))  # fmt: skip
        show(table)
    if found.preferences is not None:
        table = Table("system", "won", "95% interval", "strength", "comparisons")
        for q in found.preferences.systems:
            table.add_row(q.system, f"{100 * q.rate:.0f}%", f"{100 * q.low:.0f} – {100 * q.high:.0f}%",
                          f"{q.strength:+.2f}", str(q.n))  # fmt: skip
        show(table)
    agreement = Table("agreement", "values", "alpha", "95% interval", "judged twice")
    for a in found.agreement:
        for kind, value in a.alphas.items():
            alpha, interval = "–", "–"
            if value.value == value.value:
                alpha = f"{value.value:.3f}"
            if value.low == value.low:
                interval = f"{value.low:.3f} – {value.high:.3f}"
            agreement.add_row(a.dimension, kind, alpha, interval, f"{a.twice} of {a.units}")
    show(agreement)
    for one in found.annotators:
        for why in one.fails:
            print(f"{one.name} {why}")
    for words in found.notes:
        note(words)


def _pair(file: Path, source: str | None, target: str | None) -> tuple[str, str]:
    """The languages that options or the name of the file give; "und" for one that nobody named."""
    import re

    from in2x.language.codes import canonical

    named = re.search(r"(?<![a-zA-Z])([a-z]{2,3})-([a-z]{2,3})(?![a-z])", file.name)
    pair = []
    for given, number in ((source, 1), (target, 2)):
        try:
            pair.append(canonical(given or (named[number] if named else "")))
        except UsageError:
            if given is not None:
                raise
            pair.append("und")
    return pair[0], pair[1]


def take_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Judgements: WMT ESA (JSON Lines), MQM (TSV), a pearmut "
                                         "log, Appraise's CSV.")],
    store: StoreUrl = DEFAULT,
    source: Annotated[str | None, typer.Option("--from", help="Language of the sources.  [default: by the name of the "
                                               "file, as in wmt24.en-ja.jsonl]", show_default=False)] = None,
    to: Annotated[str | None, typer.Option("--to", help="Language of the translations.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the campaign.  [default: that of the file]",
                                             show_default=False)] = None,
    kind: Annotated[str | None, typer.Option("--format", help="wmt-esa, mqm, pearmut or appraise.  [default: by "
                                             "suffix and content]", show_default=False)] = None,
    texts: Annotated[Path | None, typer.Option("--texts", help="Test set with sources and outputs, JSON Lines, where "
                                               "the file holds numbers alone.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Take judgements of another tool into a store, as a campaign that is closed."""
    import re

    from in2x.people.imports import read_file, save
    from in2x.people.store import Store

    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name or file.name.split(".gz")[0].rsplit(".", 1)[0]).strip("-")[:64]
    if name is not None and plain != name:
        raise UsageError(f"--name: {name!r}", mend="use letters, digits, - and _")
    found = read_file(file, plain or "imported", *_pair(file, source, to), kind=kind, texts=texts)
    with Store.open(store, create=True) as opened:
        save(opened, found)
    told: dict[str, Any] = {"campaign": found.campaign.id, "format": found.format, "judgements": found.judgements,
                            "annotators": len(found.events)}  # fmt: skip
    if as_json:
        emit(told)
    else:
        print(
            f"{told['campaign']}: {told['judgements']} judgements by {told['annotators']} annotators ({told['format']})"
        )


def export(
    out: Annotated[Path, out_option("The file to write.")],
    store: StoreUrl = DEFAULT,
    kind: Annotated[str, typer.Option("--format", help="jsonl, csv, parquet, pearmut, appraise; latex (a table), heds "
                                      "(JSON) or heds-latex.")] = "jsonl",
    campaign: CampaignName = None,
    by: Dimension = None,
) -> None:  # fmt: skip
    """Write judgements for other programs, the table for a paper, or the human evaluation datasheet (HEDS 3.0)."""
    from in2x.artifact import write_json, write_text
    from in2x.people import exports, heds, latex
    from in2x.people.analysis.whole import analyse as run
    from in2x.people.store import Store

    papers = ("latex", "heds", "heds-latex")
    if kind not in (*exports.FORMATS, *papers):
        raise UsageError(f"{kind!r} is no format", mend=f"use one of {', '.join((*exports.FORMATS, *papers))}")
    with Store.open(store) as opened:
        name = opened.the_campaign(campaign)
        held, rows = opened.campaign(name), opened.judgements(name)
    if kind in exports.FORMATS:
        exports.write(out, kind, rows, held)
    else:
        found = run(rows, held, dimension=by)
        if kind == "latex":
            write_text(out, latex.table(found, held))
        elif kind == "heds":
            write_json(out, heds.as_json(heds.datasheet(held, found)))
        else:
            write_text(out, heds.as_latex(heds.datasheet(held, found)))
    print(out)


def judge(
    model: Annotated[str, typer.Option("--model", help="The judge: a model folder, an address (ADDRESS#NAME), or its "
                                       "name at --model-url.")],
    url: Annotated[str | None, typer.Option("--model-url", help="OpenAI-compatible server of the judge, up to /v1.")]
    = None,
    store: StoreUrl = DEFAULT,
    cache: CacheFile = None,
    campaign: CampaignName = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Segments; two questions are asked about each.  "
                                              "[default: all]", show_default=False)] = None,
    out: Annotated[Path | None, out_option("JSON for rl.judge.reliability and for analyse --judge.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Ask a judge model about what people judged: where do they agree, and what sways the judge?"""
    from in2x.artifact import write_json
    from in2x.commands.show import progress
    from in2x.llm.cache import Cache
    from in2x.llm.open import open_judge
    from in2x.people.calibrate import ask, groups, measure
    from in2x.people.store import Store

    with Store.open(store) as opened:
        name = opened.the_campaign(campaign)
        held, rows = opened.campaign(name), opened.judgements(name)
    listed = groups(held, rows)[:count]
    asker = open_judge(model, url, Cache(cache) if cache else None)
    with progress("judge", len(listed)) as advance:
        heard = ask(asker, held, listed, advance)
    found = measure(asker.name, held, rows, heard)
    if out is not None:
        write_json(out, found.as_json())
    if as_json:
        emit(found.as_json())
    else:
        _show_calibration(found)
    for why, times in found.unreadable.items():
        note(f"{times} translations without a verdict: {why}")


def _show_calibration(found: Calibration) -> None:
    from rich.table import Table

    table = Table("principle", "agreement", "by", "n")
    for text, m in {**found.principles, **({"overall": found.overall} if found.overall else {})}.items():
        table.add_row(text, f"{m.agreement:.3f}", m.by, str(m.n))
    show(table)
    bias = Table("bias", "value", "95% interval", "n")
    for name, part in {"position: share when first less share when last": found.position,
                       "length: correlation with what the judge adds": found.length}.items():  # fmt: skip
        bias.add_row(name, *([f"{part.value:+.3f}", f"{part.low:+.3f} – {part.high:+.3f}", str(part.n)] if part
                             else ["–", "–", "0"]))  # fmt: skip
    for name, mean in found.systems.items():
        bias.add_row(f"system: {name}", f"{mean.value:+.3f}", "–" if mean.low != mean.low
                     else f"{mean.low:+.3f} – {mean.high:+.3f}", str(mean.n))  # fmt: skip
    show(bias)
