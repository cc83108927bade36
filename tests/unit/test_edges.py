"""Near an edge: the safe side inline, the exact count where a request is large and its caller can wait."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import turnout
from turnout.policy import parse_policy

POLICY = """\
turnout: 1
name: mine
models:
  mini: openai/gpt-4o-mini
  big: openai/gpt-4o
rules:
  - {{ name: short, when: tokens < {limit}, from: [mini] }}
otherwise: {{ from: [big] }}
"""

# Prose as people write it (of which the estimate's bounds hold), 60 kB of it: too large to be counted inline.
PARAGRAPH = """\
The committee met again on Thursday to discuss the budget for next year. Several members asked why the repair of the
old bridge had been postponed twice, although the money had been set aside in spring. The engineer explained that two
of the pillars needed closer inspection, and that the report would not be ready before the end of October. "We would
rather wait a month," she said, "than close the road a second time." After a short break the chairman read a letter
from the school, which hopes for a larger library.
"""
TEXT = PARAGRAPH * 115
REQUEST: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": TEXT}]}


def policy(limit: int) -> str:
    return POLICY.format(limit=limit)


def engine(limit: int) -> turnout.Engine:
    return turnout.Engine(parse_policy(policy(limit)), environ={"OPENAI_API_KEY": "x"})


def exact() -> int:
    count = turnout.count_tokens("openai/gpt-4o", REQUEST)
    assert count.method == "exact"
    return count.tokens


@pytest.mark.parametrize(("over", "rule"), [(1, "short"), (-1, "otherwise")])
def test_an_open_threshold_is_resolved_where_asked(over: int, rule: str) -> None:
    close = engine(exact() + over)
    # The estimate straddles the threshold: the rule is not known to hold.
    assert close.decide(REQUEST).rule == "otherwise"
    decision = close.decide(REQUEST, resolve_edges=True)
    assert decision.rule == rule
    # A record says what was counted, and gives the same decision again.
    assert close.redecide(decision).to_dict() == decision.to_dict()


def test_a_router_resolves_edges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    path = tmp_path / "policy.yaml"
    path.write_text(policy(exact() + 1), encoding="utf-8")

    async def decide() -> turnout.Decision:
        async with turnout.Router(path) as router:
            return await router.decide(REQUEST)

    assert asyncio.run(decide()).rule == "short"
