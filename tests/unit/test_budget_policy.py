"""Budgets and limits in policies: what loads, what conditions see, and the time zones of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout import Engine, parse_policy
from turnout.errors import PolicyError
from turnout.policy.zones import zones_of

POLICY = """
turnout: 1
name: budgeted
models:
  haiku: anthropic/claude-haiku-5-5
  sonnet: anthropic/claude-sonnet-5-5
pools:
  ladder: [haiku, sonnet]
budgets:
  - { name: team, per: meta.team, limit: $500/month, zone: Europe/Berlin, alert_at: [50%, 80%], on_exceed: step_down }
  - { name: all, limit: $20/24h, models: [sonnet], on_exceed: warn }
limits:
  - { per: [key, deployment], requests: 600/min, tokens: 2M/min, concurrent: 50 }
  - { name: dry, spend: $5/hour, input_tokens: 1M/min, output_tokens: 200k/10s, enforce: false }
rules:
  - name: nearly-spent
    when: budget.team.used >= 95% or budget.all.left < $1
    from: [haiku]
otherwise: { from: ladder, prefer: cheapest }
tests:
  - name: money wins
    given: { prompt: "hi", budget: { team: { used: 97% } } }
    expect: rule == "nearly-spent"
  - name: nothing is used at first
    given: { prompt: "hi" }
    expect: rule == "otherwise" and budget.team.used == 0 and budget.team.left == $500
  - name: what is spent leaves nobody
    given: { prompt: "hi", budget: { team: { used: 100% } } }
    expect: refused
  - name: a warning refuses nobody
    given: { prompt: "hi", budget: { all: { left: $0 } } }
    expect: model == "haiku" and rule == "nearly-spent"
"""


def test_a_policy_says_its_budgets_and_tests_them() -> None:
    policy = parse_policy(POLICY)
    team, everyone = policy.budgets
    assert policy.reserves
    assert (team.name, team.per, team.limit_usd_nanos, team.window) == ("team", ["team"], 500 * 10**9, "month")
    assert (team.zone, team.on_exceed, everyone.window) == ("Europe/Berlin", "step_down", "86400000ms")
    assert not parse_policy(POLICY.split("budgets:")[0] + "otherwise: { from: ladder }").reserves


def test_a_failing_test_of_a_budget_is_shown() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(POLICY.replace("used: 97%", "used: 94%"))
    assert [finding.code for finding in caught.value.findings] == ["failing-test"]


def test_what_is_held_and_spent_is_seen_by_the_next_decision() -> None:
    engine = Engine(parse_policy(POLICY), environ={"ANTHROPIC_API_KEY": "x"})
    book = engine.state.reservations
    first = engine.decide("hi", {"team": "a", "key": "k"})
    attempt = first.plan.attempts[0]
    assert [claim.scope.split("/")[:2] for claim in attempt.claims] == [
        ["budget", "team"],
        ["limit", "limit-1"],
        ["limit", "limit-1"],
        ["limit", "limit-1"],
        ["limit", "dry"],
        ["limit", "dry"],
        ["limit", "dry"],
    ]
    assert book.reserve(attempt, "one", 60_000).is_made
    assert book.reserve(attempt, "one", 60_000).is_repeated
    (scope,) = attempt.budget_scopes
    assert book.standing(engine.policy, scope) == (0, attempt.reserved[0])
    closed = book.settle("one", usd_nanos=480 * 10**9)
    assert closed is not None
    assert [alert.share_millionths for alert in closed.alerts] == [500_000, 800_000]
    assert closed.debt_usd_nanos == 480 * 10**9 - attempt.reserved[0]
    assert book.settle("one", usd_nanos=1) is None
    assert engine.decide("hi", {"team": "a"}).rule == "nearly-spent"
    assert engine.decide("hi", {"team": "b"}).rule == "otherwise"
    assert engine.redecide(engine.decide("hi", {"team": "a"})).rule == "nearly-spent"


def test_a_limit_refuses_with_the_time_to_wait() -> None:
    text = POLICY.split("budgets:")[0] + "limits: [{ requests: 2/min }]\notherwise: { from: [haiku] }\n"
    engine = Engine(parse_policy(text), environ={"ANTHROPIC_API_KEY": "x"})
    attempt = engine.decide("hi").plan.attempts[0]
    book = engine.state.reservations
    holds = [book.reserve(attempt, str(at), 1_000, now=1_000.0, mono=5.0) for at in range(3)]
    assert [hold.is_made for hold in holds] == [True, True, False]
    assert (holds[2].retry_after_ms, holds[2].denied[0].why) == (30_000, "spent")
    assert book.reserve(attempt, "later", 1_000, now=1_000.0, mono=35.0).is_made
    assert len(book.expire(mono=7.0, now=1_000.0)) == 2, "a clock that goes back is held still"


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.integers(1_577_900_000, 2_114_380_800),
)
def test_a_table_has_the_offsets_of_its_zone(name: str, at_s: int) -> None:
    ((_, table),) = zones_of([[(1, "zone", 1, 1, "plain", name, False, 1, 1, [])]])
    at = datetime.fromtimestamp(at_s, UTC)
    offset_ms = [offset for from_ms, offset in table if from_ms <= at_s * 1000][-1]
    assert timedelta(milliseconds=offset_ms) == at.astimezone(ZoneInfo(name)).utcoffset()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "Europe/Atlantis", "", "Europe", "a" * 300])
def test_what_is_no_zone_has_no_table(name: str) -> None:
    assert zones_of([[(1, "zone", 1, 1, "plain", name, False, 1, 1, [])]]) == []
