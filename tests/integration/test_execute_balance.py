"""Many keys, regions and addresses of one model: how calls are spread over them, and what providers say of limits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from tests.integration.execute_kit import CLAUDE, GPT, on_lab, policy

from turnout import Engine, Policy, Router, parse_policy
from turnout.lab import Lab, LabSettings, SimulatedModel

_POLICY = """
turnout: 1
name: spread
models:
  gpt:
    use: openai/gpt-6-luna
    balance: {balance}
    deployments:
      - {{ name: a, key: env:KEY_A, weight: 3 }}
      - {{ name: b, key: env:KEY_B, weight: 1 }}
      - {{ name: c, key: env:KEY_C, weight: {last} }}
otherwise: {{ from: [gpt], prefer: in_order }}
"""
_KEYS = {"KEY_A": "sk-a", "KEY_B": "sk-b", "KEY_C": "sk-c"}
_PLACES = {name: (f"gpt/{name}", f"env:KEY_{name.upper()}", "openai") for name in "abc"}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


def spread(balance: str, last: int = 0) -> Policy:
    return parse_policy(_POLICY.format(balance=balance, last=last))


def shares(engine: Engine, now: float = 1_000.0, draws: int = 400, stream: bool = False) -> Counter[str]:
    """Where calls go, seed after seed; none of them is made."""
    request = {"messages": [{"role": "user", "content": "hi"}], "stream": stream}
    found = [engine.decide(request, now=now, seed=seed).deployment for seed in range(draws)]
    assert None not in found
    return Counter(str(each).removeprefix("gpt/") for each in found)


def test_weights_share_the_calls_of_those_that_are_well() -> None:
    engine = Engine(spread("weighted", last=4), environ=_KEYS)
    found = shares(engine)
    assert [round(found[name] / 400, 2) for name in "abc"] == [0.38, 0.12, 0.5]
    # What falls to one that cools is shared by weight again.
    engine.state.attempt_ended(*_PLACES["c"], "rate_limited", retry_after_ms=60_000, now=1_000.0)
    found = shares(engine)
    assert [round(found[name] / 400, 2) for name in "abc"] == [0.75, 0.25, 0.0]


def test_the_least_busy_for_its_weight_goes_first() -> None:
    engine = Engine(spread("least_busy"), environ=_KEYS)
    assert shares(engine) == {"a": 300, "b": 100}, "all are idle"
    engine.state.attempt_started(*_PLACES["a"], now=1_000.0)
    assert shares(engine) == {"b": 400}
    engine.state.attempt_started(*_PLACES["b"], now=1_000.0)
    assert shares(engine) == {"a": 400}, "one of three is less than one of one"
    for _ in range(3):
        engine.state.attempt_started(*_PLACES["a"], now=1_000.0)
    assert shares(engine) == {"b": 400}
    for name in "ab":
        engine.state.attempt_ended(*_PLACES[name], "overloaded", retry_after_ms=60_000, now=1_000.0)
    assert engine.decide("hi", now=1_000.0, seed=0).deployment in {"gpt/a", "gpt/b", "gpt/c"}


def answered(engine: Engine, name: str, ms: int, now: float, *, stream: bool = False) -> None:
    engine.state.attempt_started(*_PLACES[name], now=now)
    ttft_ms = ms if stream else None
    engine.state.attempt_ended(*_PLACES[name], "complete", ttft_ms=ttft_ms, total_ms=ms, now=now)


@pytest.mark.parametrize("stream", [False, True])
def test_of_two_that_are_drawn_the_quicker_one_answers(stream: bool) -> None:
    engine = Engine(spread("lowest_latency", last=4), environ=_KEYS)
    for name, ms in (("a", 900), ("b", 300), ("c", 600)):
        answered(engine, name, ms, 1_000.0, stream=stream)
    found = shares(engine, stream=stream)
    # Pairs by weight: the slowest of three is in no pair whose other one is slower, and is never first.
    assert found["a"] == 0
    assert found["b"] > 0
    assert found["c"] > 0
    # A peak counts at once; one more under way makes the wait longer; and what nobody asks for is forgiven.
    answered(engine, "c", 5_000, 1_001.0, stream=stream)
    assert shares(engine, now=1_001.0, stream=stream)["c"] == 0
    assert shares(engine, now=1_900.0, stream=stream)["c"] > 100


def test_a_deployment_of_which_nothing_is_known_is_tried_and_not_flooded() -> None:
    engine = Engine(spread("lowest_latency", last=4), environ=_KEYS)
    answered(engine, "a", 300, 1_000.0)
    answered(engine, "b", 300, 1_000.0)
    before = shares(engine)["c"]
    engine.state.attempt_started(*_PLACES["c"], now=1_000.0)
    assert before > 200
    assert shares(engine)["c"] == 0


@pytest.mark.parametrize("balance", ["weighted", "least_busy", "lowest_latency"])
def test_a_record_decides_again_alike(balance: str) -> None:
    engine = Engine(spread(balance, last=4), environ=_KEYS)
    for at, name in enumerate("abcabbcab"):
        engine.state.attempt_started(*_PLACES[name], now=1_000.0)
        if at % 3:
            engine.state.attempt_ended(*_PLACES[name], "complete", total_ms=100 * at, now=1_000.0)
    for seed in range(50):
        decision = engine.decide("hi", now=1_000.5, seed=seed)
        assert Engine(engine.policy, environ={}).redecide(decision.to_json()).to_json() == decision.to_json()


async def test_calls_side_by_side_go_where_there_is_room() -> None:
    models = (SimulatedModel("*", ttft_ms=200, answer_tokens=4),)
    async with Lab(LabSettings(models=models)) as lab:
        urls = {"openai": lab.url_for("openai")}
        async with Router(spread("least_busy", last=3), environ=_KEYS, base_urls=urls) as router:
            found = await asyncio.gather(*(router.complete("hello there") for _ in range(14)))
    assert Counter(each.deployment for each in found) == {"gpt/a": 6, "gpt/b": 2, "gpt/c": 6}


LAST_WORDS = [
    ("limit in headers", [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "20s")], 20.0),
    ("tokens for this request", [("x-ratelimit-remaining-tokens", "3"), ("x-ratelimit-reset-tokens", "20s")], 20.0),
    ("of another dialect", [("anthropic-ratelimit-requests-remaining", "0")], 60.0),
]


@pytest.mark.parametrize(("headers", "until_s"), [row[1:] for row in LAST_WORDS], ids=[row[0] for row in LAST_WORDS])
def test_what_a_provider_says_is_left_holds_until_its_reset(headers: list[tuple[str, str]], until_s: float) -> None:
    engine = Engine(spread("weighted"), environ=_KEYS)
    engine.state.headers_came("gpt/a", headers, now=1_000.0)
    assert shares(engine) == {"b": 400}
    assert shares(engine, now=1_000.0 + until_s - 0.001) == {"b": 400}
    assert shares(engine, now=1_000.0 + until_s)["a"] == 300
    # Where all are spent, one is asked all the same: the last target is never out.
    for name in "bc":
        engine.state.headers_came(f"gpt/{name}", headers, now=1_000.0)
    assert shares(engine).total() == 400


def test_the_smaller_of_two_figures_counts() -> None:
    engine = Engine(spread("weighted"), environ=_KEYS)
    said = [("x-ratelimit-remaining-requests", "2"), ("x-ratelimit-remaining-tokens", "9000")]
    engine.state.headers_came("gpt/a", said, now=1_000.0)
    for _ in range(2):
        assert shares(engine)["a"] == 300
        engine.state.attempt_started(*_PLACES["a"], input_tokens=4_000, now=1_000.0)
    assert shares(engine) == {"b": 400}, "two were left, and two have begun since"
    engine.state.headers_came("gpt/a", [*said, ("X-RateLimit-Limit-Requests", "2")], now=1_001.0)
    assert shares(engine, now=1_001.0)["a"] == 300, "the provider has the last word"


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("first", ["claude", "gpt"])
async def test_a_call_goes_elsewhere_before_it_is_refused(lab: Lab, first: str, streams: bool) -> None:
    lab.script({"claude": CLAUDE, "gpt": GPT}[first], ["limit_gone"])
    order = [first, *({"claude", "gpt"} - {first})]
    async with on_lab(lab, policy(", ".join(order))) as router:
        for expected in order:
            if streams:
                async with router.stream("hello there") as stream:
                    assert [event async for event in stream]
                    assert stream.deployment == expected
            else:
                assert (await router.complete("hello there")).deployment == expected
    assert lab.counters.requests() == 2
