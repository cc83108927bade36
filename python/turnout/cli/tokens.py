"""`turnout tokens`: how many tokens a text or a request is, for one model or several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from turnout import Money, TokenCount, Usage, cost, count_tokens
from turnout.cli.inputs import DialectOption, JsonOption, read_file
from turnout.cli.render import cells, count, errors_console, output, print_json, printable, table
from turnout.cli.tokens_rows import Counted, count_row, rows
from turnout.errors import CatalogError, MoneyError

__all__ = ["tokens"]

_DEFAULT_MODELS = "claude-sonnet-5-5,gpt-6-sol,gemini-3.5-flash"


def tokens(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="A text; left out, it is read from stdin.")] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="A text's file; - reads stdin.")
    ] = None,
    request: Annotated[
        str | None,
        typer.Option("--request", "-r", metavar="FILE", help="A whole request's JSON body; - reads stdin."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME,...", help="The models to count for.")
    ] = _DEFAULT_MODELS,
    dialect: DialectOption = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE.jsonl[.gz]", help="Recorded requests to count, one JSON object a line."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where their counts go, a line each.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count the tokens of a text or a whole request, with bounds and the price of sending it.

    `exact` is counted with the model's vocabulary; `estimated` lies between low and high;
    `unknown` means that nobody has said how the model counts, or that a part of the request lies with the provider.

    With `--data` and `--out`, recorded requests (`id`, `model`, `api`, `request`) are counted as they are read, and a
    line `{"id", "tokens", "low", "high", "method"}` is written for each.

    **Example:** `turnout tokens "How long is this?" --model claude-sonnet-5-5,gpt-6-sol`
    """
    if data is not None or out is not None:
        if data is None or out is None or text is not None or file is not None or request is not None:
            raise typer.BadParameter("`--data` and `--out` go together, and with nothing else", param_hint="--data")
        _count_file(data, out)
        return
    if sum(given is not None for given in (text, file, request)) > 1:
        raise typer.BadParameter("give one of them: a text, `--file` or `--request`", param_hint="TEXT")
    asked = _asked(text, file, request)
    names = [name.strip() for name in model.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("name at least one model", param_hint="--model")
    counts = [(name, count_tokens(name, asked, dialect=dialect)) for name in names]
    if as_json:
        print_json([_fields(name, found) for name, found in counts])
        return
    shown = [
        cells(
            printable(name),
            count(found.tokens),
            count(found.low),
            count(found.high),
            found.method,
            _price(name, found.tokens),
        )
        for name, found in counts
    ]
    output().print(table(["model", "tokens", "low", "high", "method", "price in"], shown, right=[1, 2, 3, 5]))


def _asked(text: str | None, file: str | None, request: str | None) -> str | bytes:
    if request is not None:
        return read_file(request, "--request")
    if text is not None:
        return text
    body = read_file(file or "-", "--file")
    return body.decode("utf-8", "replace")


def _money(name: str, tokens: int) -> Money | None:
    try:
        return cost(name, Usage(input_uncached=tokens))
    except (MoneyError, CatalogError):
        return None


def _price(name: str, tokens: int) -> str:
    found = _money(name, tokens)
    return "unknown" if found is None else str(found)


def _fields(name: str, found: TokenCount) -> dict[str, object]:
    price = _money(name, found.tokens)
    return {
        "model": name,
        "tokens": found.tokens,
        "low": found.low,
        "high": found.high,
        "method": found.method,
        "price_usd": None if price is None else str(price.usd),
    }


def _count_file(data: Path, out: Path) -> None:
    """Counts the rows of a file one by one; memory does not grow with it."""
    console = errors_console()
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} requests"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    noted = 0
    try:
        with progress, out.open("w", encoding="utf-8") as lines:
            task = progress.add_task("counting", total=None)
            for number, row in rows(data):
                counted: Counted = count_row(row, number)
                noted += bool(counted.note)
                lines.write(counted.line() + "\n")
                progress.advance(task)
    except OSError as error:
        reason = (error.strerror or str(error) or "unreadable").lower()
        raise typer.BadParameter(
            f"`{error.filename or data}` cannot be used: {reason}", param_hint="--data / --out"
        ) from None
    except (ValueError, EOFError) as error:
        raise typer.BadParameter(f"`{data}`: {error}", param_hint="--data") from None
    if noted:
        console.print(f"{noted} requests could not be read and were counted as text; their lines have a `note`")
