"""The public surface is deliberate: a name comes or goes here first, with a changelog entry."""

import subprocess
import sys

import turnout

EXPORTS = [
    "BudgetError",
    "Catalog",
    "CatalogError",
    "CheckedAnswer",
    "Classification",
    "Decision",
    "DecisionError",
    "Engine",
    "ExpectedCost",
    "LedgerError",
    "Model",
    "Money",
    "MoneyError",
    "Policy",
    "PolicyError",
    "ProviderError",
    "QualityError",
    "QualityModel",
    "QualityReport",
    "RequestError",
    "Response",
    "Router",
    "State",
    "SyncRouter",
    "ThinkingFields",
    "TokenCount",
    "TurnoutError",
    "Usage",
    "UsageReport",
    "__version__",
    "classify",
    "cost",
    "count_tokens",
    "fit_quality",
    "load_catalog",
    "load_policy",
    "parse_policy",
    "read_usage",
    "shipped_policy",
    "thinking_fields",
]

# Nobody who only decides should pay for what only executes, serves or prints.
HEAVY = [
    "anthropic",
    "asyncio",
    "h11",
    "httpx2",
    "rich",
    "sqlite3",
    "typer",
    "turnout.cli",
    "turnout.lab",
    "turnout.server",
]


def test_all_is_the_list() -> None:
    assert sorted(turnout.__all__) == sorted(EXPORTS)


def test_every_export_exists_and_is_documented() -> None:
    assert EXPORTS
    for name in EXPORTS:
        export = getattr(turnout, name)
        assert name.startswith("__") or (export.__doc__ or "").strip(), f"turnout.{name} has no docstring"


def test_import_is_light() -> None:
    script = "import sys, turnout; print(*(name for name in sys.argv[1:] if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
