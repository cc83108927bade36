"""What the catalogue's commands read: an override that the user names."""

from __future__ import annotations

from typing import Annotated

import typer

from turnout import Catalog, load_catalog

__all__ = ["CatalogOption", "catalog_from"]

CatalogOption = Annotated[
    str | None,
    typer.Option(
        "--catalog",
        metavar="FILE",
        help="An override file with your own models and prices; TURNOUT_CATALOG names one for every command.",
    ),
]


def catalog_from(override: str | None) -> Catalog:
    """Returns the catalogue that a command works on.

    Raises:
        CatalogError: With every finding of the override.
    """
    return load_catalog(override)
