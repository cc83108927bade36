"""`turnout catalog list`: models by name, ability and price."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

import typer
from rich.text import Text

from turnout import Model, load_catalog
from turnout.cli.catalog_text import names_of, period_on, rate, rate_of, rows_of, short_limit, text_of, today
from turnout.cli.inputs import CatalogOption, JsonOption
from turnout.cli.render import cells, count, output, print_json, printable, table

__all__ = ["list_models"]

_WIDE_COLUMNS: Final = 100
"""From here on a terminal has room for abilities and dates."""
_SHOWN_ABILITIES: Final = ("tools", "vision", "pdf", "audio_in", "structured", "reasoning", "prompt_cache")


class Sort(enum.StrEnum):
    """What the rows are sorted by."""

    IN = "in"
    OUT = "out"
    CONTEXT = "context"
    NAME = "name"
    RELEASE = "release"


class Status(enum.StrEnum):
    """Where a model is in its life."""

    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    ANY = "any"


def list_models(
    search: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Words of the name; every one must be in it.")
    ] = None,
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="Who sells it.")] = None,
    lab: Annotated[str | None, typer.Option(metavar="NAME", help="Who made it.")] = None,
    can: Annotated[
        str | None, typer.Option(metavar="ABILITY,...", help="What it must be able to do, such as tools,vision.")
    ] = None,
    min_context: Annotated[
        str | None, typer.Option("--min-context", metavar="TOKENS", help="The least window, such as 200k.")
    ] = None,
    max_in: Annotated[
        str | None, typer.Option("--max-in", metavar="USD", help="The most for a million tokens in, such as $0.5.")
    ] = None,
    max_out: Annotated[
        str | None, typer.Option("--max-out", metavar="USD", help="The most for a million tokens out.")
    ] = None,
    status: Annotated[
        Status, typer.Option(help="Where it is in its life; `any` shows retired ones too.")
    ] = Status.ACTIVE,
    everything: Annotated[
        bool, typer.Option("--all", help="The wide part too: models that nobody has looked at one by one.")
    ] = False,
    sort: Annotated[Sort, typer.Option(help="What the rows are sorted by; unknown comes last.")] = Sort.NAME,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """List models by name, ability and price.

    Prices are those of today, in dollars per million tokens. An unknown price is never within a limit.

    **Example:** `turnout catalog list --can tools,vision --max-in $0.5 --sort in`
    """
    day = today()
    found = load_catalog(catalog).models(
        search or "",
        provider=provider,
        lab=lab,
        can=_words(can),
        min_context=_tokens(min_context),
        max_in=_usd(max_in, "--max-in"),
        max_out=_usd(max_out, "--max-out"),
        status=None if status is Status.ANY else status.value,
        wide=everything,
        today=day,
    )
    rows = sorted((_Row(model, day) for model in found), key=_KEYS[sort])
    if as_json:
        print_json([row.row for row in rows])
        return
    _show(rows)


class _Row:
    def __init__(self, model: Model, day: str) -> None:
        self.row = model.to_dict()
        self.name = model.full_name
        period = period_on(rows_of(self.row.get("prices")), day)
        self.prices = {key: rate_of(self.row, period, key) for key in ("in", "out")}

    def number(self, key: str) -> int:
        value = self.row.get(key)
        return value if isinstance(value, int) else -1


_KEYS: Final[dict[Sort, Callable[[_Row], tuple[object, ...]]]] = {
    Sort.NAME: lambda row: (row.name,),
    Sort.IN: lambda row: (row.prices["in"] is None, row.prices["in"] or Decimal(0), row.name),
    Sort.OUT: lambda row: (row.prices["out"] is None, row.prices["out"] or Decimal(0), row.name),
    Sort.CONTEXT: lambda row: (-row.number("context"), row.name),
    Sort.RELEASE: lambda row: (_newest_first(str(row.row.get("release") or "")), row.name),
}


def _newest_first(day: str) -> tuple[int, ...]:
    return (0, *(-int(digit) for digit in day if digit.isdigit())) if day else (1,)


def _show(rows: Sequence[_Row]) -> None:
    console = output()
    is_wide = console.width >= _WIDE_COLUMNS
    columns = ["model", "in", "out", "context"]
    if is_wide:
        columns += ["max out", "can", "release"]
    lines = []
    for each in rows:
        row = each.row
        line: list[object] = [
            _named(each),
            Text(rate(each.prices["in"])),
            Text(rate(each.prices["out"])),
            short_limit(row.get("context")),
        ]
        if is_wide:
            able = set(names_of(row.get("caps")))
            shown = [name.replace("_", " ") for name in _SHOWN_ABILITIES if name in able]
            line += [
                short_limit(row.get("max_output")),
                Text(", ".join(shown), style="dim"),
                text_of(row, "release") or "",
            ]
        lines.append(cells(*line))
    if lines:
        console.print(table(columns, lines, right=[1, 2, 3, 4] if is_wide else [1, 2, 3], first_wraps=True))
    providers = {str(each.row.get("provider")) for each in rows}
    plural = "" if len(rows) == 1 else "s"
    sellers = f" of {len(providers)} provider{'' if len(providers) == 1 else 's'}" if rows else ""
    console.print(Text(f"{count(len(rows))} model{plural}{sellers}; $ per million tokens", style="dim"))


def _named(each: _Row) -> Text:
    status = str(each.row.get("status") or "active")
    name = Text(printable(each.name), style="cyan" if status == "active" else "dim", overflow="fold")
    if status != "active":
        name.append(f" ({status})", style="yellow")
    return name


def _words(text: str | None) -> list[str]:
    return [word.strip().replace("-", "_") for word in (text or "").split(",") if word.strip()]


def _usd(text: str | None, option: str) -> str | None:
    if text is None:
        return None
    amount = text.strip().removeprefix("$")
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", amount, re.ASCII):
        raise typer.BadParameter(f"`{text}` is no price; write such as $0.5", param_hint=option)
    return f"{Decimal(amount):f}"


def _tokens(text: str | None) -> int | None:
    if text is None:
        return None
    digits, factor = text.strip().replace("_", "").replace(",", ""), 1
    if digits[-1:].lower() in ("k", "m"):
        factor = 1_000 if digits[-1].lower() == "k" else 1_000_000
        digits = digits[:-1]
    try:
        tokens = Decimal(digits) * factor
    except InvalidOperation:
        tokens = Decimal("NaN")
    if not tokens.is_finite() or tokens < 0 or tokens != int(tokens):
        raise typer.BadParameter(f"`{text}` is no number of tokens; write such as 200k", param_hint="--min-context")
    return int(tokens)
