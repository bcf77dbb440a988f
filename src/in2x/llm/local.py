"""A model in this process, asked like a server: raw completions and chat in batches, through the shared sampler."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from in2x.artifact import hash_files
from in2x.chat.contract import end_ids
from in2x.chat.render import prompt_tokens
from in2x.chat.template import ChatTemplate, Render, cut, renderer, stop_ids, take_apart
from in2x.language.reasoning import without_reasoning
from in2x.llm.cache import Cache
from in2x.llm.config import LlmConfig
from in2x.llm.limits import Usage
from in2x.llm.purpose import settled
from in2x.llm.request import Advance, Answer, Request
from in2x.llm.schema import read_json

BATCH = 64
"""Requests sampled as one batch. A sampled answer depends on its place in the batch, so this is no knob."""


LONGEST = 1024
"""Tokens of an answer to a request that leaves it open."""


class LocalClient:
    """Answers requests with a transformers model and its tokenizer.

    Requests are taken in fixed batches of up to 64 neighbours with like settings. A batch is sampled as a whole, from a
    seed that its requests determine, and kept as a whole: so a killed run continues with the same words.
    """

    def __init__(
        self, model: Any, tokenizer: Any, name: str, cache: Cache | None = None, config: LlmConfig | None = None
    ) -> None:
        self.model, self.tokenizer, self.name, self.cache = model, tokenizer, name, cache
        self._config = config or LlmConfig()
        self.usage = Usage()
        self.render: Render = renderer(tokenizer)
        self._template: ChatTemplate | None = None
        generation = getattr(model, "generation_config", None)
        self._ends = end_ids(tokenizer, getattr(generation, "eos_token_id", None))

    @classmethod
    def load(cls, folder: Path, cache: Cache | None = None, config: LlmConfig | None = None) -> LocalClient:
        """The model in a Hugging Face folder, named by the hash of its files. Raises In2xError where there is none."""
        import torch

        from in2x.training.model import load_model, load_tokenizer
        from in2x.training.precision import compute_dtype

        tokenizer, model = load_tokenizer(folder), load_model(folder, compute_dtype(torch.device("cpu"))).eval()
        files = [f for f in folder.iterdir() if f.suffix in (".safetensors", ".json", ".jinja")]
        return cls(model, tokenizer, f"local:{hash_files(files, folder)}", cache, config)

    @property
    def template(self) -> ChatTemplate:
        """The parts of the model's chat template."""
        if self._template is None:
            self._template = take_apart(self.render)
        return self._template

    def ask_all(self, requests: Iterable[Request], advance: Advance | None = None) -> Iterator[Answer]:
        """Answer `requests` in their order, one answer each. A schema is checked, not enforced while sampling."""
        # The contract of a model in this process keeps thinking off.
        wanted = (replace(settled(request, self._config), thinking=False) for request in requests)
        for _, alike in groupby(wanted, key=_settings):
            batch: list[Request] = []
            for request in alike:
                batch.append(request)
                if len(batch) == BATCH:
                    yield from self._batch(batch, advance)
                    batch = []
            if batch:
                yield from self._batch(batch, advance)

    def _batch(self, batch: Sequence[Request], advance: Advance | None) -> list[Answer]:
        keys = [request.key(self.name) for request in batch]
        answers = [self.cache.get(key) for key in keys] if self.cache is not None else [None] * len(batch)
        whole = [answer for answer in answers if answer is not None]
        if len(whole) < len(batch):
            # A question met before (or twice here) has its answer already; the first one stands, as after a restart.
            first: dict[bytes, Answer] = {}
            whole = [
                first.setdefault(key, known or new)
                for key, known, new in zip(keys, answers, self._sample(batch, keys), strict=True)
            ]
            for key, answer in zip(keys, whole, strict=True):
                if self.cache is not None and (answer.ok or (self.cache.unusable and answer.unusable)):
                    self.cache.put(key, self.name, answer)
                self.usage.asked += 1
                self.usage.answered += answer.ok
                self.usage.failed += not answer.ok
                self.usage.prompt_tokens += answer.prompt_tokens
                self.usage.answer_tokens += answer.answer_tokens
        else:
            self.usage.cached += len(batch)
        if advance:
            advance(len(batch), self.usage.note())
        return whole

    def _sample(self, batch: Sequence[Request], keys: Sequence[bytes]) -> list[Answer]:
        from in2x.inference.sampler import sample

        first = batch[0]
        stops = [*first.stop]
        if first.messages is None:
            rows = [self.tokenizer(request.prompt or "", add_special_tokens=False)["input_ids"] for request in batch]
        else:
            rows = prompt_tokens(self.tokenizer, [list(request.messages or ()) for request in batch])
            stops += [t for t in (self.template.end_of_answer, self.template.end_of_user) if t.strip()]
        ends = self._ends | stop_ids(self.tokenizer, stops)
        seed = int.from_bytes(hashlib.blake2b(b"".join(keys), digest_size=6).digest(), "big")
        found = sample(
            self.model, rows, max_new_tokens=first.max_tokens or LONGEST, stop_ids=ends, temperature=first.temperature,
            seed=seed,
        )  # fmt: skip
        answers = []
        for request, row, (completion,) in zip(batch, rows, found, strict=True):
            tokens = [token for token in completion.tokens if token not in ends]
            text, stopped = cut(self.tokenizer.decode(tokens, skip_special_tokens=False), stops)
            if request.messages is not None:
                text = without_reasoning(text, request.messages[-1]["content"])
            answers.append(
                _checked(
                    request,
                    Answer(
                        text.strip(),
                        None,
                        stopped or completion.finished,
                        len(row),
                        len(completion.tokens),
                        _logprobs(self.tokenizer, completion) if request.top_logprobs is not None else None,
                    ),
                )
            )
        return answers


def _settings(request: Request) -> tuple[object, ...]:
    return (request.prompt is None, request.max_tokens, request.temperature, request.top_p, request.stop)


def _checked(request: Request, answer: Answer) -> Answer:
    if request.schema is None:
        return answer
    value, fault = read_json(answer.text, request.schema)
    if fault is not None:
        return replace(answer, error=f"not the JSON asked for: {fault}", unusable=True)
    return replace(answer, value=value)


def _logprobs(tokenizer: Any, completion: Any) -> list[Any]:
    pairs = zip(completion.tokens, completion.logprobs, strict=True)
    return [[tokenizer.decode([token]), round(logprob, 5), []] for token, logprob in pairs]
