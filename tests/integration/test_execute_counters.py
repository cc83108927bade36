"""Routers that count together: nothing beyond a budget, nothing forgotten when the server is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.execute_kit import KEYS, until, urls
from tests.integration.redis_kit import Server, redis_server, require_redis

from turnout import BudgetError, Policy, Router, parse_policy
from turnout.errors import LedgerError
from turnout.lab import Lab, LabSettings
from turnout.ledger import Ledger
from turnout.ledger.redis_counters import RedisCounters

ASK: dict[str, object] = {"messages": [{"role": "user", "content": "hello there"}], "max_tokens": 400}


def rules(rest: str) -> Policy:
    return parse_policy(
        f"turnout: 1\nname: shared\nmodels:\n  gpt: openai/gpt-6-luna\n{rest}\n"
        "otherwise: { from: [gpt] }\nrun: { deadline: 20s }\n"
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    require_redis()
    with redis_server() as running:
        yield running


def counters(server: Server, namespace: str, deadline_s: float = 5.0) -> RedisCounters:
    return RedisCounters(server.url, namespace, deadline_s=deadline_s, probe_s=0.3)


def router(policy: Policy, lab: Lab, shared: RedisCounters, ledger: Ledger | None = None) -> Router:
    return Router(policy, ledger=ledger, environ=KEYS, base_urls=urls(lab, policy), counters=shared)


async def test_routers_share_one_budget(server: Server, tmp_path: Path) -> None:
    policy = rules("budgets: [{ name: all, limit: $0.01/month }]")
    ledgers = [Ledger.open(tmp_path / str(at)) for at in range(3)]
    async with Lab(LabSettings(speed=1000)) as lab:
        shared = [counters(server, "one") for _ in ledgers]
        routers = [router(policy, lab, *pair) for pair in zip(shared, ledgers, strict=True)]

        async def call(at: int) -> bool:
            try:
                await routers[at % 3].complete(ASK)
            except BudgetError:
                return False
            return True

        done = await asyncio.gather(*(call(at) for at in range(150)))
        claim = routers[0].engine.decide(ASK).plan.attempts[0].claims[0]
        reader = counters(server, "one")
        async with asyncio.timeout(5):
            while (await reader.standing(claim))[1] > 0:
                await asyncio.sleep(0.01)
        spent, held = await reader.standing(claim)
        assert 0 < sum(done) < 150
        assert held == 0
        rows = sum(nanos for ledger in ledgers for _, _, nanos in ledger.spent_since(0))
        assert rows == spent <= 10_000_000
        # What one router's conditions see is what all of them spent.
        await routers[0].complete({**ASK, "max_tokens": 1})
        shown = routers[0].engine.state.reservations.standing(policy, "budget/all/month/UTC")
        assert shown is not None
        assert shown[0] == spent
        for each in routers:
            await each.aclose()
        await reader.aclose()
    for ledger in ledgers:
        await ledger.close()


async def test_a_server_that_forgot_is_told_by_the_ledgers(server: Server, tmp_path: Path) -> None:
    policy = rules("budgets: [{ name: all, limit: $0.01/month }]")
    ledger = Ledger.open(tmp_path / "l")
    async with Lab(LabSettings(speed=1000)) as lab:
        first = router(policy, lab, counters(server, "two"), ledger)
        async with first:
            for _ in range(3):
                await first.complete(ASK)
        before = sum(nanos for _, _, nanos in ledger.spent_since(0))
        assert before > 0
        shared = counters(server, "two")
        await shared._client.flushall()
        async with router(policy, lab, shared, ledger) as second:
            await second.complete(ASK)
            claim = second.engine.decide(ASK).plan.attempts[0].claims[0]
            await until(lambda: sum(nanos for _, _, nanos in ledger.spent_since(0)) > before)
            async with asyncio.timeout(5):
                while (await shared.standing(claim)) != (sum(nanos for _, _, nanos in ledger.spent_since(0)), 0):
                    await asyncio.sleep(0.01)
    await ledger.close()


async def test_without_the_server_budgets_hold_and_others_are_served(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    budgeted = rules("budgets: [{ name: all, limit: $5/month }]")
    limited = rules("limits: [{ requests: 600/min }]")
    caplog.set_level(logging.WARNING)
    async with Lab(LabSettings(speed=1000)) as lab:
        shared = counters(server, "three", 0.05)
        async with router(budgeted, lab, shared) as ours, router(limited, lab, counters(server, "three", 0.05)) as free:
            await ours.complete(ASK)
            sent = lab.counters.requests()
            server.stop()
            try:
                for _ in range(8):
                    with pytest.raises(LedgerError) as caught:
                        await ours.complete(ASK)
                    assert caught.value.code == "counters-unreachable"
                assert lab.counters.requests() == sent, "nothing budgeted is sent"
                assert (await free.complete(ASK)).accepted
            finally:
                server.go_on()
            async with asyncio.timeout(10):
                while True:
                    try:
                        assert (await ours.complete(ASK)).accepted
                        break
                    except LedgerError:
                        await asyncio.sleep(0.01)
            claim = ours.engine.decide(ASK).plan.attempts[0].claims[0]
            async with asyncio.timeout(10):
                # Also what was asked for while the server hung, and answered by it later, is let go.
                while (await shared.standing(claim))[1] > 0:
                    await asyncio.sleep(0.01)
                    ours._desk._shared._catch_up()  # type: ignore[union-attr]
    assert any("is not counted" in record.getMessage() for record in caplog.records)
