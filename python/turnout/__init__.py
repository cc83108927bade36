"""Turnout sends each prompt to the cheapest model that will answer it well, and has a plan for when that model fails.

A YAML policy says which models may answer what; a Rust core decides in microseconds; a thin Python layer executes the
plan with fallbacks. Importing this package reads no file and touches no network; what executes calls is imported when
it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout._core import (
    Catalog,
    Classification,
    Decision,
    Engine,
    ExpectedCost,
    Model,
    Money,
    Policy,
    State,
    ThinkingFields,
    TokenCount,
    Usage,
    UsageReport,
    __version__,
    classify,
    count_tokens,
    read_usage,
    thinking_fields,
)
from turnout.catalog import cost, load_catalog
from turnout.errors import (
    BudgetError,
    CatalogError,
    DecisionError,
    LedgerError,
    MoneyError,
    PolicyError,
    ProviderError,
    QualityError,
    RequestError,
    TurnoutError,
)
from turnout.policy import load_policy, parse_policy, shipped_policy
from turnout.quality import QualityModel, QualityReport, fit_quality

if TYPE_CHECKING:
    from turnout.execute import CheckedAnswer, Response, Router, SyncRouter

__all__ = [
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

_LATE = {"CheckedAnswer", "Response", "Router", "SyncRouter"}


def __getattr__(name: str) -> object:
    # Who only decides does not pay for what executes (sqlite3, asyncio, an HTTP library).
    if name in _LATE:
        from turnout import execute

        return getattr(execute, name)
    raise AttributeError(f"module 'turnout' has no attribute {name!r}")
