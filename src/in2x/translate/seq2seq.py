"""Translate with an encoder and a decoder in this process: NLLB, M2M, mBART, MADLAD, OPUS-MT and their kind."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM

from in2x.chat.contract import known_ends
from in2x.chat.known import model_path, profile_of
from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError
from in2x.inference.generation import generate
from in2x.training.model import load_tokenizer, not_a_model
from in2x.training.precision import compute_dtype
from in2x.translate.batched import Batch, BatchedBackend, stop_tokens

CONTEXT = 512
"""Tokens that a model reads which does not say it (T5 has relative positions; it was trained on no more)."""


class Seq2SeqBackend(BatchedBackend):
    """A sequence-to-sequence model of a Hugging Face folder or hub name. See `LocalBackend` for the arguments."""

    seq2seq = True

    def __init__(
        self,
        folder: Path | str,
        *,
        profile: PromptProfile | None = None,
        batch_tokens: int = 8192,
        device: str | None = None,
    ) -> None:
        model_path(folder)
        self.folder = folder
        self.profile = profile or profile_of(folder)
        if self.profile.endpoint != "seq2seq":
            raise In2xError(f"the profile {self.profile.name!r} asks no model with an encoder", file=folder,
                            mend="give one whose endpoint is seq2seq (docs/models.md lists them)")  # fmt: skip
        self.tokenizer: Any = load_tokenizer(folder)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = compute_dtype(self.device) if self.device.type == "cuda" else torch.float32
        try:
            model = AutoModelForSeq2SeqLM.from_pretrained(
                str(folder), dtype=dtype, use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise not_a_model(folder, error) from None
        self.model = model.to(self.device).eval()
        self.batch_tokens = batch_tokens
        self.context = int(getattr(self.model.config, "max_position_embeddings", 0) or CONTEXT)
        known = known_ends(self.tokenizer, self.model.generation_config.eos_token_id)
        self.stop_ids = frozenset(known) | stop_tokens(self.tokenizer, self.profile)

    def _answer(self, batch: Batch) -> list[list[list[int]]]:
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, prefix in enumerate(batch.prefixes):
            groups[tuple(prefix)].append(place)
        answers: list[list[list[int]]] = [[] for _ in batch.prompts]
        for prefix_ids, places in groups.items():
            drawn = generate(
                self.model, [batch.prompts[place] for place in places], max_new_tokens=batch.limit,
                stop_ids=self.stop_ids, sampling=batch.sampling, samples=batch.samples, seed=batch.seed,
                watched=[batch.watched[place] for place in places], prefix=prefix_ids,
            )  # fmt: skip
            for place, said in zip(places, drawn, strict=True):
                answers[place] = said
        return answers
