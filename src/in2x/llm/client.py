"""The client of OpenAI-compatible servers: bounded, rate-limited, retried, cached, counted.

    client = Client(LlmConfig(base_url="http://127.0.0.1:8000/v1", model="teacher"), Cache(path))
    for answer in client.ask_all(requests, advance):      # one answer a request, in order
        ...

Three kinds of trouble are told apart. *Passing* (429, 5xx, time-outs, cut connections, answers that are no answers)
is tried again with jittered backoff that honours Retry-After. *The request's own* (400, 413, 422, a policy of content)
makes one failed answer. *The set-up's* (wrong URL, wrong key, no such model, nothing left to pay with, another API, a
server that went away) stops everything with one sentence. What a model thought before it answered is no part of an
answer (`language/reasoning.py`); what a server does not take is not sent again (`parameters.py`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx2
import openai

from in2x.chat.template import cut
from in2x.errors import In2xError
from in2x.language.reasoning import thoughts, without_reasoning
from in2x.llm.cache import Cache
from in2x.llm.config import LlmConfig, TeacherConfig
from in2x.llm.connection import Connection, Passing, Refused
from in2x.llm.limits import FINISH, Budget, Meter, TokenBucket, Usage, pause
from in2x.llm.parameters import QUIET, Parameters
from in2x.llm.purpose import settled
from in2x.llm.request import NOTHING, Advance, Answer, Request, again
from in2x.llm.schema import read_json
from in2x.llm.wire import logprobs_of, said
from in2x.records import sound

UNBOUNDED = 1024
"""Tokens that an answer without a bound is taken to cost, for the rate limit."""
FAILURES = 20
"""Questions without an answer before their share is looked at (our choice)."""
IN_A_ROW = 200
"""Failures in a row, with no answer, fresh or kept, between, from which on a server is taken for dead (our choice)."""
WINDOW = 16
"""Answers held back for order, in multiples of `in_flight`: one slow request must not stall the others at once."""


class Client:
    """See the module docstring. One client belongs to one model at one server."""

    def __init__(
        self,
        config: LlmConfig,
        cache: Cache | None = None,
        *,
        patience: float = 0.0,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare; `patience` (seconds) and `say` are those of `Connection`. A `TeacherConfig` bounds the failures."""
        self.config, self.cache, self.name = config, cache, config.model
        self.usage = Usage()
        self._server = Connection(config, self.usage, patience, say)
        self._requests = TokenBucket(config.requests_per_minute) if config.requests_per_minute else None
        self._tokens = TokenBucket(config.tokens_per_minute) if config.tokens_per_minute else None
        self._parameters = Parameters(config.extra_body)
        self._prompts, self._answers = Meter(), Meter()
        self._budget = Budget(config, self.usage)
        self._in_a_row = 0
        self._most_failed = config.max_failed_share if isinstance(config, TeacherConfig) else 1.0
        self._asking: dict[bytes, asyncio.Future[Answer]] = {}

    def models(self) -> list[str]:
        """Names of the models that the server lists.

        Raises:
            In2xError: it does not answer, does not take the key, or does not speak the OpenAI API.
        """

        async def listed() -> list[str]:
            async with self._server.session() as api:
                return await self._server.patiently(lambda: self._list(api))

        with asyncio.Runner() as runner:
            return runner.run(listed())

    async def _list(self, api: openai.AsyncOpenAI) -> list[str]:
        response = await self._server.exchange(api.get("/models", cast_to=httpx2.Response))
        try:
            return [str(entry["id"]) for entry in json.loads(response.content)["data"]]
        except (ValueError, KeyError, TypeError):
            raise Passing("a list of models that is none", reached=self._server.worked) from None

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

        async with self._server.session() as api:
            try:
                while order or not exhausted:
                    while (
                        not exhausted
                        and under_way < self.config.in_flight
                        and len(order) < WINDOW * max(16, self.config.in_flight)
                    ):
                        wanted = next(source, None)
                        if wanted is None:
                            exhausted = True
                            break
                        request = settled(wanted, self.config)
                        key = request.key(self.name, self._server.url, self.config.extra_body)
                        if found := self._known(key, request):
                            order.append(found)
                            continue
                        task = asyncio.create_task(self._once(api, request, key))
                        task.add_done_callback(done)
                        under_way += 1
                        order.append(task)
                    if fatal is not None:
                        await _finish(order)
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
            self._in_a_row = 0
        return found

    async def _once(self, api: openai.AsyncOpenAI, request: Request, key: bytes) -> Answer:
        """Ask, unless the very same question is already under way: then wait for that one."""
        if (pending := self._asking.get(key)) is not None:
            answer = await asyncio.shield(pending)
            if answer.ok:
                self.usage.cached += 1
            return answer
        if found := self._known(key, request):  # the same question was answered since this one was taken up
            return found
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asking[key] = future
        try:
            answer = await self._ask(api, request)
            if self.cache is not None and _worth_keeping(answer, request, self.cache.unusable):
                self.cache.put(key, self.name, answer)
            self.usage.answered += answer.ok
            self.usage.failed += not answer.ok
            self._in_a_row = 0 if answer.ok else self._in_a_row + (answer.trouble != "budget")
            self.usage.unasked += answer.trouble == "budget"
            future.set_result(answer)
            if answer.error is not None and answer.trouble != "budget":
                self._bear(answer.error)
            return answer
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._asking[key]

    def _bear(self, why: str) -> None:
        """Raises In2xError where more questions have failed than may, or none of the last has been answered.

        Answers that were kept count among what was heard: a second run asks again what failed, and little else.
        """
        failed = self.usage.failed - self.usage.unasked
        heard = self.usage.answered + self.usage.cached + failed
        dead = self._in_a_row >= IN_A_ROW and self._most_failed < 1
        if dead or (failed >= FAILURES and failed > self._most_failed * heard):
            raise In2xError(
                f"{failed:,} of {heard:,} questions to {self._server.url} got no answer that can be used (the last: "
                f"{why[:200]})",
                mend="mend the model or its server and run again: answers are kept; llm.max_failed_share allows more",
            )

    # --- one request ---------------------------------------------------------------------------------------------

    async def _ask(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        try:
            answer = await self._persist(api, request)
            if request.schema is None or not answer.ok:
                return answer
            if answer.lack in NOTHING:
                return replace(answer, error=answer.lack, unusable=True)
            value, fault = read_json(answer.text, request.schema)
            keeps = self.cache is not None and self.cache.unusable  # then each answer stands for itself
            if fault is not None and request.messages is not None and answer.finished and not keeps:
                # Asked once to repair it, with its own words before it; then it counts as failed.
                self.usage.repaired += 1
                answer = await self._persist(api, again(request, answer.text, _repair(request.schema, fault)))
                if not answer.ok:
                    return answer
                value, fault = read_json(answer.text, request.schema)
            if fault is not None:
                return replace(answer, error=f"not the JSON asked for: {fault}", unusable=True)
            return replace(answer, value=value)
        except Refused as error:
            return Answer(error=str(error), trouble=error.trouble)

    async def _persist(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        """Ask until there is an answer, the request is refused, or `attempts` are used up."""
        return await self._server.patiently(lambda: self._try(api, request))

    async def _try(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        """Ask once, within rates and budget."""
        asked = self._prompts.tokens(_asked(request))
        place = await self._budget.enter(asked, request.max_tokens or UNBOUNDED)
        if isinstance(place, str):
            raise Refused(place, trouble="budget")
        answered = 0
        try:
            answer = await self._within_rates(api, request)
            answered = answer.answer_tokens
            return answer
        except Passing as error:
            if error.paid is not None:  # billed all the same: as the server says, or as answers cost so far
                usual = self.usage.answer_tokens // max(1, self.usage.answered)
                question, answer_made = error.paid
                self.usage.pay(
                    self.config, asked if question < 0 else question, usual if answer_made < 0 else answer_made
                )
            raise
        finally:
            self._budget.leave(place, answered)

    async def _within_rates(self, api: openai.AsyncOpenAI, request: Request) -> Answer:
        estimate = 0.0
        if self._requests:
            await pause(self._requests.take())
        if self._tokens:
            estimate = self._prompts.tokens(_asked(request)) + (request.max_tokens or UNBOUNDED)
            await pause(self._tokens.take(estimate))
        started = time.monotonic()
        try:
            answer = self._read(await self._post(api, request), request)
        except Passing:
            if self._tokens:
                self._tokens.give_back(estimate)
            raise
        self.usage.seconds += time.monotonic() - started
        self.usage.pay(self.config, answer.prompt_tokens, answer.answer_tokens)
        if self._tokens:
            self._tokens.give_back(estimate - answer.prompt_tokens - answer.answer_tokens)
        return answer

    async def _post(self, api: openai.AsyncOpenAI, request: Request) -> httpx2.Response:
        """The response to `request`, sent again without what the server refuses to take."""
        path = "/completions" if request.messages is None else "/chat/completions"
        bare = False
        while True:
            body = self._parameters.body(self.name, request, bare=bare)
            self.usage.asked += 1
            try:
                # The raw response: the SDK's own models accept anything, so the reading has to look anyway.
                response = await self._server.exchange(api.post(path, cast_to=httpx2.Response, body=body))
            except Refused as refusal:
                if refusal.by is not None and self._parameters.learn(body, refusal.by):
                    continue
                if bare or self._parameters.proven or not body.keys() & QUIET:
                    raise
                bare = True
                continue
            if bare:
                self._parameters.leave_out(*QUIET)
            self._parameters.proven = self._parameters.proven or bool(body.keys() & QUIET)
            return response

    def _read(self, response: httpx2.Response, request: Request) -> Answer:
        try:
            raw = json.loads(response.content)
        except (ValueError, RecursionError):
            cost = -1, self._answers.tokens(response.text)
            raise Passing("an answer that is no JSON", reached=self._server.worked, paid=cost) from None
        paid = 0, 0
        try:
            usage = raw.get("usage") or {}
            paid = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
            choice = raw["choices"][0]
            found = said(choice, request.messages is not None)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise Passing("an answer without choices", reached=self._server.worked, paid=paid) from None
        if found.text is None and not (found.finish or found.thought or found.refusal):
            raise Passing("an empty choice", paid=paid)
        text = found.text or ""
        # A server that does not say what it counted is taken to have counted as it did where it said so.
        tokens = self._prompts.count(_asked(request), paid[0]), self._answers.count(text + found.thought, paid[1])
        thought = found.thought
        if request.messages is not None:
            whole, text = text, without_reasoning(text, request.messages[-1]["content"])
            thought = thought or thoughts(whole, text)
        if request.stop:
            text = cut(text, request.stop)[0]  # servers take four stops, and some leave the stop in
        fault = None
        if found.text is None and not thought and found.finish == "stop":
            fault = "the answer has no content"
        if found.finish == "content_filter":
            fault = "the server's content filter holds the answer back"
        elif found.refusal and not text:
            text, fault = found.refusal, f"the model refuses ({found.refusal[:80]})"
        finished = found.finish != "length"
        return Answer(text, None, finished, *tokens, logprobs_of(choice), error=fault, unusable=fault is not None,
                      thought=sound(thought))  # fmt: skip


async def _finish(order: Iterable[Answer | asyncio.Task[Answer]]) -> None:
    """Let the tasks of `order` end, for `FINISH` seconds at most."""
    if tasks := [entry for entry in order if isinstance(entry, asyncio.Task)]:
        await asyncio.wait(tasks, timeout=FINISH)


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


def _worth_keeping(answer: Answer, request: Request, unusable: bool) -> bool:
    """Whether `answer` may stand for good: no failure, not empty, and not cut by a limit of the server's own.

    `unusable`: an answer in the wrong form stands too.
    """
    heard = bool(answer.text) if answer.ok else unusable and answer.unusable
    return heard and (answer.finished or request.max_tokens is not None)


def _asked(request: Request) -> str:
    return request.prompt or "".join(m["content"] for m in request.messages or ())
