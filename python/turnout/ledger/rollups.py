"""Sums by day, written in the transaction of the call that they add: what `turnout usage` reads.

Promises: the sums are those of the calls, to the pico-dollar, whatever they are grouped by; no sum leaves 64
bits, as dollars are kept in two parts, whole millionths and the rest. Refuses: dimensions that are not in the table. A
test breaks it with a sum that differs from that of the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from turnout.ledger.record import CallRecord, TokenCounts
from turnout.ledger.store import Database, Dialect

__all__ = [
    "DAY_MS",
    "DIMENSIONS",
    "MEASURES",
    "MILLION",
    "ROLLUPS",
    "TOKEN_NAMES",
    "backfill",
    "roll_up",
    "sums_of_calls",
]

DAY_MS: Final = 86_400_000
MILLION: Final = 1_000_000
TOKEN_NAMES: Final = tuple(each.name for each in fields(TokenCounts))
DIMENSIONS: Final = ("day", "model", "rule", "deployment", "provider", "outcome")
_MONEY: Final = ("cost", "strongest", "strongest_of", "failed", "escalated")
"""`strongest_of` is the cost of the calls whose cost at the strongest model is known: the two make the saving."""
_COUNTS: Final = ("calls", "complete_calls", "attempts", "unpriced_calls", "total_ms")
MEASURES: Final = (
    *_COUNTS,
    *TOKEN_NAMES,
    *(f"{name}_{part}" for name in _MONEY for part in ("usd_micros", "rest_picos")),
)

ROLLUPS: Final = f"""CREATE TABLE rollups ({
    ", ".join(
        f"{name} {kind} NOT NULL" for name, kind in (("day", "INTEGER"), *((name, "TEXT") for name in DIMENSIONS[1:]))
    )
}, {", ".join(f"{name} INTEGER NOT NULL" for name in MEASURES)},
    PRIMARY KEY ({", ".join(DIMENSIONS)})) WITHOUT ROWID"""

_UPSERT: Final = f"""INSERT INTO rollups ({", ".join((*DIMENSIONS, *MEASURES))})
    VALUES ({", ".join("?" * (len(DIMENSIONS) + len(MEASURES)))})
    ON CONFLICT ({", ".join(DIMENSIONS)}) DO UPDATE SET {
    ", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in MEASURES)
}"""


def roll_up(database: Database, record: CallRecord) -> None:
    """Adds a call, inside the transaction that is open.

    Args:
        database: With a transaction open.
        record: The call.
    """
    cost, strongest = record.cost_usd_picos, record.strongest_cost_usd_picos
    is_compared = cost is not None and strongest is not None
    money = (
        cost or 0,
        (strongest or 0) if is_compared else 0,
        (cost or 0) if is_compared else 0,
        record.failed_cost_usd_picos,
        record.escalated_cost_usd_picos,
    )
    database.execute(
        _UPSERT,
        (
            record.time_ms // DAY_MS,
            *(getattr(record, name) or "" for name in DIMENSIONS[1:]),
            1,
            int(record.outcome == "complete"),
            len(record.attempts),
            int(cost is None),
            record.total_ms,
            *(getattr(record.usage, name) for name in TOKEN_NAMES),
            *(part for picos in money for part in divmod(picos, MILLION)),
        ),
    )


def _sums() -> tuple[str, ...]:
    compared = "(cost_usd_picos IS NOT NULL AND strongest_cost_usd_picos IS NOT NULL)"
    money = {
        "cost": "COALESCE(cost_usd_picos, 0)",
        "strongest": f"CASE WHEN {compared} THEN strongest_cost_usd_picos ELSE 0 END",
        "strongest_of": f"CASE WHEN {compared} THEN cost_usd_picos ELSE 0 END",
        "failed": "failed_cost_usd_picos",
        "escalated": "escalated_cost_usd_picos",
    }
    sums = [f"SUM({money[name]} {part} {MILLION})" for name in _MONEY for part in ("/", "%")]
    counts = [
        "COUNT(*)",
        "COUNT(*) FILTER (WHERE outcome = 'complete')",
        "SUM(attempts_count)",
        "COUNT(*) FILTER (WHERE cost_usd_picos IS NULL)",
        "SUM(total_ms)",
    ]
    return (*counts, *(f"SUM({name})" for name in TOKEN_NAMES), *sums)


_KEYS: Final = {"day": f"time_ms / {DAY_MS}", **{name: f"COALESCE({name}, '')" for name in DIMENSIONS[1:]}}


def sums_of_calls(by: Sequence[str], tags: int, dialect: Dialect) -> str:
    """Returns the statement that adds calls up by what no table of sums has.

    Args:
        by: Names of `DIMENSIONS`.
        tags: How many values of `meta` follow them; the statement takes their arguments of the dialect, then the first
            millisecond and the first one after the last.
        dialect: Of the database.
    """
    keys = [*(_KEYS[name] for name in by), *([dialect.tag] * tags)]
    places = ", ".join(str(at + 1) for at in range(len(keys)))
    group = f" GROUP BY {places}" if keys else ""
    return f"SELECT {', '.join((*keys, *_sums()))} FROM calls WHERE time_ms >= ? AND time_ms < ?{group}"


def backfill(database: Database) -> None:
    """Adds up all calls of a file that had no sums, inside the transaction that is open."""
    names, keys = ", ".join((*DIMENSIONS, *MEASURES)), list(_KEYS.values())
    values = ", ".join((*keys, *_sums()))
    database.execute(f"INSERT INTO rollups ({names}) SELECT {values} FROM calls GROUP BY {', '.join(keys)}")
