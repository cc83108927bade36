"""`turnout check`: every finding of every policy, with its place."""

from __future__ import annotations

import enum
from typing import Annotated

import typer
from rich.text import Text

from turnout.cli.inputs import policy_path
from turnout.cli.render import errors_console, output, print_json, printable, show_findings, ticks
from turnout.errors import Finding, PolicyError
from turnout.policy import check_policy, read_policy_text

__all__ = ["check"]


class Format(enum.StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    policies: Annotated[list[str], typer.Argument(metavar="POLICY...", help="Files, or names of shipped policies.")],
    form: Annotated[
        Format, typer.Option("--format", help="text for people, json for machines, github for annotations in CI.")
    ] = Format.TEXT,
    accept_failing_tests: Annotated[
        bool, typer.Option("--accept-failing-tests", help="Check everything but do not run the tests in the files.")
    ] = False,
) -> None:
    """Check policies: syntax, names, types, and the tests inside. All findings at once; exit code 1 if one is an error.

    [bold]Example:[/bold] turnout check policies/*.yaml --format github
    """
    results = [(name, *_checked(name, run_tests=not accept_failing_tests)) for name in policies]
    findings = [finding for _, _, found in results for finding in found]
    errors = sum(finding.severity == "error" for finding in findings)
    match form:
        case Format.JSON:
            print_json(
                {
                    "ok": errors == 0,
                    "errors": errors,
                    "warnings": len(findings) - errors,
                    "policies": [
                        {"file": name, "hash": hash_, "ok": hash_ is not None, "findings": [_row(each) for each in found]}
                        for name, hash_, found in results
                    ],
                }
            )
        case Format.GITHUB:
            for finding in findings:
                print(_annotation(finding))
        case Format.TEXT:
            console = output()
            show_findings(console, findings)
            for name, hash_, found in results:
                _verdict(name, hash_, found)
    if errors:
        raise typer.Exit(1)


def _checked(name: str, *, run_tests: bool) -> tuple[str | None, tuple[Finding, ...]]:
    """The policy's hash, none if it does not load; and what was found."""
    path = policy_path(name)
    try:
        policy, found = check_policy(read_policy_text(path), file=str(path), run_tests=run_tests)
    except PolicyError as error:
        place = error.findings or (Finding(str(path), 1, 1, error.code, error.message, error.hint),)
        return None, tuple(place)
    return policy.hash if policy else None, found
