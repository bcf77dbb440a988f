"""Translate with a causal language model in this process, answered by the sampler that RL rolls out with."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerBase

from in2x.chat.contract import end_ids
from in2x.chat.known import model_path, profile_of
from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.inference.continuous import answers
from in2x.inference.decoder import decoder_of
from in2x.inference.placeholders import Placeholders
from in2x.inference.shortlist import load_shortlists
from in2x.inference.stored import ends, read_decoder
from in2x.language import language
from in2x.training.model import load_tokenizer
from in2x.training.precision import compute_dtype
from in2x.translate.batched import FOREVER, Batch, BatchedBackend, stop_tokens
from in2x.translate.split import sentences

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WAITING = 8
"""Batches handed over together where one pass answers them without a pause (our choice: progress is told so often)."""


class LocalBackend(BatchedBackend):
    """A causal language model of a Hugging Face folder (or hub name) that translates.

    Args:
        folder: the model folder: config.json, safetensors, tokenizer and, if any, `in2x_prompt.json`.
        profile: how the model is asked, if not as its `in2x_prompt.json` or the shipped profile for it says.
        batch_tokens: prompt and answer tokens that one batch may hold, padding included.
        device: torch device; the GPU where there is one, else the CPU.

    Raises:
        In2xError: the folder is not a model.
        UsageError: how the model wants to be asked is not known.
    """

    others: tuple[PreTrainedModel, ...] = ()
    """Models that choose every token together with `model` (see `ensemble.py`)."""

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
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(folder)
        self.profile = profile or profile_of(folder)
        if self.profile.endpoint == "seq2seq":
            raise In2xError(f"the profile {self.profile.name!r} asks models with an encoder, and this one has none",
                            file=folder, mend="give another profile")  # fmt: skip
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        read = read_decoder(Path(folder), compute_dtype(self.device)) if self.device.type == "cpu" else None
        self.decoder = read or decoder_of(self.model)
        self.shortlists = load_shortlists(model_path(folder), self.tokenizer)
        self.batch_tokens = batch_tokens
        self.waiting = WAITING if self.decoder else 1
        if read:
            self.context, known = len(read.cos), ends(Path(folder))
        else:
            config = self.model.config.get_text_config()
            self.context = int(getattr(config, "max_position_embeddings", 0)) or FOREVER
            known = self.model.generation_config.eos_token_id
        self.stop_ids = end_ids(self.tokenizer, known) | stop_tokens(self.tokenizer, self.profile)
        self.placeholders = Placeholders(self.tokenizer, self.stop_ids)

    @cached_property
    def model(self) -> PreTrainedModel:
        """The model as transformers has it, loaded when something needs more of it than the decoder."""
        from in2x.training.model import for_device, load_model

        return for_device(load_model(self.folder, compute_dtype(self.device)).to(self.device)).eval()

    def sureness(self, source: Source, answer: str) -> float | None:
        """See the base class; a profile with `unsure` asks for it, and a forward pass a sentence that was asked tells.

        None where sentences were asked one by one and the answer has more or fewer: which answers which is not known.
        """
        if not self.profile.unsure or not answer:
            return None
        asked = sentences(source, self.profile)
        said = [answer] if len(asked) == 1 else language(source.target_lang).sentences(answer)
        if len(said) != len(asked):
            return None
        return min(self._least(replace(source, text=one), words) for one, words in zip(asked, said, strict=True))

    def _least(self, source: Source, answer: str) -> float:
        """What the model gives the least probable token of an answer to one question."""
        said = self.tokenizer.encode(answer, add_special_tokens=False)
        prompt = self._prompt(source)
        read = torch.tensor((prompt + said)[-self.context :], device=self.device)
        with torch.inference_mode():
            if self.decoder and len(read) <= self.decoder.window:
                scores = self.decoder.logits(self.decoder.read(read)[-len(said) - 1 : -1]).float()
            else:
                scores = self.model(input_ids=read[None]).logits[0, -len(said) - 1 : -1].float()
        chances = scores.log_softmax(-1).gather(-1, read[-len(said) :, None])
        return float(chances.min().exp())

    def _answer(self, batch: Batch) -> list[list[list[int]]]:
        how = batch.sampling
        if how.beams > 1 or how.top_p < 1 or how.top_k or how.repetition_penalty != 1:
            if self.others:
                raise In2xError(
                    "models that choose each token together do so greedily or from the whole distribution",
                    mend="give --temperature, or combine their answers: --combine answers --mbr N",
                )
            from in2x.inference.generation import generate

            return generate(
                self.model, batch.prompts, max_new_tokens=batch.limit, stop_ids=self.stop_ids, sampling=how,
                samples=batch.samples, seed=batch.seed, watched=batch.watched,
            )  # fmt: skip
        longest = max(len(prompt) + limit for prompt, limit in zip(batch.prompts, batch.limits, strict=True))
        plain = not self.others and not any(source.tagged for source in batch.sources)  # placeholders are forced below
        if self.decoder and plain and longest <= self.decoder.window:
            return answers(
                self.decoder, batch.prompts, batch.limits, stop_ids=self.stop_ids, temperature=how.temperature,
                samples=batch.samples, seed=batch.seed, watched=batch.watched,
                only=self.shortlists.get(batch.sources[0].target_lang),
            )  # fmt: skip
        from in2x.inference.sampler import sample

        completions = sample(
            (self.model, *self.others),
            batch.prompts,
            max_new_tokens=batch.limit,
            stop_ids=self.stop_ids,
            temperature=how.temperature,
            samples=batch.samples,
            seed=batch.seed,
            watched=batch.watched,
            forced=[
                self.placeholders.forced(source.text, limit) if source.tagged else None
                for source, limit in zip(batch.sources, batch.limits, strict=True)
            ],
        )
        return [[completion.tokens for completion in drawn] for drawn in completions]
