"""What a usage costs: the price of the call first, else that of the catalogue.

Promises: exact, an unknown price is an error, and the price of the call wins over every layer. A test breaks it with a
float whose digits change, or with a cost of nothing where the price is not known.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from turnout import _core
from turnout.catalog.load import catalog_of
from turnout.errors import MoneyError

if TYPE_CHECKING:
    from datetime import date

__all__ = ["cost"]

PriceLike = Mapping[str, object] | Literal["free"]
"""Dollars per million tokens by class, with the keys of a catalogue row (`in`, `out`, `cache_read`...), or `free`."""


def cost(
    model: str | _core.Model,
    usage: _core.Usage,
    *,
    at: float | date | None = None,
    batch: bool = False,
    service_tier: str | None = None,
    speed: str | None = None,
    region: str | None = None,
    catalog: _core.Catalog | str | Path | None = None,
    price: PriceLike | None = None,
) -> _core.Money:
    """What a usage costs on a model.

    The price is that of the call if one is given, else of the override file, the accepted refresh, or the catalogue
    that ships. A class of tokens that was used and has no known price is an error, never zero.

    Args:
        model: `provider/id`, an id that one provider has, or a model of a catalogue, which brings its own price.
        usage: What was used.
        at: When, in seconds since 1970, or as a date or time (UTC unless it says otherwise); None is now.
        batch: Whether it was processed in a batch.
        service_tier: Such as `priority` or `flex`, as the answer echoes it.
        speed: Such as `fast`.
        region: Such as `us`, where the provider charges for it.
        catalog: A catalogue, or the path of an override file; None takes the default.
        price: The price of this call, in dollars per million tokens, such as `{"in": 0.1, "out": "0.4"}`, or `free`.

    Returns:
        The exact amount, rounded once to pico-dollars.

    Raises:
        MoneyError: `unknown-price` for a class or a day without one, `unknown-terms` for terms without one,
            `bad-price` for one that is none, `cost-overflow`.
        CatalogError: `unknown-model`, `ambiguous-model`, or an override file that does not load.

    Example:
        >>> import turnout
        >>> turnout.cost("anthropic/claude-haiku-5-5", turnout.Usage(input_uncached=1_000_000), price={"in": "0.3"})
        Money(0.3)
    """
    name = model.full_name if isinstance(model, _core.Model) else model
    terms = (_at_ms(at), batch, service_tier, speed, region)
    if price is not None:
        return _core.cost_at_price(name, _price_json(name, price), usage, *terms)
    if isinstance(model, _core.Model) and catalog is None:
        return model.cost(usage, *terms)
    return _core.cost(catalog_of(catalog), name, usage, *terms)


def _at_ms(at: float | date | None) -> int:
    if at is None:
        # Prices change on announced days: a cost of today is not that of the newest row.
        return time.time_ns() // 1_000_000
    from datetime import UTC, date, datetime

    if isinstance(at, date):
        moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise TypeError("`at` must be seconds since 1970, a date or a datetime")
    if not math.isfinite(at) or abs(at) > 1e12:
        raise ValueError("`at` must be a number of seconds since 1970")
    return round(at * 1000)


def _price_json(model: str, price: PriceLike) -> str:
    if price == "free":
        from turnout.catalog.override import FREE

        return FREE
    if not isinstance(price, Mapping):
        raise TypeError("`price` must be a mapping such as {'in': 0.1, 'out': 0.4}, or 'free'")
    return _json(model, "price", price, 0)


_MAX_DEPTH = 8
"""Tiers in a variant in a price, and then some."""


def _json(model: str, name: str, value: object, depth: int) -> str:
    """A price as JSON, numbers with the digits that Python shows."""
    import json
    from decimal import Decimal

    if depth <= _MAX_DEPTH:
        if isinstance(value, Mapping):
            members = (
                f"{json.dumps(str(key))}:{_json(model, str(key), each, depth + 1)}" for key, each in value.items()
            )
            return "{" + ",".join(members) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(_json(model, name, each, depth + 1) for each in value) + "]"
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        if isinstance(value, int | float | Decimal):
            number = Decimal(str(value))
            if number.is_finite():
                return f"{number:f}"
            raise MoneyError("bad-price", f"`{model}`: `{name}` of `price` is `{value}`, which is no finite number")
        if isinstance(value, str):
            from turnout.catalog.tree import number_text

            # A number as text keeps its digits; dates and hours stay text.
            return number_text(value.removeprefix("$")) or json.dumps(value)
    raise MoneyError("bad-price", f"`{model}`: `{name}` of `price` is no price", "write a number of dollars")
