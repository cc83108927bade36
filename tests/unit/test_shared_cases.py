"""The cases that Rust runs too: wrong policies with their findings, decisions, and requests with their bodies.

`tests/cases/README.md` says what a case holds. The printed findings of every wrong policy are kept as text in
`tests/cases/policy/snapshots`; `UPDATE_SNAPSHOTS=1` writes them anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from scripts.rows_of_cases import rows as rows_of

import turnout
from turnout import _core
from turnout.errors import Finding
from turnout.policy import check_policy, parse_policy

CASES = Path(__file__).parents[1] / "cases"
SNAPSHOTS = CASES / "policy" / "snapshots"


def cases(folder: str) -> list[dict[str, Any]]:
    found = []
    for path in sorted((CASES / folder).glob("*.json")):
        found += json.loads(path.read_text(encoding="utf-8"))
    return found


WRONG = cases("policy")
DECIDED = [(case, call) for case in cases("decide") for call in case["calls"]]


def test_there_are_cases() -> None:
    assert len({case["name"] for case in WRONG}) == len(WRONG) >= 60
    assert len({(case["name"], call["name"]) for case, call in DECIDED}) == len(DECIDED) >= 30


@pytest.mark.parametrize("case", [*WRONG, *cases("decide")], ids=lambda case: case["name"])
def test_the_rows_are_what_the_loader_makes(case: dict[str, Any]) -> None:
    assert rows_of(case["policy"]) == case["rows"], "run scripts/rows_of_cases.py"


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case["name"])
def test_a_wrong_policy_is_found_out(case: dict[str, Any]) -> None:
    policy, findings = check_policy(case["policy"], file="policy.yaml")
    # What is only doubtful loads.
    is_refused = any(found.severity == "error" for found in findings)
    assert (policy is None) == is_refused
    assert findings
    assert [[found.line, found.column, found.code] for found in findings] == case["findings"]
    lines = case["policy"].split("\n")
    for found in findings:
        assert found.code in _core.codes()
        assert 1 <= found.line <= len(lines)
        assert 1 <= found.column <= len(lines[found.line - 1]) + 1
    if not is_refused:
        assert parse_policy(case["policy"]).hash
        return
    with pytest.raises(turnout.PolicyError) as refused:
        parse_policy(case["policy"])
    assert [found.code for found in refused.value.findings] == [found.code for found in findings]


def test_most_codes_have_a_case() -> None:
    codes = {code for case in WRONG for _, _, code in case["findings"]}
    # A model that is retired within a month depends on the day; size has tests of its own.
    assert set(_core.codes()) - codes <= {"retiring-model", "too-large"}


@pytest.mark.parametrize(("case", "call"), DECIDED, ids=[f"{case['name']}: {call['name']}" for case, call in DECIDED])
def test_a_decision(case: dict[str, Any], call: dict[str, Any]) -> None:
    engine = turnout.Engine(parse_policy(case["policy"]), environ=dict.fromkeys(call["env"], "x"))
    state = _core.State()
    now = call["now_ms"] / 1000
    for deployment in call["cooling"]:
        state.attempt_ended(deployment, "-", "-", "not_found", now=now)
    decision = engine.decide(call["request"], call["meta"], now=now, seed=call["seed"], state=state, refused_ok=True)
    said: Any = decision.to_dict()
    order = sorted((row["place"], row["deployment"]) for row in said["candidates"] if "place" in row)
    rejected = {row["deployment"]: row["code"] for row in said["candidates"] if row["status"] == "rejected"}
    seen = {
        "rule": said["rule"],
        "order": [deployment for _, deployment in order],
        "rejected": rejected,
        "relaxed": said["relaxed"],
    }
    assert seen == call["expect"], decision.explain()


def snapshot_name(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") + ".txt"


def shown(finding: Finding) -> str:
    source = finding.source_line or ""
    text = f"{finding.file}:{finding.line}:{finding.column}: {finding.severity} {finding.code}: {finding.message}\n"
    text += f"    {source}\n    {' ' * (finding.column - 1)}^\n"
    return text + (f"    {finding.hint}\n" if finding.hint else "")


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case["name"])
def test_printed_findings(case: dict[str, Any]) -> None:
    _, findings = check_policy(case["policy"], file="policy.yaml")
    text = case["policy"] + "\n----\n" + "".join(map(shown, findings))
    path = SNAPSHOTS / snapshot_name(case["name"])
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_snapshot_has_a_case() -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {snapshot_name(case["name"]) for case in WRONG}
    assert len(WRONG) >= 100


def test_a_key_is_never_shown() -> None:
    (case,) = (case for case in WRONG if case["name"] == "a key in the file")
    _, findings = check_policy(case["policy"])
    assert findings
    assert "sk-ant" not in "".join(map(shown, findings)) + repr(findings)
    text = case["policy"].replace("key:", "api_key:")
    _, findings = check_policy(text)
    assert [found.code for found in findings] == ["unknown-key", "secret-in-file"]
    assert "sk-ant" not in "".join(map(shown, findings))
    assert "sk-ant" not in repr(findings)


ENGINE = turnout.Engine(
    parse_policy(
        "turnout: 1\nname: wire\nmodels:\n  m: { use: vllm/m, base_url: 'http://127.0.0.1:1', price: free,"
        " context: 100M, tools: true, images: true, documents: true, schema: true }\notherwise: { from: m }\n"
    )
)


@pytest.mark.parametrize("case", [case for case in cases("wire") if "error" in case], ids=lambda case: case["name"])
def test_a_request_that_cannot_be_read(case: dict[str, Any]) -> None:
    text = case["body_text"] if "body_text" in case else json.dumps(case["body"], ensure_ascii=False)
    with pytest.raises(turnout.RequestError) as refused:
        ENGINE.decide(text.encode("utf-8", "surrogatepass"), dialect=case.get("dialect"), refused_ok=True)
    assert refused.value.code == case["error"]


@pytest.mark.parametrize("case", [case for case in cases("wire") if "expect" in case], ids=lambda case: case["name"])
def test_a_request_that_can_be_read(case: dict[str, Any]) -> None:
    text = case["body_text"] if "body_text" in case else json.dumps(case["body"], ensure_ascii=False)
    decision = ENGINE.decide(text.encode("utf-8", "surrogatepass"), dialect=case.get("dialect"), refused_ok=True)
    expect = case["expect"]
    said: Any = decision.to_dict()
    facts = said["facts"]
    for field, fact in {"max_tokens": "max_tokens", "stream": "stream", "model": "requested"}.items():
        if field in expect:
            assert facts[fact] == expect[field], field
    if "turns" in expect:
        assert facts["turns"] == len(expect["turns"])
    if "tools" in expect:
        assert facts["tools"] == len(expect["tools"])
