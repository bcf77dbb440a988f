"""The audit against reward hacking: what a model was rewarded with, set against everything it was not.

Two models on the same segments, before and after. Every metric and every check is measured on both and marked as
rewarded or held out; the audit flags held-out measures that fall while rewarded ones rise, drift in length and
copying, loss of diversity, and (given candidates) how far minimum Bayes risk decoding flatters its own utility.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sacrebleu.metrics import BLEU, CHRF

from in2x.errors import In2xError, UsageError
from in2x.evaluate.rewarded import is_rewarded
from in2x.language.language import language
from in2x.metrics.chrf import Utility, expected_utility, pairwise_chrf
from in2x.metrics.significance import SEED, Statistics, mean, paired_bootstrap, ratio
from in2x.metrics.strings import LOWER_IS_BETTER, METRICS, canonical, statistics

ALPHA = 0.05
LENGTH_DRIFT = 0.05
"""Change of the length ratio that is flagged (our choice)."""
DIVERSITY_LOSS = 0.05
"""Relative loss of distinct n-grams that is flagged (our choice)."""


@dataclass(frozen=True)
class Measure:
    """One measure before and after. `better` is the sign of improvement; `verdict` "rose", "fell" or "level"."""

    name: str
    kind: str
    """One of "rewarded", "held out", "drift"."""
    before: float
    after: float
    low: float
    high: float
    p: float
    better: int
    verdict: str


@dataclass(frozen=True)
class Audit:
    """All measures, and the findings in sentences (empty: nothing to flag)."""

    measures: list[Measure]
    findings: list[str]
    segments: int


@dataclass(frozen=True)
class Side:
    """One model's outputs: greedy ones, principles kept by each, and sampled ones (for diversity; may be empty)."""

    name: str
    hypotheses: Sequence[str]
    principles: Sequence[Mapping[str, bool | None]] = ()
    sampled: Sequence[str] = ()
    extra: Mapping[str, Statistics] = field(default_factory=dict)
    """Further measures by name (a learned metric), higher is better; the same names on both sides."""


def audit(
    before: Side, after: Side, sources: Sequence[str], references: Sequence[str], *, lang: str,
    rewarded: Sequence[str], tokenize: str | None = None, resamples: int = 1000, seed: int = SEED,
) -> Audit:  # fmt: skip
    """Audit `after` (trained with `rewarded`) against `before`.

    Args:
        sources: source segments.
        references: one a segment.
        lang: language of the translations.
        rewarded: rewards by name, see `covered`.

    Raises:
        In2xError: numbers of segments differ.
        UsageError: an unknown reward.
    """
    for side in (before, after):
        for what, texts in (("sources", sources), ("references", references), ("principles", side.principles)):
            if len(texts) != len(side.hypotheses) and (texts or what != "principles"):
                raise In2xError(f"{side.name}: {len(side.hypotheses)} outputs but {len(texts)} {what}",
                                mend="give the same segments for all")  # fmt: skip

    def compare(name: str, a: Statistics, b: Statistics, better: int, kind: str = "") -> Measure:
        found = paired_bootstrap(a, b, resamples=resamples, seed=seed)
        verdict = "level" if found.p >= ALPHA else "rose" if found.difference > 0 else "fell"
        kind = kind or ("rewarded" if is_rewarded(name, rewarded) else "held out")
        return Measure(name, kind, b.value, a.value, found.low, found.high, found.p, better, verdict)

    measures = []
    for metric in METRICS:
        new, old = (statistics(s.hypotheses, references, metric, lang=lang, tokenize=tokenize) for s in (after, before))
        measures.append(compare(metric, new, old, -1 if metric in LOWER_IS_BETTER else 1))
    for name in _principles(before, after):
        new, old = _share(after, name), _share(before, name)
        measures.append(compare(f"principle/{name}", new, old, 1))
    for name, stats in after.extra.items():
        measures.append(compare(name, stats, before.extra[name], 1))
    sizes = [len(r) for r in references]
    new, old = (ratio([len(h) for h in s.hypotheses], sizes) for s in (after, before))
    measures.append(compare("length / reference", new, old, 0, "drift"))
    new, old = (
        mean([copied(s, h, lang) for s, h in zip(sources, side.hypotheses, strict=True)]) for side in (after, before)
    )
    measures.append(compare("copied from the source", new, old, -1, "drift"))
    return Audit(measures, [*_findings(measures), *_diversity(before, after, lang)], len(references))


