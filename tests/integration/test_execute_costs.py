"""What calls cost, forecast and settled: the prompt cache, the terms that an answer echoes, figures of the provider."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from tests.integration.execute_kit import on_lab, policy, serving

from turnout import Engine, Money, Router, parse_policy
from turnout.lab import Lab, LabSettings
from turnout.ledger import AttemptRecord, CallRecord, Ledger

LONG = "The ledger waits for the queue, and the queue waits for the ledger. " * 500
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-x", "OPENAI_API_KEY": "sk-x"}


def turn(*texts: str) -> dict[str, object]:
    """A conversation in Anthropic's dialect that asks for all of itself to be cached."""
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]
    return {"max_tokens": 50, "system": "Be brief.", "cache_control": {"type": "ephemeral"}, "messages": messages}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


@pytest.mark.parametrize("streams", [False, True])
async def test_the_second_turn_is_forecast_with_cache_reads(lab: Lab, streams: bool) -> None:
    async with on_lab(lab) as router:
        if streams:
            async with router.stream(turn(LONG)) as stream:
                async for _ in stream:
                    pass
            first = await router.decide(turn(LONG, "Both wait.", "Why?"))
        else:
            response = await router.complete(turn(LONG))
            assert response.decision.candidates[0].cache_read_tokens == 0
            assert response.decision.candidates[0].cache_write_tokens > 5_000
            first = await router.decide(turn(LONG, response.text, "Why?"))
        other = await router.decide(turn("Another. " + LONG))
    chosen, stranger = first.candidates[0], other.candidates[0]
    assert chosen.cache_read_tokens > 5_000
    assert chosen.cache_write_tokens < 500
    assert stranger.cache_read_tokens == 0
    assert chosen.expected_cost is not None
    assert stranger.expected_cost is not None
    assert chosen.expected_cost.p50 < stranger.expected_cost.p50
    rows = first.to_dict()["candidates"]
    assert isinstance(rows, list)
    assert rows[0]["cache"] == {"read_tokens": chosen.cache_read_tokens, "write_tokens": chosen.cache_write_tokens}


def test_who_calls_alone_reports_back_and_is_forecast_alike() -> None:
    engine = Engine(policy(), environ=KEYS)
    asked = turn(LONG, "Both wait.", "Why?")
    first = engine.decide(turn(LONG), now=1_795_348_800)
    assert first.deployment == "claude"
    for outcome, is_held in (("overloaded", False), ("complete", True)):
        engine.observe(first, outcome, now=1_795_348_801)
        candidates = {each.deployment: each for each in engine.decide(asked, now=1_795_348_802).candidates}
        assert (candidates["claude"].cache_read_tokens > 5_000) == is_held
        assert candidates["gpt"].cache_read_tokens == 0
    later = engine.decide(asked, now=1_795_348_801 + 301)
    assert [each.cache_read_tokens for each in later.candidates] == [0, 0]


def chat_answer(usage: object = None, **more: object) -> bytes:
    if usage is None:
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, **{k: v for k, v in more.items() if k == "cost"}}
    top = {key: value for key, value in more.items() if key != "cost"}
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage, **top}).encode()


async def settled(tmp_path: Path, answer: bytes, request: Mapping[str, object]) -> tuple[object, ...]:
    """The columns of the one attempt, as the ledger gives them back."""
    _, attempt = await called(tmp_path, answer, request)
    return (
        attempt.cost_usd_picos,
        attempt.cost_source,
        attempt.computed_cost_usd_picos,
        attempt.reported_cost_usd_picos,
        attempt.unpriced,
        attempt.price_terms,
    )


async def called(tmp_path: Path, answer: bytes, request: Mapping[str, object]) -> tuple[CallRecord, AttemptRecord]:
    """The one call and its one attempt."""
    rules = parse_policy(
        "turnout: 1\nname: one\nmodels: { gpt: openai/gpt-6-luna }\notherwise: { from: [gpt], prefer: best }\n"
    )
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        % len(answer)
    )

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + answer)

    async with (
        serving(handle) as url,
        Router(rules, environ=KEYS, base_urls={"openai": url}, ledger=tmp_path / "ledger") as router,
    ):
        response = await router.complete(request)
    kept = Ledger.open(tmp_path / "ledger").get(response.record.id)
    assert kept == response.record
    (attempt,) = kept.attempts
    assert attempt.time_ms is not None
    assert kept.cost_usd_picos == attempt.cost_usd_picos
    assert (response.cost is None) == (attempt.cost_usd_picos is None)
    return kept, attempt


async def test_the_tier_that_the_answer_echoes_is_the_one_that_is_paid(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}], "service_tier": "priority"}
    served = await settled(tmp_path / "served", chat_answer(service_tier="priority"), asked)
    refused = await settled(tmp_path / "refused", chat_answer(service_tier="default"), asked)
    assert (served[1], served[5]) == ("computed", "service_tier=priority")
    assert (refused[1], refused[5]) == ("computed", "service_tier=default")
    assert isinstance(served[0], int)
    assert isinstance(refused[0], int)
    assert served[0] > refused[0] > 0


