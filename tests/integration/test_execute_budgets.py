"""Budgets and limits on real calls: nothing beyond a limit, nothing held for ever, nothing forgotten."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.integration.execute_kit import KEYS, on_lab, read, until, urls

from turnout import BudgetError, Policy, Router, parse_policy
from turnout.errors import LedgerError
from turnout.lab import Lab, LabSettings
from turnout.ledger import CallRecord, Ledger, OpenAttempt
from turnout.ledger.schema import SLOT_MS
from turnout.ledger.writer import tell

_POLICY = """
turnout: 1
name: kit
models:
  claude: anthropic/claude-haiku-5-5
  gpt: openai/gpt-6-luna
{rest}
otherwise: {{ from: [{pool}], prefer: in_order }}
run: {{ deadline: 5s, attempts: 3 }}
"""


def policy(rest: str, pool: str = "claude, gpt") -> Policy:
    return parse_policy(_POLICY.format(rest=rest, pool=pool))


def budget(limit: str, more: str = "", pool: str = "claude, gpt") -> Policy:
    return policy(f"budgets: [{{ name: team, per: meta.team, limit: {limit}{more} }}]", pool)


ASK: dict[str, object] = {"messages": [{"role": "user", "content": "hello there"}], "max_tokens": 400}
SCOPE = "budget/team/month/UTC/a"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger")
    yield opened
    opened.close_sync()


def has(ledger: Ledger, rows: int) -> bool:
    return ledger.count() == rows


def standing(router: Router) -> tuple[int, int]:
    found = router.engine.state.reservations.standing(router.engine.policy, SCOPE)
    assert found is not None
    return found


async def test_many_callers_at_the_edge_spend_no_more_than_there_is(ledger: Ledger) -> None:
    rules = budget("$0.02/month")
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, rules, ledger) as router:
        one = router.engine.decide(ASK, {"team": "a"}).plan.attempts[0].reserved[0]
        peak = 0

        async def watch() -> None:
            nonlocal peak
            while True:
                peak = max(peak, sum(standing(router)))
                await asyncio.sleep(0)

        async def call() -> bool:
            try:
                await router.complete(ASK, {"team": "a"})
            except BudgetError:
                # No false refusal: there was a moment without room for one more. Others have settled since.
                assert peak + one > 20_000_000
                return False
            return True

        watching = asyncio.create_task(watch())
        done = await asyncio.gather(*(call() for _ in range(200)))
        watching.cancel()
        assert 0 < sum(done) < 200
        assert peak <= 20_000_000
        spent, held = standing(router)
        assert held == 0
        rows = ledger.spent_since(0)
        assert sum(nanos for _, _, nanos in rows) == spent <= 20_000_000
        assert {scope for scope, _, _ in rows} == {SCOPE}
        assert lab.counters.requests() == sum(done), "what is refused is not sent"
        assert ledger.open_attempts() == []


async def test_a_refusal_says_whose_and_when(ledger: Ledger) -> None:
    rules = budget("$0.0001/month")
    async with Lab() as lab, on_lab(lab, rules, ledger) as router:
        with pytest.raises(BudgetError) as caught:
            await router.complete(ASK, {"team": "a"})
        assert caught.value.scope == SCOPE
        assert "`team` (month) of `a`" in caught.value.message
        assert caught.value.hint is not None
        record = caught.value.record
        assert isinstance(record, CallRecord)
        assert (record.outcome, record.attempts[0].outcome, record.attempts[0].state) == (
            "over_budget",
            "over_budget",
            "released",
        )
        assert len(record.attempts) == 1, "a budget that refuses ends the call"
        with pytest.raises(BudgetError):
            await read(router, {**ASK, "stream": True})
        assert lab.counters.requests() == 0


@pytest.mark.parametrize("per", ["per: meta.team, ", ""])
async def test_what_was_spent_outlives_the_process(per: str, ledger: Ledger) -> None:
    rules = policy(f"budgets: [{{ name: team, {per}limit: $5/month, zone: Europe/Berlin }}]")
    scope = "budget/team/month/Europe%2FBerlin" + ("/a" if per else "")
    async with Lab(LabSettings(speed=1000)) as lab:
        async with on_lab(lab, rules, ledger) as router:
            await router.complete(ASK, {"team": "a"})
            before = router.engine.state.reservations.standing(rules, scope)
            assert before is not None
            assert before[0] > 0
        # A process that died: one attempt under way, one whose lease is over.
        now_ms = time.time_ns() // 1_000_000
        for call_id, until_ms in (("alive", now_ms + 60_000), ("dead", now_ms - 1)):
            row = OpenAttempt(
                call_id, 1, "sent", now_ms, until_ms, "claude", "claude", reserved_usd_nanos=1_000, scopes=(scope,)
            )
            await ledger.begin(row)
        async with on_lab(lab, rules, ledger) as router:
            assert router.engine.state.reservations.standing(rules, scope) == (before[0] + 1_000, 1_000)
        assert [each.call_id for each in ledger.open_attempts()] == ["alive"]
        lost = ledger.get("dead")
        assert lost is not None
        assert (lost.outcome, lost.attempts[0].state, lost.cost_usd_picos) == ("lost", "expired", 1_000_000)


async def test_a_budget_that_steps_down_goes_on_where_there_is_room(ledger: Ledger) -> None:
    # Enough for the cheaper model's longest answer only.
    rules = budget("$0.0001/month", ", on_exceed: step_down, models: [claude]")
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, rules, ledger) as router:
        response = await router.complete(ASK, {"team": "a"})
        assert response.model == "gpt"
        assert [each.code for each in response.decision.candidates if each.code] == ["over-budget"]


async def test_a_limit_of_one_deployment_sends_calls_to_the_next(ledger: Ledger) -> None:
    rules = policy("limits: [{ name: slow, per: deployment, models: [claude], requests: 1/min }]")
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, rules, ledger) as router:
        answers = [await router.complete(ASK) for _ in range(3)]
        assert [answer.model for answer in answers] == ["claude", "gpt", "gpt"]
        assert [each.outcome for each in answers[1].record.attempts] == ["over_budget", "complete"]
    rules = policy("limits: [{ name: slow, requests: 1/min }]")
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, rules) as router:
        await router.complete(ASK)
        with pytest.raises(BudgetError) as caught:
            await router.complete(ASK)
        assert caught.value.code == "limit-exceeded"
        assert 50_000 < (caught.value.retry_after_ms or 0) <= 60_000


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("durable", ["before_answer", "before_send"])
async def test_nothing_stays_held_wherever_a_call_is_cancelled(streams: bool, durable: str, ledger: Ledger) -> None:
    rules = policy("budgets: [{ name: team, limit: $5/month }]\nlimits: [{ concurrent: 1 }]", "claude")
    async with Lab(LabSettings(speed=1000)) as lab:
        router = Router(rules, ledger=ledger, environ=KEYS, base_urls=urls(lab, rules), durable=durable)  # type: ignore[arg-type]
        async with router:
            for step in range(1, 90, 2):
                before = ledger.count()
                work = read(router, ASK) if streams else router.complete(ASK)
                task: asyncio.Task[object] = asyncio.create_task(work)
                for _ in range(step):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await until(partial(has, ledger, before + 1))
                assert router.engine.state.reservations.open_count == 0
                await until(lambda: ledger.open_attempts() == [])
            assert (await router.complete(ASK)).accepted


async def test_two_routers_do_not_count_in_one_ledger(ledger: Ledger) -> None:
    rules = budget("$5/month")
    async with Lab() as lab:
        async with on_lab(lab, rules, ledger):
            with pytest.raises(LedgerError) as caught:
                Router(rules, ledger=ledger, environ=KEYS, base_urls=urls(lab, rules))
            assert caught.value.code == "ledger-shared"
            # Who counts nothing may write there.
            async with on_lab(lab, policy(""), ledger) as router:
                await router.complete(ASK)
        async with on_lab(lab, rules, ledger) as router:
            await router.complete(ASK, {"team": "a"})


async def test_a_full_disk_refuses_budgeted_calls_and_no_others(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = budget("$5/month", ", models: [claude]")
    full = False
    original = Ledger._enqueue

    def enqueue(self: Ledger, ticket: object) -> None:
        if full:
            tell([ticket], [LedgerError("ledger-full", "the disk has no room")])  # type: ignore[list-item]
        else:
            original(self, ticket)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "_enqueue", enqueue)
    only_gpt = policy("", "gpt")
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, rules, ledger) as router:
        async with on_lab(lab, only_gpt, ledger) as other:
            await router.complete(ASK, {"team": "a"})
            full = True
            sent = lab.counters.requests()
            with pytest.raises(LedgerError) as caught:
                await router.complete(ASK, {"team": "a"})
            assert caught.value.code == "ledger-full"
            after_first = lab.counters.requests()
            for _ in range(3):
                with pytest.raises(LedgerError):
                    await router.complete(ASK, {"team": "a"})
            assert lab.counters.requests() == after_first <= sent + 1, "known to be full, nothing budgeted is sent"
            assert (await other.complete(ASK)).accepted
            assert (await other.complete(ASK)).accepted
            full = False
            count = ledger.count()
            assert (await router.complete(ASK, {"team": "a"})).accepted
            assert (await other.complete(ASK)).accepted
            # What waited in memory is written too: four that failed, two that were served, and these two.
            await until(lambda: ledger.count() == count + 8)
        assert router.engine.state.reservations.open_count == 0


async def test_slots_are_whole_minutes(ledger: Ledger) -> None:
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, budget("$5/month"), ledger) as router:
        await router.complete(ASK, {"team": "a"})
    assert [slot_ms % SLOT_MS for _, slot_ms, _ in ledger.spent_since(0)] == [0]
