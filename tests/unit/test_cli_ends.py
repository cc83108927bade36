"""How commands end when the machine, and not Turnout, is at fault; and seeds out of range."""

import io
import sys

import pytest
from rich.console import Console

from turnout.cli.app import run
from turnout.cli.demo_screen import _time


class Full(io.StringIO):
    """A stream to a disk without room."""

    def write(self, text: str, /) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    assert run(["--version"]) == 2
    sys.stdout.close()
    shown = capsys.readouterr().err
    assert "no space left on device" in shown
    assert "fault of Turnout" not in shown


@pytest.mark.parametrize("seed", ["-1", str(2**64)])
@pytest.mark.parametrize(
    "command", [["decide", "balanced", "-p", "hi"], ["explain", "balanced", "-p", "hi"], ["demo"], ["lab"]]
)
def test_seeds_have_bounds(command: list[str], seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--seed", seed]) == 2
    assert "--seed" in capsys.readouterr().err


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "12 us"), ("utf-8", "12 \N{MICRO SIGN}s")])
def test_microseconds_on_any_terminal(encoding: str, shown: str) -> None:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert _time(console, {"p50": 12}, "p50") == shown
