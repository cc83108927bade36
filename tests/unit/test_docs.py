"""The reference of the language names everything that the core knows."""

from pathlib import Path

from turnout import _core

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_every_fact_is_described() -> None:
    facts = [row[0] for row in _core.facts()]
    assert len(facts) > 20
    assert [name for name in facts if f"| `{name}` |" not in TEXT] == []


def test_every_finding_is_described() -> None:
    codes = list(_core.codes())
    assert len(codes) > 20
    assert [code for code in codes if f"| `{code}` |" not in TEXT] == []
