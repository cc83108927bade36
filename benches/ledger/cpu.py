"""The ledger on the request path: CPU per call of the caller's thread, what an answer waits for its row, rows a second.

Run: python benches/ledger/cpu.py
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from turnout import Engine, parse_policy
from turnout._core import Usage
from turnout.execute.call import Call, Ended, Services
from turnout.execute.deadline import Deadline
from turnout.execute.desk import Desk, Held
from turnout.execute.record import record_of
from turnout.ledger import AttemptRecord, CallRecord, Ledger

DISK = Path(__file__).parents[2] / "target"
"""On the disk that is measured, which a temporary folder may not be, and ignored by git."""
RULES = """
turnout: 1
name: cpu
models: {{ claude: anthropic/claude-haiku-5-5 }}
{budgets}
otherwise: {{ from: [claude] }}
"""
BUDGETS = """budgets:
  - { name: team, per: meta.team, limit: $5000/month }
  - { name: all, limit: $90000/month }
limits: [{ per: key, requests: 1M/s, concurrent: 100k }]"""
ASK: dict[str, object] = {"messages": [{"role": "user", "content": "hello there"}], "max_tokens": 400}
META = {"team": "search", "key": "k1"}
CALLS = 4_000
NAMES = iter(range(10**9))


def services(engine: Engine, ledger: Ledger | None) -> Services:
    desk = Desk(engine.policy, engine.state.reservations, ledger, "before_answer")
    return Services(engine.state, {}, {}, ledger, desk)


async def ledger_work(engine: Engine, ledger: Ledger | None) -> tuple[float, float]:
    """CPU and wall time of what the desk and the ledger do for a call, in microseconds."""
    shared = services(engine, ledger)
    decision = engine.decide(ASK, META)
    attempt = decision.plan.attempts[0]
    calls = [Call(shared, decision, decision.plan, Deadline(60), 1_795_000_000_000, False) for _ in range(CALLS)]
    base = record_of(calls[0], "complete")
    fields = {name: getattr(base, name) for name in CallRecord.__dataclass_fields__ if name not in ("id", "attempts")}
    row = AttemptRecord(
        1, "claude", "claude", "complete", 200, time_ms=base.time_ms, settled_usd_nanos=1, scopes=attempt.budget_scopes
    )
    records = [CallRecord(**fields, id=call.id, attempts=(row,)) for call in calls]
    cpu = wall = 0.0
    for at in range(0, CALLS, 64):
        batch = calls[at : at + 64]

        async def one(call: Call, record: CallRecord) -> None:
            nonlocal cpu
            began = time.thread_time()
            held = await shared.desk.reserve(call, attempt, 1)
            assert isinstance(held, Held)
            shared.desk.settle(held, 1_000, 20, 10)
            coroutine = shared.desk.keep(record, [held])
            cpu += time.thread_time() - began
            await coroutine

        began_wall = time.perf_counter()
        # What the loop itself does between is not counted: the same waits would be others' work.
        await asyncio.gather(*(one(call, record) for call, record in zip(batch, records[at : at + 64], strict=True)))
        wall += time.perf_counter() - began_wall
    shared.desk.close()
    return cpu / CALLS * 1e6, wall / CALLS * 1e6


async def whole_thread(engine: Engine, ledger: Ledger | None) -> float:
    """CPU of the loop's thread for a whole batch, waits' wake-ups included, in microseconds a call."""
    shared = services(engine, ledger)
    decision = engine.decide(ASK, META)
    attempt = decision.plan.attempts[0]
    best = float("inf")
    for _ in range(7):
        calls = [Call(shared, decision, decision.plan, Deadline(60), 1_795_000_000_000, False) for _ in range(640)]
        base = record_of(calls[0], "complete")
        fields = {
            name: getattr(base, name) for name in CallRecord.__dataclass_fields__ if name not in ("id", "attempts")
        }
        records = [CallRecord(**fields, id=call.id) for call in calls]

        async def one(call: Call, record: CallRecord) -> None:
            held = await shared.desk.reserve(call, attempt, 1)
            assert isinstance(held, Held)
            await shared.desk.before_answer(held)
            shared.desk.settle(held, 1_000, 20, 10)
            await shared.desk.keep(record, [held])

        began = time.thread_time()
        for at in range(0, 640, 64):
            await asyncio.gather(*(one(*pair) for pair in zip(calls[at : at + 64], records[at : at + 64], strict=True)))
        best = min(best, (time.thread_time() - began) / 640 * 1e6)
    shared.desk.close()
    return best


async def wait_for_row(engine: Engine, ledger: Ledger, concurrent: int) -> tuple[float, float, float]:
    """What an answer still waits for its row beside an upstream of 20 ms, in milliseconds: median, p99, worst."""
    shared = services(engine, ledger)
    decision = engine.decide(ASK, META)
    attempt = decision.plan.attempts[0]
    waits: list[float] = []

    async def one() -> None:
        call = Call(shared, decision, decision.plan, Deadline(60), 1_795_000_000_000, False)
        flight = await call.reserve(attempt)
        assert flight is not None
        call.begin(flight)
        await asyncio.sleep(0.020)
        began = time.perf_counter()
        await call.before_answer(flight)
        waits.append((time.perf_counter() - began) * 1e3)
        call.end(flight, Ended("complete", 200, usage=Usage(input_uncached=20, output_text=10)))
        await shared.desk.keep(record_of(call, "complete"), call.held)

    for _ in range(max(1, 1_000 // concurrent)):
        await asyncio.gather(*(one() for _ in range(concurrent)))
    shared.desk.close()
    waits.sort()
    return statistics.median(waits), waits[int(len(waits) * 0.99)], waits[-1]


async def rows_per_second(ledger: Ledger, base: CallRecord, callers: int) -> float:
    fields = {name: getattr(base, name) for name in CallRecord.__dataclass_fields__ if name != "id"}
    total = 6_000 // callers * callers

    async def one() -> None:
        for _ in range(total // callers):
            await ledger.append(CallRecord(**fields, id=f"r{next(NAMES)}"))

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(callers)))
    return total / (time.perf_counter() - began)


def floor(path: Path, rows: int, group: int) -> float:
    """Bare SQLite on the same disk: rows a second of one small insert, FULL, so many a commit."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, b TEXT)")
    began = time.perf_counter()
    for at in range(0, rows, group):
        database.execute("BEGIN")
        database.executemany("INSERT INTO t VALUES (?, ?, ?)", [(f"{at + n}", n, "x" * 200) for n in range(group)])
        database.execute("COMMIT")
    return rows / (time.perf_counter() - began)


