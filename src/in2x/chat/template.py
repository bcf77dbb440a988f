"""A chat template taken apart: where the user's words begin, what ends them, what ends an answer.

Magpie lets a model continue its own user-turn prefix. That prefix is found by rendering the template with marker words
and looking where they come out, so it holds for any Hugging Face chat template and needs no table of models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from in2x.chat.render import chat_text
from in2x.errors import In2xError
from in2x.records import Message

Render = Callable[[list[Message], bool], str]
"""`render(messages, add_generation_prompt) -> text`."""

_USER = "Quillonborough"
_ANSWER = "Vexhampton"
"""Marker words: letters only, so that no template escapes, strips or splits them, and in nobody's template."""


@dataclass(frozen=True)
class ChatTemplate:
    """The parts of a chat template around one exchange."""

    prefix: str
    """Everything before the user's words: a default system turn, the mark of the user's turn."""
    middle: str
    """From the user's last word to the answer's first: end of the user's turn, mark of the answer's turn."""
    end_of_user: str
    """What closes the user's turn (never empty: where the template closes nothing, the mark of the answer's turn)."""
    end_of_answer: str
    """What closes an answer; may be empty."""

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that show a sampled user turn to be over."""
        return tuple(dict.fromkeys(t for t in (self.end_of_user, self.middle.strip(), self.end_of_answer) if t))


def take_apart(render: Render, system: str | None = None, agreed: str = "OK.") -> ChatTemplate:
    """Find the parts of a chat template.

    Args:
        render: puts messages through the template.
        system: a system message to put before (steers what the model will ask); None for the template's own default.
            Where the template has no system role, or would put it into the turn that the model is to write, it is said
            in an exchange of its own before that turn.
        agreed: the assistant's words in that exchange.

    Raises:
        In2xError: the template fails, has no user turn, or repeats the user's words.
    """
    if system is None:
        return _parts(render, [])
    try:
        found = _parts(render, [{"role": "system", "content": system}])
        if system in found.prefix and not found.prefix.rstrip().endswith(system):
            return found
    except In2xError:  # a template that refuses system messages
        pass
    return _parts(render, [{"role": "user", "content": system}, {"role": "assistant", "content": agreed}])


def _parts(render: Render, head: list[Message]) -> ChatTemplate:
    user: Message = {"role": "user", "content": _USER}
    answer: Message = {"role": "assistant", "content": _ANSWER}
    mend = "give a model with a chat template for user and assistant turns"
    try:
        asked = render([*head, user], True)
        closed = render([*head, user], False)
        whole = render([*head, user, answer], False)
    except In2xError:
        raise
    except Exception as error:  # a template is a program of someone else's: any error may come out of it
        raise In2xError(f"the chat template fails on one user turn ({error})", mend=mend) from None
    if asked.count(_USER) != 1:
        found = "has no user turn" if _USER not in asked else "repeats the user's words"
        raise In2xError(f"the chat template {found}", mend=mend)
    prefix, _, middle = asked.partition(_USER)
    tail = closed.partition(_USER)[2]
    if _ANSWER in whole:
        middle_of_whole, _, end_of_answer = whole.partition(_USER)[2].partition(_ANSWER)
        # Without a generation prompt some templates close the conversation (an end-of-text mark), which is then not
        # what closes a user turn: the part that both renderings share is.
        shared = _common_prefix(tail, middle_of_whole)
        tail = shared or middle_of_whole
    else:
        end_of_answer = ""
    end_of_user = (tail.strip() or middle.strip()) or "\n"
    return ChatTemplate(prefix, middle, end_of_user, end_of_answer.strip())


def _common_prefix(a: str, b: str) -> str:
    size = 0
    while size < min(len(a), len(b)) and a[size] == b[size]:
        size += 1
    return a[:size]


def renderer(tokenizer: Any) -> Render:
    """The renderer of a Hugging Face tokenizer, which raises In2xError where that has no chat template."""

    def render(messages: list[Message], add_generation_prompt: bool) -> str:
        return chat_text(tokenizer, messages, open_for_answer=add_generation_prompt)

    return render


def stop_ids(tokenizer: Any, stops: Sequence[str]) -> frozenset[int]:
    """The tokens of their own with which one of `stops` begins; a stop that begins with plain text has none."""
    own = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    firsts = (tokenizer.encode(stop, add_special_tokens=False)[:1] for stop in stops if stop)
    return frozenset(token for first in firsts for token in first if token in own)


def cut(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """`text` up to the first of `stops`, and whether one was found."""
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return (text[: min(found)], True) if found else (text, False)
