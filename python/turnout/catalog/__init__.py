"""The catalogue as users have it: layers, override files, refreshes, and what a usage costs.

What reads YAML or the network is imported by those who ask for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.catalog.load import OVERRIDE_VARIABLE, catalog_of, default_catalog, load_catalog
from turnout.catalog.price import cost

if TYPE_CHECKING:
    from turnout.catalog.named import catalog_named
    from turnout.catalog.refresh import Refresh, refresh_from

__all__ = [
    "OVERRIDE_VARIABLE",
    "Refresh",
    "catalog_named",
    "catalog_of",
    "cost",
    "default_catalog",
    "load_catalog",
    "refresh_from",
]


def __getattr__(name: str) -> object:
    # asyncio and what else a transport needs take as long to import as all the rest of the package.
    if name == "catalog_named":
        from turnout.catalog import named

        return named.catalog_named
    if name in ("Refresh", "refresh_from"):
        from turnout.catalog import refresh

        return getattr(refresh, name)
    raise AttributeError(f"module 'turnout.catalog' has no attribute {name!r}")
