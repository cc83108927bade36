"""One connection to the lab: HTTP/1.1 over a socket that can also be cut, reset or left hanging.

h11 keeps the grammar, this class keeps the socket. A handler gets whole requests and writes answers through
`Connection`; when the client goes away in the middle of an answer the handler is cancelled, and the counters say so.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from turnout.errors import TurnoutError

try:
    import h11
except ModuleNotFoundError as error:
    if error.name != "h11":
        raise
    raise TurnoutError(
        "extra-missing", "the lab needs `h11`, which is not installed", "pip install 'turnout[lab]'"
    ) from None

from turnout.lab.counters import Counters

__all__ = ["Connection", "Headers", "Incoming"]

Headers = tuple[tuple[str, str], ...]

_MOST_BODY_BYTES = 32 * 1024 * 1024
_LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request, whole.

    Args:
        is_too_large: The body was longer than providers take, and is not here.
    """

    method: str
    path: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    is_too_large: bool = False


Handler = Callable[["Connection", Incoming], Awaitable[None]]


class Connection(asyncio.Protocol):
    """A client's connection.

    Args:
        handler: Answers one request.
        counters: Where to count.
        open_connections: Where to be listed while open.
    """

    def __init__(self, handler: Handler, counters: Counters, open_connections: set[Connection]) -> None:
        self._handler = handler
        self._counters = counters
        self._listed = open_connections
        self._http = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._is_too_large = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed_here = False
        self._closes_on_next = False
        self._is_raw = False
        self.has_written = False
        self.served_bytes = 0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Notes a new connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._counters.connections += 1
        self._counters.open_connections += 1
        self._listed.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the answer that is under way, if there is one."""
        self._counters.open_connections -= 1
        self._listed.discard(self)
        if self._task is not None:
            if not self._closed_here:
                self._counters.note_close(self.served_bytes)
            self._task.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Takes in bytes."""
        self._counters.bytes_in += len(data)
        if self._closes_on_next:
            self.cut()
            return
        self._http.receive_data(data)
        self._read_on()

    def pause_writing(self) -> None:
        """Holds the answer back: the client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Lets the answer go on."""
        self._writable.set()

    # What the handler calls.

    def start(self, status: int, headers: Headers) -> None:
        """Writes the answer's head; without a content-length the body goes out in chunks."""
        self._write(h11.Response(status_code=status, headers=[*headers, ("server", "turnout-lab")]))

    async def send(self, data: bytes) -> None:
        """Writes a part of the body; waits while the client reads too slowly."""
        if data:
            self._write(h11.Data(data=data))
        if not self._writable.is_set():
            await self._writable.wait()

    def inform(self, status: int) -> None:
        """Writes an interim answer (1xx)."""
        self._put(self._http.send(h11.InformationalResponse(status_code=status, headers=[])) or b"")

    def raw(self, data: bytes) -> None:
        """Writes bytes as they are, past all rules; the connection cannot be kept afterwards."""
        self._is_raw = True
        self._put(data)

    async def send_raw(self, data: bytes) -> None:
        """Writes bytes as they are; waits while the client reads too slowly."""
        self.raw(data)
        if not self._writable.is_set():
            await self._writable.wait()

    def close_on_next_bytes(self) -> None:
        """Closes the connection as soon as the client writes to it again."""
        self._closes_on_next = True

    def finish(self) -> None:
        """Writes the body's proper end."""
        self._write(h11.EndOfMessage())

    def cut(self) -> None:
        """Closes the connection after what was written, whatever is still missing."""
        self._closed_here = True
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Closes the connection with RST."""
        self._closed_here = True
        if self._transport is not None:
            peer = self._transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self._transport.abort()

    async def close(self) -> None:
        """Ends the connection and the answer that is under way."""
        self._closed_here = True
        task = self._task
        if self._transport is not None:
            self._transport.abort()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _write(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        self._put(self._http.send(event) or b"")

    def _put(self, data: bytes) -> None:
        if data and self._transport is not None:
            self.has_written = True
            self.served_bytes += len(data)
            self._counters.bytes_out += len(data)
            self._transport.write(data)

    def _read_on(self) -> None:
        """Goes through what h11 has, up to the end of one request."""
        while self._task is None and self._transport is not None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(error.error_status_hint)
                return
            if isinstance(event, h11.Request):
                self._head, self._body, self._is_too_large = event, bytearray(), False
                if self._http.they_are_waiting_for_100_continue:
                    self._transport.write(
                        self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                    )
            elif isinstance(event, h11.Data):
                self._is_too_large = self._is_too_large or len(self._body) + len(event.data) > _MOST_BODY_BYTES
                if not self._is_too_large:
                    self._body += event.data
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in self._head.headers)
                request = Incoming(
                    self._head.method.decode("ascii"),
                    self._head.target.decode("latin-1"),
                    headers,
                    b"" if self._is_too_large else bytes(self._body),
                    self._is_too_large,
                )
                self._task = asyncio.get_running_loop().create_task(self._serve(request))
            else:
                return  # more bytes are needed, or the client is done

    def _refuse(self, status: int) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._write(h11.Response(status_code=status, headers=[("content-length", "0"), ("connection", "close")]))
            self._write(h11.EndOfMessage())
        self.cut()

    async def _serve(self, request: Incoming) -> None:
        self.has_written, self.served_bytes = False, 0
        self._counters.in_flight += 1
        self._counters.most_in_flight = max(self._counters.most_in_flight, self._counters.in_flight)
        try:
            await self._handler(self, request)
        finally:
            self._counters.in_flight -= 1
            self._task = None
        if self._transport is None or self._closed_here:
            return
        if not self._is_raw and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._read_on()
        else:
            self.cut()
