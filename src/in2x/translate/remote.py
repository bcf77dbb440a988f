"""Translate with a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, a paid service)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from openai import APIConnectionError, APIStatusError, OpenAI, OpenAIError

from in2x.chat.profile import REGISTERS, PromptProfile
from in2x.errors import In2xError
from in2x.translate.engine import Registers, one_line, spread

GENERAL_TEMPLATES = {
    "*": "Translate the following text from {from_name} into {to_name}. Write the translation and nothing else.\n\n"
    "{source}",
    **{
        f"*/{register}": "Translate the following text from {from_name} into {to_name} in a " + register + " register. "
        "Write the translation and nothing else.\n\n{source}"
        for register in REGISTERS
    },
}
"""How a model that was not trained here is asked."""


RETRIES = 4
"""Tries after the first for a request that a busy server refuses, each waiting longer (our choice)."""


class RemoteTranslator:
    """A translator that asks a server, several lines at a time.

    The key comes from the environment (OPENAI_API_KEY) and goes nowhere but to that server.

    Args:
        address: the server's base address, for example http://localhost:8000/v1; "#NAME" after it picks the model,
            else the first one that the server lists.
        profile: how the model is asked.
        workers: requests under way at once.

    Raises:
        In2xError: the server does not answer or lists no model.
    """

    def __init__(self, address: str, *, profile: PromptProfile | None = None, workers: int = 8) -> None:
        self.address, _, model = address.partition("#")
        self.profile = profile or PromptProfile(templates=dict(GENERAL_TEMPLATES))
        self.workers = workers
        self.client = OpenAI(
            base_url=self.address, api_key=os.environ.get("OPENAI_API_KEY", "none"), max_retries=RETRIES, timeout=120.0
        )
        try:
            self.model = model or next((entry.id for entry in self.client.models.list().data), "")
        except OpenAIError as error:
            raise self._sentence(error) from None
        if not self.model:
            raise In2xError("the server lists no model", file=self.address, mend="name one: ADDRESS#MODEL")

    def translate(
        self,
        sources: Sequence[str],
        source_lang: str,
        target_lang: str,
        register: Registers = None,
        *,
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        done: Callable[[int], None] | None = None,
    ) -> list[str]:
        """See `Translator.translate`. Raises In2xError when a request fails after its retries."""
        drawn = self.candidates(
            sources, source_lang, target_lang, register, samples=1, max_new_tokens=max_new_tokens,
            temperature=temperature, seed=seed, done=done,
        )  # fmt: skip
        return [answer for [answer] in drawn]

    def candidates(
        self,
        sources: Sequence[str],
        source_lang: str,
        target_lang: str,
        register: Registers = None,
        *,
        samples: int,
        max_new_tokens: int | None = None,
        temperature: float = 1.0,
        seed: int = 0,
        done: Callable[[int], None] | None = None,
    ) -> list[list[str]]:
        """See `Translator.candidates`: one request a sample, with seeds `seed`, `seed` + 1, ..."""

        def ask(source: str, wanted: str | None, number: int) -> str:
            answer = ""
            if source.strip():
                try:
                    reply = self.client.chat.completions.create(
                        model=self.model,
                        messages=cast(Any, self.profile.messages(one_line(source), source_lang, target_lang, wanted)),
                        temperature=temperature,
                        seed=seed + number,
                        max_tokens=max_new_tokens,
                    )
                except OpenAIError as error:
                    raise self._sentence(error) from None
                answer = (reply.choices[0].message.content or "") if reply.choices else ""
            if done and number == samples - 1:
                done(1)
            return one_line(answer)

        asked = [
            (source, wanted, number)
            for source, wanted in zip(sources, spread(register, len(sources)), strict=True)
            for number in range(samples)
        ]
        with ThreadPoolExecutor(self.workers) as pool:
            answers = list(pool.map(lambda arguments: ask(*arguments), asked))
        return [answers[i : i + samples] for i in range(0, len(answers), samples)]

    def _sentence(self, error: OpenAIError) -> In2xError:
        if isinstance(error, APIStatusError):
            what, mend = f"the server answered {error.status_code} ({error.message[:120]})", "see the server's log"
            if error.status_code in (401, 403):
                mend = "set OPENAI_API_KEY"
        elif isinstance(error, APIConnectionError):
            what, mend = "the server cannot be reached", "check the address and that the server runs"
        else:
            what, mend = str(error)[:160], "check the address"
        return In2xError(what.rstrip("."), file=self.address, mend=mend)
