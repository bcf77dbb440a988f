"""Magpie: the model writes instructions by continuing its own user-turn template, then answers them (METHOD 2.3).

Nothing is asked for: the prompt is what the chat template puts before a user's words, and the model goes on as the
user. What comes is steered by a system message alone, without which few models write anything but English: language,
persona, topic, register, difficulty (`Steer`). Works with a model in this process and with servers that have the raw
completions endpoint (chat endpoints close the user's turn themselves). Each turn is answered twice, and how far the
two answers agree is the cheapest sign of whether the model knows what it says.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from in2x.chat.profile import PromptProfile
from in2x.chat.template import ChatTemplate
from in2x.instructions.config import MagpieConfig
from in2x.instructions.neardup import normalise, rouge_l
from in2x.instructions.prompt import asked_in
from in2x.instructions.themes import themes
from in2x.judge.retry import Question, Reply, ask_until_read, whole
from in2x.language import language, packs
from in2x.language.example import HUB
from in2x.language.identify import language_of
from in2x.language.reasoning import without_reasoning
from in2x.language.wording import search
from in2x.llm.request import Advance, Answer, Asker, Request
from in2x.principles.case import Case, verifier_of
from in2x.records import Instruction, Message, content_id

CHUNK = 1024
"""Turns sampled before they are answered: bounds memory."""


@dataclass(frozen=True, slots=True)
class Steer:
    """What one turn is steered to."""

    lang: str
    persona: str
    kind: str
    """Its key in the lists."""
    topic: str
    register: str
    difficulty: str


_SYSTEM, _AGREED = "Thistlewick", "Marrowdene"
"""Marker words in the place of a system message and of the assent to it: a template is taken apart once."""


class Openings:
    """What each turn of Magpie begins with: the same for all, one of some system messages in turn, or steered.

    Args:
        template_of: takes the chat template apart, given a system message and the assent to it.
        systems: system messages that take turns.
        languages: with none of these, the languages that are steered to, in turn.
        seed: of the draws.
        folder: lists of the recipe's own (`themes`).
    """

    def __init__(
        self,
        template_of: Callable[[str | None, str], ChatTemplate],
        systems: Sequence[str] = (),
        languages: Sequence[str] = (),
        seed: int = 0,
        folder: str | None = None,
    ) -> None:
        self._seed, self._folder = seed, folder
        self._languages = () if systems else tuple(languages)
        self._templates = [template_of(system, "OK.") for system in systems or (None,) if not self._languages]
        self._marked = template_of(_SYSTEM, _AGREED) if self._languages else None
        self.stops = (self._marked or self._templates[0]).stops

    def steer(self, number: int) -> Steer | None:
        """What turn `number` is steered to."""
        if not self._languages:
            return None
        lang = self._languages[number % len(self._languages)]
        lists, rng = themes(lang, self._folder), random.Random(f"{self._seed} magpie {number}")
        return Steer(
            lang, rng.choice(lists.personas), rng.choice(list(lists.kinds)),
            rng.choice(lists.topics), rng.choice(list(lists.registers.values())),
            rng.choice(list(lists.difficulties.values())),
        )  # fmt: skip

    def opening(self, number: int) -> str:
        """The prompt of turn `number`: all that stands before the user's words."""
        wanted = self.steer(number)
        if wanted is None or self._marked is None:
            return self._templates[number % len(self._templates)].prefix
        lists = themes(wanted.lang, self._folder)
        words = asdict(wanted) | {"kind": lists.kinds[wanted.kind].name}
        said = asked_in(wanted.lang, "magpie", **{k: v for k, v in words.items() if k != "lang"})
        return self._marked.prefix.replace(_SYSTEM, said).replace(_AGREED, lists.agreed)


@dataclass(frozen=True, slots=True)
class Turn:
    """One sampled user turn with the model's answers to it."""

    text: str
    fault: str | None
    """Why there is no such turn, or no answer to it."""
    failed: bool = False
    """Whether the model gave nothing to judge."""
    answer: str | None = None
    thought: str = ""
    """What the model thought before its answer."""
    agreement: float | None = None
    """Character ROUGE-L of the answer with a second, sampled one."""
    steer: Steer | None = None


def sample_turns(
    asker: Asker, openings: Openings, config: MagpieConfig, seed: int, advance: Advance | None = None
) -> Iterator[Turn]:
    """Sample `config.turns` turns and their answers.

    A turn that was cut is no turn; an answer that was cut is asked for once more with more room, and has then failed.
    """
    numbers = iter(range(config.turns))
    while chunk := list(islice(numbers, CHUNK)):
        wanted = [
            Request(
                prompt=openings.opening(number), max_tokens=config.turn_tokens, temperature=config.temperature,
                stop=openings.stops, seed=seed, sample=number, purpose="turn", whole=True,
            )
            for number in chunk
        ]  # fmt: skip
        turns = list(asker.ask_all(wanted))
        read = [_turn(turn) for turn in turns]
        good = [text for text, fault in read if fault is None]
        first = iter(list(_answers(asker, good, config, config.answer_temperature, seed)))
        second = iter(list(_answers(asker, good, config, 0.7, seed + 1)))
        for number, turn, (text, fault) in zip(chunk, turns, read, strict=True):
            steer = openings.steer(number)
            if fault is not None:
                yield Turn(text, fault, failed=not turn.ok, steer=steer)
            else:
                yield _answered(text, steer, next(first), next(second))
        if advance:
            advance(len(chunk), "")


def _turn(answer: Answer) -> tuple[str, str | None]:
    """The user's words that a model wrote, without what it thought before them; and why there are none."""
    text = without_reasoning(answer.text).strip()
    if not answer.ok:
        return text, answer.error
    if not answer.finished:
        return text, "unfinished turn" if answer.text.strip() else "empty turn"
    if not text:
        return text, "empty turn"
    return text, "a turn that goes on as the assistant" if search("roles", text) else None


def _answered(text: str, steer: Steer | None, one: Reply[str], two: Reply[str]) -> Turn:
    if one.value is None:
        return Turn(text, one.fault, True, steer=steer)
    agree = None if two.value is None else round(rouge_l(normalise(one.value), normalise(two.value)), 4)
    return Turn(text, None, False, one.value, one.thought, agree, steer)


def _answers(
    asker: Asker, turns: Sequence[str], config: MagpieConfig, temperature: float, seed: int
) -> Iterator[Reply[str]]:
    questions = (
        Question(
            Request(
                messages=({"role": "user", "content": turn},), max_tokens=config.answer_tokens,
                temperature=temperature, seed=seed, purpose="answer",
            ),
            whole,
        )
        for turn in turns
    )  # fmt: skip
    return ask_until_read(asker, questions, tries=2)


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
