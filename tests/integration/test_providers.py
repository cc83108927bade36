"""Every provider of the catalogue that we speak to: named in a policy, keyed by its variable, played by the lab.

What differs between them is in their rows: where the key goes, what the bound is called, what a stream is asked for,
what is left out, renamed or added. The lab sees what is sent, and each row is held to it.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from turnout import Router, parse_policy
from turnout.lab import Lab, LabSettings, SimulatedModel

ROOT = Path(__file__).parents[2]
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "rust/core/data/catalog/providers.jsonl").read_text("utf-8").splitlines()
]
LAB_NAMES = {"openai-chat": "openai", "anthropic-messages": "anthropic", "openai-responses": "responses"}
SPOKEN = {row["id"]: row for row in ROWS if row["dialect"] in LAB_NAMES}
LIBRARY = {
    *("anthropic", "azure", "cerebras", "deepseek", "fireworks", "google", "groq", "llamacpp", "lmstudio", "mistral"),
    *(
        "moonshotai",
        "ollama",
        "openai",
        "openai-compatible",
        "openrouter",
        "perplexity",
        "together",
        "vllm",
        "xai",
        "zai",
    ),
}
"""The least that must be there."""

_POLICY = """
turnout: 1
name: providers
models:
  one: {{ use: {provider}/some-model, price: free, context: 100k, max_output: 4k, base_url: "{url}" }}
otherwise: {{ from: [one], prefer: in_order }}
"""
ASKED: dict[str, Any] = {
    "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hello there"}],
    "max_tokens": 100,
    "seed": 7,
    "logit_bias": {"5": 1},
    "frequency_penalty": 0.5,
    "store": True,
    "prompt_cache_key": "k",
}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000, models=(SimulatedModel("*", answer_tokens=12),))) as running:
        yield running


def test_the_providers_that_everyone_asks_for() -> None:
    assert set(SPOKEN) >= LIBRARY
    by_name_and_key = [row for row in SPOKEN.values() if row.get("base_url") and "{" not in row["base_url"]]
    assert len(by_name_and_key) >= 40
    assert all(row.get("env") for row in by_name_and_key)


@pytest.mark.parametrize("provider", SPOKEN)
async def test_a_provider_is_asked_as_its_row_says(lab: Lab, provider: str) -> None:
    row = SPOKEN[provider]
    key = row.get("env", ["TURNOUT_OTHER_KEY"])[0]
    rules = parse_policy(_POLICY.format(provider=provider, url=lab.url_for(LAB_NAMES[row["dialect"]])))
    async with Router(rules, environ={key: "sk-the-key"}) as router:
        whole = await router.complete(ASKED, dialect="openai-chat")
        async with router.stream(ASKED, dialect="openai-chat") as stream:
            text = "".join([event.text async for event in stream])
    assert whole.text == text
    assert stream.response is not None
    assert whole.usage is not None
    assert not whole.attempts[0].usage_is_estimated
    # The lab tells a chat stream's usage when it is asked; those who tell it unasked are not asked.
    is_asked = row["dialect"] != "openai-chat" or row["stream_usage"] == "on_request"
    assert stream.response.attempts[0].usage_is_estimated is not is_asked
    for seen, answered in zip(lab.seen, (whole, stream.response), strict=True):
        assert_key(row, dict(seen.headers))
        assert_body(row, json.loads(seen.body), seen.is_stream, answered.notes)


def assert_key(row: dict[str, Any], headers: dict[str, str]) -> None:
    places = {
        "bearer": ("authorization", "Bearer sk-the-key"),
        "x-api-key": ("x-api-key", "sk-the-key"),
        "api-key": ("api-key", "sk-the-key"),
    }
    found = {name: value for name, value in headers.items() if "sk-the-key" in value}
    place = places.get(row["auth"]) if row.get("env") else None
    assert found == ({place[0]: place[1]} if place else {})


def assert_body(row: dict[str, Any], body: dict[str, Any], is_stream: bool, notes: tuple[str, ...]) -> None:
    assert body["model"] == "some-model"
    assert body.get("stream", False) is is_stream
    assert body[row["max_tokens_field"]] == 100
    if row["dialect"] != "openai-chat":
        return
    assert ("stream_options" in body) == (is_stream and row["stream_usage"] == "on_request")
    assert body["messages"][0]["role"] == ("developer" if row.get("developer_role") else "system")
    assert body["messages"][0]["content"] == "Be brief."
    refused = {*row.get("refuses", [])} | (set() if row.get("store") else {"store", "prompt_cache_key"})
    for name in ("seed", "logit_bias", "frequency_penalty", "store", "prompt_cache_key"):
        if name in refused:
            assert name not in body
            assert f"`{name}`: the upstream does not take it" in notes
        else:
            assert body[row.get("renames", {}).get(name, name)] == ASKED[name]
    assert {name: body[name] for name in row.get("extra_body", {})} == row.get("extra_body", {})
