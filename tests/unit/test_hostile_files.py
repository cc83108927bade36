"""Hostile policies are refused by a bound that is checked before the work, not by patience.

What they cost in milliseconds and megabytes is measured by `benches/hostile.py`; here every case of it is refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from benches import hostile

from turnout.policy import check_policy
from turnout.source import YamlProblem, read_rows
from turnout.source.rows import MAX_VALUES


@pytest.mark.parametrize("name", list(hostile.TEXTS))
def test_a_hostile_text_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(hostile.TEXTS[name](), encoding="utf-8")
    assert hostile.refused(path)


@pytest.mark.parametrize("name", list(hostile.BYTES))
def test_hostile_bytes_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(hostile.BYTES[name]())
    assert hostile.refused(path)


@pytest.mark.parametrize("name", list(hostile.FILES))
def test_what_is_no_policy_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    hostile.FILES[name](path)
    assert hostile.refused(path)


def test_a_file_has_a_bound_of_values() -> None:
    lists = ["[" + "a, " * 1000 + "]" for _ in range(MAX_VALUES // 1000 + 1)]
    with pytest.raises(YamlProblem, match="more than 8000 values"):
        read_rows("\n".join(f"k{index}: {each}" for index, each in enumerate(lists)))


def test_very_many_findings_are_a_thousand_and_long_lines_are_not_shown() -> None:
    _, findings = check_policy(hostile.TEXTS["4,000 unknown keys"]())
    assert len(findings) == 1000
    _, findings = check_policy(hostile.HEAD + "x: [" + "a, " * 1000 + "]\n" + hostile.TAIL)
    assert [found.source_line for found in findings if found.code == "unknown-key"] == [None]


def test_patterns_have_a_bound_together_and_what_fits_it_loads() -> None:
    few = hostile.rules(200, lambda index: f'matches(prompt, "refund{index}|invoice{index}")')
    assert not [found for found in check_policy(few)[1] if found.severity == "error"]
    many = hostile.rules(8, lambda index: f'matches(prompt, "x{index}[a-z]{{2000}}[0-9]{{2000}}")')
    codes = [found.code for found in check_policy(many)[1] if found.severity == "error"]
    assert codes == ["too-large"] * 6
