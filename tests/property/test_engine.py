"""Decisions from Python on anything a caller may pass: the same twice, and nothing raised but what is documented."""

from __future__ import annotations

import enum
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout
from turnout import _core
from turnout.policy import check_policy, parse_policy

NOW = 1_767_614_400.0
BALANCED = turnout.load_policy(turnout.shipped_policy("balanced"))
ENVIRON = dict.fromkeys((name for names in BALANCED.keys.values() for name in names), "x")
ENGINE = turnout.Engine(BALANCED, environ=ENVIRON)
LOCAL = turnout.Engine(turnout.load_policy(turnout.shipped_policy("local-first")), environ={})

# Lone surrogates included: Python strings may hold them, and JSON may spell them.
texts = st.text(alphabet=st.characters(), max_size=80)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
parts = st.one_of(
    texts,
    st.lists(
        st.one_of(
            st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
            st.fixed_dictionaries({"type": st.just("image_url"), "image_url": values}),
            values,
        ),
        max_size=3,
    ),
    values,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool", "developer", "x"]), "content": parts},
        optional={"tool_calls": values, "tool_call_id": values, "name": values},
    ),
    max_size=5,
)
MEMBERS = ["model", "max_tokens", "tools", "tool_choice", "stream", "system", "response_format", "thinking", "n"]
bodies = st.fixed_dictionaries({"messages": st.one_of(messages, values)}, optional=dict.fromkeys(MEMBERS, values))
metas = st.dictionaries(st.sampled_from(["confidential", "private", "team"]), values, max_size=3)


def outcome(engine: turnout.Engine, request: Any, meta: Any = None, **more: Any) -> str:
    """The decision as JSON, or the name of the error; anything undocumented escapes."""
    try:
        return engine.decide(request, meta, now=NOW, seed=7, state=_core.State(), **more).to_json()
    except (turnout.TurnoutError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


@given(texts)
def test_any_prompt_is_decided_and_twice_the_same(prompt: str) -> None:
    first = outcome(ENGINE, prompt)
    assert first.startswith("{")
    assert first == outcome(ENGINE, prompt)
    json.loads(first)


@given(bodies, metas)
def test_any_body_is_decided_or_refused(body: dict[str, Any], meta: dict[str, Any]) -> None:
    assert outcome(ENGINE, body, meta) == outcome(ENGINE, body, meta)
    assert outcome(LOCAL, body, meta, refused_ok=True) == outcome(LOCAL, body, meta, refused_ok=True)


@given(st.one_of(values, st.binary(max_size=80), st.sets(st.integers())), metas)
def test_anything_else_is_a_documented_error(request: Any, meta: dict[str, Any]) -> None:
    assert outcome(ENGINE, request, meta) == outcome(ENGINE, request, meta)


@given(bodies.map(lambda body: json.dumps(body).encode()), st.integers(0, 400), st.binary(max_size=3))
def test_damaged_bytes_are_decided_or_refused(body: bytes, at: int, damage: bytes) -> None:
    damaged = body[:at] + damage + body[at + 1 :]
    for dialect in (None, "openai-chat", "anthropic-messages"):
        outcome(ENGINE, damaged, dialect=dialect)


class Level(enum.IntEnum):
    HIGH = 50


class Measured(float):
    """A float that shows its type, as NumPy's do."""

    def __repr__(self) -> str:
        return "Measured(0.5)"


def test_numbers_of_other_types_are_their_values() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": Level.HIGH, "temperature": Measured(0.5)}
    decision = ENGINE.decide(body, now=NOW, seed=0)
    said: Any = decision.to_dict()
    assert said["facts"]["max_tokens"] == 50


def test_numbers_beyond_all_bounds() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 10**5000}
    assert outcome(ENGINE, body).startswith("RequestError")
    assert outcome(ENGINE, "hi", {"confidential": 10**5000}).startswith("TypeError")


CLOCKS = st.floats(-1e12, 1e12)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_a_clock_that_is_none_is_refused(now: float) -> None:
    with pytest.raises(ValueError, match="seconds since 1970"):
        ENGINE.decide("hi", now=now)


@given(CLOCKS, CLOCKS)
def test_any_clock(now: float, later: float) -> None:
    state = _core.State()
    state.attempt_ended("haiku", "k", "p", "rate_limited", now=now)
    state.cooling_ms("haiku", "k", "p", now=later)
    ENGINE.decide("hi", now=later, seed=0, state=state)


