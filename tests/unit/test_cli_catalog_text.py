"""How prices, limits and hours read."""

from decimal import Decimal

import pytest

from turnout.cli import catalog_text as text


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        (None, "unknown"),
        ("0", "free"),
        ("2", "$2.00"),
        ("0.1", "$0.10"),
        ("0.003625", "$0.003625"),
        ("1200", "$1,200.00"),
    ],
)
def test_a_price_loses_no_digit(price: str | None, shown: str) -> None:
    assert text.rate(None if price is None else Decimal(price)) == shown


def test_a_factor_is_part_of_a_price() -> None:
    assert text.rate_of({"price_factor": 0.85}, {"in": 2}, "in") == Decimal("1.7")
    assert text.rate_of({}, {"in": 0}, "in") == 0
    for prices in (None, {}, {"in": None}, {"in": True}, {"in": "2"}):
        assert text.rate_of({}, prices, "in") is None


@pytest.mark.parametrize(
    ("tokens", "exact", "short"),
    [
        (None, "unknown", "-"),
        (0, "0", "0"),
        (999, "999", "999"),
        (8_192, "8,192", "8.19k"),
        (128_000, "128k", "128k"),
        (131_072, "131,072", "131k"),
        (999_999, "999,999", "1M"),
        (1_000_000, "1M", "1M"),
        (1_048_576, "1,048,576", "1.05M"),
        (1_050_000, "1.05M", "1.05M"),
        (2_000_000_000, "2000M", "2000M"),
    ],
)
def test_limits_read_well(tokens: int | None, exact: str, short: str) -> None:
    assert text.limit(tokens) == exact
    assert text.short_limit(tokens) == short


def test_the_period_of_a_day() -> None:
    prices = [{"until": "2026-01-01", "in": 1}, {"from": "2026-02-01", "until": "2026-03-01", "in": 2}]
    assert [text.period_on(prices, day) for day in ("2025-12-31", "2026-01-01", "2026-02-01", "2026-03-01")] == (
        [prices[0], None, prices[1], None]
    )
    assert text.period_on(prices, None) == prices[1]
    assert text.period_on([], "2026-01-01") is None


@pytest.mark.parametrize(
    ("window", "shown"),
    [
        ({"days": [1, 2, 3, 4, 5], "hours": ["22:00-06:00"]}, "mon..fri 22:00-06:00 UTC"),
        ({"days": [6, 7], "hours": ["00:00-00:00"]}, "sat, sun all day UTC"),
        ({"days": [1, 3, 5], "hours": ["01:00-02:00", "03:00-04:00"]}, "mon, wed, fri 01:00-02:00, 03:00-04:00 UTC"),
        ({"hours": ["01:00-02:00"]}, "every day 01:00-02:00 UTC"),
    ],
)
def test_hours_read_well(window: dict[str, object], shown: str) -> None:
    assert text.hours_of(window) == shown


def test_a_dispute_groups_those_who_agree() -> None:
    row = {"dispute": {"cache_read": {"a": 2, "b": 0.5, "c": 2}}}
    assert text.dispute_of(row) == ["cache read 2 (a, c) or 0.5 (b)"]
    assert text.dispute_of({}) == text.dispute_of({"dispute": "x"}) == []
