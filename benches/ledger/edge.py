"""1,024 concurrent callers at the edge of a budget: what is spent beyond it, and what is refused while there is room.

Real calls through `Router` to the lab over HTTP. In the same run the floor that most gateways have: the same callers
check what is spent, call, and record afterwards. Run: python benches/ledger/edge.py [CALLERS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from turnout import BudgetError, Router, parse_policy
from turnout.lab import Lab, LabSettings
from turnout.ledger import Ledger

CALLERS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_024
POLICY = """
turnout: 1
name: edge
models: {{ claude: anthropic/claude-haiku-5-5 }}
budgets: [{{ name: all, limit: ${limit}/month }}]
otherwise: {{ from: [claude] }}
run: {{ deadline: 120s }}
"""
ASK: dict[str, object] = {"messages": [{"role": "user", "content": "hello there"}], "max_tokens": 400}
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-lab-0123456789"}
SCOPE = "budget/all/month/UTC"


def router(limit: str, lab: Lab, ledger: Ledger | None) -> Router:
    rules = parse_policy(POLICY.format(limit=limit))
    return Router(rules, ledger=ledger, environ=KEYS, base_urls={"anthropic": lab.url_for("anthropic")})


async def one_cost(lab: Lab) -> tuple[int, int]:
    """What one call reserves, and what it costs, in nano-USD."""
    async with router("100", lab, None) as probe:
        attempt = probe.engine.decide(ASK).plan.attempts[0]
        answer = await probe.complete(ASK)
        assert answer.cost is not None
        return attempt.reserved[0], -(-answer.cost.usd_picos // 1000)


async def main() -> None:
    async with Lab(LabSettings(speed=1000)) as lab:
        reserves, costs = await one_cost(lab)
        limit = costs * (CALLERS // 2) + reserves
        dollars = f"{limit // 10**9}.{limit % 10**9:09d}"
        with tempfile.TemporaryDirectory() as folder:
            ledger = Ledger.open(Path(folder) / "ledger")
            async with router(dollars, lab, ledger) as ours:
                book, rules = ours.engine.state.reservations, ours.engine.policy
                peak = false_refusals = refused = 0

                async def call() -> None:
                    nonlocal peak, false_refusals, refused
                    try:
                        await ours.complete(ASK)
                    except BudgetError:
                        refused += 1
                        spent, held = book.standing(rules, SCOPE) or (0, 0)
                        false_refusals += spent + held + 2 * reserves <= limit
                    spent, held = book.standing(rules, SCOPE) or (0, 0)
                    peak = max(peak, spent + held)

                began = time.perf_counter()
                await asyncio.gather(*(call() for _ in range(CALLERS)))
                took = time.perf_counter() - began
                spent, held = book.standing(rules, SCOPE) or (0, 0)
            rows = sum(nanos for _, _, nanos in ledger.spent_since(0))
            open_rows = len(ledger.open_attempts())
            await ledger.close()
        print(f"{CALLERS} callers, room for {limit // costs} calls; one reserves {reserves} and costs {costs} nano-USD")
        print(
            f"turnout, embedded: overshoot {max(0, peak - limit)} nano-USD at any instant, "
            f"{max(0, rows - limit)} in rows; "
            f"{CALLERS - refused} served, {refused} refused, {false_refusals} falsely; "
            f"held at the end {held}, rows open {open_rows}; rows - counters {rows - spent}; {took:.1f} s"
        )
        async with router("8999999", lab, None) as floor:
            seen = 0

            async def check_then_record() -> None:
                nonlocal seen
                if seen + costs <= limit:
                    answer = await floor.complete(ASK)
                    seen += costs if answer.cost is None else -(-answer.cost.usd_picos // 1000)

            await asyncio.gather(*(check_then_record() for _ in range(CALLERS)))
            print(
                f"floor, check then record: overshoot {max(0, seen - limit)} nano-USD, "
                f"{100 * (seen - limit) / limit:+.1f}%"
            )


asyncio.run(main())
