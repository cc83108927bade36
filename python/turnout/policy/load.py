"""Load a policy: read the file, check everything, run the tests in it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from turnout import _core
from turnout.catalog import catalog_of
from turnout.errors import Finding, PolicyError
from turnout.policy.extends import Refused, read_files
from turnout.policy.zones import zones_of
from turnout.source import Unreadable, read_text

__all__ = ["check_policy", "load_policy", "parse_policy", "policy_files", "read_policy"]

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
    text = read_policy(path)
    return parse_policy(text, file=str(path), catalog=catalog, run_tests=run_tests, folder=Path(path).parent)


def parse_policy(
    text: str,
    *,
    file: str = "<policy>",
    catalog: _core.Catalog | str | Path | None = None,
    run_tests: bool = True,
    folder: str | Path | None = None,
) -> _core.Policy:
    """Check a policy given as text; otherwise as `load_policy`.

    Args:
        text: YAML.
        file: The name that findings show.
        catalog: As for `load_policy`.
        run_tests: Whether a failing test keeps the policy from loading.
        folder: Where the file that `extends` names lies, or in a folder below; None refuses `extends`.

    Returns:
        The checked policy.

    Raises:
        PolicyError: With every finding.
    """
    policy, findings = check_policy(text, file=file, catalog=catalog, run_tests=run_tests, folder=folder)
    if policy is None:
        raise _refusal(file, findings)
    return policy


def check_policy(
    text: str,
    *,
    file: str = "<policy>",
    catalog: _core.Catalog | str | Path | None = None,
    run_tests: bool = True,
    folder: str | Path | None = None,
) -> tuple[_core.Policy | None, tuple[Finding, ...]]:
    """Check a policy and return what was found instead of raising it.

    Args:
        text: YAML.
        file: The name that findings show.
        catalog: As for `load_policy`.
        run_tests: Whether to run the tests in the file; a failing one is a finding.
        folder: Where the file that `extends` names lies, or in a folder below; None refuses `extends`.

    Returns:
        The policy, or none when a finding is an error; and all findings, in the order of the files: the policy's
        own, then those that it extends.

    Raises:
        CatalogError: The catalogue does not load.
    """
    try:
        own, *bases = files = read_files(text, file, None if folder is None else Path(folder))
    except Refused as refused:
        return None, (refused.finding,)
    today = int(time.time()) // _DAY_S
    zones = zones_of(each.rows for each in files)
    policy, raw = _core.compile_policy(own.rows, today, catalog_of(catalog), [base.rows for base in bases], zones)
    findings = [files[row[-1]].lines.finding(*row[:-1]) for row in raw]
    if policy is not None and run_tests:
        findings += [
            files[failure.file].lines.finding(
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


def policy_files(path: str | Path) -> tuple[Path, ...]:
    """The files of a policy: its own, and those that it extends. A change in any of them changes the policy.

    Args:
        path: The policy's own file.

    Returns:
        Its own file first; only that one while what it extends cannot be read.

    Raises:
        PolicyError: The policy's own file cannot be read.
    """
    own = Path(path)
    text = read_policy(own)
    if "extends" not in text:  # who watches asks often
        return (own,)
    try:
        files = read_files(text, str(own), own.parent)
    except Refused:
        return (own,)
    return own, *(file.path for file in files if file.path is not None)


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
