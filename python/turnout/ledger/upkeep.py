"""Care of a ledger's file: is it sound, what is in it, and what is too old.

Promises: `verify` finds pages that are damaged and sums that are not those of the calls; `vacuum` deletes calls of
whole days and keeps the sums of each, so that usage stays complete; a file that is in use stays usable meanwhile.
Refuses: to mend, which would hide what happened. A test breaks it with a sum that was changed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.file import database_at, errors_of, open_file, reading
from turnout.ledger.rollups import DAY_MS, DIMENSIONS, MEASURES, sums_of_calls
from turnout.ledger.schema import SELECT_ATTEMPTS, SELECT_CALL, attempt_from, call_from

__all__ = ["export", "vacuum", "verify"]

_FROM_DAY: Final = "calls_from_day"
_BATCH: Final = 1_000
"""Calls that are deleted in one transaction: others write between two of them."""


def verify(path: Path) -> list[str]:
    """Looks for what is wrong with a ledger.

    Args:
        path: Its file; nothing is written.

    Returns:
        What is wrong, a sentence each; nothing if it is sound.

    Raises:
        LedgerError: The file is no ledger, or cannot be opened.
    """
    try:
        return _problems(path)
    except LedgerError as error:
        if error.code != "ledger-corrupt":
            raise
        return [f"damaged: {error.message}"]


def _problems(path: Path) -> list[str]:
    problems = []
    with reading(path) as database, errors_of(path):
        problems += [f"damaged: {row[0]}" for row in database.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
        if problems:
            return problems
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
            row[:keys]: row[keys:] for row in database.execute(sums_of_calls(DIMENSIONS, 0), (from_day * DAY_MS, 2**62))
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
            "SELECT COUNT(*) FROM calls WHERE attempts_count <> (SELECT COUNT(*) FROM attempts WHERE call_id = id)"
        ).fetchone()
        if torn:
            problems.append(f"{torn} calls have not as many attempts as they say")
    return problems


def export(path: Path) -> Iterator[str]:
    """Returns every call with its attempts as a line of JSON, in the order of time: facts and money, no text.

    Args:
        path: The ledger's file; nothing is written.

    Raises:
        LedgerError: The file cannot be read.
    """
    with reading(path) as database, errors_of(path):
        database.execute("BEGIN")  # calls and attempts from one moment
        for (call_id,) in database.execute("SELECT id FROM calls ORDER BY time_ms, id"):
            row = database.execute(SELECT_CALL, (call_id,)).fetchone()
            attempts = tuple(attempt_from(each) for each in database.execute(SELECT_ATTEMPTS, (call_id,)))
            yield json.dumps(asdict(call_from(row, attempts)), ensure_ascii=True, separators=(",", ":"))


def vacuum(path: Path, keep_days: int | None, today: int) -> int:
    """Deletes calls that are too old, whole days of them, and gives their room back.

    Args:
        path: The ledger's file.
        keep_days: How many days of calls to keep, today included; None keeps all.
        today: The day, counted from 1970, UTC.

    Returns:
        How many calls were deleted. The sums of their days, and what budgets spent, stay.

    Raises:
        LedgerError: The file cannot be written.
    """
    open_file(path.absolute())
    deleted = 0
    with database_at(path.absolute()) as database, errors_of(path):
        if keep_days is not None:
            first = today - keep_days + 1
            database.execute(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = MAX(value, excluded.value)",
                (_FROM_DAY, first),
            )
            while True:
                database.execute("BEGIN IMMEDIATE")
                old = database.execute(
                    "SELECT id FROM calls WHERE time_ms < ? LIMIT ?", (first * DAY_MS, _BATCH)
                ).fetchall()
                database.executemany("DELETE FROM attempts WHERE call_id = ?", old)
                database.executemany("DELETE FROM calls WHERE id = ?", old)
                database.execute("COMMIT")
                deleted += len(old)
                if len(old) < _BATCH:
                    break
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def _from_day(database: object) -> int:
    row = database.execute("SELECT value FROM settings WHERE name = ?", (_FROM_DAY,)).fetchone()  # type: ignore[attr-defined]
    return int(row[0]) if row else 0
