"""What an attempt cost, as its answer states it, in the columns of the ledger and out of the call's purse.

Promises: a cost that is not known is None in the ledger and what was expected in the purse, never 0; one that is not
exact says why. To break it, let a provider report nothing, zeros, or half of the figures.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TypedDict

from turnout._core import Answer, Attempt, Money, Settlement, Usage
from turnout.ledger import TokenCounts

__all__ = ["MoneyColumns", "charge", "is_nothing", "money_columns", "says_something", "settled_with", "token_counts"]


_CLASSES = attrgetter(*TokenCounts.__dataclass_fields__)


def settled_with(attempt: Attempt, usage: Usage, at_ms: int, answer: Answer | None) -> Settlement | None:
    """Settles an attempt by what its answer states; None if it used nothing, and so cost nothing."""
    if is_nothing(usage) and (answer is None or answer.reported_cost is None):
        return None
    if answer is None:
        return attempt.settle(usage, at_ms=at_ms)
    return attempt.settle(
        usage,
        at_ms=at_ms,
        service_tier=answer.service_tier,
        speed=answer.speed,
        region=answer.region,
        reported_cost=answer.reported_cost,
        usage_problem=answer.usage_problem,
    )


def charge(attempt: Attempt, cost: Money | None, doubt: str | None) -> Money:
    """Returns what an attempt takes out of the call's purse.

    What is not known, or only a lower bound, counts as at least what the attempt was expected to cost in nine of ten
    cases: an unknown price must not let a call go on as if it were free. A plan with a purse has no attempt without an
    expectation; without a purse nothing is charged.

    Args:
        attempt: Which attempt.
        cost: What it cost; None if that is unknown.
        doubt: Why that is not exact.
    """
    known = Money("0") if cost is None else cost
    is_known = cost is not None and (doubt is None or (doubt == "reported_zero" and known > Money("0")))
    expected = attempt.expected_cost
    return known if is_known or expected is None else max(known, expected.p90)


def is_nothing(usage: Usage) -> bool:
    """Whether a usage has no tokens and no searches, whatever it is said to cost."""
    return not any(_CLASSES(usage))


def says_something(answer: Answer | None) -> bool:
    """Whether a model has written anything, so that it cannot have used nothing."""
    return answer is not None and bool(answer.text or answer.thinking or answer.refusal or answer.tool_calls)


class MoneyColumns(TypedDict, total=False):
    """The columns of an attempt that are about money."""

    cost_source: str | None
    computed_cost_usd_picos: int | None
    reported_cost_usd_picos: int | None
    unpriced: str | None
    price_from: str | None
    price_source: str | None
    price_terms: str | None
    cost_doubt: str | None


def money_columns(settled: Settlement | None) -> MoneyColumns:
    """Returns what the ledger keeps of a settlement; nothing for an attempt that cost nothing."""
    if settled is None:
        return {}
    return {
        "cost_source": settled.source,
        "computed_cost_usd_picos": None if settled.computed is None else settled.computed.usd_picos,
        "reported_cost_usd_picos": None if settled.reported is None else settled.reported.usd_picos,
        "unpriced": settled.unpriced,
        "price_from": settled.price_from,
        "price_source": settled.price_source,
        "price_terms": settled.price_terms,
        "cost_doubt": settled.doubt,
    }


def token_counts(usage: Usage) -> TokenCounts:
    """Returns a usage as the ledger keeps it."""
    return TokenCounts(
        input_uncached=usage.input_uncached,
        cache_read=usage.cache_read,
        cache_write_5m=usage.cache_write_5m,
        cache_write_1h=usage.cache_write_1h,
        cache_write_other=usage.cache_write_other,
        output_text=usage.output_text,
        reasoning=usage.reasoning,
        audio_in=usage.audio_in,
        audio_out=usage.audio_out,
        image_in=usage.image_in,
        web_searches=usage.web_searches,
    )
