"""`turnout usage`: what calls used and cost, by anything that the ledger knows."""

from __future__ import annotations

import csv
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from turnout import load_catalog
from turnout.cli.inputs import CatalogOption, JsonOption
from turnout.cli.render import cells, count, errors_console, money, output, percent, print_json, printable, table
from turnout.cli.usage_html import page
from turnout.cli.usage_price import priced_at
from turnout.ledger import UsageRow, total_of
from turnout.ledger import usage as read_usage

__all__ = ["usage"]

_DAY_S: Final = 86_400
_WATCH_S: Final = 1.0
_MOST_ROWS: Final = 40
"""On a terminal; the other formats print all of them."""


def usage(
    ledger: Annotated[str, typer.Argument(metavar="LEDGER", help="The ledger's file, or its database's address.")],
    by: Annotated[
        str,
        typer.Option(
            metavar="NAME,...", help="day, model, rule, deployment, provider, outcome, or a value of meta: meta.team."
        ),
    ] = "model",
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="The first day, UTC: 2026-11-01, or 7d for the last seven.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The last day, UTC.")] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="What the same tokens would have cost at a model: provider/id."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a group, money in pico-USD.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Writes a page with plots, which needs no network.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Looks again each second, until Ctrl-C.")] = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what calls used and cost.

    The rows of any grouping add up to the total, to the pico-dollar. An unknown price is not zero: such calls are
    counted apart.

    **Example:** `turnout usage ledger.sqlite --by meta.team,model --since 30d`
    """
    report = _Report(ledger, [name.strip() for name in by.split(",") if name.strip()], since, until, against, catalog)
    if as_csv:
        _print_csv(report)
    elif as_json:
        print_json(report.document())
    elif html is not None:
        html.write_text(page(report.document(), report.by_day()), encoding="utf-8")
        errors_console().print(f"written: {html}", soft_wrap=True)
    elif watch:
        with Live(report.shown(), console=output(), auto_refresh=False) as live:
            while True:
                Event().wait(_WATCH_S)
                report.read()
                live.update(report.shown(), refresh=True)
    else:
        output().print(report.shown())
        output().print(report.summary())


class _Report:
    def __init__(
        self,
        ledger: str,
        by: list[str],
        since: str | None,
        until: str | None,
        against: str | None,
        catalog: str | None,
    ) -> None:
        self.ledger, self.by, self.against = ledger, by, against
        self.from_day = None if since is None else _day(since, "--since")
        self.to_day = None if until is None else _day(until, "--until")
        self._catalog = None if against is None else load_catalog(catalog)
        self.read()

    def read(self) -> None:
        self.rows = self._usage(self.by)
        self.total = total_of(self.rows)
        self.others: list[int] = []
        if self.against is not None:
            # Prices change from day to day: each day's tokens are priced at its own.
            days: dict[tuple[object, ...], int] = {}
            for row in self._usage([*(name for name in self.by if name != "day"), "day"]):
                day = row.key[-1]
                if isinstance(day, int) and self._catalog is not None:
                    key = tuple(
                        day if name == "day" else row.key[[n for n in self.by if n != "day"].index(name)]
                        for name in self.by
                    )
                    days[key] = days.get(key, 0) + priced_at(row, self.against, self._catalog, day)
            self.others = [days.get(row.key, 0) for row in self.rows]

    def _usage(self, by: Sequence[str]) -> list[UsageRow]:
        return read_usage(self.ledger, by, from_day=self.from_day, to_day=self.to_day)

    def by_day(self) -> list[tuple[str, int]]:
        """What each day cost, in pico-USD."""
        return [(_shown(row.key[0], "day"), row.cost_usd_picos) for row in self._usage(["day"])]

    def document(self) -> dict[str, object]:
        rows = [
            {
                **dict(
                    zip(self.by, (_shown(key, name) for key, name in zip(row.key, self.by, strict=True)), strict=True)
                ),
                **_figures(row),
                **({"against_usd_picos": self.others[at]} if self.against else {}),
            }
            for at, row in enumerate(self.rows)
        ]
        total = _figures(self.total) | ({"against_usd_picos": sum(self.others)} if self.against else {})
        return {"by": self.by, "against": self.against, "rows": rows, "total": total}

    def shown(self) -> RenderableType:
        columns = [*self.by, "calls", "complete", "tokens in", "cached", "tokens out", "cost", "saved"]
        if self.against:
            columns[-1] = f"saved against {self.against}"
        lines = []
        for at, row in enumerate([*self.rows[:_MOST_ROWS], self.total]):
            is_total = row is self.total
            names = (
                ["total", *[""] * (len(self.by) - 1)]
                if is_total
                else [_shown(key, name) for key, name in zip(row.key, self.by, strict=True)]
            )
            saved = row.saved_usd_picos
            if self.against:
                saved = (sum(self.others) if is_total else self.others[at]) - row.cost_usd_picos
            style = "bold" if is_total else ""
            lines.append(
                cells(
                    *(Text(printable(name), style=style or "cyan") for name in names[: max(1, len(self.by))]),
                    count(row.count("calls")),
                    percent(row.count("complete_calls"), row.count("calls")),
                    count(row.input_tokens),
                    count(row.count("cache_read")),
                    count(row.output_tokens),
                    Text(money(row.cost_usd_picos), style=style),
                    Text(money(saved), style="green" if saved > 0 else "dim"),
                )
            )
        return table(columns, lines, right=list(range(len(self.by), len(columns))), first_wraps=True)

    def summary(self) -> Text:
        total = self.total
        parts = [f"{money(total.cost_usd_picos)} for {count(total.count('calls'))} calls"]
        for name, what in (
            ("failed", "on attempts that failed"),
            ("escalated", "on answers that were not good enough"),
        ):
            if total.picos(name):
                parts.append(f"{money(total.picos(name))} of it {what}")
        if total.count("unpriced_calls"):
            parts.append(f"{count(total.count('unpriced_calls'))} calls of unknown cost not counted")
        if len(self.rows) > _MOST_ROWS:
            parts.append(f"{count(len(self.rows) - _MOST_ROWS)} more rows with --csv or --json")
        return Text("; ".join(parts), style="dim")


def _figures(row: UsageRow) -> dict[str, object]:
    return {
        "calls": row.count("calls"),
        "complete_calls": row.count("complete_calls"),
        "attempts": row.count("attempts"),
        "input_tokens": row.input_tokens,
        "cached_tokens": row.count("cache_read"),
        "output_tokens": row.output_tokens,
        "reasoning_tokens": row.count("reasoning"),
        "cost_usd_picos": row.cost_usd_picos,
        "saved_usd_picos": row.saved_usd_picos,
        "failed_cost_usd_picos": row.picos("failed"),
        "escalated_cost_usd_picos": row.picos("escalated"),
        "unpriced_calls": row.count("unpriced_calls"),
    }


def _print_csv(report: _Report) -> None:
    document = report.document()
    rows = document["rows"]
    names = [*report.by, *_figures(report.total), *(["against_usd_picos"] if report.against else [])]
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    if isinstance(rows, list):
        writer.writerows(rows)


def _shown(key: str | int | None, name: str) -> str:
    if name == "day" and isinstance(key, int):
        return datetime.fromtimestamp(key * _DAY_S, UTC).date().isoformat()
    return "-" if key is None else str(key)


def _day(text: str, option: str) -> int:
    today = int(time.time()) // _DAY_S
    if match := re.fullmatch(r"(\d{1,5})d", text.strip(), re.ASCII):
        return today - int(match[1]) + 1
    try:
        return (date.fromisoformat(text.strip()) - date(1970, 1, 1)).days
    except ValueError:
        raise typer.BadParameter(f"`{text}` is no day; write 2026-11-01 or 7d", param_hint=option) from None
