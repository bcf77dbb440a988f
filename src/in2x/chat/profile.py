"""The prompt profile: how a model wants to be asked for a translation.

Saved with the model as `in2x_prompt.json`, so that training, RL, evaluation and serving ask in the very same words
(the wrong prompt is the most common cause of a bad translation from a good model). Profiles of models that others
trained are data beside this file (`profiles/*.yaml`, found by `known.py`). One profile serves every back end.

A template may use {source}, {from_name}, {to_name}, {from}, {to}, {register} and {register_words} ("polite (Sie)"; both
are "" where none is asked for); `{to_name:CODE}` is the name in the language CODE, for prompts that are not in English.
{tags}, {terms}, {before}, {scene}, {style} stand for that part of `parts`, or for nothing where the source has none of
it. Which template asks a source: `wording.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from in2x.artifact import write_text
from in2x.chat.render import chat_ids, open_ids, prompt_tokens, spoken_ids
from in2x.chat.source import Source
from in2x.chat.wording import NEEDS, Pieces, brings, chosen, filled, joined, merged, met_by
from in2x.errors import In2xError
from in2x.language import language
from in2x.language.example import HUB, TARGET
from in2x.language.pack import REGISTERS
from in2x.records import Message

FILE = "in2x_prompt.json"

Endpoint = Literal["chat", "completions", "seq2seq"]
"""Through the chat template; as a text to go on with; as the input of an encoder."""

DEFAULT_TEMPLATES = {
    "*": "Translate into {to_name}: {source}",
    **{f"*/{register}": "Translate into {to_name}, " + register + " style: {source}" for register in REGISTERS},
}
"""How a model that is trained here is asked, where its recipe does not say otherwise."""

BASE_TEMPLATES = {
    "*": "{from_name}: {source}\n{to_name}:",
    **{f"*/{register}": "{from_name}: {source}\n{to_name} (" + register + "):" for register in REGISTERS},
}
"""How a base model, which has seen bilingual documents in this layout but no chat, is asked (as completions)."""


@dataclass(frozen=True)
class Sampling:
    """How a model's answers are decoded; the defaults are greedy."""

    temperature: float = 0.0
    """0 takes the most probable token each time."""
    top_p: float = 1.0
    """Sampled from the most probable tokens that have this share together; 1: from all."""
    top_k: int = 0
    """Sampled from so many most probable tokens; 0: from all."""
    repetition_penalty: float = 1.0
    """As transformers has it: scores of tokens that stand in prompt or answer are divided by it."""
    beams: int = 1
    """Above 1: beam search, without sampling."""


