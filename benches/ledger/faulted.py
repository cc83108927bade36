"""Calls under faults: what is left held, settled twice, or missing in the rows.

Run: python benches/ledger/faulted.py [CALLS]
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from turnout import Router, parse_policy
from turnout.errors import TurnoutError
from turnout.lab import FaultPlan, Lab, LabSettings, parse_rate
from turnout.ledger import Ledger, total_of, usage
from turnout.ledger.upkeep import verify

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
POLICY = """
turnout: 1
name: faulted
models: { claude: anthropic/claude-haiku-5-5, gpt: openai/gpt-6-luna }
budgets: [{ name: all, limit: $9000/month }, { name: team, per: meta.team, limit: $900/day }]
limits: [{ concurrent: 500, requests: 1M/s }]
otherwise: { from: [claude, gpt] }
run: { deadline: 2s, ttft: 300ms, idle: 300ms, attempts: 4, retry_budget: 100% }
"""
FAULTS = "529=8% 429_ms=5% 500=5% cut=8% stall_mid=1% not_json=4% usage_missing=5% usage_negative=2% reset=3%"
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-lab-0123456789", "OPENAI_API_KEY": "sk-lab-0123456789"}


async def main() -> None:
    dice = random.Random(7)
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        ledger = Ledger.open(path)
        async with Lab(LabSettings(speed=1000, faults=FaultPlan(7, tuple(map(parse_rate, FAULTS.split()))))) as lab:
            rules = parse_policy(POLICY)
            addresses = {name: lab.url_for(name) for name in ("anthropic", "openai")}
            async with Router(rules, ledger=ledger, environ=KEYS, base_urls=addresses) as router:

                async def call(at: int) -> None:
                    body = {"messages": [{"role": "user", "content": f"hello {at}"}], "max_tokens": 50}
                    meta = {"team": f"t{at % 7}"}
                    try:
                        async with asyncio.timeout(dice.random() * 0.05 if at % 10 == 0 else 30):
                            if at % 2:
                                await router.complete(body, meta)
                            else:
                                async with router.stream(body, meta) as stream:
                                    async for _ in stream:
                                        pass
                        ends["answered"] += 1
                    except TurnoutError as error:
                        ends[error.code] += 1
                    except TimeoutError:
                        ends["cancelled by its caller"] += 1

                began = time.perf_counter()
                numbers = iter(range(CALLS))

                async def work() -> None:
                    for at in numbers:
                        await call(at)

                await asyncio.gather(*(work() for _ in range(64)))
                took = time.perf_counter() - began
                book = router.engine.state.reservations
                spent, held = book.standing(rules, "budget/all/month/UTC") or (0, 0)
                stuck = book.open_count
        await ledger.close()
        rows = sum(nanos for scope, _, nanos in Ledger.open(path).spent_since(0) if scope.startswith("budget/all"))
        whole = total_of(usage(path, ()))
        print(f"{CALLS:,} calls in {took:.0f} s, faults {FAULTS}: {dict(ends.most_common(8))}")
        print(
            f"stuck reservations {stuck}, held {held}, attempts open {len(Ledger.open(path).open_attempts())}; "
            f"rows - counters {rows - spent} nano-USD; rows of calls missing {CALLS - whole.count('calls')}; "
            f"verify: {verify(path) or 'sound'}; {whole.count('attempts'):,} attempts"
        )


asyncio.run(main())