async def test_terms_without_a_price_leave_no_cost_and_a_reason(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}]}
    row = await settled(tmp_path, chat_answer(service_tier="sluggish"), asked)
    assert row[:4] == (None, None, None, None)
    assert "service_tier=sluggish" in str(row[4])


async def test_the_providers_own_figure_counts_and_ours_is_kept(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}]}
    row = await settled(tmp_path, chat_answer(cost=0.000123), asked)
    assert row[0] == row[3] == Money("0.000123").usd_picos
    assert row[1] == "reported"
    assert isinstance(row[2], int)
    assert row[2] not in (0, row[0])


HI = {"messages": [{"role": "user", "content": "hi"}]}
HALF_USD = 500_000_000_000


async def test_a_reported_zero_does_not_make_a_priced_call_free(tmp_path: Path) -> None:
    call, attempt = await called(tmp_path, chat_answer(cost=0), HI)
    assert attempt.computed_cost_usd_picos
    assert (attempt.cost_usd_picos, attempt.cost_source) == (attempt.computed_cost_usd_picos, "computed")
    assert attempt.reported_cost_usd_picos == 0
    assert (attempt.cost_doubt, call.cost_doubt) == ("reported_zero", "reported_zero")


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        ({"prompt_tokens": 1000}, "partial"),
        ({"prompt_tokens": 1000, "completion_tokens": 5, "total_tokens": 9}, "inconsistent"),
    ],
)
async def test_a_sum_of_a_doubtful_usage_is_a_lower_bound(tmp_path: Path, usage: object, problem: str) -> None:
    call, attempt = await called(tmp_path, chat_answer(usage), HI)
    assert (attempt.usage_problem, attempt.cost_doubt, call.cost_doubt) == (problem, "lower_bound", "lower_bound")
    assert attempt.cost_usd_picos
    assert not attempt.usage_is_estimated


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        ({"prompt_tokens": -1, "completion_tokens": 5, "cost": 0.5}, "negative"),
        ({"cost": 0.5}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0, "cost": 0.5}, None),
    ],
)
async def test_the_reported_cost_outlives_its_tokens(tmp_path: Path, usage: object, problem: str | None) -> None:
    call, attempt = await called(tmp_path, chat_answer(usage), HI)
    assert (attempt.cost_usd_picos, attempt.cost_source, call.cost_usd_picos) == (HALF_USD, "reported", HALF_USD)
    assert (attempt.usage_problem, attempt.cost_doubt) == (problem, None)
    assert attempt.usage_is_estimated
    assert attempt.usage.output_total > 0


async def test_zeros_beside_an_answer_are_no_report(tmp_path: Path) -> None:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    _, attempt = await called(tmp_path, chat_answer(zeros), HI)
    assert attempt.usage_is_estimated
    assert attempt.usage.input_total > 0
    assert attempt.usage.output_total > 0
    assert attempt.cost_usd_picos
    assert attempt.cost_source == "computed"


@pytest.mark.parametrize(
    ("first", "attempts"),
    [
        # Refused by the policy's check, so that another attempt is wanted; known to cost next to nothing.
        (b'{"prompt_tokens":1,"completion_tokens":1}', 2),
        # Of unknown cost: it counts as what it may have cost, and the purse has no second attempt in it.
        (b'{"prompt_tokens":1,"completion_tokens":1}, "service_tier":"sluggish"', 1),
    ],
)
async def test_an_attempt_of_unknown_cost_is_taken_out_of_the_purse(first: bytes, attempts: int) -> None:
    bodies = [
        b'{"choices":[{"index":0,"message":{"content":""},"finish_reason":"stop"}],"usage":%s}' % first,
        chat_answer(),
    ]
    sent = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        answer = bodies[min(sent, 1)]
        sent += 1
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(answer) + answer)

    rules = parse_policy(
        "turnout: 1\nname: two\nmodels: { gpt: openai/gpt-6-luna, sol: openai/gpt-6-sol }\n"
        "otherwise: { from: [gpt, sol], prefer: in_order }\naccept: [complete, not_empty]\nescalate: { at_most: 1 }\n"
    )
    async with serving(handle) as url, Router(rules, environ=KEYS, base_urls={"openai": url}) as router:
        plan = (await router.decide({**HI, "max_tokens": 1000})).plan.attempts
        first_cost, second_cost = (attempt.expected_cost for attempt in plan[:2])
        assert first_cost is not None
        assert second_cost is not None
        # Room for both in the middle case, but not for the second after the first one's worst.
        purse = Money(f"{second_cost.p50.usd + first_cost.p90.usd - Decimal('0.000000000001'):f}")
        response = await router.complete({**HI, "max_tokens": 1000}, spend=purse)
    assert (sent, len(response.attempts)) == (attempts, attempts)
    assert response.accepted == (attempts == 2)
    assert (response.cost is None) == (attempts == 1)
