"""The chat contract: one template text that every program renders to the same tokens, and what ends an answer.

A model's own chat template leaves open what programs then decide each for itself: whether the model thinks first, where
a system message goes that the template refuses, which day it is, what closes an answer. The contract decides it once,
in the template itself, so that `apply_chat_template` without any option is the contract: SFT, RL, TRL, verl, servers
and translation ask alike. `settle` writes it into a tokenizer and a generation config; a stage that teaches or rewards
answers saves them.

- thinking is off: by the template's own switch where it has one, else by the closed block that stands before the
  answers of a chat, else by closing what the prompt has opened;
- a system message opens the first user turn where the template refuses or drops it;
- a template that prints the day prints `DAY`;
- an answer ends with the token that the template closes it with; where it closes with none, the tokenizer's end of text
  is written behind the last answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from in2x.chat.harmless import refuse_costly
from in2x.errors import In2xError
from in2x.records import Message

SWITCHES = {"enable_thinking": "false", "thinking": "false", "thinking_budget": "0"}
"""What templates call their thinking mode, and the value that turns it off."""
DAY = date(2025, 1, 1)
"""Our choice: a prompt must not change with the day it is asked on."""

_TODAY = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
_OPEN = re.compile(r"(?:<(\w*think\w*)>|\[(THINK)\])\s*\Z")
_SYSTEM, _USER, _ANSWER = "Pellworthy", "Quillonborough", "Vexhampton"
"""Marker words: letters only, so that no template escapes, strips or splits them, and in nobody's template."""
_FOLD = (
    "{% if messages|length > 1 and messages[0]['role'] == 'system' %}"
    "{% set messages = [{'role': messages[1]['role'], 'content': messages[0]['content'] + '\\n\\n' "
    "+ messages[1]['content']}] + messages[2:] %}{% endif %}"
)


PLAIN = (
    "{% for message in messages %}{% if not loop.first %}{{ '\\n' }}{% endif %}"
    "{% if message['role'] == 'assistant' %}Assistant: {{ message['content'] }}{{ eos_token }}"
    "{% elif message['role'] == 'user' %}User: {{ message['content'] }}{% else %}{{ message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '\\n' }}Assistant:{% endif %}"
)
"""What a tokenizer without a chat template gets (our choice): words and an end that every base model has seen."""


@dataclass(frozen=True)
class Contract:
    """What was found in a chat template, and the template that settles it."""

    template: str
    """Jinja; the model's own where nothing was left open."""
    thinking: str
    """How thinking is kept off, in words; "" where the template knows none."""
    system: bool
    """Whether the template has a system role of its own."""
    end: str
    """The token that ends an answer."""

    @property
    def words(self) -> str:
        """One sentence for people."""
        role = "has a system role" if self.system else "has no system role: it goes into the first user turn"
        return f"answers end with {self.end}; {self.thinking or 'no thinking mode'}; {role}"


def contract_of(tokenizer: Any) -> Contract:
    """The contract of a tokenizer of transformers.

    Raises:
        In2xError: it has no chat template, or one that fails on a plain exchange; nothing could end an answer.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise In2xError(
            "the tokenizer has no chat template",
            file=tokenizer.name_or_path,
            mend="use an instruction-tuned tokenizer, add chat_template.jinja, or put "
            '"endpoint": "completions" into in2x_prompt.json',
        )
    own = control_tokens(tokenizer)
    try:
        return _contract(_Rendering(tokenizer), tokenizer.get_chat_template(), tokenizer.eos_token, own)
    except In2xError as error:
        raise In2xError(error.what, file=tokenizer.name_or_path, mend=error.mend) from None


def control_tokens(tokenizer: Any) -> tuple[str, ...]:
    """What the tokenizer takes for one token of its own wherever it stands in a text, longest first; no mere space."""
    return tuple(sorted((t for t in tokenizer.added_tokens_encoder if t.strip()), key=len, reverse=True))


def rendered(tokenizer: Any, template: str, chat: Sequence[Message], open_for_answer: bool) -> str:
    """A chat through a template with a tokenizer's special tokens. Any error may come out of a template."""
    from in2x.chat.bounded import render  # here, not above: a command that asks a server needs no template

    values = {**tokenizer.special_tokens_map, "messages": list(chat), "tools": None, "documents": None,
              "add_generation_prompt": open_for_answer}  # fmt: skip
    return render(template, values)


