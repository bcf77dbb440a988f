"""Knobs of what goes in: files of the user, or the bundled micro-world."""

from __future__ import annotations

from in2x.contamination.config import DecontaminateConfig
from in2x.knob import Config, knob


class DataConfig(Config):
    """Without `train` the micro-world is generated; with it, sentence pairs are read from the user's files."""

    train: str | tuple[str, ...] | None = knob(
        None,
        "JSON Lines (.jsonl, .jsonl.gz) of training pairs, one field per language code, on disk or in a store "
        "(s3://, gs://), or hub:owner/name:config.",
    )
    dev: str | None = knob(None, "Held-out pairs for tuning, likewise.")
    test: str | None = knob(None, "Held-out pairs for the final figures, likewise.")
    hold_out: int = knob(
        0, "Lines of `train` that are held out for each of `dev` and `test` that is not named; at most a tenth of all.",
        unit="lines", ge=0,
    )  # fmt: skip
    columns: dict[str, str] = knob({}, "Field that holds a language, where it is not called by its code.")
    raw: str | tuple[str, ...] | None = knob(
        None,
        "Folder, glob or file of raw documents, on disk or in a store (s3://bucket/prefix/*.jsonl.gz, gs://), or "
        "hub:owner/name/glob; several in a list.",
    )
    instructions: str | None = knob(None, "JSON Lines of open instruction sets.")
    decontaminate: DecontaminateConfig = knob(
        DecontaminateConfig(), "Evaluation text, kept out of everything that the run learns from."
    )
    pair_gate: bool = knob(
        True, "Leave out training pairs that cannot be translations (copied, markup, another language, many times as "
        "long), of documents and of instructions.",
    )  # fmt: skip
    max_bad_share: float = knob(
        0.05, "Share of lines of `train` or `instructions` that cannot be read from which the file is refused; up to "
        "ten are always set aside.", ge=0, le=1,
    )  # fmt: skip
    max_train: int | None = knob(None, "Read no more than this many lines of training pairs.", unit="lines", gt=0)
    pairs: int = knob(
        12000, "Micro-world: training sentences; a pair of each per direction, of everyday ones one in each register.",
        unit="sentences", gt=0,
    )  # fmt: skip
    documents: int = knob(6000, "Micro-world: raw documents.", unit="documents", gt=0)
    heldout: int = knob(400, "Micro-world: held-out sentences per split and direction.", unit="sentences", gt=0)
    collected: int = knob(3000, "Micro-world: collected instructions, faulty ones included.", unit="instructions", ge=0)
    clause_share: float = knob(0.58, "Micro-world: weight of verb sentences among the pairs.", ge=0)
    phrase_share: float = knob(0.13, "Micro-world: weight of set phrases and descriptions among the pairs.", ge=0)
    idiom_share: float = knob(0.13, "Micro-world: weight of idioms among the pairs.", ge=0)
    slang_share: float = knob(0.08, "Micro-world: weight of slang among the pairs.", ge=0)
    dialogue_share: float = knob(0.04, "Micro-world: weight of lines of dialogue among the pairs.", ge=0)
    everyday_share: float = knob(0.3, "Micro-world: weight of everyday sentences among the pairs.", ge=0)
    story_share: float = knob(0.04, "Micro-world: weight of sentences of stories among the pairs.", ge=0)
