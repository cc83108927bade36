"""Which catalogue holds: what ships, above it an accepted refresh, above it the user's own file.

Promises: reads what the caller or `TURNOUT_CATALOG` names and the one file of an accepted refresh, never the network; a
process that asks for no catalogue of its own keeps the one that it began with, so that prices do not move under it. A
broken refresh is reported and left out; a broken override is an error. A test breaks it with a layer that wins over one
above it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

from turnout import _core
from turnout.errors import CatalogError

__all__ = ["OVERRIDE_VARIABLE", "catalog_of", "default_catalog", "load_catalog", "without_override"]

OVERRIDE_VARIABLE: Final = "TURNOUT_CATALOG"
"""Names an override file for every catalogue that is loaded without one."""


def load_catalog(override: str | Path | None = None, *, refreshed: bool | None = None) -> _core.Catalog:
    """Load the catalogue: what ships, an accepted refresh above it, an override file above both.

    Args:
        override: A YAML file with models and prices of your own; None takes the one that `TURNOUT_CATALOG` names.
        refreshed: False leaves an accepted refresh out, True insists on one, None takes it where there is one.

    Returns:
        The catalogue; immutable and shareable.

    Raises:
        CatalogError: `override-refused` with every finding, `override-unreadable`, or with `refreshed=True`
            `refreshed-missing` or `refreshed-broken`.

    Example:
        >>> import turnout
        >>> turnout.load_catalog().resolve("anthropic/claude-haiku-5-5").context
        1000000
    """
    catalog = without_override(refreshed)
    override = override if override is not None else os.environ.get(OVERRIDE_VARIABLE) or None
    if override is None:
        return catalog
    # YAML is read by those who have an override.
    from turnout.catalog.layer import with_override
    from turnout.catalog.override import load_override

    return with_override(catalog, load_override(override))


def without_override(refreshed: bool | None = None) -> _core.Catalog:
    """Returns what ships, with an accepted refresh above it.

    Args:
        refreshed: As for `load_catalog`.

    Raises:
        CatalogError: `refreshed-missing` or `refreshed-broken`, if it is insisted on.
    """
    bundled = _core.Catalog.bundled()
    if refreshed is False:
        return bundled
    from turnout.catalog.store import read_refreshed, refreshed_path

    path = refreshed_path()
    try:
        found = read_refreshed(path)
        if found is not None:
            return bundled.with_refreshed(found.content)
    except CatalogError as error:
        if refreshed:
            raise
        import logging

        log = logging.getLogger(__name__)
        log.warning("%s: %s; the bundled catalogue is used (%s)", error.code, error.message, error.hint or "mend it")
        return bundled
    if refreshed:
        raise CatalogError(
            "refreshed-missing", "no refreshed catalogue was accepted yet", "run `turnout catalog refresh SOURCE`"
        )
    return bundled


_lock: Final = threading.Lock()
_defaults: Final[dict[str, _core.Catalog]] = {}


def default_catalog() -> _core.Catalog:
    """Returns the catalogue for callers who name none; read once for each value of `TURNOUT_CATALOG`.

    Raises:
        CatalogError: As `load_catalog`.
    """
    named = os.environ.get(OVERRIDE_VARIABLE, "")
    found = _defaults.get(named)
    if found is None:
        with _lock:
            found = _defaults.get(named)
            if found is None:
                found = _defaults[named] = load_catalog()
    return found


def catalog_of(catalog: _core.Catalog | str | Path | None) -> _core.Catalog:
    """Returns the catalogue that an argument means.

    Args:
        catalog: A catalogue, the path of an override file, or None for the default.

    Raises:
        CatalogError: As `load_catalog`.
    """
    if isinstance(catalog, _core.Catalog):
        return catalog
    return default_catalog() if catalog is None else load_catalog(catalog)
