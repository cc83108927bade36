"""`turnout catalog check`: what about the catalogue needs a person's eye before money is spent on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from turnout import Catalog, CatalogError, Model, load_catalog
from turnout.cli.catalog_text import dispute_of, period_on, rows_of, text_of, today
from turnout.cli.check import Format, annotation, finding_row
from turnout.cli.inputs import CatalogOption, policy_path
from turnout.cli.render import cells, output, print_json, printable, show_findings, table, ticks
from turnout.errors import Finding
from turnout.policy import read_policy
from turnout.policy.names import NamedModel, models_named

if TYPE_CHECKING:
    from turnout._core import CatalogFinding

__all__ = ["check_catalog"]

MAX_AGE_DAYS: Final = 60
"""Of the 48 most used models, a few change their price in two months."""
_CATALOG: Final = "<catalogue>"

Problem = tuple[str, str, str | None]
"""Code, message, hint."""


def check_catalog(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[POLICY]...", help="Look at the models of these policies; none looks at every curated one."
        ),
    ] = None,
    within: Annotated[int, typer.Option(metavar="DAYS", min=0, help="How soon a retirement counts.")] = 30,
    max_age: Annotated[
        int, typer.Option("--max-age", metavar="DAYS", min=0, help="How old the facts may be.")
    ] = MAX_AGE_DAYS,
    allow: Annotated[
        str | None, typer.Option(metavar="CODE,...", help="Problems that you know of and accept, such as disputed.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="text for people, json for machines, github for annotations in CI.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    catalog: CatalogOption = None,
) -> None:
    """Check the facts behind policies: age, disputes, retirements, unknown prices, moving names, announced prices.

    Exit code 1 if anything is found that `--allow` does not name.

    **Example:** `turnout catalog check policies/*.yaml --format github --allow disputed`
    """
    known = load_catalog(catalog)
    day = today()
    found = [*_of_catalog(known, day, max_age)]
    if policies:
        for name in policies:
            found += _of_policy(known, name, day, within)
    else:
        found += _of_all(known, day, within)
    allowed = {code.strip() for code in (allow or "").split(",")}
    kept = [each for each in found if each.code not in allowed]
    match Format.JSON if as_json else form:
        case Format.JSON:
            print_json(
                {
                    "ok": not kept,
                    "as_of": known.as_of,
                    "hash": known.hash,
                    "problems": len(kept),
                    "allowed": len(found) - len(kept),
                    "findings": [finding_row(each) for each in kept],
                }
            )
        case Format.GITHUB:
            for each in kept:
                print(annotation(each))
        case Format.TEXT:
            _show(known, kept, len(found) - len(kept), policies or [])
    if kept:
        raise typer.Exit(1)


def _of_catalog(known: Catalog, day: str, max_age: int) -> Iterator[Finding]:
    age = _days_between(known.as_of, day)
    if age is not None and age > max_age:
        message = f"the facts are of {printable(known.as_of)}, {age} days old"
        yield Finding(_CATALOG, 0, 0, "catalog-old", message, "run `turnout catalog refresh`, or update turnout")
    for finding in known.lint():
        yield Finding(_CATALOG, 0, 0, finding.code, f"`{finding.model}`: {finding.message}")


def _of_all(known: Catalog, day: str, within: int) -> Iterator[Finding]:
    for notice in _noticed(known, day):
        yield Finding(_CATALOG, 0, 0, notice.code, f"`{notice.model}`: {notice.message}")
    for model in known.models():
        for code, message, hint in _problems(model, day, within):
            # A retired model stays for pricing old logs; it is a problem where a policy uses it.
            if code != "retired":
                yield Finding(_CATALOG, 0, 0, code, message, hint)


def _of_policy(known: Catalog, name: str, day: str, within: int) -> Iterator[Finding]:
    path = policy_path(name)
    for named in models_named(read_policy(path), file=str(path)):
        for code, message, hint in _problems_of_name(known, named, day, within):
            yield named.finding(code, message, hint)


def _problems_of_name(known: Catalog, named: NamedModel, day: str, within: int) -> Iterator[Problem]:
    try:
        model = known.resolve(named.name)
    except CatalogError as error:
        if not named.has_price:
            yield error.code, error.message, error.hint
        return
    if not named.has_price:
        for notice in _noticed(known, day):
            if notice.model == model.full_name:
                yield notice.code, f"`{notice.model}`: {notice.message}", "pin the price in an override file"
    for problem in _problems(model, day, within):
        if not (named.has_price and problem[0] in ("unpriced", "disputed", "future-price")):
            yield problem


def _noticed(known: Catalog, day: str) -> list[CatalogFinding]:
    """What only the prices of all sources show; the rest is said of each model with more words."""
    return [notice for notice in known.notices(day) if notice.code in ("unverified-price", "unit-slip")]


def _problems(model: Model, day: str, within: int) -> Iterator[Problem]:
    row = model.to_dict()
    name = f"`{model.full_name}`"
    following = text_of(row, "replaced_by")
    hint = f"use `{following}`" if following else None
    ends = text_of(row, "retires_on")
    left = None if ends is None else _days_between(day, ends)
    if row.get("status") == "retired" or (left is not None and left <= 0):
        yield "retired", f"{name} is retired" + (f" since {ends}" if ends else "") + ": requests fail", hint
        return
    if left is not None and left <= within:
        yield "retiring", f"{name} retires on {ends}, in {left} day{'' if left == 1 else 's'}", hint
    prices = rows_of(row.get("prices"))
    now = period_on(prices, day)
    if now is None or now.get("in") is None or now.get("out") is None:
        yield "unpriced", f"{name} has no known price for today, which is not free", "state one in an override file"
    # An older source that differs is behind the times; current ones that differ leave a doubt.
    if model.disputed == "fresh":
        said = "; ".join(["the sources differ on its price", *dispute_of(row)])
        yield (
            "disputed",
            f"{name}: {said}",
            "pin the price in an override file",
        )
    if row.get("moving") is True:
        now_is = text_of(row, "alias_of")
        means = f", today `{now_is}`" if now_is else ""
        yield "moving-alias", f"{name} means another model from time to time{means}", "name the model itself"
    for period in prices:
        since = text_of(period, "from")
        if since is not None and since > day:
            hint = "announced prices are withdrawn at times: check it again on its day"
            yield "future-price", f"{name} has a price from {since}", hint


def _days_between(start: str, end: str) -> int | None:
    try:
        return (date.fromisoformat(end) - date.fromisoformat(start)) // timedelta(days=1)
    except ValueError:
        return None


def _show(known: Catalog, found: Sequence[Finding], allowed: int, policies: Sequence[str]) -> None:
    console = output()
    placed = [each for each in found if each.line]
    show_findings(console, placed)
    loose = [each for each in found if not each.line]
    if loose:
        rows = [cells(Text(each.code, style="yellow"), Text(_said(each))) for each in loose]
        console.print(table(["problem", "what"], rows))
    counts = Counter(each.code for each in found)
    parts = [f"{number} {code}" for code, number in sorted(counts.items())]
    of = ", ".join(printable(name) for name in policies) or "every curated model"
    summary = ", ".join(parts) or "no problems"
    if allowed:
        summary += f", {allowed} allowed"
    said = f"{summary}; facts of {printable(known.as_of)}"
    console.print(
        Text.assemble(ticks(console, not found), " ", of, "  ", (said, "dim")),
        soft_wrap=True,
    )


def _said(finding: Finding) -> str:
    # The other hints are the same for every model: documentation, not news.
    is_news = finding.code == "retiring" and finding.hint
    return printable(finding.message + (f": {finding.hint}" if is_news else ""))
