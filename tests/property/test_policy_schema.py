"""The JSON Schema of policies agrees with the loader: what loads is valid, and what the loader does not know is not.

The schema is printed from the compiler's own table of keys, so that they can only disagree about values. Policies are
made here by hand-written strategies and then broken; values are read as YAML 1.2 reads them, as editors do.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import turnout
from turnout import _core
from turnout.policy import check_policy, shipped_names, shipped_policy
from turnout.source import YamlProblem, read_rows

SCHEMA: dict[str, Any] = json.loads(_core.policy_schema())
VALIDATOR = Draft202012Validator(SCHEMA)
ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "policy"

# What the schema can know: keys, and the kinds of values. Names and types of expressions are the loader's alone.
STRUCTURAL = {"unknown-key", "missing-key", "wrong-type", "unsupported-version"}

_CORE = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)


def scalar(text: str, is_plain: bool) -> object:
    """A scalar as YAML 1.2's core schema reads it."""
    for pattern, read in _CORE if is_plain else ():
        if pattern.fullmatch(text):
            return read(text)
    return text


def value_of(text: str) -> object:
    """A YAML file as an editor's language server sees it; raises `YamlProblem`."""
    root: list[Any] = []
    blocks: list[Any] = [root]
    for depth, key, _, _, kind, content, *_ in read_rows(text):
        value: Any = {} if kind == "map" else [] if kind == "seq" else scalar(content, kind == "plain")
        del blocks[depth + 1 :]
        into = blocks[depth]
        if isinstance(into, dict):
            into[key] = value
        else:
            into.append(value)
        blocks.append(value)
    return root[0] if root else None


