"""The prompt profile: how a model wants to be asked for a translation.

Saved with the model as `in2x_prompt.json`, so that training, RL, evaluation and serving ask in the very same words
(the wrong prompt is the most common cause of a bad translation from a good model).

A template may use {source}, {from_name}, {to_name}, {from}, {to}, {register} and {register_words} ("polite (Sie)"; both
are "" where none is asked for). The most specific template wins: "en-ja/polite", then "en-ja", then "*/polite", then
"*".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from in2x.artifact import write_text
from in2x.chat.render import chat_ids, open_ids
from in2x.chat.source import Source
from in2x.errors import In2xError
from in2x.language import language
from in2x.language.pack import REGISTERS
from in2x.records import Message

FILE = "in2x_prompt.json"

DEFAULT_TEMPLATES = {
    "*": "Translate into {to_name}: {source}",
    **{f"*/{register}": "Translate into {to_name}, " + register + " style: {source}" for register in REGISTERS},
}
"""How a model that is trained here is asked, where its recipe does not say otherwise."""

BASE_TEMPLATES = {
    "*": "{from_name}: {source}\n{to_name}:",
    **{f"*/{register}": "{from_name}: {source}\n{to_name} (" + register + "):" for register in REGISTERS},
}
"""How a base model, which has seen bilingual documents in this layout but no chat, is asked (`chat=False`)."""


@dataclass(frozen=True)
class PromptProfile:
    """See the module docstring.

    Attributes:
        templates: see the module docstring.
        system: an optional system message (chat only).
        stop: texts that end an answer.
        languages: codes of the languages the model knows; () where that is not said.
        chat: put the prompt through the model's chat template; False for a base model, which continues the text.
    """

    templates: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_TEMPLATES))
    system: str | None = None
    stop: tuple[str, ...] = ()
    chat: bool = True
    languages: tuple[str, ...] = ()

    def prompt(self, source: Source) -> str:
        """The user's turn that asks for a translation of `source`."""
        source_lang, target_lang, register = source.source_lang, source.target_lang, source.register
        pair = f"{source_lang}-{target_lang}"
        keys = [f"{pair}/{register}", pair, f"*/{register}", "*"] if register else [pair, "*"]
        template = next((self.templates[k] for k in keys if k in self.templates), None)
        if template is None:
            raise In2xError(f"the prompt profile has no template for {pair}", mend='add one for "*"')
        values = {
            "source": source.text,
            "from": source_lang,
            "to": target_lang,
            "register": register or "",
            "from_name": language(source_lang).name,
            "to_name": language(target_lang).name,
            "register_words": language(target_lang).register_words.get(register, register) if register else "",
        }
        # Not str.format: a source may hold braces.
        out, rest = "", template
        while "{" in rest:
            head, _, tail = rest.partition("{")
            name, closed, after = tail.partition("}")
            if not closed or name not in values:
                raise In2xError(
                    f"the prompt template {template!r} uses {{{name}}}", mend=f"use one of {sorted(values)}"
                )
            out, rest = out + head + values[name], after
        return out + rest

    def messages(self, source: Source) -> list[Message]:
        """The chat that asks for a translation, to be put through the model's chat template."""
        head: list[Message] = [{"role": "system", "content": self.system}] if self.system else []
        return [*head, {"role": "user", "content": self.prompt(source)}]

    def encode(self, tokenizer: Any, source: Source) -> list[int]:
        """The token ids that ask for a translation, up to where the answer begins.

        Control tokens that a source spells out are encoded as plain text: a text to translate cannot end its own turn.
        """
        if not self.chat:
            return open_ids(tokenizer, self.prompt(source))
        return chat_ids(tokenizer, self.messages(source))

    def save(self, folder: Path) -> None:
        """Write `in2x_prompt.json` into a model folder."""
        write_text(folder / FILE, json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> PromptProfile:
        """The profile of a model folder; the default one where the folder has none."""
        file = folder / FILE
        if not file.exists():
            return cls()
        try:
            raw = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                templates=dict(raw["templates"]),
                system=raw.get("system"),
                stop=tuple(raw.get("stop", ())),
                chat=bool(raw.get("chat", True)),
                languages=tuple(map(str, raw.get("languages", ()))),
            )
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise In2xError(f"not a prompt profile ({error})", file=file, mend="delete it or write it anew") from None
