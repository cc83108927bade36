"""What a ledger needs of the place where its rows are: SQLite or Postgres, behind one face.

Promises: the same statements run in both, written for SQLite, with `?` for parameters; what differs is in a `Dialect`.
Refuses: to let an exception of either library out of `errors`. A test breaks it by running the same suite on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from turnout.errors import LedgerError

__all__ = ["Database", "Dialect", "Fault", "Rows", "Store", "newer"]

Fault = Literal["duplicate", "record"]
"""What may be wrong with one record, and not with the store."""


class Rows(Protocol):
    """What a statement returns."""

    def fetchone(self) -> Any: ...  # noqa: ANN401, D102  # a row holds what the statement says
    def fetchall(self) -> list[Any]: ...  # noqa: D102
    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """A connection in autocommit mode."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Rows: ...  # noqa: D102
    def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> object: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the databases.

    Args:
        ddl: A definition of ours as the database wants it.
        columns: The names of a table's columns.
        tag: The text of one value of `meta`, of one parameter.
        tag_argument: That parameter, for the value's name.
        most: The larger of two numbers.
    """

    ddl: Callable[[str], str]
    columns: Callable[[Database, str], set[str]]
    tag: str
    tag_argument: Callable[[str], str]
    most: str


class Store(Protocol):
    """Where the rows of a ledger are."""

    @property
    def name(self) -> str:
        """Which, in errors; without a password."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How it speaks."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether several machines may write there, so that no process may count budgets alone."""
        ...

    def open(self) -> None:
        """Makes what is missing, brings an older version up to date, and checks that it can be written.

        Raises:
            LedgerError: It cannot be used.
        """
        ...

    def writing(self) -> AbstractContextManager[Database]:
        """Opens a connection for the thread that asks."""
        ...

    def reading(self) -> AbstractContextManager[Database]:
        """Opens a connection that writes nothing; one of an earlier version is brought up to date before."""
        ...

    def begin(self, database: Database) -> None:
        """Begins a transaction, alone among all who write.

        Raises:
            LedgerError: `ledger-newer`: a newer version has changed the tables meanwhile.
        """
        ...

    def together(self, database: Database) -> AbstractContextManager[object]:
        """Sends the statements inside without waiting for the answer of each."""
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Turns the library's errors into `LedgerError`."""
        ...

    def fault(self, error: Exception) -> Fault | None:
        """What an error says of one record; None if it says nothing of it."""
        ...

    def check_fork(self) -> None:
        """Refuses a store that the parent process had open when it forked this one."""
        ...

    def verify(self, database: Database) -> list[str]:
        """What is wrong below the tables, a sentence each."""
        ...

    def compact(self, database: Database) -> None:
        """Gives the room of deleted rows back."""
        ...


def newer(name: str, version: int, known: int) -> LedgerError:
    """Returns the error for a ledger whose tables a newer version made."""
    return LedgerError(
        "ledger-newer",
        f"`{name}` was written by a newer Turnout (version {version} of its tables, this one reads {known})",
        "update turnout, or give this one another ledger; what it could not write waits in memory",
    )
