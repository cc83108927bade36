"""A second attempt beside one that is late, before any content: the first to answer wins, the other one is cancelled.

Promises: no more hedges than the policy's share of the calls, each affordable beside the attempt it helps; a loser is
cancelled, counted and paid for as any other attempt; when one of the two fails, the other one goes on. Refuses: to
hedge once content has come. To break it, make one deployment late and count what the lab saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from turnout._core import Attempt
from turnout.execute.attempt import try_once
from turnout.execute.call import HEDGE_LOST, Call

__all__ = ["race", "try_hedged"]

T = TypeVar("T")


async def try_hedged(call: Call, attempt: Attempt) -> None:
    """Makes one attempt, with another one beside it if it is late.

    Args:
        call: The call.
        attempt: Which attempt of its plan.
    """
    late_ms = call.plan.late_after_ms(attempt.index, call.services.state, streams=False)
    if late_ms is None:
        await try_once(call, attempt)
        return
    await race(call, attempt, late_ms, lambda each: try_once(call, each), bool)


async def race(
    call: Call,
    attempt: Attempt,
    late_ms: int,
    run: Callable[[Attempt], Awaitable[T]],
    is_won: Callable[[T], bool],
) -> tuple[T, tuple[T, ...]]:
    """Runs an attempt, and once it is late another one beside it, until one of them has won or both are over.

    Args:
        call: The call.
        attempt: The first one.
        late_ms: When it is late.
        run: Makes one attempt; when it is cancelled, it notes its own end.
        is_won: Whether its result ends the race.

    Returns:
        The winner's result, else that of the one that ended last; and the other one's, if it ended too.
    """
    tasks = [asyncio.ensure_future(run(attempt))]
    results: list[T] = []
    reason: str | None = None
    try:
        done, _ = await asyncio.wait(tasks, timeout=late_ms / 1000)
        beside = None if done else call.hedge(attempt)
        if beside is not None:
            tasks.append(asyncio.ensure_future(run(beside)))
        running = set(tasks)
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            results += [task.result() for task in tasks if task in done]
            won = next((at for at, result in enumerate(results) if is_won(result)), None)
            if won is not None:
                reason = HEDGE_LOST
                return results.pop(won), tuple(results)
        return results.pop(), tuple(results)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel(reason)
        await asyncio.gather(*left, return_exceptions=True)
