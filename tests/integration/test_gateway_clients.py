"""The official SDKs through the gateway: they cannot tell it from the provider, whatever provider answers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel
from tests.integration.execute_kit import PLAIN, until
from tests.integration.gateway_kit import Served, gateway

from turnout.lab import Lab, LabSettings
from turnout.ledger.ledger import store_of

TOOL: Any = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
FUNCTION: Any = {
    "type": "function",
    "function": {"name": "weather", "description": TOOL["description"], "parameters": TOOL["input_schema"]},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab) as running:
        yield running


def openai_client(served: Served, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0, **options)


def claude_client(served: Served) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=served.url, api_key="unused", max_retries=0, http_client=PLAIN())


MODELS = ["claude", "gpt"]


@pytest.mark.parametrize("model", MODELS)
async def test_chat_whole_and_streamed(served: Served, model: str) -> None:
    async with openai_client(served) as client:
        whole = await client.chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": "hello"}]
        )
        answer = whole.parse()
        assert answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.total_tokens > 0
        assert whole.headers["x-turnout-model"] == model
        assert float(whole.headers["x-turnout-cost"]) > 0
        stream = await client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == answer.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


@pytest.mark.parametrize("model", MODELS)
async def test_usage_comes_only_to_who_asks(served: Served, model: str) -> None:
    async with openai_client(served) as client:
        stream = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hello"}], stream=True
        )
        chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


@pytest.mark.parametrize("model", MODELS)
async def test_messages_whole_and_streamed(served: Served, model: str) -> None:
    async with claude_client(served) as client:
        answer = await client.messages.create(
            model=model, max_tokens=500, messages=[{"role": "user", "content": "hello"}]
        )
        assert isinstance(answer.content[0], anthropic.types.TextBlock)
        assert answer.stop_reason == "end_turn"
        assert answer.usage.output_tokens > 0
        async with client.messages.stream(
            model=model, max_tokens=500, messages=[{"role": "user", "content": "hello"}]
        ) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            final = await stream.get_final_message()
    assert text == answer.content[0].text
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == answer.usage.output_tokens


@pytest.mark.parametrize("model", MODELS)
async def test_responses_whole_and_streamed(served: Served, model: str) -> None:
    async with openai_client(served) as client:
        answer = await client.responses.create(model=model, input="hello")
        assert answer.output_text
        assert answer.status == "completed"
        async with client.responses.stream(model=model, input="hello") as stream:
            kinds = [event.type async for event in stream]
            final = await stream.get_final_response()
    assert final.output_text == answer.output_text
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


@pytest.mark.parametrize("model", MODELS)
async def test_tools_of_both_dialects(served: Served, model: str) -> None:
    async with openai_client(served) as client:
        chat = await client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "the weather in Paris"}],
            tools=[FUNCTION],
            tool_choice="required",
        )
    calls = chat.choices[0].message.tool_calls
    assert chat.choices[0].finish_reason == "tool_calls"
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "weather"
    assert isinstance(json.loads(calls[0].function.arguments), dict)
    async with claude_client(served) as client:
        message = await client.messages.create(
            model=model,
            max_tokens=500,
            messages=[{"role": "user", "content": "the weather in Paris"}],
            tools=[TOOL],
            tool_choice={"type": "any"},
        )
    used = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use"
    assert used[0].name == "weather"
    assert isinstance(used[0].input, dict)


class City(BaseModel):
    name: str
    people: int


async def test_structured_output_is_parsed(served: Served) -> None:
    async with openai_client(served) as client:
        answer = await client.chat.completions.parse(
            model="gpt", messages=[{"role": "user", "content": "a city"}], response_format=City
        )
    assert isinstance(answer.choices[0].message.parsed, City)


@pytest.mark.parametrize("model", MODELS)
async def test_pictures_of_both_dialects(served: Served, model: str) -> None:
    async with openai_client(served) as client:
        chat = await client.chat.completions.create(
            model=model,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what is this?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                    ],
                }
            ],
        )
    assert chat.choices[0].message.content
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    async with claude_client(served) as client:
        message = await client.messages.create(
            model=model,
            max_tokens=100,
            messages=[{"role": "user", "content": [picture]}],
        )
    assert message.content


async def test_tokens_are_counted_and_models_listed(served: Served) -> None:
    async with claude_client(served) as client:
        counted = await client.messages.count_tokens(
            model="claude", messages=[{"role": "user", "content": "how many tokens are these?"}]
        )
        listed = [model.id async for model in client.models.list()]
    assert 8 < counted.input_tokens < 40
    async with openai_client(served) as client:
        assert [model.id async for model in client.models.list()] == listed
        assert (await client.models.retrieve("all")).id == "all"
    assert listed[:4] == ["auto", "hard", "openai-only", "otherwise"]
    assert {"all", "claude", "gpt", "top"} <= set(listed)


async def test_a_name_leads_where_the_policy_says(served: Served) -> None:
    async def asked(name: str, text: str = "hello", **headers: str) -> tuple[str, str]:
        raw = await client.chat.completions.with_raw_response.create(
            model=name, messages=[{"role": "user", "content": text}], extra_headers=headers
        )
        return raw.headers["x-turnout-model"], raw.headers["x-turnout-rule"]

    async with openai_client(served) as client:
        assert await asked("auto") == ("claude", "otherwise")
        assert await asked("auto", "prove it") == ("top", "hard")
        assert await asked("auto", **{"x-turnout-metadata": '{"only": "openai"}'}) == ("gpt", "openai-only")
        assert await asked("hard") == ("top", "hard")
        assert await asked("all") == ("gpt", "otherwise")
        assert await asked("gpt", "prove it") == ("gpt", "otherwise")
        assert await asked("anthropic/claude-opus-5-5") == ("top", "otherwise")
        assert await asked("claude-opus-5-5[1m]") == ("top", "otherwise")
        with pytest.raises(openai.NotFoundError) as caught:
            await asked("gtp")
    assert caught.value.code == "model_not_found"
    assert "did you mean `gpt`?" in caught.value.message


async def test_aliases_and_other_names_are_the_policys() -> None:
    more = """
