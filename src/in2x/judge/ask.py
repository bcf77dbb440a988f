"""From the LLM client (a synchronous stream of answers) to the one awaitable question that judges are written with.

Questions that are asked at the same time go out as one stream, so that the client's own bounds, retries and cache rule;
each is asked until its answer can be read (`retry`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from in2x.errors import In2xError
from in2x.judge.retry import Question, Reply, ask_until_read, json_of
from in2x.llm.limits import FINISH
from in2x.llm.request import Asker, Request, chat
from in2x.principles.ask import Unasked
from in2x.records import Message

T = TypeVar("T")
RESUME = "mend that and run the same command again: it goes on where it stopped, and asks nothing that was answered"


class NoAnswer(Exception):
    """The model gave no answer that can be read, or its server refuses the question; the message says why."""


class Judge:
    """An `Ask` on an `Asker`. One instance serves one event loop at a time; it holds nothing between batches."""

    def __init__(
        self, asker: Asker, *, max_tokens: int = 2048, temperature: float = 0.0, gather: float = 0.01, tries: int = 3
    ) -> None:
        """Prepare.

        Args:
            asker: the client.
            max_tokens: longest answer.
            temperature: 0 makes verdicts repeatable and the cache useful.
            tries: how often a question is asked until its answer can be read.
            gather: seconds to wait for further questions before a stream is sent.
        """
        self.asker, self.max_tokens, self.temperature = asker, max_tokens, temperature
        self.wait, self.tries = gather, tries
        self._waiting: list[tuple[Question[dict[str, Any]], asyncio.Future[dict[str, Any]]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._stream: threading.Thread | None = None

    def check(self) -> None:
        """Ask something small: a wrong address, key or name shows before any work is done.

        Raises:
            In2xError: nobody answers there. (A model that only refuses this question is there.)
        """
        (answer,) = self.asker.ask_all([chat("Answer with the word yes.", max_tokens=16)])
        if answer.trouble in ("server", "budget"):
            raise _unasked(str(answer.error))

    def finish(self) -> None:
        """Wait `FINISH` seconds at most for what is under way: who stops then has its answers in the cache."""
        if self._stream is not None:
            self._stream.join(FINISH)

    async def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as an object that follows `schema`. Raises NoAnswer, or Unasked where nobody answers."""
        request = Request(
            messages=tuple(messages), max_tokens=self.max_tokens, temperature=self.temperature, schema=schema
        )
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((Question(request, partial(json_of, schema=schema)), future))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await future

    def _replies(self, questions: list[Question[dict[str, Any]]]) -> list[Reply[dict[str, Any]]]:
        return list(ask_until_read(self.asker, questions, tries=self.tries))

    async def _send(self) -> None:
        while self._waiting:
            await asyncio.sleep(self.wait)
            batch, self._waiting = self._waiting, []
            futures = [future for _, future in batch]
            try:
                replies = await self._on_thread(partial(self._replies, [question for question, _ in batch]))
            except In2xError as error:  # no server, no key, no room for the cache
                _settle(futures, [Unasked(error.what, file=error.file, mend=error.mend or RESUME)] * len(batch))
            except Exception as error:  # a fault of ours must not leave anyone waiting
                _settle(futures, [error] * len(batch))
            else:
                _settle(futures, [_outcome(reply) for reply in replies])

    def _on_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What `work` gives, from a thread: an interrupted program does not wait for a patient judge."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def tell(outcome: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the program was interrupted
                loop.call_soon_threadsafe(lambda: None if future.done() else outcome())

        def run() -> None:
            try:
                found = work()
            except Exception as error:
                tell(partial(future.set_exception, error))
            else:
                tell(partial(future.set_result, found))

        self._stream = threading.Thread(target=run, daemon=True)
        self._stream.start()
        return future


def _outcome(reply: Reply[dict[str, Any]]) -> dict[str, Any] | Exception:
    if reply.value is not None:
        return reply.value
    return _unasked(reply.fault) if reply.trouble in ("server", "budget") else NoAnswer(reply.fault)


def _unasked(fault: str) -> Unasked:
    return Unasked(f"the judge gave no answer ({fault})", mend=RESUME)


def _settle(futures: Sequence[asyncio.Future[dict[str, Any]]], outcomes: Sequence[dict[str, Any] | Exception]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if future.done():  # its caller was stopped
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