def yaml_of(value: object) -> str:
    """A tree as YAML in one line; texts that need no quotes stand without."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)}: {yaml_of(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml_of, value)) + "]"
    assert isinstance(value, str)
    return value if re.fullmatch(r"[A-Za-z0-9$][A-Za-z0-9$%._/+-]*|~", value) else json.dumps(value)


def codes_of(text: str) -> tuple[bool, set[str]]:
    """Whether a policy loads, and the codes of its errors."""
    policy, findings = check_policy(text, run_tests=False)
    # An address may be missing because the provider has none: no schema knows providers.
    errors = [each for each in findings if each.severity == "error" and "needs `base_url`" not in each.message]
    return policy is not None, {each.code for each in errors}


def assert_agreement(text: str) -> None:
    loads, codes = codes_of(text)
    try:
        value = value_of(text)
    except YamlProblem:
        assert not loads
        return
    problems = [f"{each.json_path}: {each.message[:200]}" for each in VALIDATOR.iter_errors(value)]
    if loads:
        assert not problems, f"{text}\nloads, but the schema refuses it: {problems}"
    if codes & STRUCTURAL:
        assert problems, f"{text}\nis refused with {codes}, but the schema takes it"


def mostly(good: list[str], bad: list[str]) -> st.SearchStrategy[str]:
    """One of the good values in all but a few draws: a policy of many values should load often."""
    return st.sampled_from(good * (1 + 25 * len(bad) // len(good)) + bad)


CONDITIONS = ["tokens > 1k", 'task == "code"', "meta.team is known", "difficulty >= 70%", "stream", "images > 0"]
expressions = mostly([*CONDITIONS, "time in 22:00..06:00 UTC"], ["true", "42", "~"])
of_candidates = mostly([*CONDITIONS, "cost.p90 <= $0.05", "model.rank >= 2", "ttft.p95 <= 1200ms"], ["x", "7"])
of_decisions = mostly(['model == "a"', "refused", 'rule == "otherwise"', "cost.p50 < $1"], ["true", "~"])
counts = mostly(["1", "5", "3", "2.0", "04"], ["20", "1k", "8_000", "1.5k", "2M", "0", "-1", "0x10", "1e3"])
durations = mostly(["40s", "1200ms", "1.5m", "2h", "1d", "5.s", "3 s"], ["0s", "40", "s"])
moneys = mostly(["$0.25", "$1", "$ 2", "$1.", "$0.000000001"], ["0.25", "$-1"])
shares = mostly(["20%", "0.2", "1", "0", "100 %", "1.0"], ["150%", "2.5x", "x", "-1"])
factors = mostly(["2.5x", "2", "150%", "30 x"], ["x", "~"])
names = mostly(["a", "b", "ladder", "true", "x.y", "e3"], ["42", "no", "~", "1.5"])
flags = mostly(["true", "False"], ["yes", "unknown", "1"])
model_lists = [["a"], ["b", "a"], ["a", "b", "c"]]
models = st.one_of(mostly(["a", "b", "c"], ["ladder", "x"]), st.sampled_from([*model_lists * 4, []]))
addresses = mostly(["https://x.example/v1", "http://127.0.0.1:8000/v1"], ["http://x.example", "ftp://x"])
keys = mostly(["none", "env:KEY_1"], ["env:1", "sk-ant-123456789012"])
checks = [
    "complete",
    "not_empty",
    "not_refused",
    "valid_json",
    "schema_valid",
    "language_matches",
    "check.is_good",
]


def block(needed: dict[str, Any], more: dict[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=more or {})


def some(of: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(of, max_size=most)


filters = block({"keep": of_candidates}, {"when": expressions})
runs = {"deadline": durations, "spend": moneys, "ttft": durations, "attempts": counts}
accepts = st.one_of(mostly(checks, ["x", "check.1"]), some(st.sampled_from(checks)))
escalates = block({}, {"at_most": counts, "cost_within": factors})
choice: dict[str, Any] = {
    "prefer": mostly(["cheapest", "best", "fastest", "in_order"], ["cheap"]),
    "want": st.one_of(of_candidates, some(of_candidates)),
    "require": some(filters),
    "set": block(
        {},
        {"thinking": st.one_of(mostly(["off", "low", "medium", "high", "max"], ["x"]), counts), "max_tokens": counts},
    ),
    "else": models,
    "accept": accepts,
    "escalate": escalates,
    "run": block({}, runs),
}
deployments = block({"name": names}, {"key": keys, "region": names, "base_url": addresses, "weight": counts})
prices = st.one_of(
    st.just("free"),
    block({"input": moneys, "output": moneys}, {"cache_read": moneys, "cache_write": moneys}),
)
model_blocks = block(
    {"use": st.just("vllm/m"), "base_url": addresses, "price": prices},
    {
        "context": counts,
        "max_output": counts,
        "tools": flags,
        "images": flags,
        "documents": flags,
        "schema": flags,
        "balance": mostly(["weighted", "least_busy", "lowest_latency"], ["random", "least busy"]),
        "dialect": mostly(["openai-chat", "anthropic-messages"], ["x"]),
        "key": keys,
        "region": names,
        "deployments": st.lists(deployments, min_size=1, max_size=2),
    },
)
givens = block(
    {},
    {
        "prompt": mostly(["hi", "42", "true"], ["~"]),
        "meta": st.dictionaries(names, names, max_size=2),
        "now": mostly(["2026-01-05T12:00Z", "2026-01-05"], ["noon"]),
        "cooling": models,
        "without_key": models,
        "tokens": counts,
        "stream": flags,
        "difficulty": shares,
        "task": mostly(["code", "unknown", "math"], ["coding", "~"]),
        "language": names,
        "requested": names,
    },
)
known = st.just("anthropic/claude-haiku-5-5")
policies = block(
    {
        "turnout": mostly(["1"], ["2"]),
        "name": names,
        "models": st.fixed_dictionaries({"a": known, "b": known, "c": st.one_of(known, model_blocks)}),
        "otherwise": block({"from": models}, choice),
    },
    {
        "description": names,
        "pools": st.fixed_dictionaries({"ladder": models}),
        "facts": st.dictionaries(mostly(["heavy", "x1"], ["is", "tokens", "a.b"]), expressions, max_size=2),
        "require": some(filters),
        "unknown": mostly(["strongest", "skip"], ["weakest"]),
        "rules": some(block({"name": names, "when": expressions, "from": models}, choice)),
        "accept": accepts,
        "escalate": escalates,
        "run": block({}, {**runs, "retry_budget": shares}),
        "tests": some(block({"name": names, "given": givens, "expect": of_decisions})),
    },
)


def places(value: Any) -> list[Any]:
    """Every block and list of a tree, the tree itself first."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return [] if inner is None else [value, *(each for child in inner for each in places(child))]


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """A policy with one thing changed, taken away or put where it does not belong."""
    policy: dict[str, Any] = json.loads(json.dumps(draw(policies)))
    place = draw(st.sampled_from(places(policy)))
    other: Any = draw(st.sampled_from(["~", "x", "1", "true", [], {}, ["a"], {"from": "a"}, [["a"]]]))
    if isinstance(place, list):
        place.append(other)
    elif place and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(place)))
        place[key] = other
        if draw(st.booleans()):
            del place[key]
    else:
        place[draw(st.sampled_from(["prefers", "from", "name", "sticky_", "use", "x"]))] = other
    return policy


