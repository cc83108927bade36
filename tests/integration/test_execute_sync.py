"""The router for code without asyncio."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.execute_kit import GPT, KEYS, policy, urls

from turnout import SyncRouter
from turnout.errors import Truncated, TurnoutError
from turnout.lab import Lab, LabSettings
from turnout.ledger import Ledger


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab on a loop and a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = Lab(LabSettings(speed=50))
    asyncio.run_coroutine_threadsafe(running.start(), loop).result()
    yield running
    asyncio.run_coroutine_threadsafe(running.aclose(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_complete_decide_and_stream(lab: Lab, tmp_path: Path) -> None:
    with SyncRouter(policy("gpt"), environ=KEYS, base_urls=urls(lab), ledger=tmp_path / "ledger") as router:
        assert router.decide("hello there").model == "gpt"
        response = router.complete("hello there")
        with router.stream("hello there") as stream:
            assert stream.model == "gpt"
            text = "".join(event.text for event in stream)
        assert text == response.text
        assert stream.record is not None
        assert stream.response is not None
        with router.stream("hello there") as left:
            next(left)
        lab.script(GPT, ["cut"])
        pieces = []
        with pytest.raises(Truncated), router.stream("hello there") as cut:
            for event in cut:
                pieces.append(event.text)
        assert pieces
        assert text.startswith("".join(pieces))
        open_at_close = router.stream("hello there").__enter__()
    assert open_at_close.record is not None
    assert Ledger.open(tmp_path / "ledger").count() == 5
    with pytest.raises(TurnoutError, match="sync-closed"):
        router.complete("hello there")
    router.close()


def test_threads_share_a_router(lab: Lab, tmp_path: Path) -> None:
    with SyncRouter(policy("gpt"), environ=KEYS, base_urls=urls(lab), ledger=tmp_path / "ledger") as router:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: router.complete(f"question {n}"), range(24)))
        assert all(answer.accepted for answer in answers)
    assert Ledger.open(tmp_path / "ledger").count() == 24
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("turnout")]