async def main() -> None:
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        for name, budgets in (("no budgets", ""), ("2 budgets, 2 limits", BUDGETS)):
            engine = Engine(parse_policy(RULES.format(budgets=budgets)), environ={"ANTHROPIC_API_KEY": "x"})
            for kept in (False, True):
                ledger = Ledger.open(Path(folder) / f"cpu-{len(budgets)}") if kept else None
                cpu, _ = await ledger_work(engine, ledger)
                thread = await whole_thread(engine, ledger)
                what = "ledger" if kept else "no ledger"
                print(f"{name}, {what}: CPU {cpu:.1f} us a call in our code, {thread:.1f} us with the loop's wake-ups")
                if ledger is not None:
                    for concurrent in (1, 16, 64):
                        median, p99, worst = await wait_for_row(engine, ledger, concurrent)
                        print(f"   wait before the first answer byte, 20 ms upstream, {concurrent} at once: "
                              f"median {median:.3f}, p99 {p99:.3f}, worst {worst:.3f} ms")  # fmt: skip
                    await ledger.close()
        engine = Engine(parse_policy(RULES.format(budgets="")), environ={"ANTHROPIC_API_KEY": "x"})
        decision = engine.decide(ASK)
        call = Call(services(engine, None), decision, decision.plan, Deadline(60), 1_795_000_000_000, False)
        base = record_of(call, "complete")
        ledger = Ledger.open(Path(folder) / "rows")
        for callers in (1, 64, 512):
            rate = await rows_per_second(ledger, base, callers)
            print(f"whole records of {len(base.record_json)} bytes, FULL, {callers} callers: {rate:,.0f} rows/s")
        await ledger.close()
        print(f"floor, bare SQLite FULL: {floor(Path(folder) / 'f1', 400, 1):,.0f} rows/s one a commit, "
              f"{floor(Path(folder) / 'f64', 12_800, 64):,.0f} at 64")  # fmt: skip


asyncio.run(main())
