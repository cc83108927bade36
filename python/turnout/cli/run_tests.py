"""`turnout test`: the tests inside a policy, one by one."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.text import Text

from turnout import Policy, load_policy
from turnout.cli.inputs import CatalogOption, JsonOption, policy_path
from turnout.cli.render import output, print_json, printable, ticks

__all__ = ["run_tests"]


def run_tests(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A file, or the name of a shipped policy.")],
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the tests inside a policy.

    Exit code 1 if one does not hold. They run by the engine that serves, with every key present, the clock at
    2026-01-05T12:00Z, and empty state, unless a test says otherwise.

    **Example:** `turnout test policies/balanced.yaml`
    """
    path = policy_path(policy)
    loaded = load_policy(path, catalog=catalog, run_tests=False)
    failures = {failure.name: failure for failure in loaded.run_tests()}
    if as_json:
        print_json(
            {
                "policy": loaded.name,
                "file": str(path),
                "hash": loaded.hash,
                "ok": not failures,
                "tests": [
                    {"name": name, "ok": True}
                    if (failed := failures.get(name)) is None
                    else {
                        "name": name,
                        "ok": False,
                        "line": failed.line,
                        "column": failed.column,
                        "held": failed.held,
                        "expected": failed.expected,
                        "saw": failed.saw,
                    }
                    for name in loaded.tests
                ],
            }
        )
    else:
        _print(loaded, str(path))
    if failures:
        raise typer.Exit(1)


def _print(policy: Policy, file: str) -> None:
    console = output()
    failures = {failure.name: failure for failure in policy.run_tests()}
    for name in policy.tests:
        failed = failures.get(name)
        console.print(Text.assemble(ticks(console, failed is None), " ", printable(name)), soft_wrap=True)
        if failed is not None:
            for line in difference(failed.expected, failed.saw, held=failed.held):
                console.print(line, soft_wrap=True)
            console.print(Text(f"    at {printable(file)}:{failed.line}:{failed.column}", style="dim"), soft_wrap=True)
    held = len(policy.tests) - len(failures)
    if not policy.tests:
        console.print(Text(f"{policy.name} has no tests; add some under `tests:`", style="yellow"))
    else:
        style = "bold red" if failures else "bold green"
        console.print(Text(f"{held} of {len(policy.tests)} tests of {policy.name} hold", style=style))


_SEEN = re.compile(r"(?:^|, )([a-z0-9_.]+) (`[^`]*`|\S+?)(?=, [a-z]|$)")


_REFUSED = re.compile(r"^rule `(?P<rule>[^`]*)`, refused: (?P<reasons>.*)$", re.DOTALL)


def difference(expected: str, saw: str, *, held: str = "false") -> list[Text]:
    """Puts what was expected beside what was seen, and marks the facts that `expected` speaks of.

    Args:
        expected: The test's expression.
        saw: What was decided, such as "rule `a`, model `b`".
        held: `false`, or `unknown` where a fact that it asks about has no value.

    Returns:
        The lines.
    """
    verdict = "  (unknown: a fact has no value)" if held == "unknown" else ""
    lines = [Text.assemble(("    expected  ", "dim"), printable(expected), (verdict, "dim"))]
    refused = _REFUSED.match(saw)
    if refused is not None:
        lines.append(
            Text.assemble(("    saw       ", "dim"), ("refused", "bold yellow"), f" by rule `{refused['rule']}`")
        )
        return [*lines, *(Text(f"              {printable(each)}") for each in refused["reasons"].split("; "))]
    seen = _SEEN.findall(saw)
    if not seen:
        return [*lines, Text.assemble(("    saw       ", "dim"), printable(saw))]
    for place, (name, value) in enumerate(seen):
        is_asked = re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", expected) is not None
        label = "    saw       " if place == 0 else "              "
        lines.append(
            Text.assemble((label, "dim"), (f"{name} = {printable(value)}", "bold yellow" if is_asked else "dim"))
        )
    return lines
