"""A streamed call for the gateway: the bytes of one answer in the client's own dialect.

Promises: what `Streamed` does; the last bytes say how the stream ended, and leave us only when the call's row is on
disk. Refuses: to raise for a stream that failed after its first bytes, whose last event has told it. To break it, read
a relay to its terminal event and look for the row.
"""

from __future__ import annotations

import time
from typing import Any, Self

from turnout._core import Attempt
from turnout.errors import LedgerError, ProviderError, TurnoutError
from turnout.execute.call import Call
from turnout.execute.reading import Reader, TranslatingReader
from turnout.execute.streamed import Streamed

__all__ = ["Relay"]


class Relay(Streamed[bytes]):
    """The bytes of one answer, as they come; made by `Router.relay`.

    Args:
        call: The call.
        dialect: What the client speaks.
        open_streams: Where the relay stands while it is open, so that whoever owns it can end it.
    """

    def __init__(self, call: Call, dialect: str, open_streams: set[Streamed[Any]]) -> None:
        async def begin() -> Call:
            return call

        super().__init__(begin, open_streams)
        self._dialect = dialect
        self._answer_id = call.id
        self._include_usage = call.decision.asks_usage
        self._held = b""

    def _reader(self, attempt: Attempt) -> Reader[bytes]:
        return TranslatingReader(
            attempt.dialect,
            self._dialect,
            answer_id=self._answer_id,
            created_s=int(time.time()),
            model=attempt.model,
            include_usage=self._include_usage,
        )

    def _first(self, pieces: list[bytes]) -> None:
        self._held = b"".join(pieces)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        call, leg = self._call, self._leg
        if call is None or leg is None:
            raise TurnoutError("stream-not-entered", "a relay is read inside `async with`", "enter it first")
        piece, self._held = self._held, b""
        while not piece and self._record is None and not leg.is_at_end:
            piece = await self._more(leg)
        if self._record is None and leg.is_at_end:
            while leg.ended is None:
                piece += await self._more(leg)
            try:
                await self._conclude(call)
            except (ProviderError, LedgerError):
                # The last event says so; what the row cannot hold was said in the log.
                if self._record is None:
                    raise
        if not piece:
            raise StopAsyncIteration
        return piece
