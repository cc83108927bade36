"""Rows of private models, as an override layer holds them: prices with every part that a price can have, and odd
ones."""

from __future__ import annotations

from tests.reference.measure import FAMILIES
from tests.reference.prices import Row
from tests.reference.sources import Source, one, several, some

# The lints of the catalogue that the generator's prices break: what is odd is what must be decided on alike.
ODD = (
    *("output-below-input", "period-gap", "price-out-of-bounds", "tier-cheaper", "tier-incomplete", "window-dearer"),
    *("window-overlap", "multiplier-out-of-bounds", "input-above-window", "output-above-window", "unit-slip"),
    *("unverified-price", "retired-before-release", "successor-not-active", "window-covers-week", "zero-limit"),
    *("tier-beyond-window", "input-free-output-not"),
)


def _rates(draw: Source) -> Row:
    row = {key: one(draw, 1, 0.15, 0.05, 3, 0.333333, 10) for key in ("in", "out")}
    if some(draw, 8):
        del row[one(draw, "out", "in")]
    return row


def _tiers(draw: Source, percent: int) -> Row:
    if not some(draw, percent):
        return {}
    edges = sorted(several(draw, [16, 17, 20, 25, 40, 600, 2000, 5], 1, 2))
    return {
        "tiers": [{"above": edge, **_rates(draw), **({"inclusive": True} if some(draw, 30) else {})} for edge in edges]
    }


def _period(draw: Source) -> Row:
    row = {**_rates(draw), **_tiers(draw, 40)}
    if some(draw, 20):
        hours = one(draw, ["06:00-22:00"], ["22:00-06:00"], ["12:00-12:01", "21:59-00:00"], ["00:00-00:00"])
        days = {} if some(draw, 50) else {"days": one(draw, [1], [1, 2, 3, 4, 5], [7], [6, 7])}
        row["windows"] = [{"hours": hours, **days, **_rates(draw), **_tiers(draw, 20)} for _ in range(one(draw, 1, 2))]
    elif some(draw, 30):
        conditions = several(draw, CONDITIONS, 1, 2)
        row["variants"] = {condition: {**_rates(draw), **_tiers(draw, 20)} for condition in sorted(conditions)}
    if some(draw, 30):
        free = [each for each in CONDITIONS if each not in row.get("variants", {})]
        row["multipliers"] = {one(draw, *free): one(draw, 1.1, 0.5, 2)}
    if some(draw, 10):
        row["per_request"] = one(draw, 0.001, 0.00025)
    return row


CONDITIONS = ["service_tier=flex", "region=eu", "region=us", "service_tier=priority", "speed=fast"]


def model_row(draw: Source, place: int) -> Row:
    row: Row = {"provider": one(draw, "vllm", "openai", "anthropic"), "id": f"private-{place}", "allow": list(ODD)}
    if some(draw, 95):
        row["context"] = one(draw, *[200_000] * 12, 8192, 8192, 1000, 60, 30)
    if some(draw, 10):
        row["max_input"] = one(draw, 100, 20)
    if some(draw, 30):
        row["max_output"] = one(draw, 64_000, 100, 20)
    if some(draw, 60):
        row["tokenizer"] = one(draw, *FAMILIES)
    abilities = ("tools", "vision", "pdf", "structured", "forced_tool_use")
    row["caps"] = {ability: some(draw, 85) for ability in abilities if some(draw, 90)}
    if some(draw, 20):
        row["price_factor"] = one(draw, 0.85, 1.1, 0.333)
    if some(draw, 8):
        row |= {"status": "deprecated", "retires_on": "2099-01-01"}
    row["prices"] = [_period(draw)]
    if some(draw, 20):
        edge = one(draw, "2026-01-06", "2026-01-10", "2026-05-05")
        row["prices"][0]["until"] = edge
        if some(draw, 70):
            row["prices"].append({**_period(draw), "from": one(draw, edge, "2026-05-05")})
    return row
