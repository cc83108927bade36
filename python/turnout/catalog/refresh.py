"""Refreshing: read what the user names, compare it with what is in force, keep it once it is accepted.

Promises: nothing is written before the whole of it was read and checked; what looks like damage (many models gone, a
price moved too far) is kept only when the user says so. Refuses: what is no catalogue. A test breaks it with a source
that is written though a row of it is wrong, or that moves a price tenfold without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from turnout import _core
from turnout.catalog.fetch import is_address, read_source
from turnout.catalog.load import without_override
from turnout.catalog.store import Refreshed, refreshed_path, write_refreshed
from turnout.errors import CatalogError

__all__ = ["Refresh", "refresh_from"]


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a source would change.

    Args:
        source: As it is remembered: an address without its query.
        diff: From the catalogue in force, without the user's override.
        catalog: What ships, with it.
    """

    source: str
    diff: _core.CatalogDiff
    catalog: _core.Catalog

    def keep(self, *, accept: bool = False) -> Path:
        """Keeps the refresh for every later start.

        Args:
            accept: Keep it though it looks like damage.

        Returns:
            The file that it was written to.

        Raises:
            CatalogError: `refresh-suspicious` unless accepted, `refreshed-unwritable`.
        """
        if self.diff.alarms and not accept:
            raise CatalogError(
                "refresh-suspicious",
                f"the refresh is not taken: {self.diff.alarms[0][2]}",
                "look at the diff; `accept` takes it all the same",
            )
        path = refreshed_path()
        write_refreshed(
            path, Refreshed(self.catalog.refreshed_file().encode(), self.source, datetime.now(UTC).date().isoformat())
        )
        return path


def refresh_from(source: str) -> Refresh:
    """Reads a catalogue that the user names and says what it would change; writes nothing.

    Args:
        source: A file, or an `https` address.

    Returns:
        The refresh; `keep` writes it.

    Raises:
        CatalogError: The source cannot be read, or is no catalogue.
    """
    content = read_source(source)
    bundled = _core.Catalog.bundled()
    try:
        catalog = bundled.with_refreshed(content)
    except CatalogError as error:
        shown = _remembered(source)
        raise CatalogError(error.code, f"`{shown}` is no catalogue: {error.message}", error.hint) from None
    today = datetime.now(UTC).date().isoformat()
    return Refresh(_remembered(source), without_override().diff(catalog, today), catalog)


def _remembered(source: str) -> str:
    """An address without its query, which may hold a signature or a key."""
    if not is_address(source):
        return str(Path(source).absolute())
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
