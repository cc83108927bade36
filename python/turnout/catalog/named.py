"""Catalogues by name, for comparing them: what ships, a file of rows, an override, an address."""

from __future__ import annotations

from pathlib import Path

from turnout import _core
from turnout.catalog.fetch import is_address, read_source
from turnout.catalog.load import load_catalog

__all__ = ["catalog_named"]

_YAML = (".yaml", ".yml")


def catalog_named(source: str) -> _core.Catalog:
    """Returns the catalogue that a name stands for.

    Args:
        source: `bundled` is what ships; a `.yaml` file is laid over what is in force as an override; any other file or
            address is laid over what ships as a refresh.

    Returns:
        The catalogue; nothing is kept.

    Raises:
        CatalogError: It cannot be read, or is no catalogue.
    """
    if source == "bundled":
        return _core.Catalog.bundled()
    if Path(source).suffix.lower() in _YAML and not is_address(source):
        return load_catalog(source)
    return _core.Catalog.bundled().with_refreshed(read_source(source))