@dataclass(frozen=True)
class PromptProfile:
    """See the module docstring."""

    templates: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_TEMPLATES))
    """See `wording.py`."""
    system: str | None = None
    """An optional system message (chat only)."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer."""
    languages: tuple[str, ...] = ()
    """Codes of the languages the model knows; () where that is not said."""
    endpoint: Endpoint = "chat"
    name: str = ""
    """Of a profile that is shipped; "" for a model's own."""
    parts: dict[str, str] = field(default_factory=dict)
    """Need -> text of the prompt where the source has it. {text} is the source's own; {lines} its `lines`."""
    lines: dict[str, str] = field(default_factory=dict)
    """For terms and before: one line of the part, from {term} and {rendering}, {original} and {translation}."""
    mend: str = ""
    """The user's next turn, behind an attempt that is to be mended; {finding} says why (chat only)."""
    content: dict[str, str] = field(default_factory=dict)
    """Fields of the message's content beside its text, for chat templates that want a list of parts (servers only)."""
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """Language of the prompt -> code -> what the model calls that language, where it is not CLDR's name."""
    codes: dict[str, str] = field(default_factory=dict)
    """Code -> the model's own code, as {from} and {to}."""
    source_token: str = ""
    """Sequence-to-sequence: template of the token before the source."""
    target_token: str = ""
    """Sequence-to-sequence: template of the token that the answer is made to begin with."""
    wrapped: tuple[str, ...] = ()
    """Opening and closing mark that the model may put around an answer."""
    sampling: Sampling = field(default_factory=Sampling)
    longest: int = 0
    """Longest source, in tokens, that the model translates whole; 0: as its context allows."""
    one_sentence: bool = False
    """Whether the model translates one sentence at a time, and drops others."""
    unsure: float = 0.0
    """An answer is marked where the model gave its least probable token less than this; 0: nothing is marked."""
    licence: str = ""
    use: str = ""
    """One line on what its terms of use allow."""

    def prompt(self, source: Source) -> str:
        """The user's turn, or the text to go on with, that asks for a translation of `source`.

        Raises:
            In2xError: no template fits, or one names a slot that there is not.
        """
        return "".join(text for text, _ in self._pieces(source))

    @property
    def notice(self) -> str:
        """One line on the licence of a model that others trained; "" where nothing is known of it."""
        said = f"{self.name}: {self.licence}. {self.use}" if self.licence else ""
        return said.strip()

    def takes(self, need: str, source: Source) -> bool:
        """Whether the model has words for `need`: one of `NEEDS`, or "mend" (attempt and finding) in questions like
        `source`. What it has no words for is left out."""
        if need == "mend":
            return bool(self.mend) and self.endpoint == "chat" and not self.content
        key = chosen(self.templates, source)
        return need in met_by(key, self.templates[key])

    def messages(self, source: Source) -> list[Message]:
        """The chat that asks for a translation, to be put through the model's chat template."""
        head: list[Message] = [{"role": "system", "content": self.system}] if self.system else []
        chat: list[Message] = [*head, {"role": "user", "content": self.prompt(source)}]
        if source.attempt and self.takes("mend", source):
            wish = joined(filled(self.mend, lambda slot: self._value(slot, source)))
            chat += [{"role": "assistant", "content": source.attempt}, {"role": "user", "content": wish}]
        return chat

    def fields(self, source: Source) -> dict[str, str]:
        """`content` for `source`."""
        return {
            name: joined(filled(value, lambda slot: self._value(slot, source))) for name, value in self.content.items()
        }

    def encode(self, tokenizer: Any, source: Source) -> list[int]:
        """The token ids that ask for a translation, up to where the answer begins.

        Control tokens that a source spells out are encoded as plain text: a text to translate cannot end its own turn.
        Those of a template are control tokens.

        Raises:
            In2xError: as `prompt`; a profile for servers alone; a language for which the model has no token.
        """
        if self.content:
            raise In2xError(f"the profile {self.name} asks servers alone", mend="give one with a rendered prompt")
        if self.endpoint == "chat":
            return chat_ids(tokenizer, self.messages(source))
        if self.endpoint == "completions":
            return open_ids(tokenizer, self._pieces(source))
        words = spoken_ids(tokenizer, self._pieces(source))
        return [*self._token(tokenizer, self.source_token, source), *words, tokenizer.eos_token_id]

    def encode_all(self, tokenizer: Any, sources: Sequence[Source]) -> list[list[int]]:
        """`encode` of each of `sources`; chats are rendered and encoded together, in half the time."""
        if self.endpoint == "chat" and not self.content:
            return prompt_tokens(tokenizer, [self.messages(source) for source in sources])
        return [self.encode(tokenizer, source) for source in sources]

    def target_prefix(self, tokenizer: Any, source: Source) -> list[int]:
        """The tokens that a sequence-to-sequence model's answer is made to begin with. Raises as `encode` does."""
        return self._token(tokenizer, self.target_token, source)

    def read(self, answer: str) -> tuple[str, bool]:
        """An answer up to the first stop and without marks around it, and whether there was a stop."""
        stopped = False
        for stop in self.stop:
            answer, found, _ = (answer.lstrip() if stop.isspace() else answer).partition(stop)
            stopped = stopped or bool(found)
        if self.wrapped and self.wrapped[0] in answer:
            answer, found, _ = answer.partition(self.wrapped[0])[2].partition(self.wrapped[1])
            stopped = stopped or bool(found)
        return answer, stopped

    def _pieces(self, source: Source) -> Pieces:
        """The prompt in pieces, each with whether it is the template's own."""
        template = self.templates[chosen(self.templates, source)]

        def value(slot: str) -> str | Pieces | None:
            if slot not in NEEDS:
                return self._value(slot, source)
            if slot not in self.parts:
                return None
            return list(filled(self.parts[slot], lambda s: self._told(slot, s, source))) if brings(source, slot) else ""

        return merged(filled(template, value))

    def _told(self, need: str, slot: str, source: Source) -> str | Pieces | None:
        """What stands in a slot of the part for `need`."""
        if slot == "text" and need in ("scene", "style"):
            return str(getattr(source, need))
        if slot != "lines" or need not in self.lines:
            return self._value(slot, source)
        names = ("term", "rendering") if need == "terms" else ("original", "translation")
        # What has no translation yet stands alone.
        return "\n".join(
            joined(filled(self.lines[need], dict(zip(names, entry, strict=True)).get)) if entry[1] else entry[0]
            for entry in getattr(source, need)
        )

    def _value(self, slot: str, source: Source) -> str | Pieces | None:
        """What stands in a slot; None where there is no such slot. What is ours is the template's own, as a tag of a
        language is ("<2ja>")."""
        if slot == "source":
            return source.text
        if slot == "finding":
            return source.finding
        ours = self._fact(slot, source)
        return None if ours is None else [(ours, True)]

    def _fact(self, slot: str, source: Source) -> str | None:
        name, _, reader = slot.partition(":")
        match name:
            case "from_name":
                return self._name(source.source_lang, reader)
            case "to_name":
                return self._name(source.target_lang, reader)
            case "from":
                return self.codes.get(source.source_lang, source.source_lang)
            case "to":
                return self.codes.get(source.target_lang, source.target_lang)
            case "register":
                return source.register or ""
            case "register_words":
                words = language(source.target_lang).register_words
                return words.get(source.register, source.register) if source.register else ""
        return None

    def _name(self, code: str, reader: str) -> str:
        reader = reader or _ENGLISH
        return self.names.get(reader, {}).get(code) or language(code).name_in(reader)

    def _token(self, tokenizer: Any, template: str, source: Source) -> list[int]:
        if not template:
            return []
        token = joined(filled(template, lambda slot: self._value(slot, source)))
        number = tokenizer.convert_tokens_to_ids(token)
        if number is None or number == tokenizer.unk_token_id:
            raise In2xError(f"the model has no token {token}", file=tokenizer.name_or_path,
                            mend="give the language's code in `codes` of its in2x_prompt.json")  # fmt: skip
        return [int(number)]

    def save(self, folder: Path) -> None:
        """Write `in2x_prompt.json` into a model folder; what is as usual is not said."""
        usual = asdict(PromptProfile())
        said = {name: value for name, value in asdict(self).items() if name in _ALWAYS or value != usual[name]}
        write_text(folder / FILE, json.dumps(said, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> PromptProfile:
        """The profile of a model folder; the default one where the folder has none."""
        file = folder / FILE
        return cls.read_file(file) if file.exists() else cls()

    @classmethod
    def read_file(cls, file: Path) -> PromptProfile:
        """The profile in a JSON file. Raises In2xError where it is none."""
        try:
            return cls.of(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise In2xError(f"cannot be read ({error.strerror})", file=file, mend="give a prompt profile") from None
        except (KeyError, TypeError, ValueError, RecursionError, In2xError) as error:
            raise In2xError(f"not a prompt profile ({error})", file=file, mend="delete it or write it anew") from None

    @classmethod
    def of(cls, raw: Any) -> PromptProfile:
        """The profile that a JSON or YAML object says.

        Raises:
            ValueError, TypeError: it is none; the message says why.
            In2xError: a template names a slot that there is not.
        """
        if not isinstance(raw, dict) or not isinstance(raw.get("templates"), dict):
            raise ValueError("no templates")
        given = dict(raw)
        if given.pop("chat", True) is False:  # how older files say it
            given.setdefault("endpoint", "completions")
        if unknown := sorted(given.keys() - {entry.name for entry in fields(cls)}):
            raise ValueError(f"there is no field {unknown[0]!r}")
        if given.get("endpoint", "chat") not in get_args(Endpoint):
            raise ValueError(f"there is no endpoint {given['endpoint']!r}")
        given["sampling"] = Sampling(**given.get("sampling", {}))
        for name in ("stop", "languages", "wrapped"):
            given[name] = tuple(map(str, given.get(name, ())))
        profile = cls(**given)
        for key in profile.templates:
            profile._try(key)
        return profile

    def _try(self, key: str) -> None:
        """Fill the template of `key` once, so that a slot that there is not is found where it is written."""
        full = Source("", HUB, TARGET, None, (("", ""),), (("", ""),), "x", "x", True, "x", "x")

        def value(slot: str) -> str | Pieces | None:
            if slot not in NEEDS:
                return self._value(slot, full)
            found = self.parts.get(slot)
            return None if found is None else list(filled(found, lambda s: self._told(slot, s, full)))

        joined(filled(self.templates[key], value))


_ALWAYS = ("templates", "system", "stop", "languages", "endpoint")
_ENGLISH = HUB
"""Prompts are in the language of our examples' hub where a slot does not say otherwise."""
