"""A ledger in a Postgres database, for several gateways: one schema, written by one transaction at a time.

Promises: a commit is on the server's disk; gateways wait for each other rather than run into each other, as those who
write one file do; a server that went away is asked again at the next record. Refuses: a schema with tables that are not
ours, and tables of a newer version. A password is in no error. To break it, stop the server between two records, fill
its disk, or let two gateways meet an empty database.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from turnout.errors import LedgerError
from turnout.ledger.schema import VERSION, create, upgrade
from turnout.ledger.store import Database, Dialect, Fault, Rows, newer

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresStore"]

_CONNECT_S: Final = 5
_BUSY_TIMEOUT_MS: Final = 5_000
_SESSION: Final = {
    "lock_timeout": str(_BUSY_TIMEOUT_MS),
    "statement_timeout": "600s",
    "default_transaction_isolation": "repeatable read",
}
"""A gateway that hangs with the lock in hand is an error for the others, as with a file."""
_ALIVE: Final = "keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=10000"
"""A peer that is gone without a word is found within ten seconds."""


@lru_cache(maxsize=512)
def _translated(sql: str) -> bytes:
    """One of our statements, which are written for SQLite."""
    return sql.replace("%", "%%").replace("?", "%s").encode()


class _Connection:
    """A connection that takes our statements."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.real = connection

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Rows:
        return self.real.execute(_translated(sql), parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> None:
        with self.real.cursor() as cursor:
            cursor.executemany(_translated(sql), rows)


def _ddl(statement: str) -> str:
    return statement.replace("INTEGER", "BIGINT").replace(" WITHOUT ROWID", "")


def _columns(database: Database, table: str) -> set[str]:
    rows = database.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?",
        (table,),
    )
    return {row[0] for row in rows}


