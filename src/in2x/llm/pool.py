"""HTTP connections for many requests at once.

The HTTP library's pool looks at every idle connection for every request and every answer, which at 256 in flight costs
more than the requests themselves. So the connections are spread over many small pools, used in turn.
"""

from __future__ import annotations

import ssl
import urllib.request
from functools import cache
from urllib.parse import urlsplit

import httpx2
import openai

SHARD = 4
"""Connections a pool, on average."""


@cache
def _certificates() -> ssl.SSLContext:
    """Made once: reading the certificates takes longer than a request."""
    return ssl.create_default_context()


class ShardedTransport(httpx2.AsyncBaseTransport):
    """Hands each request to the next of several transports."""

    def __init__(self, shards: int) -> None:
        context = _certificates()
        # No bound on connections: the client bounds what is in flight, and a pool that waits would only add delay.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=4 * SHARD)
        self._transports = [httpx2.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(shards)]
        self._next = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` over the next transport."""
        self._next = (self._next + 1) % len(self._transports)
        return await self._transports[self._next].handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._transports:
            await transport.aclose()


def http_client(base_url: str, in_flight: int, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    """An HTTP client for `in_flight` requests at once; through the environment's proxy where that asks for one."""
    host = urlsplit(base_url).hostname or ""
    if urllib.request.getproxies().get(urlsplit(base_url).scheme) and not urllib.request.proxy_bypass(host):
        limits = httpx2.Limits(max_connections=in_flight + 8, max_keepalive_connections=in_flight + 8)
        return openai.DefaultAsyncHttpxClient(limits=limits, timeout=timeout)
    transport = ShardedTransport(max(1, in_flight // SHARD))
    return httpx2.AsyncClient(transport=transport, timeout=timeout, follow_redirects=True)
