"""chrF and BLEU of answers in the log of a run, each with the signature that says what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from in2x.metrics.strings import statistics
from in2x.records import Instruction


def string_figures(instructions: Sequence[Instruction], texts: Sequence[str], suffix: str) -> dict[str, float | str]:
    """Corpus chrF and BLEU of `texts` against the instructions' answers, as "dev/chrf..." and "dev/bleu...".

    Each language is measured by the tokeniser of its own pack; where the answers are in several, the figure is the mean
    over languages weighted by their segments (our choice), and the signature that of each in turn.
    """
    row: dict[str, float | str] = {}
    for metric in ("chrF", "BLEU"):
        total, signatures = 0.0, []
        for lang in sorted({i.lang for i in instructions}):
            at = [n for n, i in enumerate(instructions) if i.lang == lang]
            hyps, refs = [texts[n] for n in at], [instructions[n].answer or "" for n in at]
            found = statistics(hyps, refs, metric, lang=lang)
            total += found.value * len(at) / len(instructions)
            signatures.append(f"{lang} {found.signature}")
        row[f"dev/{metric.lower()}{suffix}"] = total
        row[f"dev/{metric.lower()}{suffix}/signature"] = "; ".join(dict.fromkeys(signatures))
    return row
