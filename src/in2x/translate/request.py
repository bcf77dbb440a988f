"""What is asked of a translator beside the sources, and whether a model can be asked it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from in2x.chat.profile import PromptProfile, Sampling
from in2x.chat.source import Source
from in2x.errors import UsageError
from in2x.language import canonical, language

Registers = str | None | Sequence[str | None]


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """Languages and register wanted, and how to decode."""

    source_lang: str
    """Code of the language the sources are in."""
    target_lang: str
    """Code of the language wanted."""
    register: Registers = None
    """Wanted register, one for all sources or one for each."""
    max_new_tokens: int | None = None
    """Longest answer, in tokens; None leaves it to the translator."""
    temperature: float | None = None
    """0 takes the most probable token each time; above, answers are sampled by `seed`. None: as the model's profile."""
    seed: int = 0
    beams: int | None = None
    """Beam search with so many beams, without sampling; None: as the model's profile."""

    def registers(self, count: int) -> list[str | None]:
        """The register of each of `count` sources."""
        if self.register is None or isinstance(self.register, str):
            return [self.register] * count
        if len(self.register) != count:
            raise ValueError(f"{len(self.register)} registers for {count} sources")
        return list(self.register)

    def decoding(self, profile: PromptProfile) -> Sampling:
        """How answers are decoded: as the model's `profile` has it, unless a temperature or beams are asked for."""
        own = profile.sampling
        if self.beams is not None:
            return Sampling(repetition_penalty=own.repetition_penalty, beams=self.beams)
        if self.temperature is not None:
            return Sampling(self.temperature, repetition_penalty=own.repetition_penalty)
        return own

    def sources(self, texts: Sequence[str | Source]) -> list[Source]:
        """The questions that `texts` are: a text gets the languages and its register from here, a `Source` has its own.

        Raises:
            ValueError: a source is of other languages than the request (decoding and checks go by those).
        """
        registers = self.registers(len(texts))
        found = [
            text if isinstance(text, Source) else Source(text, self.source_lang, self.target_lang, register)
            for text, register in zip(texts, registers, strict=True)
        ]
        if any((one.source_lang, one.target_lang) != (self.source_lang, self.target_lang) for one in found):
            raise ValueError(f"a source that is not to be translated from {self.source_lang} to {self.target_lang}")
        return found


def check_request(profile: PromptProfile | None, request: TranslationRequest) -> TranslationRequest:
    """`request` with its languages' codes in their one spelling; cheap, to be called before a model is loaded.

    A profile that does not say which languages its model knows is taken at its word, and so is one that is not known
    yet (None: of a server whose model the address does not name).

    Raises:
        UsageError: an unknown code, twice the same language, one that the model does not know, or a register that the
            language wanted does not distinguish.
    """
    source, target = canonical(request.source_lang), canonical(request.target_lang)
    if source == target:
        raise UsageError(f"the text is in {language(source).name} already", mend="give two languages")
    known = [canonical(code) for code in (profile.languages if profile else ())]
    for code in (source, target):
        if known and code not in known:
            names = ", ".join(f"{language(k).name} ({k})" for k in known)
            raise UsageError(f"the model does not know {language(code).name} ({code})", mend=f"it knows {names}")
    tongue = language(target)
    asked = [request.register] if isinstance(request.register, str) else request.register or ()
    wrong = next((register for register in asked if register is not None and register not in tongue.registers), None)
    if wrong is not None and not tongue.registers:
        raise UsageError(f"the registers of {tongue.name} are not known", mend="ask for none")
    if wrong is not None:
        has = ", ".join(tongue.registers)
        raise UsageError(f"{tongue.name} has no register {wrong!r}", mend=f"{tongue.name} tells {has}")
    return replace(request, source_lang=source, target_lang=target)
