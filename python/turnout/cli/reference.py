"""The two tables behind every policy and every plan: facts, and outcomes."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from turnout import _core
from turnout.cli.render import cells, heading, output, print_json, table

__all__ = ["print_facts", "print_outcomes"]

_WHERE: Final = {
    "request": "when, facts, keep, want, expect",
    "candidate": "keep, want, expect",
    "decision": "expect",
}
_FACT: Final = ("name", "type", "values", "scope", "cost", "meaning")
_OUTCOME: Final = (
    "outcome",
    "retried",
    "next",
    "cools",
    "cooldown_ms",
    "counts_as_failure",
    "maybe_billed",
    "meaning",
)


def print_facts(*, as_json: bool) -> None:
    """Prints the table of facts."""
    rows = _core.facts()
    if as_json:
        print_json([dict(zip(_FACT, row, strict=True)) for row in rows])
        return
    console = output()
    for scope, where in _WHERE.items():
        console.print(heading(f"facts of the {scope}", f"usable in {where}"))
        lines = []
        for name, kind, values, of_scope, cost, meaning in rows:
            if of_scope == scope:
                said = Text(meaning)
                if values:
                    said.append(f"; one of {', '.join(values)}", style="dim")
                lines.append(cells(Text(name, style="cyan"), kind, cost, said))
        console.print(table(["name", "type", "cost", "meaning"], lines))
    console.print(
        Text(
            "cost: free is known once the request is parsed, scan is one pass over its texts, classify looks at up to "
            "6 kB of the ask. `meta.KEY` is whatever the caller says about itself.",
            style="dim",
        )
    )


def print_outcomes(*, as_json: bool) -> None:
    """Prints the outcome table."""
    rows = _core.outcomes()
    if as_json:
        print_json([dict(zip(_OUTCOME, row, strict=True)) for row in rows])
        return
    console = output()
    console.print(heading("outcomes of an attempt", "what each one means, and what follows"))
    lines = []
    for name, retried, following, cools, cooldown_ms, is_failure, maybe_billed, meaning in rows:
        cooling = "-" if cools == "nothing" else f"{cools} {cooldown_ms // 1000} s"
        lines.append(
            cells(
                Text(name, style="cyan"),
                "yes" if retried else "-",
                following.replace("_", " "),
                cooling,
                "yes" if is_failure else "-",
                "maybe" if maybe_billed else "no",
                meaning,
            )
        )
    console.print(table(["outcome", "retry", "then", "cools", "breaker", "billed", "meaning"], lines))
