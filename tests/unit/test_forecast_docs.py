"""The page about the forecast says what stands beside the shipped table."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "forecast.md").read_text(encoding="utf-8")
TABLE = (ROOT / "rust" / "core" / "src" / "decide" / "forecast_table.rs").read_text(encoding="utf-8")


def constant(name: str) -> int:
    found = re.search(rf"^    {name}: ([\d_]+),$", TABLE, re.MULTILINE)
    assert found is not None, name
    return int(found[1])


def test_the_page_states_the_measured_error() -> None:
    assert f"{constant('calls'):,} recorded calls" in PAGE
    assert f"| p50 covers | {constant('p50_covers_per_mille') / 10:.1f}% |" in PAGE
    assert f"| p90 covers | {constant('p90_covers_per_mille') / 10:.1f}% |" in PAGE
    assert f"code base fitted on | {constant('p90_covers_elsewhere_per_mille') / 10:.1f}% |" in PAGE
    assert f"factor of p50 | {constant('median_factor_per_mille') / 1000:.3f} |" in PAGE


def test_the_p90_covers_about_nine_of_ten() -> None:
    assert 880 <= constant("p90_covers_per_mille") <= 920
    assert 450 <= constant("p50_covers_per_mille") <= 550
