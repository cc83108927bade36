"""The embedded ledger: a SQLite file in WAL mode, one writer thread, many records a commit.

Promises: `append` returns once the record is on disk (synchronous=FULL), so an acknowledged record outlives a kill
and a power cut; a call is kept whole or not at all; records of callers on any loop or thread share commits; a full
disk fails those records only, and the next ones work when there is room; an attempt that was begun is kept until its
call is, and is settled at what it held if its process is gone. Refuses: files of other programs and of
newer versions, the same call twice, and use across a fork. To break it, kill the process after an acknowledgement and
look for the row.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from turnout.errors import LedgerError
from turnout.ledger.file import budget_lock, check_fork, database_at, errors_of, forked, open_file
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

__all__ = ["Ledger"]

_MOST_PER_COMMIT: Final = 64
"""Measured with FULL: 64 rows a commit write 55 times as many rows a second as one by one; more adds little."""
_MILLION: Final = 1_000_000
_LONGEST_STOP_S: Final = 2.0
"""What is not on disk this long after the interpreter began to end is given up."""


class Ledger:
    """A ledger file; shared by all threads and event loops of one process.

    Make one with `Ledger.open`. The file is not touched between `open` and the first record, so a ledger that is opened
    before a server forks its workers works in each of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._writer: _Writer | None = None
        self._stop: weakref.finalize[..., Ledger] | None = None
        self._is_closed = False

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Ledger:
        """Opens a ledger, and makes the file, readable by its owner only, if there is none.

        Args:
            path: The file; folders above it are made.

        Returns:
            The ledger.

        Raises:
            LedgerError: `ledger-path`, `ledger-read-only`, `ledger-corrupt`, `ledger-foreign`, `ledger-newer`,
                `ledger-busy`, `ledger-forked` or `ledger-io`.
        """
        if str(path) == ":memory:" or str(path).startswith("file:"):
            raise LedgerError(
                "ledger-path", f"`{path}` is a name of SQLite's, and no file", "give a file's path; nothing else lasts"
            )
        where = Path(path).absolute()
        open_file(where)
        return cls(where)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

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

        def work(database: sqlite3.Connection) -> None:
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
        return budget_lock(self._path)

    def expire_soon(self, now_ms: int) -> None:
        """As `expire`, without waiting for it."""

        def work(database: sqlite3.Connection) -> None:
            expire(database, now_ms)

        self._enqueue(_Ticket(work, "lost"))

    def open_attempts(self) -> list[OpenAttempt]:
        """Returns the attempts that are under way in any process, or were when theirs ended.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with database_at(self._path) as database, errors_of(self._path):
            return open_attempts(database)

    def spent_since(self, from_ms: int) -> list[tuple[str, int, int]]:
        """Returns what scopes of budgets spent: scope, the minute in milliseconds since 1970, nano-USD.

        Args:
            from_ms: From this time on.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with database_at(self._path) as database, errors_of(self._path):
            return spent_since(database, from_ms)

    def _written(self, work: Callable[[sqlite3.Connection], None], name: str) -> asyncio.Future[None]:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Who does not ask is not told twice: the failure is in the log of whoever needs the row.
        written.add_done_callback(_asked)
        self._enqueue(_Ticket(work, name, written))
        return written

    def append_sync(self, record: CallRecord) -> None:
        """Writes a record from code without an event loop; returns once it is on disk.

        Args:
            record: A call with all its attempts.

        Raises:
            LedgerError: As `append`.
        """
        self._wait(lambda database: insert_call(database, record), record.id)

    def _wait(self, work: Callable[[sqlite3.Connection], None], name: str) -> None:
        written: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._enqueue(_Ticket(work, name, written))
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
        with database_at(self._path) as database, errors_of(self._path):
            (calls,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
            return int(calls)

    def get(self, call_id: str) -> CallRecord | None:
        """Returns one call with its attempts, or None if it is not there.

        Args:
            call_id: The record's id.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with database_at(self._path) as database, errors_of(self._path):
            database.execute("BEGIN")  # call and attempts from one moment
            row = database.execute(SELECT_CALL, (call_id,)).fetchone()
            if row is None:
                return None
            attempts = tuple(attempt_from(each) for each in database.execute(SELECT_ATTEMPTS, (call_id,)))
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
        with database_at(self._path) as database, errors_of(self._path):
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

    def _enqueue(self, ticket: _Ticket) -> None:
        with self._lock:
            if self._is_closed:
                raise LedgerError("ledger-closed", f"the ledger `{self._path}` is closed")
            if self._writer is None:
                check_fork(self._path)
                self._writer = _Writer(self._path)
                # At the interpreter's end, or when the ledger is dropped unclosed, what waits is still written.
                self._stop = weakref.finalize(self, _stop_writer, self._writer)
                self._writer.thread.start()
            elif self._writer.process != os.getpid():
                raise forked(self._path)
            self._writer.queue.put(ticket)


@dataclass(frozen=True, slots=True)
class _Ticket:
    work: Callable[[sqlite3.Connection], None]
    name: str
    written: asyncio.Future[None] | concurrent.futures.Future[None] | None = None


def _asked(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        written.exception()


def _tell(tickets: Sequence[_Ticket], errors: Sequence[LedgerError | None]) -> None:
    """Tells who waits: each event loop once for all of its tickets, as waking it is what costs."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], LedgerError | None]]] = {}
    for ticket, error in zip(tickets, errors, strict=True):
        written = ticket.written
        if isinstance(written, asyncio.Future):
            by_loop.setdefault(written.get_loop(), []).append((written, error))
        elif written is not None:
            written.set_result(None) if error is None else written.set_exception(error)
    for loop, done in by_loop.items():
        with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            loop.call_soon_threadsafe(_settle, done)


def _settle(done: Sequence[tuple[asyncio.Future[None], LedgerError | None]]) -> None:
    for written, error in done:
        if not written.done():
            written.set_result(None) if error is None else written.set_exception(error)


class _Writer:
    """The thread that owns the writing connection; it holds no reference to the ledger, which may so be dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process = os.getpid()
        self.queue: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="turnout-ledger", daemon=True)

    def _run(self) -> None:
        is_open = True
        while is_open:
            first = self.queue.get()
            if first is None:
                return
            try:
                with database_at(self.path) as database:
                    is_open = self._serve(database, first)
            except LedgerError as error:  # the file cannot be opened now; the next record tries again
                _tell([first], [error])

    def _serve(self, database: sqlite3.Connection, first: _Ticket) -> bool:
        """Writes until the connection turns out to be useless (True) or the ledger is closed (False)."""
        waiting: list[_Ticket] = [first]
        while True:
            stop = False
            with suppress(queue.Empty):
                while len(waiting) < _MOST_PER_COMMIT and not stop:
                    ticket = self.queue.get_nowait()
                    if ticket is None:
                        stop = True
                    else:
                        waiting.append(ticket)
            broken = _commit(database, self.path, waiting)
            if stop:
                return False
            if broken:
                return True
            ticket = self.queue.get()
            if ticket is None:
                return False
            waiting = [ticket]


def _commit(database: sqlite3.Connection, path: Path, tickets: list[_Ticket]) -> bool:
    """Writes all tickets in one transaction and tells each what became of it; returns whether that failed."""
    results: list[LedgerError | None] = [None] * len(tickets)
    failure: LedgerError | None = None
    try:
        with errors_of(path):
            if not _write_all(database, tickets):
                database.execute("BEGIN IMMEDIATE")
                results = [_write_one(database, path, ticket) for ticket in tickets]
                database.execute("COMMIT")
    except LedgerError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - a caller must never wait for a thread that is gone
        failure = LedgerError("ledger-io", f"`{path}` could not be written: {type(error).__name__}")
    if failure is not None:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        results = [failure] * len(tickets)
    _tell(tickets, results)
    return failure is not None


_OF_ONE: Final = (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError, UnicodeEncodeError)
"""What is wrong with one record, and not with the file."""


def _write_all(database: sqlite3.Connection, tickets: list[_Ticket]) -> bool:
    """Writes all tickets in one transaction; says whether none of them is at fault. Nothing is written if one is."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for ticket in tickets:
            ticket.work(database)
    except _OF_ONE:
        database.execute("ROLLBACK")
        return False
    database.execute("COMMIT")
    return True


def _write_one(database: sqlite3.Connection, path: Path, ticket: _Ticket) -> LedgerError | None:
    """Writes one record; what is wrong with it alone does not touch the others of the commit."""
    database.execute("SAVEPOINT one")
    try:
        ticket.work(database)
    except sqlite3.IntegrityError:
        database.execute("ROLLBACK TO one")
        return LedgerError("ledger-duplicate", f"`{ticket.name}` is already in `{path}`")
    except (OverflowError, UnicodeEncodeError, sqlite3.ProgrammingError):
        database.execute("ROLLBACK TO one")
        return LedgerError("ledger-record", "the record holds a value that SQLite cannot keep")
    finally:
        with suppress(sqlite3.OperationalError):  # a full disk may already have ended the transaction
            database.execute("RELEASE one")
    return None


def _stop_writer(writer: _Writer) -> None:
    if writer.process == os.getpid():
        writer.queue.put(None)
        writer.thread.join(_LONGEST_STOP_S)
