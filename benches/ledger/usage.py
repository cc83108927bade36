"""`usage` over many rows: built-in dimensions, and a free tag. The floor is one scan of the same table by SQLite.

Run: python benches/ledger/usage.py [ROWS] [FOLDER]
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from turnout.ledger import Ledger, total_of, usage
from turnout.ledger.rollups import backfill
from turnout.ledger.schema import VERSION

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
DISK = Path(__file__).parents[2] / "target"
"""On the disk that is measured, which a temporary folder may not be, and ignored by git."""
FILL = """
WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
INSERT INTO calls (id, time_ms, policy_hash, catalog_hash, outcome, rule, model, deployment, provider, cost_usd_picos,
    strongest_cost_usd_picos, total_ms, facts_json, record_json, attempts_count, meta_json, input_uncached, output_text)
SELECT printf('%016x', i), 1790000000000 + i * 700, 'p', 'c', CASE i % 31 WHEN 0 THEN 'truncated' ELSE 'complete' END,
    'rule' || (i % 12), 'model' || (i % 9), 'deployment' || (i % 17), 'provider' || (i % 4), 1000003 + i % 977,
    9000003 + i % 977, 900, '{"task":"code"}', '{}', 1,
    '{"team":"team' || (i % 40) || '","user":"u' || (i % 5000) || '"}',
    1000 + i % 500, i % 300 FROM n
"""


def timed(what: str, path: Path, by: tuple[str, ...]) -> None:
    began = time.perf_counter()
    rows = usage(path, by)
    took = time.perf_counter() - began
    whole = total_of(rows)
    print(f"{what}: {took:.3f} s, {len(rows)} rows, {whole.count('calls'):,} calls, {whole.cost_usd_picos} pico-USD")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else DISK) as folder:
        path = Path(folder) / "ledger"
        Ledger.open(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
            database.execute("PRAGMA synchronous = OFF")
            for at in range(0, ROWS, 500_000):
                database.execute("BEGIN")
                database.execute(FILL, (at, min(ROWS, at + 500_000)))
                database.execute("COMMIT")
            database.execute("BEGIN")
            backfill(database)
            database.execute("COMMIT")
        print(f"{ROWS:,} rows, {path.stat().st_size / 2**30:.2f} GiB")
        for by in (("model",), ("rule", "model"), ("day", "provider"), ("outcome",), ()):
            timed(f"usage by {', '.join(by) or 'nothing'}", path, by)
        for by in (("meta.team",), ("meta.user", "model")):
            timed(f"usage by {', '.join(by)}", path, by)
        began = time.perf_counter()
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT SUM(cost_usd_picos / 1000000), SUM(total_ms) FROM calls").fetchone()
        print(f"floor, one bare scan of the calls: {time.perf_counter() - began:.3f} s")


main()