def _principles(*sides: Side) -> list[str]:
    return sorted(
        {name for side in sides for kept in side.principles for name, value in kept.items() if value is not None}
    )


def _share(side: Side, name: str) -> Statistics:
    verdicts = [kept.get(name) for kept in side.principles]
    return ratio([v is True for v in verdicts], [v is not None for v in verdicts])


def copied(source: str, hypothesis: str, lang: str) -> float:
    """Share of the output's n-grams (4 words; 8 characters in languages without spaces) that stand in the source."""
    size = 4 if language(lang).spaced else 8
    ours, theirs = ngrams(hypothesis, size, lang), set(ngrams(source, size, lang))
    if not ours:
        return float(bool(hypothesis.strip()) and hypothesis.strip() == source.strip())
    return sum(gram in theirs for gram in ours) / len(ours)


def ngrams(text: str, size: int, lang: str) -> list[tuple[str, ...]]:
    """n-grams of words, or of characters in languages without spaces."""
    units = text.split() if language(lang).spaced else [c for c in text if not c.isspace()]
    return [tuple(units[i : i + size]) for i in range(len(units) - size + 1)]


def distinct(texts: Sequence[str], size: int, lang: str) -> float:
    """distinct-n: different n-grams over all n-grams of the outputs together."""
    grams = [gram for text in texts for gram in ngrams(text, size, lang)]
    return len(set(grams)) / len(grams) if grams else 0.0


