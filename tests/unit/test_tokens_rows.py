"""Counts of recorded requests: every API of the recordings, and rows that hold what nobody expected."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import turnout
from turnout import _core
from turnout.cli.app import run
from turnout.cli.recorded import counted_as
from turnout.cli.tokens_rows import count_row, rows

TOOL = {
    "name": "w",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
GPT_TOOL = {"type": "function", "function": TOOL}
ROWS: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "model": "gpt-4o",
        "request": {"messages": [{"role": "user", "content": "Hello"}], "tools": [GPT_TOOL]},
    },
    "openai_responses": {"model": "gpt-4o", "request": {"input": "Hello", "instructions": "Be brief."}},
    "anthropic_messages": {
        "model": "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
        "request": {"messages": [{"role": "user", "content": "Hello"}], "system": "Be brief."},
    },
    "bedrock_converse": {
        "model": "amazon.nova-micro-v1:0",
        "request": {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"text": "Hello"},
                        {"image": {"format": "png", "source": {"bytes": {"omitted_bytes": 9, "dims": [60, 30]}}}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "1", "name": "w", "input": {"city": "Oslo"}}}],
                },
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "1", "content": [{"json": {"sky": "grey"}}]}}],
                },
            ],
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "w", "inputSchema": {"json": TOOL["parameters"]}}}],
                "toolChoice": {"any": {}},
            },
        },
    },
    "gemini": {
        "model": "gemini-2.5-flash",
        "request": {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Hello"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "w", "args": {"city": "Oslo"}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "w", "response": {"sky": "grey"}}}]},
            ],
            "tools": [{"functionDeclarations": [TOOL]}, {"googleSearch": {}}],
        },
    },
    "ollama": {
        "model": "qwen3:4b",
        "request": {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"name": "w", "arguments": {"city": "Oslo"}}}]},
                {"role": "tool", "content": "grey"},
            ]
        },
    },
    "cohere": {
        "model": "command-a-03-2025",
        "request": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]},
    },
    "embeddings": {"model": "text-embedding-3-small", "request": {"input": ["Hello", "world"]}},
    "openai_completions": {"model": "babbage-002", "request": {"prompt": "Say this is a test"}},
}


@pytest.mark.parametrize("api", ROWS)
def test_every_api_is_counted(api: str) -> None:
    counted = count_row({"id": "x", "api": api, **ROWS[api]})
    assert not counted.note
    assert 0 <= counted.low <= counted.tokens <= counted.high
    assert counted.tokens > 0


def test_an_api_that_is_not_named_is_found_out() -> None:
    for api, row in ROWS.items():
        if api not in ("ollama", "cohere", "embeddings"):
            assert counted_as(row) == counted_as({**row, "api": api}), api


def test_known_counts() -> None:
    # Recorded: a system text and a user text on gpt-4o; the texts alone of an embedding.
    row = {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Say hello in one word."},
        ]
    }
    assert count_row({"model": "gpt-4o", "api": "openai_chat", "request": row}).tokens == 23
    assert count_row({"api": "embeddings", **ROWS["embeddings"]})[1:] == (2, 2, 2, "exact", "")
    # Messages of one role are joined by the normal form and counted apart by the provider: 4 tokens more.
    twice = {"messages": [*row["messages"], {"role": "user", "content": "Now."}]}
    assert count_row({"model": "gpt-4o", "api": "openai_chat", "request": twice}).tokens == 23 + 4 + 2


def test_bytes_that_were_left_out_keep_their_size() -> None:
    def image(dims: list[int]) -> int:
        url = {"omitted_bytes": 9000, "dims": dims, "mime": "image/png"}
        content = [{"type": "image_url", "image_url": {"url": url}}]
        return count_row({"model": "gpt-4o", "request": {"messages": [{"role": "user", "content": content}]}}).tokens

    assert [image([100, 100]) - 7, image([640, 480]) - 7] == [255, 425]


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"request": None},
        {"request": {"messages": "no"}},
        {"request": {"messages": [{"role": "user", "content": 7}]}, "model": "gpt-4o"},
        {"request": {"contents": [{"parts": "text"}]}, "api": "gemini", "model": 7},
        {"request": {"messages": []}, "api": "anthropic_messages", "family": "anthropic"},
    ],
)
def test_a_row_that_cannot_be_read_is_counted_by_its_text(row: dict[str, Any]) -> None:
    counted = count_row(row, 4)
    assert counted.id == "4"
    assert counted.low <= counted.tokens <= counted.high
    assert counted.method in ("unknown", "estimated")


def test_a_model_that_nobody_knows_takes_its_family() -> None:
    assert _core.tokenizer_family("some-org/claude-sonnet-9") == "claude-4.7-on"
    with pytest.raises(turnout.CatalogError):
        turnout.count_tokens("no-such-model", "Hello")
    assert turnout.count_tokens("no-such-model", "Hello", guess=True).method == "unknown"


def test_the_command_streams_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "rows.jsonl.gz", tmp_path / "counts.jsonl"
    with gzip.open(data, "wt") as lines:
        lines.writelines(json.dumps({"id": api, "api": api, **row}) + "\n" for api, row in ROWS.items())
    assert run(["tokens", "--data", str(data), "--out", str(out)]) == 0
    counts = [json.loads(line) for line in out.read_text().splitlines()]
    assert [count["id"] for count in counts] == list(ROWS)
    assert all(set(count) == {"id", "tokens", "low", "high", "method"} for count in counts)
    data.write_bytes(gzip.compress(b"{}\nnot json\n"))
    assert run(["tokens", "--data", str(data), "--out", str(out)]) == 2
    assert "line 2 is not JSON" in capsys.readouterr().err
    assert [number for number, _ in rows(tmp_path / "counts.jsonl")] == [1]


def test_the_command_counts_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["tokens", "Hello, world!", "--model", "openai/gpt-4o,claude-sonnet-5-5,gemini-3.5-flash", "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [count["method"] for count in found] == ["exact", "exact", "estimated"]
    assert found[0]["tokens"] == 4
    assert run(["tokens", "Hello", "--file", "x"]) == 2
    assert run(["tokens", "Hello", "--model", "no-such-model"]) == 2
    capsys.readouterr()


def test_overheads_are_learned_from_what_providers_report() -> None:
    state = turnout.State()
    body = {"messages": [{"role": "user", "content": "Hello"}], "tools": [GPT_TOOL]}
    plain = turnout.count_tokens("grok-4.3", body)
    for answer in range(20):
        count = turnout.count_tokens("grok-4.3", body, state=state)
        state.input_reported("grok-4.3", count, plain.tokens + (5000 if answer % 5 == 4 else 61 + answer % 2))
    learned = turnout.count_tokens("grok-4.3", body, state=state)
    assert abs(learned.tokens - plain.tokens - 61) <= 2
    assert learned.low <= plain.low
    again = turnout.State()
    again.learn_overheads(state.overheads())
    assert turnout.count_tokens("grok-4.3", body, state=again).tokens == learned.tokens
    # Another shape of request is not touched.
    assert (
        turnout.count_tokens("grok-4.3", "Hello", state=state).tokens
        == turnout.count_tokens("grok-4.3", "Hello").tokens
    )
