"""The transport over httpx2: the only importer of it, and imported late, by `transport.open_transport`.

It drives `httpx2.AsyncHTTPTransport` rather than `httpx2.AsyncClient`: a client keeps cookies, follows settings for
redirects and authentication, decodes bodies without a cap, and costs more time per call. What is left is the
connection pool. Whether a request has left is read from the pool's own trace (`send_request_headers.started`), not
guessed from exception names.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

import httpx2

from turnout.errors import TransportError
from turnout.providers.outbound import Outbound, causes, proxy_for
from turnout.providers.transport import (
    BodyDecoder,
    BodyLimits,
    Headers,
    HttpRequest,
    HttpResponse,
    HttpStream,
    MaybeSent,
    NotSent,
)

__all__ = ["Httpx2Transport"]


class Httpx2Transport:
    """Sends requests over a pool of kept connections; one per event loop.

    Args:
        connect_timeout_s: Seconds for address and connection, and as many again for TLS.
        max_connections: Open connections at most; more calls wait, within their deadline.
        keepalive_s: Seconds that an idle connection is kept.
        limits: How large an answer may grow.
        proxy: `environment` obeys HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, None never uses a proxy. Calls to
            loopback never go through one.
        verify: The TLS settings; the system's trusted authorities if None.
    """

    def __init__(
        self,
        *,
        connect_timeout_s: float = 3.0,
        max_connections: int = 512,
        keepalive_s: float = 30.0,
        limits: BodyLimits | None = None,
        proxy: Literal["environment"] | None = "environment",
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._limits = limits or BodyLimits()
        self._proxy = proxy
        self._verify = verify
        self._pool_limits = httpx2.Limits(
            max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=keepalive_s
        )
        self._pools: dict[tuple[str, str | None], httpx2.AsyncHTTPTransport] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection of this event loop; those of another cannot be closed from here, and are dropped."""
        pools, self._pools = list(self._pools.values()), {}
        if self._loop is asyncio.get_running_loop():
            for pool in pools:
                await pool.aclose()

    async def send(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> HttpResponse:
        """Sends a request and reads the whole answer; see `Transport.send`."""
        call = _Call(request, deadline_s, first_byte_timeout_s, "gzip, deflate")
        answer = await self._head(call)
        stream = _Stream(answer, call, self._limits)
        try:
            parts: list[bytes] = []
            while part := await stream.read():
                parts.append(part)
        finally:
            await stream.aclose()
        return HttpResponse(stream.status, stream.headers, b"".join(parts))

    def stream(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> AbstractAsyncContextManager[HttpStream]:
        """Sends a request and hands out the body as it comes; see `Transport.stream`."""
        return self._stream(request, deadline_s, first_byte_timeout_s)

    @asynccontextmanager
    async def _stream(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None
    ) -> AsyncIterator[HttpStream]:
        # A stream is not asked for in compressed form: an encoder between us and the model may hold frames back.
        call = _Call(request, deadline_s, first_byte_timeout_s, "identity")
        answer = await self._head(call)
        stream = _Stream(answer, call, self._limits)
        try:
            yield stream
        finally:
            await stream.aclose()

    async def _head(self, call: _Call) -> httpx2.Response:
        """Sends the request and waits for the answer's head."""
        failure: TransportError
        try:
            async with asyncio.timeout_at(call.head_at):
                pool = await self._pool_for(call.url)
                request = httpx2.Request(
                    call.method,
                    call.url,
                    headers=call.headers,
                    content=call.body,
                    extensions={"trace": call.trace, "timeout": {"connect": self._connect_timeout_s}},
                )
                return await pool.handle_async_request(request)
        except TimeoutError:
            await call.close_half_open()
            failure = call.timed_out()
        except httpx2.HTTPError as error:
            failure = _failure(error, call)
        except asyncio.CancelledError:
            await call.close_half_open()
            raise
        # Raised here and not inside `except`: the library's exception may quote what it was given, and would stay as
        # context.
        raise failure

    async def _pool_for(self, url: str) -> httpx2.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # Connections belong to the loop that opened them; those of a loop that is gone cannot even be closed.
            self._loop, self._pools = loop, {}
        scheme = urlsplit(url).scheme
        key = (scheme, proxy_for(url) if self._proxy == "environment" else None)
        if key not in self._pools:
            if scheme == "http":
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # for the library's sake: it trusts nobody
            else:
                if self._verify is None:  # reading the authorities takes 50 to 100 ms
                    self._verify = await asyncio.to_thread(httpx2.create_ssl_context)
                tls = self._verify
            if key not in self._pools:
                self._pools[key] = httpx2.AsyncHTTPTransport(
                    verify=tls, limits=self._pool_limits, proxy=key[1], retries=0
                )
        return self._pools[key]


def _is_connect(info: Mapping[str, object]) -> bool:
    """Says whether a traced request is the CONNECT to a proxy, which carries nothing of the call's own request."""
    return getattr(info.get("request"), "method", b"") == b"CONNECT"


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


class _Call(Outbound):
    """One request, with the trace of the connection pool."""

    def __init__(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None, accept_encoding: str
    ) -> None:
        super().__init__(request, deadline_s, first_byte_timeout_s, accept_encoding)
        self._half_open: object = None

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Notes how far the connection pool has come; called by it."""
        if event == "connection.connect_tcp.complete":
            self.connected = True
            self._half_open = info.get("return_value")
        elif event.endswith(".start_tls.complete"):
            self._half_open = None
        elif event.endswith(".send_request_headers.started") and not _is_connect(info):
            self.sent, self._half_open = True, None

    async def close_half_open(self) -> None:
        """Closes a connection left inside its TLS handshake: httpcore2 2.16.2 leaves it open when it is cancelled."""
        left, self._half_open = self._half_open, None
        if isinstance(left, _Closable):
            await left.aclose()


class _Stream:
    """An answer whose head is here."""

    def __init__(self, answer: httpx2.Response, call: _Call, limits: BodyLimits) -> None:
        self.status = answer.status_code
        self.headers: Headers = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
        self._answer = answer
        self._call = call
        self._limits = limits
        self._decoder: BodyDecoder | None = None
        self._parts: AsyncIterator[bytes] | None = None
        self._ended = False

    async def read(self) -> bytes:
        """Returns the next decoded bytes, and b"" after a clean end; see `HttpStream.read`."""
        if self._ended:
            return b""
        if self._decoder is None:
            self._decoder = BodyDecoder(self._answer.headers.get("content-encoding"), self._limits, self._call.host)
        while True:
            wire = await self._next()
            if wire is None:
                self._decoder.finish()
                self._ended = True
                return b""
            if decoded := self._decoder.feed(wire):
                return decoded

    async def _next(self) -> bytes | None:
        if self._parts is None:
            body = self._answer.stream
            if not isinstance(body, httpx2.AsyncByteStream):
                raise TypeError("an asynchronous transport answers with an asynchronous stream")
            self._parts = aiter(body)
        failure: TransportError
        try:
            async with asyncio.timeout_at(self._call.deadline_at):
                return await anext(self._parts, None)
        except TimeoutError:
            failure = self._call.timed_out("total")
        except httpx2.HTTPError:
            failure = MaybeSent(
                f"`{self._call.host}` broke the connection inside its answer", host=self._call.host, kind="truncated"
            )
        raise failure

    async def aclose(self) -> None:
        """Lets the connection go, and closes it if the answer is not complete."""
        self._ended = True
        await self._answer.aclose()


def _failure(error: httpx2.HTTPError, call: _Call) -> TransportError:
    """Turns an exception of the library into one of ours; its text is not taken over, it may quote a header."""
    host, stale = call.host, not call.connected
    if isinstance(error, httpx2.TimeoutException):
        return call.timed_out("connect" if not call.sent else "first_byte")
    if not call.sent:
        if isinstance(error, httpx2.ProxyError):
            return NotSent(f"the proxy did not connect to `{host}`", host=host, kind="egress")
        under = causes(error)
        if any(isinstance(cause, ssl.SSLError) for cause in under):
            return NotSent(
                f"no TLS connection to `{host}`",
                host=host,
                kind="tls",
                hint="check its certificate and this machine's clock",
            )
        if any(isinstance(cause, socket.gaierror) for cause in under):
            return NotSent(f"the name `{host}` has no address", host=host, kind="dns")
        if any(isinstance(cause, ConnectionRefusedError) for cause in under):
            return NotSent(f"`{host}` refuses connections", host=host, kind="refused")
        return NotSent(f"no connection to `{host}`", host=host, kind="connect")
    if isinstance(error, httpx2.RemoteProtocolError):
        if "without sending a response" in str(error):
            return MaybeSent(
                f"`{host}` closed the connection unanswered", host=host, kind="closed", stale_connection=stale
            )
        return MaybeSent(
            f"`{host}` answered with something that is not HTTP", host=host, kind="protocol", stale_connection=stale
        )
    return MaybeSent(f"`{host}` reset the connection", host=host, kind="reset", stale_connection=stale)
