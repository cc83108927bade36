"""What a call keeps, whoever carries it: purse, escalation, retry budget, waits, records, secrets."""

import asyncio
import importlib
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import anthropic
import pytest
from tests.integration.execute_kit import (
    CLAUDE,
    GPT,
    KEYS,
    TOP,
    on_lab,
    policy,
    raw_provider,
    read,
    serving,
    until,
    urls,
)

from turnout import BudgetError, DecisionError, RequestError, Router, _core, parse_policy
from turnout.errors import ProviderTimeout, RateLimited, Truncated, TurnoutError
from turnout.execute.call import Call
from turnout.lab import Lab, LabSettings, SimulatedModel
from turnout.lab.faults import FaultPlan, FaultRate
from turnout.ledger import CallRecord, Ledger

PROMPT = "CANARYPROMPT what leaves from track nine"
CHUNK = b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


async def test_the_purse_covers_no_attempt(lab: Lab, tmp_path: Path) -> None:
    async with on_lab(lab, ledger=tmp_path / "ledger") as router:
        with pytest.raises(BudgetError) as caught:
            await router.complete("hello there", spend="0.000000001")
        with pytest.raises(BudgetError):
            await read_with(router, spend="0.000000001")
    assert caught.value.code == "call-spend"
    assert lab.counters.requests() == 0
    rows = Ledger.open(tmp_path / "ledger").summary("outcome")
    assert [(row.key, row.calls) for row in rows] == [("spend", 2)]


async def read_with(router: Router, **bounds: str) -> None:
    async with router.stream("hello there", spend=bounds["spend"]) as stream:
        async for _ in stream:
            pass


async def test_the_purse_stops_an_escalation(lab: Lab) -> None:
    request = {"messages": [{"role": "user", "content": "tell me everything"}], "max_tokens": 20}
    async with on_lab(lab, policy("claude, top")) as router:
        free = await router.complete(request)
        bound = await router.complete(request, spend="0.0002")
    assert (free.model, free.accepted, len(free.attempts)) == ("top", False, 2)
    assert (bound.model, bound.accepted, bound.unmet, len(bound.attempts)) == ("claude", False, "complete", 1)


async def test_a_poor_answer_escalates_and_the_better_one_is_returned() -> None:
    shy = SimulatedModel("*haiku*", refusal_rate=1.0)
    async with (
        Lab(LabSettings(speed=1000, models=(shy, SimulatedModel("*")))) as lab,
        on_lab(lab, policy("claude, top")) as router,
    ):
        response = await router.complete("hello there")
        assert response.model == "top"
        assert response.accepted
        assert [each.outcome for each in response.attempts] == ["refused", "complete"]
        assert response.cost is not None
        assert response.cost.usd_picos == sum(each.cost_usd_picos or 0 for each in response.attempts)
        lab.script(TOP, ["500"] * 3)
        poor = await router.complete("hello there")
    assert (poor.model, poor.accepted, poor.unmet) == ("claude", False, "not_refused")
    assert poor.record.outcome == "refused"


async def test_in_an_outage_of_all_extra_attempts_are_a_share_of_calls() -> None:
    everything_fails = FaultPlan(rates=(FaultRate("500", 1_000_000),))
    async with (
        Lab(LabSettings(speed=1000, faults=everything_fails)) as lab,
        on_lab(lab, policy("claude, gpt, top")) as router,
    ):
        hints = set()
        for _ in range(60):
            with pytest.raises(TurnoutError) as caught:
                await router.complete("hello there")
            hints.add(caught.value.hint)
        # Fallbacks are free until the breakers of the other two are open; then a fifth of the calls, and the floor.
        assert 60 < lab.counters.requests() <= 60 + 2 * 10 + 12 + 5
    assert any("`retry_budget`" in (hint or "") for hint in hints)


async def test_fallbacks_to_a_healthy_deployment_are_free() -> None:
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab) as router:
        lab.script(CLAUDE, ["500"] * 40)
        models = [(await router.complete("hello there")).model for _ in range(40)]
    assert models == ["gpt"] * 40


