"""SIGKILL at random instants: no acknowledged row is lost, and what budgets spent is what the rows say."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from turnout.ledger import Ledger
from turnout.ledger.upkeep import verify

_SOURCES = str(Path(__file__).parents[2] / "python")

# One process that has everything imported; each line on its standard input makes it fork a writer.
_NURSERY = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from turnout.ledger import AttemptRecord, CallRecord, Ledger, OpenAttempt

async def call(ledger, name):
    row = OpenAttempt(name, 1, "sent", 60_000, 120_000, "d", "m", reserved_usd_nanos=1_000, scopes=("budget/b",))
    await ledger.begin(row)
    os.write(1, f"begun {name}\\n".encode())
    spent = dict(cost_usd_picos=7_000, time_ms=60_000, settled_usd_nanos=7, scopes=("budget/b",))
    done = AttemptRecord(1, "d", "m", "complete", **spent)
    await ledger.append(CallRecord(name, 60_000, "", "", "complete", model="m", cost_usd_picos=7_000, attempts=(done,)))
    os.write(1, f"done {name}\\n".encode())

async def write(path, number):
    ledger = Ledger.open(path)
    for at in range(1_000_000):
        await asyncio.gather(*(call(ledger, f"{number}-{at}-{each}") for each in range(8)))

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        asyncio.run(write(sys.argv[1], line.strip()))
    os.write(1, f"pid {child}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"dead\\n")
"""


def kills(path: Path, rounds: int, seed: int) -> tuple[int, int]:
    """Kills a writer so many times; returns how many calls were acknowledged, and how many were found lost."""
    dice = random.Random(seed)
    begun: set[str] = set()
    done: set[str] = set()
    with subprocess.Popen(
        [sys.executable, "-c", _NURSERY, str(path), _SOURCES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for number in range(rounds):
            nursery.stdin.write(f"{number}\n")
            nursery.stdin.flush()
            left, child = dice.randrange(1, 120), 0
            for line in nursery.stdout:
                word, _, rest = line.strip().partition(" ")
                if word == "pid":
                    child = int(rest)
                elif word == "dead":
                    break
                elif word in ("begun", "done"):
                    (begun if word == "begun" else done).add(rest)
                    left -= 1
                if left <= 0 and child:
                    time.sleep(dice.random() * 0.002)
                    os.kill(child, signal.SIGKILL)
                    child, left = 0, 1 << 30
            ledger = Ledger.open(path)
            under_way = {each.call_id for each in ledger.open_attempts()}
            with contextlib.closing(sqlite3.connect(path)) as database:
                kept = {call_id for (call_id,) in database.execute("SELECT id FROM calls")}
            assert begun <= under_way | kept, "an acknowledged attempt is lost"
            assert done <= kept, "an acknowledged call is lost"
            assert not under_way & done
            ledger.close_sync()
        nursery.stdin.close()
    ledger = Ledger.open(path)
    lost = ledger.expire(10**15)
    ledger.close_sync()
    return len(done), len(lost)


def holds(path: Path, acknowledged: int, lost: int) -> None:
    ledger = Ledger.open(path)
    assert ledger.open_attempts() == []
    outcomes = Counter({row.key: row.calls for row in ledger.summary("outcome")})
    assert outcomes["lost"] == lost
    assert outcomes["complete"] >= acknowledged
    # Each call counts once: at what it used, or at what it had reserved.
    assert sum(nanos for _, _, nanos in ledger.spent_since(0)) == outcomes["complete"] * 7 + lost * 1_000
    assert verify(path) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forty_kills_lose_nothing(tmp_path: Path) -> None:
    acknowledged, lost = kills(tmp_path / "ledger", 40, 7)
    assert acknowledged > 200
    holds(tmp_path / "ledger", acknowledged, lost)


@pytest.mark.prove
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_thousand_kills_lose_nothing(tmp_path: Path) -> None:
    for at in range(10):
        acknowledged, lost = kills(tmp_path / f"ledger{at}", 100, at)
        holds(tmp_path / f"ledger{at}", acknowledged, lost)
