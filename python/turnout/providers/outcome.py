"""From what went wrong to the outcome's name, and from the outcome to the exception that a caller sees: two tables.

Promises: every failure of a transport or an SDK has one outcome of the core's table, and every outcome that is no
answer has one exception and one code. Refuses: to read statuses and bodies (the core does), and to quote the text of
an exception, which may hold a header. To break it, add an outcome to the core without a row here.
"""

from __future__ import annotations

from typing import Final

from turnout import _core
from turnout.errors import (
    ConnectionFailed,
    Malformed,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    Rejected,
    SecretError,
    Truncated,
    Unauthorized,
)
from turnout.providers.transport import BodyRefused, MaybeSent, NotSent, TransportTimeout

__all__ = ["ANSWERS", "FAILURES", "MAYBE_BILLED", "OUTCOME_OF", "outcome_of", "provider_error"]

ANSWERS: Final = frozenset({"complete", "incomplete", "refused"})
"""The outcomes in which the model answered, in whatever way."""

MAYBE_BILLED: Final = frozenset(name for name, *_, billed, _ in _core.outcomes() if billed)
"""The outcomes for which a provider may send a bill, by the core's table."""

OUTCOME_OF: Final[dict[str, str]] = {
    # Ours: the class, and its kind or phase where that matters.
    "NotSent": "connect",
    "MaybeSent:reset": "transport",
    "MaybeSent:closed": "transport",
    "MaybeSent:protocol": "bad_upstream",
    "MaybeSent:truncated": "truncated",
    "BodyRefused": "bad_upstream",
    "TransportTimeout:connect": "timeout_connect",
    "TransportTimeout:first_byte": "timeout_first_byte",
    "TransportTimeout:total": "deadline",
    "SecretError": "unauthorized",
    # The SDK's HTTP library, under the SDK's own exceptions.
    "httpx2.ConnectError": "connect",
    "httpx2.ConnectTimeout": "timeout_connect",
    "httpx2.PoolTimeout": "timeout_connect",
    "httpx2.ProxyError": "connect",
    "httpx2.UnsupportedProtocol": "connect",
    "httpx2.LocalProtocolError": "connect",
    "httpx2.ReadTimeout": "timeout_first_byte",
    "httpx2.WriteTimeout": "timeout_first_byte",
    "httpx2.RemoteProtocolError": "transport",
    "httpx2.ReadError": "transport",
    "httpx2.WriteError": "transport",
    "httpx2.CloseError": "transport",
    "httpx2.TooManyRedirects": "bad_upstream",
    "httpx2.DecodingError": "bad_upstream",
    # The SDK's own, where the cause says no more.
    "anthropic.APITimeoutError": "timeout_first_byte",
    "anthropic.APIConnectionError": "transport",
    "anthropic.APIResponseValidationError": "bad_upstream",
    "anthropic.CredentialsError": "unauthorized",
    "anthropic.AnthropicError": "unauthorized",  # raised by itself when there is no way to authenticate
}
"""What each failure is called in the core's table of outcomes."""

FAILURES: Final[dict[str, tuple[type[ProviderError], str, str]]] = {
    "truncated": (Truncated, "provider-truncated", "the answer stopped without its ending"),
    "bad_upstream": (Malformed, "provider-malformed", "the answer is no answer"),
    "rate_limited": (RateLimited, "provider-rate-limited", "too many requests or tokens just now"),
    "exhausted": (RateLimited, "provider-exhausted", "the key's quota, credit or spend cap is used up"),
    "overloaded": (Overloaded, "provider-overloaded", "the provider has no capacity just now"),
    "overflow": (Rejected, "provider-overflow", "the request does not fit the model's context window"),
    "rejected": (Rejected, "provider-rejected", "the provider refuses the request as it is"),
    "unauthorized": (Unauthorized, "provider-unauthorized", "the key is not accepted"),
    "not_found": (Rejected, "provider-not-found", "the model does not exist there"),
    "server_error": (ProviderError, "provider-failed", "the provider failed"),
    "timeout_connect": (ProviderTimeout, "provider-timeout-connect", "no connection in time"),
    "timeout_first_byte": (ProviderTimeout, "provider-timeout-first-byte", "no first content in time"),
    "timeout_content": (ProviderTimeout, "provider-timeout-content", "the stream stalled"),
    "deadline": (ProviderTimeout, "provider-deadline", "the deadline of the whole call passed"),
    "cancelled": (ProviderError, "provider-cancelled", "the call was cancelled"),
    "connect": (ConnectionFailed, "provider-connect", "no connection; nothing was sent"),
    "transport": (ConnectionFailed, "provider-connection-lost", "the connection broke; something may have been sent"),
}
"""The exception, its code and its text for every outcome that is no answer."""


def outcome_of(error: BaseException) -> str | None:
    """Names the outcome of an attempt that ended in an exception.

    Args:
        error: As an upstream raised it.

    Returns:
        A name of the core's table; None if this is no failure of an attempt but a mistake in a program.
    """
    match error:
        case MaybeSent():
            return OUTCOME_OF[f"MaybeSent:{error.kind}"]
        case TransportTimeout():
            return OUTCOME_OF[f"TransportTimeout:{error.phase}"]
        case NotSent() | BodyRefused() | SecretError():
            return OUTCOME_OF[type(error).__name__]
    return _of_sdk(error)


def _of_sdk(error: BaseException) -> str | None:
    """Names what lies deepest: an `APIConnectionError` says little, the `ConnectError` under it says it all."""
    found: str | None = None
    each: BaseException | None = error
    for _ in range(8):
        if each is None:
            break
        for kind in type(each).__mro__:
            # Public names: `anthropic._exceptions.APITimeoutError` is `anthropic.APITimeoutError`.
            name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
            if name in OUTCOME_OF:
                found = OUTCOME_OF[name]
                break
        each = each.__cause__
    return found


def provider_error(
    outcome: str,
    *,
    deployment: str | None = None,
    status: int | None = None,
    detail: str | None = None,
    retry_after_ms: int | None = None,
) -> ProviderError:
    """Makes the exception for a call that ended in this outcome.

    Args:
        outcome: A name of the core's table that is no answer.
        deployment: Which deployment was called last.
        status: The HTTP status, where there was an answer.
        detail: The provider's own message, as the core cleaned it.
        retry_after_ms: How long the provider says to wait.
    """
    kind, code, text = FAILURES.get(outcome, FAILURES["server_error"])
    message = f"`{deployment}`: {text}" if deployment else text
    hint = f"the provider says: {detail}" if detail else None
    if kind is RateLimited:
        return RateLimited(
            code,
            message,
            hint,
            deployment=deployment,
            outcome=outcome,
            status=status,
            retry_after_ms=retry_after_ms,
        )
    return kind(code, message, hint, deployment=deployment, outcome=outcome, status=status)