async def test_escalations_are_free() -> None:
    shy = SimulatedModel("*haiku*", refusal_rate=1.0)
    async with (
        Lab(LabSettings(speed=1000, models=(shy, SimulatedModel("*")))) as lab,
        on_lab(lab, policy("claude, top")) as router,
    ):
        models = [(await router.complete("hello there")).model for _ in range(40)]
    assert models == ["top"] * 40


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_a_provider_that_hangs_leaves_time_for_another(lab: Lab, carrier: str) -> None:
    async with on_lab(lab, carrier=carrier) as router:
        lab.script(CLAUDE, ["stall"])
        response = await router.complete("hello there", deadline=0.6)
        assert response.model == "gpt"
        assert [each.outcome for each in response.attempts] == ["timeout_first_byte", "complete"]
        lab.script("*", ["stall"] * 4)
        with pytest.raises(ProviderTimeout) as caught:
            await router.complete("hello there", deadline=0.3)
        assert caught.value.outcome == "deadline"


async def test_a_request_that_one_target_cannot_carry_is_not_planned_for_it(lab: Lab) -> None:
    request: dict[str, object] = {"messages": [{"role": "user", "content": "hello there"}], "stop": " "}
    async with on_lab(lab) as router:
        response = await router.complete(request)
    assert response.model == "gpt"
    assert [each.outcome for each in response.attempts] == ["complete"]
    async with on_lab(lab, policy("claude")) as router:
        for work in (router.complete(request), read(router, request)):
            with pytest.raises(DecisionError) as caught:
                await work
            assert "untranslatable" in str(caught.value)


