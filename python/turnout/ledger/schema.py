"""The ledger's tables, and what is written to them and read from them, whatever the database.

A ledger of a newer version is refused rather than read wrongly; one of an older version is brought up to date when it
is opened. No table has a column for a prompt or an answer.

An attempt is a row of `open_attempts` while it is under way, from before its answer leaves us; the call's row takes
its place, in the same transaction that adds what it spent to `scope_sums` and the call to `rollups`.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Final

from turnout.ledger.record import AttemptRecord, CallRecord, OpenAttempt, TokenCounts
from turnout.ledger.rollups import ROLLUPS, backfill, roll_up
from turnout.ledger.store import Database, Dialect

__all__ = [
    "GROUPS",
    "SELECT_ATTEMPTS",
    "SELECT_CALL",
    "SLOT_MS",
    "SUMMARY",
    "VERSION",
    "attempt_from",
    "call_from",
    "create",
    "expire",
    "insert_call",
    "insert_open",
    "mark_sent",
    "open_attempts",
    "spent_since",
    "upgrade",
]

VERSION: Final = 4
"""2: attempts keep the computed and the reported cost apart, with the prices that the computed one is of. 3: they keep
what is wrong with their usage, and calls and attempts why their cost is not exact. 4: attempts under way, what scopes
of budgets spent, sums by day, and on calls what failures and escalations cost and what the caller passed."""

SLOT_MS: Final = 60_000
"""What scopes spent is kept by the minute, which no window of a calendar cuts."""

_TOKEN_NAMES: Final = tuple(each.name for each in fields(TokenCounts))
_TOKEN_COLUMNS: Final = dict.fromkeys(_TOKEN_NAMES, "INTEGER NOT NULL DEFAULT 0")
_CALL_NAMES: Final = tuple(each.name for each in fields(CallRecord) if each.name not in ("usage", "attempts"))
_ATTEMPT_NAMES: Final = tuple(each.name for each in fields(AttemptRecord) if each.name not in ("usage", "scopes"))
_OPEN_NAMES: Final = tuple(each.name for each in fields(OpenAttempt) if each.name != "scopes")

_COLUMNS: Final[dict[str, dict[str, str]]] = {
    "calls": {
        "id": "TEXT NOT NULL PRIMARY KEY",
        "time_ms": "INTEGER NOT NULL",
        "policy_hash": "TEXT NOT NULL",
        "catalog_hash": "TEXT NOT NULL",
        "outcome": "TEXT NOT NULL",
        "rule": "TEXT",
        "model": "TEXT",
        "deployment": "TEXT",
        "provider": "TEXT",
        "cost_usd_picos": "INTEGER",
        "expected_cost_p50_usd_picos": "INTEGER",
        "expected_cost_p90_usd_picos": "INTEGER",
        "strongest_cost_usd_picos": "INTEGER",
        "ttft_ms": "INTEGER",
        "total_ms": "INTEGER NOT NULL",
        "facts_json": "TEXT NOT NULL",
        "record_json": "TEXT NOT NULL",
        "attempts_count": "INTEGER NOT NULL",
        "cost_doubt": "TEXT",
        "failed_cost_usd_picos": "INTEGER NOT NULL DEFAULT 0",
        "escalated_cost_usd_picos": "INTEGER NOT NULL DEFAULT 0",
        "meta_json": "TEXT NOT NULL DEFAULT '{}'",
        **_TOKEN_COLUMNS,
    },
    "attempts": {
        "call_id": "TEXT NOT NULL REFERENCES calls (id)",
        "number": "INTEGER NOT NULL",
        "deployment": "TEXT NOT NULL",
        "model": "TEXT NOT NULL",
        "outcome": "TEXT NOT NULL",
        "status": "INTEGER",
        "usage_is_estimated": "INTEGER NOT NULL",
        "cost_usd_picos": "INTEGER",
        "ttft_ms": "INTEGER",
        "total_ms": "INTEGER NOT NULL",
        "message_code": "TEXT",
        "time_ms": "INTEGER",
        "cost_source": "TEXT",
        "computed_cost_usd_picos": "INTEGER",
        "reported_cost_usd_picos": "INTEGER",
        "unpriced": "TEXT",
        "price_from": "TEXT",
        "price_source": "TEXT",
        "price_terms": "TEXT",
        "usage_problem": "TEXT",
        "cost_doubt": "TEXT",
        "state": "TEXT NOT NULL DEFAULT 'settled'",
        "reserved_usd_nanos": "INTEGER",
        "settled_usd_nanos": "INTEGER",
        **_TOKEN_COLUMNS,
    },
}
"""The columns of each table. A column that a later version adds takes NULL or has a default: older files get it too."""


def _table(name: str, rest: str = "") -> str:
    return f"CREATE TABLE {name} ({', '.join(f'{key} {kind}' for key, kind in _COLUMNS[name].items())}{rest}"


_NEW_IN_4: Final = (
    f"""CREATE TABLE open_attempts ({
        ", ".join(
            f"{name} {'INTEGER' if name.endswith(('_ms', '_nanos', '_tokens')) or name == 'number' else 'TEXT'}"
            for name in _OPEN_NAMES
        )
    }, scopes_json TEXT NOT NULL, PRIMARY KEY (call_id, number)) WITHOUT ROWID""",
    "CREATE TABLE scope_sums (scope TEXT NOT NULL, slot_ms INTEGER NOT NULL, usd_nanos INTEGER NOT NULL, "
    "PRIMARY KEY (scope, slot_ms)) WITHOUT ROWID",
    "CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    ROLLUPS,
)
_TABLES: Final = (
    _table("calls", ")"),
    "CREATE INDEX calls_by_time ON calls (time_ms)",
    _table("attempts", ", PRIMARY KEY (call_id, number)) WITHOUT ROWID"),
    *_NEW_IN_4,
)
_META_OF_FACTS: Final = """UPDATE calls SET meta_json = COALESCE((SELECT json_group_object(substr(key, 6), value)
    FROM json_each(facts_json) WHERE key LIKE 'meta.%'), '{}')
    WHERE facts_json LIKE '%"meta.%' AND json_valid(facts_json)"""


def _insert(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


_INSERT_CALL: Final = _insert("calls", (*_CALL_NAMES, "attempts_count", *_TOKEN_NAMES))
_INSERT_OPEN: Final = _insert("open_attempts", (*_OPEN_NAMES, "scopes_json"))
_CLOSE: Final = "DELETE FROM open_attempts WHERE call_id = ?"
_SPEND: Final = (
    "INSERT INTO scope_sums (scope, slot_ms, usd_nanos) VALUES (?, ?, ?) "
    "ON CONFLICT (scope, slot_ms) DO UPDATE SET usd_nanos = scope_sums.usd_nanos + excluded.usd_nanos"
)
_INSERT_ATTEMPT: Final = _insert("attempts", ("call_id", *_ATTEMPT_NAMES, *_TOKEN_NAMES))
SELECT_CALL: Final = f"SELECT {', '.join((*_CALL_NAMES, *_TOKEN_NAMES))} FROM calls WHERE id = ?"
SELECT_ATTEMPTS: Final = (
    f"SELECT {', '.join((*_ATTEMPT_NAMES, *_TOKEN_NAMES))} FROM attempts WHERE call_id = ? ORDER BY number"
)

GROUPS: Final = ("model", "rule", "deployment", "provider", "outcome")
"""What a summary can be grouped by; the statements are made here, once, and nothing else ever becomes SQL."""


def _total(column: str) -> str:
    # SQLite's SUM fails beyond 2^63, which is $9.2M in pico-USD: the halves below and above $0.000001 are added apart.
    return f"COALESCE(SUM({column} / 1000000), 0), COALESCE(SUM({column} % 1000000), 0)"


SUMMARY: Final = {
    by: f"""
