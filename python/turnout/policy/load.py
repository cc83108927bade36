"""Load a policy: read the file, check everything, run the tests in it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from turnout import _core
from turnout.catalog import catalog_of
from turnout.errors import Finding, PolicyError
from turnout.source import Lines, Unreadable, YamlProblem, read_rows, read_text

__all__ = ["check_policy", "load_policy", "parse_policy", "read_policy"]

_DAY_S: Final = 86_400


def load_policy(
    path: str | Path, *, catalog: _core.Catalog | str | Path | None = None, run_tests: bool = True
) -> _core.Policy:
    """Load a policy file, check it, and run the tests in it.

    Args:
        path: The YAML file.
        catalog: Where its models are looked up: a catalogue, the path of an override file, or None for the default
            (what `TURNOUT_CATALOG` names, above an accepted refresh, above what ships).
        run_tests: Whether a failing test in the file keeps the policy from loading.

    Returns:
        The checked policy. Its warnings are in `policy.warnings`.

    Raises:
        PolicyError: With every finding, each with file, line, column, code and hint.
        CatalogError: The catalogue does not load.

    Example:
        >>> import turnout
        >>> turnout.load_policy(turnout.shipped_policy("balanced")).name
        'balanced'
    """
    return parse_policy(read_policy(path), file=str(path), catalog=catalog, run_tests=run_tests)


def parse_policy(
    text: str,
    *,
    file: str = "<policy>",
    catalog: _core.Catalog | str | Path | None = None,
    run_tests: bool = True,
) -> _core.Policy:
    """Check a policy given as text; otherwise as `load_policy`.

    Args:
        text: YAML.
        file: The name that findings show.
        catalog: As for `load_policy`.
        run_tests: Whether a failing test keeps the policy from loading.

    Returns:
        The checked policy.

    Raises:
        PolicyError: With every finding.
    """
    policy, findings = check_policy(text, file=file, catalog=catalog, run_tests=run_tests)
    if policy is None:
        raise _refusal(file, findings)
    return policy


def check_policy(
    text: str,
    *,
    file: str = "<policy>",
    catalog: _core.Catalog | str | Path | None = None,
    run_tests: bool = True,
) -> tuple[_core.Policy | None, tuple[Finding, ...]]:
    """Check a policy and return what was found instead of raising it.

    Args:
        text: YAML.
        file: The name that findings show.
        catalog: As for `load_policy`.
        run_tests: Whether to run the tests in the file; a failing one is a finding.

    Returns:
        The policy, or none when a finding is an error; and all findings, in the order of the file.

    Raises:
        CatalogError: The catalogue does not load.
    """
    finding = Lines(file, text).finding
    try:
        rows = read_rows(text)
    except YamlProblem as problem:
        return None, (finding(problem.line, problem.column, problem.code, problem.message, problem.hint),)
    today = int(time.time()) // _DAY_S
    policy, raw = _core.compile_policy(rows, today, catalog_of(catalog))
    findings = [finding(*row) for row in raw]
    if policy is not None and run_tests:
        findings += [
            finding(
                failure.line,
                failure.column,
                "failing-test",
                f"test `{failure.name}` does not hold: `{failure.expected}` is {failure.held}",
                f"saw {failure.saw}",
            )
            for failure in policy.run_tests()
        ]
    if any(found.severity == "error" for found in findings):
        policy = None
    return policy, tuple(findings)


def read_policy(path: str | Path) -> str:
    """Read the text of a policy file.

    Args:
        path: The YAML file.

    Returns:
        Its text, without a byte order mark.

    Raises:
        PolicyError: The file is not there, not readable, too large, or not UTF-8.
    """
    try:
        return read_text(Path(path))
    except Unreadable as problem:
        if problem.finding is not None:
            raise _refusal(str(path), [problem.finding]) from None
        raise PolicyError("policy-unreadable", problem.message, problem.hint) from None


def _refusal(file: str, findings: Iterable[Finding]) -> PolicyError:
    findings = tuple(findings)
    errors = sum(found.severity == "error" for found in findings)
    plural = "" if errors == 1 else "s"
    return PolicyError("policy-refused", f"`{file}` has {errors} error{plural}", findings=findings)
