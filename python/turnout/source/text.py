"""The text of a file that a person wrote, and findings that show its lines.

Promises: only a regular file is read, and never more of it than the cap; a finding shows the line it is about, with
anything that looks like a key starred out. A test breaks it with a pipe, a huge file, or a key that is shown.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from turnout.errors import Finding
from turnout.source.rows import MAX_BYTES

__all__ = ["Lines", "Unreadable", "read_bytes", "read_text"]

# What the keys of providers look like: a finding shows its line, but never a key.
_KEY: Final = re.compile(r"\b(?:(?:sk|pk|gsk|xai|ghp|hf)[-_]|AIza|AKIA)[-_A-Za-z0-9]{12,}")


@dataclass(frozen=True, slots=True)
class Unreadable(Exception):
    """A file that gives no text.

    Args:
        message: One lower-case sentence without a full stop, the file in backticks.
        hint: What to do about it.
        finding: The place in the file, where there is one.
    """

    message: str
    hint: str | None = None
    finding: Finding | None = None


_MAX_SHOWN: Final = 2000
"""Characters of the longest line that a finding shows: nobody reads more, and many findings may be about one line."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A file's lines, for findings that show them.

    Args:
        file: The name that findings show.
        text: The whole text.
    """

    file: str
    text: str = field(repr=False)
    _lines: list[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once for all findings: there may be a thousand.
        object.__setattr__(self, "_lines", self.text.split("\n"))

    def finding(
        self,
        line: int,
        column: int,
        code: str,
        message: str,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Finding:
        """Makes a finding that shows its line; see `Finding` for the arguments."""
        shown = self._lines[line - 1].rstrip("\r") if 0 < line <= len(self._lines) else ""
        source = _KEY.sub(_hidden, shown) if 0 < line <= len(self._lines) and len(shown) <= _MAX_SHOWN else None
        if source is not None and code == "secret-in-file":
            source = source[: column - 1] + "*" * len(source[column - 1 :])
        return Finding(self.file, line, column, code, message, hint, source, severity)


def _hidden(key: re.Match[str]) -> str:
    return "*" * len(key[0])


def read_bytes(path: Path) -> bytes | None:
    """Reads a file as far as any text may go, and one byte more.

    Args:
        path: The file; links are followed.

    Returns:
        Its bytes; None if it is no regular file.

    Raises:
        OSError: The file is not there, or not readable.
        ValueError: The path holds a NUL.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        # A pipe or a device may never end, and opening one may already wait.
        return None
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def read_text(path: Path) -> str:
    """Reads the text of a file that a person wrote.

    Args:
        path: The file.

    Returns:
        Its text, without a byte order mark.

    Raises:
        Unreadable: The file is not there, not readable, no regular file, larger than `MAX_BYTES`, or not UTF-8.
    """
    try:
        content = read_bytes(path)
        if content is None:
            raise Unreadable(f"`{path}` is not a regular file", "name an existing file")
    except (OSError, ValueError) as error:
        # A path with a NUL in it is a `ValueError`.
        reason = (getattr(error, "strerror", None) or "unreadable").lower()
        raise Unreadable(f"`{path}` cannot be read: {reason}", "name an existing file") from None
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES} bytes"
        raise Unreadable(message, finding=Finding(str(path), 1, 1, "too-large", message))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = Finding(str(path), line, 1, "malformed-yaml", "the file is not UTF-8", "save the file as UTF-8")
        raise Unreadable(found.message, found.hint, found) from None
