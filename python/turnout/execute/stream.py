"""A streamed call for a program: the events of one answer.

Promises: what `Streamed` does; and a stream that breaks after its first content raises, once all that came was handed
out. Refuses: to be read twice. To break it, count the events of a stream that is cut anywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self

from turnout._core import Attempt, StreamEvent
from turnout.errors import TurnoutError
from turnout.execute.call import Call
from turnout.execute.reading import EventReader, Reader
from turnout.execute.streamed import Streamed

__all__ = ["Stream"]


class Stream(Streamed[list[StreamEvent]]):
    """The events of one answer, as they come; made by `Router.stream`.

    Args:
        begin: Decides and makes the call.
        open_streams: Where the stream stands while it is open, so that whoever owns it can end it.
    """

    def __init__(self, begin: Callable[[], Awaitable[Call]], open_streams: set[Streamed[Any]]) -> None:
        super().__init__(begin, open_streams)
        self._events: deque[StreamEvent] = deque()

    def _reader(self, attempt: Attempt) -> Reader[list[StreamEvent]]:
        return EventReader(attempt.dialect)

    def _first(self, pieces: list[list[StreamEvent]]) -> None:
        # Signs of life before the content have told what they had to tell.
        self._events.extend(event for piece in pieces for event in piece if event.kind != "ping")

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
                self._events.extend(await self._more(leg))
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
