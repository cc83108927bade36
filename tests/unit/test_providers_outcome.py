"""Failures have outcomes, outcomes have exceptions, and no text of a library gets through."""

import anthropic
import httpx2
import pytest

from turnout import _core, errors
from turnout.errors import RateLimited, SecretError
from turnout.providers.outcome import ANSWERS, FAILURES, OUTCOME_OF, outcome_of, provider_error
from turnout.providers.transport import BodyRefused, MaybeSent, NotSent, TransportTimeout

KNOWN = {row[0] for row in _core.outcomes()}
REQUEST = httpx2.Request("POST", "http://h/v1/messages", headers={"x-api-key": "CANARY"})


def test_every_outcome_of_the_core_is_an_answer_or_has_an_exception() -> None:
    assert len(KNOWN) > 15
    assert ANSWERS | set(FAILURES) == KNOWN
    assert not ANSWERS & set(FAILURES)
    assert set(OUTCOME_OF.values()) <= KNOWN - ANSWERS
    for outcome, (kind, code, _) in FAILURES.items():
        assert code in errors.CODES
        error = provider_error(outcome, deployment="d", status=500, detail="said", retry_after_ms=7)
        assert type(error) is kind
        assert (error.code, error.outcome, error.deployment, error.status) == (code, outcome, "d", 500)
        assert (getattr(error, "retry_after_ms", None) == 7) == (kind is RateLimited)
    assert len({code for _, code, _ in FAILURES.values()}) == len(FAILURES)


def timeout(phase: object) -> TransportTimeout:
    return TransportTimeout("late", host="h", phase=phase, may_have_been_sent=True)  # type: ignore[arg-type]


def sdk(kind: type[anthropic.APIConnectionError], cause: BaseException | None) -> BaseException:
    error = kind(request=REQUEST)
    error.__cause__ = cause
    return error


CASES = [
    *(
        (NotSent("no", host="h", kind=kind), "connect")
        for kind in ("dns", "refused", "connect", "tls", "egress", "request")
    ),
    *((MaybeSent("no", host="h", kind=kind), "transport") for kind in ("reset", "closed")),
    (MaybeSent("no", host="h", kind="protocol"), "bad_upstream"),
    (MaybeSent("no", host="h", kind="truncated"), "truncated"),
    *((BodyRefused("no", host="h", kind=kind), "bad_upstream") for kind in ("too_large", "bomb", "encoding")),
    (timeout("connect"), "timeout_connect"),
    (timeout("first_byte"), "timeout_first_byte"),
    (timeout("total"), "deadline"),
    (SecretError("secret-missing", "no"), "unauthorized"),
    (sdk(anthropic.APIConnectionError, httpx2.ConnectError("x")), "connect"),
    (sdk(anthropic.APIConnectionError, httpx2.ReadError("x")), "transport"),
    (sdk(anthropic.APIConnectionError, httpx2.RemoteProtocolError("x")), "transport"),
    (sdk(anthropic.APIConnectionError, None), "transport"),
    (sdk(anthropic.APITimeoutError, httpx2.ConnectTimeout("x")), "timeout_connect"),
    (sdk(anthropic.APITimeoutError, httpx2.PoolTimeout("x")), "timeout_connect"),
    (sdk(anthropic.APITimeoutError, httpx2.ReadTimeout("x")), "timeout_first_byte"),
    (sdk(anthropic.APITimeoutError, None), "timeout_first_byte"),
    (ValueError("x"), None),
    (KeyError("x"), None),
]


@pytest.mark.parametrize(("error", "outcome"), CASES)
def test_what_each_failure_is_called(error: BaseException, outcome: str | None) -> None:
    assert outcome_of(error) == outcome


def test_every_name_of_a_library_exists() -> None:
    for name in OUTCOME_OF:
        library, _, kind = name.partition(".")
        if library in ("anthropic", "httpx2") and kind:
            # `CredentialsError` is no top-level name of the SDK.
            assert hasattr({"anthropic": anthropic, "httpx2": httpx2}[library], kind) or kind == "CredentialsError"


def test_the_chain_of_causes_may_be_a_circle() -> None:
    error = ValueError()
    error.__cause__ = error
    assert outcome_of(error) is None
