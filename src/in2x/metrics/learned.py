"""Learned metrics, loaded by name: MetricX with transformers, the COMET family with the package `unbabel-comet`.

    learned.statistics("metricx", "google/metricx-24-hybrid-large-v2p6", sources, hypotheses, references)
    learned.statistics("comet", "Unbabel/wmt22-comet-da", sources, hypotheses, references)
    learned.statistics("comet", "Unbabel/wmt22-cometkiwi-da", sources, hypotheses, None)     # reference-free

These models read 512 to 1,536 tokens. A longer paragraph is never cut in silence: it is parted at sentence ends into
aligned pieces, scored piece by piece and averaged by length, and a warning says how many paragraphs that befell.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from transformers import AutoTokenizer, MT5ForConditionalGeneration

from in2x.errors import In2xError, UsageError
from in2x.metrics.significance import Statistics, mean

log = logging.getLogger(__name__)
Triple = tuple[str, str, str | None]
"""Source, hypothesis, reference or None."""

SENTENCE_END = re.compile(r"(?<=[。！？!?])|(?<=[.])\s+|\n+")
METRICX_TOKEN = 250089
"""The vocabulary entry (<extra_id_10>) whose first-step logit MetricX was trained to make the error score."""
METRICX_RANGE = (0.0, 25.0)


def statistics(
    kind: str, model: str, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
) -> Statistics:
    """Segment scores of a learned metric as statistics of their mean; MetricX is negated so that higher is better.

    Raises:
        UsageError: an unknown kind.
        In2xError: the package or model is not there, or numbers of segments differ.
    """
    if kind not in ("comet", "metricx"):
        raise UsageError(f"there is no learned metric {kind!r}", mend="use comet:MODEL or metricx:MODEL")
    for name, texts in (("sources", sources), ("references", references)):
        if texts is not None and len(texts) != len(hypotheses):
            raise In2xError(f"{len(hypotheses)} hypotheses but {len(texts)} {name}", mend="give one line a segment")
    triples: list[Triple] = [
        (source, hypotheses[i], references[i] if references is not None else None) for i, source in enumerate(sources)
    ]
    scorer = _scorer(kind, model)
    found = mean(score_long(triples, scorer.score, scorer.fits))
    return Statistics(found.rows, found.aggregate, f"{kind}:{model}|{'ref' if references else 'src'}")


@lru_cache(maxsize=1)
def _scorer(kind: str, model: str) -> MetricX | Comet:
    """One model is kept, so that several systems are scored with one load."""
    return MetricX(model) if kind == "metricx" else Comet(model)


def score_long(
    triples: Sequence[Triple], score: Callable[[Sequence[Triple]], list[float]], fits: Callable[[Triple], bool]
) -> list[float]:
    """`score` of each triple; one that does not fit is parted, its score the mean of its pieces by length."""
    pieces: list[Triple] = []
    owners: list[int] = []
    for owner, triple in enumerate(triples):
        parts = part(triple, fits)
        pieces += parts
        owners += [owner] * len(parts)
    if len(pieces) > len(triples):
        long = sum(owners.count(owner) > 1 for owner in sorted(set(owners)))
        log.warning(
            "%d of %d paragraphs are longer than the metric reads and were scored in pieces", long, len(triples)
        )
    totals, weights = [0.0] * len(triples), [0.0] * len(triples)
    for owner, piece, value in zip(owners, pieces, score(pieces), strict=True):
        weight = max(len(piece[1]), 1)
        totals[owner] += weight * value
        weights[owner] += weight
    return [total / weight for total, weight in zip(totals, weights, strict=True)]


def part(triple: Triple, fits: Callable[[Triple], bool]) -> list[Triple]:
    """The fewest aligned pieces that fit, all three texts being cut at like shares of their sentences."""
    if fits(triple):
        return [triple]
    sentences = [_sentences(text) if text else [] for text in triple]
    most = max(len(s) for s in sentences)
    # More runs than sentences part those that lie close together when their lengths are uneven.
    for count in range(2, 4 * most + 1):
        columns = [_portions(s, count) for s in sentences]
        parts: list[Triple] = [
            (s, h, r if triple[2] is not None else None) for s, h, r in zip(*columns, strict=True) if s or h or r
        ]
        if all(fits(p) for p in parts):
            return parts
    raise In2xError(f"a sentence is longer than the metric reads: {(triple[1] or triple[0])[:60]!r}",
                    mend="break it by hand, or leave the segment out")  # fmt: skip


def _sentences(text: str) -> list[str]:
    return [s for s in SENTENCE_END.split(text) if s and s.strip()]


def _portions(sentences: Sequence[str], count: int) -> list[str]:
    """`sentences` in `count` runs of nearly equal length in characters, joined; runs may be empty."""
    total = sum(len(s) for s in sentences) or 1
    runs: list[list[str]] = [[] for _ in range(count)]
    before = 0
    for sentence in sentences:
        middle = before + len(sentence) / 2
        runs[min(count - 1, int(middle * count / total))].append(sentence)
        before += len(sentence)
    return ["".join(run) if any(ord(c) > 0x2E7F for s in run for c in s) else " ".join(run) for run in runs]


class MetricX:
    """MetricX-23/24: an mT5 whose first decoding step predicts an MQM error score, 0 (none) to 25.

    Args:
        model: hub name or folder (safetensors); the name decides nothing, a "hybrid" model also scores without
            reference.
    """

    def __init__(self, model: str, *, max_tokens: int = 1536, batch: int = 8, device: str | None = None) -> None:
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
            loaded = MT5ForConditionalGeneration.from_pretrained(model, use_safetensors=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise In2xError(f"not a MetricX model ({str(error).splitlines()[0][:120]})", file=model,
                            mend="give a hub name such as google/metricx-24-hybrid-large-v2p6") from None  # fmt: skip
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = loaded.to(self.device).eval()
        self.max_tokens, self.batch = max_tokens, batch
        self.token = min(METRICX_TOKEN, int(self.model.config.vocab_size) - 1)

    def _text(self, triple: Triple) -> str:
        source, hypothesis, reference = triple
        text = f"source: {source} candidate: {hypothesis}"
        return text if reference is None else f"{text} reference: {reference}"

    def fits(self, triple: Triple) -> bool:
        """Whether the model reads the whole triple."""
        return len(self.tokenizer(self._text(triple))["input_ids"]) - 1 <= self.max_tokens

    @torch.inference_mode()
    def score(self, triples: Sequence[Triple]) -> list[float]:
        """Minus the predicted error score of each triple."""
        order = sorted(range(len(triples)), key=lambda i: -len(self._text(triples[i])))
        found = [0.0] * len(triples)
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            # MetricX was trained on inputs without the end token.
            ids = [self.tokenizer(self._text(triples[i]))["input_ids"][:-1] for i in chosen]
            width = max(len(row) for row in ids)
            padded = torch.tensor([row + [0] * (width - len(row)) for row in ids], device=self.device)
            mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids], device=self.device)
            first = torch.zeros((len(ids), 1), dtype=torch.long, device=self.device)
            logits = self.model(input_ids=padded, attention_mask=mask, decoder_input_ids=first).logits
            values = logits[:, 0, self.token].float().clamp(*METRICX_RANGE)
            for i, value in zip(chosen, values.tolist(), strict=True):
                found[i] = -value
        return found


class Comet:
    """COMET, CometKiwi and XCOMET through `unbabel-comet`, which must live in an environment of its own transformers.

    Args:
        model: hub name, or path of a checkpoint.
    """

    def __init__(self, model: str, *, batch: int = 8) -> None:
        try:
            import comet  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise In2xError(
                "COMET is not installed",
                mend="pip install unbabel-comet into an environment of its own (it wants an older transformers)",
            ) from None
        path = model if model.endswith(".ckpt") else comet.download_model(model)
        self.model: Any = comet.load_from_checkpoint(path)
        self.batch = batch
        self.limit = int(self.model.encoder.max_positions) - 2

    def _length(self, *texts: str | None) -> int:
        return sum(len(self.model.encoder.tokenizer(text or "")["input_ids"]) for text in texts)

    def fits(self, triple: Triple) -> bool:
        """Whether nothing would be truncated: unified models read all texts at once, the others one by one."""
        if "regression" in type(self.model).__name__.lower():
            return all(self._length(text) <= self.limit for text in triple)
        return self._length(*triple) <= self.limit

    def score(self, triples: Sequence[Triple]) -> list[float]:
        """The model's score of each triple."""
        rows = [{"src": s, "mt": h} | ({"ref": r} if r is not None else {}) for s, h, r in triples]
        found = self.model.predict(rows, batch_size=self.batch, gpus=int(torch.cuda.is_available()), progress_bar=False)
        values = [float(v) for v in found["scores"]]
        if any(math.isnan(v) for v in values):
            raise In2xError(f"COMET gave NaN for segment {[math.isnan(v) for v in values].index(True) + 1}",
                            mend="look at that segment for control characters")  # fmt: skip
        return values