@given(policies)
def test_what_loads_is_valid(policy: dict[str, Any]) -> None:
    assert_agreement(yaml_of(policy))


@given(broken())
def test_what_the_loader_does_not_know_is_not_valid(policy: dict[str, Any]) -> None:
    assert_agreement(yaml_of(policy))


@given(st.data())
def test_an_unknown_key_is_refused_in_every_block(data: st.DataObject) -> None:
    """Blocks of the user's own names have no unknown keys; all others do."""
    policy: dict[str, Any] = json.loads(json.dumps(EVERYTHING))
    own = ("models", "pools", "facts", "meta", "arms", "budget")
    blocks = [each for each in places(policy) if isinstance(each, dict)]
    theirs = [id(each[name]) for each in blocks for name in own if name in each]
    # What a test says of a budget that does not exist is not looked at.
    theirs += [id(said) for each in blocks if "budget" in each for said in each["budget"].values()]
    place = data.draw(st.sampled_from([each for each in blocks if id(each) not in theirs]))
    place["no_such_key"] = "x"
    assert "unknown-key" in codes_of(json.dumps(policy))[1]
    assert not VALIDATOR.is_valid(policy)


def sample(schema: dict[str, Any]) -> Any:
    """A value with every key that a schema knows."""
    # An `anyOf` beside a type only says which keys are needed.
    if "anyOf" in schema and "type" not in schema:
        return sample(schema["anyOf"][-1])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object":
        if "properties" in schema:
            return {key: sample(inner) for key, inner in schema["properties"].items()}
        return {"own_name": sample(schema["additionalProperties"])}
    if kind == "array":
        return [sample(schema["items"])]
    return {"integer": 1, "number": 0.5, "boolean": True}.get(kind, "x")


EVERYTHING = sample(SCHEMA)


def test_every_key_of_the_schema_is_known_to_the_loader() -> None:
    assert len(places(EVERYTHING)) > 25
    text = json.dumps(EVERYTHING)
    assert codes_of(text)[1].isdisjoint({"unknown-key", "wrong-type"}), check_policy(text)[1]


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_the_wrong_policies_of_the_suite(path: Path) -> None:
    for case in json.loads(path.read_text(encoding="utf-8")):
        assert_agreement(case["policy"])


def test_units_and_words_are_checked_before_the_policy_is_saved() -> None:
    def is_valid(**changed: object) -> bool:
        small = {"turnout": 1, "name": "x", "models": {"a": "p/m"}, "otherwise": {"from": "a"}}
        return VALIDATOR.is_valid({**small, **changed})

    assert is_valid(run={"deadline": "40s", "spend": "$0.25", "retry_budget": "20%"})
    assert not is_valid(run={"deadline": 40})
    assert not is_valid(run={"spend": 0.25})
    assert not is_valid(run={"attempts": 21})
    assert not is_valid(otherwise={"from": "a", "prefer": "cheap"})
    assert not is_valid(otherwise={"from": []})
    assert not is_valid(models={"a": {"use": "p/m", "key": "sk-ant-123456789012"}})
    assert not is_valid(facts={"tokens": "true"})


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_policy_names_the_schema(name: str) -> None:
    """By a path that is there, in the repository and in the package alike."""
    for folder in (ROOT / "policies", shipped_policy(name).parent):
        text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
        first, _, _ = text.partition("\n")
        prefix, _, path = first.partition("=")
        assert prefix == "# yaml-language-server: $schema"
        assert json.loads((folder / path).read_text(encoding="utf-8")) == SCHEMA, (
            "run: turnout schema > policies/" + path
        )
        assert VALIDATOR.is_valid(value_of(text))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert turnout.load_policy(shipped_policy("balanced")).name == "balanced"
