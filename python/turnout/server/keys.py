"""The keys that clients of a gateway use: made, told once, kept as digests, rotated and revoked without a restart.

Promises: a key is 256 random bits, shown when it is made and never again; the file holds its SHA-256 and its last four
characters; a running gateway follows changes of the file within a second; a rotated key is good for as long as was
said. Refuses: keys that people think up. To break it, search the file for a key, revoke one while it is in use.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from turnout.errors import KeyStoreError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["SCOPES", "Key", "KeyRing", "KeyStore", "MetaValue"]

MetaValue = str | int | float | bool

SCOPES: Final = {
    "call": "may make calls, and read their own records",
    "records": "may read the records of all keys",
}
"""What a key may be good for."""

_PREFIX: Final = "sk-turnout-"
_VERSION: Final = 1
_APPLICATION: Final = 0x74754B79  # "tuKy"

_TABLES: Final = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_s REAL NOT NULL, revoked_s REAL,
    scopes TEXT NOT NULL, models TEXT NOT NULL, meta TEXT NOT NULL
) STRICT;
CREATE TABLE tokens (
    digest BLOB PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys (id), created_s REAL NOT NULL,
    good_until_s REAL, last_four TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of_key ON tokens (key_id);
"""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the gateway knows it.

    Args:
        id: A stable name, the policy's `meta.key`; no secret.
        name: What people call it.
        scopes: What it is good for.
        models: The names that its requests may ask for in `model`; any if empty.
        meta: What the policy is told of its calls, whatever the client says.
        created_s: When it was made, in seconds since 1970.
        good_until_s: When it ends; None for never.
        revoked_s: When it was revoked; None if it was not.
        last_four: The last characters of its token.
    """

    id: str
    name: str
    scopes: frozenset[str]
    models: frozenset[str]
    meta: Mapping[str, MetaValue]
    created_s: float
    good_until_s: float | None
    revoked_s: float | None
    last_four: str

    def is_good(self, now_s: float) -> bool:
        """Whether it may be used at that time."""
        return self.revoked_s is None and (self.good_until_s is None or now_s < self.good_until_s)


class KeyStore:
    """The file of keys.

    Args:
        path: The file; made if there is none.

    Raises:
        KeyStoreError: It cannot be opened, or is something else.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        with self._open(is_new=not self.path.exists()):
            pass

    @classmethod
    def existing(cls, path: str | Path) -> KeyStore:
        """Opens a file that must be there.

        Args:
            path: The file.

        Raises:
            KeyStoreError: There is none.
        """
        if not Path(path).is_file():
            raise KeyStoreError("keys-missing", f"there is no file of keys `{path}`", "make it: turnout keys create")
        return cls(path)

    def create(
        self,
        name: str,
        *,
        scopes: frozenset[str] = frozenset({"call"}),
        models: frozenset[str] = frozenset(),
        meta: Mapping[str, MetaValue] | None = None,
        good_until_s: float | None = None,
    ) -> str:
        """Makes a key.

        Args:
            name: What people call it; not taken yet.
            scopes: What it is good for.
            models: The names that its requests may ask for; any if empty.
            meta: What the policy is told of its calls.
            good_until_s: When it ends, in seconds since 1970; None for never.

        Returns:
            The token, which is kept nowhere.

        Raises:
            KeyStoreError: The name is taken, or cannot be one.
        """
        if not name.isprintable() or not 0 < len(name) <= 100:
            raise KeyStoreError("keys-name", "a key's name has 1 to 100 characters that can be shown")
        if unknown := scopes - SCOPES.keys():
            known = ", ".join(f"`{each}`" for each in SCOPES)
            raise KeyStoreError("keys-scope", f"no scope is called `{min(unknown)}`", f"there are {known}")
        now_s, identity, token = time.time(), f"key_{secrets.token_hex(8)}", _new_token()
        told = (json.dumps(sorted(scopes)), json.dumps(sorted(models)), json.dumps(dict(meta or {})))
        with self._open() as database:
            if database.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
                raise KeyStoreError("keys-name", f"there is a key `{name}` already", "rotate it, or take another name")
            database.execute("INSERT INTO keys VALUES (?, ?, ?, NULL, ?, ?, ?)", (identity, name, now_s, *told))
            _insert_token(database, identity, token, now_s, good_until_s)
        return token

    def rotate(self, name: str, *, overlap_s: float, good_until_s: float | None = None) -> str:
        """Makes a new token for a key; the ones before it are good for a while yet.

        Args:
            name: The key's name or id.
            overlap_s: For how many seconds.
            good_until_s: When the new one ends, in seconds since 1970; None for when the one before it would have.

        Returns:
            The new token.

        Raises:
            KeyStoreError: There is no such key, or it was revoked, or has ended.
        """
        now_s, token = time.time(), _new_token()
        with self._open() as database:
            identity = _identity(database, name)
            if good_until_s is None:
                (good_until_s,) = database.execute(
                    "SELECT good_until_s FROM tokens WHERE key_id = ? ORDER BY created_s DESC LIMIT 1", (identity,)
                ).fetchone()
            if good_until_s is not None and good_until_s <= now_s:
                raise KeyStoreError("keys-ended", f"the key `{name}` has ended", "say until when: --expires 90d")
            database.execute(
                "UPDATE tokens SET good_until_s = min(coalesce(good_until_s, ?1), ?1) WHERE key_id = ?2",
                (now_s + overlap_s, identity),
            )
            _insert_token(database, identity, token, now_s, good_until_s)
        return token

    def revoke(self, name: str) -> None:
        """Ends a key at once.

        Args:
            name: Its name or id.

        Raises:
            KeyStoreError: There is no such key, or it was revoked before.
        """
        with self._open() as database:
            identity = _identity(database, name)
            database.execute("UPDATE keys SET revoked_s = ? WHERE id = ?", (time.time(), identity))

    def list(self) -> list[Key]:
        """Returns each token's key, in the order of making."""
        with self._open() as database:
            return [key for _, key in _read(database)]

    @contextmanager
    def _open(self, *, is_new: bool = False) -> Iterator[sqlite3.Connection]:
        with _errors_of(self.path):
            if is_new:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(_connect(self.path)) as database:
                database.execute("BEGIN IMMEDIATE")
                _prepare(database, self.path)
                yield database
                database.execute("COMMIT")


