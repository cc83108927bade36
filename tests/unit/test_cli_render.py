"""What the command line makes of figures and of text that came from elsewhere."""

import io

import pytest
from rich.console import Console

from turnout.cli import render
from turnout.cli.demo_report import asked_text, effort_of
from turnout.cli.run_tests import difference
from turnout.lab.corpus import DemoRequest
from turnout.ledger import AttemptRecord, CallRecord


@pytest.mark.parametrize(
    ("picos", "shown"),
    [
        (None, "unknown"),
        (0, "$0"),
        (1, "$0.00000000000100"),
        (30_700_000, "$0.0000307"),
        (19_060_000_000, "$0.0191"),
        (999_999_999_999, "$1.00"),
        (1_234_567_890_000_000, "$1,234.57"),
    ],
)
def test_money_shows_what_counts(picos: int | None, shown: str) -> None:
    assert render.money(picos) == shown


def test_a_terminal_cannot_be_driven_by_text() -> None:
    assert render.printable("a\x1b[31mb\r\n\tc\u202ed\ud83d") == "a\ufffd[31mb\n\tc\ufffdd\ufffd"
    family = "\U0001f469\u200d\U0001f467"
    assert render.printable(family) == family


def test_one_line_is_one_line() -> None:
    assert render.shown_in_one_line("a\n b\t c", 10) == "a b c"
    assert render.shown_in_one_line("x" * 50, 10) == "x" * 9 + "\u2026"
    assert render.shown_in_one_line(" " * 1_000_000, 10) == "\u2026"


def test_tables_fold_and_do_not_cut() -> None:
    console = Console(file=(out := io.StringIO()), width=30, markup=False)
    console.print(render.table(["a", "n", "text"], [["x", "12345", "long " * 12]], right=[1]))
    assert out.getvalue().count("long") == 12
    assert "12345" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 30


def test_what_a_locale_cannot_say_is_replaced() -> None:
    ascii_console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert render.mark(ascii_console, "\N{CHECK MARK}", "ok") == "ok"
    assert render.ticks(ascii_console, holds=False).plain == "x"


def test_a_failing_test_is_shown_beside_what_was_seen() -> None:
    lines = difference('model == "opus" and cost.p90 <= $1', "rule `a, b`, model `haiku`, cost.p90 $0.5")
    plain = [line.plain.strip() for line in lines]
    assert plain == [
        'expected  model == "opus" and cost.p90 <= $1',
        "saw       rule = `a, b`",
        "model = `haiku`",
        "cost.p90 = $0.5",
    ]
    asked = [line for line in lines[1:] if any("yellow" in str(span.style) for span in line.spans)]
    assert [line.plain.split()[0] for line in asked] == ["model", "cost.p90"]


def record(*attempts: tuple[str, str]) -> CallRecord:
    rows = tuple(AttemptRecord(place, name, name, outcome) for place, (name, outcome) in enumerate(attempts, 1))
    return CallRecord("c", 1, "p", "k", attempts[-1][1], attempts=rows)


def test_effort_tells_retries_from_fallbacks_from_escalations() -> None:
    effort = effort_of(record(("a", "overloaded"), ("a", "connect"), ("b", "refused"), ("c", "complete")))
    assert (effort.retries, effort.fallbacks, effort.escalations) == (1, 1, 1)
    assert effort_of(record(("a", "complete"))) == type(effort)(0, 0, 0)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("  hi ", "hi"),
        (b"not json", ""),
        (b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}', "a"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url"}]}]}, "x"),
        ({"messages": "none"}, ""),
        (b"[]", ""),
    ],
)
def test_the_users_words_are_found(body: str | bytes | dict[str, object], text: str) -> None:
    assert asked_text(DemoRequest("x", "x", body, {}, False)) == text
