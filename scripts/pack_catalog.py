"""Pack the wide part of the catalogue: every gathered model that the curated part leaves out.

Usage: python scripts/pack_catalog.py DATA_DIR OUT

DATA_DIR is that of `build_catalog.py`; OUT holds the curated `models.jsonl` and `providers.jsonl` and receives `wide.bin`: the
rows in the curated file's format, as a zlib stream. The same input gives the same bytes. Rows stand by model, not by
provider: hosts of one model say nearly the same of it, and the stream is a tenth shorter for it.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

from build_catalog import FORMAT, wide_rows
from catalog_json import AS_OF, Row, encode, full_name, read_rows

# OpenAI publishes these weights and sells no calls to them; a source lists what some host asks under OpenAI's name.
NOT_SOLD = {"openai/gpt-oss-120b", "openai/gpt-oss-20b"}


def by_model(row: Row) -> tuple[str, str, str]:
    """Puts the rows of one model together, whoever sells it."""
    return (str(row["id"]).lower().rsplit("/", 1)[-1], str(row["provider"]), str(row["id"]))


def pack(rows: list[Row]) -> bytes:
    """The rows under their header, deflated."""
    header: Row = {"format": FORMAT, "as_of": AS_OF, "models": len(rows)}
    text = "".join(f"{encode(row)}\n" for row in [header, *sorted(rows, key=by_model)])
    return zlib.compress(text.encode(), 9)


def main() -> None:
    """Reads the gathered rows, writes `wide.bin` and prints what the catalogue takes."""
    parser = argparse.ArgumentParser(description="Pack the wide part of the catalogue.")
    parser.add_argument("data_dir", type=Path, metavar="DATA_DIR")
    parser.add_argument("out", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    curated = read_rows(arguments.out / "models.jsonl")[1:]
    gathered = [row for row in read_rows(arguments.data_dir / "models.jsonl") if full_name(row) not in NOT_SOLD]
    rows = wide_rows(gathered, curated)
    packed = pack(rows)
    (arguments.out / "wide.bin").write_bytes(packed)
    sizes = {"wide.bin": len(packed)}
    for name in ("models.jsonl", "providers.jsonl"):
        sizes[name] = len(zlib.compress((arguments.out / name).read_bytes(), 9))
    shown = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    print(
        f"{len(rows)} wide models beside {len(curated)} curated ones; compressed bytes: {shown}; {sum(sizes.values()):,} in all"
    )


if __name__ == "__main__":
    main()
