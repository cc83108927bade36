"""From a request to a call that is ready to run: decide, bound, or refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from turnout._core import Decision, Engine, Money
from turnout.errors import DecisionError
from turnout.execute.call import Call, Services, now_ms
from turnout.execute.deadline import Deadline
from turnout.execute.record import save

__all__ = ["Meta", "RequestLike", "begin_call", "decide"]

RequestLike = str | bytes | Mapping[str, object]
Meta = Mapping[str, str | int | float | bool | None]

_LARGE_CHARS: Final = 100_000
"""Above this a decision and the writing of a body take longer than a hop to a thread and back."""


def _is_large(request: object, left: int = _LARGE_CHARS) -> bool:
    return _chars_left(request, left) < 0


def _chars_left(value: object, left: int) -> int:
    """Takes the texts in a request off a number, and stops when none is left of it."""
    if isinstance(value, str | bytes):
        return left - len(value)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for part in parts:
        if left < 0:
            break
        left = _chars_left(part, left)
    return left


async def decide(
    engine: Engine, request: RequestLike, meta: Meta | None, dialect: str | None, *, refused_ok: bool
) -> tuple[Decision, bool]:
    """Decides, in a thread if the request is large.

    Returns:
        The decision, and whether the request is large.
    """

    def work() -> Decision:
        return engine.decide(request, meta, dialect=dialect, refused_ok=refused_ok)

    is_large = _is_large(request)
    return await asyncio.to_thread(work) if is_large else work(), is_large


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
        RequestError: The request cannot be read; this leaves no row.
        DecisionError: `no-eligible-model`; this leaves a row.
    """
    time_ms = now_ms()
    purse = Money(spend) if isinstance(spend, str) else spend
    since = Deadline(float("inf"))
    decision, is_large = await decide(engine, request, meta, dialect, refused_ok=True)
    plan = decision.plan.tightened(deadline_ms=None if deadline is None else int(deadline * 1000), spend=purse)
    call = Call(services, decision, plan, since.until(plan.deadline_ms / 1000), time_ms, is_large)
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
