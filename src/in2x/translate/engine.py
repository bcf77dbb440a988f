"""Translate with a model folder, in this process.

The questions are asked in the words the model was trained with (`in2x_prompt.json`, see `chat/profile.py`), sorted by
length so that a batch holds little padding, and answered by the sampler that RL rolls out with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from in2x.chat.contract import end_ids
from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.inference.sampler import sample
from in2x.language import language
from in2x.language.reasoning import without_reasoning
from in2x.training.model import for_device, load_model, load_tokenizer
from in2x.training.precision import compute_dtype
from in2x.translate.backend import Backend, Done, Translation, one_line, unfit
from in2x.translate.request import TranslationRequest
from in2x.translate.split import split_text


class LocalBackend(Backend):
    """A causal language model of a Hugging Face folder (or hub name) that translates.

    Args:
        folder: the model folder: config.json, safetensors, tokenizer and, if any, `in2x_prompt.json`.
        profile: how the model is asked, if not as its `in2x_prompt.json` says.
        batch_tokens: prompt and answer tokens that one batch may hold, padding included.
        device: torch device; the GPU where there is one, else the CPU.

    Raises:
        In2xError: the folder is not a model.
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
        path = Path(folder)
        if not path.is_dir() and not re.fullmatch(r"[\w.-]+/[\w.-]+", str(folder)):
            raise In2xError("there is no model folder here", file=folder, mend="give the folder of a model, "
                            "for example runs/demo/model")  # fmt: skip
        if path.is_dir() and not (path / "config.json").is_file():
            inner = path / "model"
            near = f", perhaps {inner}" if (inner / "config.json").is_file() else ""
            raise In2xError("not a model folder (it has no config.json)", file=path,
                            mend=f"give a folder with config.json, safetensors and a tokenizer{near}")  # fmt: skip
        self.folder = folder
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(folder)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = compute_dtype(self.device) if self.device.type == "cuda" else torch.float32
        self.model = for_device(load_model(folder, dtype).to(self.device)).eval()
        self.profile = profile or PromptProfile.load(path)
        self.batch_tokens = batch_tokens
        self.context = int(getattr(self.model.config.get_text_config(), "max_position_embeddings", 0)) or 1 << 30
        self.stop_ids = self._stop_ids()

    def _stop_ids(self) -> frozenset[int]:
        """What ends an answer in the chat template, and the stop texts that are one token."""
        alone = (self.tokenizer.encode(text, add_special_tokens=False) for text in self.profile.stop)
        known = end_ids(self.tokenizer, self.model.generation_config.eos_token_id)
        return known | {ids[0] for ids in alone if len(ids) == 1}

    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        """A line cut in pieces joins the n-th answers to each.

        An answer is at most three times the source's tokens and 32 more (our choice), unless the request says how long.

        Raises:
            In2xError: not even the prompt fits the model's context. (A source that is too long is cut at sentence
                ends and its pieces are translated one by one.)
        """
        pieces: list[Source] = []
        owner: list[int] = []
        for line, source in enumerate(sources):
            parts = split_text(one_line(source.text), partial(self._fits, source))
            pieces += [replace(source, text=part) for part in parts]
            owner += [line] * len(parts)
        prompts = [self._prompt(piece) for piece in pieces]
        limits = [
            min(request.max_new_tokens or self._limit(piece.text), self.context - len(prompt))
            for piece, prompt in zip(pieces, prompts, strict=True)
        ]
        if min(limits, default=1) < 1:
            raise In2xError(
                f"the prompt alone fills the {self.context} tokens the model reads", mend="shorten its template"
            )
        answers: list[list[Translation]] = [[] for _ in pieces]
        left = Counter(owner)
        for batch in self._batches(prompts, limits, samples):
            completions = sample(
                (self.model, *self.others),
                [prompts[i] for i in batch],
                max_new_tokens=max(limits[i] for i in batch),
                stop_ids=self.stop_ids,
                temperature=request.temperature,
                samples=samples,
                seed=request.seed + batch[0],
            )
            for i, drawn in zip(batch, completions, strict=True):
                answers[i] = [self._read(completion.tokens[: limits[i]], pieces[i].text) for completion in drawn]
            left.subtract(owner[i] for i in batch)
            if done:
                done(len({owner[i] for i in batch if left[owner[i]] == 0}))
        joint = " " if language(request.target_lang).spaced else ""
        lines: list[list[list[Translation]]] = [[] for _ in sources]
        for line, drawn_answers in zip(owner, answers, strict=True):
            lines[line].append(drawn_answers)
        return [[_joined(parts, joint) for parts in zip(*line, strict=True)] for line in lines]

    def _prompt(self, source: Source) -> list[int]:
        return self.profile.encode(self.tokenizer, source)

    def _limit(self, source: str) -> int:
        """Longest answer to expect: three times the source and 32 tokens (our choice)."""
        return 3 * len(self.tokenizer.encode(source, add_special_tokens=False)) + 32

    def _fits(self, source: Source, text: str) -> bool:
        """Whether the prompt for `text` in the place of the source's, and the answer to expect, fit the context."""
        prompt = self._prompt(replace(source, text=text))
        return len(prompt) + self._limit(text) <= self.context

    def _batches(self, prompts: list[list[int]], limits: list[int], samples: int = 1) -> list[list[int]]:
        """Indices by falling prompt length, cut where a batch would hold more than `batch_tokens`."""
        batches: list[list[int]] = []
        widest = longest = 0
        for i in sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i)):
            widest, longest = max(widest, len(prompts[i])), max(longest, limits[i])
            if batches and (len(batches[-1]) + 1) * samples * (widest + longest) <= self.batch_tokens:
                batches[-1].append(i)
            else:
                batches.append([i])
                widest, longest = len(prompts[i]), limits[i]
        return batches

    def _read(self, tokens: Sequence[int], source: str) -> Translation:
        end = next((n for n, token in enumerate(tokens) if token in self.stop_ids), len(tokens))
        text = self._said(tokens[:end], source)
        stopped = end < len(tokens)
        for stop in self.profile.stop:
            text = text.lstrip() if stop.isspace() else text
            text, found, _ = text.partition(stop)
            stopped = stopped or bool(found)
        text = one_line(text)
        return Translation(text, unfit(text, source) if stopped else f"the answer was cut after {len(tokens)} tokens")

    def _said(self, tokens: Sequence[int], source: str) -> str:
        """The text of `tokens` without control tokens and reasoning, whose marks may be control tokens."""
        marked = str(self.tokenizer.decode(list(tokens), skip_special_tokens=False))
        said = without_reasoning(marked, source)
        if said == marked:
            return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))
        return re.sub("|".join(map(re.escape, self.tokenizer.all_special_tokens)), "", said)


def _joined(parts: Sequence[Translation], joint: str) -> Translation:
    fault = next((part.fault for part in parts if part.fault), "")
    return Translation(joint.join(part.text for part in parts if part.text), fault)
