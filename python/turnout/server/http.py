"""Requests and answers on the ASGI interface: bounded bodies in, bytes out, and word when the client has gone.

Promises: a body beyond its bound is refused when the bound is reached, whatever its length claims and however it is
compressed; nothing is sent twice. Refuses: encodings other than gzip. To break it, send a lying length, a bomb, half a
body, or close early.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from turnout.server.errors import Problem

__all__ = ["ClientGone", "Headers", "Message", "Receive", "Request", "Scope", "Send", "Sender"]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_ALWAYS: Final[Headers] = [(b"cache-control", b"private, no-store"), (b"vary", b"authorization")]
"""RELIABILITY S25: no cache in front of us keeps an answer of one key for another."""


_BODY_S: Final = 60.0
"""How long the body may take once it has begun to come: a slow one would keep the connection."""


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Request:
    """What a client asks.

    Args:
        scope: The ASGI scope.
        receive: The ASGI receiver.
    """

    __slots__ = ("_headers", "_receive", "method", "path", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._receive = receive
        self._headers: dict[bytes, bytes] | None = None

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers by lower-case name; of one that is repeated, the last."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        return self._headers

    def header(self, name: bytes) -> str | None:
        """Returns a header as text; None if it is not there.

        Args:
            name: Lower case.
        """
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def all(self, name: bytes) -> list[bytes]:
        """Returns each value of a header that may be repeated."""
        return [value for each, value in self.scope["headers"] if each == name]

    @property
    def query(self) -> bytes:
        """What follows the `?`."""
        return self.scope["query_string"]  # type: ignore[no-any-return]

    async def body(self, most: int) -> bytes:
        """Reads the body.

        Args:
            most: Bytes, as sent and as decompressed.

        Raises:
            Problem: It is too large, or too slow, or not encoded in a way that is known.
            ClientGone: The client closed before the end.
        """
        told = self.headers.get(b"content-length", b"")
        if told.isdigit() and int(told) > most:
            raise _too_large(most)
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            try:
                async with asyncio.timeout(_BODY_S):
                    body = await self._rest(body, most)
            except TimeoutError:
                raise Problem(408, "body-timeout", f"the body did not come within {_BODY_S:.0f} s") from None
        if len(body) > most:
            raise _too_large(most)
        encoding = self.headers.get(b"content-encoding")
        return body if encoding is None else _decoded(body, encoding.strip().lower(), most)

    async def _rest(self, first: bytes, most: int) -> bytes:
        parts, size = [first], len(first)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if size > most:
                raise _too_large(most)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def gone(self) -> None:
        """Returns when the client has closed the connection; for after the body."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class Sender:
    """Sends the answer to one request.

    Args:
        send: The ASGI sender.
        extra: Headers of every answer to this request.
    """

    __slots__ = ("_send", "extra", "is_begun")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.extra: Headers = []
        self.is_begun = False

    async def whole(self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Sends a whole answer of JSON.

        Args:
            status: The HTTP status.
            body: The body.
            headers: More headers.
        """
        self.is_begun = True
        length = (b"content-length", str(len(body)).encode())
        sent = [(b"content-type", b"application/json"), length, *_ALWAYS, *self.extra, *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": sent})
        await self._send({"type": "http.response.body", "body": body})

    async def begin_stream(self, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Sends the head of a stream of events."""
        self.is_begun = True
        # `no` keeps a proxy in front of us from holding events back.
        told = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        sent = [*told, *_ALWAYS, *self.extra, *headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": sent})

    async def piece(self, data: bytes) -> None:
        """Sends a piece of a stream."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end_stream(self) -> None:
        """Ends a stream."""
        await self._send({"type": "http.response.body", "body": b""})


def _too_large(most: int) -> Problem:
    return Problem(
        413, "request-too-large", f"the body is larger than {most} bytes", "send less, or raise `--max-body`"
    )


def _decoded(body: bytes, encoding: bytes, most: int) -> bytes:
    if encoding == b"identity":
        return body
    if encoding not in (b"gzip", b"x-gzip"):
        shown = encoding.decode("latin-1")[:40]
        raise Problem(415, "content-encoding", f"a body in `{shown}` is not read", "send it plain, or as `gzip`")
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, most + 1)
    except zlib.error:
        raise Problem(400, "content-encoding", "the body is no gzip, though its header says so") from None
    if len(plain) > most or reader.unconsumed_tail:
        raise _too_large(most)
    if not reader.eof or reader.unused_data:
        raise Problem(400, "content-encoding", "the gzip of the body is cut off, or something follows it")
    return plain
