"""Quality that nobody measured: a prior of rank and difficulty, shown as one; and caches that are warm."""

from __future__ import annotations

from typing import Any

import pytest

import turnout
from turnout.policy import check_policy, parse_policy

MODELS = """\
turnout: 1
name: mine
models:
  haiku: anthropic/claude-haiku-5-5
  sonnet: anthropic/claude-sonnet-5-5
  opus: anthropic/claude-opus-5-5
"""
BEST = "otherwise: { from: [haiku, opus, sonnet], prefer: best }\n"


def decided(rest: str, prompt: str = "Prove that there are infinitely many primes.") -> turnout.Decision:
    engine = turnout.Engine(parse_policy(MODELS + rest), environ={"ANTHROPIC_API_KEY": "x"})
    return engine.decide(prompt, now=0, seed=0)


def test_the_best_is_the_strongest_and_the_prior_is_shown_as_one() -> None:
    decision = decided(BEST)
    said: Any = decision.to_dict()
    difficulty = said["facts"]["difficulty"]
    assert [row["model"] for row in said["candidates"]] == ["opus", "sonnet", "haiku"]
    for row in said["candidates"]:
        expected = 1 - difficulty * (4 - row["rank"]) / 4
        assert row["quality"]["from"] == "prior"
        assert row["quality"]["low"] == row["quality"]["high"] == pytest.approx(expected, abs=1e-6)
    qualities = [candidate.quality or (0.0, 0.0) for candidate in decision.candidates]
    assert qualities == sorted(qualities, reverse=True)
    assert decision.candidates[0].quality_from == "prior"
    assert f"quality {said['candidates'][0]['quality']['low']} (prior)" in decision.explain()


def test_a_wish_for_quality_asks_more_of_a_harder_prompt() -> None:
    wish = "otherwise: { from: [haiku, sonnet, opus], prefer: cheapest, want: quality >= 0.7 }\n"
    assert decided(wish, "hi there").model == "haiku"
    assert decided(wish).model == "sonnet"
    _, findings = check_policy(MODELS + wish)
    assert [found.code for found in findings] == ["floor-on-prior"]


def test_where_nothing_looks_at_the_prompt_no_quality_is_computed() -> None:
    decision = decided("otherwise: { from: [haiku, sonnet, opus], prefer: cheapest }\n")
    assert all(candidate.quality is None and candidate.quality_from is None for candidate in decision.candidates)
    assert "quality" not in decision.to_json()
    # A test in the file may ask all the same.
    parse_policy(
        MODELS
        + "otherwise: { from: [haiku, sonnet, opus] }\n"
        + "tests: [{ name: t, given: { prompt: hi, difficulty: 0.4 }, expect: quality == 0.7 }]\n"
    )


def test_a_difficulty_that_is_not_known_leaves_the_quality_open() -> None:
    held = {}
    for expect in ("quality >= 0.25", "quality > 0.5", "quality is known"):
        tests = f"tests: [{{ name: t, given: {{ prompt: hi, difficulty: unknown }}, expect: '{expect}' }}]\n"
        policy, _ = check_policy(MODELS + "otherwise: { from: [haiku, sonnet, opus] }\n" + tests, run_tests=False)
        assert policy is not None
        held[expect] = [failure.held for failure in policy.run_tests()]
    assert held == {"quality >= 0.25": [], "quality > 0.5": ["unknown"], "quality is known": []}


def test_a_cache_is_warm_after_an_answer() -> None:
    rest = "otherwise: { from: [haiku, sonnet], want: warm }\n"
    engine = turnout.Engine(parse_policy(MODELS + rest), environ={"ANTHROPIC_API_KEY": "x"})
    system = [{"type": "text", "text": "word " * 5000, "cache_control": {"type": "ephemeral"}}]
    body = {"max_tokens": 20, "system": system, "messages": [{"role": "user", "content": "And now?"}]}

    def ask(now: float) -> turnout.Decision:
        return engine.decide(body, now=now, seed=0, dialect="anthropic-messages")

    first = ask(0)
    assert first.to_dict()["relaxed"] == ["warm"]
    engine.observe(first, "complete", now=0)
    assert ask(1).to_dict()["relaxed"] == []
    assert engine.redecide(ask(1).to_json()).to_json() == ask(1).to_json()
    assert ask(100_000).to_dict()["relaxed"] == ["warm"]
