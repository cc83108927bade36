"""Whatever is in a plan can be sent: every attempt of every decision has a body."""

import contextlib
import json
from pathlib import Path

import pytest

import turnout
from turnout import TurnoutError
from turnout.lab.corpus import demo_requests

KEYS = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
ENGINE = turnout.Engine(turnout.load_policy(turnout.shipped_policy("balanced")), environ=KEYS)
CASES = Path(__file__).parents[1] / "cases" / "wire"


def bodies_of(request: str | bytes | dict[str, object], dialect: str | None) -> int:
    decision = ENGINE.decide(request, dialect=dialect, refused_ok=True)
    return sum(len(attempt.body().bytes) > 0 for attempt in decision.plan.attempts)


def test_every_attempt_of_the_demo_has_a_body() -> None:
    written = sum(bodies_of(each.request, each.dialect) for each in demo_requests())
    assert written > 1000


def test_every_attempt_of_the_shared_cases_has_a_body() -> None:
    written = 0
    for path in sorted(CASES.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            text = case["body_text"] if "body_text" in case else json.dumps(case.get("body"))
            if "error" in case and "target" not in case:
                continue
            with contextlib.suppress(TurnoutError) if "error" in case else contextlib.nullcontext():
                written += bodies_of(text.encode("utf-8", "surrogatepass"), case.get("dialect"))
    assert written > 100


@pytest.mark.parametrize(
    ("dialect", "members"),
    [
        ("anthropic-messages", {"mcp_servers": [{"type": "url", "url": "https://x.test", "name": "x"}]}),
        ("anthropic-messages", {"stop_sequences": ["a", "b", "c", "d", "e"]}),
        ("anthropic-messages", {"inference_geo": "us"}),
        ("openai-chat", {"web_search_options": {}}),
        ("openai-chat", {"modalities": ["text", "audio"], "audio": {"voice": "a"}}),
        ("openai-chat", {"stop": [" "]}),
        ("openai-chat", {"n": 2}),
        ("openai-chat", {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "so"}]}),
        ("anthropic-messages", {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
    ],
)
def test_what_another_dialect_or_model_refuses_is_not_in_the_plan(dialect: str, members: dict[str, object]) -> None:
    body: dict[str, object] = {"max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], **members}
    decision = ENGINE.decide(body, dialect=dialect, refused_ok=True)
    assert any(each.code in ("untranslatable", "no-choices") for each in decision.candidates)
    assert all(attempt.body().bytes for attempt in decision.plan.attempts)
