"""Prices have days: a policy that asks about money says so when the last of them is over."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

import turnout
from turnout.policy import check_policy

OVERRIDE = """\
turnout-catalog: 1
models:
  vllm/private:
    context: 100000
    prices:
      - { in: 1, out: 2, until: 2026-11-01 }
"""
POLICY = """\
turnout: 1
name: mine
models: { own: vllm/private, haiku: anthropic/claude-haiku-5-5 }
otherwise: { from: [own, haiku], prefer: PREFER }
"""


@pytest.mark.parametrize(
    ("day", "prefer", "codes"),
    [
        ("2026-10-31", "cheapest", []),
        ("2026-11-01", "cheapest", ["unknown-price"]),
        ("2026-11-01", "in_order", []),
    ],
)
def test_a_price_whose_days_are_over(
    day: str, prefer: str, codes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: datetime.fromisoformat(f"{day}T12:00+00:00").timestamp())
    path = tmp_path / "catalog.yaml"
    path.write_text(OVERRIDE, encoding="utf-8")
    policy, found = check_policy(POLICY.replace("PREFER", prefer), catalog=turnout.load_catalog(path))
    assert [(each.code, each.severity) for each in found] == [(code, "warning") for code in codes]
    assert policy is not None
    if codes:
        assert "the price on 2026-11-01 is not known" in found[0].message
