"""Reservations that several gateways share: asked of a server before an attempt, settled behind it.

Promises: an attempt that counts in an enforced budget is not made while the server does not answer; one that counts in
limits alone is made, uncounted; what could not be settled is settled once the server is back, or by the end of its
lease; what a server that began anew had forgotten is in this gateway's ledger. Refuses: to keep a call waiting for its
settlement. To break it, stop the server between a reservation and its end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from typing import Final

from turnout._core import Attempt, Policy, Reservations
from turnout.errors import LedgerError
from turnout.ledger.redis_counters import Answer, RedisCounters, Spent

__all__ = ["Shared", "Used"]

_log = logging.getLogger("turnout.execute")

Used = tuple[int, int, int]
"""Nano-USD, input tokens, output tokens."""

_MOST_UNSETTLED: Final = 10_000
"""Beyond it the lease of a reservation ends it, at what it held."""


class Shared:
    """The shared counters as one router uses them.

    Args:
        counters: On their server.
        reservations: The router's own book, which shows conditions what was spent.
    """

    def __init__(self, counters: RedisCounters, reservations: Reservations) -> None:
        self._counters = counters
        self._reservations = reservations
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsettled: dict[str, Used | None] = {}
        self._seen: dict[tuple[str, int], int] = {}

    def recall(self, policy: Policy, rows: Iterable[tuple[str, int, int]]) -> None:
        """Says what this gateway's ledger knows, for a server that began anew.

        Args:
            policy: Whose budgets count.
            rows: Scope, milliseconds since 1970, nano-USD.
        """
        found = ((policy.claim(scope), at_ms, nanos) for scope, at_ms, nanos in rows)
        self._counters.recall(Spent(claim, at_ms, nanos) for claim, at_ms, nanos in found if claim is not None)

    async def reserve(self, policy: Policy, name: str, attempt: Attempt, lease_ms: int) -> Answer:
        """Reserves what an attempt may take at most.

        Raises:
            LedgerError: `counters-unreachable`, if it counts in an enforced budget.
        """
        claims = attempt.claims
        try:
            answer = await self._counters.reserve(name, claims, attempt.reserved, lease_ms)
        except LedgerError as error:
            if any(claim.is_enforced and claim.measure == "window" for claim in claims):
                self.release(name)  # it may have been made, and its answer lost
                raise
            _log.warning("attempt %s is not counted: %s", name, error.message)
            return Answer()
        except BaseException:
            self.release(name)
            raise
        self._show(policy, answer)
        self._catch_up()
        return answer

    def settle(self, name: str, used: Used) -> None:
        """Ends a reservation at what was used, behind the call."""
        self._later(name, used)

    def release(self, name: str) -> None:
        """Ends a reservation of which nothing was sent, behind the call."""
        self._later(name, None)

    def sweep(self) -> None:
        """Ends reservations of any gateway whose lease is over, behind the call."""
        self._start(self._sweep())

    async def aclose(self) -> None:
        """Waits for what is being settled, and closes the connections; may be called twice."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._unsettled:
            _log.error("%d reservations wait for the end of their lease", len(self._unsettled))
        await self._counters.aclose()

    def _show(self, policy: Policy, answer: Answer) -> None:
        """Lets the router's own book, which conditions read, know what all gateways spent."""
        now_ms = time.time_ns() // 1_000_000
        for scope, nanos in answer.spent:
            claim = policy.claim(scope)
            window = None if claim is None or claim.reach else claim.window(now_ms)
            if window is not None and nanos > (known := self._seen.get((scope, window[0]), 0)):
                self._reservations.charge(policy, scope, nanos - known, now_ms)
                self._seen[scope, window[0]] = nanos

    def _later(self, name: str, used: Used | None) -> None:
        self._start(self._close(name, used))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, name: str, used: Used | None) -> None:
        try:
            await (self._counters.release(name) if used is None else self._counters.settle(name, *used))
        except LedgerError:
            if len(self._unsettled) < _MOST_UNSETTLED:
                self._unsettled[name] = used

    async def _sweep(self) -> None:
        try:
            for name in await self._counters.sweep():
                _log.error("attempt %s never ended: settled at what it held", name)
        except LedgerError:
            return
        self._catch_up()

    def _catch_up(self) -> None:
        waiting, self._unsettled = self._unsettled, {}
        for name, used in waiting.items():
            self._later(name, used)
