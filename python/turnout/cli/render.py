"""What all commands share when they print: consoles, tables, money, marks, and text that came from elsewhere."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from turnout.errors import CatalogError, DecisionError, Finding, PolicyError, TurnoutError

__all__ = [
    "bounds_of",
    "cells",
    "count",
    "errors_console",
    "field",
    "heading",
    "mark",
    "money",
    "money_of",
    "output",
    "percent",
    "print_json",
    "printable",
    "show_error",
    "show_findings",
    "shown_in_one_line",
    "soften",
    "table",
    "ticks",
]

_PIPE_WIDTH: Final = 120
"""Columns when nobody watches; a terminal has its own width, and `COLUMNS` wins over both."""
_PICOS_PER_USD: Final = 10**12
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def soften() -> None:
    """Lets both streams print any text: what the locale cannot say becomes `?` or an escape, never an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace" if (stream.encoding or "").lower().startswith("utf") else "backslashreplace")


def console_for(stream: TextIO) -> Console:
    """Returns a console that prints text as it is: no markup, no emoji codes, colour on a terminal only."""
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width)


def output() -> Console:
    """The console of results."""
    return console_for(sys.stdout)


def errors_console() -> Console:
    """The console of errors, progress and hints."""
    return console_for(sys.stderr)


def print_json(value: object) -> None:
    """Prints one JSON document, in ASCII: no locale can spoil it."""
    print(json.dumps(value, indent=2, ensure_ascii=True))


def printable(text: str) -> str:
    """Returns the text without what could drive a terminal: control and direction marks, lone surrogates.

    Args:
        text: From a prompt, a model or a file.

    Returns:
        The text; line ends and tabs stay.
    """
    return "".join(_printable(char) for char in text)


def _printable(char: str) -> str:
    if char in "\n\t\N{ZERO WIDTH JOINER}":
        return char
    if char == "\r":
        return ""
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _UNSAFE else char


def shown_in_one_line(text: str, most: int) -> str:
    """Returns the beginning of a text on one line."""
    line = " ".join(printable(text[: most * 8]).split())
    return line if len(line) <= most and len(text) <= most * 8 else line[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def money(usd_picos: int | None) -> str:
    """Returns an amount as people write it: cents from a dollar up, three digits that count below."""
    if usd_picos is None:
        return "unknown"
    usd = Decimal(usd_picos) / _PICOS_PER_USD
    if usd == 0:
        return "$0"
    if abs(usd) >= Decimal("0.9995"):
        return f"${usd:,.2f}"
    digits = 2 - usd.adjusted()
    return f"${usd:.{digits}f}"


def money_of(value: Mapping[str, object], name: str) -> str:
    """Returns the amount that a JSON object of the core has under a name."""
    picos = value.get(name)
    return money(picos if isinstance(picos, int) else None)


def count(number: float) -> str:
    """Returns a count with its thousands apart."""
    return f"{number:,.0f}"


def percent(part: float, whole: float) -> str:
    """Returns a share; a dash where there is no whole."""
    return f"{100 * part / whole:.0f}%" if whole else "-"


def mark(console: Console, symbol: str, plain: str) -> str:
    """Returns the symbol where the console's encoding has it, else the plain text."""
    try:
        symbol.encode(console.encoding)
    except (UnicodeError, LookupError):
        return plain
    return symbol


def ticks(console: Console, holds: bool) -> Text:
    """Returns a green tick or a red cross."""
    if holds:
        return Text(mark(console, "\N{CHECK MARK}", "ok"), style="green")
    return Text(mark(console, "\N{BALLOT X}", "x"), style="bold red")


def heading(title: str, note: str = "") -> Text:
    """Returns a section's title, with a dim note behind it."""
    return Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim"))


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[RenderableType]],
    *,
    right: Iterable[int] = (),
    first_wraps: bool = False,
) -> Table:
    """Returns a plain table: no frame, long cells wrap instead of being cut.

    Args:
        columns: Their titles.
        rows: Their cells.
        right: Columns of numbers, by place; they and the first never wrap.
        first_wraps: The first column wraps too: its names are long, and a number must never be cut for one.
    """
    numbers = set(right)
    built = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for place, title in enumerate(columns):
        is_number = place in numbers
        stays_whole = is_number or (place == 0 and not first_wraps)
        built.add_column(title, justify="right" if is_number else "left", no_wrap=stays_whole, overflow="fold")
    for row in rows:
        built.add_row(*row)
    return built


def cells(*values: object) -> list[RenderableType]:
    """Returns values as cells; None is a dash."""
    return ["-" if value is None else value if isinstance(value, Text) else str(value) for value in values]


def field(value: object, name: str) -> str:
    """Returns a member of a JSON object as text, empty if it is not there."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return "" if found is None else str(found)


def bounds_of(value: object) -> str:
    """Returns a fact as people read it: an interval as `low..high`."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "true" if value else "false"
        case [low, high]:
            return f"{low}..{high}, estimated"
        case float() | int():
            return f"{value:,}"
        case _:
            return printable(str(value))


def show_error(error: TurnoutError) -> None:
    """Prints an error as code, message and hint, or with all its findings."""
    console = errors_console()
    if isinstance(error, PolicyError | CatalogError) and error.findings:
        show_findings(console, error.findings)
        return
    console.print(Text.assemble((error.code, "bold red"), ": ", printable(error.message)), soft_wrap=True)
    for candidate, reason in error.reasons if isinstance(error, DecisionError) else ():
        console.print(Text(f"  {printable(candidate)}: {printable(reason)}"), soft_wrap=True)
    if error.hint:
        console.print(Text(f"  hint: {printable(error.hint)}", style="cyan"), soft_wrap=True)


def show_findings(console: Console, findings: Iterable[Finding]) -> None:
    """Prints findings with their place, line, caret and hint."""
    for finding in findings:
        style = "bold red" if finding.severity == "error" else "bold yellow"
        first, _, rest = str(finding).partition("\n")
        place = f"{finding.file}:{finding.line}:{finding.column}: "
        text = Text.assemble(
            (printable(place), "bold"), (finding.code, style), printable(first[len(place) + len(finding.code) :])
        )
        if rest:
            text.append("\n" + printable(rest))
        console.print(text, soft_wrap=True)
