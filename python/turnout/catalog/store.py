"""Where an accepted refresh is kept: one file in the user's data folder, and the one before it.

Promises: a reader sees the old file or the new one, whole, whatever is interrupted; what it reads is what was accepted,
byte for byte, or an error that says what is wrong with the file. The first line is a header with the checksum, so that
the file and its checksum cannot part. Refuses: a file of another layout, a file that was cut or edited.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from turnout.errors import CatalogError

__all__ = ["MAX_BYTES", "Refreshed", "data_folder", "read_refreshed", "refreshed_path", "write_refreshed"]

MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest catalogue, in bytes; that of 2,200 models has two."""
_LAYOUT: Final = 1
_MAX_HEADER_BYTES: Final = 8192
_HINT: Final = "run `turnout catalog refresh` again, or delete the file"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An accepted refresh.

    Args:
        content: The catalogue, as it was read from its source.
        source: Where it came from, as the user named it.
        accepted_on: The day it was accepted, `YYYY-MM-DD`.
    """

    content: bytes
    source: str
    accepted_on: str


def data_folder() -> Path:
    """Returns the folder for what Turnout keeps for a user; it need not exist.

    `TURNOUT_DATA` names it; else the platform's own place for such data.
    """
    if named := os.environ.get("TURNOUT_DATA"):
        return Path(named)
    home = Path("~").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "turnout"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "turnout"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "turnout"


def refreshed_path() -> Path:
    """Returns where the accepted refresh is kept; `.previous` behind it is the one before."""
    return data_folder() / "catalog.jsonl"


def read_refreshed(path: Path) -> Refreshed | None:
    """Reads what was accepted.

    Args:
        path: Where it is kept.

    Returns:
        None when there is none.

    Raises:
        CatalogError: `refreshed-broken`, if the file is not what was written, or cannot be read.
    """
    try:
        # A named pipe would keep its reader waiting for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise CatalogError("refreshed-broken", f"`{path}` cannot be read: it is no file", _HINT)
        with path.open("rb") as file:
            stored = file.read(MAX_BYTES + _MAX_HEADER_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "unreadable").lower()
        raise CatalogError("refreshed-broken", f"`{path}` cannot be read: {reason}") from None
    head, line_end, content = stored.partition(b"\n")
    try:
        header = json.loads(head) if line_end and len(head) < _MAX_HEADER_BYTES else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("turnout-refreshed") != _LAYOUT:
        raise CatalogError("refreshed-broken", f"`{path}` is no catalogue that a refresh wrote", _HINT)
    if header.get("sha256") != _checksum(content):
        raise CatalogError("refreshed-broken", f"`{path}` is not what the refresh wrote: its checksum differs", _HINT)
    return Refreshed(content, str(header.get("source", "")), str(header.get("accepted_on", "")))


def write_refreshed(path: Path, refreshed: Refreshed) -> None:
    """Keeps an accepted refresh, and the one before it.

    Args:
        path: Where it is kept.
        refreshed: What was accepted.

    Raises:
        CatalogError: `catalog-too-large`, if no reader would take it; `refreshed-unwritable`, if the folder or the disk
            does not. What was there stays.
    """
    if len(refreshed.content) > MAX_BYTES:
        size = f"{len(refreshed.content):,} bytes, and at most {MAX_BYTES:,} are kept"
        raise CatalogError("catalog-too-large", f"the refreshed catalogue has {size}", "leave models out")
    header = {
        "turnout-refreshed": _LAYOUT,
        "sha256": _checksum(refreshed.content),
        "source": refreshed.source,
        "accepted_on": refreshed.accepted_on,
    }
    stored = json.dumps(header).encode() + b"\n" + refreshed.content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            _replace(path.with_name(path.name + ".previous"), path.read_bytes())
        _replace(path, stored)
    except OSError as error:
        reason = (error.strerror or "not writable").lower()
        hint = "set `TURNOUT_DATA` to a folder that can be written"
        raise CatalogError("refreshed-unwritable", f"`{path}` cannot be written: {reason}", hint) from None


def _replace(path: Path, content: bytes) -> None:
    """Writes beside the file and renames, so that nobody ever sees a half of it."""
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _checksum(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
