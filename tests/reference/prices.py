"""What a call is expected to cost, in exact decimals: periods, hours, variants, multipliers, tiers, fees.

A price that is not stated is not known, which is never 0: every function returns a number, or a text that says what
is missing.
"""

from __future__ import annotations

import datetime
from decimal import Decimal, getcontext
from typing import Any, NamedTuple

from tests.reference.expressions import EPOCH, MUTATIONS

# Enough digits for every product of a price: nothing is rounded on the way.
getcontext().prec = 100
Row = dict[str, Any]
STANDARD = ("standard", "default", "auto", "on_demand")
CLASSES = (
    "in",
    "out",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "audio_in",
    "audio_out",
    "image_in",
)
FREE: Row = {**dict.fromkeys(CLASSES, Decimal(0)), "web_search_per_k": Decimal(0)}
PICOS = 10**12


class Span(NamedTuple):
    """A count of tokens with its bounds."""

    low: int
    likely: int
    high: int
    method: str


class Quote(NamedTuple):
    """The prices of a call under its terms, $ per million tokens."""

    rates: Row
    tiers: list[Row]
    """What the whole request costs from some count of input tokens on; `None` in place of prices that nobody says."""
    factor: Decimal
    per_request: Decimal | None


def minute_and_day(now_ms: int) -> tuple[int, int]:
    """The minute of the day and the days since 1970, UTC."""
    day, ms = divmod(now_ms, 86_400_000)
    return ms // 60_000, day


def period_at(prices: list[Row], now_ms: int) -> Row | str:
    """The prices of a day: the newest of the periods that hold on it."""
    day = EPOCH + datetime.timedelta(days=minute_and_day(now_ms)[1])
    if not prices:
        return "the price is not known, which is not zero"
    for period in reversed(prices):
        begun = "from" not in period or period["from"] <= day.isoformat()
        if begun and ("until" not in period or day.isoformat() < period["until"]):
            return period
    return f"the price on {day} is not known"


def _is_open(window: Row, now_ms: int) -> bool:
    """Whether the hours of a window hold; those that pass midnight belong to the day on which they begin."""
    minute, day = minute_and_day(now_ms)
    today = (day + 3) % 7 + 1
    days = window.get("days", range(1, 8))
    for span in window["hours"]:
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in span.split("-"))
        end = end or 1440
        if start < end and today in days and start <= minute < end:
            return True
        if start > end and ((today in days and minute >= start) or ((today - 2) % 7 + 1 in days and minute < end)):
            return True
    return False


def quote(prices: list[Row], factor: Decimal | None, terms: dict[str, str], now_ms: int) -> Quote | str:
    """The prices of a call: those of the day and the hour, then of each condition that is not the standard one."""
    period = period_at(prices, now_ms)
    if isinstance(period, str):
        return period
    windows = [] if "no-windows" in MUTATIONS else period.get("windows", [])
    vector = next((window for window in windows if _is_open(window, now_ms)), period)
    ratio = factor if factor is not None else Decimal(1)
    variant: str | None = None
    for key in ("service_tier", "speed", "region"):
        value = terms.get(key)
        if value is None or value.lower() in STANDARD or (key == "region" and value.lower() == "global"):
            continue
        asked = f"{key}={value}"
        for condition, multiplier in period.get("multipliers", {}).items():
            if condition.lower() == asked.lower():
                ratio *= multiplier
                break
        else:
            found = next((one for one in period.get("variants", {}) if one.lower() == asked.lower()), None)
            if found is not None:
                if variant is not None:
                    return f"the price under `{variant}` and `{found}` together is not known"
                variant, vector = found, period["variants"][found]
            elif factor is not None or not _is_free(period):
                return f"the price under `{asked}` is not known"
    # Above the edge of the day's price, hours or conditions that say nothing of long requests leave every price
    # unknown.
    edges = [{key: tier[key] for key in tier if key in ("above", "inclusive")} for tier in period.get("tiers", [])]
    return Quote(vector, vector.get("tiers") or edges, ratio, period.get("per_request"))


def _is_free(period: Row) -> bool:
    """Whether the price is declared to be nothing: what is free is free under any terms."""
    return {key: price for key, price in period.items() if key not in ("from", "until", "source", "checked")} == FREE


