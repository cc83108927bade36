"""The lab, asked by the official SDK and by plain bytes: answers, streams, usage, every fault."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.lab import Lab, LabSettings, SimulatedModel
from turnout.lab.text import tokens_of

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
