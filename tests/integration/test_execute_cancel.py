"""A call that is cancelled at any step leaves one row, no connection, and a router that goes on (RELIABILITY F83)."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from tests.integration.execute_kit import on_lab, policy, read, until

from turnout.lab import Lab, LabSettings
from turnout.ledger import Ledger


def holds(ledger: Ledger, rows: int) -> bool:
    return ledger.count() == rows


@pytest.mark.parametrize("carrier", ["http", "sdk"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_cancelling_at_any_step(carrier: str, streams: bool, tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger")
    ended_by_themselves = cancelled = 0
    async with Lab(LabSettings(speed=1000)) as lab, on_lab(lab, policy("claude"), ledger, carrier) as router:
        for step in range(1, 120, 2):
            before = ledger.count()
            work = read(router, "hello there") if streams else router.complete("hello there")
            task: asyncio.Task[object] = asyncio.create_task(work)
            for _ in range(step):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
                ended_by_themselves += 1
            except asyncio.CancelledError:
                cancelled += 1
            # Cancelled while its row was being written, a call does not wait for that; the row comes all the same.
            await until(partial(holds, ledger, before + 1))
        await until(lambda: lab.counters.in_flight == 0)
        assert (await router.complete("hello there")).accepted
    assert cancelled > 20
    await until(lambda: lab.counters.open_connections == 0)
    await ledger.close()