async def test_a_body_that_cannot_be_written_after_all_goes_to_another(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan holds only what can be written; should it ever not, the call goes on past it."""

    async def unwritten(call: Call, attempt: _core.Attempt, *, stream: bool) -> bytes:
        if attempt.model == "claude":
            raise RequestError("stop_untranslatable", "a stop sequence without a visible character")
        return attempt.body(stream=stream).bytes

    monkeypatch.setattr("turnout.execute.attempt.written", unwritten)
    monkeypatch.setattr("turnout.execute.leg.written", unwritten)
    async with on_lab(lab, ledger=tmp_path / "ledger") as router:
        response = await router.complete("hello there")
        async with router.stream("hello there") as stream:
            assert stream.model == "gpt"
            async for _ in stream:
                pass
        assert router.engine.state.is_healthy("claude", "env:ANTHROPIC_API_KEY", "anthropic")
    assert response.model == "gpt"
    for attempts in (response.attempts, stream.record.attempts if stream.record else ()):
        assert [each.outcome for each in attempts] == ["rejected", "complete"]
        assert attempts[0].message_code == "stop_untranslatable"
    async with on_lab(lab, policy("claude")) as router:
        for work in (router.complete("hello there"), read(router, "hello there")):
            with pytest.raises(RequestError) as caught:
                await work
            assert isinstance(caught.value.record, CallRecord)
            assert [each.outcome for each in caught.value.record.attempts] == ["rejected"]


async def test_one_target_is_waited_for_if_its_wait_fits() -> None:
    async with Lab(LabSettings(speed=1000, retry_after_s=1)) as lab, on_lab(lab, policy("claude")) as router:
        lab.script(CLAUDE, ["429"])
        before = time.monotonic()
        with pytest.raises(RateLimited) as caught:
            await router.complete("hello there", deadline=0.5)
        assert time.monotonic() - before < 0.4
        assert caught.value.retry_after_ms == 1000
        lab.script(CLAUDE, ["429"])
        before = time.monotonic()
        response = await router.complete("hello there")
        assert 1.0 <= time.monotonic() - before < 3.0
        assert [each.outcome for each in response.attempts] == ["rate_limited", "complete"]


async def test_a_healthy_fallback_does_not_wait_for_a_retry_after() -> None:
    async with Lab(LabSettings(speed=1000, retry_after_s=30)) as lab, on_lab(lab) as router:
        lab.script(CLAUDE, ["429"])
        response = await router.complete("hello there")
        assert response.model == "gpt"
        assert response.record.total_ms < 2_000
        assert (router.engine.state.cooling_ms("claude", "env:ANTHROPIC_API_KEY", "anthropic") or 0) > 20_000


async def test_pings_do_not_feed_the_deadline_for_content(lab: Lab) -> None:
    async with raw_provider(then="ping") as (address, gone):
        rules = policy("gpt, claude", ttft="150ms")
        base_urls = {**urls(lab), "openai": address}
        async with Router(rules, environ=KEYS, base_urls=base_urls) as router, router.stream("hello there") as stream:
            assert stream.model == "claude"
        await until(lambda: bool(gone))
    assert stream.record is not None
    assert stream.record.attempts[0].outcome == "timeout_first_byte"


async def test_a_stall_after_content_raises(lab: Lab) -> None:
    async with raw_provider(CHUNK, then="ping") as (address, gone):
        base_urls = {**urls(lab), "openai": address}
        rules = policy("gpt, claude", run="idle: 100ms")
        async with Router(rules, environ=KEYS, base_urls=base_urls) as router:
            stream = router.stream("hello there")
            seen = []
            with pytest.raises(ProviderTimeout) as caught:
                async with stream:
                    async for event in stream:
                        seen.append(event.text)
        await until(lambda: bool(gone))
    assert "".join(seen) == "hello"
    assert caught.value.outcome == "timeout_content"
    assert stream.record is caught.value.record
    assert lab.counters.requests() == 0


async def test_a_slow_reader_takes_nothing_from_the_time_of_the_provider(lab: Lab) -> None:
    is_read_on = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + CHUNK)
        await is_read_on.wait()
        writer.write(CHUNK + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')

    async with serving(handle) as address:
        base_urls = {**urls(lab), "openai": address}
        rules = policy("gpt, claude", run="idle: 45ms")
        async with (
            Router(rules, environ=KEYS, base_urls=base_urls) as router,
            router.stream("hello there") as stream,
        ):
            seen = [(await anext(stream)).text]
            await asyncio.sleep(0.05)
            is_read_on.set()
            seen += [event.text async for event in stream]
    assert "".join(seen) == "hellohello"


async def test_an_ending_is_not_invented_for_a_stream_that_just_stops(lab: Lab) -> None:
    async with raw_provider(CHUNK, then="close") as (address, _):
        base_urls = {**urls(lab), "openai": address}
        async with Router(policy("gpt, claude"), environ=KEYS, base_urls=base_urls) as router:
            pieces: list[str] = []
            with pytest.raises(Truncated):
                await read(router, "hello there", pieces)
    assert pieces == ["hello"]


@pytest.mark.parametrize("carrier", ["http", "sdk"])
@pytest.mark.parametrize("leaves", ["break", "cancel", "error", "close", "router"])
async def test_leaving_a_stream_closes_the_upstream_and_keeps_the_row(
    carrier: str, leaves: str, tmp_path: Path
) -> None:
    async with Lab(LabSettings(speed=3)) as lab:
        async with on_lab(lab, policy("claude"), tmp_path / "ledger", carrier) as router:
            await leave(router, leaves)
            if leaves != "router":
                await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
        await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
    (row,) = Ledger.open(tmp_path / "ledger").summary("outcome")
    assert (row.key, row.calls, row.attempts) == ("cancelled", 1, 1)
    assert row.output_tokens > 0


async def leave(router: Router, how: str) -> None:
    stream = router.stream("hello there")

    async def consume() -> None:
        async with stream:
            async for _ in stream:
                if how == "break":
                    break
                if how == "error":
                    raise LookupError

    match how:
        case "break":
            await consume()
        case "error":
            with pytest.raises(LookupError):
                await consume()
        case "cancel":
            task = asyncio.create_task(consume())
            await until(lambda: stream.deployment is not None and stream._ttft_ms is not None)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        case _:
            await stream.__aenter__()
            if how == "close":
                await stream.aclose()
                await stream.aclose()


@pytest.mark.parametrize("carrier", ["http", "sdk"])
@pytest.mark.parametrize("streams", [False, True])
async def test_a_cancelled_call_closes_the_upstream_and_keeps_the_row(
    lab: Lab, carrier: str, streams: bool, tmp_path: Path
) -> None:
    lab.script(CLAUDE, ["stall"])
    async with on_lab(lab, policy("claude"), tmp_path / "ledger", carrier) as router:
        work = read(router, "hello there") if streams else router.complete("hello there")
        task: asyncio.Task[object] = asyncio.create_task(work)
        await until(lambda: lab.counters.in_flight == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
    (row,) = Ledger.open(tmp_path / "ledger").summary("outcome")
    assert (row.key, row.calls, row.attempts) == ("cancelled", 1, 1)


async def test_a_refused_request_leaves_a_row_and_an_unreadable_one_none(lab: Lab, tmp_path: Path) -> None:
    rules = policy("claude")
    async with Router(rules, environ={}, base_urls=urls(lab, rules), ledger=tmp_path / "ledger") as router:
        for work in (router.complete("hello there"), read(router, "hello there")):
            with pytest.raises(DecisionError) as caught:
                await work
            assert caught.value.code == "no-eligible-model"
            assert caught.value.reasons[0][0] == "claude"
            with pytest.raises(DecisionError) as direct:
                await router.decide("hello there")
            assert str(direct.value) == str(caught.value)
        with pytest.raises(RequestError):
            await router.complete(b"{")
    (row,) = Ledger.open(tmp_path / "ledger").summary("outcome")
    assert (row.key, row.calls, row.attempts) == ("no_eligible_model", 2, 0)


async def test_a_key_that_went_away_is_an_outcome_and_another_deployment_answers(lab: Lab) -> None:
    environ = dict(KEYS)
    async with Router(policy(), environ=environ, base_urls=urls(lab)) as router:
        del environ["ANTHROPIC_API_KEY"]
        response = await router.complete("hello there")
    assert response.model == "gpt"
    assert (response.attempts[0].outcome, response.attempts[0].message_code) == ("unauthorized", "secret-missing")


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_neither_prompt_nor_answer_nor_key_is_kept_or_logged(
    lab: Lab, carrier: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, None if carrier == "http" else "turnout")
    answers = []
    async with on_lab(lab, ledger=tmp_path / "ledger", carrier=carrier) as router:
        for fault in ("ok", "cut", "500", "reset", "html200", "401"):  # the last one leaves the key alone for long
            lab.script(CLAUDE, [fault])
            answers.append((await router.complete(PROMPT)).text)
            lab.script(CLAUDE, [fault])
            # After its first content, a stream that is cut raises.
            with nullcontext() if fault != "cut" else pytest.raises(Truncated):
                answers.append(await read(router, PROMPT))
        lab.script("*", ["401"] * 4)
        with pytest.raises(TurnoutError) as caught:
            await router.complete(PROMPT)
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    kept += b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert router.ledger is not None
    assert b"otherwise" in kept
    assert b"CANARY" not in kept
    assert "CANARY" not in f"{caught.value}{caught.value!r}{caught.value.record!r}"
    logged = [record for record in caplog.records if carrier == "http" or record.name.startswith("turnout")]
    assert any(record.name == "turnout.execute" for record in logged)
    assert "CANARY" not in "\n".join(f"{record.getMessage()} {record.args!r}" for record in logged)
    for answer in answers:
        assert answer[:30].encode() not in kept


async def test_facts_and_money_of_the_row(lab: Lab, tmp_path: Path) -> None:
    async with on_lab(lab, policy("claude, gpt"), tmp_path / "ledger") as router:
        response = await router.complete("hello there", meta={"team": "search"})
    record = Ledger.open(tmp_path / "ledger").get(response.record.id)
    assert record == response.record
    assert isinstance(record, CallRecord)
    assert record.rule == "otherwise"
    assert record.provider == "anthropic"
    assert record.policy_hash == response.decision.policy_hash
    assert '"tokens"' in record.facts_json
    assert record.strongest_cost_usd_picos is not None
    assert record.expected_cost_p50_usd_picos is not None
    assert record.usage == record.attempts[0].usage


async def test_large_requests_are_decided_in_a_thread(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    original = asyncio.to_thread

    async def noting(work, *args, **options):
        threads.append(work)
        return await original(work, *args, **options)

    monkeypatch.setattr(asyncio, "to_thread", noting)
    async with on_lab(lab) as router:
        await router.decide("small")
        assert not threads
        request = {"messages": [{"role": "user", "content": [{"type": "text", "text": "x " * 60_000}]}]}
        await router.decide(request)
        assert len(threads) == 1
        assert (await router.complete(request)).text
        assert len(threads) == 3


async def test_headers_and_the_middleware_of_the_client(lab: Lab) -> None:
    async with on_lab(lab, policy("claude, gpt")) as router:
        await router.complete("hello there")
        lab.script(CLAUDE, ["500"])
        await router.complete("hello there")
    claude, _, gpt = (dict(seen.headers) for seen in lab.seen)
    assert claude["x-api-key"] == KEYS["ANTHROPIC_API_KEY"]
    assert claude["anthropic-version"] == "2023-06-01"
    assert claude["user-agent"].startswith("turnout/")
    assert gpt["authorization"] == f"Bearer {KEYS['OPENAI_API_KEY']}"
    assert "x-api-key" not in gpt


async def test_addresses_and_clients_that_cannot_be_used_are_refused() -> None:
    for wrong, code in (
        ({"base_urls": {"openai": "ftp://x"}}, "router-address"),
        ({"transport": "carrier-pigeon"}, "router-transport"),
        ({"clients": {"openai": object()}}, "router-client"),
        ({"clients": {"anthropic": object()}}, "router-client"),
    ):
        with pytest.raises(TurnoutError) as caught:
            Router(policy(), **wrong)
        assert caught.value.code == code


async def test_a_stream_is_read_inside_its_block_and_once(lab: Lab) -> None:
    async with on_lab(lab) as router:
        stream = router.stream("hello there")
        with pytest.raises(TurnoutError, match="stream-not-entered"):
            await anext(stream)
        async with stream:
            pass
        with pytest.raises(TurnoutError, match="stream-not-entered"):
            await stream.__aenter__()


async def test_a_policy_of_ones_own_provider(lab: Lab) -> None:
    """An unknown price is no 0: the cost is unknown, the call works."""
    rules = parse_policy(
        f"""
turnout: 1
name: own
models:
  mine: {{ use: ollama/qwen3-8b, price: free, base_url: "{lab.url_for("openai")}" }}
otherwise: {{ from: [mine] }}
"""
    )
    async with Router(rules, environ={}) as router:
        response = await router.complete("hello there")
    assert response.cost is not None
    assert response.cost.usd == 0
    assert "authorization" not in dict(lab.seen[0].headers)
    assert lab.counters.requests(dialect="openai") == 1
    assert lab.counters.requests(GPT) == 0


async def test_a_providers_client_does_not_stand_for_deployments_of_ones_own(lab: Lab) -> None:
    """The gateway of the second deployment must not lose its calls, nor its key, to the client's account."""
    rules = parse_policy(
        f"""
turnout: 1
name: gateway
models:
  plain: anthropic/claude-haiku-5-5
  gate: {{ use: anthropic/claude-haiku-5-5, base_url: "{lab.url_for("anthropic")}" }}
  keyed: {{ use: anthropic/claude-haiku-5-5, key: "env:OTHER_KEY" }}
otherwise: {{ from: [plain, gate, keyed], prefer: in_order }}
"""
    )
    client = anthropic.AsyncAnthropic(api_key="sk-ant-theirs", base_url=lab.url_for("anthropic"))
    async with client, Router(rules, clients={"anthropic": client}, environ=KEYS | {"OTHER_KEY": "x"}) as router:
        attempts = (await router.decide("hello there")).plan.attempts
        carriers = {each.deployment: type(router._serving.services.upstream_for(each)).__name__ for each in attempts}
    assert carriers == {"plain": "AnthropicSdkUpstream", "gate": "HttpUpstream", "keyed": "HttpUpstream"}
    async with client, Router(rules, clients={"anthropic": client, "gate": client}, environ=KEYS) as router:
        attempts = (await router.decide("hello there")).plan.attempts
        named = [each for each in attempts if each.deployment == "gate"]
        assert type(router._serving.services.upstream_for(named[0])).__name__ == "AnthropicSdkUpstream"


async def test_no_key_is_in_what_is_shown(lab: Lab) -> None:
    async with on_lab(lab, carrier="sdk") as router:
        shown = f"{router!r}{router._serving.services!r}{vars(router)!r}"
    assert "Services(" in shown
    assert "CANARYKEY" not in shown


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), True, "5"])
async def test_a_deadline_that_is_none_is_refused(lab: Lab, deadline: float) -> None:
    async with on_lab(lab) as router:
        with pytest.raises(TurnoutError) as caught:
            await router.complete("hello there", deadline=deadline)
        assert caught.value.code == "call-bound"
    assert lab.counters.requests() == 0


