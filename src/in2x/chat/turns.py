"""Conversations in the layouts that people publish them in, as messages of ours.

| layout | row |
|---|---|
| messages (OpenAI, TRL) | messages [{role, content}] |
| ShareGPT | conversations [{from, value}], with or without a field `system` |
| prompt and completion (TRL) | prompt [{role, content}], completion [{role, content}] |
| preference (TRL) | prompt, chosen, rejected, as messages or as text; or chosen and rejected alone: the chosen one |

Content may be a text or a list of parts of which each is a text. A row with tool calls, pictures or without an answer
gives no exchange of texts; the reason is said, so that it can be counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from in2x.records import Message

_ROLES = {
    **dict.fromkeys(("human", "user", "prompter"), "user"), **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("gpt", "assistant", "model", "chatgpt", "bot", "bing", "bard"), "assistant"),
}  # fmt: skip
_TOOLS = frozenset({"tool", "function", "function_call", "function_response", "observation", "ipython", "tool_call",
                    "tool_response", "tools"})  # fmt: skip
TURNS = ("messages", "conversations", "conversation", "prompt", "chosen", "completion")
"""Fields that may hold a list of turns."""
SAID = ("output", "response", "answer", "completion", "targets")
"""Fields that hold the answer of a row that is no conversation, the surer before."""


class LeftOut(ValueError):
    """A sound row that holds no exchange of texts; `str()` says why, in words that can be counted."""


def text_of(content: Any) -> str:
    """The text of a message's content: a text, or a list of parts {"type": "text", "text": ...}.

    Raises:
        LeftOut: a part is no text.
        TypeError: it is neither.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise TypeError(f"content is no text but {type(content).__name__}")
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, Mapping) and part.get("type") not in (None, "text"):
            raise LeftOut("content that is no text")
        else:
            raise TypeError("a part of the content has no text")
    return "".join(texts)


def messages_of(turns: Any) -> list[Message]:
    """Turns {role, content} or {from, value} as messages.

    Raises:
        LeftOut: a tool is called, or content is no text.
        TypeError, KeyError, ValueError: these are no turns.
    """
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        raise TypeError("the turns are no list")
    messages: list[Message] = []
    for turn in turns:
        role = str(turn["role"] if "role" in turn else turn["from"]).lower()
        if role in _TOOLS or turn.get("tool_calls") or turn.get("function_call"):
            raise LeftOut("tool calls")
        if role not in _ROLES:
            raise ValueError(f"the role {role[:40]!r} is not known")
        messages.append(
            {"role": _ROLES[role], "content": text_of(turn["content"] if "content" in turn else turn["value"])}
        )
    return messages


def is_conversation(row: Mapping[str, Any]) -> bool:
    """Whether a row has a field of turns (see `TURNS`), or a preference."""
    return any(isinstance(row.get(name), Sequence) and not isinstance(row[name], str) for name in TURNS) or (
        "chosen" in row and "rejected" in row
    )


def exchange(row: Mapping[str, Any], *, prompts: bool = False) -> tuple[list[Message], str | None]:
    """The messages up to the user's last turn, and the answer (None: a prompt alone).

    Args:
        row: a row of one of these layouts.
        prompts: a conversation may end with a user's turn that is to be answered; else what follows the last answer is
            cut off. A row of nothing but a prompt always may.

    Raises:
        LeftOut: the row holds no exchange of texts.
        TypeError, KeyError, ValueError: it is not of these layouts.
    """
    if row.get("label") is False and "completion" in row:
        raise LeftOut("a completion that was marked as bad")
    messages: list[Message] = []
    for name in TURNS:
        if row.get(name) is None:
            continue
        given = row[name]
        if isinstance(given, str):  # a prompt or an answer as text, beside the other as turns
            given = [{"role": "user" if name == "prompt" else "assistant", "content": given}]
        found = messages_of(given)
        # some sets say the prompt again at the head of what was chosen
        messages = found if found[: len(messages)] == messages else messages + found
        if name in ("messages", "conversations", "conversation", "chosen"):
            break
    if isinstance(row.get("system"), str) and row["system"].strip() and messages and messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": row["system"]})
    alone = "prompt" in row and "chosen" not in row and "completion" not in row
    return cut(messages, prompts=prompts or alone)


def cut(messages: list[Message], *, prompts: bool = False) -> tuple[list[Message], str | None]:
    """As `exchange`, from messages that may go on behind the last answer; `prompts`: a user's turn may end them.

    Raises:
        LeftOut: no answer follows a user's turn.
    """
    if prompts and messages and messages[-1]["role"] == "user":
        return messages, None
    while messages and messages[-1]["role"] != "assistant":
        messages = messages[:-1]
    if len(messages) < 2 or messages[-2]["role"] != "user":
        raise LeftOut("no answer to a user's turn")
    return messages[:-1], messages[-1]["content"].strip()
