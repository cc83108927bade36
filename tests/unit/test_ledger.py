"""The ledger against real files: round trips, group commit, guards, kills."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.errors import LedgerError
from turnout.ledger import AttemptRecord, CallRecord, Ledger, SummaryRow, TokenCounts
from turnout.ledger.schema import VERSION
from turnout.ledger.sqlite import APPLICATION_ID


def a_call(
    call_id: str = "c1", model: str | None = "haiku", cost: int | None = 5, strongest: int | None = 50
) -> CallRecord:
    return CallRecord(
        id=call_id,
        time_ms=1_795_000_000_000,
        policy_hash="p" * 8,
        catalog_hash="k" * 8,
        outcome="complete",
        rule="cheap",
        model=model,
        deployment="haiku@us",
        provider="anthropic",
        usage=TokenCounts(input_uncached=10, cache_read=3, output_text=7, reasoning=2),
        cost_usd_picos=cost,
        expected_cost_p50_usd_picos=4,
        expected_cost_p90_usd_picos=9,
        strongest_cost_usd_picos=strongest,
        ttft_ms=120,
        total_ms=900,
        facts_json='{"task":"code"}',
        record_json='{"v":1}',
        attempts=(
            AttemptRecord(1, "haiku@eu", "haiku", "rate_limited", 429, total_ms=40, message_code="429"),
            AttemptRecord(2, "haiku@us", "haiku", "complete", 200, TokenCounts(10, 3), True, cost, 120, 860),
        ),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "ledger.sqlite"


async def test_a_record_comes_back_as_it_was(path: Path) -> None:
    async with Ledger.open(path) as ledger:
        await ledger.append(a_call())
        assert ledger.get("c1") == a_call()
        assert ledger.get("c2") is None
        assert ledger.count() == 1


_COUNT = st.integers(0, 2**63 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=25, deadline=None)
@given(
    _TEXT.filter(bool), _COUNT, st.none() | _COUNT, _TEXT, st.lists(st.tuples(_TEXT, st.none() | _COUNT), max_size=4)
)
def test_any_record_comes_back_as_it_was(
    call_id: str, tokens: int, cost: int | None, text: str, tries: list[tuple[str, int | None]]
) -> None:
    attempts = tuple(AttemptRecord(n, name, name, text, cost_usd_picos=c) for n, (name, c) in enumerate(tries, 1))
    record = CallRecord(
        call_id, tokens, text, text, text, None, text, usage=TokenCounts(tokens), cost_usd_picos=cost, attempts=attempts
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "l.sqlite")
        ledger.append_sync(record)
        assert ledger.get(call_id) == record
        ledger.close_sync()


async def test_summary_adds_up_by_model_and_rule(path: Path) -> None:
    async with Ledger.open(path) as ledger:
        await ledger.append(a_call("a"))
        await ledger.append(a_call("b"))
        await ledger.append(a_call("c", model="opus", cost=None))
        assert ledger.summary("model") == [
            SummaryRow("haiku", 2, 2, 4, 26, 6, 18, 10, 0, 90),
            SummaryRow("opus", 1, 1, 2, 13, 3, 9, 0, 1, 0),
        ]
        assert [row.key for row in ledger.summary("rule")] == ["cheap"]
        assert ledger.summary(since_ms=1_795_000_000_001) == []
        with pytest.raises(LedgerError) as caught:
            ledger.summary("id; DROP TABLE calls")  # type: ignore[arg-type]  # a caller without types
        assert caught.value.code == "ledger-record"


async def test_sums_beyond_64_bits_are_exact(path: Path) -> None:
    most = 2**63 - 1
    async with Ledger.open(path) as ledger:
        for n in range(3):
            await ledger.append(a_call(str(n), cost=most, strongest=1))
        (row,) = ledger.summary()
        assert row.cost_usd_picos == 3 * most
        assert row.saved_usd_picos == 3 * (1 - most)


async def test_many_callers_share_commits(path: Path) -> None:
    async with Ledger.open(path) as ledger:
        await asyncio.gather(*(ledger.append(a_call(str(n))) for n in range(300)))
        assert ledger.count() == 300


async def test_one_bad_record_does_not_touch_its_neighbours(path: Path) -> None:
    async with Ledger.open(path) as ledger:
        await ledger.append(a_call("twice"))
        records = [a_call("x"), a_call("twice"), a_call("\ud800"), a_call("y")]
        results = await asyncio.gather(*(ledger.append(r) for r in records), return_exceptions=True)
        codes = [getattr(result, "code", None) for result in results]
        assert codes == [None, "ledger-duplicate", "ledger-record", None]
        assert ledger.count() == 3
        assert ledger.get("twice") == a_call("twice")


@pytest.mark.parametrize(
    "make",
    [
        lambda: TokenCounts(-1),
        lambda: a_call(""),
        lambda: a_call(cost=2**63),
        lambda: AttemptRecord(1, "d", "m", "ok", total_ms=1.5),  # type: ignore[arg-type]  # a caller without types
        lambda: CallRecord("c", 0, "", "", "", attempts=(AttemptRecord(1, "", "", ""), AttemptRecord(1, "", "", ""))),
    ],
)
def test_values_that_cannot_be_kept_are_refused_at_once(make: object) -> None:
    with pytest.raises(LedgerError) as caught:
        make()  # type: ignore[operator]  # the parameters are functions
    assert caught.value.code == "ledger-record"


def test_threads_and_loops_share_one_ledger(path: Path) -> None:
    ledger = Ledger.open(path)

    async def some(name: str) -> None:
        await asyncio.gather(*(ledger.append(a_call(f"{name}-{n}")) for n in range(20)))

    threads = [threading.Thread(target=lambda name=str(n): asyncio.run(some(name))) for n in range(3)]
    for thread in threads:
        thread.start()
    asyncio.run(some("main"))
    asyncio.run(some("again"))
    ledger.append_sync(a_call("sync"))
    for thread in threads:
        thread.join()
    assert ledger.count() == 101
    ledger.close_sync()


async def test_a_cancelled_caller_does_not_lose_the_record(path: Path) -> None:
    async with Ledger.open(path) as ledger:
        task = asyncio.create_task(ledger.append(a_call("kept")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ledger.append(a_call("after"))
        assert ledger.get("kept") is not None


async def test_a_closed_ledger_refuses_and_closes_twice(path: Path) -> None:
    ledger = Ledger.open(path)
    await ledger.append(a_call())
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError) as caught:
        await ledger.append(a_call("late"))
    assert caught.value.code == "ledger-closed"
    assert ledger.count() == 1


def test_the_file_is_the_owners_and_durable(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.append_sync(a_call())
    assert path.stat().st_mode & 0o077 == 0
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
        columns = {row[1] for table in ("calls", "attempts") for row in database.execute(f"PRAGMA table_info({table})")}
    assert not columns & {"prompt", "text", "answer", "messages", "content"}
    assert "facts_json" in columns
    ledger.close_sync()


def test_a_newer_file_is_refused(path: Path) -> None:
    Ledger.open(path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path)
    assert caught.value.code == "ledger-newer"
    assert caught.value.hint


def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path)
    assert caught.value.code == "ledger-foreign"
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["other.sqlite"]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is a text file, and a rather long one at that\n" * 40)
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path)
    assert caught.value.code == "ledger-corrupt"
    assert "move it away" in str(caught.value)


def test_a_damaged_page_is_found_when_the_file_is_opened(path: Path) -> None:
    ledger = Ledger.open(path)
    for n in range(100):
        ledger.append_sync(a_call(str(n)))
    ledger.close_sync()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path)
    assert caught.value.code == "ledger-corrupt"


@pytest.fixture
def nobody() -> Iterator[None]:
    """Makes file rights count even where the suite runs as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        yield Path(folder)
        Path(folder).chmod(0o755)


