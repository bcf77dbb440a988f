"""Knobs of the gate against evaluation text."""

from __future__ import annotations

from in2x.knob import Config, knob


class DecontaminateConfig(Config):
    """Evaluation texts that must not be learned from, in no room."""

    sets: dict[str, str] = knob(
        {}, "Evaluation sets: a name, and its file, folder or glob, or hub:owner/name:config#split; every string in it "
        "counts.",
    )  # fmt: skip
    heldout: bool = knob(True, "The held-out sentence pairs of the data stage are such sets, too.")
    words: int = knob(13, "Run that counts as a match, in languages with spaces.", unit="words", ge=4)
    chars: int = knob(24, "Run that counts as a match, in languages without.", unit="characters", ge=8)
    max_share: float = knob(0.2, "Matched share of a document from which it is dropped; below it, the lines are.",
                            ge=0, le=1)  # fmt: skip
    embedder: str | None = knob(
        None, "What tells translations of evaluation texts by their vectors, in pairs and instructions: the address of "
        "an OpenAI-compatible embeddings server (then give embedding_model), or a sentence-transformers model; a "
        "multilingual one.",
    )  # fmt: skip
    embedding_model: str = knob("", "Model name to ask an embeddings server for.")
    cosine: float = knob(0.9, "Cosine from which two texts say the same.", gt=0, le=1)
