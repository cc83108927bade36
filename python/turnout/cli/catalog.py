"""`turnout catalog`: the commands about models and prices, wired together."""

from __future__ import annotations

import typer

from turnout.cli.catalog_check import check_catalog
from turnout.cli.catalog_diff import diff, refresh
from turnout.cli.catalog_list import list_models
from turnout.cli.catalog_show import show

__all__ = ["catalog"]

catalog = typer.Typer(
    name="catalog",
    help="What is known of models and prices: look it up, check it, refresh it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
catalog.command("list")(list_models)
catalog.command()(show)
catalog.command("check")(check_catalog)
catalog.command()(diff)
catalog.command()(refresh)
