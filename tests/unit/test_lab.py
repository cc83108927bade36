"""The lab, asked by the official SDK and by plain bytes: answers, streams, usage, every fault."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import anthropic
import h11
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import LabError
from turnout.lab import FAULTS, FaultPlan, FaultRate, Lab, LabSettings, SimulatedModel, parse_rate
from turnout.lab.models import DEFAULT_MODELS, model_for
from turnout.lab.schema import fill_schema
from turnout.lab.text import Draw, tokens_of

# No TLS on loopback; reading the system's authorities for each client would take most of the suite's time.
PLAIN = partial(anthropic.DefaultAsyncHttpxClient, verify=False, trust_env=False)
HELLO = [{"role": "user", "content": "hello"}]
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"enum": ["C", "F"]},
    },
    "required": ["city", "days", "unit"],
}


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


def chunks(answer: httpx2.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def joined(parts: list[Any]) -> str:
    return "".join(part["choices"][0]["delta"].get("content") or "" for part in parts if part["choices"])


# Answers.


async def test_the_official_sdk_gets_the_same_answer_whole_and_streamed(lab: Lab) -> None:
    whole, streamed = await say(claude(lab), False), await say(claude(lab), True)
    assert whole.content[0].type == "text"
    assert len(whole.content[0].text) > 40
    assert whole.to_dict() == streamed.to_dict()
    assert whole.stop_reason == "end_turn"
    assert whole.usage.input_tokens == tokens_of("hello")
    assert whole.usage.output_tokens == tokens_of(whole.content[0].text)
    assert lab.counters.requests("claude-haiku-4-5", "ok", "anthropic") == 2


async def test_chat_gets_the_same_answer_whole_and_streamed(lab: Lab) -> None:
    whole = (await chat(lab)).json()
    parts = chunks(await chat(lab, stream=True, stream_options={"include_usage": True}))
    assert joined(parts) == whole["choices"][0]["message"]["content"]
    assert parts[-1]["choices"] == []
    assert parts[-1]["usage"] == whole["usage"]
    assert all(part["usage"] is None for part in parts[:-1])
    assert parts[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"] == "stop"


async def test_a_chat_stream_has_usage_only_if_asked(lab: Lab) -> None:
    assert all("usage" not in part for part in chunks(await chat(lab, stream=True)))


async def test_answers_follow_from_seed_and_request_alone() -> None:
    texts = []
    for seed in (1, 1, 2):
        async with Lab(LabSettings(speed=math.inf, seed=seed)) as lab:
            await chat(lab)
            texts.append((await chat(lab, messages=[{"role": "user", "content": "x"}])).json()["choices"])
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_is_called_with_fitting_arguments_and_its_result_answered(lab: Lab, stream: bool) -> None:
    tool = {"name": "weather", "input_schema": WEATHER}
    message = await say(claude(lab), stream, tools=[tool])
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert call.type == "tool_use"
    assert set(call.input) == {"city", "days", "unit"}
    assert call.input["days"] in range(1, 8)
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}
    said = {"role": "assistant", "content": [call.to_dict()]}
    assert (await say(claude(lab), stream, tools=[tool], messages=[*HELLO, said, result])).stop_reason == "end_turn"


async def test_chat_calls_tools_too(lab: Lab) -> None:
    tools = [{"type": "function", "function": {"name": n, "parameters": WEATHER}} for n in ("other", "weather")]
    choice = {"type": "function", "function": {"name": "weather"}}
    whole = (await chat(lab, tools=tools, tool_choice=choice)).json()["choices"][0]
    assert whole["finish_reason"] == "tool_calls"
    call = whole["message"]["tool_calls"][0]["function"]
    assert call["name"] == "weather"
    assert set(json.loads(call["arguments"])) == {"city", "days", "unit"}
    parts = chunks(await chat(lab, tools=tools, tool_choice=choice, stream=True))
    calls = [
        p["choices"][0]["delta"]["tool_calls"][0]["function"] for p in parts if "tool_calls" in p["choices"][0]["delta"]
    ]
    assert "".join(each.get("arguments", "") for each in calls) == call["arguments"]
    assert (await chat(lab, tools=tools, tool_choice="none")).json()["choices"][0]["finish_reason"] == "stop"


async def test_json_is_answered_where_it_is_asked_for(lab: Lab) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": WEATHER}}
    said = (await chat(lab, response_format=form)).json()["choices"][0]["message"]["content"]
    assert set(json.loads(said)) == {"city", "days", "unit"}
    assert json.loads(
        (await chat(lab, response_format={"type": "json_object"})).json()["choices"][0]["message"]["content"]
    )
    message = await say(claude(lab), True, output_config={"format": {"type": "json_schema", "schema": WEATHER}})
    assert message.content[0].type == "text"
    assert set(json.loads(message.content[0].text)) == {"city", "days", "unit"}


@pytest.mark.parametrize("stream", [False, True])
async def test_max_tokens_cuts_the_answer_and_says_so(lab: Lab, stream: bool) -> None:
    message = await say(claude(lab), stream, max_tokens=5)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 5)
    whole = (await chat(lab, max_completion_tokens=5)).json()
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize("stream", [False, True])
async def test_thinking_is_shown_and_counted(lab: Lab, stream: bool) -> None:
    message = await say(claude(lab), stream, thinking={"type": "adaptive"})
    assert [block.type for block in message.content] == ["thinking", "text"]
    details = message.usage.output_tokens_details
    assert details is not None
    assert 0 < details.thinking_tokens < message.usage.output_tokens
    usage = (await chat(lab, reasoning_effort="high")).json()["usage"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_has_the_providers_shape(stream: bool) -> None:
    async with Lab(LabSettings(speed=1000, models=(SimulatedModel("*", refusal_rate=1.0),))) as lab:
        assert (await say(claude(lab), stream)).stop_reason == "refusal"
        whole = (await chat(lab)).json()["choices"][0]
        assert (whole["finish_reason"], whole["message"]["content"]) == ("content_filter", None)


async def test_the_prompt_cache_is_reported_in_each_providers_classes(lab: Lab) -> None:
    long = "word " * 2000
    marked = [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]
    first = (await say(claude(lab), False, system=marked)).usage
    second = (await say(claude(lab), True, system=marked)).usage
    assert (first.cache_read_input_tokens, first.cache_creation_input_tokens) == (0, tokens_of(long))
    assert (second.cache_read_input_tokens, second.cache_creation_input_tokens) == (tokens_of(long), 0)
    assert first.input_tokens == second.input_tokens == tokens_of("hello")
    hour = [{"type": "text", "text": long + "!", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    creation = (await say(claude(lab), False, system=hour)).usage.cache_creation
    assert creation is not None
    assert (creation.ephemeral_5m_input_tokens, creation.ephemeral_1h_input_tokens) == (0, tokens_of(long + "!"))

    turns = [{"role": "system", "content": long}, *HELLO]
    cold, warm = [(await chat(lab, messages=turns)).json()["usage"] for _ in range(2)]
    assert cold["prompt_tokens"] == warm["prompt_tokens"] == tokens_of(long) + tokens_of("hello")
    assert cold["prompt_tokens_details"]["cached_tokens"] == 0
    assert warm["prompt_tokens_details"]["cached_tokens"] == warm["prompt_tokens"] // 128 * 128


async def test_a_prompt_beyond_the_context_overflows() -> None:
    async with Lab(LabSettings(speed=1000, models=(SimulatedModel("*", context_tokens=1),))) as lab:
        with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 2 tokens > 1 maximum"):
            await say(claude(lab), False)
        assert (await chat(lab)).json()["error"]["code"] == "context_length_exceeded"
        assert lab.counters.requests(fault="refused") == 2


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({}, {"model": "m", "max_tokens": 1, "messages": HELLO}, "anthropic-version"),
        ({"anthropic-version": "2023-06-01"}, {"model": "m", "messages": HELLO}, "max_tokens"),
        ({"anthropic-version": "2023-06-01"}, {"model": "m", "max_tokens": 1, "messages": []}, "messages"),
        ({"anthropic-version": "2026-10-21"}, {"model": "m", "max_tokens": 1, "messages": HELLO, "top_p": 1}, "top_p"),
        ({"anthropic-version": "2026-10-21"}, [1], "model"),
    ],
)
async def test_requests_that_the_provider_would_refuse_are_refused(
    lab: Lab, headers: dict[str, str], body: Any, says: str
) -> None:
    async with httpx2.AsyncClient(verify=False, trust_env=False) as client:
        answer = await client.post(f"{lab.base_url}/v1/messages", json=body, headers=headers)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert answer.json()["request_id"] == answer.headers["request-id"]


async def test_keys_are_checked_where_they_are_given() -> None:
    async with Lab(LabSettings(speed=1000, keys=frozenset({"sk-any"}))) as lab:
        assert (await say(claude(lab), False)).type == "message"
        assert (await chat(lab)).status_code == 401
        assert (await chat(lab)).json()["error"]["code"] == "invalid_api_key"


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    from turnout.lab.chat_dialect import ChatDialect
    from turnout.lab.exchange import Refused
    from turnout.lab.messages_dialect import MessagesDialect

    for dialect in (ChatDialect(), MessagesDialect()):
        with pytest.raises(Refused):
            dialect.read({"anthropic-version": "2023-06-01"}, body)


# Faults.


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


async def test_every_fault_is_tried_here(lab: Lab) -> None:
    tried = {
        *STATUSES,
        "ok",
        "error_first",
        "error_mid",
        "cut",
        "cut_clean",
        "reset",
        "stall",
        "slow",
        "html200",
        "empty200",
    }
    assert tried == set(FAULTS)


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


# The server.


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_client_that_leaves_mid_stream_is_counted() -> None:
    async with Lab(LabSettings(speed=5)) as lab:
        client = claude(lab)
        async with client, client.messages.stream(model="claude-haiku-4-5", max_tokens=99, messages=HELLO) as events:  # type: ignore[arg-type]  # plain dicts
            async for event in events:
                if event.type == "text":
                    break
        await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
        await until(lambda: lab.counters.open_connections == 0)


async def test_a_slow_reader_holds_the_answer_back() -> None:
    wordy = SimulatedModel("*", answer_tokens=150_000)
    async with Lab(LabSettings(speed=math.inf, models=(wordy,))) as lab:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", lab.port))
        reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
        body = json.dumps({"model": "m", "stream": True, "messages": HELLO}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await reader.readexactly(1000)
        await until(lambda: lab.counters.bytes_out > 50_000)
        before = lab.counters.bytes_out
        await asyncio.sleep(0.02)
        assert lab.counters.bytes_out - before < 8_000_000
        assert lab.counters.in_flight == 1
        writer.close()
        await until(lambda: lab.counters.in_flight == 0)


async def test_pipelined_and_kept_connections_do_not_mix(lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port)
    client = h11.Connection(h11.CLIENT)
    for text in ("a", "b"):
        body = json.dumps({"model": text, "messages": HELLO}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    for text in ("a", "b"):
        client.send(h11.Request(method="POST", target="/", headers=[("host", "h"), ("content-length", "0")]))
        client.send(h11.EndOfMessage())
        got = b""
        while True:
            event = client.next_event()
            if event is h11.NEED_DATA:
                client.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Data):
                got += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
        assert json.loads(got)["model"] == text
        client.start_next_cycle()
    writer.close()


async def test_what_is_not_http_is_refused(lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port)
    writer.write(b"hello there\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_other_routes_say_what_there_is(lab: Lab) -> None:
    async with httpx2.AsyncClient(verify=False, trust_env=False, base_url=lab.base_url) as client:
        assert (await client.get("/")).status_code == 404
        assert "cut_clean" in (await client.post("/f/nope/v1/messages")).json()["faults"]
        assert (await client.get("/lab")).json()["connections"] == 1


async def test_a_taken_port_is_named(lab: Lab) -> None:
    with pytest.raises(LabError) as caught:
        await Lab(LabSettings(port=lab.port)).start()
    assert caught.value.code == "lab-start"
    assert str(lab.port) in str(caught.value)
    with pytest.raises(LabError):
        _ = Lab().base_url
    with pytest.raises(LabError):
        lab.url_for("gemini")
    with pytest.raises(LabError):
        lab.url_for("openai", "nope")


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0"},
        {"host": "example.com"},
        {"speed": 0},
        {"speed": math.nan},
        {"port": 70_000},
        {"retry_after_s": -1},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(LabError) as caught:
        LabSettings(**wrong)
    assert caught.value.code == "lab-setting"


def test_models_are_found_by_pattern() -> None:
    assert model_for("Claude-Haiku-4-5", DEFAULT_MODELS).pattern == "*haiku*"
    assert model_for("nobody-knows-me", DEFAULT_MODELS).pattern == "*"
    assert model_for("x", ()).pattern == "*"


_RUNS = """
import sys
sys.path.insert(0, sys.argv[1])
from turnout.lab import LabSettings, run_lab
seen = run_lab(LabSettings(speed=1000), lambda lab: print(lab.base_url, flush=True))
print(seen.requests(), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_it_runs_as_a_process_until_it_is_told_to_stop(how: signal.Signals) -> None:
    sources = str(Path(__file__).parents[2] / "python")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUNS, sources, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=5.0) as client:
        body = {"model": "m", "messages": HELLO}
        assert (await client.post(f"{url}/v1/chat/completions", json=body)).status_code == 200
        process.send_signal(how)
        said, complaints = await process.communicate()
    assert (said, complaints, process.returncode) == (b"1\n", b"", 0)


