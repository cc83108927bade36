"""Load a policy: read the file, check everything, run the tests in it."""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from turnout import _core
from turnout.errors import Finding, PolicyError
from turnout.policy.rows import MAX_BYTES, YamlProblem, read_rows

__all__ = ["check_policy", "load_policy", "parse_policy", "read_policy"]

_DAY_S: Final = 86_400

# What the keys of providers look like: a finding shows its line, but never a key.
_KEY: Final = re.compile(r"\b(?:(?:sk|pk|gsk|xai|ghp|hf)[-_]|AIza|AKIA)[-_A-Za-z0-9]{12,}")


def _hidden(key: re.Match[str]) -> str:
    return "*" * len(key[0])


def load_policy(path: str | Path, *, run_tests: bool = True) -> _core.Policy:
    """Load a policy file, check it, and run the tests in it.

    Args:
        path: The YAML file.
        run_tests: Whether a failing test in the file keeps the policy from loading.

    Returns:
        The checked policy. Its warnings are in `policy.warnings`.

    Raises:
        PolicyError: With every finding, each with file, line, column, code and hint.

    Example:
        >>> import turnout
        >>> turnout.load_policy(turnout.shipped_policy("balanced")).name
        'balanced'
    """
    return parse_policy(read_policy(path), file=str(path), run_tests=run_tests)


def parse_policy(text: str, *, file: str = "<policy>", run_tests: bool = True) -> _core.Policy:
    """Check a policy given as text; otherwise as `load_policy`.

    Args:
        text: YAML.
        file: The name that findings show.
        run_tests: Whether a failing test keeps the policy from loading.

    Returns:
        The checked policy.

    Raises:
        PolicyError: With every finding.
    """
    policy, findings = check_policy(text, file=file, run_tests=run_tests)
    if policy is None:
        raise _refusal(file, findings)
    return policy


def check_policy(
    text: str, *, file: str = "<policy>", run_tests: bool = True
) -> tuple[_core.Policy | None, tuple[Finding, ...]]:
    """Check a policy and return what was found instead of raising it.

    Args:
        text: YAML.
        file: The name that findings show.
        run_tests: Whether to run the tests in the file; a failing one is a finding.

    Returns:
        The policy, or none when a finding is an error; and all findings, in the order of the file.
    """
    lines = text.split("\n")

    def finding(
        line: int, column: int, code: str, message: str, hint: str | None, severity: Literal["error", "warning"]
    ) -> Finding:
        source = _KEY.sub(_hidden, lines[line - 1].rstrip("\r")) if 0 < line <= len(lines) else None
        if source is not None and code == "secret-in-file":
            source = source[: column - 1] + "*" * len(source[column - 1 :])
        return Finding(file, line, column, code, message, hint, source, severity)

    try:
        rows = read_rows(text)
    except YamlProblem as problem:
        return None, (finding(problem.line, problem.column, problem.code, problem.message, problem.hint, "error"),)
    today = int(time.time()) // _DAY_S
    policy, raw = _core.compile_policy(rows, today)
    findings = [finding(*row) for row in raw]
    if policy is not None and run_tests:
        findings += [
            finding(
                failure.line,
                failure.column,
                "failing-test",
                f"test `{failure.name}` does not hold: `{failure.expected}` is {failure.held}",
                f"saw {failure.saw}",
                "error",
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
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # A pipe or a device may never end, and opening one may already wait.
            raise PolicyError("policy-unreadable", f"`{path}` is not a regular file", "name an existing file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _refusal(
                str(path), [Finding(str(path), 1, 1, "too-large", f"the file is larger than {MAX_BYTES} bytes")]
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        hint = "save the file as UTF-8"
        found = Finding(str(path), line, 1, "malformed-yaml", "the file is not UTF-8", hint)
        raise _refusal(str(path), [found]) from None
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise PolicyError("policy-unreadable", f"`{path}` cannot be read: {reason}", "name an existing file") from None


def _refusal(file: str, findings: Iterable[Finding]) -> PolicyError:
    findings = tuple(findings)
    errors = sum(found.severity == "error" for found in findings)
    plural = "" if errors == 1 else "s"
    return PolicyError("policy-refused", f"`{file}` has {errors} error{plural}", findings=findings)