@pytest.mark.usefixtures("nobody")
def test_a_read_only_folder_is_named_as_such(locked_folder: Path) -> None:
    for path in (locked_folder / "ledger.sqlite", locked_folder / "new" / "ledger.sqlite"):
        with pytest.raises(LedgerError) as caught:
            Ledger.open(path)
        assert caught.value.code == "ledger-read-only"
        assert caught.value.hint


def test_a_path_that_is_a_folder_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(tmp_path)
    assert caught.value.code == "ledger-io"


async def test_a_locked_file_is_an_error_for_that_record_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.ledger.sqlite._BUSY_TIMEOUT_MS", 30)
    async with Ledger.open(path) as ledger:
        await ledger.append(a_call("before"))
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerError) as caught:
                await ledger.append(a_call("during"))
            other.execute("ROLLBACK")
        assert caught.value.code == "ledger-busy"
        await ledger.append(a_call("after"))
        assert ledger.count() == 2


async def test_a_file_that_goes_away_is_an_error_not_a_hang(path: Path) -> None:
    ledger = Ledger.open(path)
    path.unlink()
    with pytest.raises(LedgerError) as caught:
        await ledger.append(a_call())
    assert caught.value.code == "ledger-io"
    await ledger.close()


def test_a_full_disk_fails_that_record_and_then_recovers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from turnout.ledger import sqlite

    plain = sqlite._connect
    limit = [8]

    def small(where: Path) -> sqlite3.Connection:
        database = plain(where)
        database.execute(f"PRAGMA max_page_count = {limit[0]}")
        return database

    ledger = Ledger.open(path)
    monkeypatch.setattr(sqlite, "_connect", small)
    written = 0
    with pytest.raises(LedgerError) as caught:
        for n in range(1000):
            ledger.append_sync(a_call(str(n)))
            written += 1
    assert caught.value.code == "ledger-full"
    assert 0 < written == ledger.count()
    limit[0] = 1_000_000
    ledger.append_sync(a_call("room again"))
    assert ledger.count() == written + 1
    ledger.close_sync()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("was_used", [True, False])
