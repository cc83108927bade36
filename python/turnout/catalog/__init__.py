"""The catalogue as users have it: layers, override files, refreshes, and what a usage costs."""

from turnout.catalog.load import OVERRIDE_VARIABLE, catalog_of, default_catalog, load_catalog
from turnout.catalog.price import cost

__all__ = ["OVERRIDE_VARIABLE", "catalog_of", "cost", "default_catalog", "load_catalog"]
