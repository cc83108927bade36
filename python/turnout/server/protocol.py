"""The HTTP/1.1 of the gateway: uvicorn's, with heads that are bounded in bytes and in time.

Promises: what a client sends before its request is read grows no memory and keeps no connection long. Refuses: heads
beyond 64 KiB, and clients that send them slowly. To break it, send headers without an end, or half a line and no more.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: TID253  imported by `run` when it serves

__all__ = ["BoundedProtocol"]

_MOST_BYTES: Final = 64 * 1024
"""Of a head, or of the trailers of a body."""
_MOST_S: Final = 30.0

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _field_bytes = 0
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Takes a connection; its first head must come in time."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notes that the connection is gone."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what one read brought."""
        super().data_received(data)
        if self._waiting is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_BYTES and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_bytes = self._field_bytes = 0
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is whole, of the head or of the trailers."""
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > _MOST_BYTES:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._wait_no_more()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._wait_no_more()
        self._waiting = self.loop.call_later(_MOST_S, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
