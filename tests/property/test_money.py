"""Money from Python: exact, and the same on every way in and out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout

amounts = st.integers(0, 9 * 10**18)


def text_of(picos: int) -> str:
    return f"{picos // 10**12}.{picos % 10**12:012d}"


@given(amounts)
def test_text_and_decimal_come_back(picos: int) -> None:
    money = turnout.Money(text_of(picos))
    assert money.usd_picos == picos
    assert money.usd == Decimal(picos) / 10**12
    assert turnout.Money(str(money).lstrip("$")) == money
    assert turnout.Money(str(money.usd.normalize().__format__("f"))) == money


@given(amounts, amounts)
def test_sums_and_order(one: int, other: int) -> None:
    a, b = turnout.Money(text_of(one)), turnout.Money(text_of(other))
    assert (a < b, a == b, a > b) == (one < other, one == other, one > other)
    if one + other < 2**63:
        assert (a + b).usd_picos == one + other
    else:
        with pytest.raises(turnout.MoneyError):
            a + b
    assert (hash(a) == hash(b)) or one != other


@given(st.text(max_size=30))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        money = turnout.Money(text)
    except turnout.MoneyError:
        return
    assert turnout.Money(str(money).lstrip("$")) == money
