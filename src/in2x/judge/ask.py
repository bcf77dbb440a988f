"""From the LLM client (a synchronous stream of answers) to the one awaitable question that judges are written with.

Questions that are asked at the same time go out as one stream, so that the client's own bounds, retries and cache rule;
each is asked until its answer can be read (`retry`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from in2x.judge.retry import Question, Reply, ask_until_read, json_of
from in2x.llm.request import Asker, Request
from in2x.records import Message


class NoAnswer(Exception):
    """The model gave no answer, or none that can be read; the message says why.

    `unasked` tells a fault of the server, connection or budget from a model that does not keep to the form.
    """

    def __init__(self, why: str, *, unasked: bool = False) -> None:
        super().__init__(why)
        self.unasked = unasked


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

    async def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as an object that follows `schema`. Raises NoAnswer."""
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
            try:
                replies = await asyncio.to_thread(self._replies, [question for question, _ in batch])
            except Exception as error:  # the client itself failed (no key, wrong URL): every question of the batch did
                replies = [Reply(fault=str(error), unasked=True) for _ in batch]
            for (_, future), reply in zip(batch, replies, strict=True):
                if future.done():  # its caller ran out of time
                    continue
                if reply.value is not None:
                    future.set_result(reply.value)
                else:
                    future.set_exception(NoAnswer(reply.fault, unasked=reply.unasked))
