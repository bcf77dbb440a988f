"""Translate with a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, a paid service).

Only the words are here: what is asked, by chat or as a text to go on with, as the model's profile has it, and what
becomes of an answer. The asking is `in2x.llm` (cache, tries, rates, budget, reasons) and `in2x.judge.retry` (an answer
that is no translation is asked for again).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.chat.wording import GUARD, guarded
from in2x.errors import UsageError
from in2x.inference.loops import repeated
from in2x.judge.retry import Question, Reply, Unreadable, ask_until_read
from in2x.llm.request import Answer, Asker, Request
from in2x.translate.backend import Backend, Done, Translation, one_line, unfit
from in2x.translate.request import TranslationRequest
from in2x.translate.split import cut, joined

ROOM = {"chat": 512, "completions": 64}
"""Tokens that an answer may have beside four for each of the source (our choice): a chat may think although it shall
not, and one that is cut is asked for again with more room (`judge/retry.py`). Without a bound, a loop goes on to the
context's end."""


class RemoteBackend(Backend):
    """A translator that asks a server, several lines at a time.

    Args:
        asker: the model (see `in2x.llm.open.open_server`).
        profile: how it is asked.

    Raises:
        UsageError: the profile is for a model with an encoder, which no such server serves.
    """

    def __init__(self, asker: Asker, profile: PromptProfile) -> None:
        if profile.endpoint == "seq2seq":
            raise UsageError(f"the profile {profile.name!r} is for a model with an encoder, which such servers do not "
                             "serve", mend="give the model's folder")  # fmt: skip
        self.asker, self.profile = asker, profile

    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        """One question a sample, with seeds `seed`, `seed` + 1, ...; beams are no part of the protocol: greedy."""
        pieces = [[replace(source, text=part) for part in cut(source, self.profile, self._fits)] for source in sources]
        replies = ask_until_read(self.asker, self._questions(list(chain(*pieces)), request, samples))
        found: list[list[Translation]] = []
        for parts in pieces:
            drawn = [[_translation(reply) for reply in islice(replies, samples)] for _ in parts]
            found.append([joined(of_each, request.target_lang) for of_each in zip(*drawn, strict=True)])
            if done:
                done(1)
        return found

    def _fits(self, text: str) -> bool:
        return not self.profile.longest or _tokens(text) <= self.profile.longest

    def _questions(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int
    ) -> Iterator[Question[str]]:
        how = request.decoding(self.profile)
        for source in sources:
            asked = self.asked(source)
            for sample in range(samples):
                yield Question(
                    replace(
                        asked,
                        max_tokens=request.max_new_tokens or asked.max_tokens,
                        temperature=how.temperature,
                        top_p=how.top_p,
                        top_k=how.top_k,
                        repetition_penalty=how.repetition_penalty,
                        seed=request.seed,
                        sample=sample,
                    ),
                    partial(read_translation, source=source.text, profile=self.profile),
                )

    def asked(self, source: Source) -> Request:
        """The request that asks for a translation of `source`, without how to decode it."""
        told = guarded(replace(source, text=one_line(source.text)))
        room = ROOM[self.profile.endpoint] + 4 * _tokens(source.text)
        if self.profile.endpoint == "completions":
            return Request(prompt=self.profile.prompt(told), max_tokens=room, stop=self.profile.stop)
        return Request(
            messages=tuple(self.profile.messages(told)), max_tokens=room, stop=self.profile.stop,
            fields=tuple(self.profile.fields(told).items()),
        )  # fmt: skip


def _tokens(text: str) -> int:
    """Tokens that `text` is taken to have: three bytes each (our choice, as `llm/client.py`)."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 3)


def read_translation(answer: Answer, source: str, profile: PromptProfile) -> str:
    """The translation in an answer.

    Raises:
        Unreadable: it was cut, it fell into a loop, nothing is in it, or it is a refusal (and the source reads like
            none).
    """
    said, stopped = profile.read(answer.text)
    text = one_line(said if GUARD in source else said.replace(GUARD, ""))
    if not (answer.finished or stopped):
        if (stretch := repeated(answer.text)) and not repeated(source):
            raise Unreadable(f"the answer fell into a loop ({stretch[:40]!r} over and over)", longer=False)
        raise Unreadable(f"the answer was cut after {answer.answer_tokens:,} tokens")
    if fault := unfit(text, source):
        raise Unreadable(fault)
    return text


def _translation(reply: Reply[str]) -> Translation:
    if reply.value is not None:
        return Translation(reply.value)
    return Translation(one_line(reply.text), reply.fault, reply.unasked)
