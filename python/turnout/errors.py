"""Every exception that Turnout raises, in one leaf that imports nothing of ours.

    TurnoutError                 code, message, hint
    ├── PolicyError              a policy that does not load; carries every finding
    ├── RequestError             a request that cannot be read
    ├── DecisionError            no model may answer; carries each candidate's reason
    ├── BudgetError              the call's money is used up
    ├── ProviderError            the call failed at the provider
    │   ├── ConnectionFailed     no connection, or one that broke
    │   ├── ProviderTimeout      a deadline passed
    │   ├── RateLimited          429, with how long to wait where the provider said it
    │   ├── Overloaded           503, 529: no capacity, whatever the key
    │   ├── Rejected             the provider refuses this request as it is
    │   ├── Malformed            an answer that is no answer (HTML, empty, broken JSON)
    │   ├── Truncated            an answer that stopped without its ending
    │   └── Unauthorized         401, 403: the key is not accepted
    ├── TransportError           bytes did not travel (`turnout.providers.transport` has the kinds)
    ├── SecretError              a key that is missing or cannot be used
    ├── LedgerError              the ledger cannot be opened, written or read
    ├── KeyStoreError            the file of a gateway's keys, or a key in it, cannot be used
    ├── CatalogError             a catalogue that does not load, or an unknown model
    ├── QualityError             outcomes that cannot be fitted, or an artefact that cannot be read
    ├── MoneyError               an amount that is no amount, or a price that is unknown
    └── LabError                 the simulated providers cannot start as asked

An error has a stable `code` (alerts and tests key on it), a `message` and, where something can be done, a `hint`.
Messages are lower-case without a full stop; what the user wrote stands in backticks. The core raises these classes
too, with its own codes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CODES",
    "BudgetError",
    "CatalogError",
    "ConnectionFailed",
    "DecisionError",
    "Finding",
    "KeyStoreError",
    "LabError",
    "LedgerError",
    "Malformed",
    "MoneyError",
    "Overloaded",
    "PolicyError",
    "ProviderError",
    "ProviderTimeout",
    "QualityError",
    "RateLimited",
    "Rejected",
    "RequestError",
    "SecretError",
    "TransportError",
    "Truncated",
    "TurnoutError",
    "Unauthorized",
]

CODES: dict[str, str] = {
    "bad-price": "a price that a call states is none: not finite, no number, or under no known key",
    "budget-exceeded": "a budget has no room for what the call may cost at most",
    "call-bound": "a bound of a call, such as its deadline, is no usable value",
    "call-spend": "the purse of the call does not cover its first attempt",
    "catalog-too-large": "a catalogue is larger than any catalogue is",
    "catalog-unreadable": "a catalogue's file or address cannot be read",
    "counters-unreachable": "the server that counts budgets does not answer",
    "extra-missing": "a library of an optional extra is not installed",
    "keys-ended": "the key has ended, and no new end was given",
    "keys-foreign": "the file is no file of keys",
    "keys-io": "the file of keys cannot be opened, read or written",
    "keys-missing": "there is no file of keys",
    "keys-name": "a key's name is taken, or cannot be one",
    "keys-newer": "the file of keys was written by a newer Turnout",
    "keys-revoked": "the key was revoked before",
    "keys-scope": "a scope was named that does not exist",
    "keys-time": "a time was given that is none",
    "keys-unknown": "there is no key of that name",
    "lab-fault": "a fault of the lab is written in a way that is not understood, or is unknown",
    "lab-setting": "a setting of the lab is out of range",
    "lab-start": "the lab cannot listen on the address it was given",
    "ledger-busy": "another process held the ledger's lock for longer than the ledger waits",
    "ledger-closed": "the ledger was used after it was closed",
    "ledger-corrupt": "the ledger is damaged, or is no SQLite file",
    "ledger-duplicate": "a record with this call id is already in the ledger",
    "ledger-foreign": "the file, or the schema of the database, is some other program's",
    "ledger-forked": "the ledger was in use when this process was forked from its parent",
    "ledger-full": "the disk has no room for another record",
    "ledger-io": "the ledger file could not be opened, read or written",
    "ledger-newer": "the ledger was written by a newer Turnout",
    "ledger-path": "the ledger's path or address names no ledger, or nothing that lasts",
    "ledger-read-only": "the ledger's folder, file or database cannot be written",
    "ledger-record": "a record holds a value that the ledger cannot keep",
    "ledger-shared": "another router counts budgets in the same ledger",
    "ledger-unreachable": "the server of the ledger's database does not answer, or lets nobody in",
    "limit-exceeded": "a limit has no room for the call now",
    "no-eligible-model": "no candidate of the rule that matched may answer the request",
    "override-refused": "an override file has findings that keep it from loading; each has a code of its own",
    "override-unreadable": "an override file does not exist or cannot be read",
    "policy-refused": "a policy has findings that keep it from loading; each has a code of its own",
    "policy-unreadable": "a policy file does not exist or cannot be read",
    "provider-cancelled": "the call was cancelled while a provider was at work",
    "provider-connect": "no connection to the provider; nothing was sent",
    "provider-connection-lost": "the connection to the provider broke; something may have been sent",
    "provider-deadline": "the deadline of the whole call passed",
    "provider-exhausted": "the quota, credit or spend cap of the key is used up",
    "provider-failed": "the provider failed, with a status such as 500",
    "provider-malformed": "the provider answered with something that is no answer",
    "provider-not-found": "the provider does not know the model",
    "provider-overflow": "the request does not fit the model's context window",
    "provider-overloaded": "the provider has no capacity at the moment",
    "provider-rate-limited": "the provider counts too many requests or tokens just now",
    "provider-rejected": "the provider refuses the request as it is",
    "provider-timeout-connect": "no connection to the provider within its deadline",
    "provider-timeout-content": "the stream stopped bringing content, and did not end",
    "provider-timeout-first-byte": "the provider brought no content within its deadline",
    "provider-truncated": "the answer stopped without its ending",
    "provider-unauthorized": "the provider does not accept the key, or there is none",
    "quality-outcomes": "a file of outcomes cannot be read, or a row of it is none",
    "quality-unreadable": "a file of a quality artefact cannot be read or written",
    "refresh-suspicious": "a refresh loses too many models, or moves a price too far, to be taken without `--accept`",
    "refreshed-broken": "the file of an accepted refresh is not what was written, or cannot be read",
    "refreshed-missing": "a refreshed catalogue was asked for, and none was accepted yet",
    "refreshed-unwritable": "the file of an accepted refresh cannot be written",
    "router-address": "an address was given that cannot be one, or for a provider that the policy does not have",
    "router-check": "the policy's `accept` asks for a check of the host program that was not given to the router",
    "router-client": "a client was given that cannot carry calls, or for a provider that takes none",
    "router-closed": "the router was used after it was closed",
    "router-reload": "a router has no policy file to load anew, or is to look at it at no usable interval",
    "router-transport": "a transport was named that does not exist",
    "secret-missing": "the environment variable that should hold a key is not set, or is empty",
    "secret-reference": "a reference to a key is written in a way that is not understood",
    "secret-value": "a key holds a character that no HTTP header may carry, or nothing at all",
    "serve-open": "a gateway without keys was to listen on an address that other machines reach",
    "serve-start": "the gateway cannot listen, or cannot open what it needs",
    "stream-not-entered": "a stream was read outside of its `with` block, or entered twice",
    "sync-closed": "the synchronous router was used after it was closed, or on its own thread",
    "transport-body": "the answer's body is larger than the transport lets in, or cannot be decoded",
    "transport-maybe-sent": "the connection broke after the request, or a part of it, had left",
    "transport-not-sent": "the request never left: no address, no connection, no TLS, or no valid HTTP",
    "transport-timeout": "a deadline of the transport passed",
    "unknown-model-name": "a client of the gateway asked for a model that its policy does not take",
}
"""What each code raised by this package's Python means; the core documents its own."""


