"""Knobs of evaluation and report."""

from __future__ import annotations

from in2x.knob import Config, knob


class EvaluateConfig(Config):
    """Every model of the run is asked for the same held-out translations and measured on the same held-out text."""

    segments: int = knob(300, "Held-out pairs per direction; 0 for all of them.", unit="pairs", ge=0)
    tokenize: str | None = knob(
        None, 'BLEU tokeniser; without it the target language\'s own ("none" for text that is tokenised already).'
    )
    sampled: int = knob(
        100, "Pairs per direction answered once more by sampling, after SFT, RL and merging; 0 for none.",
        unit="pairs", ge=0,
    )  # fmt: skip
    temperature: float = knob(1.0, "Temperature of the sampled answers.", gt=0)
    documents: int = knob(24, "Held-out documents per language and domain for bits per byte; 0 for none.",
                          unit="documents", ge=0)  # fmt: skip
    document_bytes: int = knob(4096, "Of each held-out document at most so much is read.", unit="bytes", ge=64)
    resamples: int = knob(1000, "Bootstrap resamples behind each interval and test.", ge=100)
