"""The audit of a run: its own outputs before and after RL, its own rewards, one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from in2x.artifact import Artifact, write_text
from in2x.errors import In2xError, UsageError
from in2x.evaluate.audit import Audit, Side, audit, mbr_sensitivity
from in2x.evaluate.outputs import Output
from in2x.evaluate.systems import SYSTEMS, open_translator
from in2x.metrics.learned import statistics
from in2x.metrics.significance import Statistics
from in2x.pages.environment import environment
from in2x.records import read_records
from in2x.translate.request import TranslationRequest


def audit_run(
    run: Path, *, before: str = "sft", after: str = "rl", pair: str | None = None,
    rewarded: Sequence[str] | None = None, learned: Sequence[str] = (), out: Path | None = None, candidates: int = 0,
) -> tuple[Audit, Path]:  # fmt: skip
    """Audit model `after` of a run against `before` on its held-out pairs and write the page.

    Args:
        pair: direction; the first of the evaluation if None.
        rewarded: rewards; the run's own (from the manifest of its RL stage) if None.
        learned: learned metrics ("comet:MODEL", "metricx:MODEL") to measure both models with.
        out: the page; `RUN/audit.html` if None.
        candidates: samples a segment from model `after` for the table of minimum Bayes risk; 0 leaves it out.

    Raises:
        In2xError: the run has no finished evaluate stage.
        UsageError: an unknown model, direction, reward or learned metric.
    """
    evaluate = Artifact.open(run / "evaluate")
    outputs = list(read_records(evaluate.path / "outputs.parquet", Output))
    drawn = list(read_records(evaluate.path / "sampled.parquet", Output))
    pair = pair or outputs[0].pair
    sides = []
    for name in (before, after):
        own = [o for o in outputs if o.system == name and o.pair == pair]
        if not own:
            systems = ", ".join(dict.fromkeys(o.system for o in outputs))
            pairs = ", ".join(dict.fromkeys(o.pair for o in outputs))
            raise UsageError(f"the run has no outputs of {name} for {pair}", file=evaluate.path,
                             mend=f"models: {systems}; directions: {pairs}")  # fmt: skip
        sides.append((own, [o.hypothesis for o in drawn if o.system == name and o.pair == pair]))
    if [o.id for o in sides[0][0]] != [o.id for o in sides[1][0]]:
        raise In2xError(f"{before} and {after} answered different segments", file=evaluate.path, mend="evaluate again")
    if rewarded is None:
        config = Artifact.open(run / "rl").manifest.get("config", {})
        rewarded = [name for name, weight in dict(config.get("rewards", {})).items() if weight]
    first, second = (
        Side(name, [o.hypothesis for o in own], [o.principles for o in own], sampled, _learned(own, learned))
        for name, (own, sampled) in zip((before, after), sides, strict=True)
    )
    asked = sides[0][0]
    found = audit(
        first, second, [o.source for o in asked], [o.reference for o in asked], lang=pair.split("-")[1],
        rewarded=rewarded, tokenize=evaluate.manifest.get("config", {}).get("tokenize"),
    )  # fmt: skip
    mbr = _mbr(run, after, asked, candidates) if candidates else None
    file = out or run / "audit.html"
    page = environment().get_template("evaluate/audit.html.jinja")
    write_text(file, page.render(audit=found, before=before, after=after, pair=pair, rewarded=rewarded, mbr=mbr))
    return found, file


def _learned(outputs: Sequence[Output], names: Sequence[str]) -> dict[str, Statistics]:
    found = {}
    for name in names:
        kind, _, model = name.partition(":")
        found[name] = statistics(kind, model, [o.source for o in outputs], [o.hypothesis for o in outputs],
                                 [o.reference for o in outputs])  # fmt: skip
    return found


def _mbr(run: Path, system: str, asked: Sequence[Output], candidates: int) -> dict[str, dict[str, float]]:
    """Scores by each metric when minimum Bayes risk chooses among samples of a model by each utility."""
    _, stage, folder = next(row for row in SYSTEMS if row[0] == system)
    translator = open_translator(Artifact.open(run / stage).path / folder)
    source, target = asked[0].pair.split("-")
    request = TranslationRequest(source, target, [o.register for o in asked], temperature=1.0)
    drawn = [translator.translate([o.source for o in asked], replace(request, seed=seed)) for seed in range(candidates)]
    return mbr_sensitivity([list(row) for row in zip(*drawn, strict=True)], [o.reference for o in asked], target)