def first_token(tier: Row) -> int:
    """The first count of input tokens that is in a tier."""
    return int(tier["above"]) + (0 if tier.get("inclusive") else 1)


def cost(priced: Quote | str, input_tokens: int, output_tokens: int) -> int | str:
    """The price of so many tokens in pico-dollars, rounded once, half to even."""
    if isinstance(priced, str):
        return priced
    reached = [tier for tier in priced.tiers if input_tokens >= first_token(tier)]
    rates = reached[-1] if reached and "no-tiers" not in MUTATIONS else priced.rates
    micros = Decimal(0)
    for name, key, count in (("input_uncached", "in", input_tokens), ("output_text", "out", output_tokens)):
        if count:
            if key not in rates:
                return f"the price of `{name}` is unknown, which is not zero"
            micros += Decimal(rates[key]) * count
    picos = micros * priced.factor * (PICOS // 1_000_000)
    return round(picos + (priced.per_request or 0) * PICOS)


def region_of(prices: list[Row], factor: Decimal | None, place: str, now_ms: int) -> tuple[str, bool] | None:
    """The region whose prices hold at a place, and whether that is assumed: the one that the place's name is or
    begins with,
    else `regional`, else the dearest. None where the prices know no region, and for `global`."""
    period = period_at(prices, now_ms)
    if isinstance(period, str) or place.lower() == "global":
        return None
    conditions = [*period.get("multipliers", {}), *period.get("variants", {})]
    regions = [condition[7:] for condition in conditions if condition.startswith("region=")]

    def lies_in(region: str) -> bool:
        heads = [region.lower(), *(["europe"] if region.lower() == "eu" else [])]
        return any(place.lower() == head or place.lower().startswith((f"{head}-", f"{head}_")) for head in heads)

    def price(region: str) -> int:
        amount = cost(quote(prices, factor, {"region": region}, now_ms), 1000, 1000)
        return -1 if isinstance(amount, str) else amount

    if fitting := [region for region in regions if lies_in(region)]:
        return max(reversed(fitting), key=len), False
    if regional := next((region for region in regions if region.lower() == "regional"), None):
        return regional, False
    return (max(reversed(regions), key=price), True) if regions else None


class Expected(NamedTuple):
    """What a call is expected to cost, in pico-dollars."""

    p50: int | None
    p90: int | None
    unknown: str | None
    edge: Row | None


def next_edge(priced: Quote | str, tokens: int) -> int | None:
    """The first token of the next tier that a longer input would reach."""
    edges = [] if isinstance(priced, str) else [first_token(tier) for tier in priced.tiers]
    return next((edge for edge in edges if tokens < edge), None)


def expected(priced: Quote | str, span: Span, out_p50: int, out_p90: int) -> Expected:
    """The likely cost; and at the upper bound of the input and a long answer, on the dear side of a price tier."""
    likely, dearest = cost(priced, span.likely, out_p50), cost(priced, span.high, out_p90)
    edge = next_edge(priced, span.low)
    is_open = edge is not None and span.high >= edge
    if edge is not None and is_open and not isinstance(dearest, str):
        below = cost(priced, edge - 1, out_p90)
        dearest = below if isinstance(below, str) else max(dearest, below)
    if not isinstance(likely, str) and not isinstance(dearest, str):
        dearest = max(likely, dearest)
    warning = None
    # So near below an edge (2% of it), a request is warned of it.
    if edge is not None and (is_open or max(edge - span.high, 0) <= edge // 50):
        warning = {
            "threshold_tokens": edge,
            "tokens_to_edge": edge - span.likely,
            "cost_below_usd_picos": _known(cost(priced, min(span.likely, edge - 1), out_p50)),
            "cost_above_usd_picos": _known(cost(priced, max(span.likely, edge), out_p50)),
            "edge": is_open,
        }
    unknown = next((each for each in (likely, dearest) if isinstance(each, str)), None)
    return Expected(_known(likely), _known(dearest), unknown, warning)


def _known(amount: int | str) -> int | None:
    return None if isinstance(amount, str) else amount
