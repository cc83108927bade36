"""Rows of the catalogue of faults that are about what a call does, not about what a server sends."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator

import pytest
from tests.integration.execute_kit import CLAUDE, GPT, KEYS, on_lab, policy, raw_provider, read, serving, until, urls

from turnout import Engine, Router, parse_policy
from turnout.errors import Malformed, Overloaded, ProviderError, Truncated
from turnout.lab import Lab, LabSettings
from turnout.ledger import CallRecord
from turnout.providers.transport import TransportName


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


@pytest.mark.parametrize("transport", ["httpx2", "fast"])
async def test_a_stale_connection_is_no_attempt(lab: Lab, transport: TransportName) -> None:
    async with Router(policy("gpt"), environ=KEYS, base_urls=urls(lab), transport=transport) as router:
        lab.script(GPT, ["stale"])
        for _ in range(2):
            response = await router.complete("hello there")
            assert [each.outcome for each in response.attempts] == ["complete"]
    assert lab.counters.requests() == 2
    assert lab.counters.connections == 2


async def test_a_slow_reader_holds_the_provider_back() -> None:
    frames = b'data: {"choices":[{"index":0,"delta":{"content":"some words "}}]}\n\n' * 1_000
    sent: list[int] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for _ in range(4_000):
            writer.write(frames)
            sent.append(len(frames))
            await writer.drain()

    async with serving(handle) as address:
        rules = policy("gpt", deadline="60s", ttft="30s")
        async with (
            Router(rules, environ=KEYS, base_urls={"openai": address}) as router,
            router.stream("hello there") as stream,
        ):
            await anext(stream)
            before = 0
            while len(sent) != before:  # until the sockets, and one read, are full
                before = len(sent)
                await asyncio.sleep(0.05)
            assert sum(sent) < 64 << 20
            for _ in range(200_000):
                await anext(stream)
            assert len(sent) > before


_KEYS = """
turnout: 1
name: keys
models:
  gpt:
    use: openai/gpt-6-luna
    deployments:
      - { name: a, key: env:KEY_A }
      - { name: b, key: env:KEY_B }
  nano: { use: openai/gpt-6-luna, key: env:KEY_A }
