"""Vectors of texts from a server's embeddings endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial

import httpx2
import openai

from in2x.errors import In2xError
from in2x.llm.config import LlmConfig
from in2x.llm.connection import Connection, Passing, Refused
from in2x.llm.limits import Usage
from in2x.llm.wire import sound


class Embeddings:
    """The embedding model of `config`."""

    def __init__(self, config: LlmConfig) -> None:
        self.config = config
        self._server = Connection(config, Usage())

    def embed(self, texts: Sequence[str], size: int) -> list[list[float]]:
        """The vector of each text, asked for `size` at a time, at most `in_flight` requests at once.

        Raises:
            In2xError: the server cannot be used, refuses, or answers with another count of vectors.
        """

        async def embedded() -> list[list[list[float]]]:
            places = asyncio.Semaphore(self.config.in_flight)

            async def one(api: openai.AsyncOpenAI, part: Sequence[str]) -> list[list[float]]:
                async with places:
                    return await self._server.patiently(partial(self._embed, api, part))

            async with self._server.session() as api:
                parts = [texts[start : start + size] for start in range(0, len(texts), size)]
                return await asyncio.gather(*(one(api, part) for part in parts))

        try:
            with asyncio.Runner() as runner:
                return [row for rows in runner.run(embedded()) for row in rows]
        except Refused as error:
            raise In2xError(f"the embedding server {self._server.url} failed ({error})", mend="see its log") from None

    async def _embed(self, api: openai.AsyncOpenAI, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self.config.model, "input": [sound(text) or " " for text in texts]}
        response = await self._server.exchange(api.post("/embeddings", cast_to=httpx2.Response, body=body))
        try:
            rows = sorted(json.loads(response.content)["data"], key=lambda row: row["index"])
            vectors = [[float(value) for value in row["embedding"]] for row in rows]
        except (ValueError, KeyError, TypeError):
            raise Passing("embeddings that are none", reached=self._server.worked) from None
        if len(vectors) != len(texts):
            raise In2xError(
                f"the embedding server {self._server.url} gave {len(vectors)} vectors for {len(texts)} texts",
                mend="mend the server",
            )
        return vectors