@given(texts, metas, st.integers(0, 2**64 - 1), st.integers(-(10**12), 10**12))
def test_dict_explanation_and_attributes_say_the_same(prompt: str, meta: Any, seed: int, now: int) -> None:
    try:
        decision = ENGINE.decide(prompt, meta, now=now, seed=seed, state=_core.State(), refused_ok=True)
    except TypeError:
        return
    said: Any = decision.to_dict()
    explained = decision.explain()
    assert said["rule"] == decision.rule
    assert said["seed"] == seed
    first = explained.splitlines()[0]
    if said["deployment"] is None:
        assert first.startswith("refused")
    else:
        assert first.startswith(f"{said['deployment']} by rule `{said['rule']}`")
        assert decision.model == said["model"]
        assert f"1. {said['deployment']}: chosen" in explained
    for row in said["candidates"]:
        lines = [
            line
            for line in explained.splitlines()
            if f" {row['deployment']}:" in line or f" {row['deployment']}," in line
        ]
        assert lines, row
        assert (row["status"] == "rejected") == lines[-1].lstrip().startswith("-")
        assert decision.why_not(row["deployment"])


@given(
    st.one_of(texts, values, bodies), st.sampled_from(["gpt-6-sol", "claude-haiku-5-5", "ollama/qwen3-8b", "nothing"])
)
def test_measures_never_panic(text: Any, model: str) -> None:
    for measure in (lambda: _core.count_tokens(model, text), lambda: _core.classify(text)):
        try:
            measure()
        except (turnout.TurnoutError, TypeError):
            continue


@given(st.text(max_size=300))
def test_any_text_is_a_policy_or_has_findings(text: str) -> None:
    policy, findings = check_policy(text)
    assert policy is None
    assert findings
    assert all(finding.line >= 1 and finding.column >= 1 for finding in findings)


LINES = turnout.shipped_policy("balanced").read_text(encoding="utf-8").split("\n")


@given(
    st.integers(0, len(LINES) - 1),
    st.integers(0, 80),
    st.text(alphabet="abc:#[]{}\"'&*!|>%@`,-~?$ \t\n.5", max_size=4),
    st.integers(0, 4),
)
def test_a_damaged_policy_is_read_or_refused_where_it_stands(line: int, at: int, put: str, drop: int) -> None:
    lines = [*LINES]
    lines[line] = lines[line][:at] + put + lines[line][at + drop :]
    text = "\n".join(lines)
    policy, findings = check_policy(text)
    assert policy is not None or findings
    count = len(text.split("\n"))
    for finding in findings:
        assert finding.code in _core.codes()
        assert 1 <= finding.line <= count + 1
        assert finding.source_line is None or finding.column <= len(finding.source_line) + 2


@given(st.permutations(["small", "mid", "top"]), st.sampled_from(["cheapest", "best", "in_order", "fastest"]), texts)
def test_a_policy_made_of_its_parts_decides(order: list[str], prefer: str, prompt: str) -> None:
    policy = parse_policy(
        "turnout: 1\nname: made\nmodels:\n  small: { use: ollama/a, price: free, context: 1M }\n"
        "  mid: { use: vllm/b, price: { input: $1, output: $2 }, context: 1M }\n"
        "  top: { use: vllm/c, price: { input: $5, output: $9 }, context: 1M }\n"
        f"otherwise: {{ from: [{', '.join(order)}], prefer: {prefer} }}\n"
    )
    decision = turnout.Engine(policy, environ={}).decide(prompt, now=NOW, seed=0)
    expected = {"cheapest": "small", "best": "top"}.get(prefer, order[0])
    assert decision.model == expected


@given(st.one_of(texts, bodies), metas, st.integers(0, 2**64 - 1))
def test_a_record_decides_the_same_bytes(request: Any, meta: Any, seed: int) -> None:
    """As JSON, as a dict, and as the decision itself; who decides again has another state and other keys."""
    state = _core.State()
    state.attempt_ended("haiku", "k", "p", "rate_limited", ttft_ms=300, now=NOW)
    for engine, later in ((ENGINE, KEYLESS), (LOCAL, LOCAL)):
        try:
            decision = engine.decide(request, meta, now=NOW, seed=seed, state=state, refused_ok=True)
        except (turnout.TurnoutError, TypeError):
            continue
        record = decision.to_json()
        for form in (record, record.encode(), decision.to_dict(), decision):
            again = later.redecide(form)
            assert again.to_json() == record
            assert again.explain() == decision.explain()
            assert len(again.plan.attempts) == len(decision.plan.attempts)


KEYLESS = turnout.Engine(BALANCED, environ={})


