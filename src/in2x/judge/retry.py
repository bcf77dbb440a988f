"""Ask until the answer can be read: the one loop of everything that judges.

A question brings its reader. An answer that the reader refuses is asked for again, at most `tries` times in all, in the
same conversation: the model's own words, then what was wrong with them. (Asked again without them, a model that decodes
greedily says the same again.) An answer that was cut before it could be read is asked for once more with `LONGER` times
the room. A fault of the server, the connection or the budget is not mended by other words, and the client has tried
already: it is final. All come back as values with their reason, never as a score.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Generic, TypeVar

from in2x.errors import In2xError
from in2x.llm.request import Advance, Answer, Asker, Request, Trouble, again
from in2x.llm.schema import json_values, read_json

T = TypeVar("T")
CHUNK = 512
"""Questions under way together: what is asked again is asked when the last of them was answered once."""
AGAIN_AT = 0.3
"""Temperature of a second try that can only be drawn anew (our choice)."""
LONGER = 4
"""How many times as long an answer may be that was cut (our choice)."""
WISH = "That could not be used: {why}. Answer again, in the form that was asked for and with nothing else."


class Unreadable(ValueError):
    """A reader's word that an answer cannot be used; the message says why, to the model and to people.

    Args:
        why: the message.
        longer: whether more room may help where the answer was cut.
    """

    def __init__(self, why: str, *, longer: bool = True) -> None:
        super().__init__(why)
        self.longer = longer


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What is asked, and how its answer is read."""

    request: Request
    read: Callable[[Answer], T]
    """Raises Unreadable."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What was read, or (`fault` set) why there is nothing."""

    value: T | None = None
    fault: str = ""
    unasked: bool = False
    """The fault is not the model's: no answer came (server, connection, budget)."""
    trouble: Trouble = ""
    """With `unasked`: whose fault it is, where that is known."""
    text: str = ""
    """The model's last words."""
    thought: str = ""
    """What it thought before them."""
    tries: int = 1
    longer: bool = True
    """Whether more room may help where the last answer was cut."""


def ask_until_read(
    asker: Asker, questions: Iterable[Question[T]], *, tries: int = 3, wish: str = WISH, advance: Advance | None = None
) -> Iterator[Reply[T]]:
    """One reply a question, in their order.

    Args:
        asker: the model.
        questions: read as they are needed, some hundred at a time.
        tries: how often a question is asked in all.
        wish: what is said to an answer that could not be read; {why} is the reason.
        advance: moves a progress bar.

    Raises:
        In2xError: the model cannot be asked at all.
    """
    source = iter(questions)
    while chunk := list(islice(source, CHUNK)):
        replies: list[Reply[T]] = [Reply(fault="not asked", unasked=True) for _ in chunk]
        requests = [question.request for question in chunk]
        waiting = list(range(len(chunk)))
        for attempt in range(1, tries + 1):
            answers = asker.ask_all([requests[place] for place in waiting], advance if attempt == 1 else None)
            told = dict(zip(waiting, answers, strict=True))
            for place, answer in told.items():
                replies[place] = _reply(chunk[place], answer, attempt, replies[place])
            waiting = [place for place in waiting if replies[place].fault and not replies[place].unasked]
            if not waiting:
                break
            for place in waiting:
                requests[place] = _once_more(requests[place], told[place], replies[place], wish)
        yield from replies


def _reply(question: Question[T], answer: Answer, attempt: int, before: Reply[T]) -> Reply[T]:
    if not answer.ok:
        fault = str(answer.error)
        if not answer.unusable and attempt > 1:  # the server may take no chat or answer so long: both faults count
            fault = f"{before.fault}; asked again: {fault}"
        return Reply(None, fault, not answer.unusable, answer.trouble, answer.text, tries=attempt)
    try:
        return Reply(question.read(answer), text=answer.text, thought=answer.thought, tries=attempt)
    except Unreadable as error:
        return Reply(None, str(error), text=answer.text, tries=attempt, longer=error.longer)


def _once_more(request: Request, answer: Answer, reply: Reply[Any], wish: str) -> Request:
    if request.messages is None and (answer.finished or not reply.longer):
        # A text to go on with cannot be talked about: drawn anew, and not greedily.
        request = replace(request, temperature=max(request.temperature, AGAIN_AT))
    elif answer.finished or not reply.longer:
        wish = wish.replace("{why}", reply.fault)
        form = f" The form is JSON by this schema: {json.dumps(request.schema)}" if request.schema is not None else ""
        request = again(request, answer.text, wish + form)
    else:
        room = LONGER * request.longer
        request = replace(request, longer=room, max_tokens=request.max_tokens or answer.answer_tokens)
    # A question of its own even where model and fault repeat themselves: a cache must not answer it.
    return replace(request, sample=request.sample + 1)


def json_of(answer: Answer, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object in an answer, whoever gave it. Raises Unreadable where none follows `schema`."""
    value, fault = (answer.value, None) if answer.value is not None else read_json(answer.text, schema)
    if fault is not None and not json_values(answer.text):
        raise Unreadable(f"prose instead of JSON ({answer.text.strip()[:40]!r})")
    if fault is not None or not isinstance(value, dict):
        raise Unreadable(fault or f"not an object ({answer.text.strip()[:40]!r})")
    return value


def whole(answer: Answer) -> str:
    """The words of an answer that came to its end. Raises Unreadable where it was cut or says nothing."""
    if answer.lack is not None:
        raise Unreadable(answer.lack)
    return answer.text


def demand_one(replies: Sequence[Reply[T]], place: str) -> None:
    """Raise In2xError where no reply holds a value: the first fault, and `place` ("system.txt, document 1")."""
    if not replies or not all(reply.fault for reply in replies):
        return
    first = replies[0]
    if first.unasked:
        raise In2xError(
            f"{place}: the judge gave no answer at all ({first.fault})", mend="see the server's log and the budget"
        )
    raise In2xError(
        f"{place}: the judge gave no usable answer ({first.fault}), and so every time",
        mend="use a judge that follows the form",
    )
