"""From a request to a call that is ready to run: decide, bound, or refuse."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final

from turnout._core import Decision, Engine, Money
from turnout.errors import DecisionError, TurnoutError
from turnout.execute.call import Call, Services, now_ms
from turnout.execute.deadline import Deadline
from turnout.execute.judge import Meta, RequestLike
from turnout.execute.record import save

__all__ = ["Meta", "RequestLike", "begin_call", "begin_for_client", "decide", "decide_for_client"]

_LARGE_CHARS: Final = 100_000
"""Above this a decision and the writing of a body take longer than a hop to a thread and back."""


_MOST_MS: Final = 1 << 53
"""Longer than any deadline of a policy; it keeps what the core is told within its numbers."""


def _is_large(request: object, left: int = _LARGE_CHARS) -> bool:
    """Counts characters and values until there are too many; a request that holds itself is large, and no trap."""
    waiting = [iter((request,))]
    while waiting and left >= 0:
        value = next(waiting[-1], waiting)
        left -= 1
        if value is waiting:
            waiting.pop()
        elif isinstance(value, str | bytes):
            left -= len(value)
        elif isinstance(value, Mapping):
            waiting.append(iter(value.values()))
        elif isinstance(value, list | tuple):
            waiting.append(iter(value))
    return left < 0


def _deadline_ms(seconds: object) -> int | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TurnoutError(
            "call-bound", f"`deadline` is of the kind `{type(seconds).__name__}`", "give seconds as a number"
        )
    if not seconds > 0:  # also no number at all
        raise TurnoutError("call-bound", f"`deadline` is {seconds}", "give seconds above 0, or None")
    return None if math.isinf(seconds) else max(1, int(min(seconds, _MOST_MS) * 1000))


def _purse(spend: object) -> Money | None:
    if spend is None:
        return None
    if not isinstance(spend, str | Money):
        # A float is no amount of money: 0.1 is not a tenth.
        raise TurnoutError(
            "call-bound", f"`spend` is of the kind `{type(spend).__name__}`", 'give US dollars as text, such as "0.05"'
        )
    return Money(spend) if isinstance(spend, str) else spend


async def decide(
    engine: Engine,
    request: RequestLike,
    meta: Meta | None,
    dialect: str | None,
    *,
    refused_ok: bool,
) -> tuple[Decision, bool]:
    """Decides, in a thread if the request is large; near a window or a threshold it counts exactly.

    Returns:
        The decision, and whether the request is large.
    """

    def work() -> Decision:
        return engine.decide(request, meta, dialect=dialect, refused_ok=refused_ok, resolve_edges=True)

    is_large = _is_large(request)
    return await asyncio.to_thread(work) if is_large else work(), is_large


async def decide_for_client(engine: Engine, body: bytes, meta: Meta | None, dialect: str) -> tuple[Decision, bool]:
    """Decides for the request of a gateway's client, whose `model` says which part of the policy may answer.

    Returns:
        The decision, which may be without a choice, and whether the request is large.

    Raises:
        RequestError: The request cannot be read.
        DecisionError: `unknown-model-name`.
    """
    is_large = len(body) > _LARGE_CHARS
    if is_large:
        return await asyncio.to_thread(engine.decide_for_client, body, meta, dialect=dialect), True
    return engine.decide_for_client(body, meta, dialect=dialect), False


async def begin_call(
    engine: Engine,
    services: Services,
    request: RequestLike,
    meta: Meta | None,
    *,
    deadline: float | None,
    spend: str | Money | None,
    dialect: str | None,
) -> Call:
    """Decides and makes a call of it.

    Args:
        engine: The policy.
        services: What calls share.
        request: A prompt, a body, or its bytes.
        meta: What the policy may ask about the caller.
        deadline: Seconds for the whole call, if fewer than the policy's.
        spend: US dollars for the whole call, if fewer than the policy's.
        dialect: Of the body; found out if None.

    Returns:
        A call whose plan has at least one attempt.

    Raises:
        TurnoutError: `call-bound`, if a bound is no usable value; this leaves no row.
        MoneyError: `spend` is no amount; this leaves no row.
        RequestError: The request cannot be read; this leaves no row.
        DecisionError: `no-eligible-model`; this leaves a row.
    """
    time_ms = now_ms()
    deadline_ms, purse = _deadline_ms(deadline), _purse(spend)
    since = Deadline(float("inf"))
    decision, is_large = await decide(engine, request, meta, dialect, refused_ok=True)
    plan = decision.plan.tightened(deadline_ms=deadline_ms, spend=purse)
    until = since.until(plan.deadline_ms / 1000)
    call = Call(services, decision, plan, until, time_ms, is_large, (request, meta or {}))
    if not plan.attempts:
        raise await _refusal(call)
    return call


async def begin_for_client(
    engine: Engine,
    services: Services,
    body: bytes,
    meta: Meta | None,
    dialect: str,
    vet: Callable[[str], None] | None,
) -> Call:
    """Decides for the request of a gateway's client and makes a call of it.

    Args:
        engine: The policy.
        services: What calls share.
        body: The request.
        meta: What is known of the caller.
        dialect: Of the body.
        vet: Called with the name that is asked for before anything is kept of the call; may raise.

    Returns:
        A call whose plan has at least one attempt.

    Raises:
        RequestError: The request cannot be read; this leaves no row.
        DecisionError: `unknown-model-name`, which leaves no row; or `no-eligible-model`, which does.
    """
    time_ms, since = now_ms(), Deadline(float("inf"))
    decision, is_large = await decide_for_client(engine, body, meta, dialect)
    if vet is not None:
        vet(decision.requested)
    plan = decision.plan
    until = since.until(plan.deadline_ms / 1000)
    call = Call(services, decision, plan, until, time_ms, is_large, (body, meta or {}))
    if not plan.attempts:
        raise await _refusal(call)
    return call


async def _refusal(call: Call) -> DecisionError:
    decision = call.decision
    reasons = [(each.deployment, f"{each.reason} ({each.code})") for each in decision.candidates if each.code]
    only_keys = bool(reasons) and all(each.code == "no-key" for each in decision.candidates)
    error = DecisionError(
        "no-eligible-model",
        f"no candidate of rule `{decision.rule}` is eligible",
        "set one of these variables" if only_keys else None,
        reasons,
    )
    error.record = await save(call, "no_eligible_model")
    return error
