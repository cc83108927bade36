"""`turnout catalog show`: every fact of one model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from string import ascii_uppercase
from typing import Annotated, Final

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from turnout import Catalog, Model, MoneyError, Usage, cost, load_catalog
from turnout.cli.catalog_text import (
    CLASSES,
    Row,
    condition_of,
    dispute_of,
    hours_of,
    limit,
    list_of,
    names_of,
    rate,
    rate_of,
    rows_of,
    text_of,
    today,
)
from turnout.cli.inputs import CatalogOption, JsonOption
from turnout.cli.render import cells, heading, money, output, print_json, printable, table

__all__ = ["show"]

_STYLES: Final = {"active": "green", "deprecated": "yellow", "retired": "bold red"}
_TYPICAL: Final = (
    ("a question: 500 in, 300 out", Usage(input_uncached=500, output_text=300)),
    ("a document: 20,000 in, 1,000 out", Usage(input_uncached=20_000, output_text=1_000)),
    ("a turn: 90,000 cached, 10,000 in, 1,000 out", Usage(cache_read=90_000, input_uncached=10_000, output_text=1_000)),
    ("a long input: 300,000 in, 1,000 out", Usage(input_uncached=300_000, output_text=1_000)),
)
_FEES: Final = {"web_search_per_k": "a thousand web searches", "per_request": "a request, whatever it holds"}


def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="`provider/id`, or an id that one provider has.")],
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything that is known of one model.

    What is not known is said to be unknown, never left to look like zero.

    **Example:** `turnout catalog show anthropic/claude-haiku-5-5`
    """
    known = load_catalog(catalog)
    found = known.resolve(model)
    row = found.to_dict()
    examples = list(_examples(known, found))
    if as_json:
        costs = [{"call": call, "usd_picos": picos, "why_not": why_not} for call, picos, why_not in examples]
        print_json({**row, "layer": found.layer, "note": known.note(model, today()), "examples": costs})
        return
    console = output()
    _title(console, row, found, asked=model, note=known.note(model, today()))
    console.print()
    console.print(table(["fact", "value"], list(_facts(row, found))))
    console.print()
    periods = rows_of(row.get("prices"))
    if not periods:
        console.print(
            heading("prices", "unknown, which is not free: a call cannot be priced until an override says one")
        )
    for period in reversed(periods):
        _period(console, row, period)
        console.print()
    if periods:
        console.print(heading("what calls cost", f"today, {today()}, at the standard terms"))
        lines = [cells(call, why_not or money(picos)) for call, picos, why_not in examples]
        console.print(table(["call", "cost"], lines))


def _title(console: Console, row: Row, found: Model, *, asked: str, note: str | None) -> None:
    status = str(row.get("status") or "active")
    name = text_of(row, "name")
    console.print(
        Text.assemble(
            (printable(found.full_name), "bold"), f"  {name}" if name else "", "  ", (status, _STYLES.get(status, ""))
        )
    )
    if asked not in (found.full_name, found.id):
        console.print(Text(f"`{printable(asked)}` is another name of it", style="dim"))
    if note is not None:
        console.print(Text(printable(note), style="yellow"))


def _facts(row: Row, found: Model) -> Iterator[list[RenderableType]]:
    caps = row.get("caps")
    refused = [str(name) for name, held in caps.items() if held is False] if isinstance(caps, Mapping) else []
    values: list[tuple[str, str | None]] = [
        ("lab", text_of(row, "lab")),
        ("other names", _joined(list_of(row.get("aliases"))) or "none"),
        ("context", limit(row.get("context"))),
        ("most input", limit(row.get("max_input"))),
        ("most output", limit(row.get("max_output"))),
        ("takes", _joined(list_of(row.get("input")))),
        ("gives", _joined(list_of(row.get("output")))),
        ("can", _joined(names_of(caps))),
        ("cannot", _joined(refused)),
        ("thinking", _thinking(row)),
        ("shortest cached prefix", _tokens(row.get("prompt_cache_min_tokens"))),
        ("tokenizer", text_of(row, "tokenizer")),
        ("dialect", text_of(row, "dialect")),
        ("access", text_of(row, "access") or "open"),
        ("released", text_of(row, "release")),
        ("retires", text_of(row, "retires_on") or "no date is known"),
        ("price factor", text_of(row, "price_factor")),
        ("disputed", _disputed(row)),
        ("sources", _joined(list_of(row.get("sources")))),
        ("layer", found.layer),
    ]
    optional = {"price factor", "cannot"}
    for name, value in values:
        if value or name not in optional:
            yield cells(Text(name, style="dim"), Text(printable(value or "unknown")))


def _joined(names: Iterable[str]) -> str | None:
    return ", ".join(name.replace("_", " ") if " " not in name and "/" not in name else name for name in names) or None


def _tokens(value: object) -> str | None:
    return f"{value:,} tokens" if isinstance(value, int) else None


