"""What a client is told when its request is not answered: a status, a code, and whether to come again.

Promises: the body is in the client's own dialect; a client's mistake, its key, its budget and a failure behind us are
told apart by status and code; what would fail again is marked so that SDKs do not try again. Refuses: to show a key, a
host, or a text of another tenant. To break it, give each SDK each error and see which exception comes, and how often.
"""

from __future__ import annotations

import json
from typing import Final

from turnout import _core
from turnout.errors import BudgetError, DecisionError, LedgerError, ProviderError, RequestError, TurnoutError

__all__ = ["Problem", "answer_for"]

_DIALECT_OF_OTHERS: Final = "openai-chat"


class Problem(TurnoutError):
    """A request that the gateway itself refuses.

    Args:
        status: The HTTP status.
        headers: What else the answer says.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(code, message, hint)
        self.status = status
        self.headers = headers


_ANTHROPIC_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_OPENAI_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_OPENAI_CODES: Final = {
    "unknown-model-name": "model_not_found",
    "unknown-key": "invalid_api_key",
    "missing-key": "invalid_api_key",
    "expired-key": "invalid_api_key",
    "budget-exceeded": "insufficient_quota",
    "limit-exceeded": "rate_limit_exceeded",
}
"""Codes that clients of OpenAI know already; the others are ours, with underscores as theirs have."""

Told = tuple[int, bytes, list[tuple[bytes, bytes]]]


def answer_for(error: TurnoutError, dialect: str | None) -> Told:
    """Returns status, body and headers of the answer to a request that failed.

    Args:
        error: Why.
        dialect: Of the client; None where the endpoint has none.
    """
    spoken = dialect or _DIALECT_OF_OTHERS
    headers = list(error.headers) if isinstance(error, Problem) else []
    if isinstance(error, ProviderError):
        status, body = _core.render_error(spoken, error.outcome or "server_error", _sentence(error))
        again_ms = getattr(error, "retry_after_ms", None)
    else:
        status = _status(error)
        again_ms = error.retry_after_ms if isinstance(error, BudgetError) else None
        body = _body(spoken, status, error)
    if again_ms is not None:
        headers.append((b"retry-after", str(max(1, -(-again_ms // 1000))).encode()))
        headers.append((b"retry-after-ms", str(max(1, again_ms)).encode()))
    if _is_final(error, status):
        headers.append((b"x-should-retry", b"false"))
    return status, body, headers


def _status(error: TurnoutError) -> int:
    if isinstance(error, Problem):
        return error.status
    if isinstance(error, DecisionError) and error.code == "unknown-model-name":
        return 404
    if isinstance(error, RequestError | DecisionError):
        return 400
    if isinstance(error, BudgetError):
        return 429
    if isinstance(error, LedgerError) or error.code == "router-closed":
        return 503
    return 500


def _is_final(error: TurnoutError, status: int) -> bool:
    """Whether the same request fails again: SDKs come again after 408, 409, 429 and 5xx unless told."""
    if isinstance(error, BudgetError):
        return error.code != "limit-exceeded" or error.retry_after_ms is None
    if isinstance(error, ProviderError):
        # What was worth another try was tried already, on each target of the plan.
        return error.outcome in {"deadline", "unauthorized", "exhausted", "rejected", "overflow", "not_found"}
    return status == 500


def _sentence(error: TurnoutError) -> str:
    return error.message if error.hint is None else f"{error.message}; {error.hint}"


def _body(dialect: str, status: int, error: TurnoutError) -> bytes:
    message = _sentence(error)
    code = _OPENAI_CODES.get(error.code, error.code.replace("-", "_"))
    if dialect == "anthropic-messages":
        kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        told: dict[str, object] = {
            "type": "error",
            "error": {"type": kind, "message": message, "details": {"code": code}},
        }
    else:
        kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        told = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
