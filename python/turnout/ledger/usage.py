"""What calls used and cost, added up by any dimensions.

Promises: sums are exact, to the pico-dollar, and those of any grouping add up to the whole; days are UTC; what a
built-in dimension asks for is read from the sums of each day, a value of `meta` from the calls. Refuses: to guess what
an unknown price would have cost. A test breaks it with a grouping whose rows do not add up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.ledger import Ledger, store_of
from turnout.ledger.rollups import DAY_MS, DIMENSIONS, MEASURES, MILLION, sums_of_calls

__all__ = ["UsageRow", "total_of", "usage"]

_META: Final = re.compile(r"meta\.[A-Za-z][A-Za-z0-9_.-]{0,63}")
_INPUT: Final = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_other")


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The calls of one group.

    Args:
        key: What they have in common, in the order that was asked for; a day as its number since 1970.
        sums: By measure, of `turnout.ledger.rollups`.
    """

    key: tuple[str | int | None, ...]
    sums: Mapping[str, int]

    def count(self, name: str) -> int:
        """A count, such as `calls` or `reasoning`."""
        return self.sums[name]

    def picos(self, name: str) -> int:
        """An amount in pico-USD, such as `cost`."""
        return self.sums[f"{name}_usd_micros"] * MILLION + self.sums[f"{name}_rest_picos"]

    @property
    def cost_usd_picos(self) -> int:
        """What the calls cost, as far as prices are known."""
        return self.picos("cost")

    @property
    def saved_usd_picos(self) -> int:
        """What the policy's strongest model would have cost more, where both are known; may be negative."""
        return self.picos("strongest") - self.picos("strongest_of")

    @property
    def input_tokens(self) -> int:
        """All input tokens, cached or not."""
        return sum(self.sums[name] for name in (*_INPUT, "audio_in", "image_in"))

    @property
    def output_tokens(self) -> int:
        """All output tokens, thinking included."""
        return sum(self.sums[name] for name in ("output_text", "reasoning", "audio_out"))


def usage(
    ledger: str | os.PathLike[str] | Ledger,
    by: Sequence[str] = ("model",),
    *,
    from_day: int | None = None,
    to_day: int | None = None,
) -> list[UsageRow]:
    """Adds up the calls of a ledger.

    Args:
        ledger: Its file or its database; nothing is written.
        by: Dimensions: `day`, `model`, `rule`, `deployment`, `provider`, `outcome`, or a value of `meta`, such as
            `meta.team`. None gives one row.
        from_day: The first day, counted from 1970, UTC.
        to_day: The last day.

    Returns:
        A row a group, those that cost most first; with `day` first, in the order of days.

    Raises:
        LedgerError: `ledger-record` for another dimension; others if the file cannot be read.
    """
    wrong = [name for name in by if name not in DIMENSIONS and not _META.fullmatch(name)]
    if wrong or len(set(by)) != len(by):
        what = f"usage by `{wrong[0]}` is not known" if wrong else "a dimension is named twice"
        raise LedgerError("ledger-record", what, f"{', '.join(DIMENSIONS)}, or a value of `meta`, such as meta.team")
    bounds = (-(2**62) // DAY_MS if from_day is None else from_day, 2**62 // DAY_MS if to_day is None else to_day)
    tags = [name for name in by if name.startswith("meta.")]
    store = ledger.store if isinstance(ledger, Ledger) else store_of(ledger)
    if tags:
        dialect = store.dialect
        statement = sums_of_calls([name for name in by if name not in tags], len(tags), dialect)
        arguments: tuple[object, ...] = (
            *(dialect.tag_argument(name.removeprefix("meta.")) for name in tags),
            bounds[0] * DAY_MS,
            (bounds[1] + 1) * DAY_MS,
        )
        order = [*(name for name in by if name not in tags), *tags]
    else:
        keys = "".join(f"{name}, " for name in by)
        sums = ", ".join(f"COALESCE(SUM({name}), 0)" for name in MEASURES)
        group = f" GROUP BY {', '.join(by)}" if by else ""
        statement = f"SELECT {keys}{sums} FROM rollups WHERE day BETWEEN ? AND ?{group}"
        arguments, order = bounds, list(by)
    with store.reading() as database, store.errors():
        found = database.execute(statement, arguments).fetchall()
    places = [order.index(name) for name in by]
    rows = [
        UsageRow(
            tuple(row[place] if row[place] != "" else None for place in places),
            dict(zip(MEASURES, row[len(by) :], strict=True)),
        )
        for row in found
    ]
    if by and by[0] == "day":
        return sorted(rows, key=lambda row: tuple(str(each) if at else each for at, each in enumerate(row.key)))
    return sorted(rows, key=lambda row: (-row.cost_usd_picos, tuple(map(str, row.key))))


def total_of(rows: Iterable[UsageRow]) -> UsageRow:
    """Returns the sum of rows."""
    sums = dict.fromkeys(MEASURES, 0)
    for row in rows:
        for name, value in row.sums.items():
            sums[name] += value
    return UsageRow((), sums)
