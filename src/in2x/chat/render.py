"""From messages to token ids: the one way of asking, for SFT, RL (native, TRL, verl), translation, models in process.

The contract, token for token the same for all of them:

- the model's own chat template, open for the answer;
- thinking off, in templates that know such a mode (verl: `+data.apply_chat_template_kwargs.enable_thinking=False`);
- a system message opens the first user turn where the template has no system role;
- a control token that a message or an answer spells out is plain text: a text to translate cannot end its own turn;
- prompt and answer are tokenised apart, so that the first answer token is the one that sampling will see.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from in2x.errors import In2xError
from in2x.language.reasoning import without_reasoning
from in2x.records import Message

THINKING_OFF = {"enable_thinking": False, "thinking": False}
"""What templates call their thinking mode; one that has none leaves them unread."""


def chat_text(tokenizer: Any, messages: list[Message], *, open_for_answer: bool = True) -> str:
    """`messages` through the chat template, as text. Raises In2xError where there is no template or it fails."""
    (text,) = _texts(tokenizer, [messages], open_for_answer)
    return text


def chat_ids(tokenizer: Any, messages: list[Message]) -> list[int]:
    """Token ids of one chat up to where the answer begins (see `prompt_tokens`)."""
    (ids,) = prompt_tokens(tokenizer, [messages])
    return ids


def prompt_tokens(tokenizer: Any, chats: Sequence[list[Message]]) -> list[list[int]]:
    """Token ids of each chat up to where the answer begins.

    Raises:
        In2xError: there is no chat template, or it fails on a chat.
    """
    spelt = _control_tokens(tokenizer)
    ids = _encode(tokenizer, _texts(tokenizer, chats, True))
    for place, chat in enumerate(chats):
        if any(spelt.search(message["content"]) for message in chat):
            (ids[place],) = _apply(tokenizer, [chat], add_generation_prompt=True, sanitize_control_tokens=True)
    return ids


def answered_tokens(
    tokenizer: Any, chats: Sequence[list[Message]], answers: Sequence[str]
) -> list[tuple[list[int], list[int]]]:
    """For each chat the token ids of the prompt and of its answer with what closes it; no answer holds reasoning.

    Raises:
        In2xError: the chat template rewrites earlier turns, so that a prompt is not a prefix of its chat.
    """
    answers = [
        without_reasoning(answer, chat[-1]["content"] if chat else "")
        for chat, answer in zip(chats, answers, strict=True)
    ]
    prompts = _texts(tokenizer, chats, True)
    wholes = _texts(
        tokenizer,
        [[*chat, {"role": "assistant", "content": answer}] for chat, answer in zip(chats, answers, strict=True)],
        False,
    )
    if any(not whole.startswith(prompt) for prompt, whole in zip(prompts, wholes, strict=True)):
        raise In2xError(
            "the chat template rewrites the prompt when the answer is added",
            file=tokenizer.name_or_path,
            mend="use a template whose turns only append",
        )
    tails = [whole[len(prompt) :] for prompt, whole in zip(prompts, wholes, strict=True)]
    spelt = _control_tokens(tokenizer)
    tail_ids = _encode(tokenizer, tails)
    for place, (answer, tail) in enumerate(zip(answers, tails, strict=True)):
        said = answer.strip()
        if said and spelt.search(said) and said in tail:
            before, _, after = tail.partition(said)
            words = tokenizer.encode(before + said, add_special_tokens=False, split_special_tokens=True)
            tail_ids[place] = [*words, *tokenizer.encode(after, add_special_tokens=False)]
    return list(zip(prompt_tokens(tokenizer, chats), tail_ids, strict=True))


def _texts(tokenizer: Any, chats: Sequence[list[Message]], open_for_answer: bool) -> list[str]:
    texts: list[str] = _apply(tokenizer, list(chats), add_generation_prompt=open_for_answer, tokenize=False)
    return texts


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"] if texts else []
    return ids


def _apply(tokenizer: Any, chats: list[list[Message]], **options: Any) -> Any:
    if not getattr(tokenizer, "chat_template", None):
        raise In2xError(
            "the tokenizer has no chat template",
            file=tokenizer.name_or_path,
            mend="use an instruction-tuned tokenizer, add chat_template.jinja, or put "
            '"chat": false into in2x_prompt.json',
        )
    try:
        return tokenizer.apply_chat_template(chats, return_dict=False, **THINKING_OFF, **options)
    except TemplateError as error:
        folded = [_without_system(chat) for chat in chats]
        if folded == chats:
            raise In2xError(
                f"the chat template fails ({error})",
                file=tokenizer.name_or_path,
                mend="give a model with a chat template for user and assistant turns",
            ) from None
    return _apply(tokenizer, folded, **options)


def _without_system(chat: list[Message]) -> list[Message]:
    """A leading system message put before the words of the first user turn."""
    if len(chat) < 2 or chat[0]["role"] != "system":
        return chat
    first: Message = {"role": chat[1]["role"], "content": f"{chat[0]['content']}\n\n{chat[1]['content']}"}
    return [first, *chat[2:]]


def _control_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Matches whatever the tokenizer would take for one token of its own wherever it stands in a text."""
    longest_first = sorted(tokenizer.added_tokens_encoder, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
