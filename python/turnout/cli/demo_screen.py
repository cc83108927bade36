"""How the demo's report looks on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from turnout.cli.demo_report import NEXT
from turnout.cli.render import cells, count, field, heading, mark, money, shown_in_one_line, table, ticks

__all__ = ["show_report"]

_MOST_ERRORS: Final = 6
_MESSAGE_CHARS: Final = 100


def show_report(console: Console, report: Mapping[str, object]) -> None:
    """Prints the report from top to bottom."""
    for part in (_examples, _models, _rules, _figures, _ledger, _next):
        console.print()
        console.print(part(console, report))


def _map(report: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = report.get(name)
    return found if isinstance(found, dict) else {}


def _rows(report: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    found = report.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _int(row: Mapping[str, object], name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else 0


def _share(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    return f"{100 * value:.0f}%" if isinstance(value, int | float) else "-"


def _examples(console: Console, report: Mapping[str, object]) -> RenderableType:
    lines: list[RenderableType] = [heading("some of the decisions")]
    arrow = mark(console, "\N{RIGHTWARDS ARROW}", "->")
    for each in _rows(report, "examples"):
        because = field(each, "because")
        lines.append(Text(f'  "{field(each, "prompt")}"', no_wrap=True, overflow="ellipsis"))
        decided = Text.assemble(
            f"{arrow} ",
            (field(each, "model"), "bold green"),
            " by rule ",
            (field(each, "rule"), "bold"),
            f"{because and f' ({because})'}, expected {money(_int(each, 'expected_cost_usd_picos'))}",
        )
        lines.append(_indented(decided, 4))
    return Group(*lines)


def _models(_console: Console, report: Mapping[str, object]) -> RenderableType:
    rows = [
        cells(
            Text(field(row, "model"), style="cyan"),
            count(_int(row, "requests")),
            _share(row, "share"),
            count(_int(row, "input_tokens")),
            count(_int(row, "output_tokens")),
            money(_int(row, "cost_usd_picos")),
            _share(row, "cost_share"),
        )
        for row in _rows(report, "models")
    ]
    every = _rows(report, "models")
    total = [sum(_int(row, name) for row in every) for name in ("requests", "input_tokens", "output_tokens")]
    total_cost = money(sum(_int(row, "cost_usd_picos") for row in every))
    sums = ("all", count(total[0]), "", count(total[1]), count(total[2]), total_cost, "")
    rows.append(cells(*(Text(text, style="bold") for text in sums)))
    columns = ["answered by", "requests", "share", "tokens in", "tokens out", "cost", "of cost"]
    return table(columns, rows, right=range(1, 7))


def _rules(_console: Console, report: Mapping[str, object]) -> RenderableType:
    rows = []
    for row in _rows(report, "rules"):
        models = ", ".join(f"{name} {number}" for name, number in _map(row, "models").items())
        cost = money(_int(row, "cost_usd_picos"))
        rows.append(cells(Text(field(row, "rule"), style="cyan"), count(_int(row, "requests")), cost, models))
    return table(["by rule", "requests", "cost", "answered by"], rows, right=[1, 2])


def _figures(console: Console, report: Mapping[str, object]) -> RenderableType:
    rows = [*_money(report), *_speed(console, report), *_failures(report)]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(label, text)
    return grid


def _money(report: Mapping[str, object]) -> Iterator[tuple[str, Text]]:
    cost = _map(report, "cost")
    saved, left_out = cost.get("saved_percent"), _int(cost, "calls_without_price")
    is_saving = isinstance(saved, float) and saved > 0
    yield (
        "cost",
        Text.assemble(
            (money(_int(cost, "cost_usd_picos")), "bold"),
            f" against {money(_int(cost, 'strongest_usd_picos'))} for the strongest, ",
            f"`{field(cost, 'strongest_model')}`, every time: ",
            (f"{saved}% saved", "bold green" if is_saving else ""),
            (f" ({_plural(left_out, 'call')} left out: no whole answer to price)" if left_out else "", "dim"),
        ),
    )


def _speed(console: Console, report: Mapping[str, object]) -> Iterator[tuple[str, Text]]:
    times = _map(report, "decision_us")
    largest = count(_int(report, "largest_request_bytes") / 1000)
    yield (
        "deciding",
        Text.assemble(
            (f"p50 {_time(console, times, 'p50')}", "bold"),
            f", p99 {_time(console, times, 'p99')}, the longest {_time(console, times, 'max')}",
            f"; requests have up to {largest} kB",
        ),
    )
    sdk = field(report, "sdk")
    carried = f"; `{sdk}` through the anthropic SDK, the rest over the transport" if sdk else ""
    yield "calling", Text(f"{field(report, 'seconds')} s over HTTP, {field(report, 'at_once')} at once{carried}")


def _time(console: Console, times: Mapping[str, object], name: str) -> str:
    value = times.get(name)
    us = float(value) if isinstance(value, int | float) else 0.0
    unit = mark(console, "\N{MICRO SIGN}s", "us")
    return f"{us / 1000:.1f} ms" if us >= 1000 else f"{us:.0f} {unit}"


def _failures(report: Mapping[str, object]) -> Iterator[tuple[str, Text]]:
    failures = _map(report, "failures")
    injected = _map(failures, "injected")
    if injected:
        detail = ", ".join(f"{number} x {name}" for name, number in injected.items())
        rescues = [_plural(_int(failures, "fallbacks"), "fallback"), _plural(_int(failures, "retries"), "retry")]
        total, calls = _int(failures, "injected_total"), count(_int(failures, "upstream_requests"))
        yield "failures", Text.assemble((f"{total}", "bold yellow"), f" of {calls} calls: {detail}")
        saved = _plural(_int(failures, "saved_requests"), "request")
        yield "", Text.assemble((f"{saved} saved", "bold green"), f" by {_and(rescues)}")
    else:
        yield "failures", Text("none: the simulated providers were told to behave")
    if escalations := _int(failures, "escalations"):
        yield "", Text(f"{_plural(escalations, 'poor answer')} escalated to a stronger model")


def _indented(text: Text, columns: int = 2) -> Padding:
    return Padding(text, (0, 0, 0, columns), expand=False)


def _plural(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    return f"{number} {word.removesuffix('y')}ies" if word.endswith("y") else f"{number} {word}s"


def _and(parts: Sequence[str]) -> str:
    return " and ".join(part for part in parts if not part.startswith("0 ")) or "nothing"


def _ledger(console: Console, report: Mapping[str, object]) -> RenderableType:
    ledger = _map(report, "ledger")
    is_whole = ledger.get("nothing_lost") is True
    outcomes = ", ".join(f"{number} {name}" for name, number in _map(ledger, "outcomes").items())
    title = "nothing lost" if is_whole else "LOST"
    lines: list[RenderableType] = [
        Text.assemble(
            ticks(console, is_whole),
            " ",
            (title, "bold green" if is_whole else "bold red"),
            f": {count(_int(ledger, 'asked'))} requests asked, {count(_int(ledger, 'records'))} records in the ledger",
        ),
        _indented(Text(f"each with its outcome: {outcomes}")),
    ]
    lost = ledger.get("lost")
    if isinstance(lost, list) and lost:
        lines.append(_indented(Text(f"without a record: {', '.join(map(str, lost))}", style="red")))
    errors = _rows(ledger, "errors")
    for row in errors[:_MOST_ERRORS]:
        tried = row.get("attempts")
        path = ", then ".join(map(str, tried)) if isinstance(tried, list) else ""
        why = "words were out, no ending is invented"
        if row.get("answer_had_begun") is not True:
            why = shown_in_one_line(field(row, "message"), _MESSAGE_CHARS)
        told = f"{field(row, 'id')} got an error: {f'{path}; ' if path else ''}{why}"
        lines.append(_indented(Text(told, style="yellow")))
    if len(errors) > _MOST_ERRORS:
        lines.append(Text(f"  and {len(errors) - _MOST_ERRORS} more; --json lists them", style="yellow"))
    if path := field(ledger, "path"):
        lines.append(Text.assemble(("  the ledger stays at ", "dim"), path))
    return Group(*lines)


def _next(_console: Console, report: Mapping[str, object]) -> RenderableType:
    lines: list[RenderableType] = [heading("what to try next")]
    for command, meaning in NEXT:
        lines.append(Text(f"  {command}", style="cyan", no_wrap=True, overflow="ellipsis"))
        lines.append(_indented(Text(meaning, style="dim"), 6))
    return Group(*lines)
