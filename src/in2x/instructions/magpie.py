"""Magpie: the model writes instructions by continuing its own user-turn template, then answers them (METHOD 2.3).

Nothing is asked for: the prompt is what the chat template puts before a user's words, and the model goes on as the
user. Works with a model in this process and with servers that have the raw completions endpoint (chat endpoints close
the user's turn themselves). Each turn is answered twice, and how far the two answers agree is the cheapest sign of
whether the model knows what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from in2x.chat.profile import PromptProfile
from in2x.chat.template import ChatTemplate
from in2x.instructions.config import MagpieConfig
from in2x.instructions.neardup import normalise, rouge_l
from in2x.language import language, packs
from in2x.language.example import HUB
from in2x.language.identify import language_of
from in2x.llm.request import Advance, Answer, Asker, Request
from in2x.principles.case import Case, verifier_of
from in2x.records import Instruction, Message, content_id

CHUNK = 1024
"""Turns sampled before they are answered: bounds memory."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One sampled user turn with the model's answers to it."""

    text: str
    fault: str | None
    """Why there is no such turn: "unfinished turn", "empty turn", or the model's failure."""
    answer: Answer | None
    agreement: float | None
    """Character ROUGE-L of the answer with a second, sampled one."""

    @property
    def failed(self) -> bool:
        """Whether the model gave nothing to judge."""
        return self.fault is not None and self.fault not in ("unfinished turn", "empty turn")


def sample_turns(
    asker: Asker, templates: Sequence[ChatTemplate], config: MagpieConfig, seed: int, advance: Advance | None = None
) -> Iterator[Turn]:
    """Sample `config.turns` turns and their answers.

    Args:
        templates: the model's template, or one for each system message that is to steer what is asked (topic,
            difficulty, language); they take turns.
    """
    numbers = iter(range(config.turns))
    while chunk := list(islice(numbers, CHUNK)):
        wanted = [
            Request(
                prompt=templates[number % len(templates)].prefix, max_tokens=config.turn_tokens,
                temperature=config.temperature, stop=templates[0].stops, seed=seed, sample=number,
            )
            for number in chunk
        ]  # fmt: skip
        turns = list(asker.ask_all(wanted))
        good = [turn.text.strip() for turn in turns if turn.ok and turn.finished and turn.text.strip()]
        first = iter(list(asker.ask_all(_questions(good, config, config.answer_temperature, seed))))
        second = iter(list(asker.ask_all(_questions(good, config, 0.7, seed + 1))))
        for turn in turns:
            text = turn.text.strip()
            if not turn.ok:
                yield Turn(text, turn.error, None, None)
            elif not text:
                yield Turn(text, "empty turn", None, None)
            elif not turn.finished:
                yield Turn(text, "unfinished turn", None, None)
            else:
                one, two = next(first), next(second)
                agree = rouge_l(normalise(one.text), normalise(two.text)) if one.ok and two.ok else None
                yield Turn(text, None, one, None if agree is None else round(agree, 4))
        if advance:
            advance(len(chunk), "")


def _questions(turns: Sequence[str], config: MagpieConfig, temperature: float, seed: int) -> Iterator[Request]:
    for turn in turns:
        yield Request(
            messages=({"role": "user", "content": turn},), max_tokens=config.answer_tokens, temperature=temperature,
            seed=seed,
        )  # fmt: skip


class Interpreter:
    """Tells what a free user turn asks for, so that its answer can be checked: a translation in our own wording, or
    (else) a chat."""

    def __init__(self, profile: PromptProfile) -> None:
        self._codes = {language(code).name: code for code in profile.languages or packs()}
        names = "|".join(map(re.escape, self._codes))
        self._patterns: list[tuple[re.Pattern[str], str | None]] = []
        # The longest template first: "..., polite style: {source}" is also a "...: {source}".
        for key, template in sorted(profile.templates.items(), key=lambda kv: -len(kv[1])):
            pattern = re.escape(template)
            for name, group in (("to_name", f"(?P<to>{names})"), ("from_name", f"(?P<from>{names})")):
                pattern = pattern.replace(re.escape("{" + name + "}"), group, 1)
            pattern = pattern.replace(re.escape("{source}"), "(?P<source>.+)", 1)
            if "(?P<to>" in pattern and "(?P<source>" in pattern:
                register = key.partition("/")[2] or None
                self._patterns.append((re.compile(pattern, re.DOTALL), register))

    def instruction(self, turn: str, answer: str | None, origin: str) -> Instruction:
        """`turn` and its `answer` as a record."""
        messages: list[Message] = [{"role": "user", "content": turn}]
        task, verifier = "chat", None
        lang = language_of(answer or "") or language_of(turn) or HUB
        for pattern, register in self._patterns:
            if match := pattern.fullmatch(turn):
                to = self._codes[match["to"]]
                source = match["source"].strip()
                task, lang = "translate", to
                verifier = verifier_of(Case(source, language_of(source) or to, to, register))
                break
        return Instruction(
            id=content_id(origin, messages, answer), lang=lang, task=task, messages=messages, answer=answer,
            verifier=verifier, origin=origin,
        )  # fmt: skip
