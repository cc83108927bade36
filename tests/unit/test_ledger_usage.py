"""Usage adds up to the pico-dollar, in every grouping; and the care of a ledger's file."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
import tempfile
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout import load_catalog
from turnout.cli import app
from turnout.cli.usage_price import priced_at
from turnout.errors import LedgerError
from turnout.ledger import AttemptRecord, CallRecord, Ledger, OpenAttempt, TokenCounts, total_of, usage
from turnout.ledger.upkeep import export, vacuum, verify
from turnout.ledger.usage import UsageRow

DAY_MS = 86_400_000
MOST = 2**63 - 1
AMOUNTS = st.none() | st.integers(0, 10**13) | st.integers(MOST - 5, MOST)


@st.composite
def calls(draw: st.DrawFn) -> list[CallRecord]:
    made = []
    for at in range(draw(st.integers(1, 12))):
        cost = draw(AMOUNTS)
        made.append(
            CallRecord(
                id=str(at),
                time_ms=draw(st.integers(0, 4)) * DAY_MS + draw(st.sampled_from([0, 1, DAY_MS - 1])),
                policy_hash="p",
                catalog_hash="c",
                outcome=draw(st.sampled_from(["complete", "truncated"])),
                rule=draw(st.sampled_from(["r", None])),
                model=draw(st.sampled_from(["a", "b", None])),
                deployment="d",
                usage=TokenCounts(*draw(st.lists(st.integers(0, 10**6), min_size=11, max_size=11))),
                cost_usd_picos=cost,
                strongest_cost_usd_picos=draw(AMOUNTS),
                failed_cost_usd_picos=draw(st.integers(0, 10**12)),
                escalated_cost_usd_picos=draw(st.integers(0, 10**12)),
                total_ms=draw(st.integers(0, 10**6)),
                meta_json=json.dumps(draw(st.sampled_from([{}, {"team": "x"}, {"team": "\u00fc'\"", "n": 1}]))),
                attempts=(AttemptRecord(1, "d", "a", "complete", cost_usd_picos=cost),),
            )
        )
    return made


DIMENSIONS = ("day", "model", "rule", "outcome", "meta.team")


@given(calls())
def test_every_grouping_adds_up(made: list[CallRecord]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "l"
        ledger = Ledger.open(path)
        for call in made:
            ledger.append_sync(call)
        ledger.close_sync()
        known = [call.cost_usd_picos for call in made if call.cost_usd_picos is not None]
        for size in range(len(DIMENSIONS)):
            for by in combinations(DIMENSIONS, size):
                rows = usage(path, by)
                whole = total_of(rows)
                assert whole.cost_usd_picos == sum(known)
                assert whole.count("calls") == len(made)
                assert whole.picos("failed") == sum(call.failed_cost_usd_picos for call in made)
                assert whole.input_tokens == sum(call.usage.input_total for call in made)
                assert whole.output_tokens == sum(call.usage.output_total for call in made)
                assert len({row.key for row in rows}) == len(rows)
        by_team = {row.key[0]: row.count("calls") for row in usage(path, ("meta.team",))}
        for team in (None, "x", "\u00fc'\""):
            of_team = [call for call in made if json.loads(call.meta_json).get("team") == team]
            assert by_team.get(team, 0) == len(of_team)
        first = usage(path, ("day",), from_day=1, to_day=2)
        assert total_of(first).count("calls") == sum(1 <= call.time_ms // DAY_MS <= 2 for call in made)
        saved = sum(
            call.strongest_cost_usd_picos - call.cost_usd_picos
            for call in made
            if call.strongest_cost_usd_picos is not None and call.cost_usd_picos is not None
        )
        assert total_of(usage(path)).saved_usd_picos == saved
        assert verify(path) == []


def a_call(call_id: str, day: int = 20_780, model: str = "haiku", team: str = "search") -> CallRecord:
    return CallRecord(
        id=call_id,
        time_ms=day * DAY_MS + 7,
        policy_hash="p",
        catalog_hash="c",
        outcome="complete",
        rule="cheap",
        model=model,
        usage=TokenCounts(input_uncached=2_000, output_text=100),
        cost_usd_picos=1_000_000_007,
        strongest_cost_usd_picos=3_000_000_000,
        failed_cost_usd_picos=5,
        facts_json=json.dumps({"task": "code", "meta.team": team}),
        meta_json=f'{{"team":"{team}"}}',
        attempts=(AttemptRecord(1, "d", model, "complete", cost_usd_picos=1_000_000_007),),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "ledger.sqlite"
    ledger = Ledger.open(where)
    for at in range(30):
        ledger.append_sync(a_call(str(at), 20_770 + at % 10, "<b>" if at % 3 else "haiku", f"team{at % 2}"))
    ledger.close_sync()
    return where


def test_a_counterfactual_prices_the_same_tokens() -> None:
    sums = dict.fromkeys(total_of([]).sums, 0) | {"input_uncached": 3_000_000, "output_text": 1_000}
    catalog = load_catalog()
    picos = priced_at(UsageRow((), sums), "anthropic/claude-haiku-5-5", catalog, 20_780)
    one = priced_at(
        UsageRow((), sums | {"input_uncached": 1_000, "output_text": 0}), "anthropic/claude-haiku-5-5", catalog, 20_780
    )
    out = priced_at(UsageRow((), sums | {"input_uncached": 0}), "anthropic/claude-haiku-5-5", catalog, 20_780)
    assert picos == 3_000 * one + out > 0


def run(*arguments: object) -> int:
    return app.run([str(each) for each in arguments])


def test_the_command_prints_what_adds_up(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("usage", path, "--by", "meta.team,model", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (
        sum(row["cost_usd_picos"] for row in document["rows"]) == document["total"]["cost_usd_picos"] == 30_000_000_210
    )
    assert run("usage", path, "--by", "day", "--csv", "--against", "anthropic/claude-opus-5-5") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(int(row["cost_usd_picos"]) for row in rows) == 30_000_000_210
    assert all(int(row["against_usd_picos"]) > int(row["cost_usd_picos"]) for row in rows)
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)
    page = tmp_path / "page.html"
    assert run("usage", path, "--html", page) == 0
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert "http" not in text
    assert run("usage", path) == 0
    assert "$0.03" in capsys.readouterr().out
    assert run("usage", path, "--since", "2026-11-20", "--by", "day", "--csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 3


@pytest.mark.parametrize(
    "arguments", [("--by", "nonsense"), ("--by", "model,model"), ("--by", "meta.a'b"), ("--since", "yesterday")]
)
def test_what_cannot_be_asked_is_refused(path: Path, arguments: tuple[str, ...]) -> None:
    assert run("usage", path, *arguments) == 2


def test_a_sum_that_was_changed_is_found(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ledger", "verify", path) == 0
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE rollups SET cost_rest_picos = cost_rest_picos + 1 WHERE day = 20773")
        database.execute("DELETE FROM attempts WHERE call_id = '4'")
        database.commit()
    assert run("ledger", "verify", path) == 1
    shown = capsys.readouterr().out
    assert "20773" in shown
    assert "1 calls have not as many attempts" in shown


def test_a_damaged_page_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4_096, len(data), 4_096):
        data[at + 100 : at + 400] = b"\xff" * 300
    path.write_bytes(bytes(data))
    assert any(problem.startswith("damaged") for problem in verify(path))


def test_old_calls_go_and_their_sums_stay(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = total_of(usage(path))
    assert vacuum(path, 4, 20_779) == 18
    assert total_of(usage(path)).sums == whole.sums
    assert verify(path) == []
    assert len(list(export(path))) == 12
    assert run("ledger", "export", path) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert min(line["time_ms"] for line in lines) >= 20_776 * DAY_MS
    assert lines[0]["attempts"][0]["cost_usd_picos"] == 1_000_000_007
    assert run("ledger", "vacuum", path, "--keep", "soon") == 2
    assert run("ledger", "vacuum", path) == 0


def test_no_file_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        usage(tmp_path / "none")
    assert caught.value.code == "ledger-path"
    assert list(tmp_path.iterdir()) == []


def test_what_was_lost_is_settled_once(path: Path) -> None:
    ledger = Ledger.open(path)

    def begun(call_id: str, number: int, lease_until_ms: int) -> OpenAttempt:
        return OpenAttempt(
            call_id,
            number,
            "sent",
            20_780 * DAY_MS,
            lease_until_ms,
            "d",
            "haiku",
            reserved_usd_nanos=1_000,
            scopes=("budget/x",),
        )

    import asyncio

    async def begin() -> None:
        await asyncio.gather(
            ledger.begin(begun("x", 1, 5)), ledger.begin(begun("x", 2, 5)), ledger.begin(begun("y", 1, 50))
        )

    asyncio.run(begin())
    assert [each.id for each in ledger.expire(10)] == ["x-1", "x-2"]
    assert ledger.expire(10) == []
    assert ledger.spent_since(0) == [("budget/x", 20_780 * DAY_MS, 2_000)]
    lost = ledger.get("x")
    assert lost is not None
    assert (lost.outcome, lost.cost_usd_picos, len(lost.attempts)) == ("lost", 2_000_000, 2)
    assert [each.id for each in ledger.open_attempts()] == ["y-1"]
    assert verify(path) == []
    ledger.close_sync()