class _Rendering:
    """Renders with a tokenizer's special tokens; equal to another with the same ones, for the cache."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.key = tuple(sorted((name, str(value)) for name, value in tokenizer.special_tokens_map.items()))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rendering) and self.key == other.key

    def __call__(self, template: str, chat: list[Message], open_for_answer: bool) -> str:
        return rendered(self.tokenizer, template, chat, open_for_answer)


@lru_cache(maxsize=64)
def _contract(render: _Rendering, template: str, eos: str | None, own: tuple[str, ...]) -> Contract:
    from in2x.chat.bounded import variables

    refuse_costly(template)
    template = _TODAY.sub(lambda call: repr(DAY.strftime(call[2])), template)
    read = variables(template)
    given = "".join(f"{{% set {name} = {off} %}}" for name, off in SWITCHES.items() if name in read)
    thinking = "thinking is switched off" if given else ""
    if "date_string" in read:
        given += f"{{% set date_string = {DAY.strftime('%d %b %Y')!r} %}}"
    template = given + template
    user: Message = {"role": "user", "content": _USER}
    answer: Message = {"role": "assistant", "content": _ANSWER}
    try:
        asked, whole = render(template, [user], True), render(template, [user, answer], False)
    except Exception as error:  # a template is a program of someone else's: any error may come out of it
        raise In2xError(
            f"the chat template fails ({error})", mend="give a model with a chat template for user and assistant turns"
        ) from None
    if _USER not in asked or _ANSWER not in whole:
        raise In2xError("the chat template does not show the words of a turn that is plain text",
                        mend="give a model whose chat is text alone")  # fmt: skip
    system = _has_system(render, template, user)
    if not system:
        template = _FOLD + template
    if before := _before_answer(asked, whole):
        thinking = thinking or "thinking is closed before it begins"
        template = f"{template.removesuffix(chr(10))}{{% if add_generation_prompt %}}{{{{ {before!r} }}}}{{% endif %}}"
    first = re.search("|".join(map(re.escape, own)) or "(?!)", whole.rpartition(_ANSWER)[2])
    end = first[0] if first else eos
    if first is None:
        if eos is None:
            raise In2xError("nothing ends an answer: neither the chat template nor the tokenizer has an end token",
                            mend="give the tokenizer an eos_token")  # fmt: skip
        template = (
            f"{template.removesuffix(chr(10))}{{% if not add_generation_prompt and messages[-1]['role'] == "
            f"'assistant' %}}{{{{ {eos!r} }}}}{{% endif %}}"
        )
    return Contract(template, thinking, system, str(end))


def _has_system(render: _Rendering, template: str, user: Message) -> bool:
    """Whether a system message is rendered; some templates raise, and some leave it out."""
    try:
        return _SYSTEM in render(template, [{"role": "system", "content": _SYSTEM}, user], True)
    except Exception:  # as above
        return False


def _before_answer(asked: str, whole: str) -> str:
    """What must stand between the prompt as the template opens it and the answer; "" in most templates.

    An answer of a chat may be introduced by more than the open prompt: a closed block of thought, a channel. That
    belongs to the prompt. Mere space stays with the answer: a tokenizer joins it with the first word.
    """
    head = whole.partition(_ANSWER)[0]
    if head.startswith(asked) and head[len(asked) :].strip():
        return head[len(asked) :]
    if opened := _OPEN.search(asked):
        close = f"</{opened[1]}>" if opened[1] else f"[/{opened[2]}]"
        return ("\n" if asked.endswith("\n") else "\n\n") + close + "\n\n"
    return ""


def settle(tokenizer: Any, generation: Any, *, trains_head: bool = True) -> Contract:
    """Write the contract into a tokenizer (template, end token) and a generation config (end tokens), in place.

    A tokenizer without a template gets `PLAIN`.

    Low-rank adapters leave the output matrix as it is, so a model cannot learn an end that it has never given: then the
    template closes its turns with an end that the model has.

    Args:
        tokenizer: of the model.
        generation: `model.generation_config`.
        trains_head: False where the output matrix stays as it is.

    Raises:
        In2xError: as `contract_of`, but for a missing template; or an end that cannot be learned and not be changed.
    """
    if not tokenizer.chat_template and tokenizer.eos_token:
        first = tokenizer.encode("a")[:1]
        opens = tokenizer.bos_token is not None and first == [tokenizer.bos_token_id]
        tokenizer.chat_template = "{{ bos_token }}" * opens + PLAIN
    contract = contract_of(tokenizer)
    ends = known_ends(tokenizer, generation.eos_token_id)
    end = tokenizer.convert_tokens_to_ids(contract.end)
    if not trains_head and end not in ends and tokenizer.eos_token:
        tokenizer.chat_template = tokenizer.get_chat_template().replace(contract.end, tokenizer.eos_token)
        contract = contract_of(tokenizer)
        end = tokenizer.convert_tokens_to_ids(contract.end)
        if end not in ends:
            raise In2xError(
                f"answers end with {contract.end}, which adapters cannot teach", file=tokenizer.name_or_path,
                mend="train all weights (sft.lora.rank: 0), or take a model that ends its turns",
            )  # fmt: skip
    tokenizer.chat_template = contract.template
    tokenizer.eos_token = contract.end
    generation.eos_token_id = [end, *sorted(ends - {end})]
    return contract


def known_ends(tokenizer: Any, ends: int | Sequence[int] | None) -> set[int]:
    """The tokenizer's end of text and `ends`, those of a generation config."""
    return {*([ends] if isinstance(ends, int) else ends or ()), tokenizer.eos_token_id} - {None}


def end_ids(tokenizer: Any, ends: int | Sequence[int] | None = None) -> frozenset[int]:
    """Token ids that end an answer, the same in RL, translation and models in process.

    They are `known_ends`, and what the chat template writes after an answer, which is what training teaches and which a
    base model's end of text is often not.
    """
    known = known_ends(tokenizer, ends)
    with suppress(In2xError):  # no template: the end of text alone
        known.add(tokenizer.convert_tokens_to_ids(contract_of(tokenizer).end))
    return frozenset(known)