def test_a_fork_is_refused_only_if_the_file_was_in_use(path: Path, was_used: bool) -> None:
    ledger = Ledger.open(path)
    if was_used:
        ledger.append_sync(a_call("parent"))
    child = os.fork()
    if child == 0:
        codes = []
        for attempt in (lambda: ledger.append_sync(a_call("child")), ledger.count, lambda: Ledger.open(path)):
            try:
                attempt()
                codes.append("fine")
            except LedgerError as error:
                codes.append(error.code)
        ledger.close_sync()
        os._exit(0 if codes == ["ledger-forked" if was_used else "fine"] * 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ledger.append_sync(a_call("later"))
    assert ledger.count() == 2
    ledger.close_sync()


_ENDS_WITHOUT_CLOSING = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from turnout.ledger import CallRecord, Ledger
def a_call(name):
    return CallRecord(name, 1, "policy", "catalog", "complete")
ledger = Ledger.open(sys.argv[1])
async def main():
    for n in range(50):
        asyncio.get_running_loop().create_task(ledger.append(a_call(str(n))))
    await asyncio.sleep(0)
asyncio.run(main())
"""

_WRITES_UNTIL_KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from turnout.ledger import CallRecord, Ledger
def a_call(name):
    return CallRecord(name, 1, "policy", "catalog", "complete")
ledger = Ledger.open(sys.argv[1])
for n in range(100_000):
    ledger.append_sync(a_call(f"{sys.argv[3]}-{n}"))
    print(f"{sys.argv[3]}-{n}", flush=True)
"""

_SOURCES = str(Path(__file__).parents[2] / "python")


def test_what_waits_at_the_interpreters_end_is_written(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ENDS_WITHOUT_CLOSING, str(path), _SOURCES], capture_output=True, timeout=60, check=True
    )
    assert done.stderr == b""
    assert Ledger.open(path).count() == 50


def test_no_acknowledged_record_is_lost_to_a_kill(path: Path) -> None:
    acknowledged: set[str] = set()
    for round_number in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITES_UNTIL_KILLED, str(path), _SOURCES, str(round_number)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(7 + 13 * round_number):
                acknowledged.add(writer.stdout.readline().decode().strip())
            writer.send_signal(signal.SIGKILL)
            # Lines that were in the pipe at the kill are acknowledgements too; the last may be cut.
            acknowledged.update(line.decode().strip() for line in writer.stdout if line.endswith(b"\n"))
        ledger = Ledger.open(path)
        assert all(ledger.get(call_id) is not None for call_id in acknowledged)
        assert len(acknowledged) <= ledger.count() <= len(acknowledged) + round_number + 1
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(acknowledged) > 150


@pytest.mark.parametrize("name", [":memory:", "file:ledger?mode=memory"])
def test_names_of_sqlites_are_no_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LedgerError) as caught:
        Ledger.open(name)
    assert (caught.value.code, bool(caught.value.hint)) == ("ledger-path", True)
    assert not list(tmp_path.iterdir())
