"""One deadline for a whole call: attempts, waits and fallbacks included.

Promises: `remaining` never grows and is never negative; no wait outlives it.
Refuses: to know what is waited for. To break it, hand in a clock and ask after its end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

__all__ = ["Deadline"]


class Deadline:
    """Measures one call.

    Args:
        seconds: From now on; negative counts as 0.
        clock: Monotonic, in seconds.
        sleep: Waits for seconds.
    """

    __slots__ = ("_clock", "_ends", "_sleep", "_started")

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._started = clock()
        self._ends = self._started + max(0.0, seconds)

    def until(self, seconds: float) -> Deadline:
        """Returns a deadline that began with this one and ends after other seconds."""
        other = Deadline(seconds, self._clock, self._sleep)
        other._started, other._ends = self._started, self._started + max(0.0, seconds)
        return other

    def remaining(self) -> float:
        """Returns the seconds that are left, 0 when it has passed."""
        return max(0.0, self._ends - self._clock())

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return self._clock() >= self._ends

    def elapsed_ms(self) -> int:
        """Returns the milliseconds since the call began."""
        return int((self._clock() - self._started) * 1000)

    async def wait(self, seconds: float) -> None:
        """Waits, but no longer than to the end.

        Args:
            seconds: How long.
        """
        if seconds > 0:
            await self._sleep(min(seconds, self.remaining()))
