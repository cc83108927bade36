"""Hedging: a second attempt beside one that is late, before any content, capped and accounted for."""

from collections.abc import AsyncIterator

import pytest
from tests.integration.execute_kit import CLAUDE, GPT, on_lab, policy, until

from turnout import Policy, ProviderError
from turnout.lab import Lab, LabSettings
from turnout.ledger import CallRecord


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


def hedged(hedge: str, attempts: int = 3, pool: str = "gpt, claude") -> Policy:
    return policy(pool, run=f"hedge: {hedge}", attempts=attempts)


async def answer(router, streams: bool):
    if not streams:
        response = await router.complete("hello there")
        return response.text, response.record
    async with router.stream("hello there") as stream:
        text = "".join([event.text async for event in stream])
    return text, stream.record


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_the_first_to_answer_wins_and_the_other_is_cancelled_and_paid(lab: Lab, streams: bool) -> None:
    lab.script(GPT, ["ok", "stall"])
    async with on_lab(lab, hedged("{ after: 50ms, share: 100% }")) as router:
        await answer(router, streams)
        text, record = await answer(router, streams)
        alone, _ = await answer(router, streams)
    assert text
    assert record.outcome == "complete"
    assert record.model == "claude"
    assert [(each.model, each.outcome, each.message_code) for each in record.attempts] == [
        ("gpt", "cancelled", "hedge_lost"),
        ("claude", "complete", None),
    ]
    assert record.attempts[0].usage_is_estimated
    assert record.cost_usd_picos == sum(each.cost_usd_picos for each in record.attempts)
    assert record.attempts[0].cost_usd_picos > 0
    await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
    assert alone


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_a_late_attempt_that_answers_first_wins(lab: Lab, streams: bool) -> None:
    lab.script(GPT, ["slow"])
    lab.script(CLAUDE, ["stall"])
    async with on_lab(lab, hedged("{ after: 1ms, share: 100% }")) as router:
        _, record = await answer(router, streams)
    assert record.model == "gpt"
    hedge_lost = [each.model for each in record.attempts if each.message_code == "hedge_lost"]
    assert hedge_lost in ([], ["claude"])
    await until(lambda: lab.counters.in_flight == 0)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_when_one_of_two_fails_the_other_goes_on(lab: Lab, streams: bool) -> None:
    lab.script(GPT, ["slow"])
    lab.script(CLAUDE, ["529"])
    async with on_lab(lab, hedged("{ after: 1ms, share: 100% }")) as router:
        _, record = await answer(router, streams)
    assert record.model == "gpt"
    assert record.outcome == "complete"


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_two_that_fail_are_a_call_that_fails(lab: Lab, streams: bool) -> None:
    lab.script(GPT, ["stall"])
    lab.script(CLAUDE, ["529", "529", "529"])
    rules = policy("gpt, claude", run="hedge: { after: 20ms, share: 100% }", attempts=2, ttft="200ms", deadline="500ms")
    async with on_lab(lab, rules) as router:
        with pytest.raises(ProviderError) as caught:
            await answer(router, streams)
    record = caught.value.record
    assert isinstance(record, CallRecord)
    assert sorted(each.model for each in record.attempts) == ["claude", "gpt"]


async def test_a_hedge_keeps_to_its_share_its_cost_and_the_attempts(lab: Lab) -> None:
    for hedge, attempts, pool in (
        ("{ after: 1ms, share: 0% }", 3, "gpt, claude"),
        ("{ after: 1ms, share: 100% }", 1, "gpt, claude"),
        ("{ after: 1ms, share: 100%, cost_within: 1.2x }", 3, "gpt, top"),
        ("{ after: p95, share: 100% }", 3, "gpt, claude"),  # nothing is known of the usual yet
    ):
        lab.script(GPT, ["slow"])
        async with on_lab(lab, hedged(hedge, attempts, pool)) as router:
            response = await router.complete("hello there")
        assert [each.model for each in response.attempts] == ["gpt"], hedge


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_late_is_later_than_usual_once_the_usual_is_known(streams: bool) -> None:
    async with (
        Lab(LabSettings(speed=1000, slow_first_token_ms=400_000)) as lab,
        on_lab(lab, hedged("{ after: p95, share: 100% }")) as router,
    ):
        for _ in range(20):
            await answer(router, streams)
        lab.script(GPT, ["stall"])
        _, record = await answer(router, streams)
    assert [each.outcome for each in record.attempts] == ["cancelled", "complete"]
    assert 5 <= record.attempts[0].total_ms < 1_000
