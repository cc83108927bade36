"""One attempt that streams: from the request to the last event, with its own deadlines for content.

Promises: pings keep no deadline from passing (RELIABILITY F15); a stream counts as answered only when the core's reader
saw its end; usage is collected however it ends; the upstream is closed once the leg is over. Refuses: to say what
comes next. To break it, cut a stream anywhere and look for `complete`.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic

from turnout._core import Attempt
from turnout.errors import RequestError, TransportError
from turnout.execute.attempt import ended_by, ended_with_status, key_of, written
from turnout.execute.call import Call, Ended, Flight
from turnout.execute.reading import Reader, T
from turnout.providers.outcome import ANSWERS, provider_error
from turnout.providers.upstream import UpstreamAnswer, UpstreamStream

__all__ = ["Leg"]

_HELD_BYTES: Final = 8 << 20
_HELD_READS: Final = 4_096
"""The most that is read before the first content: signs of life, and headings of the stream."""

_TAIL_S: Final = 0.05
"""How long to wait for the connection's own end after the stream's: it can then be used again."""

_ERROR_BODY_BYTES: Final = 64 * 1024


class Leg(Generic[T]):
    """One attempt of a streamed call.

    Args:
        call: The call.
        attempt: Which attempt of its plan.
        reader: Reads its answer.
    """

    def __init__(self, call: Call, attempt: Attempt, reader: Reader[T]) -> None:
        self.attempt = attempt
        self.is_committed = False
        self.ttft_ms: int | None = None
        self.ended: Ended | None = None
        self._call = call
        self._idle_s = call.plan.idle_ms / 1000
        self.flight: Flight | None = None
        self._held_bytes = 0
        self._held_reads = 0
        self.first: list[T] = []
        self._reader = reader
        self._context: AbstractAsyncContextManager[UpstreamStream] | None = None
        self._stream: UpstreamStream | None = None
        self._content_at = float("inf")
        self._left_at = 0.0

    async def open(self) -> None:
        """Sends the request and reads until there is content, or the end; `first` then holds what came with it."""
        call, ttft_ms = self._call, self._call.plan.ttft_ms
        loop = asyncio.get_running_loop()
        try:
            body = await written(call, self.attempt, stream=True)
        except RequestError as error:
            call.skip(self.attempt, error)
            self.ended = Ended("rejected", message_code=error.code)
            return
        flight = await call.reserve(self.attempt)
        if flight is None:
            self.ended = Ended("rejected", message_code="over_budget")
            return
        self.flight = flight
        call.begin(flight)
        ttft_s = None if ttft_ms is None else ttft_ms / 1000
        if ttft_s is not None:
            self._content_at = loop.time() + ttft_s
        try:
            key = key_of(call, self.attempt)
            upstream = call.services.upstream_for(self.attempt)
            context = upstream.stream(self.attempt, body, key, call.deadline.remaining(), ttft_s)
            self._stream = await context.__aenter__()
            self._context = context
            call.heard(self.attempt, self._stream.headers)
            if self._stream.status != 200:
                await self._end(ended_with_status(self.attempt, await self._error_body(self._stream)))
        except Exception as error:
            if not await self._failed_by(error):
                raise
        while not self.is_committed and self.ended is None:
            self.first.append(await self.more())

    async def more(self) -> T:
        """Reads once from the network.

        Returns:
            What the reader made of it, which may be nothing. After the end, `ended` is set.
        """
        if self._stream is None or self.ended is not None:
            return self._reader.nothing
        if self._reader.is_over:
            await self._tail(self._stream)
            return await self._finish(None)
        try:
            chunk = await self._read(self._stream)
        except Exception as error:
            ended = self._timed_out() if isinstance(error, TimeoutError) else ended_by(error)
            if ended is None:
                await self._failed_by(error)
                raise
            return await self._finish(ended)
        if not chunk:
            return await self._finish(None)
        if not self.is_committed:
            self._held_bytes += len(chunk)
            self._held_reads += 1
            if self._held_bytes > _HELD_BYTES or self._held_reads > _HELD_READS:
                return await self._finish(Ended("bad_upstream", message_code="held_back"))
        return self._seen(self._reader.feed(chunk))

    async def abandon(self, outcome: str, code: str | None = None) -> None:
        """Ends the leg from our side, closing the upstream first.

        Args:
            outcome: `cancelled`, or what else the reason is called.
            code: Why, where that is more than the outcome says.
        """
        if self.ended is None:
            await self._close()
            _, end = self._reader.finish()
            await self._end(
                Ended(outcome, self._status, self._reader.answer(), end.usage, message_code=code, ttft_ms=self.ttft_ms)
            )

    @property
    def is_at_end(self) -> bool:
        """Whether the stream has had its end, though the leg may not have been ended yet."""
        return self.ended is not None or self._reader.is_over

    @property
    def _status(self) -> int | None:
        return None if self._stream is None else self._stream.status

    async def _read(self, stream: UpstreamStream) -> bytes:
        now_s = asyncio.get_running_loop().time()
        if self.is_committed:
            # A reader of ours that is slow takes nothing from the time of the provider.
            self._content_at += now_s - self._left_at
        content_s = self._content_at - now_s
        async with asyncio.timeout(max(0.0, min(content_s, self._call.deadline.remaining()))):
            return await stream.read()

    def _timed_out(self) -> Ended:
        if self._call.deadline.is_over or self._content_at > asyncio.get_running_loop().time():
            return Ended("deadline", message_code="deadline")
        return Ended("timeout_content" if self.is_committed else "timeout_first_byte", message_code="stalled")

    def _seen(self, piece: T) -> T:
        self._left_at = asyncio.get_running_loop().time()
        if self._reader.brought_content:
            if not self.is_committed:
                self.is_committed = True
                self.ttft_ms = None if self.flight is None else self.flight.elapsed_ms()
            self._content_at = self._left_at + self._idle_s
        return piece

    async def _finish(self, broke: Ended | None) -> T:
        """Ends the leg; `broke` says how, if the connection did not end well."""
        told = None if broke is None else (broke.outcome, provider_error(broke.outcome).message)
        tail, end = self._reader.finish(told)
        piece = self._seen(tail)
        failure = end.failure
        # A connection that breaks after the stream's own end takes nothing away from the answer, and says more than the
        # event that it broke off in the middle.
        is_broken = broke is not None and (failure is None or end.outcome == "truncated") and end.outcome not in ANSWERS
        if broke is not None and is_broken:
            outcome, code, detail = broke.outcome, broke.message_code, broke.detail
        else:
            outcome, code = end.outcome, failure.code if failure else None
            detail = failure.message if failure else end.message
        ended = Ended(
            outcome,
            failure.status if failure and failure.status else self._status,
            self._reader.answer(),
            end.usage,
            code,
            detail,
            failure.retry_after_ms if failure else None,
            self.ttft_ms,
            failure.should_retry if failure else None,
        )
        await self._end(ended, await self._call.judged(self.attempt, ended))
        return piece

    async def _end(self, ended: Ended, unmet: str | None = None) -> None:
        self.ended = ended
        if self.flight is not None:
            self._call.end(self.flight, ended, unmet)
        await self._close()

    async def _failed_by(self, error: Exception) -> bool:
        """Ends the leg by an exception that came before the answer; says whether an upstream may raise such a one."""
        ended = self._timed_out() if isinstance(error, TimeoutError) else ended_by(error)
        await self._end(ended or Ended("transport", self._status, message_code="unexpected"))
        return ended is not None

    async def _error_body(self, stream: UpstreamStream) -> UpstreamAnswer:
        body = b""
        try:
            while len(body) < _ERROR_BODY_BYTES and (part := await self._read(stream)):
                body += part
        except (TransportError, TimeoutError):  # the status says enough
            pass
        return UpstreamAnswer(stream.status, stream.headers, body)

    async def _tail(self, stream: UpstreamStream) -> None:
        try:
            async with asyncio.timeout(_TAIL_S):
                while await stream.read():
                    pass
        except (TransportError, TimeoutError):
            pass

    async def _close(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            await context.__aexit__(None, None, None)
