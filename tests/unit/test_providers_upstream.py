"""What an upstream sends, and what of the SDK's ways it keeps or turns off."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from tests.integration.execute_kit import KEYS, PLAIN, policy, serving

from turnout import Engine, _core
from turnout.errors import SecretError
from turnout.lab import Lab, LabSettings
from turnout.providers.anthropic_sdk import AnthropicSdkUpstream
from turnout.providers.headers import headers_for, key_for
from turnout.providers.outcome import outcome_of
from turnout.providers.secret import Secret
from turnout.providers.transport import BodyLimits, BodyRefused, TransportTimeout, open_transport
from turnout.providers.upstream import HttpUpstream, Upstream


def attempt(pool: str = "claude") -> _core.Attempt:
    return Engine(policy(pool), environ=KEYS).decide("hello there").plan.attempts[0]


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


@asynccontextmanager
async def upstream(
    base_url: str, carrier: str, limits: BodyLimits | None = None, **options: Any
) -> AsyncIterator[Upstream]:
    if carrier == "http":
        transport = open_transport(limits)
        yield HttpUpstream(transport, {"anthropic": base_url})
        await transport.aclose()
        return
    async with PLAIN() as http:
        client = anthropic.AsyncAnthropic(base_url=base_url, http_client=http, **{"api_key": "sk-any", **options})
        yield AnthropicSdkUpstream(client, limits)


@asynccontextmanager
async def answering(head: bytes, body: bytes = b"") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives every request the same bytes, and keeps what it was asked."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with serving(handle) as address:
        yield address, asked


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_the_bytes_arrive_as_the_core_wrote_them(lab: Lab, carrier: str) -> None:
    one = attempt()
    body = one.body(stream=False).bytes
    async with upstream(lab.url_for("anthropic"), carrier) as carries:
        answer = await carries.send(one, body, Secret("sk-any"), 5.0)
    assert answer.status == 200
    assert json.loads(answer.body)["type"] == "message"
    assert lab.seen[0].body == body
    headers = dict(lab.seen[0].headers)
    # This SDK sends a key as a bearer token; where it goes is the SDK's to say.
    assert "sk-any" in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer "))
    assert headers["content-type"] == "application/json"
    assert headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_redirects_are_not_followed(carrier: str) -> None:
    async with (
        answering(b"HTTP/1.1 307 Go\r\nlocation: /elsewhere\r\n") as (url, asked),
        upstream(url, carrier) as carries,
    ):
        answer = await carries.send(attempt(), b"{}", Secret("sk-any"), 5.0)
    assert (answer.status, len(asked)) == (307, 1)


@pytest.mark.parametrize("carrier", ["http", "sdk"])
@pytest.mark.parametrize("status", [429, 500, 529, 408])
async def test_an_upstream_tries_once(carrier: str, status: int) -> None:
    head = b"HTTP/1.1 %d No\r\nretry-after: 30\r\nx-should-retry: true\r\n" % status
    async with answering(head, b'{"error":1}') as (url, asked), upstream(url, carrier) as carries:
        answer = await carries.send(attempt(), b"{}", Secret("sk-any"), 5.0)
        async with carries.stream(attempt(), b"{}", Secret("sk-any"), 5.0) as stream:
            assert (stream.status, await stream.read(), await stream.read()) == (status, b'{"error":1}', b"")
    assert (answer.status, answer.body, len(asked)) == (status, b'{"error":1}', 2)
    assert dict(answer.headers)["retry-after"] == "30"


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_an_answer_grows_no_further_than_its_cap(carrier: str) -> None:
    limits = BodyLimits(decoded_bytes=1000)
    async with (
        answering(b"HTTP/1.1 200 OK\r\n", b"x" * 2000) as (url, _),
        upstream(url, carrier, limits) as carries,
    ):
        with pytest.raises(BodyRefused):
            await carries.send(attempt(), b"{}", Secret("sk-any"), 5.0)


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_the_head_has_a_deadline_of_its_own(lab: Lab, carrier: str) -> None:
    async with upstream(lab.url_for("anthropic", "stall"), carrier) as carries:
        body = attempt().body(stream=True).bytes
        for first_byte_s, phase in ((0.05, "first_byte"), (None, "total")):
            with pytest.raises(TransportTimeout) as caught:
                async with carries.stream(attempt(), body, Secret("sk-any"), 0.2, first_byte_s):
                    pass
            assert caught.value.phase == phase


@pytest.mark.parametrize("carrier", ["http", "sdk"])
async def test_what_refuses_connections_was_sent_nothing(carrier: str) -> None:
    async with upstream("http://127.0.0.1:9", carrier) as carries:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each library has its own
            await carries.send(attempt(), b"{}", Secret("sk-any"), 5.0)
    assert outcome_of(caught.value) == "connect"


async def test_a_connection_that_was_closed_for_idleness_is_no_attempt() -> None:
    """The second request finds its kept connection closed, and goes out again on a fresh one."""
    asked = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await reader.read(1)  # the next request's first byte, then the door

    async with serving(handle) as url, upstream(url, "http") as carries:
        for _ in range(3):
            assert (await carries.send(attempt(), b"{}", Secret("sk-any"), 5.0)).body == b"{}"
    assert asked == 3


@pytest.mark.parametrize("reads", [False, True])
async def test_the_middleware_of_the_client_is_kept(lab: Lab, reads: bool) -> None:
    seen: list[int] = []

    async def middleware(request: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        answer = await call_next(request)
        seen.append(answer.status_code)
        if reads:
            await answer.read()
        return answer

    one = attempt()
    async with upstream(lab.url_for("anthropic"), "sdk", middleware=[middleware]) as carries:
        answer = await carries.send(one, one.body(stream=False).bytes, None, 5.0)
        assert json.loads(answer.body)["usage"]
        reader = _core.StreamReader("anthropic-messages")
        async with carries.stream(one, one.body(stream=True).bytes, None, 5.0) as stream:
            while part := await stream.read():
                reader.feed(part)
        assert reader.finish()[1].outcome == "complete"
    assert seen == [200, 200]


async def test_a_client_without_a_key_is_unauthorized(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    async with upstream(lab.url_for("anthropic"), "sdk", api_key=None) as carries:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # the SDK has several ways to say it
            await carries.send(attempt(), b"{}", None, 5.0)
    assert outcome_of(caught.value) == "unauthorized"
    assert lab.counters.requests() == 0


def test_keys_and_headers() -> None:
    one = attempt("gpt")
    with pytest.raises(SecretError) as caught:
        key_for(one, {"OPENAI_API_KEY": " "})
    assert "OPENAI_API_KEY" in str(caught.value)
    key = key_for(one, KEYS)
    assert key is not None
    headers = dict(headers_for(one, key, is_stream=True))
    assert headers["accept"] == "text/event-stream"
    assert "CANARY" not in repr(headers)
    assert "anthropic-version" not in headers
