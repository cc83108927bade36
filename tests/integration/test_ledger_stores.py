"""One suite for both stores of the ledger: a SQLite file and a Postgres database."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from tests.integration.postgres_kit import Server, postgres_server, require_postgres
from tests.unit.test_ledger import a_call

from turnout.cli import app
from turnout.errors import LedgerError
from turnout.ledger import AttemptRecord, CallRecord, Ledger, OpenAttempt, TokenCounts, total_of, usage
from turnout.ledger.schema import VERSION
from turnout.ledger.upkeep import export, vacuum, verify

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    require_postgres()
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger")
    running: Server = request.getfixturevalue("server")
    return running.database()


def an_open(call_id: str, until_ms: int = 2, nanos: int = 5_000) -> OpenAttempt:
    return OpenAttempt(
        call_id, 1, "sent", DAY_MS, until_ms, "d", "m", reserved_usd_nanos=nanos, scopes=("budget/b/month/UTC",)
    )


async def test_a_record_comes_back_as_it_was(where: str) -> None:
    odd = CallRecord(
        "\u00fc'\";--%s?", 0, "", "", "", facts_json='{"a":"\\u0000"}', usage=TokenCounts(*[2**63 - 1] * 11)
    )
    async with Ledger.open(where) as ledger:
        for record in (a_call(), odd):
            await ledger.append(record)
            assert ledger.get(record.id) == record
        assert ledger.get("c2") is None
        assert ledger.count() == 2


async def test_one_bad_record_does_not_touch_its_neighbours(where: str) -> None:
    async with Ledger.open(where) as ledger:
        await ledger.append(a_call("twice"))
        records = [a_call("x"), a_call("twice"), a_call("\ud800"), a_call("y")]
        results = await asyncio.gather(*(ledger.append(r) for r in records), return_exceptions=True)
        codes = [getattr(result, "code", None) for result in results]
        assert codes == [None, "ledger-duplicate", "ledger-record", None]
        assert ledger.count() == 3
        assert ledger.get("twice") == a_call("twice")


async def test_an_attempt_is_under_way_until_its_call_is_there_or_it_is_lost(where: str) -> None:
    async with Ledger.open(where) as ledger:
        for name in ("a", "b"):
            await ledger.begin(an_open(name))
        await ledger.mark_sent(an_open("a"))
        assert [(each.call_id, each.state) for each in ledger.open_attempts()] == [("a", "sent"), ("b", "sent")]
        done = AttemptRecord(
            1, "d", "m", "complete", time_ms=DAY_MS + 61_000, settled_usd_nanos=7, scopes=("budget/b/month/UTC",)
        )
        await ledger.append(CallRecord("a", DAY_MS, "", "", "complete", attempts=(done,)))
        assert await asyncio.to_thread(ledger.expire, 1) == []
        assert await asyncio.to_thread(ledger.expire, 2) == [an_open("b")]
        assert await asyncio.to_thread(ledger.expire, 2) == []
        assert ledger.open_attempts() == []
        lost = ledger.get("b")
        assert lost is not None
        assert (lost.outcome, lost.attempts[0].state, lost.cost_usd_picos) == ("lost", "expired", 5_000_000)
        spent = {(slot_ms, nanos) for _, slot_ms, nanos in ledger.spent_since(0)}
        assert spent == {(DAY_MS + 60_000, 7), (DAY_MS, 5_000)}
        assert ledger.spent_since(DAY_MS + 60_000) == [("budget/b/month/UTC", DAY_MS + 60_000, 7)]


async def test_usage_adds_up_and_care_is_taken(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(5)
    costs = [dice.choice([None, 2**63 - 1, dice.randrange(10**13)]) for _ in range(60)]
    async with Ledger.open(where) as ledger:
        for at, cost in enumerate(costs):
            record = CallRecord(
                str(at),
                (20_000 + at % 3) * DAY_MS,
                "p",
                "c",
                "complete" if at % 4 else "truncated",
                model=dice.choice(["a", "b", None]),
                cost_usd_picos=cost,
                strongest_cost_usd_picos=10**13,
                meta_json=json.dumps(dice.choice([{}, {"team": "x'\"%"}, {"team": "y", "n": 1}])),
            )
            await ledger.append(record)
        whole = sum(cost for cost in costs if cost is not None)
        for by in ((), ("model",), ("day", "outcome"), ("meta.team",), ("day", "meta.team", "model")):
            rows = usage(ledger, by)
            assert total_of(rows).cost_usd_picos == whole
            assert total_of(rows).count("calls") == 60
            assert len({row.key for row in rows}) == len(rows)
        assert {row.key[0] for row in usage(where, ("meta.team",))} == {"x'\"%", "y", None}
        assert {row.key for row in usage(where, ("day",), from_day=20_001)} == {(20_001,), (20_002,)}
        assert sum(row.calls for row in ledger.summary("outcome")) == 60
        assert verify(where) == []
        assert len(list(export(where))) == 60
        assert vacuum(where, 1, 20_002) == 40
        assert total_of(usage(ledger)).cost_usd_picos == whole, "sums stay"
        assert (verify(where), ledger.count()) == ([], 20)
    assert app.run(["usage", where, "--by", "model", "--csv"]) == 0
    assert capsys.readouterr().out.count("\n") == 4


_WRITER = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from turnout.ledger import AttemptRecord, CallRecord, Ledger, OpenAttempt

async def call(ledger, name):
    row = OpenAttempt(name, 1, "sent", 60_000, 120_000, "d", "m", reserved_usd_nanos=1_000, scopes=("budget/b",))
    await ledger.begin(row)
    os.write(1, f"begun {name}\\n".encode())
    spent = dict(cost_usd_picos=7_000, time_ms=60_000, settled_usd_nanos=7, scopes=("budget/b",))
    done = AttemptRecord(1, "d", "m", "complete", **spent)
    await ledger.append(CallRecord(name, 60_000, "", "", "complete", model="m", cost_usd_picos=7_000, attempts=(done,)))
    os.write(1, f"done {name}\\n".encode())

async def main():
    ledger = Ledger.open(sys.argv[1])
    for at in range(1_000_000):
        await asyncio.gather(*(call(ledger, f"{os.getpid()}-{at}-{each}") for each in range(8)))

asyncio.run(main())
"""


