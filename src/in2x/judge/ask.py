"""From the LLM client (a synchronous stream of answers) to the one awaitable question that judges are written with.

Questions that are asked at the same time go out as one stream, so that the client's own bounds, retries and cache rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from in2x.llm.request import Answer, Asker, Request
from in2x.records import Message


class NoAnswer(Exception):
    """The model gave no answer, or none that follows the schema; the message says why."""


class Judge:
    """An `Ask` on an `Asker`. One instance serves one event loop at a time; it holds nothing between batches."""

    def __init__(self, asker: Asker, *, max_tokens: int = 2048, temperature: float = 0.0, gather: float = 0.01) -> None:
        """Prepare.

        Args:
            asker: the client.
            max_tokens: longest answer.
            temperature: 0 makes verdicts repeatable and the cache useful.
            gather: seconds to wait for further questions before a stream is sent.
        """
        self.asker, self.max_tokens, self.temperature, self.wait = asker, max_tokens, temperature, gather
        self._waiting: list[tuple[Request, asyncio.Future[dict[str, Any]]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as an object that follows `schema`. Raises NoAnswer."""
        request = Request(
            messages=tuple(messages), max_tokens=self.max_tokens, temperature=self.temperature, schema=schema
        )
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await future

    def _answers(self, requests: list[Request]) -> list[Answer]:
        return list(self.asker.ask_all(requests))

    async def _send(self) -> None:
        while self._waiting:
            await asyncio.sleep(self.wait)
            batch, self._waiting = self._waiting, []
            try:
                answers = await asyncio.to_thread(self._answers, [request for request, _ in batch])
            except Exception as error:  # the client itself failed (no key, wrong URL): every question of the batch did
                for _, future in batch:
                    if not future.done():
                        future.set_exception(NoAnswer(str(error)))
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():  # its caller ran out of time
                    continue
                if answer.ok and isinstance(answer.value, dict):
                    future.set_result(answer.value)
                else:
                    future.set_exception(NoAnswer(answer.error or f"not an object: {answer.text[:80]!r}"))
