"""The loop of a call that brings back a whole answer: retry, fall back, escalate, and in the end return or raise.

Promises: what comes next is the plan's to say; a poor answer that cannot be bettered is returned and marked, never
thrown away; the row is on disk before the caller has the answer, for calls that fail and calls that are cancelled
too. Refuses: to wait for one target while another is healthy. To break it, script faults in the lab and count rows.
"""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

from turnout._core import Money
from turnout.errors import BudgetError, TurnoutError
from turnout.execute.call import Call, Tried, Why
from turnout.execute.hedge import try_hedged
from turnout.execute.record import save
from turnout.execute.response import Response
from turnout.ledger import CallRecord
from turnout.providers.outcome import provider_error

__all__ = ["complete", "error_of", "response_of"]

_STOPPED: Final[dict[Why, str]] = {
    "attempts": "no other attempt was made: the policy's `attempts` are used up",
    "spend": "no other attempt was made: the purse does not cover it",
    "retry_budget": "no other attempt was made: retries are a share of calls, and this share is used up",
    "deadline": "no other attempt was made: it would not fit into the deadline",
    "budget": "no other attempt was made: a budget has no room for it",
}
"""What a caller is told when a bound, and not the plan's end, stopped a call that failed."""


async def complete(call: Call) -> Response:
    """Runs a call to its end.

    Args:
        call: A call with at least one attempt in its plan.

    Returns:
        The answer.

    Raises:
        ProviderError: Every attempt failed.
        RequestError: The request cannot be written for the last target that was left.
        BudgetError: The purse does not cover the first attempt, or a budget or a limit has no room.
        LedgerError: The record cannot be written.
    """
    try:
        while (attempt := await call.next()) is not None:
            await try_hedged(call, attempt)
    except asyncio.CancelledError:
        await save(call, "cancelled")
        raise
    except Exception:
        await save(call, "transport")
        raise
    if (best := call.best) is None:
        await fail(call)
    return response_of(call, best, await save(call, best.ended.outcome))


async def fail(call: Call) -> NoReturn:
    """Writes the record of a call without an answer and raises what it ended with."""
    error, outcome = error_of(call)
    error.record = await save(call, outcome)
    raise error


def error_of(call: Call) -> tuple[TurnoutError, str]:
    """Returns the exception of a call without an answer, and the outcome of the call."""
    if call.unsent is not None:
        return call.unsent, "rejected"
    if call.refused is not None and not call.tried:
        return call.refused, "over_budget"
    if not call.tried:
        if call.why == "spend":
            purse = call.plan.spend
            shown = f" of {_dollars(purse)}" if purse is not None else ""
            return BudgetError(
                "call-spend", f"the purse{shown} does not cover the first attempt", "raise `spend`"
            ), "spend"
        return provider_error("deadline"), "deadline"
    attempt, ended = call.tried[-1].attempt, call.tried[-1].ended
    outcome = "deadline" if call.why == "deadline" and call.deadline.is_over else ended.outcome
    error = provider_error(
        outcome,
        deployment=attempt.deployment,
        status=ended.status,
        detail=ended.detail,
        retry_after_ms=ended.retry_after_ms,
    )
    if (stopped := _STOPPED.get(call.why)) is not None and outcome != call.why:
        error.hint = "; ".join(each for each in (error.hint, f"{stopped} (`{call.why}`)") if each)
    return error, outcome


def _dollars(money: Money) -> str:
    whole, _, part = f"{money.usd:f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


def response_of(call: Call, best: Tried, record: CallRecord) -> Response:
    """Builds what the caller gets."""
    attempt, answer = best.attempt, best.ended.answer
    if answer is None:
        raise TypeError("an attempt without an answer is no response")
    return Response(
        text=answer.text,
        raw=best.ended.raw,
        model=attempt.model,
        deployment=attempt.deployment,
        dialect=attempt.dialect,
        usage=best.usage,
        cost=call.cost,
        finish_reason=answer.finish_reason,
        tool_calls=answer.tool_calls,
        thinking=answer.thinking,
        refusal=answer.refusal,
        accepted=best.unmet is None,
        unmet=best.unmet,
        notes=(*attempt.notes, *call.dropped.get(attempt.index, ())),
        decision=call.decision,
        record=record,
    )
