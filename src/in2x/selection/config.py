"""Knobs of the selection room."""

from __future__ import annotations

from pydantic import model_validator

from in2x.knob import Config, knob
from in2x.llm.config import TeacherConfig


class Sample(Config):
    """How much one sample takes: `size` items, or `share` of what survived dedup when no size is given.

    `share: 1.0` without a size means "keep all": everything that is still available is taken, the difficulty quotas
    are not applied (nothing could be left out), and are reported all the same.
    """

    size: int | None = knob(None, "Items to take; null uses the share.", unit="instructions", source="METHOD 2", ge=0)
    share: float = knob(0.5, "Share of the surviving pool to take when no size is given.", ge=0, le=1)

    @property
    def keep_all(self) -> bool:
        """Whether everything available is wanted."""
        return self.size is None and self.share == 1.0

    def wanted(self, survivors: int) -> int:
        """Number of items wanted from a pool of `survivors`."""
        return self.size if self.size is not None else round(self.share * survivors)


class SelectConfig(Config):
    """From a pool of verified instructions to round 1, round 2 and the RL set."""

    embedder: str = knob(
        "hashing",
        'What turns instructions into vectors: "hashing" (offline), a sentence-transformers model name or folder, or '
        "the base URL of an OpenAI-compatible embeddings server (then give embedding_model).",
    )
    embedding_model: str = knob("", "Model name to ask an embeddings server for.")
    dimension: int = knob(128, "Dimension of the offline vectors.", unit="numbers", ge=8)
    shard: int = knob(32_768, "Vectors per file; finished files survive a kill.", unit="vectors", ge=1)
    threshold: float | None = knob(
        0.6,
        "BIRCH: largest radius of a cluster (vectors have length 1); null tunes it on the labels of the pool.",
        unit="distance",
        source="METHOD 3",
        gt=0,
    )
    branching: int = knob(50, "BIRCH: entries of a tree node.", ge=2)
    max_clusters: int | None = knob(
        None, "BIRCH: memory bound; above it the threshold rises.", unit="clusters", source="METHOD 3", ge=1
    )
    llm: TeacherConfig | None = knob(
        None, "The model that labels and grades; null uses what the instructions tell themselves.", source="METHOD 3"
    )
    fields: str | None = knob(
        None, "YAML file of fields, each a list of its names in several languages, the first one for labels: they are "
        "known from the beginning, beside ours.",
    )  # fmt: skip
    pass_samples: int = knob(
        0, "Answers of llm sampled to each task with a result that can be checked; the share that states it grades the "
        "task (METHOD: 16).", unit="answers", source="METHOD 3", ge=0, le=256,
    )  # fmt: skip
    near: float = knob(
        0.95, "Cosine from which two instructions of one cluster are compared as copies.", unit="cosine", gt=0, le=1
    )
    overlap: float = knob(
        0.8, "Share of character bigrams in common from which compared texts are copies.", unit="Jaccard", gt=0, le=1
    )
    twin: float = knob(
        0.9, "Cosine from which two instructions in different languages are one item, where a model embeds.",
        unit="cosine", source="METHOD 3", gt=0, le=1,
    )  # fmt: skip
    grade_shares: tuple[float, float, float, float, float] = knob(
        (0.1, 0.15, 0.25, 0.25, 0.25),
        "Share of each grade, very simple to very difficult, when difficulty is graded offline by quantiles.",
    )
    quotas: tuple[float, float, float, float, float] = knob(
        (3, 3, 3, 1, 0),
        "Difficulty quotas: very difficult, difficult, moderate, simple, very simple.",
        source="METHOD 3",
    )
    round1: Sample = knob(Sample(), "SFT data of epoch 1.", source="METHOD 3")
    round2: Sample = knob(Sample(), "SFT data of epoch 2: new members.", source="METHOD 3")
    rl: Sample = knob(Sample(share=0.75), "RL prompts, disjoint from both rounds.", source="METHOD 5")

    @model_validator(mode="after")
    def _shares(self) -> SelectConfig:
        if min(self.grade_shares) < 0 or abs(sum(self.grade_shares) - 1) > 1e-6:
            raise ValueError(f"grade_shares must be five shares that sum to 1, got {list(self.grade_shares)}")
        if self.pass_samples and self.llm is None:
            raise ValueError("pass_samples asks a model: give select.llm, or set pass_samples to 0")
        if min(self.quotas) < 0 or sum(self.quotas) <= 0:
            raise ValueError(f"quotas must not be negative nor all zero, got {list(self.quotas)}")
        return self
