"""How a call is answered: whole or streamed, in the client's dialect, with what was decided in a few headers.

Promises: an answer of the client's own dialect goes on byte for byte; a stream that fails after its first bytes ends
with the dialect's error event and no terminal marker; whoever hangs up frees the upstream. Refuses: to put into a
header what the policy does not say. To break it, hang up at each byte, and compare with the provider's own answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from turnout import _core
from turnout.execute import Router
from turnout.execute.call import Call
from turnout.ledger import CallRecord
from turnout.server.http import ClientGone, Headers, Request, Sender

__all__ = ["answer_streamed", "answer_whole", "call_headers", "unless_gone"]

T = TypeVar("T")

_PATIENCE_S: Final = 0.05
"""How long a request runs before anyone looks whether its client is still there: most are answered by then."""


async def unless_gone(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """Does some work, and leaves it when the client closes the connection.

    Args:
        request: The request, whose body was read.
        work: What to do.

    Raises:
        ClientGone: The client closed.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a request runs in a task")
    watch = _Watch(request, task)
    try:
        return await work()
    except asyncio.CancelledError:
        if watch.is_gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watch.stop()


class _Watch:
    """Cancels a task when the client has gone; begins late, as most requests end early."""

    __slots__ = ("_handle", "_request", "_task", "_watching", "is_gone")

    def __init__(self, request: Request, task: asyncio.Task[object]) -> None:
        self._request = request
        self._task = task
        self._watching: asyncio.Task[None] | None = None
        self.is_gone = False
        self._handle = asyncio.get_running_loop().call_later(_PATIENCE_S, self._begin)

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        await self._request.gone()
        self.is_gone = True
        self._task.cancel()

    def stop(self) -> None:
        self._handle.cancel()
        if self._watching is not None:
            self._watching.cancel()


async def answer_whole(router: Router, call: Call, dialect: str, sender: Sender) -> CallRecord:
    """Answers a call with a whole body.

    Args:
        router: The router.
        call: The call.
        dialect: Of the client.
        sender: Where the answer goes.

    Raises:
        TurnoutError: There is no answer; nothing was sent.
    """
    response, answer = await router.finish(call)
    if response.dialect == dialect and response.raw:
        body = response.raw
    else:
        body = _core.render_answer(
            answer, dialect, answer_id=call.id, created_s=int(time.time()), model=response.model
        ).bytes
    cost = None if response.cost is None else f"{response.cost.usd:f}"
    cached = response.usage.cache_read if response.usage else 0
    headers = call_headers(call, response.model, len(response.attempts), cost, cached)
    await sender.whole(200, body, headers)
    return response.record


async def answer_streamed(router: Router, call: Call, dialect: str, sender: Sender) -> CallRecord | None:
    """Answers a call with a stream.

    Args:
        router: The router.
        call: The call.
        dialect: Of the client.
        sender: Where the answer goes.

    Raises:
        TurnoutError: There is no answer; nothing was sent.
    """
    async with router.relay(call, dialect) as relay:
        # What it costs is known at its end: the record has it.
        await sender.begin_stream(call_headers(call, relay.model, relay.attempts, None, None))
        try:
            async for piece in relay:
                await sender.piece(piece)
        except asyncio.CancelledError:
            # Who still listens when the gateway stops is told; who has hung up does not get it.
            await sender.piece(_stopped(dialect))
            raise
        await sender.end_stream()
    return relay.record


def _stopped(dialect: str) -> bytes:
    """The last event of a stream that the gateway itself cuts off."""
    writer = _core.StreamTranslator(dialect, dialect, answer_id="", created_s=0)
    return writer.fail("overloaded", "the gateway is shutting down")


def call_headers(call: Call, model: str | None, attempts: int, cost: str | None, cached: int | None) -> Headers:
    """Returns what every answer to a call says of it.

    Args:
        call: The call.
        model: Who answers, by its name in the policy.
        attempts: How many were made.
        cost: US dollars; None while, or if, that is not known.
        cached: Input tokens that the provider read from its prompt cache; None while that is not known.
    """
    identity = call.id.encode()
    return [
        (b"x-request-id", identity),
        (b"request-id", identity),
        (b"x-turnout-decision-id", identity),
        (b"x-turnout-model", _ascii(model or "")),
        (b"x-turnout-rule", _ascii(call.decision.rule)),
        (b"x-turnout-attempts", str(attempts).encode()),
        (b"x-turnout-cost", b"unknown" if cost is None else cost.encode()),
        (b"x-turnout-cache", b"unknown" if cached is None else f"read={cached}".encode()),
    ]


def _ascii(name: str) -> bytes:
    """A name of the policy as a header may hold it (RELIABILITY S15)."""
    return bytes(c if 0x20 < c < 0x7F else 0x5F for c in name.encode("ascii", "replace"))