async def test_bounds_that_bound_nothing_and_purses_that_are_none(lab: Lab) -> None:
    async with on_lab(lab) as router:
        for deadline in (float("inf"), 1e300):
            assert (await router.complete("hello there", deadline=deadline)).text
        for wrong in (0.5, 1, b"1"):
            with pytest.raises(TurnoutError) as caught:
                await router.complete("hello there", spend=wrong)  # type: ignore[arg-type]
            assert caught.value.code == "call-bound"
        with pytest.raises(BudgetError, match=r"purse of \$0\.00 does"):
            await router.complete("hello there", spend="0")


async def test_a_request_that_holds_itself_is_refused_like_any_other(lab: Lab) -> None:
    request: dict[str, object] = {"messages": []}
    request["again"] = [request, request]
    async with on_lab(lab) as router:
        with pytest.raises(RequestError):
            await router.complete(request)


async def test_a_closed_router_makes_no_call(lab: Lab) -> None:
    async with on_lab(lab) as router:
        pass
    for work in (router.complete("hello there"), read(router, "hello there")):
        with pytest.raises(TurnoutError) as caught:
            await work
        assert caught.value.code == "router-closed"


def test_addresses_that_cannot_be_meant() -> None:
    for urls_, hint in (
        ({"antropic": "http://x"}, "`anthropic`"),
        ({"openai": "http://x/?a=b"}, "scheme"),
        ({"openai": "http://x/#a"}, "scheme"),
        ({"openai": "http://x/\n"}, "scheme"),
    ):
        with pytest.raises(TurnoutError) as caught:
            Router(policy(), environ=KEYS, base_urls=urls_)
        assert caught.value.code == "router-address"
        assert hint in (caught.value.hint or "")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for library, room in (("httpx2", "httpx2"), ("aiohttp", "aiohttp")):
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.delitem(sys.modules, f"turnout.providers.{room}_transport", raising=False)
    with pytest.raises(TurnoutError, match=r"turnout\[http\]"):
        Router(policy(), environ=KEYS)
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(TurnoutError, match=r"turnout\[anthropic\]"):
        Router(policy(), environ=KEYS, clients={"anthropic": object()})
    monkeypatch.setitem(sys.modules, "h11", None)
    monkeypatch.delitem(sys.modules, "turnout.lab.connection", raising=False)
    with pytest.raises(TurnoutError, match=r"turnout\[lab\]"):
        importlib.import_module("turnout.lab.connection")
