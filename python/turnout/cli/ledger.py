"""`turnout ledger verify | export | vacuum`: care of a ledger."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from turnout.cli.render import count, output
from turnout.ledger import upkeep

__all__ = ["ledger"]

_DAY_S = 86_400

ledger = typer.Typer(name="ledger", help="Care of a ledger.", no_args_is_help=True, rich_markup_mode="markdown")

LedgerPlace = Annotated[str, typer.Argument(metavar="LEDGER", help="The ledger's file, or its database's address.")]


@ledger.command()
def verify(place: LedgerPlace) -> None:
    """Look for damage, and for sums that are not those of the calls; exit code 1 if there is any.

    **Example:** `turnout ledger verify ledger.sqlite`
    """
    problems = upkeep.verify(place)
    for problem in problems:
        output().print(problem, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    output().print("sound")


@ledger.command()
def export(place: LedgerPlace) -> None:
    """Print every call with its attempts, a line of JSON each: facts and money, no text.

    **Example:** `turnout ledger export ledger.sqlite > calls.jsonl`
    """
    for line in upkeep.export(place):
        print(line)


@ledger.command()
def vacuum(
    place: LedgerPlace,
    keep: Annotated[
        str | None, typer.Option(metavar="DAYS", help="How many days of calls to keep, such as 90d; left out: all.")
    ] = None,
) -> None:
    """Delete calls that are too old, and give room back to the disk. Sums of days, and of budgets, stay.

    **Example:** `turnout ledger vacuum ledger.sqlite --keep 90d`
    """
    days = None
    if keep is not None:
        match = re.fullmatch(r"([1-9][0-9]{0,4})d", keep.strip(), re.ASCII)
        if match is None:
            raise typer.BadParameter(f"`{keep}` is no number of days; write such as 90d", param_hint="--keep")
        days = int(match[1])
    deleted = upkeep.vacuum(place, days, int(time.time()) // _DAY_S)
    output().print(f"{count(deleted)} calls deleted")
