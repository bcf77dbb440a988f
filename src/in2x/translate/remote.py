"""Translate with a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, a paid service).

Only the words are here: what is asked, and what becomes of an answer. The asking is `in2x.llm` (cache, tries, rates,
budget, reasons) and `in2x.judge.retry` (an answer that is no translation is asked for again).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from in2x.chat.profile import PromptProfile
from in2x.chat.source import Source
from in2x.judge.retry import Question, Reply, Unreadable, ask_until_read
from in2x.language.pack import REGISTERS
from in2x.llm.request import Answer, Asker, Request
from in2x.translate.backend import Backend, Done, Translation, one_line, unfit
from in2x.translate.request import TranslationRequest

_HEAD = "Translate the following text from {from_name} into {to_name}."
_TAIL = " Write the translation and nothing else.\n\n{source}"
GENERAL_TEMPLATES = {
    "*": _HEAD + _TAIL,
    **{f"*/{register}": _HEAD + " Register: {register_words}." + _TAIL for register in REGISTERS},
}
"""How a model that was not trained here is asked."""


class RemoteBackend(Backend):
    """A translator that asks a server, several lines at a time.

    Args:
        asker: the model (see `in2x.llm.open.open_server`).
        profile: how it is asked.
    """

    def __init__(self, asker: Asker, profile: PromptProfile | None = None) -> None:
        self.asker = asker
        self.profile = profile or PromptProfile(templates=dict(GENERAL_TEMPLATES))

    def _draw(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int, done: Done | None
    ) -> list[list[Translation]]:
        """One question a sample, with seeds `seed`, `seed` + 1, ..."""
        replies = ask_until_read(self.asker, self._questions(sources, request, samples))
        found: list[list[Translation]] = []
        while drawn := [_translation(reply) for reply in islice(replies, samples)]:
            found.append(drawn)
            if done:
                done(1)
        return found

    def _questions(
        self, sources: Sequence[Source], request: TranslationRequest, samples: int
    ) -> Iterator[Question[str]]:
        for source in sources:
            messages = self.profile.messages(replace(source, text=one_line(source.text)))
            for sample in range(samples):
                yield Question(
                    Request(
                        messages=tuple(messages),
                        max_tokens=request.max_new_tokens,
                        temperature=request.temperature,
                        seed=request.seed,
                        sample=sample,
                    ),
                    partial(read_translation, source=source.text),
                )


def read_translation(answer: Answer, source: str) -> str:
    """The translation in an answer.

    Raises:
        Unreadable: it was cut, nothing is in it, or it is a refusal (and the source reads like none).
    """
    if not answer.finished:
        raise Unreadable(f"the answer was cut after {answer.answer_tokens:,} tokens")
    text = one_line(answer.text)
    if fault := unfit(text, source):
        raise Unreadable(fault)
    return text


def _translation(reply: Reply[str]) -> Translation:
    if reply.value is not None:
        return Translation(reply.value)
    return Translation(one_line(reply.text), reply.fault, reply.unasked)
