"""How the catalogue's rows read: prices, limits, and which price holds on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from turnout.cli.render import printable

__all__ = [
    "CLASSES",
    "NotPriced",
    "Row",
    "condition_of",
    "dispute_of",
    "hours_of",
    "limit",
    "list_of",
    "names_of",
    "period_on",
    "rate",
    "rate_of",
    "rows_of",
    "short_limit",
    "text_of",
    "today",
]

Row = Mapping[str, object]
NotPriced: Final = "unknown"
CLASSES: Final = {
    "in": "in",
    "out": "out",
    "cache_read": "cache read",
    "cache_write_5m": "write 5m",
    "cache_write_1h": "write 1h",
    "reasoning": "reasoning",
    "audio_in": "audio in",
    "audio_out": "audio out",
    "image_in": "image in",
}
"""The classes of tokens with a price, by their key in a row, in the order of a table."""


def today() -> str:
    """Returns the day by the machine's clock, in UTC, `YYYY-MM-DD`."""
    return datetime.now(UTC).date().isoformat()


def rows_of(value: object) -> list[Row]:
    """Returns the objects of a list, empty if it is none."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, Sequence) else []


def list_of(value: object) -> list[str]:
    """Returns a list of texts, empty if it is none."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return [str(each) for each in value] if is_list and isinstance(value, Sequence) else []


def text_of(row: Row, key: str) -> str | None:
    """Returns a member as text that is safe to print; None where it is not there."""
    value = row.get(key)
    return None if value is None else printable(str(value))


def names_of(value: object) -> list[str]:
    """Returns the names of an object whose value is true."""
    return [str(name) for name, held in value.items() if held is True] if isinstance(value, Mapping) else []


def period_on(prices: Iterable[Row], day: str | None) -> Row | None:
    """Returns the period of prices that holds on a day.

    Args:
        prices: Periods, ascending.
        day: `YYYY-MM-DD`; None takes the newest.

    Returns:
        None when no price is known for the day.
    """
    held = [
        period
        for period in prices
        if day is None or (str(period.get("from") or "") <= day < str(period.get("until") or "9999-99-99"))
    ]
    return held[-1] if held else None


def rate_of(row: Row, prices: Row | None, key: str) -> Decimal | None:
    """Returns a price in dollars per million tokens, a negotiated factor included; None where it is unknown.

    Args:
        row: The model's row, which may have a `price_factor`.
        prices: A period, tier, window or variant.
        key: The class of tokens.
    """
    value = None if prices is None else prices.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    factor = row.get("price_factor")
    return Decimal(str(value)) * (Decimal(str(factor)) if isinstance(factor, int | float) else 1)


def rate(price: Decimal | None) -> str:
    """Returns a price per million tokens as people write it: cents at least, and no digit is lost."""
    if price is None:
        return NotPriced
    if price == 0:
        return "free"
    digits = max(2, -int(price.normalize().as_tuple().exponent))
    return f"${price:,.{digits}f}"


def limit(tokens: object) -> str:
    """Returns a limit in tokens, shortened to k and M where nothing is lost."""
    if not isinstance(tokens, int):
        return "unknown"
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if tokens >= size and tokens % (size // 100) == 0:
            return f"{Decimal(tokens) / size:f}{unit}"
    return f"{tokens:,}"


def short_limit(tokens: object) -> str:
    """Returns a limit in three digits, such as 131k for 131,072; a dash where it is unknown."""
    if not isinstance(tokens, int):
        return "-"
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        # What rounds to a thousand k is one M.
        if tokens >= size * 0.9995:
            return f"{float(f'{tokens / size:.3g}'):g}{unit}"
    return str(tokens)


def condition_of(condition: str) -> str:
    """Returns a condition such as `service_tier=priority` as people read it."""
    key, _, value = condition.partition("=")
    return f"{key.replace('_', ' ')} {value}" if value else condition


_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours_of(window: Row) -> str:
    """Returns when a window of prices is open, such as `mon..fri 01:00-09:00 UTC`."""
    days = [_DAYS[int(day) - 1] for day in list_of(window.get("days")) if day in set("1234567")] or ["every day"]
    is_run = len(days) > 2 and list(_DAYS)[_DAYS.index(days[0]) :][: len(days)] == days
    shown = f"{days[0]}..{days[-1]}" if is_run else ", ".join(days)
    hours = ", ".join(list_of(window.get("hours"))).replace("00:00-00:00", "all day")
    return f"{shown} {hours} UTC"


def dispute_of(row: Row) -> list[str]:
    """Returns what the sources say where they differ, such as `in 2 (a) or 0.5 (b, c)`."""
    dispute = row.get("dispute")
    said = []
    for fact, values in dispute.items() if isinstance(dispute, Mapping) else ():
        by_value: dict[str, list[str]] = {}
        for source, value in values.items() if isinstance(values, Mapping) else ():
            by_value.setdefault(str(value), []).append(str(source))
        shown = " or ".join(f"{value} ({', '.join(sources)})" for value, sources in by_value.items())
        said.append(f"{str(fact).replace('_', ' ')} {shown}")
    return said
