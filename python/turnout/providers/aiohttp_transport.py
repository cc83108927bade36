"""The fast transport, over aiohttp: the only importer of it, and imported late, by `transport.open_transport`.

A third of httpx2's time per call at one call after another, and a tenth at hundreds side by side (benches/execute).
Faster clients in Rust were weighed and not taken: they do not tell whether a kept connection broke under the request,
which decides whether it may be sent once more without being paid twice (RELIABILITY F06), and they bring a thread of
their own, which a fork loses. How far a request has come is read from aiohttp's trace.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Final, Literal, Self

import aiohttp
from yarl import URL

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

__all__ = ["AiohttpTransport"]

_HEADER_BYTES: Final = 64 * 1024
"""The most bytes of one header field; providers' longest are security policies of a few kilobytes."""

_DNS_KEPT_S: Final = 60


class AiohttpTransport:
    """Sends requests over a pool of kept connections; one per event loop.

    Args:
        connect_timeout_s: Seconds for address and connection, and as many again for TLS.
        max_connections: Open connections at most; more calls wait, within their deadline.
        keepalive_s: Seconds that an idle connection is kept.
        limits: How large an answer may grow.
        proxy: `environment` obeys HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, None never uses a proxy. Calls to
            loopback never go through one.
        verify: The TLS settings; the system's trusted authorities if None, with those of SSL_CERT_FILE and SSL_CERT_DIR
            where they are set.
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
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._limits = limits or BodyLimits()
        self._proxy = proxy
        self._verify = verify
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection of this event loop; those of another cannot be closed from here, and are dropped."""
        session, self._session = self._session, None
        if session is None:
            return
        if self._loop is asyncio.get_running_loop():
            await session.close()
        else:
            _forget(session)

    async def send(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> HttpResponse:
        """Sends a request and reads the whole answer; see `Transport.send`."""
        call = _Call(request, deadline_s, first_byte_timeout_s, "gzip, deflate")
        stream = _Stream(await self._head(call), call, self._limits)
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
        stream = _Stream(await self._head(call), call, self._limits)
        try:
            yield stream
        finally:
            await stream.aclose()

    async def _head(self, call: _Call) -> aiohttp.ClientResponse:
        """Sends the request and waits for the answer's head."""
        failure: TransportError
        try:
            async with asyncio.timeout_at(call.head_at) as timer:
                call.watch(timer, 2 * self._connect_timeout_s)
                session = self._session_here()
                tls = await self._tls() if call.url.startswith("https:") else True
                return await session.request(
                    call.method,
                    URL(call.url, encoded=True),
                    headers=call.headers,
                    data=call.body,
                    allow_redirects=False,
                    ssl=tls,
                    proxy=proxy_for(call.url) if self._proxy == "environment" else None,
                    trace_request_ctx=call,
                )
        except TimeoutError as error:
            # aiohttp's own timeout of a connection is a TimeoutError too.
            failure = call.timed_out("connect" if isinstance(error, aiohttp.ClientError) else call.phase)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _failure(error, call)
        finally:
            call.unwatch()
        # Raised here and not inside `except`: the library's exception may quote what it was given, and would stay as
        # context.
        raise failure

    async def _tls(self) -> ssl.SSLContext:
        if self._verify is None:  # reading the authorities takes 50 to 100 ms
            self._verify = await asyncio.to_thread(ssl.create_default_context)
        return self._verify

    def _session_here(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if loop is not self._loop and self._session is not None:
            # Connections belong to the loop that opened them; those of a loop that is gone cannot even be closed.
            _forget(self._session)
            self._session = None
        if self._session is None:
            self._loop, self._session = loop, self._open()
        return self._session

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keepalive_s,
            ttl_dns_cache=_DNS_KEPT_S,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("content-type", "user-agent", "accept", "accept-encoding"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            trace_configs=[_trace()],
        )


def _forget(session: aiohttp.ClientSession) -> None:
    """Drops a session whose loop is gone, so that nothing warns of what nobody can close."""
    session.detach()


def _trace() -> aiohttp.TraceConfig:
    def noting(note: Callable[[_Call], None]) -> Callable[..., object]:
        async def noted(_session: aiohttp.ClientSession, context: SimpleNamespace, _: object) -> None:
            note(context.trace_request_ctx)

        return noted

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(noting(_Call.connecting))  # type: ignore[arg-type]  # any signal
    trace.on_connection_create_end.append(noting(_Call.has_connected))  # type: ignore[arg-type]
    trace.on_request_headers_sent.append(noting(_Call.has_sent))  # type: ignore[arg-type]
    return trace


class _Call(Outbound):
    """One request, with aiohttp's trace of it."""

    def __init__(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None, accept_encoding: str
    ) -> None:
        super().__init__(request, deadline_s, first_byte_timeout_s, accept_encoding)
        self._timer: asyncio.Timeout | None = None
        self._connect_s = 0.0
        self.is_connecting = False

    @property
    def phase(self) -> Literal["connect"] | None:
        """`connect` while a connection is being made within the time of its own, else what the deadlines say."""
        loop = asyncio.get_running_loop()
        return "connect" if self.is_connecting and loop.time() < self.head_at else None

    def watch(self, timer: asyncio.Timeout, connect_s: float) -> None:
        """Takes the timer that is to be shorter while a connection is being made."""
        self._timer, self._connect_s = timer, connect_s

    def unwatch(self) -> None:
        """Lets go of the timer."""
        self._timer = None

    def connecting(self) -> None:
        """Notes that a connection is being made; names, proxies and TLS are part of it."""
        self.is_connecting = True
        if self._timer is not None:
            self._timer.reschedule(min(self.head_at, asyncio.get_running_loop().time() + self._connect_s))

    def has_connected(self) -> None:
        """Notes that this connection is a new one."""
        self.connected, self.is_connecting = True, False
        if self._timer is not None:
            self._timer.reschedule(self.head_at)

    def has_sent(self) -> None:
        """Notes that the request may have left."""
        self.sent = True


class _Stream:
    """An answer whose head is here."""

    def __init__(self, answer: aiohttp.ClientResponse, call: _Call, limits: BodyLimits) -> None:
        self.status = answer.status
        self.headers: Headers = tuple((name.lower(), value) for name, value in answer.headers.items())
        self._answer = answer
        self._call = call
        self._limits = limits
        self._decoder: BodyDecoder | None = None
        self._ended = False

    async def read(self) -> bytes:
        """Returns the next decoded bytes, and b"" after a clean end; see `HttpStream.read`."""
        if self._ended:
            return b""
        if self._decoder is None:
            self._decoder = BodyDecoder(self._answer.headers.get("content-encoding"), self._limits, self._call.host)
        while True:
            wire = await self._next()
            if not wire:
                self._decoder.finish()
                self._ended = True
                return b""
            if decoded := self._decoder.feed(wire):
                return decoded

    async def _next(self) -> bytes:
        failure: TransportError
        host, content = self._call.host, self._answer.content
        try:
            if content.is_eof() and content.exception() is None:
                return content.read_nowait()  # all of it is here, and no timer is needed
            async with asyncio.timeout_at(self._call.deadline_at):
                return await content.readany()
        except TimeoutError:
            failure = self._call.timed_out("total")
        except (aiohttp.ClientError, OSError):
            failure = MaybeSent(f"`{host}` broke the connection inside its answer", host=host, kind="truncated")
        raise failure

    async def aclose(self) -> None:
        """Lets the connection go, and closes it if the answer is not complete."""
        if self._ended:
            self._answer.release()
        else:
            self._ended = True
            self._answer.close()


def _failure(error: Exception, call: _Call) -> TransportError:
    """Turns an exception of the library into one of ours; its text is not taken over, it may quote a header."""
    host, stale = call.host, not call.connected
    if not call.sent:
        return _not_sent(error, host)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return MaybeSent(f"`{host}` closed the connection unanswered", host=host, kind="closed", stale_connection=stale)
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.http.HttpProcessingError | ValueError):
        return MaybeSent(
            f"`{host}` answered with something that is not HTTP", host=host, kind="protocol", stale_connection=stale
        )
    return MaybeSent(f"`{host}` reset the connection", host=host, kind="reset", stale_connection=stale)


def _not_sent(error: Exception, host: str) -> NotSent:
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return NotSent(f"the proxy did not connect to `{host}`", host=host, kind="egress")
    under = causes(error)
    if any(isinstance(each, ssl.SSLError | ssl.CertificateError) for each in under) or isinstance(
        error, aiohttp.ClientSSLError
    ):
        return NotSent(
            f"no TLS connection to `{host}`",
            host=host,
            kind="tls",
            hint="check its certificate and this machine's clock",
        )
    if any(isinstance(each, socket.gaierror) for each in under):
        return NotSent(f"the name `{host}` has no address", host=host, kind="dns")
    if any(isinstance(each, ConnectionRefusedError) for each in under):
        return NotSent(f"`{host}` refuses connections", host=host, kind="refused")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return NotSent("the URL is not one that can be called", host=host, kind="request")
    return NotSent(f"no connection to `{host}`", host=host, kind="connect")