def test_two_gateways_that_are_killed_lose_nothing(where: str) -> None:
    sources = str(Path(__file__).parents[2] / "python")
    Ledger.open(where)
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, where, sources], stdout=subprocess.PIPE) for _ in range(2)
    ]
    said: list[bytes] = []
    for writer in writers:
        assert writer.stdout is not None
        said += [writer.stdout.readline() for _ in range(60)]
    for writer in writers:
        writer.kill()
        assert writer.stdout is not None
        said += writer.stdout.read().splitlines(keepends=True)
        writer.stdout.close()
        writer.wait()
    whole = [line.decode().split() for line in said if line.endswith(b"\n")]
    ledger = Ledger.open(where)
    lost = ledger.expire(10**15)
    kept = {call.removeprefix('{"id":"').split('"')[0] for call in export(where)}
    assert {name for _, name in whole} <= kept
    assert {name for word, name in whole if word == "done"} <= kept - {each.call_id for each in lost}
    assert sum(nanos for _, _, nanos in ledger.spent_since(0)) == (len(kept) - len(lost)) * 7 + len(lost) * 1_000
    assert verify(where) == []
    ledger.close_sync()


def test_a_database_that_was_killed_is_reached_again(server: Server) -> None:
    where = server.database()
    ledger = Ledger.open(where)
    ledger.append_sync(a_call("before"))
    server.kill()
    try:
        with pytest.raises(LedgerError) as caught:
            ledger.append_sync(a_call("during"))
        assert caught.value.code == "ledger-unreachable"
        with pytest.raises(LedgerError) as caught:
            Ledger.open(where)
        assert (caught.value.code, bool(caught.value.hint)) == ("ledger-unreachable", True)
    finally:
        server.start()
    ledger.append_sync(a_call("after"))
    assert ledger.count() == 2
    ledger.close_sync()