def _thinking(row: Row) -> str | None:
    caps = row.get("caps")
    if isinstance(caps, Mapping) and caps.get("reasoning") is False:
        return "none"
    set_by = row.get("reasoning")
    if not isinstance(set_by, Mapping):
        return None
    parts = [_joined(list_of(set_by.get("modes"))) or "in an unknown way"]
    if efforts := list_of(set_by.get("efforts")):
        parts.append(f"efforts {', '.join(efforts)}")
    if default := set_by.get("default_effort"):
        parts.append(f"{default} unless said")
    if (least := set_by.get("budget_min")) is not None or set_by.get("budget_max") is not None:
        parts.append(f"budget {least if least is not None else '?'} to {set_by.get('budget_max') or '?'} tokens")
    if set_by.get("always_on") is True:
        parts.append("always on")
    if set_by.get("can_disable") is True:
        parts.append("can be switched off")
    return "; ".join(parts)


_DISPUTES: Final = {"fresh": "yes: current sources differ on its price", "stale": "an older source has another price"}


def _disputed(row: Row) -> str:
    """Whether the sources differ, and what each of them says."""
    kind = row.get("disputed")
    if kind is None:
        return "no"
    return "; ".join([_DISPUTES.get(str(kind), str(kind)), *dispute_of(row)])


def _period(console: Console, row: Row, period: Row) -> None:
    since, until = text_of(period, "from"), text_of(period, "until")
    days = " ".join(filter(None, [f"from {since}" if since else "", f"until {until}" if until else ""]))
    said = ", ".join(
        filter(
            None,
            [
                "USD per million tokens",
                f"by {source}" if (source := text_of(period, "source")) else "",
                f"checked {checked}" if (checked := text_of(period, "checked")) else "",
                f"negotiated: x {factor}" if (factor := text_of(row, "price_factor")) else "",
            ],
        )
    )
    is_future = since is not None and since > today()
    console.print(
        heading(f"prices {days}".rstrip(), said + (", announced: check it again on its day" if is_future else ""))
    )
    vectors = list(_vectors(period))
    for used in _fitting(console.width, row, vectors):
        lines = [cells(name, *(_price(rate_of(row, vector, key)) for key in used)) for name, vector in vectors]
        columns = ["", *(CLASSES[key] for key in used)]
        console.print(table(columns, lines, right=range(1, len(columns))))
    notes = [
        f"hours {letter}: {hours_of(window)}"
        for letter, window in zip(ascii_uppercase, rows_of(period.get("windows")), strict=False)
    ]
    notes += [f"x {factor} with {condition_of(name)}" for name, factor in _members(period.get("multipliers"))]
    notes += [_fee(period[key], what) for key, what in _FEES.items() if period.get(key) is not None]
    for note in notes:
        console.print(Text(f"  {printable(note)}", style="dim"))


def _fee(fee: object, what: str) -> str:
    return f"a fee for {what} whose amount is not known" if fee == "unknown" else f"${fee} for {what}"


def _price(price: Decimal | None) -> Text:
    return Text("-", style="dim") if price is None else Text(rate(price))


_GAP: Final = 3
"""What a table puts between two columns."""


def _fitting(width: int, row: Row, vectors: Sequence[tuple[str, Row]]) -> Iterator[list[str]]:
    """The classes that have a price, in groups that fit the terminal: a number must never be cut."""
    room = width - max(len(name) for name, _ in vectors)
    left, group = room, list[str]()
    for key in (key for key in CLASSES if any(key in vector for _, vector in vectors)):
        needed = _GAP + max(len(CLASSES[key]), *(len(rate(rate_of(row, vector, key))) for _, vector in vectors))
        if needed > left and group:
            yield group
            left, group = room, []
        left -= needed
        group.append(key)
    yield group


def _vectors(period: Row) -> Iterator[tuple[str, Row]]:
    """Every vector of prices in a period, with what it is for."""
    yield "standard", period
    yield from _tiers(period, "")
    for letter, window in zip(ascii_uppercase, rows_of(period.get("windows")), strict=False):
        yield f"hours {letter}", window
        yield from _tiers(window, "  ")
    for name, vector in _members(period.get("variants")):
        if isinstance(vector, Mapping):
            yield condition_of(name), vector
            yield from _tiers(vector, "  ")


def _tiers(vector: Row, indent: str) -> Iterator[tuple[str, Row]]:
    for tier in rows_of(vector.get("tiers")):
        above = tier.get("above")
        bound = f"{above:,}" if isinstance(above, int) else str(above)
        yield f"{indent}{'from' if tier.get('inclusive') is True else 'above'} {bound} in", tier


def _members(value: object) -> list[tuple[str, object]]:
    return [(str(name), each) for name, each in value.items()] if isinstance(value, Mapping) else []


def _examples(known: Catalog, found: Model) -> Iterator[tuple[str, int | None, str | None]]:
    """A few calls: what each is, its cost, and why it has none."""
    now = datetime.now(UTC)
    for call, usage in _TYPICAL:
        if found.context is not None and usage.input_total > found.context:
            yield call, None, "does not fit the window"
            continue
        try:
            yield call, cost(found.full_name, usage, at=now, catalog=known).usd_picos, None
        except MoneyError as error:
            yield call, None, error.message