class TurnoutError(Exception):
    """The root of every error that Turnout raises.

    Args:
        code: Stable and hyphenated; alerts and tests key on it.
        message: One lower-case sentence without a full stop.
        hint: What the reader can do about it.
    """

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.record: object | None = None
        """What the ledger keeps of the call that failed, a `turnout.ledger.CallRecord`; None outside of a call."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f"\n  hint: {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[object, ...]:
        # `Exception.__reduce__` calls the class with `args` alone, which loses the code and breaks on keyword-only
        # fields: an error must cross a process pool whole.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


def _rebuild(kind: type[TurnoutError], args: tuple[object, ...], state: dict[str, object]) -> TurnoutError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or doubtful, at one place of a policy or an override file.

    Args:
        file: The file as the user named it.
        line: Counted from 1.
        column: Counted from 1, in characters.
        code: Stable and hyphenated.
        message: One lower-case sentence without a full stop.
        hint: What the reader can do about it.
        source_line: The offending line as written, without its line end.
        severity: An error stops the file from loading, a warning does not.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str | None = None
    source_line: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        mark = " [warning]" if self.severity == "warning" else ""
        lines = [f"{self.file}:{self.line}:{self.column}: {self.code}: {self.message}{mark}"]
        if self.source_line is not None:
            lines.extend(_with_caret(self.source_line, self.line, self.column))
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


_WINDOW_CHARS = 120
"""A line longer than this is shown around the column only: a policy on one line must not flood a terminal."""


def _with_caret(source: str, line: int, column: int) -> list[str]:
    at = max(0, min(column - 1, len(source)))
    start, end, left, right = 0, len(source), "", ""
    if len(source) > _WINDOW_CHARS:
        start = max(0, min(at - _WINDOW_CHARS // 2, len(source) - _WINDOW_CHARS))
        end = start + _WINDOW_CHARS
        left, right = ("..." if start else ""), ("..." if end < len(source) else "")
    shown = left + "".join(_printable(c) for c in source[start:end]) + right
    pad = " " * len(left) + "".join("\t" if c == "\t" else " " * _cells(c) for c in source[start:at])
    number = f"{line:>5} | "
    return [number + shown.rstrip(), " " * (len(number) - 2) + "| " + pad + "^"]


def _printable(char: str) -> str:
    # A policy may come from anywhere: no control or direction mark of it may reach the terminal.
    return (
        char
        if char == "\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else "\N{REPLACEMENT CHARACTER}"
    )


def _cells(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


class PolicyError(TurnoutError):
    """A policy that does not load; every finding at once, printed with its line and a caret.

    Args:
        findings: All findings, warnings included, in the order of the file.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, findings: Iterable[Finding] = ()) -> None:
        super().__init__(code, message, hint)
        self.findings: tuple[Finding, ...] = tuple(findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings) if self.findings else super().__str__()


