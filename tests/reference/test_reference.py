"""The core decides as the reference model does: every decision, byte for byte.

`make test` decides 10,000 generated cases, always the same; `make prove` runs `tests/reference/prove.py`. A mismatch
is one of the
core or of the model: `docs/policy.md` says which. A test breaks it with a case on which the two differ.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.reference import cases, expressions
from tests.reference.blake3 import blake3
from tests.reference.compare import mismatches
from tests.reference.expressions import MUTATIONS, exactly
from tests.reference.facts import Call, Measured
from tests.reference.measure import Both, Refused, World

import turnout

CASES = int(os.environ.get("REFERENCE_CASES", "10000"))
REQUESTS = 40
# About one policy in twelve is refused: a rule that is never reached, a price that must be known.
WORLDS = -(-CASES // REQUESTS) * 11 // 9
TALLY = {"cases": 0, "refused": 0}


@settings(max_examples=WORLDS, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases.cases(REQUESTS))
def compared(case: tuple[World, list[Call]]) -> None:
    world, asked = case
    try:
        for mismatch in mismatches(world, asked):
            TALLY["cases"] += 1
            assert mismatch is None, mismatch
    except Refused:
        TALLY["refused"] += 1


def test_both_decide_the_same() -> None:
    TALLY.update(cases=0, refused=0)
    compared()
    assert TALLY["cases"] >= CASES
    assert TALLY["refused"] * 5 < WORLDS


MODELS = "turnout: 1\nname: made\nmodels: { own: { use: ollama/own, price: free } }\n"
ASK = "hi there, prove that there are infinitely many primes"  # 14 to 29 tokens, by count 16 or 17


def said_of(rules: str, facts: str, meta: dict[str, str | int]) -> dict[str, Any]:
    text = f"{MODELS}facts: {{ {facts} }}\nrules:\n{rules}\notherwise: {{ from: own }}\n"
    decided = turnout.Engine(turnout.parse_policy(text), environ={}).decide(ASK, meta, now=0, seed=0)
    said: dict[str, Any] = json.loads(decided.to_json())
    return said


def test_a_condition_has_one_value_wherever_it_stands() -> None:
    # Found by the comparison: a count that a rule above had made was used below, where the estimate had sufficed.
    counts, knows = (
        "- { name: counts, when: tokens > 20, from: own }",
        "- { name: knows, when: long is known, from: own }",
    )
    alone = said_of(knows, "long: tokens > 20", {})
    behind = said_of(f"{counts}\n{knows}", "long: tokens > 20", {})
    assert alone["rules"][0] == behind["rules"][1]
    assert behind["facts"]["tokens"] == 17


def test_a_number_of_the_caller_stays_one_in_the_record() -> None:
    # Found by the comparison: it was shown as a text where the policy expects one.
    said = said_of('- { name: r, when: team == "core", from: own }', 'team: meta.team ?? "none"', {"team": 4})
    assert said["facts"]["team"] == said["facts"]["meta.team"] == 4


# One deliberate error each, switched by name where the rule stands. What they break is what the comparison guards.
ERRORS = (
    *("and-ignores-doubt", "range-holds-its-end", "range-never-wraps", "never-counts", "doubt-stays-down"),
    *("gives-up-from-the-left", "cooling-is-ignored", "cheapest-by-p90", "unknown-when-passes", "ranks-by-file"),
    *("no-tiers", "no-windows", "stronger-is-worse", "arms-by-place", "sessions-never-end", "new-rules-behind"),
)


Recorded = list[tuple[Both, list[tuple[Call, Measured, str]]]]


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    """2,000 cases with what the core decides and what was measured for it."""
    random, found, count = Random(2026), [], 0
    while count < 2000:
        world = cases.world(random.randint)
        try:
            both = Both(world)
        except Refused:
            continue
        rows = []
        for _ in range(10):
            call = cases.request(random.randint, world)
            rows.append((call, both.measured(call), both.by_core(call)))
        count += len(rows)
        found.append((both, rows))
    return found


def decided_otherwise(recorded: Recorded) -> bool:
    for both, rows in recorded:
        both.policy = both.read()
        if any(both.by_reference(call, measured) != core for call, measured, core in rows):
            return True
    return False


def test_without_an_error_nothing_differs(recorded) -> None:
    assert not decided_otherwise(recorded)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_noticed(error: str, recorded) -> None:
    MUTATIONS.add(error)
    try:
        assert decided_otherwise(recorded)
    finally:
        MUTATIONS.clear()


def test_every_error_stands_in_the_model() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(Path(__file__).parent.glob("*.py"))
        if not path.name.startswith("test_")
    )
    assert all(sources.count(json.dumps(error)) == 1 for error in ERRORS)
    assert sources.count("in MUTATIONS") == len(ERRORS)


def test_the_hash_is_that_of_its_paper() -> None:
    # The vectors of the reference implementation: bytes that count up to 250, again and again.
    for length, begins in (
        (0, "af1349b9f5f9a1a6"),
        (1, "2d3adedff11b61f1"),
        (64, "4eed7141ea4a5cd4"),
        (1024, "42214739f095a406"),
    ):
        assert blake3(bytes(place % 251 for place in range(length))).hex().startswith(begins)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1k == 1000 and 95% < 1 and 1.5s == 1500ms", True),
        ("not false or false and false", True),
        ("(unknown and true) is known", False),
        ("unknown and false", False),
        ("unknown or true", True),
        ("not unknown", None),
        ("unknown ?? 5 in 5..6", True),
        ("6 in 5..6", False),
        ("23:00 in 22:00..06:00 UTC", True),
        ("12:00 in 22:00..06:00", False),
        ("about > 9", True),
        ("about > 15", None),
        ("about == 10", None),
        ("about is known", True),
        ("about in 10..21", True),
        ('name in ["a", "b"] and name != "c"', True),
        ('name == 1 or name in ["x", unknown]', None),
        ("$0.50 == $0.5 and 2026-01-05 < 2026-01-06", True),
    ],
)
def test_the_model_reads_the_language(text: str, value: bool | None) -> None:
    known = {"name": "a", "about": expressions.Interval(exactly(10).low, exactly(20).low), "unknown": None}
    tree = expressions.parse(text)
    assert expressions.evaluate(tree, known.__getitem__, lambda _: None) is value
