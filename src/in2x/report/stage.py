"""Stage `report`: one self-contained `report.html` about the whole run.

    runs/NAME/report/report.html    no external request, light and dark, desktop and phone

The page reads artifacts only through their manifests and files and leaves out what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from in2x.artifact import MANIFEST, Artifact, write_text
from in2x.errors import UsageError
from in2x.pages.charts import figure
from in2x.pages.environment import duration, environment
from in2x.report import judged, results, sources, training
from in2x.report.config import ReportConfig
from in2x.selection import page as chosen
from in2x.stage import Stage

DRAWN = ("main", "map", "sample_clusters", "tuning", "principles")
"""Figures that are drawn, and are too long to be listed as well."""


def run(config: ReportConfig, stage: Stage) -> None:
    """Write `report.html` from the artifacts of the run."""
    page = render(stage.inputs, config, name=stage.recipe.name, target=stage.recipe.languages.target,
                  hub=stage.recipe.languages.hub)  # fmt: skip
    write_text(stage.out / "report.html", page)
    stage.figures["bytes"] = len(page.encode())
    # The artifact is renamed when the stage returns: this is where the page will be.
    stage.say(f"the page: {stage.out.parent.parent / stage.name / 'report.html'}")


def finished(run: Path, stages: Sequence[str]) -> dict[str, Artifact]:
    """The artifacts of the run in the folder `run` that a page can be made of, in the order of `stages`.

    Raises:
        UsageError: there is none.
    """
    found = {
        name: Artifact.open(run / name) for name in stages if (run / name / MANIFEST).exists() and name != "report"
    }
    if not found:
        raise UsageError("no finished stage in this folder", file=run, mend="give the folder of a run, like runs/demo")
    return found


def render(artifacts: Mapping[str, Artifact], config: ReportConfig, *, name: str, target: str, hub: str) -> str:
    """The page as HTML text, from whatever stages are in `artifacts`."""
    folders: dict[str, Path] = {stage: artifact.path for stage, artifact in artifacts.items()}
    manifests = {stage: dict(artifact.manifest) for stage, artifact in artifacts.items()}
    scores = (results.read_json(folders["evaluate"] / "scores.json") if "evaluate" in folders else None) or []
    differences = (results.read_json(folders["evaluate"] / "differences.json") if "evaluate" in folders else None) or []
    logs = {stage: training.read_log(folder) for stage, folder in folders.items()}
    limit = config.points
    context: dict[str, Any] = {
        "name": name,
        "target": target,
        "hub": hub,
        "manifests": manifests,
        "facts": {s: sources.facts({k: v for k, v in m.get("figures", {}).items() if k not in DRAWN})
                  for s, m in manifests.items()},
        "tiles": tiles(scores, manifests, hub, target),
        "tables": results.tables(scores),
        "interval_charts": results.charts(scores),
        "earned": results.earned(differences),
        "system_names": results.SYSTEM_NAMES,
        "samples": results.read_samples(folders["evaluate"], folders.get("data"), config.samples)
        if "evaluate" in folders else [],
        "curves": [chart for chart in (
            training.loss_chart("Base model, from scratch", logs.get("base", []), limit),
            training.phases_chart(logs.get("pretrain", []), limit),
            *training.held_out_charts(logs.get("base", []), logs.get("pretrain", [])),
            training.loss_chart("Supervised fine-tuning", logs.get("sft", []), limit),
        ) if chart],
        "rl_charts": training.rl_charts(logs.get("rl", []), limit),
        "failed_rewards": training.failed_rewards(manifests.get("rl", {}).get("figures", {})),
        "rl_answers": judged.answers(folders["rl"]) if "rl" in folders else [],
        "rl_written": judged.written(folders["rl"]) if "rl" in folders else [],
        "rl_fates": judged.fates(manifests.get("rl", {}).get("figures", {})),
        "pairs": sources.pairs(folders["data"]) if "data" in folders else [],
        "documents": sources.documents(folders["corpus"]) if "corpus" in folders else [],
        "rejects": sources.rejects(folders["corpus"]) if "corpus" in folders else [],
        "mixture": sources.mixture(manifests.get("corpus", {}).get("figures", {})),
        "decontaminated": sources.decontaminated(manifests.get("corpus", {}).get("figures", {})),
        "excerpts": sources.excerpts(folders["corpus"], target) if "corpus" in folders else [],
        "instructions": sources.instructions(folders["instruct"]) if "instruct" in folders else [],
        "instruction_languages": sources.languages_of(folders["instruct"]) if "instruct" in folders else [],
        "instruction_rejects": sources.rejects(folders["instruct"]) if "instruct" in folders else [],
        "chosen": chosen.selection(manifests.get("select", {}).get("figures", {})),
    }  # fmt: skip
    return environment().get_template("report/page.html.jinja").render(context)


def tiles(
    scores: list[dict[str, Any]], manifests: Mapping[str, Mapping[str, Any]], hub: str, target: str
) -> list[dict[str, str]]:
    """The headline figures: (label, value, note)."""
    found = {(s["system"], s["pair"], s["metric"]): s for s in scores}
    final = next((s for s in ("merged", "rl", "sft", "phase3", "base") if any(k[0] == s for k in found)), "")
    out = []
    for pair in (f"{hub}-{target}", f"{target}-{hub}"):
        last, first = found.get((final, pair, "chrF")), found.get(("base", pair, "chrF"))
        if last:
            note = f"base {figure(first['value'])}" if first else ""
            out.append({"label": f"chrF {results.direction(pair)}", "value": figure(last["value"]), "note": note})
    for metric, label in (("principles", "principles kept"), ("principle/register", "register kept")):
        last, before = found.get((final, "all", metric)), found.get(("sft", "all", metric))
        if last:
            note = f"after SFT {100 * before['value']:.1f}%" if before and final != "sft" else ""
            out.append({"label": label, "value": f"{100 * last['value']:.1f}%", "note": note})
    seconds = sum(float(m.get("seconds", 0)) for m in manifests.values())
    memory = max((int(m.get("peak_rss_mb", 0)) for m in manifests.values()), default=0)
    if seconds:
        out.append({"label": "wall time", "value": duration(seconds), "note": f"{len(manifests)} stages"})
    if memory:
        out.append({"label": "peak memory", "value": f"{memory / 1024:.1f} GB", "note": ""})
    return out