class KeyRing:
    """The keys as a running gateway looks them up.

    Args:
        path: The file.

    Raises:
        KeyStoreError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _errors_of(path):
            self._database = _connect(path)
            self._seen = -1
            self._keys: dict[bytes, Key] = {}
            self.refresh()

    def find(self, token: str) -> Key | None:
        """Returns the key of a token; None if it is none of ours.

        A digest is looked up, and not the token: how long that takes says nothing of how near a guess was.
        """
        return self._keys.get(_digest(token))

    def refresh(self) -> bool:
        """Reads the file again if it has changed.

        Returns:
            Whether it had.

        Raises:
            KeyStoreError: It cannot be read; the keys stay as they were.
        """
        with _errors_of(self._path):
            (version,) = self._database.execute("PRAGMA data_version").fetchone()
            if version == self._seen:
                return False
            self._keys = dict(_read(self._database))
            self._seen = version
        return True

    def close(self) -> None:
        """Closes the file."""
        self._database.close()


def _connect(path: Path) -> sqlite3.Connection:
    import sqlite3

    database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA foreign_keys = ON")
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application == 0 and not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
        for statement in _TABLES.strip().split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
    elif application != _APPLICATION:
        raise KeyStoreError("keys-foreign", f"`{path}` is no file of keys", "name another file")
    elif version > _VERSION:
        raise KeyStoreError("keys-newer", f"`{path}` was written by a newer Turnout", "upgrade Turnout")


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    import sqlite3

    try:
        yield
    except sqlite3.DatabaseError as error:
        raise KeyStoreError("keys-io", f"the file of keys `{path}` cannot be used: {error}") from error
    except OSError as error:
        reason = (error.strerror or "it failed").lower()
        raise KeyStoreError("keys-io", f"the file of keys `{path}` cannot be opened: {reason}") from error


def _read(database: sqlite3.Connection) -> Iterator[tuple[bytes, Key]]:
    rows = database.execute(
        "SELECT digest, keys.id, name, scopes, models, meta, tokens.created_s, good_until_s, revoked_s, last_four"
        " FROM keys JOIN tokens ON key_id = keys.id ORDER BY keys.created_s, tokens.created_s"
    )
    for digest, identity, name, scopes, models, meta, created_s, good_until_s, revoked_s, last_four in rows:
        yield (
            digest,
            Key(
                id=identity,
                name=name,
                scopes=frozenset(json.loads(scopes)),
                models=frozenset(json.loads(models)),
                meta=json.loads(meta),
                created_s=created_s,
                good_until_s=good_until_s,
                revoked_s=revoked_s,
                last_four=last_four,
            ),
        )


def _identity(database: sqlite3.Connection, name: str) -> str:
    found = database.execute("SELECT id, revoked_s FROM keys WHERE name = ?1 OR id = ?1", (name,)).fetchone()
    if found is None:
        raise KeyStoreError("keys-unknown", f"there is no key `{name}`", "see: turnout keys list")
    identity, revoked_s = found
    if revoked_s is not None:
        raise KeyStoreError("keys-revoked", f"the key `{name}` was revoked", "make a new one")
    return str(identity)


def _insert_token(
    database: sqlite3.Connection, identity: str, token: str, now_s: float, good_until_s: float | None
) -> None:
    row = (_digest(token), identity, now_s, good_until_s, token[-4:])
    database.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row)


def _new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
