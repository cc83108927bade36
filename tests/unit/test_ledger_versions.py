"""Ledgers of every version that there was: brought up to date whole, and never written by two versions."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest
from tests.unit.test_ledger import a_call

from turnout.errors import LedgerError
from turnout.ledger import AttemptRecord, CallRecord, Ledger, total_of, usage
from turnout.ledger.schema import VERSION
from turnout.ledger.upkeep import verify

_FILES = sorted((Path(__file__).parents[1] / "cases" / "ledger").glob("version_*.sql"))


def made(case: Path, path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(case.read_text(encoding="utf-8"))
    return path


def shape(path: Path) -> dict[str, set[tuple[object, ...]]]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1:] for row in database.execute(f"PRAGMA table_info({name})")} for name in tables}


def test_there_is_a_file_of_every_version_before_this() -> None:
    versions = [int(re.findall(r"\d+", case.stem)[0]) for case in _FILES]
    assert versions[: VERSION - 1] == list(range(1, VERSION))


@pytest.mark.parametrize("case", _FILES, ids=lambda case: case.stem)
def test_a_ledger_of_an_earlier_version_is_brought_up_to_date(case: Path, tmp_path: Path) -> None:
    path = made(case, tmp_path / "ledger")
    ledger = Ledger.open(path)
    ledger.append_sync(a_call("new"))
    assert ledger.get("new") == a_call("new")
    old = ledger.get("c1")
    assert old is not None
    assert (old.cost_usd_picos, old.rule, old.attempts[1].cost_usd_picos) == (1_000_004, "cheap", 1_000_004)
    assert ledger.count() == 5
    assert [each.call_id for each in ledger.open_attempts()] == (["under-way"] if case.stem[-1] >= "4" else [])
    ledger.close_sync()
    assert verify(path) == []
    rows = {row.key[0]: row.count("calls") for row in usage(path, ("meta.team",))}
    assert rows == {"team0": 2, "team1": 2, None: 1}
    whole = total_of(usage(path))
    assert whole.cost_usd_picos == 3 * 1_000_003 + 3 + 5
    assert whole.count("unpriced_calls") == 1
    # Nothing is left out: the tables are those of a new file, but for the order and the defaults of columns.
    fresh = tmp_path / "fresh"
    Ledger.open(fresh)
    names = {table: {row[0] for row in rows} for table, rows in shape(path).items()}
    assert names == {table: {row[0] for row in rows} for table, rows in shape(fresh).items()}


def test_a_kill_between_two_steps_of_an_update_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(_FILES[0], tmp_path / "ledger")
    before = shape(path)

    def broken(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("turnout.ledger.schema.backfill", broken)
    with pytest.raises(KeyboardInterrupt):
        Ledger.open(path)
    assert shape(path) == before
    monkeypatch.undo()
    assert Ledger.open(path).count() == 4


async def test_an_older_version_does_not_write_what_a_newer_one_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    async with Ledger.open(path) as ledger:
        await ledger.append(a_call("before"))
        with contextlib.closing(sqlite3.connect(path)) as database:  # the newer version comes
            database.execute(f"PRAGMA user_version = {VERSION + 1}")
        with pytest.raises(LedgerError) as caught:
            await ledger.append(a_call("during"))
        assert (caught.value.code, bool(caught.value.hint)) == ("ledger-newer", True)
        with contextlib.closing(sqlite3.connect(path)) as database:  # and goes again
            database.execute(f"PRAGMA user_version = {VERSION}")
        await ledger.append(a_call("after"))
        assert ledger.get("during") is None
        assert ledger.count() == 2


def test_what_is_known_of_a_price_comes_back(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger")
    priced = AttemptRecord(
        1,
        "d",
        "m",
        "complete",
        cost_usd_picos=7,
        time_ms=1_795_000_000_000,
        cost_source="reported",
        computed_cost_usd_picos=8,
        reported_cost_usd_picos=7,
        price_from="2026-10-07",
        price_source="docs@2026-10-08",
        price_terms="service_tier=flex",
        usage_problem="partial",
        cost_doubt="lower_bound",
    )
    record = CallRecord("new", 0, "", "", "complete", cost_usd_picos=7, attempts=(priced,), cost_doubt="lower_bound")
    ledger.append_sync(record)
    assert ledger.get("new") == record
    ledger.close_sync()
