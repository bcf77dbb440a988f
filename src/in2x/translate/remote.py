"""Translate with a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama, a paid service).

Only the words are here: what is asked, and what becomes of an answer. The asking is `in2x.llm`: cache, tries, rates,
budget, reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from in2x.chat.profile import PromptProfile
from in2x.errors import In2xError
from in2x.language.pack import REGISTERS
from in2x.llm.request import Asker, Request
from in2x.translate.request import TranslationRequest
from in2x.translate.translator import Done, Translator, one_line

_HEAD = "Translate the following text from {from_name} into {to_name}."
_TAIL = " Write the translation and nothing else.\n\n{source}"
GENERAL_TEMPLATES = {
    "*": _HEAD + _TAIL,
    **{f"*/{register}": _HEAD + " Register: {register_words}." + _TAIL for register in REGISTERS},
}
"""How a model that was not trained here is asked."""


class RemoteTranslator(Translator):
    """A translator that asks a server, several lines at a time.

    Args:
        asker: the model (see `in2x.llm.open.open_server`).
        profile: how it is asked.
    """

    def __init__(self, asker: Asker, profile: PromptProfile | None = None) -> None:
        self.asker = asker
        self.profile = profile or PromptProfile(templates=dict(GENERAL_TEMPLATES))

    def candidates(
        self, sources: Sequence[str], request: TranslationRequest, samples: int, done: Done | None = None
    ) -> list[list[str]]:
        """See `Translator.candidates`: one question a sample, with seeds `seed`, `seed` + 1, ...

        Raises:
            In2xError: the server cannot be used, or leaves a source without an answer.
        """
        answers = self.asker.ask_all(self._questions(sources, request, samples))
        found: list[list[str]] = []
        for number, source in enumerate(sources, start=1):
            drawn = [""] * samples
            for sample in range(samples if source.strip() else 0):
                answer = next(answers)
                if not answer.ok:
                    raise In2xError(
                        f"{self.asker.name}: no translation of text {number} ({answer.error})",
                        mend="see the server's log, or run again",
                    )
                drawn[sample] = one_line(answer.text)
            found.append(drawn)
            if done:
                done(1)
        return found

    def _questions(self, sources: Sequence[str], request: TranslationRequest, samples: int) -> Iterator[Request]:
        for source, register in zip(sources, request.registers(len(sources)), strict=True):
            if source.strip():
                messages = self.profile.messages(one_line(source), request.source_lang, request.target_lang, register)
                for sample in range(samples):
                    yield Request(
                        messages=tuple(messages),
                        max_tokens=request.max_new_tokens,
                        temperature=request.temperature,
                        seed=request.seed,
                        sample=sample,
                    )
