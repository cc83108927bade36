"""Rows of outcomes: from files of JSON lines, and into what the core fits.

Promises: a bad row is an error that names its file and line, or its number; nothing of a prompt is in an error. A test
breaks it with a line that is no row and passes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from turnout.errors import QualityError

__all__ = ["Asked", "FitRow", "asked", "fit_row", "read_rows"]

Asked: TypeAlias = tuple[str, str | None]
FitRow: TypeAlias = tuple[str, str | None, str | None, str | None, list[tuple[str, float]]]
_SHAPE = "a row is `{prompt, category?, group?, source?, models: {name: score}}`, with scores from 0 to 1"


def read_rows(path: str | Path) -> Iterator[dict[str, object]]:
    """Reads the rows of a file of JSON lines; one that ends in `.gz` is unpacked.

    Args:
        path: The file.

    Raises:
        QualityError: `quality-outcomes` when the file cannot be read, or a line is no JSON object.
    """
    path = Path(path)
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                if not isinstance(row, dict):
                    raise QualityError("quality-outcomes", f"{path}:{number}: the line is no JSON object", _SHAPE)
                yield row
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise QualityError("quality-outcomes", f"`{path}` cannot be read: {reason.lower()}") from error


def asked(row: object) -> Asked:
    """Takes what a score needs from a prompt or a row.

    Raises:
        QualityError: `quality-outcomes` when there is no prompt.
    """
    if isinstance(row, str):
        return row, None
    if not isinstance(row, Mapping) or not isinstance(prompt := row.get("prompt"), str):
        raise QualityError("quality-outcomes", "a row has no `prompt` that is a text", _SHAPE)
    return prompt, _text(row.get("category"))


def fit_row(row: object, number: int) -> FitRow:
    """Takes what a fit needs from a row; `number` counts from 1.

    Raises:
        QualityError: `quality-outcomes` when the row is none.
    """
    if not isinstance(row, Mapping):
        raise QualityError("quality-outcomes", f"row {number} is none", _SHAPE)
    prompt, models = row.get("prompt"), row.get("models")
    if not isinstance(prompt, str):
        raise QualityError("quality-outcomes", f"row {number} has no `prompt` that is a text", _SHAPE)
    if not isinstance(models, Mapping):
        raise QualityError("quality-outcomes", f"row {number} has no `models`", _SHAPE)
    category, group, source = (_text(row.get(key)) for key in ("category", "group", "source"))
    return prompt, category, group, source, list(_scores(models.items(), number))


def _scores(items: Iterable[tuple[object, object]], number: int) -> Iterator[tuple[str, float]]:
    for name, entry in items:
        score = entry.get("score") if isinstance(entry, Mapping) else entry
        if score is None:
            continue
        if not isinstance(name, str) or isinstance(score, bool) or not isinstance(score, int | float):
            raise QualityError("quality-outcomes", f"row {number} has a score that is no number", _SHAPE)
        yield name, float(score)


def _text(value: object) -> str | None:
    """A label as a text; a number is one too, and nothing is none."""
    if value is None or isinstance(value, bool):
        return None
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None
