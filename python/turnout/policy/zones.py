"""Time zones that a policy names, as tables for the core, which reads no files.

Promises: the offset at every instant of the table's years is the one that the system's (or `tzdata`'s) zone has; an
unknown name has no table, and the core reports it with its place. Refuses: paths. A test breaks it with an instant
whose offset differs from `zoneinfo`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from turnout.source import Row

__all__ = ["zones_of"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_YEARS: Final = 60
"""How far the tables go; later instants have the last offset."""
_STEP: Final = timedelta(days=28)
"""Shorter than any time between two changes of a clock; the shortest of now is a month (Morocco's Ramadan)."""

Table = list[tuple[int, int]]


def zones_of(files: Iterable[Iterable[Row]]) -> list[tuple[str, Table]]:
    """Looks up the zones that policies name.

    Args:
        files: The rows of a policy's file, and of those that it extends.

    Returns:
        For each known name its table: from which instant on it is how far ahead of UTC, both in milliseconds.
    """
    names = {row[5] for rows in files for row in rows if row[1] == "zone"}
    tables = ((name, _table(name)) for name in sorted(names) if _NAME.fullmatch(name))
    return [(name, table) for name, table in tables if table]


@cache
def _table(name: str) -> Table:
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return []
    table = [(_ms(_FIRST), _offset_ms(zone, _FIRST))]
    at = _FIRST
    while at < _FIRST + timedelta(days=366 * _YEARS):
        after = at + _STEP
        while _offset_ms(zone, after) != table[-1][1]:
            change = _change(zone, at, after)
            table.append((_ms(change), _offset_ms(zone, change)))
            at = change
        at = after
    return table


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second after which the offset is no longer that of `before`."""
    offset_ms = _offset_ms(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset_ms(zone, middle) == offset_ms:
            before = middle
        else:
            after = middle
    return after


def _offset_ms(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000