clients:
  aliases: [{ name: "gpt-4*", means: hard }, { name: fast, means: gpt }]
  models: auto
  others: auto
"""
    async with Lab(LabSettings(speed=50.0)) as lab, gateway(lab, more=more) as served, openai_client(served) as client:
        seen = {}
        for name in ("gpt-4o", "fast", "top", "whatever"):
            raw = await client.chat.completions.with_raw_response.create(
                model=name, messages=[{"role": "user", "content": "hello"}]
            )
            seen[name] = raw.headers["x-turnout-model"]
    assert seen == {"gpt-4o": "top", "fast": "gpt", "top": "claude", "whatever": "claude"}


async def test_a_failure_is_the_sdks_own_exception() -> None:
    cases = {
        "429": openai.RateLimitError,
        "529": openai.InternalServerError,
        "400": openai.BadRequestError,
        "401": openai.InternalServerError,
    }
    async with Lab(LabSettings(speed=50.0)) as lab:
        for fault, kind in cases.items():
            async with gateway(lab, fault=fault) as served, openai_client(served) as client:
                with pytest.raises(kind):
                    await client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "hello"}])
            async with gateway(lab, fault=fault) as served, claude_client(served) as claude:
                with pytest.raises(getattr(anthropic, kind.__name__)):
                    await claude.messages.create(
                        model="claude", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
                    )


async def test_a_cut_stream_ends_as_an_error() -> None:
    async with (
        Lab(LabSettings(speed=50.0)) as lab,
        gateway(lab, fault="cut") as served,
        openai_client(served) as client,
    ):
        stream = await client.chat.completions.create(
            model="gpt", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        pieces: list[object] = []
        with pytest.raises(openai.APIError) as caught:
            async for chunk in stream:
                pieces.append(chunk)
        assert pieces
        assert caught.value.code == "upstream_truncated"


async def test_who_hangs_up_frees_the_upstream(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    body: Any = {"model": "gpt", "messages": [{"role": "user", "content": "a long story"}], "max_tokens": 4000}
    async with Lab(LabSettings(speed=1.0)) as lab, gateway(lab, ledger=ledger) as served:
        async with openai_client(served) as client:
            stream = await client.chat.completions.create(**body, stream=True)
            await anext(stream)
            await stream.close()
            await until(lambda: lab.counters.closed_by_client == 1)
        async with openai_client(served, timeout=0.5) as client:
            with pytest.raises(openai.APITimeoutError):
                await client.chat.completions.create(**body)
            await until(lambda: lab.counters.closed_by_client == 2)
    with store_of(ledger).reading() as database:
        outcomes = [row[0] for row in database.execute("SELECT outcome FROM calls")]
    assert outcomes == ["cancelled", "cancelled"]


async def test_what_was_decided_can_be_asked_for(served: Served) -> None:
    async with openai_client(served) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": "hello"}]
        )
        told = await client.get(f"/decisions/{raw.headers['x-turnout-decision-id']}", cast_to=dict)
        explained = await client.post(
            "/chat/completions?explain=true",
            body={"model": "auto", "messages": [{"role": "user", "content": "prove it"}]},
            cast_to=dict,
        )
        with pytest.raises(openai.NotFoundError):
            await client.get("/decisions/0", cast_to=dict)
    assert told["decision"]["model"] == told["model"] == "claude"
    assert told["cost_usd_picos"] > 0
    assert "hello" not in json.dumps(told)
    assert explained["model"] == "top"
    assert served.lab.counters.requests() == 1
