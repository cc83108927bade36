"""What the ledger keeps of one call: facts, counts and money, never the prompt or the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter

from turnout.errors import LedgerError

__all__ = ["AttemptRecord", "CallRecord", "OpenAttempt", "SummaryRow", "TokenCounts"]

_I64_MAX = 2**63 - 1


_Counted = tuple[Callable[[object], tuple[object, ...]], tuple[str, ...]]
_COUNTED: dict[type, _Counted] = {}
"""What reads all counts of each kind of record at once: a call makes half a dozen of them, and pays for each look."""


def _counted(kind: type[TokenCounts | AttemptRecord | CallRecord]) -> _Counted:
    names = tuple(each.name for each in fields(kind) if "int" in str(each.type) and "tuple" not in str(each.type))
    found = _COUNTED[kind] = (attrgetter(*names), names)
    return found


def _check_counts(record: TokenCounts | AttemptRecord | CallRecord) -> None:
    kind = type(record)
    read, names = _COUNTED.get(kind) or _counted(kind)
    values = read(record)
    counts = [value for value in values if isinstance(value, int)]
    if len(counts) + values.count(None) == len(values) and (
        not counts or (min(counts) >= 0 and max(counts) <= _I64_MAX)
    ):
        return
    for name, value in zip(names, values, strict=True):
        if isinstance(value, int) and not 0 <= value <= _I64_MAX:
            raise LedgerError("ledger-record", f"`{name}` is not between 0 and 2^63 - 1")
        if isinstance(value, float):
            raise LedgerError("ledger-record", f"`{name}` is not an integer")


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens by price class; no token is in two classes. The core's `Usage` has the same fields."""

    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_other: int = 0
    output_text: int = 0
    reasoning: int = 0
    audio_in: int = 0
    audio_out: int = 0
    image_in: int = 0
    web_searches: int = 0

    def __post_init__(self) -> None:
        _check_counts(self)

    @property
    def input_total(self) -> int:
        """All input tokens, cached or not."""
        writes = self.cache_write_5m + self.cache_write_1h + self.cache_write_other
        return self.input_uncached + self.cache_read + writes + self.audio_in + self.image_in

    @property
    def output_total(self) -> int:
        """All output tokens."""
        return self.output_text + self.reasoning + self.audio_out


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try at one deployment.

    Args:
        number: From 1, in the order of sending.
        deployment: Which deployment was called.
        model: Which model that is.
        outcome: The outcome's kind, such as `complete` or `rate_limited`.
        status: The HTTP status, where there was an answer.
        usage: Tokens by class.
        usage_is_estimated: The provider did not say; these are our own counts.
        cost_usd_picos: The cost that counts, in pico-USD; None if it is unknown, which is not 0.
        ttft_ms: Until the first token; None if none came.
        total_ms: From sending to the end.
        message_code: A stable code for what went wrong; never the provider's own text.
        time_ms: When it was sent, in milliseconds since 1970: the time that its prices are of. None if it was not.
        cost_source: Whose figure `cost_usd_picos` is: `reported` by the provider, which counts where there is one, or
            `computed` from usage and prices. None without a figure.
        computed_cost_usd_picos: Our own sum; None if a price is unknown.
        reported_cost_usd_picos: What the provider says that it cost.
        unpriced: Why there is no sum of our own.
        price_from: The first day of the prices, `YYYY-MM-DD`; None for prices that always held.
        price_source: Who states the prices.
        price_terms: The terms that the sum is of, as `service_tier=flex;region=us`; None for the standard ones.
        usage_problem: What is wrong with the usage that the provider reported, such as `partial`, `inconsistent`,
            `other_model` or `negative`; None if nothing is.
        cost_doubt: Why `cost_usd_picos` is not exact: `lower_bound` if it is our sum of a usage that leaves something
            out or does not fit (`partial`, `inconsistent`, `other_model`); `reported_zero` if the provider says 0 and
            our sum is more, which counts then, or is unknown. None if it is exact, estimated, or unknown.
        state: How its reservation ended: `settled`, `released` if nothing was sent, or `expired` if its process was
            gone, and what it held at most stands for what it used.
        reserved_usd_nanos: What was reserved for it; None if nothing was.
        settled_usd_nanos: What its budgets were charged, rounded up; None if it counts in none.
        scopes: The scopes of the budgets that it counts in.
    """

    number: int
    deployment: str
    model: str
    outcome: str
    status: int | None = None
    usage: TokenCounts = TokenCounts()
    usage_is_estimated: bool = False
    cost_usd_picos: int | None = None
    ttft_ms: int | None = None
    total_ms: int = 0
    message_code: str | None = None
    time_ms: int | None = None
    cost_source: str | None = None
    computed_cost_usd_picos: int | None = None
    reported_cost_usd_picos: int | None = None
    unpriced: str | None = None
    price_from: str | None = None
    price_source: str | None = None
    price_terms: str | None = None
    usage_problem: str | None = None
    cost_doubt: str | None = None
    state: str = "settled"
    reserved_usd_nanos: int | None = None
    settled_usd_nanos: int | None = None
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_counts(self)


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that is under way: what is known of it before its answer.

    Args:
        call_id: Of the call.
        number: From 1, in the order of sending; with the call it names the attempt.
        state: `reserved` while it may not have been sent, then `sent`.
        time_ms: When it was reserved, in milliseconds since 1970.
        lease_until_ms: When it counts as lost, and what it holds as spent.
        deployment: Which deployment is called.
        model: Which model that is.
        provider: Who sells it.
        rule: The rule that matched.
        policy_hash: Content hash of the policy that decided.
        catalog_hash: Content hash of the catalogue that it used.
        reserved_usd_nanos: What it can cost at most.
        input_tokens: What it can read at most.
        output_tokens: What it can write at most.
        scopes: The scopes of the budgets that it counts in.
    """

    call_id: str
    number: int
    state: str
    time_ms: int
    lease_until_ms: int
    deployment: str
    model: str
    provider: str | None = None
    rule: str | None = None
    policy_hash: str = ""
    catalog_hash: str = ""
    reserved_usd_nanos: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    scopes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name of its reservation."""
        return f"{self.call_id}-{self.number}"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, with all its attempts.

    Args:
        id: Names the call; the ledger takes each name once.
        time_ms: When the call came, in milliseconds since 1970.
        policy_hash: Content hash of the policy that decided.
        catalog_hash: Content hash of the catalogue that it used.
        outcome: How the call ended, such as `complete`.
        rule: The rule that matched.
        model: The model that answered, or was to answer last.
        deployment: The deployment of that model.
        provider: Who sells it.
        usage: Tokens of all attempts together.
        cost_usd_picos: What all attempts cost, in pico-USD; None if a price is unknown, which is not 0.
        expected_cost_p50_usd_picos: What the decision expected in the middle.
        expected_cost_p90_usd_picos: What the decision expected in nine of ten cases.
        strongest_cost_usd_picos: What the same tokens would have cost at the policy's strongest model.
        ttft_ms: From the call to the first token that the caller got.
        total_ms: From the call to its end.
        facts_json: The computed facts, as the core writes them.
        record_json: The whole decision, as the core writes it, for replay.
        attempts: In the order of sending.
        cost_doubt: Why `cost_usd_picos` is not exact, by its attempts: `lower_bound` if one of them is, else
            `reported_zero`; None if none is in doubt.
        failed_cost_usd_picos: What of it went to attempts that brought no answer.
        escalated_cost_usd_picos: What of it went to answers that were not good enough.
        meta_json: What the caller passed, as far as the policy asks for it.
    """

    id: str
    time_ms: int
    policy_hash: str
    catalog_hash: str
    outcome: str
    rule: str | None = None
    model: str | None = None
    deployment: str | None = None
    provider: str | None = None
    usage: TokenCounts = TokenCounts()
    cost_usd_picos: int | None = None
    expected_cost_p50_usd_picos: int | None = None
    expected_cost_p90_usd_picos: int | None = None
    strongest_cost_usd_picos: int | None = None
    ttft_ms: int | None = None
    total_ms: int = 0
    facts_json: str = "{}"
    record_json: str = "{}"
    attempts: tuple[AttemptRecord, ...] = ()
    cost_doubt: str | None = None
    failed_cost_usd_picos: int = 0
    escalated_cost_usd_picos: int = 0
    meta_json: str = "{}"

    def __post_init__(self) -> None:
        _check_counts(self)
        if not self.id:
            raise LedgerError("ledger-record", "a record needs an id")
        if len({attempt.number for attempt in self.attempts}) != len(self.attempts):
            raise LedgerError("ledger-record", f"two attempts of the call `{self.id}` have the same number")


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """The calls of one group, added up.

    Args:
        key: The model, rule, or whatever was grouped by; None for calls that have none.
        calls: How many there are.
        complete_calls: How many of them ended as `complete`.
        attempts: How many requests to providers they took.
        input_tokens: All input tokens, cached or not.
        cached_tokens: How many of those came out of a cache.
        output_tokens: All output tokens.
        cost_usd_picos: What they cost, as far as prices are known.
        unpriced_calls: Calls whose cost is unknown, and so not in `cost_usd_picos`.
        saved_usd_picos: What the strongest model would have cost more, over the calls where both costs are known; may
            be negative.
    """

    key: str | None
    calls: int
    complete_calls: int
    attempts: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd_picos: int
    unpriced_calls: int
    saved_usd_picos: int
