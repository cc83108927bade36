"""The error tree: what it prints, that it crosses process borders, that codes are documented and raised."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnout.errors
from turnout.errors import (
    CODES,
    BudgetError,
    DecisionError,
    Finding,
    PolicyError,
    ProviderError,
    RateLimited,
    RequestError,
    TransportError,
    TurnoutError,
)

PACKAGE = Path(turnout.errors.__file__).parent
ALL = [
    kind
    for _, kind in inspect.getmembers(turnout.errors, inspect.isclass)
    if issubclass(kind, TurnoutError) and kind.__module__ == "turnout.errors"
]


def test_the_drawing_shows_every_class() -> None:
    drawn = set(re.findall(r"^    (?:[│ ├└─]*)(\w+)  ", turnout.errors.__doc__ or "", re.MULTILINE))
    assert drawn == {kind.__name__ for kind in ALL}
    assert {*drawn, "CODES", "Finding"} == set(turnout.errors.__all__)


def test_an_error_prints_code_message_and_hint() -> None:
    assert str(TurnoutError("some-code", "it broke", "mend it")) == "some-code: it broke\n  hint: mend it"
    assert str(BudgetError("spent", "nothing is left")) == "spent: nothing is left"
    error = DecisionError("no-eligible-model", "no model may answer", reasons=[("a", "no tools"), ("b", "too dear")])
    assert str(error) == "no-eligible-model: no model may answer\n  a: no tools\n  b: too dear"
    assert RequestError("bad", "bad", offset=7).offset == 7


def test_a_finding_points_at_its_place() -> None:
    finding = Finding("p.yaml", 12, 7, "unknown-key", "`taks` is not a key", "did you mean `task`?", "    - taks: code")
    assert str(finding) == (
        "p.yaml:12:7: unknown-key: `taks` is not a key\n"
        "   12 |     - taks: code\n"
        "      |       ^\n"
        "  hint: did you mean `task`?"
    )


def test_a_policy_error_prints_all_findings() -> None:
    findings = [Finding("p.yaml", 1, 1, "a", "one"), Finding("p.yaml", 2, 1, "b", "two", severity="warning")]
    error = PolicyError("policy-invalid", "2 findings", findings=findings)
    assert str(error) == "p.yaml:1:1: a: one\np.yaml:2:1: b: two [warning]"
    assert str(PolicyError("policy-missing", "no such file")) == "policy-missing: no such file"


@pytest.mark.parametrize(
    ("source", "column", "caret_under"),
    [
        ("\tkey: x", 2, "k"),
        ("日本: y", 5, "y"),
        ("e\u0301: z", 5, "z"),
        ("a: " + "b" * 500 + "!" + "c" * 500, 504, "!"),
    ],
)
def test_the_caret_stands_under_its_character(source: str, column: int, caret_under: str) -> None:
    import unicodedata

    _, shown, caret = str(Finding("f", 1, column, "c", "m", source_line=source)).split("\n")
    width = caret.index("^")
    cells = 0
    for char in shown:
        if cells >= width and not unicodedata.combining(char):
            break
        cells += 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
    assert cells == width
    assert char == caret_under
    assert len(shown) < 150


@given(st.text(max_size=300), st.integers(-5, 400))
def test_no_control_character_of_a_policy_reaches_the_terminal(source: str, column: int) -> None:
    printed = str(Finding("f", 1, column, "c", "m", source_line=source))
    assert printed.count("\n") == 2
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", printed)


@pytest.mark.parametrize("kind", ALL)
def test_errors_survive_pickling_and_copying(kind: type[TurnoutError]) -> None:
    error = kind("code", "message", "hint", host="h") if kind is TransportError else kind("code", "message", "hint")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert twin.__dict__ == error.__dict__
        assert twin.args == error.args


def test_provider_errors_carry_their_facts() -> None:
    error = RateLimited(
        "rate-limited", "slow down", deployment="a@us", outcome="rate_limited", status=429, retry_after_ms=9
    )
    assert (error.deployment, error.outcome, error.status, error.retry_after_ms) == ("a@us", "rate_limited", 429, 9)
    assert isinstance(error, ProviderError)


def raised_codes(folders: tuple[str, ...]) -> set[str]:
    """Finds the codes in calls of error classes: the first argument, where it is a plain string."""
    names = {kind.__name__ for kind in ALL}
    found = set()
    for folder in folders:
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                    continue
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                is_parent = called == "__init__"
                if (called in names or is_parent) and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return found


def test_every_code_of_these_rooms_is_documented_and_raised() -> None:
    found = raised_codes(("lab", "ledger", "providers"))
    assert len(found) > 15, "the search found nothing to check"
    assert found <= set(CODES)
    documented = {code for code in CODES if code.split("-")[0] in ("lab", "ledger", "secret", "transport")}
    assert documented <= found
    assert all(
        text == text.lower() or "HTTP" in text or "SQL" in text or "TLS" in text or "Turnout" in text
        for text in CODES.values()
    )
    assert not any(text.endswith(".") for text in CODES.values())
