"""The table of an analysis for a paper, in LaTeX (booktabs)."""

from __future__ import annotations

import math
import re

from in2x.people.analysis.whole import Analysis
from in2x.people.model import SCORE, SPANS, Campaign

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def escape(text: str) -> str:
    """`text` as LaTeX prints it."""
    return re.sub(r"[\\{}$&#%_~^<>]", lambda m: _SPECIAL[m[0]], text)


def _range(low: float, high: float, digits: int) -> str:
    if math.isnan(low) or math.isnan(high):
        return "--"
    return f"[{low:.{digits}f}, {high:.{digits}f}]".replace("-", "$-$")


def _number(value: float, digits: int) -> str:
    return "--" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "$-$")


def table(analysis: Analysis, campaign: Campaign) -> str:
    """Systems with means, intervals and clusters; a line parts clusters, the caption says what was done."""
    digits = 1 if analysis.dimension in (SCORE, SPANS) else 3
    lines = [
        r"\begin{table}[t]", r"\centering", r"\begin{tabular}{lrrlrlcc}", r"\toprule",
        r"System & $n$ & Mean & 95\% & Model & 95\% & Ranks & Cluster \\", r"\midrule",
    ]  # fmt: skip
    if analysis.ranking is not None:
        before = 1
        for system, place in zip(analysis.systems, analysis.ranking.places, strict=True):
            if place.cluster != before:
                lines.append(r"\midrule")
            before = place.cluster
            cells = [escape(system.system), str(system.n), _number(system.mean, digits)]
            cells += [_range(system.low, system.high, digits)]
            model = system.model
            cells += [_number(model.value, digits), _range(model.low, model.high, digits)] if model else ["--", "--"]
            lines.append(" & ".join([*cells, f"{place.first}--{place.last}", str(place.cluster)]) + r" \\")
    main = analysis.agreement[0]
    alpha = next(iter(main.alphas.values()), None)
    agreement = (
        "; agreement cannot be computed (no segment was judged twice)"
        if alpha is None or math.isnan(alpha.value)
        else rf"; Krippendorff's $\alpha$ = {_number(alpha.value, 2)} {_range(alpha.low, alpha.high, 2)} on "
        f"{alpha.units} translations judged twice or more"
    )
    failing = sum(bool(a.fails) for a in analysis.annotators)
    ranking = analysis.ranking
    caption = (
        f"{escape(campaign.id)} ({escape(campaign.source_lang)}--{escape(campaign.target_lang)}): "
        f"{escape(analysis.dimension)}, {analysis.judgements} judgements by {analysis.people} annotators of "
        f"{analysis.segments} segments in {analysis.documents} documents{agreement}. Mean: all judgements, "
        "bootstrap-$t$ over documents. Model: linear mixed model (system fixed; annotator, document, segment, document "
        "by system random), "
        f"Satterthwaite intervals. Clusters: {escape(ranking.test) if ranking else ''} over all pairs, "
        f"$\\alpha$ = {ranking.alpha if ranking else 0:g}, without correction; with Holm's correction "
        f"{max((p.cluster_holm for p in ranking.places), default=1) if ranking else 1} clusters. "
        f"{failing} annotators fail an exclusion rule "
        f"{'fixed beforehand' if analysis.rules_fixed else '(not fixed beforehand)'}; all are included."
    )
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}",
                      rf"\label{{tab:{re.sub(r'[^A-Za-z0-9-]', '-', campaign.id)}}}", r"\end{table}", ""])  # fmt: skip