def self_bleu(texts: Sequence[str], lang: str, limit: int = 100) -> float:
    """Mean sentence BLEU of each output with all others as references (`limit` of them, evenly spaced).

    High is monotonous. Each n-gram needs only its two highest counts, so all outputs are scored in one pass.
    """
    chosen = [texts[i * len(texts) // limit] for i in range(limit)] if len(texts) > limit else list(texts)
    if len(chosen) < 2:
        return 0.0
    counted = [Counter(gram for size in (1, 2, 3, 4) for gram in ngrams(t, size, lang)) for t in chosen]
    lengths = [sum(n for gram, n in counts.items() if len(gram) == 1) for counts in counted]
    top: dict[tuple[str, ...], tuple[int, int, int]] = {}
    for owner, counts in enumerate(counted):
        for gram, n in counts.items():
            first, whose, second = top.get(gram, (0, -1, 0))
            top[gram] = (n, owner, first) if n > first else (first, whose, max(second, n))
    scores = []
    for owner, counts in enumerate(counted):
        correct, total = [0] * 4, [0] * 4
        for gram, n in counts.items():
            first, whose, second = top[gram]
            total[len(gram) - 1] += n
            correct[len(gram) - 1] += min(n, second if whose == owner else first)
        others = lengths[:owner] + lengths[owner + 1 :]
        closest = min(others, key=lambda size: (abs(size - lengths[owner]), size))
        found = BLEU.compute_bleu(correct, total, lengths[owner], closest, "exp", effective_order=True)
        scores.append(float(found.score))
    return float(np.mean(scores))


def _findings(measures: Sequence[Measure]) -> list[str]:
    def gained(m: Measure) -> bool:
        return m.verdict == ("rose" if m.better > 0 else "fell")

    def lost(m: Measure) -> bool:
        return m.verdict == ("fell" if m.better > 0 else "rose")

    findings = []
    rose = [m.name for m in measures if m.kind == "rewarded" and gained(m)]
    fell = [m for m in measures if m.kind == "held out" and lost(m)]
    for m in fell:
        why = f" while {', '.join(rose)}, rewarded, rose" if rose else ""
        findings.append(f"{m.name}, held out, got worse ({m.before:.3g} to {m.after:.3g}, p = {m.p:.3f}){why}.")
    for m in measures:
        if m.kind == "rewarded" and lost(m):
            findings.append(f"{m.name} was rewarded and yet got worse ({m.before:.3g} to {m.after:.3g}).")
    held = [m for m in measures if m.kind == "held out"]
    if rose and held and not any(gained(m) for m in held) and not fell:
        findings.append(f"Only what was rewarded rose ({', '.join(rose)}); nothing held out did.")
    length = next(m for m in measures if m.name.startswith("length"))
    if abs(length.after - length.before) > LENGTH_DRIFT and length.verdict != "level":
        how = "longer" if length.after > length.before else "shorter"
        findings.append(f"Outputs grew {how}: {length.before:.2f} to {length.after:.2f} of the reference's length.")
    copy = next(m for m in measures if m.name.startswith("copied"))
    if copy.verdict == "rose":
        findings.append(f"More is copied from the source: {100 * copy.before:.1f}% to {100 * copy.after:.1f}%.")
    return findings


def _diversity(before: Side, after: Side, lang: str) -> list[str]:
    """Findings on diversity: of the sampled outputs where there are any, else of the greedy ones."""
    old, new = (list(s.sampled or s.hypotheses) for s in (before, after))
    findings = []
    for size in (1, 2, 3):
        a, b = distinct(old, size, lang), distinct(new, size, lang)
        if a and (a - b) / a > DIVERSITY_LOSS:
            findings.append(f"Diversity fell: distinct-{size} from {a:.3f} to {b:.3f}.")
    a, b = self_bleu(old, lang), self_bleu(new, lang)
    if a and (b - a) / a > DIVERSITY_LOSS:
        findings.append(f"Outputs are more alike: self-BLEU from {a:.1f} to {b:.1f}.")
    return findings


def utility(metric: str, lang: str) -> Utility:
    """A sentence-level utility for MBR. Raises UsageError for an unknown name."""
    name = canonical(metric)
    if name == "chrF":
        return pairwise_chrf
    if name not in ("BLEU", "chrF++"):
        raise UsageError(f"{name} is no utility", mend="use BLEU, chrF or chrF++")
    engine = (
        BLEU(tokenize="13a" if language(lang).spaced else "char", effective_order=True, force=True) if name == "BLEU"
        else CHRF(word_order=2)
    )  # fmt: skip
    return lambda hypotheses, references: np.array(
        [[engine.sentence_score(one, [other]).score for other in references] for one in hypotheses]
    )


def mbr_choice(candidates: Sequence[str], measure: Utility) -> int:
    """Index of the candidate with the highest expected utility against all of them, itself included."""
    different = list(dict.fromkeys(candidates))
    return candidates.index(different[int(expected_utility(different, candidates, measure).argmax())])


def mbr_sensitivity(
    candidates: Sequence[Sequence[str]], references: Sequence[str], lang: str, names: Sequence[str] = ("chrF", "BLEU")
) -> dict[str, dict[str, float]]:
    """Corpus score by each metric (inner key) when MBR chooses by each utility (outer key); "first" is no MBR.

    A metric that gains much more from its own utility than from another's is being flattered: report it with a metric
    that did not choose.
    """
    chosen = {"first": [c[0] for c in candidates]}
    for name in names:
        measure = utility(name, lang)
        chosen[name] = [c[mbr_choice(c, measure)] for c in candidates]
    tokenize = None if language(lang).spaced else "char"
    return {
        key: {name: statistics(texts, references, name, lang=lang, tokenize=tokenize if name == "BLEU" else None).value
              for name in names}
        for key, texts in chosen.items()
    }  # fmt: skip
