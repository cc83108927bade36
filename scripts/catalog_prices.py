"""From the gathered prices of a model to its price periods, for `build_catalog.py`.

A period carries one whole vector of one source, never a mixture; what that source does not say stays unknown. Every
correction stands here with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from catalog_json import AS_OF, Json, Row, count, full_name, items, number, objects, table

RATES = {
    "in": "in",
    "out": "out",
    "cache_read": "cache_read",
    "cache_write": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
    "reasoning_out": "reasoning",
    "audio_in": "audio_in",
    "audio_out": "audio_out",
    "image_in": "image_in",
}
# What a dated price list knows: no cache writes, no batch, no tiers.
DATED = ("in", "out", "cache_read")
# What a multiplier of the gathered rows is a condition of.
MULTIPLIERS = {"us": "region=us", "eu": "region=eu", "regional": "region=regional", "fast": "speed=fast"}
# Service tiers that a source names without a key.
SERVICE_TIERS = {"priority", "flex", "ultrafast"}

# Models that run on Ollama's own machines, under a plan that users pay: free only in the source, which knows local ones.
CLOUD_OF_OLLAMA = re.compile(r"^ollama/.*-cloud$")

# Prices that the first source got wrong, with what the others say.
CORRECTED: dict[str, tuple[str, Row]] = {
    # The first source matches names by their beginning, and gives the alias the price of the first Mistral Large: 2 and 6.
    # The other four agree on that of Mistral Large 3, which the alias names.
    "mistral/mistral-large-latest": ("litellm@1.109.1", {"in": Decimal("0.5"), "out": Decimal("1.5")}),
}

# What a request costs beside its tokens on models that search for every one. No price source lists it: recorded answers
# do (24 of Sonar and 4 of Sonar Reasoning Pro, all at the default depth of search, `search_context_size` low). What no recording shows is charged and unknown. A deeper search costs more: then
# the provider's own figure counts, which every answer carries.
REQUEST_FEES = {
    "perplexity/sonar": Decimal("0.005"),
    "perplexity/sonar-reasoning-pro": Decimal("0.006"),
}
CHARGES_REQUESTS = re.compile(r"(^|/)sonar(-pro|-pro-search|-reasoning|-reasoning-pro)?$")

# Batch prices that belong to no list price of the same row.
WRONG_BATCH = {
    # Half of the launch price, which ended on 2026-10-20.
    "mistral/mistral-large-4",
    "mistral/mistral-large-4-0",
    # As dear as the list: the source forgot the discount, and another says 0.5 and 1.
    "openai/gpt-3.5-turbo-1106",
}

# Days on which a price changed that no dated price list shows: the cache read price of Sonnet 5.5 was cut from 0.20, and
# nothing else of its vector changed.
CUTS: dict[str, tuple[str, str, Row]] = {
    "anthropic/claude-sonnet-5-5": ("2026-10-07", "PromptFuel@1.0.23", {"cache_read": Decimal("0.2")}),
}

# Where long requests cost more before the current price began, though the dated lists give one price for the time: above
# this input length (tokens) the older price is not known.
OLDER_EDGES = {"claude-opus-4-6": 200_000, "claude-sonnet-4-6": 200_000}

# Prices that cannot be what a call costs, found by the lints of the core. Unknown is better than wrong.
UNBELIEVABLE = {
    "azure/meta-llama-3-70b-instruct": "output at a third of input, which no host charges",
    "azure/model-router": "the fee for routing, to which the price of the chosen model is added",
    "cloudflare-workers-ai/@cf/huggingface/distilbert-sst-2-int8": "output at 0: the source has no price for it",
    "openrouter/deepseek/deepseek-v4.1-flash": "output at a third of input, which no host charges",
    "openrouter/~deepseek/deepseek-pro-latest": "cache reads dearer than input: two upstreams mixed",
    "perplexity/sonar-medium-online": "input at 0: it is paid by the request, and the source does not say how much",
    "perplexity/sonar-small-online": "input at 0: it is paid by the request, and the source does not say how much",
    "together/together/Tev1-4B-experimental": "output at 0: the dated list has no price for it",
}

# A cache write below this share of input is no price of a token but the fee for keeping it some minutes, which Gemini
# models and some hosts take on top of the input price.
LEAST_WRITE = Decimal("0.9")
# Models whose cache prices are those of the same model at normal speed, though input costs twice as much.
CHEAP_WRITES = re.compile(r"minimax-m2\.\d-highspeed$", re.IGNORECASE)
# Databricks' prices are rounded from its own unit, each in its own way: a cache read may come out dearer than input.
ROUNDING = Decimal("1.001")


def rates(prices: Row, is_free_write: bool) -> Row:
    """One vector of prices, in the order and with the names of the distilled file."""
    out: Row = {}
    for key, name in RATES.items():
        price = number(prices.get(key))
        if price is not None:
            out[name] = price
    # A cache write "at 0" means no fee on top of the input price (sources fill it in for providers without a write
    # fee). Our classes are disjoint, so a written token that costs 0 would make that input free: it costs what input
    # costs.
    if is_free_write and "in" in out:
        out["cache_write_5m"] = out["in"]
    cost = number(out.get("in"))
    for name in ("cache_read", "cache_write_5m"):
        price = number(out.get(name))
        if cost is not None and price is not None and cost < price <= cost * ROUNDING:
            out[name] = cost
    return {name: out[name] for name in RATES.values() if name in out}


def periods(row: Row) -> list[Json]:
    """The price periods of a gathered row, ascending; none when its price is unknown."""
    name = full_name(row)
    if name in UNBELIEVABLE or CLOUD_OF_OLLAMA.match(name) or row.get("zero_price") == "zero-or-unknown-in-source":
        return []
    if name in CORRECTED:
        source, prices = CORRECTED[name]
        return [{"source": source, "checked": AS_OF} | prices]
    current = vector(row)
    if not current:
        return []
    now: Row = {"source": items(row, "sources")[0], "checked": AS_OF}
    now |= current
    if name in CUTS:
        day, source, older = CUTS[name]
        return [bounds(None, day) | now | {"source": source} | older, bounds(day, None) | now]
    dated = [entry for entry in objects(row, "price_history") if entry.get("from") != "tod"]
    known = [entry for entry in dated if entry.get("from") is None or str(entry["from"]) <= AS_OF]
    if not known or not is_current(known[-1], row):
        return [now]
    to_come = dated[len(known) :]
    return spans(row, known, now, to_come[0]["from"] if to_come else None) + announced(row, to_come)


def reachable(periods: list[Json], context: int | None) -> list[Json]:
    """The periods without tiers that no request can reach, because they begin where the window ends.

    Sources keep the tier of a long-context beta that was withdrawn (Claude Sonnet 4.5's) on every host, or list it for a
    model of a smaller window.
    """
    out: list[Json] = []
    for period in periods:
        if not isinstance(period, dict):
            continue
        tiers = [tier for tier in objects(period, "tiers") if context is None or (count(tier["above"]) or 0) < context]
        out.append({key: value for key, value in (period | {"tiers": [*tiers]}).items() if value != []})
    return out


def spans(row: Row, known: list[Row], now: Row, end: Json) -> list[Json]:
    """The dated prices up to an end, the last of them with the whole current vector."""
    older: list[Json] = []
    # Where long requests cost more today they did before, and no dated list says how much: above the edge, unknown.
    edges: list[Json] = [
        {key: tier[key] for key in ("above", "inclusive") if key in tier} for tier in objects(now, "tiers")
    ]
    if str(row["id"]) in OLDER_EDGES:
        edges = [{"above": OLDER_EDGES[str(row["id"])]}]
    for entry, following in pairwise(known):
        period = bounds(entry.get("from"), following["from"]) | dated_vector(row, entry)
        older.append(period | ({"tiers": edges} if edges else {}))
    return [*older, bounds(known[-1].get("from"), end) | now]


def announced(row: Row, entries: list[Row]) -> list[Json]:
    """The prices that are said to hold from a day to come: to be verified again on it."""
    ends = [*(entry["from"] for entry in entries[1:]), None]
    return [bounds(entry["from"], end) | dated_vector(row, entry) for entry, end in zip(entries, ends, strict=False)]


def bounds(start: Json, end: Json) -> Row:
    """The days of a period, as far as it has any."""
    return {key: day for key, day in (("from", start), ("until", end)) if day is not None}


def dated_vector(row: Row, entry: Row) -> Row:
    """What a dated price list says, with its source."""
    source = next(source for source in items(row, "sources") if str(source).startswith("genai-prices@"))
    return {"source": source, "checked": AS_OF} | {key: entry[key] for key in DATED if entry.get(key) is not None}


def is_current(entry: Row, row: Row) -> bool:
    """Whether a dated price is the current one (where the price falls at some hours: the one of those hours)."""
    price = table(row, "off_peak") or table(row, "price")
    return all(number(entry.get(key)) == number(price.get(key)) for key in DATED)


def vector(row: Row) -> Row:
    """The current prices with all that changes them: tiers, hours, conditions, fees."""
    name = full_name(row)
    prices = table(row, "price")
    is_free_write = number(prices.get("cache_write")) == 0 and (number(prices.get("in")) or 0) > 0
    out = rates(prices, is_free_write)
    if not out:
        return {}
    if (searches := number(prices.get("web_search_per_k"))) is not None:
        out["web_search_per_k"] = searches
    if CHARGES_REQUESTS.search(str(row["id"])):
        out["per_request"] = REQUEST_FEES.get(name, "unknown")
    tiers: list[Json] = []
    for tier in objects(row, "tiers"):
        edge: Row = {"above": tier["above"]}
        if row.get("tier_boundary_inclusive"):
            edge["inclusive"] = True
        tiers.append(edge | rates(tier, is_free_write))
    if not CHEAP_WRITES.search(str(row["id"])):
        for prices in (out, *(tier for tier in tiers if isinstance(tier, dict))):
            drop_storage_fee(prices)
    out["tiers"] = tiers
    out["windows"] = windows(table(row, "off_peak"), is_free_write)
    out["variants"], out["multipliers"] = conditions(row, out)
    return {key: value for key, value in out.items() if value not in ([], {})}


def drop_storage_fee(prices: Row) -> None:
    """Forgets the price of a cache write that can only be the fee for keeping what was written."""
    cost, written = number(prices.get("in")), number(prices.get("cache_write_5m"))
    if cost is not None and written is not None and written < cost * LEAST_WRITE:
        del prices["cache_write_5m"]


def windows(off_peak: Row, is_free_write: bool) -> list[Json]:
    """The hours of a lower price, each with its vector; the base price is the highest."""
    out: list[Json] = []
    for window in objects(off_peak, "windows"):
        hours = window["hours_utc"]
        listed: list[Json] = hours if isinstance(hours, list) else [hours]
        span: Row = {"days": window["weekdays"], "hours": listed}
        out.append(span | rates(off_peak, is_free_write))
    return out


def conditions(row: Row, base: Row) -> tuple[Row, Row]:
    """Prices under a condition: vectors of their own, and multipliers on every token price."""
    variants: Row = {}
    for name, prices in table(row, "variants").items():
        if isinstance(prices, dict):
            variants[f"service_tier={name}" if name in SERVICE_TIERS else name] = rates(prices, False)
    multipliers: Row = {}
    for name, ratio in table(row, "multipliers").items():
        condition = MULTIPLIERS[name]
        # A source names some classes of a faster or regional model, another the multiplier, which knows them all. They
        # are one price when they agree; else the vector holds, for it is what the provider lists.
        listed = variants.get(condition)
        if isinstance(listed, dict) and not is_multiple(listed, base, number(ratio)):
            continue
        variants.pop(condition, None)
        multipliers[condition] = ratio
    price = table(row, "price")
    batch = {"in": number(price.get("batch_in")), "out": number(price.get("batch_out"))}
    if full_name(row) not in WRONG_BATCH and batch["in"] is not None:
        if row["provider"] == "anthropic" and is_multiple(dict(batch), base, Decimal("0.5")):
            # Anthropic documents a batch as half of every class of tokens; web searches keep their price.
            multipliers["processing=batch"] = Decimal("0.5")
        else:
            variants["processing=batch"] = {key: value for key, value in batch.items() if value is not None}
    return variants, multipliers


def is_multiple(prices: Row, base: Row, ratio: Decimal | None) -> bool:
    """Whether every price is the base price of its class times the ratio."""
    bases = {key: number(base.get(key)) for key in prices}
    return ratio is not None and all(
        (price := bases[key]) is not None and number(value) == price * ratio for key, value in prices.items()
    )


def scaled(periods: list[Json], ratio: Fraction) -> list[Json]:
    """The periods with every token price times the ratio, exact to a nano-dollar.

    Raises:
        ValueError: a price is not exact to a nano-dollar.
    """

    def scale(price: Decimal) -> Decimal:
        nanos = Fraction(price) * ratio * 10**9
        if nanos.denominator != 1:
            raise ValueError(str(price))
        return Decimal(nanos.numerator).scaleb(-9)

    return [each_rate(period, scale) for period in periods]


def each_rate(value: Json, change: Callable[[Decimal], Decimal]) -> Json:
    """The value with every token price in it changed; fees, edges, hours and multipliers are none."""
    if isinstance(value, list):
        return [each_rate(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    out: Row = {}
    for key, item in value.items():
        price = number(item)
        if key in RATES.values() and price is not None:
            out[key] = change(price)
        elif key == "variants" and isinstance(item, dict):
            out[key] = {condition: each_rate(prices, change) for condition, prices in item.items()}
        elif key in ("tiers", "windows"):
            out[key] = each_rate(item, change)
        else:
            out[key] = item
    return out