class PostgresStore:
    """A schema of a database.

    Args:
        url: `postgresql://user@host/database`; what it leaves out comes from `PGPASSWORD` and the like.
        schema: The schema.

    Raises:
        LedgerError: `extra-missing`, or `ledger-path` for an address that cannot be read.
    """

    dialect: Final = Dialect(
        ddl=_ddl,
        columns=_columns,
        tag="(CAST(meta_json AS json) ->> CAST(? AS TEXT))",
        tag_argument=str,
        most="GREATEST",
    )
    is_shared: Final = True

    def __init__(self, url: str, schema: str) -> None:
        try:
            import psycopg
        except ModuleNotFoundError:
            raise LedgerError(
                "extra-missing", "a ledger in Postgres needs the extra `postgres`", "pip install 'turnout[postgres]'"
            ) from None
        try:
            known = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            raise LedgerError(
                "ledger-path", "the address of the ledger's database cannot be read", "postgresql://user@host/database"
            ) from None
        self._psycopg = psycopg
        self._address = known
        self.schema = schema
        host = known.get("host") or known.get("service") or "localhost"
        self._name = f"postgresql://{host}/{known.get('dbname') or ''}#{schema}"
        self._process = os.getpid()
        self._open = 0

    @property
    def name(self) -> str:
        """The host, the database and the schema."""
        return self._name

    def open(self) -> None:
        """Makes the schema and the tables if there are none, and checks that they can be written.

        Raises:
            LedgerError: As `Ledger.open`.
        """
        with self.writing() as database, self.errors():
            self._begin(database)
            try:
                self._prepare(database)
                database.execute("COMMIT")
            except BaseException:
                database.execute("ROLLBACK")
                raise

    def _prepare(self, database: Database) -> None:
        version = self._version(database)
        if version is None:
            (tables,) = database.execute(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ?", (self.schema,)
            ).fetchone()
            if tables:
                raise LedgerError(
                    "ledger-foreign",
                    f"`{self.name}` has tables of another program",
                    "give the ledger a schema of its own",
                )
            if not database.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (self.schema,)).fetchone():
                database.execute(f'CREATE SCHEMA "{self.schema.replace(chr(34), chr(34) * 2)}"')
            create(database, self.dialect)
        elif version > VERSION:
            raise newer(self.name, version, VERSION)
        elif version < VERSION:
            upgrade(database, self.dialect, version)
        elif not database.execute("SELECT has_table_privilege('calls', 'INSERT')").fetchone()[0]:
            raise self._read_only()
        if version != VERSION:
            database.execute(
                "INSERT INTO settings VALUES ('version', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (VERSION,),
            )

    def _version(self, database: Database) -> int | None:
        """The version of the tables; None if they are not there, or not ours."""
        names = {"calls", "settings"}
        rows = database.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_name = ANY (?)",
            (self.schema, list(names)),
        ).fetchall()
        if {row[0] for row in rows} != names or _columns(database, "settings") != {"name", "value"}:
            return None
        found = database.execute("SELECT value FROM settings WHERE name = 'version'").fetchone()
        return int(found[0]) if found else None

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """Opens a connection, and closes it at the end.

        Raises:
            LedgerError: `ledger-unreachable`, or `ledger-forked`.
        """
        self.check_fork()
        with self.errors():
            database = self._connect()
        self._open += 1
        try:
            with database.real:
                yield database
        finally:
            self._open -= 1

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """Opens a connection that writes nothing; tables of an earlier version are brought up to date before.

        Raises:
            LedgerError: There is no ledger, or it is of a newer version.
        """
        with self.writing() as database:
            with self.errors():
                version = self._version(database)
            if version is None:
                raise LedgerError(
                    "ledger-path", f"there is no ledger in `{self.name}`", "name the database that the router was given"
                )
            if version > VERSION:
                raise newer(self.name, version, VERSION)
            if version < VERSION:
                self.open()
            with self.errors():
                database.execute("SET default_transaction_read_only = on")
            yield database

    def _connect(self) -> _Connection:
        connection = self._psycopg.connect(
            self._psycopg.conninfo.make_conninfo(_ALIVE, **self._address),
            autocommit=True,
            connect_timeout=_CONNECT_S,
            application_name="turnout",
        )
        _teach(self._psycopg, connection)
        settings = {**_SESSION, "search_path": f'"{self.schema.replace(chr(34), chr(34) * 2)}"'}
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        return _Connection(connection)

    def begin(self, database: Database) -> None:
        """Begins a transaction, alone among all who write to the schema.

        Raises:
            LedgerError: `ledger-newer`: a newer version has changed the tables meanwhile.
        """
        self._begin(database)
        found = database.execute("SELECT value FROM settings WHERE name = 'version'").fetchone()
        if found is None or found[0] != VERSION:
            raise newer(self.name, found[0] if found else 0, VERSION)

    def _begin(self, database: Database) -> None:
        # Not `repeatable read`: what others committed while we waited for the lock must be seen.
        database.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        database.execute("SELECT pg_advisory_xact_lock(hashtext('turnout ledger'), hashtext(?))", (self.schema,))

    def together(self, database: Database) -> AbstractContextManager[object]:
        """Sends the statements inside without waiting for the answer of each."""
        assert isinstance(database, _Connection)  # noqa: S101  # it is one of `writing`
        return database.real.pipeline()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns the library's errors into ours.

        Raises:
            LedgerError: For every `psycopg.Error` inside.
        """
        try:
            yield
        except self._psycopg.Error as error:
            raise self._error(error) from error

    def _error(self, error: psycopg.Error) -> LedgerError:
        kinds = self._psycopg.errors
        match error:
            case kinds.DiskFull() | kinds.OutOfMemory() | kinds.ConfigurationLimitExceeded():
                return LedgerError(
                    "ledger-full", f"the server of `{self.name}` has no room", "make room; nothing needs a restart"
                )
            case kinds.InsufficientPrivilege() | kinds.ReadOnlySqlTransaction():
                return self._read_only()
            case kinds.LockNotAvailable() | kinds.QueryCanceled() | kinds.DeadlockDetected():
                return LedgerError(
                    "ledger-busy",
                    f"another gateway holds `{self.name}` for more than {_BUSY_TIMEOUT_MS} ms",
                    "look for a transaction that does not end: pg_stat_activity",
                )
            case kinds.DataCorrupted() | kinds.IndexCorrupted():
                return LedgerError(
                    "ledger-corrupt", f"the database of `{self.name}` is damaged", "restore it from a backup"
                )
            case kinds.UndefinedTable() | kinds.UndefinedColumn() | kinds.InvalidSchemaName():
                return LedgerError(
                    "ledger-foreign", f"`{self.name}` has not the tables of a ledger", "give it a schema of its own"
                )
            case self._psycopg.OperationalError() | self._psycopg.InterfaceError():
                return LedgerError(
                    "ledger-unreachable",
                    f"the server of `{self.name}` cannot be reached",
                    "look at its address, its password (`PGPASSWORD`) and whether it runs; nothing needs a restart",
                )
            case _:
                state = error.sqlstate or type(error).__name__
                return LedgerError("ledger-io", f"`{self.name}` cannot be used: SQLSTATE {state}")

    def _read_only(self) -> LedgerError:
        return LedgerError(
            "ledger-read-only",
            f"`{self.name}` cannot be written by this user, or its server only reads",
            "the user needs the right to create in the database or in the schema, and the server must be the primary",
        )

    def fault(self, error: Exception) -> Fault | None:
        """What an error says of one record; None if it says nothing of it."""
        if isinstance(error, self._psycopg.errors.UniqueViolation):
            return "duplicate"
        return "record" if isinstance(error, (self._psycopg.DataError, UnicodeEncodeError)) else None

    def check_fork(self) -> None:
        """Refuses connections that came along in a fork; a child opens its own.

        Raises:
            LedgerError: `ledger-forked`.
        """
        if self._process != os.getpid():
            if self._open:
                raise LedgerError(
                    "ledger-forked",
                    f"the ledger `{self.name}` was in use when this process was forked",
                    "fork before the first record, or start workers with `spawn`",
                )
            self._process = os.getpid()

    def verify(self, database: Database) -> list[str]:
        """Nothing: what lies below the tables is the server's to check."""
        del database
        return []

    def compact(self, database: Database) -> None:
        """Lets the server use the room of deleted rows again."""
        for table in ("calls", "attempts", "open_attempts", "scope_sums", "rollups"):
            database.execute(f"VACUUM {table}")


def _teach(driver: Any, connection: psycopg.Connection[tuple[Any, ...]]) -> None:  # noqa: ANN401  # the module
    """Lets sums be integers, as all of ours are, and truth values numbers, as in SQLite."""

    class Whole(driver.adapt.Loader):  # type: ignore[misc]  # the module is loaded late
        def load(self, data: bytes | bytearray | memoryview) -> int:
            return int(bytes(data))

    class Flag(driver.adapt.Dumper):  # type: ignore[misc]  # as above
        oid = driver.adapters.types["int8"].oid

        def dump(self, obj: bool) -> bytes:
            return b"1" if obj else b"0"

    connection.adapters.register_loader("numeric", Whole)
    connection.adapters.register_dumper(bool, Flag)
