"""A streamed call: unseen failover until the first content, and nothing spliced after it.

Promises: what the caller sees comes from one deployment; a stream that breaks after its first content raises, once all
that came was handed out, and no ending is invented; the upstream is closed and the row is on disk when the stream
ends, is left, or is cancelled. Refuses: to be read twice. To break it, cut, stall, leave and cancel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import NoReturn, Self

from turnout._core import StreamEvent
from turnout.errors import TurnoutError
from turnout.execute.call import Call
from turnout.execute.fallback import error_of, response_of
from turnout.execute.leg import IDLE_CONTENT_S, Leg
from turnout.execute.record import save
from turnout.execute.response import Response
from turnout.ledger import CallRecord

__all__ = ["Stream"]


class Stream:
    """The events of one answer, as they come; made by `Router.stream`.

    Args:
        begin: Decides and makes the call.
        open_streams: Where the stream stands while it is open, so that whoever owns it can end it.
        idle_s: The longest pause between pieces of content.
    """

    def __init__(
        self, begin: Callable[[], Awaitable[Call]], open_streams: set[Stream], idle_s: float = IDLE_CONTENT_S
    ) -> None:
        self._begin = begin
        self._open_streams = open_streams
        self._idle_s = idle_s
        self._call: Call | None = None
        self._leg: Leg | None = None
        self._events: deque[StreamEvent] = deque()
        self._ttft_ms: int | None = None
        self._is_entered = False
        self._is_open = False
        self._record: CallRecord | None = None
        self._response: Response | None = None

    @property
    def model(self) -> str | None:
        """The model that answers, by its name in the policy; None before the stream is entered."""
        return self._leg.attempt.model if self._leg else None

    @property
    def deployment(self) -> str | None:
        """The deployment that answers; None before the stream is entered."""
        return self._leg.attempt.deployment if self._leg else None

    @property
    def record(self) -> CallRecord | None:
        """What the ledger keeps of the call; None before the end."""
        return self._record

    @property
    def response(self) -> Response | None:
        """The whole answer with usage and cost, without raw bytes; None before the end, and if it did not end well."""
        return self._response

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise TurnoutError("stream-not-entered", "a stream can be entered once", "call `stream` again")
        self._is_entered = True
        call = await self._begin()
        self._call = call
        try:
            await self._open(call)
        except BaseException as error:
            # Cancelled, or a mistake in a program: what is open is closed, and the row is not lost.
            await self._leave("transport" if isinstance(error, Exception) else "cancelled")
            raise
        self._is_open = True
        self._open_streams.add(self)
        return self

    async def _open(self, call: Call) -> None:
        while (attempt := await call.next()) is not None:
            self._leg = leg = Leg(call, attempt, self._idle_s)
            self._events.extend(await leg.open())
            if leg.is_committed:
                await call.before_answer()
                self._ttft_ms = call.deadline.elapsed_ms()
                return
            self._events.clear()
        if call.best is None:
            await self._raise(call)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        call, leg = self._call, self._leg
        if call is None or leg is None:
            raise TurnoutError("stream-not-entered", "a stream is read inside `async with`", "enter it first")
        while not self._events:
            if self._record is not None:
                raise StopAsyncIteration
            if leg.ended is not None:
                await self._conclude(call)
            else:
                try:
                    self._events.extend(await leg.more())
                except BaseException as error:
                    await self._leave("transport" if isinstance(error, Exception) else "cancelled")
                    raise
        return self._events.popleft()

    async def batch(self) -> list[StreamEvent]:
        """Returns the next events, all that one read of the network brought; nothing after the end."""
        try:
            events = [await anext(self)]
        except StopAsyncIteration:
            return []
        events.extend(self._events)
        self._events.clear()
        return events

    async def _conclude(self, call: Call) -> None:
        """Writes the row of a stream that is over, and raises if it did not end well."""
        last = call.tried[-1].ended
        # After the commit the last attempt is the answer; without one, the best poor answer is.
        best = call.best if last.is_answer or self._ttft_ms is None else None
        if best is None:
            await self._raise(call)
        self._record = await save(call, best.ended.outcome, self._ttft_ms)
        self._response = response_of(call, best, b"", self._record)

    async def _raise(self, call: Call) -> NoReturn:
        error, outcome = error_of(call)
        error.record = self._record = await save(call, outcome, self._ttft_ms)
        raise error

    async def __aexit__(self, *_: object) -> None:
        await self._leave("cancelled")

    async def aclose(self) -> None:
        """Ends the stream and closes the upstream; may be called twice."""
        await self._leave("cancelled")

    async def _leave(self, outcome: str) -> None:
        call, leg = self._call, self._leg
        self._open_streams.discard(self)
        if call is None or self._record is not None:
            return
        if leg is not None and leg.ended is None:
            await leg.abandon(outcome)
        elif self._is_open:
            # The stream was over, and its end was not asked for.
            outcome = call.tried[-1].ended.outcome
        self._record = await save(call, outcome, self._ttft_ms)
