"""The page of findings: every code has its section, each wrong example gives that finding and the mended one none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from turnout import _core
from turnout.cli.check import check
from turnout.policy import check_policy

PAGE = Path(__file__).parents[2] / "docs" / "diagnostics.md"
# 2026-11-22: models retire, and examples of models that do are about a day.
_TODAY_S = 20_779 * 86_400

_SECTION = re.compile(r"^### ([a-z-]+)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)

TEXT = PAGE.read_text(encoding="utf-8")
BEGINNING = _YAML.findall(TEXT.split("\n## ")[0])[0]
SECTIONS = dict(_SECTION.findall(TEXT))


def test_every_code_has_its_section() -> None:
    assert len(SECTIONS) > 30
    assert sorted(SECTIONS) == sorted(_core.codes())


@pytest.fixture(autouse=True)
def a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: _TODAY_S)


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_examples_are_what_the_page_says(code: str, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BEGINNING, encoding="utf-8")
    wrong, mended = (
        example if example.startswith("turnout:") else BEGINNING + example for example in _YAML.findall(SECTIONS[code])
    )
    severity = re.search(r"\*\*(Error|Warning)\.\*\*", SECTIONS[code])
    assert severity
    _, found = check_policy(wrong, folder=tmp_path)
    assert [(each.code, each.severity) for each in found] == [(code, severity[1].lower())], found
    policy, found = check_policy(mended, folder=tmp_path)
    assert not found
    assert policy is not None


def test_the_command_names_the_section(capsys: pytest.CaptureFixture[str]) -> None:
    check(policies=None, explain="never-true")
    assert "docs/diagnostics.md#never-true" in capsys.readouterr().out
    with pytest.raises(typer.BadParameter, match="did you mean `never-true`"):
        check(policies=None, explain="nevr-true")
    with pytest.raises(typer.BadParameter, match="name a policy"):
        check(policies=None)
