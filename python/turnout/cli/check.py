"""`turnout check`: every finding of every policy, with its place."""

from __future__ import annotations

import difflib
import enum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from turnout import Catalog, _core
from turnout.catalog import catalog_of
from turnout.cli.inputs import CatalogOption, policy_path
from turnout.cli.render import output, print_json, printable, show_findings, ticks
from turnout.errors import Finding, PolicyError
from turnout.policy import check_policy, read_policy

__all__ = ["Format", "annotation", "check", "finding_row"]


class Format(enum.StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    policies: Annotated[
        list[str] | None, typer.Argument(metavar="POLICY...", help="Files, or names of shipped policies.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="text for people, json for machines, github for annotations in CI.")
    ] = Format.TEXT,
    accept_failing_tests: Annotated[
        bool, typer.Option("--accept-failing-tests", help="Check everything but do not run the tests in the files.")
    ] = False,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="CODE", help="Say what a finding means, and where it is shown.")
    ] = None,
    catalog: CatalogOption = None,
) -> None:
    """Check policies: syntax, names, types, and the tests inside.

    All findings at once, each with its place; exit code 1 if one of them is an error.

    **Example:** `turnout check policies/*.yaml --format github`
    """
    if explain is not None:
        _explain(explain)
        return
    if not policies:
        raise typer.BadParameter("name a policy, or a finding with --explain", param_hint="POLICY...")
    known = catalog_of(catalog)
    results = [(name, *_checked(name, known, run_tests=not accept_failing_tests)) for name in policies]
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
                        {
                            "file": name,
                            "hash": hash_,
                            "ok": hash_ is not None,
                            "findings": [finding_row(each) for each in found],
                        }
                        for name, hash_, found in results
                    ],
                }
            )
        case Format.GITHUB:
            for finding in findings:
                print(annotation(finding))
        case Format.TEXT:
            console = output()
            show_findings(console, findings)
            for name, hash_, found in results:
                _verdict(name, hash_, found)
    if errors:
        raise typer.Exit(1)


def _explain(code: str) -> None:
    """One finding's meaning, and its section of the docs."""
    codes = _core.codes()
    if code not in codes:
        meant = difflib.get_close_matches(code, codes, n=1)
        hint = f": did you mean `{meant[0]}`?" if meant else ""
        raise typer.BadParameter(f"there is no finding `{printable(code)}`{hint}", param_hint="--explain")
    output().print(f"{code}: {codes[code]}\ndocs/diagnostics.md#{code}", markup=False, highlight=False, soft_wrap=True)


def _checked(name: str, catalog: Catalog, *, run_tests: bool) -> tuple[str | None, tuple[Finding, ...]]:
    """The policy's hash, none if it does not load; and what was found."""
    path: str | Path = name
    try:
        path = policy_path(name)
        policy, found = check_policy(
            read_policy(path), file=str(path), catalog=catalog, run_tests=run_tests, folder=path.parent
        )
    except PolicyError as error:
        place = error.findings or (Finding(str(path), 1, 1, error.code, error.message, error.hint),)
        return None, tuple(place)
    return policy.hash if policy else None, found


def finding_row(finding: Finding) -> dict[str, object]:
    """Returns a finding as a JSON object."""
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "hint": finding.hint,
    }


def annotation(finding: Finding) -> str:
    """Returns a workflow command; what would end a field early is escaped as its documentation says."""
    text = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
    title = f"title={_escaped(finding.code, is_property=True)}"
    # What is about no file, such as the catalogue itself, has no line.
    place = (
        f"file={_escaped(finding.file, is_property=True)},line={finding.line},col={finding.column},"
        if finding.line
        else ""
    )
    return f"::{finding.severity} {place}{title}::{_escaped(printable(text))}"


def _escaped(text: str, *, is_property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text


def _verdict(name: str, hash_: str | None, found: tuple[Finding, ...]) -> None:
    errors = sum(finding.severity == "error" for finding in found)
    warnings = len(found) - errors
    parts = [
        f"{number} {word}{'' if number == 1 else 's'}" for number, word in ((errors, "error"), (warnings, "warning"))
    ]
    counts = ", ".join(part for part, number in zip(parts, (errors, warnings), strict=True) if number)
    console = output()
    summary = counts if hash_ is None else ", ".join(filter(None, [f"hash {hash_[:12]}", counts]))
    console.print(
        Text.assemble(ticks(console, hash_ is not None), " ", printable(name), "  ", (summary, "dim")), soft_wrap=True
    )
