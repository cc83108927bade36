"""What a provider reports of usage, from Python: bytes or a dict, one call, nothing silently zero."""

from __future__ import annotations

import json

import pytest

import turnout


def test_a_report_has_usage_cost_and_terms() -> None:
    body = {
        "service_tier": "priority",
        "usage": {
            "prompt_tokens": 30,
            "completion_tokens": 10,
            "total_tokens": 340,
            "cost_in_usd_ticks": 5411000,
            "completion_tokens_details": {"reasoning_tokens": 300},
            "prompt_tokens_details": {"image_tokens": 4},
        },
    }
    for answer in (body, json.dumps(body).encode()):
        report = turnout.read_usage("xai", answer)
        wanted = turnout.Usage(input_uncached=26, image_in=4, output_text=10, reasoning=300)
        assert report.usage is not None
        assert report.usage.to_dict() == wanted.to_dict()
        assert report.usage.image_in == wanted.image_in == 4
        assert report.reported_cost == turnout.Money("0.0005411")
        assert (report.extractor, report.service_tier, report.speed, report.region) == ("xai", "priority", None, None)
        assert (report.problem, report.field, report.message) == (None, None, None)


def test_a_stream_is_read_as_it_was_received() -> None:
    frames = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1, "inference_geo": "us"}}},
        {"type": "message_delta", "usage": {"output_tokens": 7}},
    ]
    stream = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
    report = turnout.read_usage("anthropic", stream)
    assert report.usage == turnout.Usage(input_uncached=5, output_text=7)
    assert report.region == "us"


@pytest.mark.parametrize(
    ("usage", "problem", "field"),
    [
        ({"inputTokens": -1, "outputTokens": 1}, "negative", "inputTokens"),
        ({"inputTokens": 1.5, "outputTokens": 1}, "absurd", "inputTokens"),
        ("nothing", "unreadable", "usage"),
    ],
)
def test_what_cannot_be_true_is_no_usage_and_says_why(usage: object, problem: str, field: str) -> None:
    report = turnout.read_usage("bedrock", {"usage": usage})
    assert report.usage is None
    assert (report.problem, report.field) == (problem, field)
    assert report.message is not None
    assert "`bedrock-converse`" in report.message
    assert problem in repr(report)


def test_a_doubt_leaves_the_usage_and_nothing_reported_is_none() -> None:
    report = turnout.read_usage("bedrock", {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 9}})
    assert report.usage is not None
    assert (report.problem, report.field) == ("inconsistent", "totalTokens")
    report = turnout.read_usage("openai-chat", {"choices": []})
    assert (report.usage, report.problem, report.reported_cost) == (None, None, None)


def test_an_unknown_provider_is_not_guessed() -> None:
    with pytest.raises(turnout.CatalogError) as caught:
        turnout.read_usage("no-such-provider", {})
    assert caught.value.code == "unknown-extractor"
    assert "`openai-chat`" in (caught.value.hint or "")
    with pytest.raises(TypeError):
        turnout.read_usage("openai-chat", "text")  # type: ignore[arg-type]
