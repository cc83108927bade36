"""Care of a ledger: is it sound, what is in it, and what is too old.

Promises: `verify` finds pages that are damaged and sums that are not those of the calls; `vacuum` deletes calls of
whole days and keeps the sums of each, so that usage stays complete; a ledger that is in use stays usable meanwhile.
Refuses: to mend, which would hide what happened. A test breaks it with a sum that was changed by hand.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.ledger import store_of
from turnout.ledger.rollups import DAY_MS, DIMENSIONS, MEASURES, sums_of_calls
from turnout.ledger.schema import SELECT_ATTEMPTS, SELECT_CALL, attempt_from, call_from
from turnout.ledger.store import Database, Store

__all__ = ["export", "vacuum", "verify"]

_FROM_DAY: Final = "calls_from_day"
_BATCH: Final = 1_000
"""Calls that are deleted in one transaction: others write between two of them."""


Where = str | os.PathLike[str]
"""A ledger's file, or the address of its database."""


def verify(where: Where) -> list[str]:
    """Looks for what is wrong with a ledger.

    Args:
        where: Its file or its database; nothing is written.

    Returns:
        What is wrong, a sentence each; nothing if it is sound.

    Raises:
        LedgerError: The file is no ledger, or cannot be opened.
    """
    try:
        return _problems(store_of(where))
    except LedgerError as error:
        if error.code != "ledger-corrupt":
            raise
        return [f"damaged: {error.message}"]


def _problems(store: Store) -> list[str]:
    problems = []
    with store.reading() as database, store.errors():
        problems += [f"damaged: {each}" for each in store.verify(database)]
        if problems:
            return problems
        database.execute("BEGIN")  # all of it from one moment
        (orphans,) = database.execute(
            "SELECT COUNT(*) FROM attempts WHERE call_id NOT IN (SELECT id FROM calls)"
        ).fetchone()
        if orphans:
            problems.append(f"{orphans} attempts belong to no call")
        (both,) = database.execute(
            "SELECT COUNT(*) FROM open_attempts WHERE call_id IN (SELECT id FROM calls)"
        ).fetchone()
        if both:
            problems.append(f"{both} attempts are under way in calls that are over")
        from_day = _from_day(database)
        keys = len(DIMENSIONS)
        of_calls = {
            row[:keys]: row[keys:]
            for row in database.execute(sums_of_calls(DIMENSIONS, 0, store.dialect), (from_day * DAY_MS, 2**62))
        }
        kept = {
            row[:keys]: row[keys:]
            for row in database.execute(
                f"SELECT {', '.join((*DIMENSIONS, *MEASURES))} FROM rollups WHERE day >= ?", (from_day,)
            )
        }
        wrong = sorted((key for key in of_calls.keys() | kept.keys() if of_calls.get(key) != kept.get(key)), key=str)
        problems += [
            f"the sums of {dict(zip(DIMENSIONS, key, strict=True))} are not those of the calls" for key in wrong[:20]
        ]
        (torn,) = database.execute(
            "SELECT COUNT(*) FROM calls "
            "WHERE attempts_count <> (SELECT COUNT(*) FROM attempts WHERE call_id = calls.id)"
        ).fetchone()
        if torn:
            problems.append(f"{torn} calls have not as many attempts as they say")
        database.execute("COMMIT")
    return problems


def export(where: Where) -> Iterator[str]:
    """Returns every call with its attempts as a line of JSON, in the order of time: facts and money, no text.

    Args:
        where: The ledger's file or database; nothing is written.

    Raises:
        LedgerError: The file cannot be read.
    """
    store = store_of(where)
    with store.reading() as database, store.errors():
        database.execute("BEGIN")  # calls and attempts from one moment
        for (call_id,) in database.execute("SELECT id FROM calls ORDER BY time_ms, id"):
            row = database.execute(SELECT_CALL, (call_id,)).fetchone()
            attempts = tuple(attempt_from(each) for each in database.execute(SELECT_ATTEMPTS, (call_id,)))
            yield json.dumps(asdict(call_from(row, attempts)), ensure_ascii=True, separators=(",", ":"))


def vacuum(where: Where, keep_days: int | None, today: int) -> int:
    """Deletes calls that are too old, whole days of them, and gives their room back.

    Args:
        where: The ledger's file or database.
        keep_days: How many days of calls to keep, today included; None keeps all.
        today: The day, counted from 1970, UTC.

    Returns:
        How many calls were deleted. The sums of their days, and what budgets spent, stay.

    Raises:
        LedgerError: The file cannot be written.
    """
    store = store_of(where)
    store.open()
    deleted = 0
    with store.writing() as database, store.errors():
        if keep_days is not None:
            first = today - keep_days + 1
            store.begin(database)
            database.execute(
                f"INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
                f"SET value = {store.dialect.most}(settings.value, excluded.value)",
                (_FROM_DAY, first),
            )
            database.execute("COMMIT")
            while True:
                store.begin(database)
                old = database.execute(
                    "SELECT id FROM calls WHERE time_ms < ? LIMIT ?", (first * DAY_MS, _BATCH)
                ).fetchall()
                database.executemany("DELETE FROM attempts WHERE call_id = ?", old)
                database.executemany("DELETE FROM calls WHERE id = ?", old)
                database.execute("COMMIT")
                deleted += len(old)
                if len(old) < _BATCH:
                    break
        store.compact(database)
    return deleted


def _from_day(database: Database) -> int:
    row = database.execute("SELECT value FROM settings WHERE name = ?", (_FROM_DAY,)).fetchone()
    return int(row[0]) if row else 0
