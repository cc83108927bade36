"""A ledger in a SQLite file: how it is made, recognised, opened and guarded, and what its errors mean.

`application_id` says that a file is ours, `user_version` which tables it has. Promises: WAL and synchronous=FULL, so
that a commit outlives a kill and a power cut; a file of another program, or of a newer version, stays as it is. To
break it, open what is no ledger, fork while it is open, or let two versions write.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.schema import VERSION, create, upgrade
from turnout.ledger.store import Database, Dialect, Fault, newer

__all__ = ["APPLICATION_ID", "SqliteStore"]

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps a second process away
    fcntl = None  # type: ignore[assignment]

APPLICATION_ID: Final = 0x5475726E
"""`Turn` in ASCII."""

_BUSY_TIMEOUT_MS: Final = 5_000
_CHECKED_BYTES: Final = 32 * 1024 * 1024
"""A file up to this size is checked page by page when it is opened; a larger one would hold up the start."""

_OPEN: Final[dict[str, tuple[int, int]]] = {}
"""Per file: the process whose connections are open, and how many.

SQLite keeps its file locks in the process: a child made by fork believes that it holds those of its parent, and must
not touch such a file, not even over a new connection (sqlite.org/howtocorrupt.html, section 2.6).
"""
_OPEN_LOCK: Final = threading.Lock()


def _columns(database: Database, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


_DIALECT: Final = Dialect(
    ddl=str,
    columns=_columns,
    tag="CAST(json_extract(meta_json, ?) AS TEXT)",
    tag_argument=lambda name: f'$."{name}"',
    most="MAX",
)


class SqliteStore:
    """A file.

    Args:
        path: Where it is.
    """

    dialect: Final = _DIALECT
    is_shared: Final = False

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def open(self) -> None:
        """Makes the file, readable by its owner only, if there is none, and checks that it is a ledger to write.

        Raises:
            LedgerError: As `Ledger.open`.
        """
        path = self.path
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
        self.check_fork()
        with self.errors(), closing(_connect(path)) as database:
            _is_new(database, path)
        with self.writing() as database, self.errors():
            _prepare(database, path)
            if path.stat().st_size <= _CHECKED_BYTES:
                (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
                if verdict != "ok":
                    raise _corrupt(path)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Opens a connection as the ledger wants it, and closes it at the end.

        Yields:
            A connection in autocommit mode, for the thread that asked.

        Raises:
            LedgerError: If the file cannot be opened.
        """
        self.check_fork()
        with self.errors():
            database = _connect(self.path)
        _note(self.path, 1)
        try:
            with closing(database):
                with self.errors():
                    (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
                    if mode != "wal":
                        raise _io(self.path, "its file system does not allow a write-ahead log")
                    database.execute("PRAGMA synchronous = FULL")
                    database.execute("PRAGMA fullfsync = ON")  # macOS: without it, data may stay in the drive's cache
                    database.execute("PRAGMA foreign_keys = ON")
                yield database
        finally:
            _note(self.path, -1)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Opens the file for reading alone; one of an earlier version is brought up to date before.

        Yields:
            A connection that writes nothing.

        Raises:
            LedgerError: There is no such file, or it is no ledger that this version reads.
        """
        path = self.path
        if not path.is_file():
            raise LedgerError("ledger-path", f"there is no ledger `{path}`", "name the file that the router was given")
        self.check_fork()

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(
                path.as_uri() + "?mode=ro", timeout=_BUSY_TIMEOUT_MS / 1000, isolation_level=None, uri=True
            )

        with self.errors(), closing(connect()) as database:
            if _is_new(database, path):
                raise LedgerError("ledger-foreign", f"`{path}` is empty, and no ledger", "name the router's file")
            (version,) = database.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            self.open()
        with self.errors(), closing(connect()) as database:
            yield database

    def begin(self, database: Database) -> None:
        """Begins a transaction, alone among all who write.

        Raises:
            LedgerError: `ledger-newer`: a newer version has changed the tables meanwhile.
        """
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise newer(self.name, version, VERSION)

    def together(self, database: Database) -> AbstractContextManager[None]:
        """Nothing is sent anywhere."""
        del database
        return nullcontext()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns SQLite's errors into ours.

        Raises:
            LedgerError: For every `sqlite3.Error` inside.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise _translated(self.path, error) from error

    def fault(self, error: Exception) -> Fault | None:
        """What an error says of one record; None if it says nothing of it."""
        if isinstance(error, sqlite3.IntegrityError):
            return "duplicate"
        return "record" if isinstance(error, (sqlite3.ProgrammingError, OverflowError, UnicodeEncodeError)) else None

    def check_fork(self) -> None:
        """Refuses a file that the parent process had open when it forked this one.

        Raises:
            LedgerError: `ledger-forked`.
        """
        process, count = _OPEN.get(self.name, (os.getpid(), 0))
        if process != os.getpid():
            if count > 0:
                raise forked(self.name)
            _OPEN.pop(self.name, None)

    def verify(self, database: Database) -> list[str]:
        """Pages that are damaged, a sentence each."""
        return [row[0] for row in database.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]

    def compact(self, database: Database) -> None:
        """Gives the room of deleted rows back to the disk."""
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def budget_lock(self) -> int:
        """Takes the lock of those who count budgets in memory: each would not see what the other spends.

        Returns:
            The lock, let go when it is closed; it is a file beside the ledger's.

        Raises:
            LedgerError: `ledger-shared` or `ledger-io`.
        """
        beside = Path(f"{self.path}.budgets")
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
                    f"another router counts budgets in the ledger `{self.path}`",
                    "give each a ledger of its own and a share of the budget, or one process all the calls",
                ) from None
        return lock


def _is_new(database: sqlite3.Connection, path: Path) -> bool:
    """Says whether a file is empty; reads only, so that a file that is not ours stays as it is."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application == APPLICATION_ID and version > VERSION:
        raise newer(str(path), version, VERSION)
    if application != APPLICATION_ID and (tables or application or version):
        raise LedgerError(
            "ledger-foreign", f"`{path}` is a SQLite database of another program", "give the ledger a file of its own"
        )
    return bool(application != APPLICATION_ID)


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Makes the tables in a new file, and gives one of an earlier version what it lacks: all of it or nothing."""
    database.execute("BEGIN IMMEDIATE")  # two processes may meet a new file at the same time
    try:
        if _is_new(database, path):
            create(database, _DIALECT)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        elif (found := database.execute("PRAGMA user_version").fetchone()) != (VERSION,):
            upgrade(database, _DIALECT, found[0])
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _connect(path: Path) -> sqlite3.Connection:
    # `mode=rw`: a file that has gone is an error, not a new empty ledger.
    uri = path.as_uri() + "?mode=rw"
    return sqlite3.connect(uri, timeout=_BUSY_TIMEOUT_MS / 1000, isolation_level=None, uri=True)


def _note(path: Path, change: int) -> None:
    with _OPEN_LOCK:
        process, count = _OPEN.get(str(path), (os.getpid(), 0))
        if process == os.getpid():
            _OPEN[str(path)] = (process, count + change)


def forked(name: str) -> LedgerError:
    """Returns the error for a ledger that came along in a fork."""
    return LedgerError(
        "ledger-forked",
        f"the ledger `{name}` was in use when this process was forked",
        "fork before the first record, or start workers with `spawn`",
    )


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
