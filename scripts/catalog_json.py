"""JSON lines with exact decimals, and typed access to their rows, for `build_catalog.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "str | int | bool | Decimal | list[Json] | dict[str, Json] | None"
Row: TypeAlias = "dict[str, Json]"

# The day on which the sources were read.
AS_OF = "2026-11-22"


def read_rows(path: Path) -> list[Row]:
    """Reads one JSON object a line, numbers with a fraction as exact decimals."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines if line.strip()]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes one compact JSON object a line."""
    path.write_text("".join(f"{encode(row)}\n" for row in rows), encoding="utf-8", newline="\n")


def encode(value: Json) -> str:
    """Compact JSON in which a decimal keeps its digits."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def full_name(row: Row) -> str:
    """The name by which a row is found: `provider/id`."""
    return f"{row['provider']}/{row['id']}"


def number(value: Json) -> Decimal | None:
    """A number as a decimal; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def count(value: Json) -> int | None:
    """A whole number; `4096.0` counts as one."""
    decimal = number(value)
    if decimal is None or decimal != decimal.to_integral_value():
        return None
    return int(decimal)


def table(row: Row, key: str) -> Row:
    """The object at a key, or an empty one."""
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def items(row: Row, key: str) -> list[Json]:
    """The array at a key, or an empty one."""
    value = row.get(key)
    return value if isinstance(value, list) else []


def objects(row: Row, key: str) -> list[Row]:
    """The objects of the array at a key."""
    return [item for item in items(row, key) if isinstance(item, dict)]
