"""The lab's server: connections, back-pressure, routes, settings, life as a process."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anthropic
import h11
import httpx2
import pytest

from turnout.errors import LabError
from turnout.lab import Lab, LabSettings, SimulatedModel
from turnout.lab.models import DEFAULT_MODELS, model_for

# No TLS on loopback; reading the system's authorities for each client would take most of the suite's time.
PLAIN = partial(anthropic.DefaultAsyncHttpxClient, verify=False, trust_env=False)
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


def claude(lab: Lab, fault: str | None = None, timeout: float = 5.0) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=lab.url_for("anthropic", fault), api_key="sk-any", max_retries=0, timeout=timeout, http_client=PLAIN()
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_client_that_leaves_mid_stream_is_counted() -> None:
    async with Lab(LabSettings(speed=5)) as lab:
        client = claude(lab)
        async with client, client.messages.stream(model="claude-haiku-4-5", max_tokens=99, messages=HELLO) as events:  # type: ignore[arg-type]  # plain dicts
            async for event in events:
                if event.type == "text":
                    break
        await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
        await until(lambda: lab.counters.open_connections == 0)


async def test_a_slow_reader_holds_the_answer_back() -> None:
    wordy = SimulatedModel("*", answer_tokens=150_000)
    async with Lab(LabSettings(speed=math.inf, models=(wordy,))) as lab:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", lab.port))
        reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
        body = json.dumps({"model": "m", "stream": True, "messages": HELLO}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await reader.readexactly(1000)
        await until(lambda: lab.counters.bytes_out > 50_000)
        before = lab.counters.bytes_out
        await asyncio.sleep(0.02)
        assert lab.counters.bytes_out - before < 8_000_000
        assert lab.counters.in_flight == 1
        writer.close()
        await until(lambda: lab.counters.in_flight == 0)


async def test_pipelined_and_kept_connections_do_not_mix(lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port)
    client = h11.Connection(h11.CLIENT)
    for text in ("a", "b"):
        body = json.dumps({"model": text, "messages": HELLO}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    for text in ("a", "b"):
        client.send(h11.Request(method="POST", target="/", headers=[("host", "h"), ("content-length", "0")]))
        client.send(h11.EndOfMessage())
        got = b""
        while True:
            event = client.next_event()
            if event is h11.NEED_DATA:
                client.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Data):
                got += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
        assert json.loads(got)["model"] == text
        client.start_next_cycle()
    writer.close()


async def test_what_is_not_http_is_refused(lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.port)
    writer.write(b"hello there\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_other_routes_say_what_there_is(lab: Lab) -> None:
    async with httpx2.AsyncClient(verify=False, trust_env=False, base_url=lab.base_url) as client:
        assert (await client.get("/")).status_code == 404
        assert "cut_clean" in (await client.post("/f/nope/v1/messages")).json()["faults"]
        assert (await client.get("/lab")).json()["connections"] == 1


async def test_a_taken_port_is_named(lab: Lab) -> None:
    with pytest.raises(LabError) as caught:
        await Lab(LabSettings(port=lab.port)).start()
    assert caught.value.code == "lab-start"
    assert str(lab.port) in str(caught.value)
    with pytest.raises(LabError):
        _ = Lab().base_url
    with pytest.raises(LabError):
        lab.url_for("gemini")
    with pytest.raises(LabError):
        lab.url_for("openai", "nope")


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0"},
        {"host": "example.com"},
        {"speed": 0},
        {"speed": math.nan},
        {"port": 70_000},
        {"retry_after_s": -1},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(LabError) as caught:
        LabSettings(**wrong)
    assert caught.value.code == "lab-setting"


def test_models_are_found_by_pattern() -> None:
    assert model_for("Claude-Haiku-4-5", DEFAULT_MODELS).pattern == "*haiku*"
    assert model_for("nobody-knows-me", DEFAULT_MODELS).pattern == "*"
    assert model_for("x", ()).pattern == "*"


_RUNS = """
import sys
sys.path.insert(0, sys.argv[1])
from turnout.lab import LabSettings, run_lab
seen = run_lab(LabSettings(speed=1000), lambda lab: print(lab.base_url, flush=True))
print(seen.requests(), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_it_runs_as_a_process_until_it_is_told_to_stop(how: signal.Signals) -> None:
    sources = str(Path(__file__).parents[2] / "python")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUNS, sources, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx2.AsyncClient(verify=False, trust_env=False, timeout=5.0) as client:
        body = {"model": "m", "messages": HELLO}
        assert (await client.post(f"{url}/v1/chat/completions", json=body)).status_code == 200
        process.send_signal(how)
        said, complaints = await process.communicate()
    assert (said, complaints, process.returncode) == (b"1\n", b"", 0)
