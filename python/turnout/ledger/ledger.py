"""The ledger: one writer thread, many records a commit, in a SQLite file or in Postgres.

Promises: `append` returns once the record is on disk, so an acknowledged record outlives a kill and a power cut; a call
is kept whole or not at all; records of callers on any loop or thread share commits; a full disk fails those records
only, and the next ones work when there is room; an attempt that was begun is kept until its call is, and is settled at
what it held if its process is gone. Refuses: files of other programs and tables of newer versions, the same call twice,
and use across a fork. To break it, kill the process after an acknowledgement and look for the row.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Self

from turnout.errors import LedgerError
from turnout.ledger.record import CallRecord, OpenAttempt, SummaryRow
from turnout.ledger.schema import (
    SELECT_ATTEMPTS,
    SELECT_CALL,
    SUMMARY,
    attempt_from,
    call_from,
    expire,
    insert_call,
    insert_open,
    mark_sent,
    open_attempts,
    spent_since,
)
from turnout.ledger.sqlite import SqliteStore, forked
from turnout.ledger.store import Database, Store
from turnout.ledger.writer import Ticket, Writer, stop_writer

__all__ = ["Ledger", "store_of"]

_MILLION: Final = 1_000_000
_POSTGRES: Final = re.compile(r"postgres(ql)?://")


def store_of(where: str | os.PathLike[str], schema: str = "turnout") -> Store:
    """Returns the store that a name names; nothing is opened.

    Args:
        where: A file, or the address of a Postgres database: `postgresql://user@host/database`.
        schema: The schema of that database.

    Raises:
        LedgerError: `ledger-path`, or `extra-missing`: the extra `postgres` is not installed.
    """
    text = str(where)
    if _POSTGRES.match(text):
        from turnout.ledger.postgres import PostgresStore

        return PostgresStore(text, schema)
    if text == ":memory:" or text.startswith("file:"):
        raise LedgerError(
            "ledger-path", f"`{text}` is a name of SQLite's, and no file", "give a file's path; nothing else lasts"
        )
    return SqliteStore(Path(where))


class Ledger:
    """A ledger; shared by all threads and event loops of one process.

    Make one with `Ledger.open`. The store is not touched between `open` and the first record, so a ledger that is
    opened before a server forks its workers works in each of them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._writer: Writer | None = None
        self._stop: weakref.finalize[..., Ledger] | None = None
        self._is_closed = False

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, schema: str = "turnout") -> Ledger:
        """Opens a ledger, and makes it if there is none.

        Args:
            path: The file, which only its owner may read; folders above it are made. Or the address of a Postgres
                database (extra `postgres`): `postgresql://user@host/database`.
            schema: The schema of that database; made if there is none.

        Returns:
            The ledger.

        Raises:
            LedgerError: `ledger-path`, `ledger-read-only`, `ledger-corrupt`, `ledger-foreign`, `ledger-newer`,
                `ledger-busy`, `ledger-forked`, `ledger-unreachable`, `extra-missing` or `ledger-io`.
        """
        store = store_of(path, schema)
        store.open()
        return cls(store)

    @property
    def store(self) -> Store:
        """Where its rows are."""
        return self._store

    @property
    def name(self) -> str:
        """The file, or the database without a password."""
        return self._store.name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def append(self, record: CallRecord) -> None:
        """Writes a record; returns once it is on disk. A caller that is cancelled meanwhile does not stop it.

        Args:
            record: A call with all its attempts.

        Raises:
            LedgerError: `ledger-duplicate`, `ledger-record`, `ledger-full`, `ledger-busy`, `ledger-closed`,
                `ledger-forked` or `ledger-io`; the record is not in the ledger then.
        """
        await self.write(record)

    def write(self, record: CallRecord) -> asyncio.Future[None]:
        """Writes a record, and says when it is on disk; for those who go on meanwhile.

        Args:
            record: A call with all its attempts, which are no longer under way then.

        Returns:
            Done once it is on disk; raises what `append` raises. Nobody needs to ask it.
        """
        return self._written(lambda database: insert_call(database, record), record.id)

    def begin(self, attempt: OpenAttempt) -> asyncio.Future[None]:
        """Writes an attempt that begins, and says when it is on disk.

        Args:
            attempt: What is known of it.

        Returns:
            As `write`.
        """
        return self._written(lambda database: insert_open(database, attempt), attempt.id)

    def mark_sent(self, attempt: OpenAttempt) -> asyncio.Future[None]:
        """Notes that an attempt was sent; as `write`."""
        return self._written(lambda database: mark_sent(database, attempt.call_id, attempt.number), attempt.id)

    def expire(self, now_ms: int) -> list[OpenAttempt]:
        """Settles attempts whose process is gone at what they held.

        Args:
            now_ms: Leases that end by then are over, in milliseconds since 1970.

        Returns:
            Those attempts; each is in a call with the outcome `lost` now.

        Raises:
            LedgerError: As `append`.
        """
        lost: list[OpenAttempt] = []

        def work(database: Database) -> None:
            lost[:] = expire(database, now_ms)  # anew, where the commit is tried again

        self._wait(work, "lost")
        return lost

    def own_budgets(self) -> int:
        """Keeps every other router, of this process and of others, from counting budgets in this file.

        Returns:
            A lock, let go by `os.close`, or with its process.

        Raises:
            LedgerError: `ledger-shared` if another one does, `ledger-io`.
        """
        if not isinstance(self._store, SqliteStore):
            raise LedgerError("ledger-shared", f"no process counts budgets in `{self.name}` alone")
        return self._store.budget_lock()

    def expire_soon(self, now_ms: int) -> None:
        """As `expire`, without waiting for it."""

        def work(database: Database) -> None:
            expire(database, now_ms)

        self._enqueue(Ticket(work, "lost"))

    def open_attempts(self) -> list[OpenAttempt]:
        """Returns the attempts that are under way in any process, or were when theirs ended.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with self._reading() as database:
            return open_attempts(database)

    def spent_since(self, from_ms: int) -> list[tuple[str, int, int]]:
        """Returns what scopes of budgets spent: scope, the minute in milliseconds since 1970, nano-USD.

        Args:
            from_ms: From this time on.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with self._reading() as database:
            return spent_since(database, from_ms)

    @contextmanager
    def _reading(self) -> Iterator[Database]:
        with self._store.reading() as database, self._store.errors():
            yield database

    def _written(self, work: Callable[[Database], None], name: str) -> asyncio.Future[None]:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Who does not ask is not told twice: the failure is in the log of whoever needs the row.
        written.add_done_callback(_asked)
        self._enqueue(Ticket(work, name, written))
        return written

    def append_sync(self, record: CallRecord) -> None:
        """Writes a record from code without an event loop; returns once it is on disk.

        Args:
            record: A call with all its attempts.

        Raises:
            LedgerError: As `append`.
        """
        self._wait(lambda database: insert_call(database, record), record.id)

    def _wait(self, work: Callable[[Database], None], name: str) -> None:
        written: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._enqueue(Ticket(work, name, written))
        written.result()

    async def close(self) -> None:
        """Writes what waits and lets the file go; may be called twice."""
        await asyncio.to_thread(self.close_sync)

    def close_sync(self) -> None:
        """Writes what waits and lets the file go; may be called twice."""
        with self._lock:
            self._is_closed = True
            writer, self._writer = self._writer, None
        if writer is not None and writer.process == os.getpid():
            writer.queue.put(None)
            writer.thread.join()
            if self._stop is not None:
                self._stop.detach()

    def count(self) -> int:
        """Returns how many calls the ledger holds.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with self._reading() as database:
            (calls,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
            return int(calls)

    def get(self, call_id: str) -> CallRecord | None:
        """Returns one call with its attempts, or None if it is not there.

        Args:
            call_id: The record's id.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with self._reading() as database:
            database.execute("BEGIN")  # call and attempts from one moment
            row = database.execute(SELECT_CALL, (call_id,)).fetchone()
            if row is None:
                return None
            attempts = tuple(attempt_from(each) for each in database.execute(SELECT_ATTEMPTS, (call_id,)))
            database.execute("COMMIT")
            return call_from(row, attempts)

    def summary(
        self, by: Literal["model", "rule", "deployment", "provider", "outcome"] = "model", since_ms: int = 0
    ) -> list[SummaryRow]:
        """Adds the calls up.

        Args:
            by: What to group by.
            since_ms: Calls from this time on only, in milliseconds since 1970.

        Returns:
            One row a group, the one with the most calls first.

        Raises:
            LedgerError: `ledger-record` for another grouping; others if the file cannot be read.
        """
        statement = SUMMARY.get(by)
        if statement is None:
            raise LedgerError("ledger-record", f"a summary by `{by}` is not known", f"group by {', '.join(SUMMARY)}")
        with self._reading() as database:
            rows = database.execute(statement, (since_ms,)).fetchall()
        return [
            SummaryRow(
                key=row[0],
                calls=row[1],
                complete_calls=row[2],
                attempts=row[3],
                input_tokens=row[4],
                cached_tokens=row[5],
                output_tokens=row[6],
                unpriced_calls=row[7],
                cost_usd_picos=row[8] * _MILLION + row[9],
                saved_usd_picos=row[10] * _MILLION + row[11],
            )
            for row in rows
        ]

    def _enqueue(self, ticket: Ticket) -> None:
        with self._lock:
            if self._is_closed:
                raise LedgerError("ledger-closed", f"the ledger `{self.name}` is closed")
            if self._writer is None:
                self._store.check_fork()
                self._writer = Writer(self._store)
                # At the interpreter's end, or when the ledger is dropped unclosed, what waits is still written.
                self._stop = weakref.finalize(self, stop_writer, self._writer)
                self._writer.thread.start()
            elif self._writer.process != os.getpid():
                raise forked(self.name)
            self._writer.queue.put(ticket)


def _asked(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        written.exception()