# JSON for a schema.


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    plain = st.one_of(
        st.just({"type": "string"}),
        st.builds(
            lambda n, m: {"type": "string", "minLength": n, "maxLength": n + m}, st.integers(0, 200), st.integers(0, 9)
        ),
        st.builds(
            lambda n, m: {"type": "integer", "minimum": n, "maximum": n + m}, st.integers(-999, 999), st.integers(0, 9)
        ),
        st.builds(lambda n: {"type": "number", "exclusiveMinimum": n}, st.integers(-99, 99)),
        st.builds(lambda n: {"type": "number", "minimum": n + 0.25, "maximum": n + 0.5}, st.integers(-99, 99)),
        st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": 7}, {"enum": ["a", 2, None]}]),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds(lambda s, n: {"type": "array", "items": s, "minItems": n}, inner, st.integers(0, 3)),
            st.builds(
                lambda d, r: {"type": "object", "properties": d, "required": sorted(set(d) & r)},
                st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
                st.sets(st.sampled_from("abcd")),
            ),
            st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        ),
        max_leaves=8,
    )


def fits(schema: dict[str, Any], value: Any) -> bool:
    """A plain reading of the part of JSON Schema that the strategy uses."""
    if "anyOf" in schema:
        return any(fits(each, value) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
        "array": (list,), "object": (dict,),
    }  # fmt: skip
    if not isinstance(value, kinds[schema["type"]]):
        return False
    value = cast("Any", value)
    match schema["type"]:
        case "string":
            return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 999))
        case "integer" | "number":
            low, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
            return bool(low <= value <= schema.get("maximum", math.inf) and value > above)
        case "array":
            return len(value) >= schema.get("minItems", 0) and all(fits(schema["items"], each) for each in value)
        case "object":
            return set(value) == set(schema["required"]) and all(
                fits(schema["properties"][k], v) for k, v in value.items()
            )
    return True


@given(schemas(), st.binary(max_size=8))
def test_a_filled_schema_fits(schema: dict[str, Any], seed: bytes) -> None:
    value = fill_schema(schema, Draw(seed))
    assert fits(schema, value)
    assert value == fill_schema(schema, Draw(seed))


@pytest.mark.parametrize(
    ("schema", "check"),
    [
        ({"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}, dict),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}, list),
        ({"$ref": "#"}, object),
        ({"allOf": [{"$ref": "#"}]}, object),
        ({"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"required": ["b"]}]}, dict),
        ({"$ref": "#/nowhere"}, object),
        (True, object),
        ({"type": ["string", "null"]}, str),
        ({"type": "string", "format": "date"}, str),
    ],
)  # fmt: skip
def test_odd_schemas_come_to_an_end(schema: Any, check: type) -> None:
    assert isinstance(fill_schema(schema, Draw(b"")), check)
