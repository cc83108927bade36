"""`turnout catalog diff` and `turnout catalog refresh`: what changes, and whether to take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from turnout import Catalog, load_catalog
from turnout.catalog import catalog_named, refresh_from
from turnout.cli.catalog_text import today
from turnout.cli.inputs import CatalogOption, JsonOption
from turnout.cli.render import cells, count, heading, mark, output, print_json, printable, table

if TYPE_CHECKING:
    from turnout._core import CatalogDiff

__all__ = ["diff", "refresh"]

_SHOWN: Final = 40
"""Names of models that came or went, on a terminal; `--json` has them all."""


def diff(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[OLD] NEW",
            help="A catalogue's file or address, an override (.yaml), `bundled`, or `current` (OLD if left out).",
        ),
    ],
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two catalogues: models that come and go, and every changed fact.

    Exit code 1 if a refresh with these differences would be refused.

    **Example:** `turnout catalog diff bundled my-prices.yaml`
    """
    if len(sources) > 2:
        raise typer.BadParameter("name one catalogue, or two", param_hint="[OLD] NEW")
    old = load_catalog(catalog) if len(sources) == 1 else _named(sources[0], catalog)
    found = old.diff(_named(sources[-1], catalog), today())
    if as_json:
        print_json(_json(found))
    else:
        show_diff(output(), found)
    if found.alarms:
        raise typer.Exit(1)


def _named(source: str, override: str | None) -> Catalog:
    return load_catalog(override) if source == "current" else catalog_named(source)


def refresh(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A catalogue's file, or an https address.")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Take it though it loses many models, or moves a price too far.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take newer facts from a file or an address that you name.

    Reads it, checks every row, prints the diff, and keeps it for every later start. Refused, with exit code 1, are a
    loss of more than 10% of the models and a price that moves more than threefold, unless you accept them. The last
    one before it is kept beside it; nothing is ever read that you did not name.

    **Example:** `turnout catalog refresh ./models.jsonl --dry-run`
    """
    found = refresh_from(source)
    is_refused = bool(found.diff.alarms) and not accept
    path = None if dry_run or is_refused else found.keep(accept=accept)
    if as_json:
        print_json(
            {
                **_json(found.diff),
                "source": found.source,
                "as_of": found.catalog.as_of,
                "kept": None if path is None else str(path),
            }
        )
    else:
        console = output()
        show_diff(console, found.diff)
        if path is not None:
            said = Text(f"kept in {path}; facts of {printable(found.catalog.as_of)}", style="green")
        elif is_refused:
            said = Text("not taken: look at what is alarming above; --accept takes it all the same", style="bold red")
        else:
            said = Text("nothing was written: this was a dry run", style="yellow")
        console.print(said, soft_wrap=True)
    if is_refused:
        raise typer.Exit(1)


def show_diff(console: Console, found: CatalogDiff) -> None:
    """Prints what differs: alarms first, then models that come and go, then changed facts."""
    bang = mark(console, "\N{WARNING SIGN}", "!")
    for code, model, message in found.alarms[:_SHOWN]:
        named = f"{model}: " if model else ""
        console.print(Text(printable(f"{bang} {named}{message} ({code})"), style="bold red"), soft_wrap=True)
    if len(found.alarms) > _SHOWN:
        console.print(Text(f"{bang} and {count(len(found.alarms) - _SHOWN)} more such", style="bold red"))
    for title, names, style in (("gone", found.removed, "red"), ("new", found.added, "green")):
        if names:
            console.print(heading(f"{count(len(names))} {title}"))
            console.print(Text(_some(names), style=style))
    if found.changed:
        models = {name for name, *_ in found.changed}
        console.print(heading(f"{count(len(models))} changed", f"{count(len(found.changed))} facts"))
        rows = [
            cells(Text(printable(name)), printable(fact), Text(_value(before), style="dim"), _value(after))
            for name, fact, before, after in found.changed
        ]
        console.print(table(["model", "fact", "before", "after"], rows))
    if not (found.added or found.removed or found.changed):
        console.print("no differences")


def _value(json_text: str | None) -> str:
    return "unknown" if json_text is None else printable(json_text)


def _json(found: CatalogDiff) -> dict[str, object]:
    return {
        "added": found.added,
        "removed": found.removed,
        "changed": [
            {"model": model, "field": fact, "before": before, "after": after}
            for model, fact, before, after in found.changed
        ],
        "alarms": [{"code": code, "model": model, "message": message} for code, model, message in found.alarms],
    }


def _some(names: Sequence[str]) -> str:
    shown = "\n".join(f"  {printable(name)}" for name in names[:_SHOWN])
    return shown + (f"\n  and {count(len(names) - _SHOWN)} more" if len(names) > _SHOWN else "")