def test_policies_of_one_hash_give_the_same_bytes() -> None:
    # The order of keys is no part of the hash, and so must not show.
    facts = ["long: tokens > 20", 'team: meta.team ?? "none"', "asked: meta.asked is known"]
    said = set()
    for order in (facts, facts[::-1]):
        text = (
            "turnout: 1\nname: mine\nmodels: { own: { use: ollama/own, price: free } }\n"
            f"facts: {{ {', '.join(order)} }}\n"
            "rules: [{ name: r, when: 'long and asked and team == \"x\"', from: own }]\notherwise: { from: own }\n"
        )
        policy = turnout.parse_policy(text)
        decision = turnout.Engine(policy, environ={}).decide("hi " * 50, {"asked": 1, "team": "x"}, now=NOW, seed=0)
        said.add((policy.hash, decision.to_json(), decision.explain()))
    assert len(said) == 1


def test_a_record_has_no_prompt_to_write_and_no_text_of_it() -> None:
    decision = ENGINE.decide("CANARYPROMPT " * 9, now=NOW, seed=0)
    assert "CANARYPROMPT" not in decision.to_json()
    with pytest.raises(turnout.DecisionError, match="record-no-prompt"):
        _ = ENGINE.redecide(decision).request
    with pytest.raises(turnout.DecisionError, match="record-other-policy"):
        LOCAL.redecide(decision)
    said: Any = decision.to_dict()
    with pytest.raises(turnout.DecisionError, match="record-other-catalog"):
        ENGINE.redecide(said | {"catalog_hash": "00"})
    with pytest.raises(turnout.DecisionError, match="record-incomplete"):
        ENGINE.redecide({key: value for key, value in said.items() if key != "inputs"})
    with pytest.raises(turnout.DecisionError, match="record-unreadable"):
        ENGINE.redecide("hello")
    with pytest.raises(TypeError):
        ENGINE.redecide(7)  # type: ignore[arg-type]


@given(st.lists(st.one_of(texts, bodies, values, st.binary(max_size=40)), max_size=6), metas, st.integers(0, 2**64 - 1))
def test_a_batch_is_what_its_rows_are_one_by_one(requests: list[Any], meta: Any, seed: int) -> None:
    state = _core.State()
    for per_row in (None, [meta] * len(requests)):
        rows = ENGINE.decide_batch(requests, meta=per_row, now=NOW, seed=seed, state=state)
        assert len(rows) == len(requests)
        for index, (request, row) in enumerate(zip(requests, rows, strict=True)):
            own_seed = (seed + index) % 2**64
            shared = meta if per_row else None
            alone = outcome_at(request, shared, own_seed, state)
            if isinstance(row, turnout.Decision):
                assert alone == row.to_json()
                again = ENGINE.decide(request, shared, now=NOW, seed=own_seed, state=state)
                assert row.request == again.request
                assert row.explain() == again.explain()
            else:
                assert alone == f"{type(row).__name__}: {row}"


def outcome_at(request: Any, meta: Any, seed: int, state: turnout.State) -> str:
    try:
        return ENGINE.decide(request, meta, now=NOW, seed=seed, state=state).to_json()
    except (turnout.TurnoutError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def test_a_batch_over_many_pieces_keeps_its_order() -> None:
    requests = [f"question {number} " + "x" * (number % 7 * 3_000) for number in range(700)]
    rows = ENGINE.decide_batch(iter(requests), meta={"team": "a"}, now=NOW, seed=2**64 - 300)
    seeds = [row.seed for row in rows if isinstance(row, turnout.Decision)]
    assert seeds == [(2**64 - 300 + number) % 2**64 for number in range(700)]
    assert all(f"question {number} ".encode() in row.request for number, row in enumerate(rows))  # type: ignore[union-attr]


def test_a_batch_that_is_none() -> None:
    one: Any
    for one in ("hi", b"{}", {"messages": []}, 7):
        with pytest.raises(TypeError):
            ENGINE.decide_batch(one)
    with pytest.raises(ValueError, match="2 rows, and there are 1 requests"):
        ENGINE.decide_batch(["hi"], meta=[None, None])
    rows = ENGINE.decide_batch(["hi", "hi"], meta=[None, {"team": object()}])  # type: ignore[dict-item]
    assert isinstance(rows[1], TypeError)
    assert ENGINE.decide_batch([]) == []
    assert isinstance(KEYLESS.decide_batch(["hi"])[0], turnout.DecisionError)
    assert KEYLESS.decide_batch(["hi"], refused_ok=True)[0].model is None  # type: ignore[union-attr]
