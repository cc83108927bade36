"""The main job, end to end: every request leaves a record, and the figures of the report agree with each other."""

import json
from pathlib import Path

import pytest

from turnout.cli import demo_run, main
from turnout.cli.simulate import LabThread
from turnout.lab.corpus import demo_requests
from turnout.ledger import Ledger

FAST = ("--speed", "25")


def demo(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ending:
        main(["demo", *FAST, *arguments])
    out, err = capsys.readouterr()
    assert err == "", "progress in a pipe"
    assert isinstance(ending.value.code, int)
    return ending.value.code, out


def test_nothing_is_lost_and_failures_are_survived(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "ledger.sqlite"
    code, out = demo(capsys, "--json", "--requests", "40", "--keep", str(kept))
    report = json.loads(out)
    assert code == 0, report["ledger"]

    ledger = report["ledger"]
    assert (ledger["asked"], ledger["records"], ledger["lost"]) == (40, 40, [])
    assert ledger["nothing_lost"] is True
    assert sum(ledger["outcomes"].values()) == 40
    assert ledger["path"] == str(kept)
    assert Ledger.open(kept).count() == 40

    failures = report["failures"]
    assert failures["injected_total"] == sum(failures["injected"].values()) >= 1
    assert failures["fallbacks"] >= 1
    assert failures["saved_requests"] >= 1
    assert failures["upstream_requests"] >= 40
    assert ledger["attempts"] >= 40 + failures["fallbacks"] + failures["escalations"]

    for group in ("models", "rules"):
        assert sum(row["requests"] for row in report[group]) == 40
        assert sum(row["share"] for row in report[group]) == pytest.approx(1, abs=0.01)
    spent = sum(row["cost_usd_picos"] for row in report["models"])
    assert spent == sum(row["cost_usd_picos"] for row in report["rules"]) > 0
    assert report["cost"]["calls"] + report["cost"]["calls_without_price"] == 40
    assert report["cost"]["strongest_model"] == "opus"
    assert report["cost"]["saved_percent"] > 0
    times = report["decision_us"]
    assert 0 < times["p50"] <= times["p90"] <= times["p99"] <= times["max"]
    assert 2 <= len(report["examples"]) <= 3
    assert all(each["because"] for each in report["examples"])
    assert len(report["next"]) == 3


def test_without_faults_everybody_gets_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = demo(capsys, "--requests", "24", "--no-faults", "--policy", "cheapest-first")
    assert code == 0
    assert "nothing lost: 24 requests asked, 24 records in the ledger" in out
    assert "none: the simulated providers were told to behave" in out
    assert "got an error" not in out
    assert "\x1b" not in out


def test_a_lost_call_is_said_and_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = demo_run._call

    async def forgetful(router, asked):
        if asked.id == lost:
            return None, RuntimeError("it fell off the train"), False
        return await call(router, asked)

    lost = demo_requests()[3].id
    monkeypatch.setattr(demo_run, "_call", forgetful)
    code, out = demo(capsys, "--requests", "12", "--no-faults")
    assert code == 1
    assert "LOST: 12 requests asked, 11 records in the ledger" in out
    assert f"without a record: {lost}" in out
    assert f"{lost} got an error: it fell off the train" in out


def test_the_users_keys_are_not_used(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-users-own")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://192.0.2.1")
    monkeypatch.setenv("OPENAI_API_KEY", "the-users-own")
    seen: list[tuple[tuple[str, str], ...]] = []
    enter = LabThread.__exit__

    def look(self: LabThread, *error: object) -> None:
        seen.extend(request.headers for request in self.lab.seen)
        enter(self, *error)

    monkeypatch.setattr(LabThread, "__exit__", look)
    assert demo(capsys, "--requests", "12")[0] == 0
    assert len(seen) >= 12
    assert not [headers for headers in seen if "the-users-own" in str(headers)]


def test_a_ledger_that_exists_is_not_added_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "ledger.sqlite"
    kept.touch()
    with pytest.raises(SystemExit) as ending:
        main(["demo", "--keep", str(kept)])
    assert ending.value.code == 2
    assert "exists already" in capsys.readouterr().err
