"""Counters in Redis or Valkey: the edge of a budget with 1,024 callers of four gateways, and a server that hangs.

Starts a server of its own (`redis-server` or `valkey-server` on PATH) on a socket in a temporary folder. The floor of a
reservation is one PING over the same connection pool. Run: python benches/ledger/shared.py
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis

from turnout import Engine, parse_policy
from turnout.errors import LedgerError
from turnout.ledger.redis_counters import RedisCounters

RULES = """
turnout: 1
name: shared
models: { claude: anthropic/claude-haiku-5-5 }
budgets: [{ name: all, limit: $0.1/month }, { name: team, per: meta.team, limit: $90/day }]
otherwise: { from: [claude] }
"""
ASK: dict[str, object] = {"messages": [{"role": "user", "content": "hello there"}], "max_tokens": 400}
LEASE_MS = 600_000


def quantiles(took: list[float]) -> str:
    took = sorted(took)
    return f"median {statistics.median(took) * 1e3:.3f}, p99 {took[int(len(took) * 0.99)] * 1e3:.3f} ms"


def main() -> None:
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        print("skipped: redis-server not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "s"
        server = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", str(where), "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        while not where.exists():
            time.sleep(0.01)
        try:
            asyncio.run(run(f"unix://{where}", server.pid))
        finally:
            os.kill(server.pid, signal.SIGCONT)
            server.kill()
            server.wait()


async def run(url: str, pid: int) -> None:
    engine = Engine(parse_policy(RULES), environ={"ANTHROPIC_API_KEY": "x"})
    attempt = engine.decide(ASK, {"team": "a"}).plan.attempts[0]
    claims, one = attempt.claims, attempt.reserved[0]
    gateways = [RedisCounters(url, "edge", deadline_s=10.0) for _ in range(4)]
    most = claims[0].limit // one
    took: list[float] = []

    async def call(at: int) -> bool:
        began = time.perf_counter()
        answer = await gateways[at % 4].reserve(f"e{at}", claims, attempt.reserved, LEASE_MS)
        took.append(time.perf_counter() - began)
        return not answer.denied

    done = await asyncio.gather(*(call(at) for at in range(1_024)))
    spent, held = await gateways[0].standing(claims[0])
    print(
        f"1,024 callers, 4 gateways: {sum(done)} admitted of {most} that fit; "
        f"overshoot {max(0, spent + held - claims[0].limit)}, false refusals {max(0, most - sum(done))}; "
        f"all at once {quantiles(took)}"
    )
    await asyncio.gather(*(gateways[0].settle(f"e{at}", 10, 0, 0) for at in range(1_024)))
    spent, held = await gateways[0].standing(claims[0])
    print(f"settled: spent {spent} of {10 * sum(done)}, held {held}")
    took.clear()
    for at in range(2_000):
        await call(100_000 + at)
        await gateways[at % 4].settle(f"e{100_000 + at}", 1, 0, 0)
    print(f"one at a time: a reservation {quantiles(took)}")
    pings = []
    client = Redis.from_url(url)
    for _ in range(2_000):
        began = time.perf_counter()
        await client.ping()
        pings.append(time.perf_counter() - began)
    print(f"floor, PING: {quantiles(pings)}")
    await client.aclose()
    for each in gateways:
        await each.aclose()

    hung = RedisCounters(url, "edge")
    await hung.reserve("w", claims, attempt.reserved, LEASE_MS)
    os.kill(pid, signal.SIGSTOP)
    waits = []
    for at in range(1_000):
        began = time.perf_counter()
        with suppress(LedgerError):
            await hung.reserve(f"h{at}", claims, attempt.reserved, LEASE_MS)
        waits.append(time.perf_counter() - began)
    os.kill(pid, signal.SIGCONT)
    print(
        f"server hung: the first five {', '.join(f'{each * 1e3:.1f}' for each in waits[:5])} ms; "
        f"the 995 after them {quantiles(waits[5:])}, worst {max(waits[5:]) * 1e3:.1f} ms"
    )
    await hung.aclose()


main()
