"""One server: what is sent to it, and every trouble on the way put in its kind.

*Passing* trouble is tried again with jittered backoff that honours Retry-After; *Refused* is the request's own; what is
the set-up's stops everything, as an `In2xError`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx2
import openai

from in2x.errors import In2xError
from in2x.llm.config import LlmConfig, key_of
from in2x.llm.limits import Usage
from in2x.llm.pool import http_client
from in2x.llm.request import Trouble
from in2x.llm.wire import detail_of, retry_after

T = TypeVar("T")
SAID_FROM = 5
"""Failures of one request in a row from which on it is said that the server is waited for: fewer happen to one request
in a thousand of a server that fails three times in ten, and are over in seconds."""
LONGEST_PAUSE = 60.0
"""Seconds: longest backoff (Retry-After may ask for more, up to 10 minutes)."""
FORBIDDEN = 5
"""Answers 403 in a row from which on it is the key that is forbidden, and no longer a question (our choice)."""
_POLICY = re.compile(r"polic|moderat|safety|content.?filter|inappropriate|block|harm", re.IGNORECASE)
_UNPAID = re.compile(r"insufficient[_ ](?:quota|balance|credit|fund)", re.IGNORECASE)


class Passing(Exception):
    """Trouble that another try may mend."""

    def __init__(
        self,
        what: str,
        wait: float | None = None,
        *,
        reached: bool = True,
        gone: bool = False,
        paid: tuple[int, int] | None = None,
        otherwise: In2xError | None = None,
    ) -> None:
        """`paid`: tokens of the question and of an answer that the server made for nothing, -1 where it does not say;
        `otherwise`: what is wrong where nothing else ever comes of this server."""
        super().__init__(what)
        self.wait, self.reached, self.gone, self.paid, self.otherwise = wait, reached, gone, paid, otherwise


class Refused(Exception):
    """This request gets no answer. `trouble`: whose fault it is; `by`: the server's response, where it gave one."""

    def __init__(self, what: str, by: openai.APIStatusError | None = None, *, trouble: Trouble = "request") -> None:
        super().__init__(what)
        self.by, self.trouble = by, trouble


class Connection:
    """The way to the server of `config`; every retry is counted in `usage`.

    Args:
        config: address, tries, pauses.
        usage: where retries are counted.
        patience: seconds for which a server that is down or overloaded is waited for, beyond the tries of `config`.
        say: is told once when waiting begins, and once when it was worth it.

    Raises:
        In2xError: the config names no server.
    """

    def __init__(
        self,
        config: LlmConfig,
        usage: Usage,
        patience: float = 0.0,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        if not config.base_url:
            raise In2xError("no server is named", mend="give base_url, for example http://127.0.0.1:8000/v1")
        if not config.base_url.startswith(("http://", "https://")):
            raise In2xError(f"{config.base_url!r} is not a URL", mend="start base_url with http:// or https://")
        self.config, self.usage, self.url = config, usage, config.base_url
        self.worked = False
        """Whether anything ever came back."""
        self._patience, self._say, self._waits = patience, say, False
        self._forbidden = 0
        self._random = random.Random(0)

    def session(self) -> openai.AsyncOpenAI:
        """A session, to be opened and closed."""
        timeout = httpx2.Timeout(self.config.timeout, connect=min(10.0, self.config.timeout), pool=None)
        return openai.AsyncOpenAI(
            api_key=key_of(self.config) or "none",
            base_url=self.url,
            max_retries=0,
            timeout=timeout,
            http_client=http_client(self.url, self.config.in_flight, timeout),
        )

    async def patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` gives, made again with longer and longer pauses where the trouble passes."""
        last, gone, began = "", False, time.monotonic()
        for number in itertools.count():
            try:
                found = await attempt()
            except Passing as error:
                last, gone = str(error), error.gone
                if error.otherwise is not None and (self.worked or number >= 2):
                    raise (Refused(last) if self.worked else error.otherwise) from None
                # A server that nothing ever came from is more likely misnamed than busy.
                if not error.reached and not self.worked and number >= 2:
                    break
                left = began + self._patience - time.monotonic()
                if number + 1 >= self.config.attempts and left <= 0:
                    break
                if number >= SAID_FROM and not self._waits:
                    self._waits = True
                    self._say(f"no answer from {self.url} ({last}): it is waited for")
                self.usage.retried += 1
                backoff = min(LONGEST_PAUSE, self.config.backoff * 2 ** min(number, 30)) * (0.5 + self._random.random())
                pause = backoff if error.wait is None else error.wait + 0.1 * self._random.random()
                await asyncio.sleep(pause if number + 1 < self.config.attempts else min(pause, left))
                continue
            if self._waits:
                self._waits = False
                self._say(f"{self.url} answers again")
            self.worked = True
            return found
        if not self.worked:
            raise In2xError(
                f"the server at {self.url} gave no answer ({last})",
                mend="check the address (it ends in /v1) and that the server runs",
            )
        if gone:  # so would it be for every other request: what is done must not drown in what is not
            raise In2xError(
                f"the server at {self.url} went away ({last})",
                mend="start it and run again: answers that are kept are not asked for again",
            )
        raise Refused(f"no answer after {number + 1} tries ({last})", trouble="server")

    async def exchange(self, sent: Awaitable[httpx2.Response]) -> httpx2.Response:
        """The response to what was sent, every trouble on the way put in its kind."""
        try:
            # The SDK's time-out is for silence between two packets, ours for the whole answer.
            async with asyncio.timeout(self.config.timeout):
                response = await sent
            self._forbidden = 0
            return response
        except (openai.APITimeoutError, TimeoutError):
            raise Passing(f"no answer within {self.config.timeout:g} s", reached=self.worked, paid=(-1, -1)) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            gone = isinstance(cause, httpx2.ConnectError)
            # An answer that had begun was made; whether one was that never began, nobody can tell.
            paid = (-1, -1) if isinstance(cause, httpx2.RemoteProtocolError) and "body" in str(cause) else None
            raise Passing(f"no connection ({cause or error})", reached=self.worked, gone=gone, paid=paid) from None
        except openai.APIStatusError as error:
            raise self._status(error) from None

    def _status(self, error: openai.APIStatusError) -> Exception:
        status = error.status_code
        detail = detail_of(error)
        where = self.url
        if status == 402 or (status == 429 and _UNPAID.search(error.response.text)):
            return In2xError(
                f"nothing is left to pay {where} with ({detail or status})", mend="top it up and run again"
            )
        if status in (400, 413, 422, 451, 501) or (status == 403 and _POLICY.search(error.response.text)):
            return Refused(f"the server refuses the request ({status}: {detail})", error)
        if status in (401, 403):
            known = key_of(self.config) is not None
            key = In2xError(
                f"the server at {where} does not accept the key ({status})",
                mend=f"{'correct' if known else 'set'} the environment variable {self.config.key_variable}",
            )
            self._forbidden += 1
            if status == 401 or self._forbidden >= FORBIDDEN:
                return key
            # Of a server that answers others it is this question that is forbidden, whatever the words.
            return Passing(f"the server refuses the request (403: {detail})", otherwise=key)
        if status == 404:
            if "model" in detail.lower():
                return In2xError(
                    f"the server at {where} has no model {self.config.model!r}", mend="correct the model's name"
                )
            return In2xError(
                f"the server at {where} does not speak the OpenAI API (404)", mend="base_url usually ends in /v1"
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return Passing(f"{status} {detail}".strip(), retry_after(error.response.headers))
        return In2xError(
            f"the server at {where} does not speak the OpenAI API ({status})", mend="base_url usually ends in /v1"
        )