otherwise: { from: [gpt, nano], prefer: in_order }
run: { attempts: 3 }
"""


async def test_a_limit_on_one_key_spares_its_siblings(lab: Lab) -> None:
    keys = {"KEY_A": "sk-a", "KEY_B": "sk-b"}
    lab.script_key("sk-a", ["429"] * 40)
    async with Router(parse_policy(_KEYS), environ=keys, base_urls={"openai": lab.url_for("openai")}) as router:
        for _ in range(8):
            response = await router.complete("hello there")
            assert response.deployment == "gpt/b"
        # The key's other model is not held to the limit of this one.
        state = router.engine.state
        assert not state.is_healthy("gpt/a", "env:KEY_A", "openai")
        assert state.is_healthy("nano", "env:KEY_A", "openai")
    assert lab.counters.requests(fault="429") == 1


async def test_what_a_provider_says_of_one_more_try_is_obeyed(lab: Lab) -> None:
    lab.script(GPT, ["retry_yes", "ok", "retry_no", "ok"])
    async with on_lab(lab, policy("gpt")) as router:
        response = await router.complete("hello there")
        assert [each.outcome for each in response.attempts] == ["rejected", "complete"]
        with pytest.raises(ProviderError, match="the provider failed"):
            await router.complete("hello there")
    assert lab.counters.requests() == 3


async def test_nothing_is_spliced_after_the_first_content(lab: Lab) -> None:
    lab.script(CLAUDE, ["cut"])
    pieces: list[str] = []
    async with on_lab(lab) as router:
        with pytest.raises(Truncated):
            await read(router, "hello there", pieces)
    assert pieces
    assert lab.counters.requests(GPT) == 0


async def test_one_attempt_is_one_attempt_in_streams_too(lab: Lab) -> None:
    lab.script("*", ["529"] * 4)
    async with on_lab(lab, policy(attempts=1)) as router:
        for streams in (False, True):
            with pytest.raises(Overloaded):
                await (read(router, "hello there") if streams else router.complete("hello there"))
    assert lab.counters.requests() == 2


async def test_a_stream_connects_inside_the_loop_of_attempts(lab: Lab) -> None:
    lab.script(CLAUDE, ["401"])
    async with on_lab(lab) as router, router.stream("hello there") as stream:
        assert stream.model == "gpt"
        assert lab.counters.requests() == 2


async def test_nothing_of_a_failed_attempt_is_in_the_next(lab: Lab) -> None:
    """A first stream opens a message, a block and a tool call that never gets content, and ends."""
    start = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
        b'"model":"old","content":[],"stop_reason":null,"usage":{"input_tokens":999,"output_tokens":1}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":'
        b'{"type":"text","text":""}}\n\n'
    )
    async with raw_provider(start, then="close") as (address, _):
        base_urls = {**urls(lab), "anthropic": address}
        async with (
            Router(policy(), environ=KEYS, base_urls=base_urls) as router,
            router.stream("hello there") as stream,
        ):
            text = "".join([event.text async for event in stream])
        async with Router(policy("gpt"), environ=KEYS, base_urls=urls(lab)) as router:
            alone = await router.complete("hello there")
    assert stream.response is not None
    assert (text, stream.response.usage) == (alone.text, alone.usage)
    assert stream.response.model == "gpt"


async def test_a_stream_of_headings_without_content_is_not_held_for_ever() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        while True:
            writer.write(b": " + b"x" * 65_536 + b"\n\n")
            await writer.drain()

    async with serving(handle) as address:
        rules = policy("gpt", deadline="30s", ttft="20s", attempts=1)
        async with Router(rules, environ=KEYS, base_urls={"openai": address}) as router:
            with pytest.raises(Malformed) as caught:
                await read(router, "hello there")
    assert isinstance(caught.value.record, CallRecord)
    assert caught.value.record.attempts[0].message_code == "held_back"


async def test_a_stream_is_read_as_it_comes() -> None:
    """The first content is there long before the last, and reads are about as many as events (PERFORMANCE 2)."""
    gaps = [asyncio.Event() for _ in range(12)]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for number, gap in enumerate(gaps):
            writer.write(b'data: {"choices":[{"index":0,"delta":{"content":"%d "}}]}\n\n' % number)
            await gap.wait()
        writer.write(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')

    names: tuple[TransportName, ...] = ("httpx2", "fast")
    for name in names:
        for gap in gaps:
            gap.clear()
        async with serving(handle) as address:
            rules = policy("gpt")
            async with (
                Router(rules, environ=KEYS, base_urls={"openai": address}, transport=name) as router,
                router.stream("hello there") as stream,
            ):
                for number, gap in enumerate(gaps):
                    # The next piece is not sent before this one was handed out.
                    assert [event.text for event in await stream.batch()] == [f"{number} "]
                    gap.set()
                assert not [event.text async for event in stream if event.text]


@pytest.mark.parametrize("drains", [True, False])
async def test_who_leaves_closes_the_upstream_or_lets_it_be_read_to_its_end(drains: bool) -> None:
    rules = policy("gpt", run="on_disconnect: drain" if drains else "on_disconnect: cancel")
    async with Lab(LabSettings(speed=20)) as lab, on_lab(lab, rules) as router:
        whole = await router.complete("hello there")
        async with router.stream("hello there") as stream:
            await anext(stream)
        if drains:
            assert stream.record is None
            await until(lambda: stream.record is not None)
        assert stream.record is not None
        await until(lambda: lab.counters.in_flight == 0)
        assert stream.record.outcome == "cancelled"
        attempt = stream.record.attempts[0]
        assert attempt.usage_is_estimated is not drains
        assert (attempt.usage == whole.record.attempts[0].usage) is drains
        assert lab.counters.closed_by_client == (not drains)


async def test_a_router_that_closes_ends_what_drains() -> None:
    rules = policy("gpt", run="on_disconnect: drain")
    async with Lab(LabSettings(speed=1)) as lab:
        async with on_lab(lab, rules) as router:
            async with router.stream("hello there") as stream:
                await anext(stream)
            before = stream.record
        after = stream.record
        assert before is None
        assert after is not None
        assert after.attempts[0].usage_is_estimated
        await until(lambda: lab.counters.closed_by_client == 1)


def _decided(pipe: int, engine: Engine) -> None:
    os.write(pipe, (engine.decide("hello there", now=0, seed=0).model or "").encode())


def test_a_fork_decides_like_its_parent() -> None:
    engine = Engine(policy(), environ=KEYS)
    parent = engine.decide("hello there", now=0, seed=0).model
    out, into = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_decided, args=(into, engine))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert os.read(out, 100).decode() == parent
    os.close(out)
    os.close(into)


def test_an_interpreter_that_ends_with_work_in_flight_ends() -> None:
    program = """
        import asyncio, threading
        from tests.integration.execute_kit import KEYS, policy
        from turnout import SyncRouter
        from turnout.lab import Lab, LabSettings
        ready = threading.Event()
        def serve():
            async def run():
                async with Lab(LabSettings(speed=1)) as lab:
                    serve.lab = lab
                    ready.set()
                    await asyncio.Event().wait()
            asyncio.run(run())
        threading.Thread(target=serve, daemon=True).start()
        ready.wait()
        router = SyncRouter(policy("gpt"), environ=KEYS, base_urls={"openai": serve.lab.url_for("openai")})
        stream = router.stream("hello there").__enter__()
        next(stream)
        print("leaving", flush=True)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.stdout == "leaving\n", ended.stderr
    assert ended.returncode == 0, ended.stderr
