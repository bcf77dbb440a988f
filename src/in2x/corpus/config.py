"""Knobs of the corpus room."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator, model_validator

from in2x.corpus.personal import Kind
from in2x.knob import Config, knob


class DedupConfig(Config):
    """Exact and near duplicates."""

    near: bool = knob(True, "Find near duplicates, too (exact ones always are).")
    similarity: float = knob(0.8, "Jaccard similarity of shingles from which two texts are duplicates.", gt=0, le=1)
    bands: int = knob(16, "LSH bands; 16 of 7 rows find 98% of the pairs at similarity 0.8.", gt=0, le=64)
    rows: int = knob(7, "MinHash values a band.", gt=0, le=32)
    char_size: int = knob(5, "Shingle of languages without spaces.", unit="characters", gt=0)
    word_size: int = knob(3, "Shingle of other languages.", unit="words", gt=0)


class MixConfig(Config):
    """Targets of the mix."""

    languages: dict[str, float] = knob({}, "Weight by language; empty: all languages of the recipe alike (1:1:1).",
                                       source="METHOD 1")  # fmt: skip
    domains: dict[str, float] = knob({}, "Weight by domain inside a language; empty: as they come.")
    tokens: int | None = knob(None, "Size of the mix; null: what the raw text holds.", unit="tokens", gt=0)
    epochs: float = knob(4.0, "A document is repeated at most this often to meet a target.", unit="epochs", ge=1)
    sources: dict[str, float] = knob({}, "Cap on the epochs by source (a glob over `source`).", unit="epochs")
    short: Literal["report", "shrink", "fail"] = knob(
        "report", "When a language cannot meet its target: say so in the manifest, shrink the others with it, or fail."
    )


class BilingualConfig(Config):
    """Bilingual documents from parallel data: English as hub (METHOD 0)."""

    share: float = knob(
        0.25, "Share of the mix's tokens that bilingual documents take, if there are pairs.", ge=0, lt=1
    )
    pairs: int = knob(8, "Most sentence pairs a document.", unit="pairs", gt=0)
    epochs: float = knob(2.0, "A pair is used at most this often (each time in another company).", unit="epochs", gt=0)
    layouts: dict[str, float] = knob(
        {"labelled": 0.6, "interleaved": 0.1, "blocks": 0.15, "table": 0.1, "gloss": 0.05},
        "Weight by layout: labelled is the prompt of a base model, with its register tag.",
    )


class StyledConfig(Config):
    """Style-augmented documents: text of the target language under a tag of its register and style (METHOD 0)."""

    share: float = knob(0.0, "Share of the mix's tokens that style-augmented documents take; 0: none.", ge=0, lt=1)
    chars: int = knob(300, "Longest passage that gets one tag.", unit="characters", ge=20)
    passages: int = knob(4, "Most passages a document.", unit="passages", gt=0)


class ClassifierConfig(Config):
    """The trainable quality classifier (column `classifier`); off until it is told what good text is."""

    sources: tuple[str, ...] = knob((), "Good text: globs over `source`.")
    paths: tuple[str, ...] = knob((), "Good text: files, folders or globs, read as raw text is.")
    samples: int = knob(20_000, "Most texts of each kind and language it learns from.", unit="documents", gt=0)
    passes: int = knob(5, "Passes over them.", unit="epochs", gt=0)

    @property
    def wanted(self) -> bool:
        """There is something to learn from."""
        return bool(self.sources or self.paths)


class CausalConfig(Config):
    """Perplexity by a causal language model (column `lm_perplexity`)."""

    model: str | None = knob(None, "Folder or hub name of the model; null: no such column.")
    context: int = knob(512, "Window.", unit="tokens", ge=16)
    chars: int = knob(2000, "Beginning of each document that is scored.", unit="characters", gt=0)


class CorpusConfig(Config):
    """From raw text to a clean, balanced mix (METHOD 1)."""

    engine: Literal["native", "ray"] = knob("native", "Daft's runner: this machine, or a Ray cluster.", keyed=False)
    ray_address: str | None = knob(None, "Address of the Ray cluster; null: the one this process is in.", keyed=False)
    split_mb: int = knob(
        32, "Piece of a JSON Lines file that one worker reads at a time.", unit="MB", keyed=False, gt=0
    )
    shard_mb: int = knob(256, "Raw text between two completion markers; give a cluster what it holds.", unit="MB",
                         keyed=False, gt=0)  # fmt: skip
    encoding: str | None = knob(None, "Encoding of the raw text; null: detected by file.")
    fields: dict[str, str] = knob({}, "Field or column that holds text, id, source or domain, where it is not "
                                  "called so ({text: content, source: meta.site}).")  # fmt: skip
    max_bad_share: float = knob(0.05, "Unreadable records from which the run stops.", ge=0, le=1)
    max_record_mb: int = knob(64, "Longest line that is read.", unit="MB", gt=0)
    max_document_chars: int = knob(
        1_000_000, "Longer documents are cut into parts at line ends.", unit="characters", gt=100
    )
    domain: str = knob("knowledge", "Domain of documents that name none.")
    domains: dict[str, str] = knob({}, "Domain by source, a glob over `source` (first match wins).")
    ruby: Literal["drop", "keep"] = knob("drop", "Readings (ruby) beside the characters: drop, or keep in brackets.")
    personal: tuple[Kind, ...] = knob(("mail", "phone", "card"), "Personal data of raw text that is made unreal: mail, "
                                      "phone, card, address.")  # fmt: skip
    min_chars: int = knob(8, "Shortest document; twice as much for languages with spaces.", unit="characters", ge=0)
    max_foreign_share: float = knob(0.3, "Share of letters in lines of languages that the recipe does not name, from "
                                    "which a document is dropped; below it, the lines are.", ge=0, le=1)  # fmt: skip
    classifier: ClassifierConfig = knob(ClassifierConfig(), "Trainable quality classifier.")
    causal: CausalConfig = knob(CausalConfig(), "Perplexity by a causal language model.")
    select: str | None = knob("quality >= 0.1", "SQL expression over the columns id, lang, domain, source, perplexity, "
                              "quality, tokens, classifier, lm_perplexity and bucket that a document must meet; null "
                              "keeps all. A phase's `view` chooses further without a new corpus.")  # fmt: skip
    ngram_order: int = knob(5, "Order of the character n-gram model.", ge=2, le=8)
    ngram_bytes: int = knob(4_000_000, "Text that the n-gram model of a language counts: a seeded sample, of every "
                            "source alike as far as it goes.", unit="bytes", gt=0)  # fmt: skip
    ngram_reference: tuple[str, ...] = knob((), "Usual text that it counts instead: files, folders or globs, read as "
                                            "raw text is.")  # fmt: skip
    dedup: DedupConfig = knob(DedupConfig(), "Duplicates.")
    heldout: int = knob(100, "Documents by language and domain kept apart for perplexity.", unit="documents", ge=0)
    heldout_share: float = knob(0.05, "... but at most this share of them.", ge=0, lt=1)
    mix: MixConfig = knob(MixConfig(), "The mix.", source="METHOD 1")
    bilingual: BilingualConfig = knob(BilingualConfig(), "Bilingual documents.", source="METHOD 0")
    styled: StyledConfig = knob(StyledConfig(), "Style-augmented documents.", source="METHOD 0")

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, value: dict[str, str]) -> dict[str, str]:
        if odd := sorted(set(value) - {"text", "id", "source", "domain"}):
            raise ValueError(f"{odd[0]!r} is no field of a document: give text, id, source or domain")
        return value

    @model_validator(mode="after")
    def _room_for_text(self) -> CorpusConfig:
        if self.bilingual.share + self.styled.share >= 1:
            raise ValueError("bilingual.share and styled.share together leave no room for other text")
        return self