SELECT {by}, COUNT(*), COUNT(*) FILTER (WHERE outcome = 'complete'), SUM(attempts_count),
    SUM(input_uncached + cache_read + cache_write_5m + cache_write_1h + cache_write_other + audio_in + image_in),
    SUM(cache_read), SUM(output_text + reasoning + audio_out), COUNT(*) FILTER (WHERE cost_usd_picos IS NULL),
    {_total("cost_usd_picos")}, {_total("(strongest_cost_usd_picos - cost_usd_picos)")}
FROM calls WHERE time_ms >= ? GROUP BY {by} ORDER BY COUNT(*) DESC, {by}"""
    for by in GROUPS
}


def create(database: Database, dialect: Dialect) -> None:
    """Makes the tables, inside the transaction that is open.

    Args:
        database: With a transaction open, and none of the tables.
        dialect: Its dialect.
    """
    for statement in _TABLES:
        database.execute(dialect.ddl(statement))


def upgrade(database: Database, dialect: Dialect, version: int) -> None:
    """Gives tables of an earlier version what they lack, inside the transaction that is open.

    Args:
        database: With a transaction open.
        dialect: Its dialect.
        version: The version that they are of.
    """
    for table, columns in _COLUMNS.items():
        present = dialect.columns(database, table)
        for column in columns.keys() - present:
            database.execute(dialect.ddl(f"ALTER TABLE {table} ADD COLUMN {column} {columns[column]}"))
    if version < 4:  # then it is SQLite, which alone was there so early
        for statement in _NEW_IN_4:
            database.execute(dialect.ddl(statement))
        database.execute(_META_OF_FACTS)
        backfill(database)


def insert_call(database: Database, record: CallRecord) -> None:
    """Writes a call and its attempts, inside the transaction that is open.

    Args:
        database: With a transaction open.
        record: What to write.
    """
    values = (getattr(record, name) for name in _CALL_NAMES)
    database.execute(_INSERT_CALL, (*values, len(record.attempts), *_counts(record.usage)))
    database.executemany(
        _INSERT_ATTEMPT,
        [
            (record.id, *(getattr(attempt, name) for name in _ATTEMPT_NAMES), *_counts(attempt.usage))
            for attempt in record.attempts
        ],
    )
    database.execute(_CLOSE, (record.id,))
    spent = [
        (scope, (attempt.time_ms or record.time_ms) // SLOT_MS * SLOT_MS, attempt.settled_usd_nanos)
        for attempt in record.attempts
        if attempt.settled_usd_nanos
        for scope in attempt.scopes
    ]
    if spent:
        database.executemany(_SPEND, spent)
    roll_up(database, record)


def insert_open(database: Database, attempt: OpenAttempt) -> None:
    """Writes an attempt that begins, inside the transaction that is open.

    Args:
        database: With a transaction open.
        attempt: What to write.
    """
    values = (getattr(attempt, name) for name in _OPEN_NAMES)
    database.execute(_INSERT_OPEN, (*values, json.dumps(attempt.scopes, ensure_ascii=False)))


def mark_sent(database: Database, call_id: str, number: int) -> None:
    """Notes that an attempt was sent, inside the transaction that is open."""
    database.execute("UPDATE open_attempts SET state = 'sent' WHERE call_id = ? AND number = ?", (call_id, number))


def open_attempts(database: Database, until_ms: int | None = None) -> list[OpenAttempt]:
    """Returns the attempts that are under way, or whose process is gone.

    Args:
        database: Any connection.
        until_ms: Only those whose lease is over then.
    """
    rows = database.execute(
        f"SELECT {', '.join(_OPEN_NAMES)}, scopes_json FROM open_attempts "
        "WHERE CAST(? AS BIGINT) IS NULL OR lease_until_ms <= ? ORDER BY call_id, number",
        (until_ms, until_ms),
    )
    return [OpenAttempt(**dict(zip(_OPEN_NAMES, row, strict=False)), scopes=tuple(json.loads(row[-1]))) for row in rows]


def expire(database: Database, now_ms: int) -> list[OpenAttempt]:
    """Settles what was under way in processes that are gone at what it held, inside the transaction that is open.

    Args:
        database: With a transaction open.
        now_ms: Leases that end by then are over.

    Returns:
        What was settled; a call of each.
    """
    lost = open_attempts(database, now_ms)
    calls: dict[str, list[OpenAttempt]] = {}
    for each in lost:
        calls.setdefault(each.call_id, []).append(each)
    for call_id, attempts in calls.items():
        insert_call(database, _lost_call(call_id, attempts))
    return lost


def _lost_call(call_id: str, attempts: list[OpenAttempt]) -> CallRecord:
    last = attempts[-1]
    records = tuple(
        AttemptRecord(
            number=each.number,
            deployment=each.deployment,
            model=each.model,
            outcome="lost",
            usage=TokenCounts(input_uncached=each.input_tokens, output_text=each.output_tokens),
            usage_is_estimated=True,
            cost_usd_picos=each.reserved_usd_nanos * 1000 if each.reserved_usd_nanos < _MOST_NANOS else None,
            time_ms=each.time_ms,
            state="expired",
            reserved_usd_nanos=each.reserved_usd_nanos,
            settled_usd_nanos=each.reserved_usd_nanos if each.scopes else None,
            scopes=each.scopes,
        )
        for each in attempts
    )
    costs = [each.cost_usd_picos for each in records]
    cost = None if None in costs else sum(each for each in costs if each is not None)
    return CallRecord(
        id=call_id,
        time_ms=attempts[0].time_ms,
        policy_hash=last.policy_hash,
        catalog_hash=last.catalog_hash,
        outcome="lost",
        rule=last.rule,
        model=last.model,
        deployment=last.deployment,
        provider=last.provider,
        usage=TokenCounts(
            input_uncached=sum(each.input_tokens for each in attempts),
            output_text=sum(each.output_tokens for each in attempts),
        ),
        cost_usd_picos=cost,
        attempts=records,
        failed_cost_usd_picos=cost or 0,
    )


_MOST_NANOS: Final = 2**63 // 1000
"""What is reserved of an unknown price is more than any cost."""


def spent_since(database: Database, from_ms: int) -> list[tuple[str, int, int]]:
    """Returns what scopes of budgets spent: scope, the minute in milliseconds since 1970, nano-USD.

    Args:
        database: Any connection.
        from_ms: From this time on.
    """
    return database.execute(
        "SELECT scope, slot_ms, usd_nanos FROM scope_sums WHERE slot_ms >= ?", (from_ms // SLOT_MS * SLOT_MS,)
    ).fetchall()


def _counts(usage: TokenCounts) -> tuple[int, ...]:
    return tuple(getattr(usage, name) for name in _TOKEN_NAMES)


def call_from(row: tuple[object, ...], attempts: tuple[AttemptRecord, ...]) -> CallRecord:
    """Builds a call from a row of `SELECT_CALL`."""
    values = dict(zip((*_CALL_NAMES, *_TOKEN_NAMES), row, strict=True))
    usage = TokenCounts(**{name: values.pop(name) for name in _TOKEN_NAMES})  # type: ignore[arg-type]  # typed by the table
    return CallRecord(**values, usage=usage, attempts=attempts)  # type: ignore[arg-type]  # typed by the table


def attempt_from(row: tuple[object, ...]) -> AttemptRecord:
    """Builds an attempt from a row of `SELECT_ATTEMPTS`."""
    values = dict(zip((*_ATTEMPT_NAMES, *_TOKEN_NAMES), row, strict=True))
    usage = TokenCounts(**{name: values.pop(name) for name in _TOKEN_NAMES})  # type: ignore[arg-type]  # typed by the table
    values["usage_is_estimated"] = bool(values["usage_is_estimated"])
    return AttemptRecord(**values, usage=usage)  # type: ignore[arg-type]  # typed by the table
