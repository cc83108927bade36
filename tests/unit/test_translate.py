"""Answers, streams and errors in a client's own dialect, as the binding hands them out."""

from __future__ import annotations

import json

import pytest

from turnout import _core
from turnout.errors import RequestError

CHAT = [
    {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
    {"model": "m", "choices": [{"index": 0, "delta": {"content": "hé"}, "finish_reason": None}]},
    {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
]
STREAM = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in CHAT) + b"data: [DONE]\n\n"


def translator(client: str, *, include_usage: bool = False) -> _core.StreamTranslator:
    return _core.StreamTranslator("openai-chat", client, answer_id="x1", created_s=5, include_usage=include_usage)


def events(data: bytes) -> list[tuple[str, object]]:
    found = []
    for event in data.decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        text = lines["data"]
        found.append((lines.get("event", ""), text if text == "[DONE]" else json.loads(text)))
    return found


def test_a_stream_becomes_anthropics() -> None:
    one = translator("anthropic-messages")
    out = b"".join(one.feed(STREAM[at : at + 7]) for at in range(0, len(STREAM), 7))
    assert one.is_over
    assert one.has_content
    assert one.has_text
    rest, end = one.finish()
    assert (rest, end.outcome) == (b"", "complete")
    assert end.usage is not None
    names = [name for name, _ in events(out)]
    assert names == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert out == translator("anthropic-messages").feed(STREAM)
    assert one.answer().text == "hé"
    assert one.dropped == ()


def test_a_stream_becomes_that_of_responses() -> None:
    out = translator("openai-responses").feed(STREAM)
    name, last = events(out)[-1]
    assert name == "response.completed"
    assert isinstance(last, dict)
    assert last["response"]["output"][0]["content"][0]["text"] == "hé"
    assert last["response"]["usage"]["input_tokens"] == 3
    numbers = [event["sequence_number"] for _, event in events(out) if isinstance(event, dict)]
    assert numbers == list(range(len(numbers)))


def test_usage_goes_to_a_chat_client_that_asked() -> None:
    for asked in (False, True):
        out = events(translator("openai-chat", include_usage=asked).feed(STREAM))
        assert out[-1] == ("", "[DONE]")
        assert any(isinstance(event, dict) and event.get("usage") for _, event in out) == asked
        assert len(out) == 4 + asked


@pytest.mark.parametrize("client", ["openai-chat", "anthropic-messages", "openai-responses"])
def test_a_cut_stream_ends_with_an_error_and_no_marker(client: str) -> None:
    one = translator(client)
    out = one.feed(STREAM[:200])
    rest, end = one.finish()
    assert end.outcome == "truncated"
    assert b"[DONE]" not in out + rest
    assert b"message_stop" not in rest
    assert b"completed" not in rest
    _, error = events(rest)[-1]
    assert isinstance(error, dict)
    assert "error" in error or error["type"] == "error"
    assert one.feed(STREAM) == b""
    assert one.fail("deadline", "late") == b""


def test_what_breaks_outside_of_the_stream_is_said_in_it() -> None:
    one = translator("anthropic-messages")
    one.feed(STREAM[:250])
    name, error = events(one.fail("deadline", "the deadline passed"))[0]
    assert (name, error["error"]["type"]) == ("error", "timeout_error")  # type: ignore[index]
    assert one.finish()[0] == b""


def test_a_whole_answer_in_every_dialect() -> None:
    body = {
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "content": None,
                    "tool_calls": [{"id": "c.1", "function": {"name": "f", "arguments": '{"a": 1}'}}],
                },
                "finish_reason": "stop",
            }
        ],
    }
    answer = _core.parse_answer("openai-chat", json.dumps(body).encode())
    message = json.loads(
        _core.render_answer(answer, "anthropic-messages", answer_id="x", created_s=1, model="mine").bytes
    )
    assert message["model"] == "mine"
    assert message["stop_reason"] == "tool_use"
    assert message["content"] == [{"type": "tool_use", "id": "c_2e1", "name": "f", "input": {"a": 1}}]
    response = json.loads(_core.render_answer(answer, "openai-responses", answer_id="x", created_s=1).bytes)
    assert response["status"] == "completed"
    assert response["output"][0]["call_id"] == "c.1"


def test_errors_in_every_dialect() -> None:
    status, body = _core.render_error("anthropic-messages", "overloaded", "no capacity")
    assert (status, json.loads(body)["error"]["type"]) == (529, "overloaded_error")
    status, body = _core.render_error("openai-chat", "overflow", "too long")
    assert (status, json.loads(body)["error"]["code"]) == (400, "context_length_exceeded")
    with pytest.raises(RequestError):
        _core.render_error("latin", "overflow", "")
    with pytest.raises(RequestError):
        _core.render_error("openai-chat", "nothing", "")
