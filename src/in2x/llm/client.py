"""The client of OpenAI-compatible servers: bounded, rate-limited, retried, cached, counted.

    client = Client(LlmConfig(base_url="http://127.0.0.1:8000/v1", model="teacher"), Cache(path))
    for answer in client.ask_all(requests, advance):      # one answer a request, in order
        ...

Three kinds of trouble are told apart. *Passing* (429, 5xx, time-outs, cut connections, answers that are no answers)
is tried again with jittered backoff that honours Retry-After. *The request's own* (400, 413, 422) makes one failed
answer. *The set-up's* (wrong URL, wrong key, no such model, another API) stops everything with one sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import httpx2
import openai

from in2x.chat.render import without_reasoning
from in2x.chat.template import cut
from in2x.errors import In2xError
from in2x.llm.cache import Cache
from in2x.llm.config import LlmConfig
from in2x.llm.limits import TokenBucket, Usage, pause
from in2x.llm.pool import http_client
from in2x.llm.request import Advance, Answer, Request, again
from in2x.llm.schema import read_json
from in2x.llm.wire import body_words, detail_of, logprobs_of, retry_after

T = TypeVar("T")
LONGEST_PAUSE = 60.0
"""Seconds: longest backoff (Retry-After may ask for more, up to 10 minutes)."""
UNBOUNDED = 1024
"""Tokens that an answer without a bound is taken to cost, for the rate limit."""
WINDOW = 16
"""Answers held back for order, in multiples of `in_flight`: one slow request must not stall the others at once."""


class Passing(Exception):
    """Trouble that another try may mend."""

    def __init__(self, what: str, wait: float | None = None, reached: bool = True) -> None:
        super().__init__(what)
        self.wait, self.reached = wait, reached


class Refused(Exception):
    """The server will not answer this request, however often it is asked."""


class Client:
    """See the module docstring. One client belongs to one model at one server."""

    def __init__(self, config: LlmConfig, cache: Cache | None = None) -> None:
        if not config.base_url:
            raise In2xError("no server is named", mend="give base_url, for example http://127.0.0.1:8000/v1")
        if not config.base_url.startswith(("http://", "https://")):
            raise In2xError(f"{config.base_url!r} is not a URL", mend="start base_url with http:// or https://")
        self.config, self.cache, self.name = config, cache, config.model
        self.usage = Usage()
        self._requests = TokenBucket(config.requests_per_minute) if config.requests_per_minute else None
        self._tokens = TokenBucket(config.tokens_per_minute) if config.tokens_per_minute else None
        self._native_schema = True
        self._worked = False
        self._random = random.Random(0)
        self._asking: dict[bytes, asyncio.Future[Answer]] = {}

    def models(self) -> list[str]:
        """Names of the models that the server lists.

        Raises:
            In2xError: it does not answer, does not take the key, or does not speak the OpenAI API.
        """

        async def listed() -> list[str]:
            async with self._session() as api:
                return await self._patiently(lambda: self._list(api))

        with asyncio.Runner() as runner:
            return runner.run(listed())

    async def _list(self, api: openai.AsyncOpenAI) -> list[str]:
        response = await self._exchange(api.get("/models", cast_to=httpx2.Response))
        try:
            return [str(entry["id"]) for entry in json.loads(response.content)["data"]]
        except (ValueError, KeyError, TypeError):
            raise Passing("a list of models that is none", reached=self._worked) from None

    # --- many requests -------------------------------------------------------------------------------------------

    def ask_all(self, requests: Iterable[Request], advance: Advance | None = None) -> Iterator[Answer]:
        """Answer `requests` in their order, one answer each; at most `in_flight` under way. Lazy on both sides.

        Raises:
            In2xError: the server cannot be used at all (URL, key, model, another API), or the cache cannot.
        """
        with asyncio.Runner() as runner:
            stream = self.stream(requests)
            try:
                while batch := runner.run(_some(stream)):
                    if advance:
                        advance(len(batch), self.usage.note())
                    yield from batch
            finally:
                runner.run(stream.aclose())

    async def stream(self, requests: Iterable[Request]) -> AsyncGenerator[list[Answer], None]:
        """Lists of answers, in the order of `requests`, as soon as their turn is ready."""
        source = iter(requests)
        order: deque[Answer | asyncio.Task[Answer]] = deque()
        woken = asyncio.Event()
        under_way = 0
        exhausted = False

        fatal: BaseException | None = None

        def done(task: asyncio.Task[Answer]) -> None:
            nonlocal under_way, fatal
            under_way -= 1
            # What stops everything must not wait for the turn of the request that met it.
            fatal = fatal or (None if task.cancelled() else task.exception())
            woken.set()

        async with self._session() as api:
            try:
                while order or not exhausted:
                    while (
                        not exhausted
                        and under_way < self.config.in_flight
                        and len(order) < WINDOW * max(16, self.config.in_flight)
                    ):
                        request = next(source, None)
                        if request is None:
                            exhausted = True
                            break
                        key = request.key(self.name)
                        if found := self._known(key, request):
                            order.append(found)
                            continue
                        task = asyncio.create_task(self._once(api, request, key))
                        task.add_done_callback(done)
                        under_way += 1
                        order.append(task)
                    if fatal is not None:
                        raise fatal
                    ready: list[Answer] = []
                    while order and (isinstance(order[0], Answer) or order[0].done()):
                        head = order.popleft()
                        ready.append(head if isinstance(head, Answer) else head.result())
                    if ready:
                        yield ready
                    elif order:
                        woken.clear()
                        await woken.wait()
                    else:
                        await asyncio.sleep(0)  # finished requests whose callbacks are still to come hold the places
            finally:
                tasks = [entry for entry in order if isinstance(entry, asyncio.Task)]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, key: bytes, request: Request) -> Answer | None:
        if self.cache is None:
            return None
        found = self.cache.get(key)
        if found is not None:
            self.usage.cached += 1
        return found

    async def _once(self, api: openai.AsyncOpenAI, request: Request, key: bytes) -> Answer:
        """Ask, unless the very same question is already under way: then wait for that one."""
        if (pending := self._asking.get(key)) is not None:
            answer = await asyncio.shield(pending)
            if answer.ok:
                self.usage.cached += 1
            return answer
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asking[key] = future
        try:
            answer = await self._ask(api, request)
            if answer.ok and self.cache is not None:
                self.cache.put(key, self.name, answer)
            self.usage.answered += answer.ok
            self.usage.failed += not answer.ok
            future.set_result(answer)
            return answer
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._asking[key]

    # --- one request ---------------------------------------------------------------------------------------------

    async def _ask(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        try:
            answer = await self._persist(api, request)
            if request.schema is None:
                return answer
            value, fault = read_json(answer.text, request.schema)
            if fault is not None and request.messages is not None:
                # Asked once to repair it, with its own words before it; then it counts as failed.
                self.usage.repaired += 1
                answer = await self._persist(api, again(request, answer.text, _repair(request.schema, fault)))
                value, fault = read_json(answer.text, request.schema)
            if fault is not None:
                return replace(answer, error=f"not the JSON asked for: {fault}", unusable=True)
            return replace(answer, value=value)
        except Refused as error:
            return Answer(error=str(error))

    async def _persist(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        """Ask until there is an answer, the request is refused, or `attempts` are used up."""
        return await self._patiently(lambda: self._try(api, request))

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` gives, made again with longer and longer pauses where the trouble passes."""
        last = ""
        for number in range(self.config.attempts):
            try:
                found = await attempt()
            except Passing as error:
                last = str(error)
                # A server that nothing ever came from is more likely misnamed than busy.
                if not error.reached and not self._worked and number >= 2:
                    break
                self.usage.retried += 1
                backoff = min(LONGEST_PAUSE, self.config.backoff * 2**number) * (0.5 + self._random.random())
                await asyncio.sleep(backoff if error.wait is None else error.wait + 0.1 * self._random.random())
                continue
            self._worked = True
            return found
        if not self._worked:
            raise In2xError(
                f"the server at {self.config.base_url} gave no answer ({last})",
                mend="check the address (it ends in /v1) and that the server runs",
            )
        raise Refused(f"no answer after {self.config.attempts} tries ({last})")

    async def _try(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        """Ask once, within rates and budget."""
        if spent := self.usage.spent(self.config):
            raise Refused(spent)
        estimate = 0.0
        if self._requests:
            await pause(self._requests.take())
        if self._tokens:
            estimate = _estimate(request)
            await pause(self._tokens.take(estimate))
        started = time.monotonic()
        self.usage.asked += 1
        path = "/completions" if request.messages is None else "/chat/completions"
        try:
            # The raw response: the SDK's own models accept anything, so the reading below has to look anyway.
            sent = api.post(path, cast_to=httpx2.Response, body=self._body(request))
            answer = self._read(await self._exchange(sent, request.schema is not None), request)
        except Passing:
            if self._tokens:
                self._tokens.give_back(estimate)
            raise
        self.usage.seconds += time.monotonic() - started
        self.usage.pay(self.config, answer.prompt_tokens, answer.answer_tokens)
        if self._tokens:
            self._tokens.give_back(estimate - answer.prompt_tokens - answer.answer_tokens)
        return answer

    async def _exchange(self, sent: Awaitable[httpx2.Response], with_schema: bool = False) -> httpx2.Response:
        """The response to what was sent, every trouble on the way put in its kind."""
        try:
            # The SDK's time-out is for silence between two packets, ours for the whole answer.
            async with asyncio.timeout(self.config.timeout):
                return await sent
        except (openai.APITimeoutError, TimeoutError):
            raise Passing(f"no answer within {self.config.timeout:g} s", reached=self._worked) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            raise Passing(f"no connection ({cause or error})", reached=self._worked) from None
        except openai.APIStatusError as error:
            raise self._status(error, with_schema) from None

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "temperature": request.temperature,
            "seed": request.seed + request.sample,
        }
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        if request.messages is None:
            body["prompt"] = request.prompt
        else:
            body["messages"] = request.messages
        if request.top_p != 1.0:
            body["top_p"] = request.top_p
        if request.stop:
            body["stop"] = list(request.stop[:4])  # the protocol's limit
        if request.top_logprobs is not None:
            chat = request.messages is not None
            body |= (
                {"logprobs": True, "top_logprobs": request.top_logprobs} if chat else {"logprobs": request.top_logprobs}
            )
        if request.schema is not None and self._native_schema:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(request.schema), "strict": True},
            }
        return body

    def _status(self, error: openai.APIStatusError, with_schema: bool) -> Exception:
        status = error.status_code
        detail = detail_of(error)
        where = self.config.base_url
        if status in (401, 403):
            known = self.config.key_variable in os.environ
            return In2xError(
                f"the server at {where} does not accept the key ({status})",
                mend=f"{'correct' if known else 'set'} the environment variable {self.config.key_variable}",
            )
        if status == 404:
            if "model" in detail.lower():
                return In2xError(f"the server at {where} has no model {self.name!r}", mend="correct the model's name")
            return In2xError(
                f"the server at {where} does not speak the OpenAI API (404)", mend="base_url usually ends in /v1"
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return Passing(f"{status} {detail}".strip(), retry_after(error.response.headers))
        if with_schema and self._native_schema and "response_format" in body_words(detail):
            self._native_schema = False
            return Passing("the server knows no response_format", 0.0)
        if status in (400, 413, 422):
            return Refused(f"the server refuses the request ({status}: {detail})")
        return In2xError(
            f"the server at {where} does not speak the OpenAI API ({status})", mend="base_url usually ends in /v1"
        )

    def _read(self, response: httpx2.Response, request: Request) -> Answer:
        try:
            raw = json.loads(response.content)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise Passing("an answer that is no JSON", reached=self._worked) from None
        try:
            choice = raw["choices"][0]
            text = choice["text"] if request.messages is None else choice["message"]["content"]
            finish = choice.get("finish_reason")
            usage = raw.get("usage") or {}
            tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise Passing("an answer without choices", reached=self._worked) from None
        if not isinstance(text, str):
            raise Passing("an empty choice")
        if request.messages is not None:
            text = without_reasoning(text)
        if request.stop:
            text = cut(text, request.stop)[0]  # servers take four stops, and some leave the stop in
        if finish == "content_filter":
            raise Refused("the server's content filter holds the answer back")
        return Answer(text, None, finish != "length", *tokens, logprobs=logprobs_of(choice))

    def _session(self) -> openai.AsyncOpenAI:
        timeout = httpx2.Timeout(self.config.timeout, connect=min(10.0, self.config.timeout), pool=None)
        base_url = self.config.base_url or ""
        return openai.AsyncOpenAI(
            api_key=os.environ.get(self.config.key_variable) or "none",
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=http_client(base_url, self.config.in_flight, timeout),
        )


async def _some(stream: AsyncGenerator[list[Answer], None]) -> list[Answer]:
    try:
        return await anext(stream)
    except StopAsyncIteration:
        return []


def _repair(schema: Mapping[str, Any], fault: str) -> str:
    return (
        f"That is not the JSON that was asked for: {fault}. Answer again with nothing but JSON that follows this "
        f"schema: {json.dumps(schema, ensure_ascii=False)}"
    )


def _estimate(request: Request) -> float:
    """Tokens a request may cost: what it says (three bytes a token) and all that it allows."""
    text = request.prompt or "".join(m["content"] for m in request.messages or ())
    return len(text.encode("utf-8", "replace")) / 3 + (request.max_tokens or UNBOUNDED)
