"""What the tokens of calls would have cost at another model."""

from __future__ import annotations

from typing import Final

from turnout._core import Catalog, Usage
from turnout.catalog import cost
from turnout.ledger import UsageRow
from turnout.ledger.rollups import DAY_MS, TOKEN_NAMES

__all__ = ["priced_at"]

_UNIT: Final = 1_000


def priced_at(row: UsageRow, model: str, catalog: Catalog, day: int) -> int:
    """What the tokens of a group would have cost at another model, in pico-USD.

    Args:
        row: The group.
        model: The other model, by its full name.
        catalog: Where it is looked up.
        day: Whose prices count.

    Raises:
        MoneyError: A class of tokens that the group used has no price there, or the model is unknown.
    """
    picos = 0
    for name in TOKEN_NAMES:
        tokens = row.sums[name]
        if tokens:
            # Prices are linear below their tiers, and sums of calls are in none: a thousand at a time.
            unit = cost(model, Usage(**{name: _UNIT}), catalog=catalog, at=day * DAY_MS / 1000)
            picos += tokens * unit.usd_picos // _UNIT
    return picos
