"""One attempt that brings back a whole answer."""

from __future__ import annotations

import asyncio

from turnout import _core
from turnout._core import Attempt
from turnout.errors import RequestError, SecretError, TurnoutError
from turnout.execute.call import HEDGE_LOST, Call, Ended, now_ms
from turnout.providers.headers import key_for
from turnout.providers.outcome import outcome_of
from turnout.providers.secret import Secret
from turnout.providers.upstream import UpstreamAnswer

__all__ = ["ended_by", "ended_with_status", "key_of", "try_once", "written"]


async def try_once(call: Call, attempt: Attempt) -> bool:
    """Makes one attempt and notes how it ended.

    Args:
        call: The call.
        attempt: Which attempt of its plan.

    Returns:
        Whether it brought an answer.
    """
    try:
        body = await written(call, attempt, stream=False)
    except RequestError as error:
        call.skip(attempt, error)
        return False
    if (flight := await call.reserve(attempt)) is None:
        return False
    share_s = call.share_s()
    is_share = share_s < call.deadline.remaining()
    call.begin(flight)
    try:
        ended = await _send(call, attempt, body, share_s)
    except asyncio.CancelledError as error:
        call.end(flight, Ended("cancelled", message_code=HEDGE_LOST if HEDGE_LOST in error.args else None))
        raise
    except Exception as error:
        known = ended_by(error)
        if is_share and known is not None and known.outcome == "deadline":
            # Its share of the time has passed, not the call's deadline: another target has time left.
            known = Ended("timeout_first_byte", message_code="stalled")
        # Else a mistake in a program, ours or a middleware's: the call is over, the row is not lost.
        ended = known or Ended("transport", message_code="unexpected")
        if known is None:
            call.end(flight, ended)
            raise
    try:
        unmet = await call.judged(attempt, ended)
    except asyncio.CancelledError:
        call.end(flight, ended)
        raise
    call.end(flight, ended, unmet)
    return ended.is_answer


async def _send(call: Call, attempt: Attempt, body: bytes, share_s: float) -> Ended:
    key = key_of(call, attempt)
    answer = await call.services.upstream_for(attempt).send(attempt, body, key, share_s)
    call.heard(attempt, answer.headers)
    if answer.status != 200:
        return ended_with_status(attempt, answer)
    parsed = _core.parse_answer(attempt.dialect, answer.body)
    failure = parsed.failure
    return Ended(
        parsed.outcome,
        answer.status,
        parsed,
        parsed.usage,
        failure.code if failure else None,
        failure.message if failure else None,
        failure.retry_after_ms if failure else None,
        should_retry=failure.should_retry if failure else None,
        raw=answer.body,
    )


async def written(call: Call, attempt: Attempt, *, stream: bool) -> bytes:
    """Writes the body of an attempt.

    Raises:
        RequestError: This target cannot carry the request; nothing has begun.
    """
    body = await asyncio.to_thread(attempt.body, stream=stream) if call.is_large else attempt.body(stream=stream)
    call.dropped[attempt.index] = body.dropped
    return body.bytes


def key_of(call: Call, attempt: Attempt) -> Secret | None:
    """Reads the key of an attempt, if its upstream needs one; after the body, as it lives no longer than it must."""
    return key_for(attempt, call.services.environ) if call.services.upstream_for(attempt).needs_key else None


def ended_with_status(attempt: Attempt, answer: UpstreamAnswer) -> Ended:
    """Reads an answer whose status is not 200."""
    failure = _core.classify_response(attempt.dialect, answer.status, answer.headers, answer.body, now_ms())
    return Ended(
        failure.outcome,
        answer.status,
        message_code=failure.code,
        detail=failure.message,
        retry_after_ms=failure.retry_after_ms,
        should_retry=failure.should_retry,
    )


def ended_by(error: BaseException) -> Ended | None:
    """Reads an exception of an upstream; None if it is no failure of an attempt.

    Our own texts hold no header and no body, and may be shown; those of a library are not taken over.
    """
    outcome = outcome_of(error)
    if outcome is None:
        return None
    code = error.code if isinstance(error, TurnoutError) else type(error).__name__
    detail = error.message if isinstance(error, SecretError) else None
    return Ended(outcome, message_code=code, detail=detail)
