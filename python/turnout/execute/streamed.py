"""An answer that streams: unseen failover until the first content, and nothing spliced after it.

Promises: what the caller sees comes from one deployment; the upstream is closed and the row is on disk when the stream
ends, is left, or is cancelled; no ending is invented. Refuses: to be entered twice. To break it, cut, stall, leave and
cancel.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, NoReturn, Self

from turnout._core import Attempt
from turnout.errors import TurnoutError
from turnout.execute.call import HEDGE_LOST, Call
from turnout.execute.fallback import error_of, response_of
from turnout.execute.hedge import race
from turnout.execute.leg import Leg
from turnout.execute.reading import Reader, T
from turnout.execute.record import save
from turnout.execute.response import Response
from turnout.ledger import CallRecord

__all__ = ["Streamed"]

_MOST_DRAINS: Final = 64
"""How many streams of one router may be read to their end after their client has gone; beyond it they are closed."""


class Streamed(ABC, Generic[T]):
    """An answer that streams; `T` is what one read of the network becomes.

    Args:
        begin: Decides and makes the call.
        open_streams: Where the stream stands while it is open, so that whoever owns it can end it.
    """

    def __init__(self, begin: Callable[[], Awaitable[Call]], open_streams: set[Streamed[Any]]) -> None:
        self._begin = begin
        self._open_streams = open_streams
        self._drain: asyncio.Task[None] | None = None
        self._call: Call | None = None
        self._leg: Leg[T] | None = None
        self._ttft_ms: int | None = None
        self._is_entered = False
        self._is_open = False
        self._record: CallRecord | None = None
        self._response: Response | None = None

    @abstractmethod
    def _reader(self, attempt: Attempt) -> Reader[T]:
        """Makes what reads the answer of an attempt."""

    @abstractmethod
    def _first(self, pieces: list[T]) -> None:
        """Takes what came until the first content."""

    @property
    def model(self) -> str | None:
        """The model that answers, by its name in the policy; None before the stream is entered."""
        return self._leg.attempt.model if self._leg else None

    @property
    def deployment(self) -> str | None:
        """The deployment that answers; None before the stream is entered."""
        return self._leg.attempt.deployment if self._leg else None

    @property
    def attempts(self) -> int:
        """How many attempts there were until now, with the one that answers."""
        if self._call is None:
            return 0
        is_under_way = self._leg is not None and self._leg.ended is None
        return len(self._call.records) + is_under_way

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
        poor: Leg[T] | None = None
        while (attempt := await call.next()) is not None:
            self._leg = leg = await self._opened(call, attempt)
            if leg.is_committed:
                await call.before_answer(leg.flight)
                self._first(leg.first)
                self._ttft_ms = call.deadline.elapsed_ms()
                return
            if leg.ended is not None and leg.ended.is_answer:
                poor = leg
        if call.best is None:
            await self._raise(call)
        if poor is not None:
            # What failed after it does not answer.
            self._leg = poor
            self._first(poor.first)

    async def _opened(self, call: Call, attempt: Attempt) -> Leg[T]:
        """Opens an attempt, and another one beside it if it is late; gives back the one that goes on."""
        late_ms = call.plan.late_after_ms(attempt.index, call.services.state, streams=True)
        if late_ms is None:
            self._leg = leg = self._leg_of(call, attempt)
            await leg.open()
            return leg
        won, others = await race(call, attempt, late_ms, lambda each: self._open_leg(call, each), _is_committed)
        for leg in others:
            await leg.abandon("cancelled", HEDGE_LOST)
        return won

    def _leg_of(self, call: Call, attempt: Attempt) -> Leg[T]:
        return Leg(call, attempt, self._reader(attempt))

    async def _open_leg(self, call: Call, attempt: Attempt) -> Leg[T]:
        leg = self._leg_of(call, attempt)
        try:
            await leg.open()
        except asyncio.CancelledError as error:
            await leg.abandon("cancelled", HEDGE_LOST if HEDGE_LOST in error.args else None)
            raise
        except Exception:
            await leg.abandon("transport")
            raise
        return leg

    async def _more(self, leg: Leg[T]) -> T:
        """Reads once from the network; however that fails, the stream is left."""
        try:
            return await leg.more()
        except BaseException as error:
            await self._leave("transport" if isinstance(error, Exception) else "cancelled")
            raise

    async def _conclude(self, call: Call) -> None:
        """Writes the row of a stream that is over, and raises if it did not end well."""
        last = call.tried[-1].ended
        # After the commit the last attempt is the answer; without one, the best poor answer is.
        best = call.best if last.is_answer or self._ttft_ms is None else None
        if best is None:
            await self._raise(call)
        self._record = await save(call, best.ended.outcome, self._ttft_ms)
        self._response = response_of(call, best, self._record)

    async def _raise(self, call: Call) -> NoReturn:
        error, outcome = error_of(call)
        error.record = self._record = await save(call, outcome, self._ttft_ms)
        raise error

    async def __aexit__(self, *_: object) -> None:
        await self._leave("cancelled")

    async def aclose(self) -> None:
        """Ends the stream and closes the upstream; may be called twice."""
        await self._leave("cancelled")

    def _may_drain(self, call: Call, leg: Leg[T], outcome: str) -> bool:
        """Whether the upstream is read to its end although nobody listens any more, by the policy's `on_disconnect`."""
        draining = sum(1 for each in self._open_streams if each._drain is not None)  # noqa: SLF001  # of this class
        wants = call.plan.on_disconnect == "drain" and outcome == "cancelled" and leg.is_committed
        return wants and self._drain is None and draining < _MOST_DRAINS

    async def _drain_rest(self, call: Call, leg: Leg[T], outcome: str) -> None:
        try:
            while leg.ended is None:
                await leg.more()
        finally:
            self._record = await self._end_drain(call, leg, outcome)

    async def _end_drain(self, call: Call, leg: Leg[T], outcome: str) -> CallRecord:
        self._open_streams.discard(self)
        await leg.abandon(outcome)
        return await save(call, outcome, self._ttft_ms)

    async def _leave(self, outcome: str) -> None:
        call, leg = self._call, self._leg
        if self._drain is not None:
            # Asked again, by the router that closes: what drains is cut off.
            self._drain.cancel()
            await asyncio.gather(self._drain, return_exceptions=True)
            if call is not None and leg is not None and self._record is None:  # it had not even begun
                self._record = await self._end_drain(call, leg, outcome)
            return
        self._open_streams.discard(self)
        if call is None or self._record is not None:
            return
        if leg is not None and leg.ended is None:
            if self._may_drain(call, leg, outcome):
                self._drain = asyncio.get_running_loop().create_task(self._drain_rest(call, leg, outcome))
                self._open_streams.add(self)
                return
            await leg.abandon(outcome)
        elif self._is_open:
            # The stream was over, and its end was not asked for.
            outcome = call.tried[-1].ended.outcome
        self._record = await save(call, outcome, self._ttft_ms)


def _is_committed(leg: Leg[Any]) -> bool:
    return leg.is_committed