def test_what_cannot_be_used_says_so(server: Server) -> None:
    where = server.database()
    with pytest.raises(LedgerError) as caught:
        usage(where)
    assert caught.value.code == "ledger-path"
    with closing(psycopg.connect(where, autocommit=True)) as other:
        other.execute("CREATE SCHEMA turnout CREATE TABLE settings (a int)")
        with pytest.raises(LedgerError) as caught:
            Ledger.open(where)
        assert caught.value.code == "ledger-foreign"
        Ledger.open(where, schema="o'ther\"s").append_sync(a_call())
        other.execute('CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA "o\'ther""s" TO reader')
        other.execute('GRANT SELECT ON ALL TABLES IN SCHEMA "o\'ther""s" TO reader')
        try:
            with pytest.raises(LedgerError) as caught:
                Ledger.open(where.replace("turnout@", "reader@"), schema="o'ther\"s")
            assert (caught.value.code, bool(caught.value.hint)) == ("ledger-read-only", True)
            with pytest.raises(LedgerError) as caught:
                Ledger.open(where.replace("turnout@", "reader@"), schema="third")
            assert caught.value.code == "ledger-read-only"
        finally:
            other.execute("DROP OWNED BY reader; DROP ROLE reader")
    with pytest.raises(LedgerError) as caught:
        Ledger.open("postgresql://h/d?nonsense=1")
    assert caught.value.code == "ledger-path"
    secret = where.replace("turnout@", "turnout:sesame@")
    assert "sesame" not in Ledger.open(secret, schema="x").name


def test_a_newer_version_takes_over_under_an_older_one(server: Server) -> None:
    where = server.database()
    ledger = Ledger.open(where)
    ledger.append_sync(a_call("before"))
    with closing(psycopg.connect(where, autocommit=True)) as other:
        other.execute("UPDATE turnout.settings SET value = %s WHERE name = 'version'", (VERSION + 1,))
        for attempt in (lambda: ledger.append_sync(a_call("during")), lambda: Ledger.open(where), ledger.count):
            with pytest.raises(LedgerError) as caught:
                attempt()
            assert caught.value.code == "ledger-newer"
        other.execute("UPDATE turnout.settings SET value = %s WHERE name = 'version'", (VERSION,))
    ledger.append_sync(a_call("after"))
    assert ledger.count() == 2
    ledger.close_sync()


def test_gateways_that_meet_an_empty_database_make_it_once(server: Server) -> None:
    where = server.database()
    sources = str(Path(__file__).parents[2] / "python")
    script = "import sys; sys.path.insert(0, sys.argv[2]); from turnout.ledger import Ledger; Ledger.open(sys.argv[1])"
    several = [subprocess.Popen([sys.executable, "-c", script, where, sources]) for _ in range(3)]
    assert [each.wait() for each in several] == [0, 0, 0]
    assert Ledger.open(where).count() == 0


async def test_a_lock_that_is_not_let_go_is_an_error_for_that_record_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turnout.ledger import postgres

    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "30")
    where = server.database()
    async with Ledger.open(where) as ledger:
        with closing(psycopg.connect(where)) as other:
            other.execute("SELECT pg_advisory_lock(hashtext('turnout ledger'), hashtext('turnout'))")
            with pytest.raises(LedgerError) as caught:
                await ledger.append(a_call("during"))
            assert caught.value.code == "ledger-busy"
        await ledger.append(a_call("after"))
        assert ledger.count() == 1


def test_a_server_that_hangs_ends_with_the_process(server: Server) -> None:
    where = server.database()
    sources = str(Path(__file__).parents[2] / "python")
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from turnout.ledger import Ledger, OpenAttempt\n"
        "ledger = Ledger.open(sys.argv[1]); ledger.expire(0); print('open', flush=True); sys.stdin.read()\n"
        "ledger.expire_soon(1)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, where, sources], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    server.stop()
    try:
        began = time.monotonic()
        child.communicate()
        assert time.monotonic() - began < 8, "two seconds, and a busy machine"
        assert child.returncode == 0
    finally:
        server.go_on()
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
