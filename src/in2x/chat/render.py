"""From messages to token ids: the one way of asking, for SFT, RL (native, TRL, verl), translation, models in process.

Token for token the same for all of them:

- the template of the chat contract (`chat/contract.py`), open for the answer;
- a control token that a message or an answer spells out is plain text: a text to translate cannot end its own turn;
- prompt and answer are tokenised apart, so that the first answer token is the one that sampling will see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from in2x.chat.contract import contract_of, control_tokens, rendered
from in2x.errors import In2xError
from in2x.language.reasoning import without_reasoning
from in2x.records import Message


def chat_text(tokenizer: Any, messages: list[Message], *, open_for_answer: bool = True) -> str:
    """`messages` through the chat template, as text. Raises In2xError where there is no template or it fails."""
    (text,) = _texts(tokenizer, [messages], open_for_answer)
    return text


def chat_ids(tokenizer: Any, messages: list[Message]) -> list[int]:
    """Token ids of one chat up to where the answer begins (see `prompt_tokens`)."""
    (ids,) = prompt_tokens(tokenizer, [messages])
    return ids


def open_ids(tokenizer: Any, pieces: Sequence[tuple[str, bool]]) -> list[int]:
    """Token ids of a text that a model shall go on with: with what its tokenizer puts before, not behind.

    Args:
        tokenizer: of the model.
        pieces: see `spoken_ids`.
    """
    words = spoken_ids(tokenizer, pieces)
    mark, framed = (tokenizer.encode("a", add_special_tokens=special) for special in (False, True))
    behind = next((n for n in range(len(framed) - len(mark) + 1) if framed[n : n + len(mark)] == mark), 0)
    return [*framed[:behind], *words]


def spoken_ids(tokenizer: Any, pieces: Sequence[tuple[str, bool]]) -> list[int]:
    """Token ids of a text alone.

    Args:
        tokenizer: of the model.
        pieces: the text in pieces, each with whether it is a template's own: control tokens in those are control
            tokens, and plain text in the others.
    """
    spelt = _control_tokens(tokenizer)
    text = "".join(piece for piece, _ in pieces)
    if not any(own and spelt.search(piece) for piece, own in pieces):
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
        return ids
    if not any(spelt.search(piece) for piece, own in pieces if not own):
        ids = tokenizer.encode(text, add_special_tokens=False, verbose=False)
        return ids
    # A control token parts the text anyway: what stands between two of the template's is encoded by itself.
    ids, words = [], ""
    for piece, own in pieces:
        for part in re.split(f"({spelt.pattern})", piece) if own else [piece]:
            if own and spelt.fullmatch(part):
                ids += tokenizer.encode(words, add_special_tokens=False, split_special_tokens=True) if words else []
                ids.append(tokenizer.convert_tokens_to_ids(part))
                words = ""
            else:
                words += part
    return ids + (tokenizer.encode(words, add_special_tokens=False, split_special_tokens=True) if words else [])


def prompt_tokens(tokenizer: Any, chats: Sequence[list[Message]]) -> list[list[int]]:
    """Token ids of each chat up to where the answer begins.

    Raises:
        In2xError: there is no chat template, or it fails on a chat.
    """
    if not chats:
        return []
    spelt = _control_tokens(tokenizer)
    ids = _encode(tokenizer, _texts(tokenizer, chats, True))
    for place, chat in enumerate(chats):
        if any(spelt.search(message["content"]) for message in chat):
            ids[place] = _spelt_out(tokenizer, chat)
    return ids


def answered_tokens(
    tokenizer: Any, chats: Sequence[list[Message]], answers: Sequence[str]
) -> list[tuple[list[int], list[int]]]:
    """For each chat the token ids of the prompt and of its answer with what closes it; no answer holds reasoning.

    Raises:
        In2xError: as `prompt_tokens`; or the template rewrites earlier turns or the answer when it is added.
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
    tails = list(map(_tail, chats, prompts, wholes, answers))
    spelt = _control_tokens(tokenizer)
    tail_ids = _encode(tokenizer, tails)
    for place, (answer, tail) in enumerate(zip(answers, tails, strict=True)):
        said = answer.strip()
        if said and spelt.search(said) and said in tail:
            before, _, after = tail.partition(said)
            words = tokenizer.encode(before + said, add_special_tokens=False, split_special_tokens=True)
            tail_ids[place] = [*words, *tokenizer.encode(after, add_special_tokens=False)]
    return list(zip(prompt_tokens(tokenizer, chats), tail_ids, strict=True))


def _tail(chat: list[Message], prompt: str, whole: str, answer: str) -> str:
    """The answer and what closes it, as it stands in its chat.

    Where the template opens another prompt than stands before the answers of a chat, what is asked is the prompt, and
    the answer follows it.
    """
    if whole.startswith(prompt):
        return whole[len(prompt) :]
    asked = chat[-1]["content"].strip()
    if asked and not whole.startswith(prompt[: prompt.rfind(asked) + len(asked)]):
        raise In2xError("the chat template rewrites the prompt when the answer is added",
                        mend="use a template whose turns only append")  # fmt: skip
    said = answer.strip()
    if not said or said not in whole:
        raise In2xError("the chat template does not show the answer as it was given",
                        mend="use a template that shows an answer in full")  # fmt: skip
    return whole[whole.rindex(said) :]


def _texts(tokenizer: Any, chats: Sequence[list[Message]], open_for_answer: bool) -> list[str]:
    template = contract_of(tokenizer).template
    with _refused(tokenizer):
        return [rendered(tokenizer, template, chat, open_for_answer) for chat in chats]


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"] if texts else []
    return ids


def _spelt_out(tokenizer: Any, chat: list[Message]) -> list[int]:
    """Token ids of a chat whose texts spell control tokens: those are plain text.

    transformers renders it itself; that it stays within bounds has been seen with the texts as they are.
    """
    with _refused(tokenizer):
        ids: list[int] = tokenizer.apply_chat_template(
            [chat], return_dict=False, chat_template=contract_of(tokenizer).template, add_generation_prompt=True,
            sanitize_control_tokens=True,
        )[0]  # fmt: skip
    return ids


@contextmanager
def _refused(tokenizer: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a template is a program of someone else's: any error may come out of it
        raise In2xError(
            f"the chat template refuses a chat ({error})",
            file=tokenizer.name_or_path,
            mend="give chats of user and assistant turns, the user's first",
        ) from None


def _control_tokens(tokenizer: Any) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, control_tokens(tokenizer))) or "(?!)")
