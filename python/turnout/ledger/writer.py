"""The thread that writes: everything that waits goes into one transaction, and each caller is told what became of it.

Promises: a caller is told once its transaction is on disk, or why it is not; what is wrong with one record alone fails
that record alone; nobody waits for a thread that is gone. Refuses: to hold the ledger, which may so be dropped. To
break it, mix a record that cannot be kept among others, or take the store away in the middle.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.store import Database, Store

__all__ = ["Ticket", "Writer", "stop_writer", "tell"]

_MOST_PER_COMMIT: Final = 64
"""Measured in SQLite with FULL: 64 rows a commit write 55 times as many a second as one by one; more adds little."""
_LONGEST_STOP_S: Final = 2.0
"""What is not on disk this long after the interpreter began to end is given up."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one caller wants written.

    Args:
        work: Writes it, inside a transaction.
        name: What it is, in errors.
        written: Whom to tell; None if nobody waits.
    """

    work: Callable[[Database], None]
    name: str
    written: asyncio.Future[None] | concurrent.futures.Future[None] | None = None


def tell(tickets: Sequence[Ticket], errors: Sequence[LedgerError | None]) -> None:
    """Tells who waits: each event loop once for all of its tickets, as waking it is what costs.

    Args:
        tickets: Who.
        errors: What to tell each; None for a success.
    """
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


class Writer:
    """The thread that owns the writing connection.

    Args:
        store: Where it writes.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.process = os.getpid()
        self.queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="turnout-ledger", daemon=True)

    def _run(self) -> None:
        is_open = True
        while is_open:
            first = self.queue.get()
            if first is None:
                return
            try:
                with self.store.writing() as database:
                    is_open = self._serve(database, first)
            except LedgerError as error:  # the store cannot be opened now; the next record tries again
                tell([first], [error])

    def _serve(self, database: Database, first: Ticket) -> bool:
        """Writes until the connection turns out to be useless (True) or the ledger is closed (False)."""
        waiting: list[Ticket] = [first]
        while True:
            stop = False
            with suppress(queue.Empty):
                while len(waiting) < _MOST_PER_COMMIT and not stop:
                    ticket = self.queue.get_nowait()
                    if ticket is None:
                        stop = True
                    else:
                        waiting.append(ticket)
            broken = _commit(database, self.store, waiting)
            if stop:
                return False
            if broken:
                return True
            ticket = self.queue.get()
            if ticket is None:
                return False
            waiting = [ticket]


def _commit(database: Database, store: Store, tickets: list[Ticket]) -> bool:
    """Writes all tickets in one transaction and tells each what became of it; returns whether that failed."""
    results: list[LedgerError | None] = [None] * len(tickets)
    failure: LedgerError | None = None
    try:
        with store.errors():
            if not _write_all(database, store, tickets):
                store.begin(database)
                results = [_write_one(database, store, ticket) for ticket in tickets]
                database.execute("COMMIT")
    except LedgerError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - a caller must never wait for a thread that is gone
        failure = LedgerError("ledger-io", f"`{store.name}` could not be written: {type(error).__name__}")
    if failure is not None:
        _roll_back(database, store)
        results = [failure] * len(tickets)
    tell(tickets, results)
    return failure is not None


def _roll_back(database: Database, store: Store) -> None:
    with suppress(LedgerError), store.errors():  # a full disk may already have ended the transaction
        database.execute("ROLLBACK")


def _write_all(database: Database, store: Store, tickets: list[Ticket]) -> bool:
    """Writes all tickets in one transaction; says whether none of them is at fault. Nothing is written if one is."""
    try:
        with store.together(database):
            store.begin(database)
            for ticket in tickets:
                ticket.work(database)
            database.execute("COMMIT")
    except Exception as error:
        if store.fault(error) is None:
            raise
        _roll_back(database, store)
        return False
    return True


def _write_one(database: Database, store: Store, ticket: Ticket) -> LedgerError | None:
    """Writes one record; what is wrong with it alone does not touch the others of the commit."""
    database.execute("SAVEPOINT one")
    try:
        ticket.work(database)
    except Exception as error:
        fault = store.fault(error)
        if fault is None:
            raise
        database.execute("ROLLBACK TO SAVEPOINT one")
        database.execute("RELEASE SAVEPOINT one")
        if fault == "duplicate":
            return LedgerError("ledger-duplicate", f"`{ticket.name}` is already in `{store.name}`")
        return LedgerError("ledger-record", "the record holds a value that the ledger's database cannot keep")
    database.execute("RELEASE SAVEPOINT one")
    return None


def stop_writer(writer: Writer) -> None:
    """Ends the thread once it has written what waits, at the interpreter's end."""
    if writer.process == os.getpid():
        writer.queue.put(None)
        writer.thread.join(_LONGEST_STOP_S)