class RequestError(TurnoutError):
    """A request that cannot be read.

    Args:
        offset: Where in the request's bytes, where that is known.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, offset: int | None = None) -> None:
        super().__init__(code, message, hint)
        self.offset = offset


class DecisionError(TurnoutError):
    """No decision is possible, such as `no-eligible-model`.

    Args:
        reasons: For each candidate, the one reason that ruled it out.
    """

    def __init__(
        self, code: str, message: str, hint: str | None = None, reasons: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(code, message, hint)
        self.reasons: tuple[tuple[str, str], ...] = tuple((candidate, reason) for candidate, reason in reasons)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {candidate}: {reason}" for candidate, reason in self.reasons)])


class BudgetError(TurnoutError):
    """The money that this call, or one of its budgets, may spend is used up, or a limit is reached.

    Args:
        retry_after_ms: When there is room again if nothing else happens; None if never, or not known.
        scope: Which budget or limit, and whose: `budget/team/month/UTC/search`.
    """

    retry_after_ms: int | None = None
    scope: str | None = None


class ProviderError(TurnoutError):
    """A call that failed at the provider.

    Args:
        deployment: Which deployment was called.
        outcome: The outcome's kind, such as `rate_limited`.
        status: The HTTP status, where there was an answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        deployment: str | None = None,
        outcome: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code, message, hint)
        self.deployment = deployment
        self.outcome = outcome
        self.status = status


class ConnectionFailed(ProviderError):
    """No connection to the provider, or one that broke."""


class ProviderTimeout(ProviderError):
    """The provider did not answer within a deadline."""


class RateLimited(ProviderError):
    """The provider counts too many requests or tokens for this key.

    Args:
        retry_after_ms: How long the provider says to wait, where it says so.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        deployment: str | None = None,
        outcome: str | None = None,
        status: int | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(code, message, hint, deployment=deployment, outcome=outcome, status=status)
        self.retry_after_ms = retry_after_ms


class Overloaded(ProviderError):
    """The provider has no capacity at the moment, whatever the key."""


class Rejected(ProviderError):
    """The provider refuses this request as it is; sending it again does not help."""


class Malformed(ProviderError):
    """The provider answered with something that is no answer."""


class Truncated(ProviderError):
    """The answer stopped without its ending."""


class Unauthorized(ProviderError):
    """The provider does not accept the key."""


class TransportError(TurnoutError):
    """Bytes did not travel as they should; names the host, never a header or the path.

    Args:
        host: The host and port that was called.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, *, host: str) -> None:
        super().__init__(code, message, hint)
        self.host = host


class SecretError(TurnoutError):
    """A key that is missing or cannot be used; never shows the key."""


class LedgerError(TurnoutError):
    """The ledger cannot be opened, written or read."""


class KeyStoreError(TurnoutError):
    """The file of a gateway's keys, or a key in it, cannot be used."""


class CatalogError(TurnoutError):
    """A catalogue that does not load, or a model that it does not know.

    Args:
        findings: All findings of an override file, in the order of the file; empty for any other error.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, findings: Iterable[Finding] = ()) -> None:
        super().__init__(code, message, hint)
        self.findings: tuple[Finding, ...] = tuple(findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings) if self.findings else super().__str__()


class QualityError(TurnoutError):
    """Outcomes that cannot be fitted, an artefact that cannot be read, or a model that it does not know."""


class MoneyError(TurnoutError):
    """An amount that is no amount, or a price that is unknown."""


class LabError(TurnoutError):
    """The simulated providers cannot start as asked."""
