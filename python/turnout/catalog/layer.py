"""An override above a catalogue: the core checks its rows, and what it finds is shown in the file.

Promises: every finding of the core stands at the value that it is about. A test breaks it with a finding elsewhere.
"""

from __future__ import annotations

from turnout import _core
from turnout.catalog.override import Override, refusal

__all__ = ["with_override"]


def with_override(catalog: _core.Catalog, override: Override) -> _core.Catalog:
    """Lays an override above a catalogue.

    Args:
        catalog: What holds where the override says nothing.
        override: The rows of the user's file.

    Returns:
        The catalogue with it.

    Raises:
        CatalogError: `override-refused` with every finding.
    """
    layered, problems = catalog.with_override(override.document)
    if layered is None:
        raise refusal(override.lines.file, [override.finding(*problem) for problem in problems])
    return layered
