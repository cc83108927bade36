"""The reference of the language names everything that the core knows."""

import re
from pathlib import Path

import pytest

from turnout import _core
from turnout.catalog.layer import with_override
from turnout.catalog.override import parse_override
from turnout.cli import catalog_check
from turnout.cli.catalog import catalog
from turnout.errors import CatalogError

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_every_fact_is_described() -> None:
    facts = [row[0] for row in _core.facts()]
    assert len(facts) > 20
    assert [name for name in facts if f"| `{name}` |" not in TEXT] == []


def test_every_finding_is_described() -> None:
    codes = list(_core.codes())
    assert len(codes) > 20
    assert [code for code in codes if f"| `{code}` |" not in TEXT] == []


CATALOG = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")


def test_the_python_of_the_catalogue_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    bodies = re.findall(r"^```python\n(.*?)^```$", CATALOG, re.MULTILINE | re.DOTALL)
    assert bodies
    for body in bodies:
        exec(compile(body, "docs/catalog.md", "exec"), {})


def test_the_shown_mistake_is_what_is_printed() -> None:
    shown = re.search(r"^```\n(prices\.yaml:.*?)^```$", CATALOG, re.MULTILINE | re.DOTALL)
    assert shown
    text = "turnout-catalog: 1\nmodels:\n  openai/gpt-6-sol:\n    price: { in: cheap, out: 8 }\n"
    with pytest.raises(CatalogError) as refused:
        with_override(_core.Catalog.bundled(), parse_override(text, file="prices.yaml"))
    assert str(refused.value).splitlines() == [line.rstrip() for line in shown[1].splitlines()]


def test_every_command_and_problem_of_the_catalogue_is_described() -> None:
    commands = [
        command.name or command.callback.__name__ for command in catalog.registered_commands if command.callback
    ]
    assert len(commands) == 5
    assert [name for name in commands if f"`turnout catalog {name}" not in CATALOG] == []
    source = (Path(catalog_check.__file__)).read_text(encoding="utf-8")
    codes = set(re.findall(r'yield \(?\s*"([a-z-]+)"', source)) | {"catalog-old", "unknown-model"}
    assert len(codes) == 8
    assert [code for code in codes if f"`{code}`" not in CATALOG] == []


def test_the_python_of_records_and_batches_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reload.md").read_text(encoding="utf-8")
    bodies = [
        body for body in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "import" in body
    ]
    assert len(bodies) == 2
    for body in bodies:
        exec(compile(body, "docs/reload.md", "exec"), {})


def test_every_refusal_of_a_record_is_described() -> None:
    root = Path(__file__).parents[2]
    text = (root / "docs" / "reload.md").read_text(encoding="utf-8")
    sources = [root / "rust" / "core" / "src" / "decide" / "recorded.rs", root / "rust" / "py" / "src" / "plan.rs"]
    codes = {code for path in sources for code in re.findall(r'"(record-[a-z-]+)"', path.read_text(encoding="utf-8"))}
    assert len(codes) == 5
    assert [code for code in codes if f"| `{code}` |" not in text] == []
