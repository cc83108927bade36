"""The page of `turnout usage --html`: a table and two plots in one file, with no script and nothing from a network.

Promises: every text from the ledger is escaped. A test breaks it with a name that is markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Final

__all__ = ["page"]

_PICOS_PER_USD: Final = 10**12
_WIDTH, _HEIGHT, _BARS = 720, 180, 12
_STYLE: Final = """body{font:14px system-ui,sans-serif;margin:2em auto;max-width:60em;color:#222}
table{border-collapse:collapse;width:100%}td,th{padding:.3em .6em;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;margin:1em 0}
tr.total{font-weight:bold}rect{fill:#3573b1}text{font-size:11px;fill:#555}"""


def page(document: dict[str, object], days: Sequence[tuple[str, int]]) -> str:
    """Returns the page.

    Args:
        document: What `turnout usage --json` prints.
        days: Each day and what it cost, in pico-USD, in order.
    """
    by = [str(name) for name in _list(document["by"])]
    rows = [row for row in _list(document["rows"]) if isinstance(row, dict)]
    total = document["total"]
    figures = ["calls", "input_tokens", "output_tokens", "cost_usd_picos", "saved_usd_picos"]
    if document.get("against"):
        figures.append("against_usd_picos")
    head = "".join(f"<th>{escape(_title(name))}</th>" for name in [*by, *figures])
    lines = [f"<tr>{_cells(row, by, figures)}</tr>" for row in rows]
    if isinstance(total, dict):
        named: dict[str, object] = {**dict.fromkeys(by, ""), **({by[0]: "total"} if by else {}), **total}
        lines.append(f'<tr class="total">{_cells(named, by, figures)}</tr>')
    top = [(" / ".join(str(row[name]) for name in by) or "all", _int(row["cost_usd_picos"])) for row in rows[:_BARS]]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Turnout usage</title>"
        f"<style>{_STYLE}</style><h1>Usage</h1><h2>Cost by day</h2>{_columns(days)}"
        f"<h2>Cost by {escape(', '.join(by) or 'everything')}</h2>{_bars(top)}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></html>\n"
    )


def _cells(row: dict[str, object], by: Sequence[str], figures: Sequence[str]) -> str:
    names = "".join(f"<td>{escape(str(row[name]))}</td>" for name in by)
    return names + "".join(f"<td>{escape(_shown(name, _int(row[name])))}</td>" for name in figures)


def _columns(days: Sequence[tuple[str, int]]) -> str:
    most = max((picos for _, picos in days), default=0) or 1
    width = _WIDTH / max(1, len(days))
    parts = []
    for at, (day, picos) in enumerate(days):
        height = (_HEIGHT - 20) * picos / most
        title = f"<title>{escape(day)}: {escape(_dollars(picos))}</title>"
        parts.append(
            f'<rect x="{at * width:.1f}" y="{_HEIGHT - 20 - height:.1f}" width="{max(1.0, width - 1):.1f}" '
            f'height="{height:.1f}">{title}</rect>'
        )
    if days:
        parts.append(f'<text x="0" y="{_HEIGHT - 4}">{escape(days[0][0])}</text>')
        parts.append(f'<text x="{_WIDTH}" y="{_HEIGHT - 4}" text-anchor="end">{escape(days[-1][0])}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}</svg>'


def _bars(rows: Sequence[tuple[str, int]]) -> str:
    most = max((picos for _, picos in rows), default=0) or 1
    parts = []
    for at, (name, picos) in enumerate(rows):
        y = at * 22
        width = max(0.0, 360 * picos / most)
        parts.append(f'<text x="200" y="{y + 14}" text-anchor="end">{escape(name[:40])}</text>')
        parts.append(f'<rect x="208" y="{y + 3}" width="{width:.1f}" height="15"></rect>')
        parts.append(f'<text x="{214 + width:.1f}" y="{y + 14}">{escape(_dollars(picos))}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {max(1, len(rows)) * 22}" role="img">{"".join(parts)}</svg>'


def _title(name: str) -> str:
    return name.replace("_usd_picos", "").replace("_", " ")


def _shown(name: str, value: int) -> str:
    return _dollars(value) if name.endswith("_usd_picos") else f"{value:,}"


def _dollars(picos: int) -> str:
    return f"${Decimal(picos) / _PICOS_PER_USD:,.4f}"


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
