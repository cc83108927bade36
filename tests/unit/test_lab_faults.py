"""Every fault of the lab, as the official SDK and plain bytes see it; scripts and seeded plans."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, cast

import anthropic
import httpx2
import pytest

from turnout.errors import LabError
from turnout.lab import FAULTS, FaultPlan, FaultRate, Lab, LabSettings, parse_rate

# No TLS on loopback; reading the system's authorities for each client would take most of the suite's time.
PLAIN = partial(anthropic.DefaultAsyncHttpxClient, verify=False, trust_env=False)
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


def claude(lab: Lab, fault: str | None = None, timeout: float = 5.0) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=lab.url_for("anthropic", fault), api_key="sk-any", max_retries=0, timeout=timeout, http_client=PLAIN()
    )


async def say(client: anthropic.AsyncAnthropic, stream: bool, **more: Any) -> anthropic.types.Message:
    asked: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": HELLO, **more}
    async with client:
        if not stream:
            return cast("anthropic.types.Message", await client.messages.create(**asked))
        async with client.messages.stream(**asked) as events:
            return await events.get_final_message()


async def chat(lab: Lab, fault: str | None = None, **more: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=5.0) as client:
        body = {"model": "gpt-5", "messages": HELLO, **more}
        return await client.post(f"{lab.url_for('openai', fault)}/chat/completions", json=body)


STATUSES = {
    "401": (anthropic.AuthenticationError, 401, "authentication_error", 401),
    "404": (anthropic.NotFoundError, 404, "not_found_error", 404),
    "429": (anthropic.RateLimitError, 429, "rate_limit_error", 429),
    "500": (anthropic.InternalServerError, 500, "api_error", 500),
    "529": (anthropic.InternalServerError, 529, "overloaded_error", 503),
    "overflow": (anthropic.BadRequestError, 400, "invalid_request_error", 400),
}


@pytest.mark.parametrize("fault", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
async def test_status_faults_have_the_providers_shape(lab: Lab, fault: str, stream: bool) -> None:
    kind, status, name, chat_status = STATUSES[fault]
    with pytest.raises(anthropic.APIStatusError) as caught:
        await say(claude(lab, fault), stream)
    error = caught.value
    assert isinstance(error, kind)
    assert (error.status_code, error.type) == (status, name)
    assert error.request_id
    assert error.request_id.startswith("req_")
    answer = await chat(lab, fault, stream=stream)
    assert answer.status_code == chat_status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"]
    for headers in (error.response.headers, answer.headers):
        assert headers.get("retry-after") == ("1" if fault == "429" else None)
    if fault == "overflow":
        assert "prompt is too long" in error.message
        assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert lab.counters.requests(fault=fault) == 2


async def test_error_first_comes_with_status_200(lab: Lab) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        await say(claude(lab, "error_first"), True)
    assert caught.value.status_code == 200
    assert caught.value.type == "overloaded_error"
    answer = await chat(lab, "error_first", stream=True)
    assert answer.status_code == 200
    assert "error" in json.loads(answer.text.removeprefix("data: "))
    assert "error" in (await chat(lab, "error_first")).json()


async def test_error_mid_comes_after_content(lab: Lab) -> None:
    seen = []
    client = claude(lab, "error_mid")
    with pytest.raises(anthropic.APIStatusError):
        async with client, client.messages.stream(model="claude-haiku-4-5", max_tokens=99, messages=HELLO) as events:  # type: ignore[arg-type]  # plain dicts
            async for event in events:
                seen.append(event.type)
    assert "text" in seen
    assert "message_stop" not in seen


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
async def test_a_cut_stream_breaks_after_content(lab: Lab, dialect: str) -> None:
    url, headers = {
        "anthropic": (f"{lab.url_for('anthropic', 'cut')}/v1/messages", {"anthropic-version": "2023-06-01"}),
        "openai": (f"{lab.url_for('openai', 'cut')}/chat/completions", {}),
    }[dialect]
    body = {"model": "m", "max_tokens": 100, "stream": True, "messages": HELLO}
    got = b""
    async with (
        httpx2.AsyncClient(verify=False, trust_env=False) as client,
        client.stream("POST", url, json=body, headers=headers) as answer,
    ):
        with pytest.raises(httpx2.RemoteProtocolError):
            async for part in answer.aiter_bytes():
                got += part
    assert got.count(b"data: ") > 3
    assert b"message_stop" not in got
    assert b"[DONE]" not in got


async def test_a_cut_whole_answer_is_short(lab: Lab) -> None:
    with pytest.raises(anthropic.APIConnectionError):
        await say(claude(lab, "cut"), False)
    with pytest.raises(httpx2.RemoteProtocolError):
        await chat(lab, "cut")


async def test_a_cleanly_cut_stream_ends_well_for_http(lab: Lab) -> None:
    answer = await chat(lab, "cut_clean", stream=True)
    assert answer.text.count("data: ") > 3
    assert "[DONE]" not in answer.text
    assert '"stop"' not in answer.text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reset_is_a_reset(lab: Lab, stream: bool) -> None:
    with pytest.raises(anthropic.APIConnectionError) as caught:
        await say(claude(lab, "reset"), stream)
    assert isinstance(caught.value.__cause__, httpx2.ReadError)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stall_answers_nothing_and_notices_who_leaves(lab: Lab, stream: bool) -> None:
    with pytest.raises(anthropic.APITimeoutError):
        await say(claude(lab, "stall", timeout=0.1), stream)
    await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)


async def test_a_slow_first_token_is_slow_by_the_setting() -> None:
    async with Lab(LabSettings(speed=100, slow_first_token_ms=10_000)) as lab:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await say(claude(lab, "slow"), True)
        assert loop.time() - started >= 0.1


async def test_html_and_emptiness_come_with_status_200(lab: Lab) -> None:
    for stream in (False, True):
        answer = await chat(lab, "html200", stream=stream)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")
        empty = await chat(lab, "empty200", stream=stream)
        assert (empty.status_code, empty.content) == (200, b"")


def test_every_fault_names_rows_of_the_catalogue_and_says_what_happens() -> None:
    assert len(FAULTS) > 90
    for name, fault in FAULTS.items():
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert fault.meaning
        rows = fault.rows.split()
        assert bool(rows) == (name not in ("ok", "limit_gone")), name  # no faults
        assert all(re.fullmatch(r"F\d\d", row) and 1 <= int(row[1:]) <= 93 for row in rows), name
        assert parse_rate(f"{name}=1%").fault == name


async def test_a_header_names_a_fault_too(lab: Lab) -> None:
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=5.0) as client:
        url = f"{lab.url_for('openai')}/chat/completions"
        body = {"model": "gpt-5", "messages": HELLO}
        assert (await client.post(url, json=body, headers={"x-lab-fault": "409"})).status_code == 409
        unknown = await client.post(url, json=body, headers={"x-lab-fault": "no-such"})
        assert unknown.status_code == 404
        assert "cut_clean" in unknown.json()["faults"]


async def test_a_script_for_one_key_spares_the_others(lab: Lab) -> None:
    lab.script_key("sk-one", ["429", "ok"])
    statuses = []
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=5.0) as client:
        for key in ("sk-two", "sk-one", "sk-two", "sk-one"):
            answer = await client.post(
                f"{lab.url_for('openai')}/chat/completions",
                json={"model": "gpt-5", "messages": HELLO},
                headers={"authorization": f"Bearer {key}"},
            )
            statuses.append(answer.status_code)
    assert statuses == [200, 429, 200, 200]


async def test_a_kept_connection_that_went_stale_closes_on_the_next_request(lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port)
    body = json.dumps({"model": "gpt-5", "messages": HELLO}).encode()
    ask = b"POST /f/stale/v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    writer.write(ask)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert b"200" in head.partition(b"\r\n")[0]
    assert json.loads(await reader.readexactly(length))["object"] == "chat.completion"
    writer.write(ask)
    assert await reader.read() == b""
    writer.close()
    assert lab.counters.requests() == 1


async def test_the_counters_say_when_a_client_left(lab: Lab) -> None:
    before = time.monotonic()
    with pytest.raises(anthropic.APITimeoutError):
        await say(claude(lab, "pings", timeout=0.05), False)
    await until(lambda: lab.counters.closed_by_client == 1)
    assert before <= lab.counters.closings[-1].at_s <= time.monotonic()
    assert lab.counters.closings[-1].bytes_out == 0


async def test_a_script_is_followed_and_then_over(lab: Lab) -> None:
    lab.script("gpt-5", ["529", "ok", "429"])
    lab.script("*", ["500"])
    statuses = [(await chat(lab)).status_code for _ in range(5)]
    assert statuses == [503, 200, 429, 500, 200]
    assert lab.counters.requests("gpt-5") == 5
    assert [seen.fault for seen in lab.seen] == ["529", "ok", "429", "500", "ok"]


async def test_a_plan_gives_the_same_faults_each_run() -> None:
    plan = FaultPlan(7, (parse_rate("529=30%"), parse_rate("cut=20%@claude-*")))
    faults = [plan.fault_for(n, "gpt-5") for n in range(1, 2001)]
    assert faults == [FaultPlan(7, plan.rates).fault_for(n, "gpt-5") for n in range(1, 2001)]
    assert faults != [FaultPlan(8, plan.rates).fault_for(n, "gpt-5") for n in range(1, 2001)]
    assert 500 < faults.count("529") < 700
    assert "cut" not in faults
    assert 300 < [plan.fault_for(n, "claude-x") for n in range(1, 2001)].count("cut") < 500
    async with Lab(LabSettings(speed=1000, faults=plan)) as lab:
        statuses = [(await chat(lab)).status_code for _ in range(20)]
    assert statuses == [503 if fault == "529" else 200 for fault in faults[:20]]
    assert len(set(statuses)) == 2


def test_rates_are_read_exactly() -> None:
    assert parse_rate("529=10%") == FaultRate("529", 100_000)
    assert parse_rate(" cut=0.0125%@claude-*") == FaultRate("cut", 125, "claude-*")
    assert parse_rate("ok=100%").per_million == 1_000_000


@pytest.mark.parametrize("text", ["", "529", "529=10", "529=-1%", "529=1e3%", "529=101%", "nope=1%", "529=10%@"])
def test_rates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(LabError) as caught:
        parse_rate(text)
    assert caught.value.code == "lab-fault"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0.005)
