"""How the ledger's file is made, opened and guarded, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.schema import VERSION, is_new, prepare

__all__ = ["budget_lock", "check_fork", "database_at", "errors_of", "forked", "open_file", "reading"]

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps a second process away
    fcntl = None  # type: ignore[assignment]

_BUSY_TIMEOUT_MS: Final = 5_000
_CHECKED_BYTES: Final = 32 * 1024 * 1024
"""A file up to this size is checked page by page when it is opened; a larger one would hold up the start."""

_OPEN: Final[dict[str, tuple[int, int]]] = {}
"""Per file: the process whose connections are open, and how many.

SQLite keeps its file locks in the process: a child made by fork believes that it holds those of its parent, and must
not touch such a file, not even over a new connection (sqlite.org/howtocorrupt.html, section 2.6).
"""
_OPEN_LOCK: Final = threading.Lock()


def open_file(path: Path) -> None:
    """Makes the file if there is none, and checks that it is a ledger that can be written.

    Args:
        path: The file, absolute.

    Raises:
        LedgerError: As `Ledger.open`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except PermissionError as error:
        raise _read_only(path) from error
    except OSError as error:
        raise _io(path, error.strerror) from error
    if not os.access(path, os.W_OK, **_EFFECTIVE) or not os.access(path.parent, os.W_OK, **_EFFECTIVE):
        raise _read_only(path)  # SQLite would find out at the first record only
    check_fork(path)
    with errors_of(path), closing(_connect(path)) as database:
        is_new(database, str(path))
    with database_at(path) as database, errors_of(path):
        prepare(database, str(path))
        if path.stat().st_size <= _CHECKED_BYTES:
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _corrupt(path)


@contextmanager
def database_at(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a connection as the ledger wants it, and closes it at the end.

    Args:
        path: The file, absolute.

    Yields:
        A connection in autocommit mode, for the thread that asked.

    Raises:
        LedgerError: If the file cannot be opened.
    """
    check_fork(path)
    with errors_of(path):
        database = _connect(path)
    _note(path, 1)
    try:
        with closing(database):
            with errors_of(path):
                (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
                if mode != "wal":
                    raise _io(path, "its file system does not allow a write-ahead log")
                database.execute("PRAGMA synchronous = FULL")
                database.execute("PRAGMA fullfsync = ON")  # macOS: without it, data may stay in the drive's cache
                database.execute("PRAGMA foreign_keys = ON")
            yield database
    finally:
        _note(path, -1)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a ledger for reading alone; one of an earlier version is brought up to date before.

    Args:
        path: The file.

    Yields:
        A connection that writes nothing.

    Raises:
        LedgerError: There is no such file, or it is no ledger that this version reads.
    """
    where = path.absolute()
    if not where.is_file():
        raise LedgerError("ledger-path", f"there is no ledger `{path}`", "name the file that the router was given")
    check_fork(where)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            where.as_uri() + "?mode=ro", timeout=_BUSY_TIMEOUT_MS / 1000, isolation_level=None, uri=True
        )

    with errors_of(where), closing(connect()) as database:
        if is_new(database, str(where)):
            raise LedgerError("ledger-foreign", f"`{path}` is empty, and no ledger", "name the router's file")
        (version,) = database.execute("PRAGMA user_version").fetchone()
    if version < VERSION:
        open_file(where)
    with errors_of(where), closing(connect()) as database:
        yield database


def budget_lock(path: Path) -> int:
    """Takes the lock of those who count budgets in a ledger: each would not see what the other spends.

    Args:
        path: The ledger's file; the lock is a file beside it.

    Returns:
        The lock, let go when it is closed.

    Raises:
        LedgerError: `ledger-shared` or `ledger-io`.
    """
    beside = Path(f"{path}.budgets")
    try:
        lock = os.open(beside, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise _io(beside, error.strerror) from error
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise LedgerError(
                "ledger-shared",
                f"another router counts budgets in the ledger `{path}`",
                "give each a ledger of its own and a share of the budget, or one process all the calls",
            ) from None
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    # `mode=rw`: a file that has gone is an error, not a new empty ledger.
    uri = path.as_uri() + "?mode=rw"
    return sqlite3.connect(uri, timeout=_BUSY_TIMEOUT_MS / 1000, isolation_level=None, uri=True)


def _note(path: Path, change: int) -> None:
    with _OPEN_LOCK:
        process, count = _OPEN.get(str(path), (os.getpid(), 0))
        if process == os.getpid():
            _OPEN[str(path)] = (process, count + change)


def check_fork(path: Path) -> None:
    """Refuses a file that the parent process had open when it forked this one.

    Args:
        path: The file, absolute.

    Raises:
        LedgerError: `ledger-forked`.
    """
    process, count = _OPEN.get(str(path), (os.getpid(), 0))
    if process != os.getpid():
        if count > 0:
            raise forked(path)
        _OPEN.pop(str(path), None)


def forked(path: Path) -> LedgerError:
    """Returns the error for a ledger that came along in a fork."""
    return LedgerError(
        "ledger-forked",
        f"the ledger `{path}` was in use when this process was forked",
        "fork before the first record, or start workers with `spawn`",
    )


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into ours.

    Args:
        path: The file, for their text.

    Raises:
        LedgerError: For every `sqlite3.Error` inside.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(path, error) from error


def _translated(path: Path, error: sqlite3.Error) -> LedgerError:
    match (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LedgerError(
                "ledger-busy",
                f"another process holds `{path}` for more than {_BUSY_TIMEOUT_MS} ms",
                "look for a program that has the file open in a transaction",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return _read_only(path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _corrupt(path)
        case sqlite3.SQLITE_FULL:
            return LedgerError(
                "ledger-full", f"the disk has no room for `{path}`", "make room; nothing needs a restart"
            )
        case _:
            return _io(path, str(error))


def _read_only(path: Path) -> LedgerError:
    return LedgerError(
        "ledger-read-only",
        f"`{path}` cannot be written, or its folder cannot",
        "SQLite needs to write into the folder too: give this user the right, or choose another path",
    )


def _corrupt(path: Path) -> LedgerError:
    return LedgerError(
        "ledger-corrupt",
        f"`{path}` is damaged, or is no SQLite file",
        f"move it away and start with a new one; `sqlite3 {path.name} .recover` saves what can be read",
    )


def _io(path: Path, reason: str | None) -> LedgerError:
    return LedgerError("ledger-io", f"`{path}` cannot be used: {(reason or 'no reason given').lower()}")


_EFFECTIVE: Final = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
