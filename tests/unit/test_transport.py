"""The transport against real sockets: what left, what came, and what never gets in.

`transports` lists the implementations; each one passes the same tests.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import TransportError
from turnout.lab import Lab, LabSettings
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.providers.httpx2_transport import Httpx2Transport
from turnout.providers.secret import Secret
from turnout.providers.transport import (
    BodyDecoder,
    BodyLimits,
    BodyRefused,
    HttpRequest,
    MaybeSent,
    NotSent,
    Transport,
    TransportName,
    TransportTimeout,
    host_of,
    is_loopback,
    open_transport,
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LIMITS = BodyLimits(decoded_bytes=1_000_000, ratio=200, ratio_from_bytes=100_000)
CANARY = "sk-canary-0123456789"


@pytest.fixture(params=[Httpx2Transport, AiohttpTransport], ids=["httpx2", "aiohttp"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made = request.param(limits=LIMITS, connect_timeout_s=0.2)
    yield made
    await made.aclose()


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab(LabSettings(speed=1000)) as running:
        yield running


@asynccontextmanager
async def raw_server(serve: Serve) -> AsyncIterator[str]:
    """A server of which the test writes every byte; each connection is closed at the end."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            head += await reader.readexactly(int(value))
    return head


def answering(*answers: bytes) -> Serve:
    """Serves these answers, byte for byte, on each connection, and then closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            writer.write(answer)
            await writer.drain()

    return serve


def with_length(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(url: str, *, stream: bool = False, headers: tuple[tuple[str, str | Secret], ...] = ()) -> HttpRequest:
    body = {"model": "gpt-5", "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    return HttpRequest("POST", url, (("content-type", "application/json"), *headers), json.dumps(body).encode())


def chat(lab: Lab, fault: str | None = None, *, stream: bool = False) -> HttpRequest:
    return ask(f"{lab.url_for('openai', fault)}/chat/completions", stream=stream)


async def drain(transport: Transport, request: HttpRequest, deadline_s: float = 5.0) -> bytes:
    async with transport.stream(request, deadline_s) as stream:
        parts = []
        while part := await stream.read():
            parts.append(part)
        assert await stream.read() == b""
        return b"".join(parts)


async def failure(transport: Transport, request: HttpRequest, *limits: float) -> TransportError:
    """Sends whole and as a stream, and returns the error, which must be of one sort.

    A kept connection that the server has closed since is no error of the request, which goes out once more.
    """
    errors: list[TransportError] = []
    while len(errors) < 2:
        with pytest.raises(TransportError) as caught:
            if not errors:
                await transport.send(request, *(limits or (5.0,)))
            else:
                async with transport.stream(request, *(limits or (5.0,))) as stream:
                    while await stream.read():
                        pass
        if errors and isinstance(caught.value, MaybeSent) and caught.value.stale_connection:
            continue
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    return errors[0]


# What goes well.


async def test_a_whole_answer(transport: Transport, lab: Lab) -> None:
    answer = await transport.send(chat(lab), 5.0)
    assert answer.status == 200
    assert dict(answer.headers)["content-type"] == "application/json"
    assert json.loads(answer.body)["object"] == "chat.completion"


async def test_a_stream_ends_cleanly(transport: Transport, lab: Lab) -> None:
    assert (await drain(transport, chat(lab, stream=True))).endswith(b"data: [DONE]\n\n")


async def test_connections_are_kept(transport: Transport, lab: Lab) -> None:
    for _ in range(5):
        await transport.send(chat(lab), 5.0)
        await drain(transport, chat(lab, stream=True))
    assert lab.counters.connections == 1


async def test_an_error_status_is_an_answer(transport: Transport, lab: Lab) -> None:
    answer = await transport.send(chat(lab, "429"), 5.0)
    assert answer.status == 429
    assert dict(answer.headers)["retry-after"] == "1"


async def test_a_secret_header_arrives_revealed(transport: Transport, lab: Lab) -> None:
    request = ask(
        f"{lab.base_url}/v1/chat/completions", headers=(("Authorization", Secret(CANARY).prefixed("Bearer ")),)
    )
    await transport.send(request, 5.0)
    seen = dict(lab.seen[-1].headers)
    assert seen["authorization"] == f"Bearer {CANARY}"
    assert seen["accept-encoding"] == "gzip, deflate"
    assert lab.seen[-1].body == request.body
    assert CANARY not in repr(request) + repr(lab.seen[-1])


async def test_frames_come_one_by_one(transport: Transport) -> None:
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    async with raw_server(serve) as url, transport.stream(ask(url), 5.0) as stream:
        assert await stream.read() == b"one"
        go_on.set()
        assert await stream.read() == b"two"
        assert await stream.read() == b""


async def test_compressed_answers_are_decoded(transport: Transport) -> None:
    text = b"x" * 5000
    for encoding, body in (("gzip", gzip.compress(text)), ("deflate", zlib.compress(text)), ("identity", text)):
        async with raw_server(answering(with_length(body, f"content-encoding: {encoding}"))) as url:
            assert (await transport.send(ask(url), 5.0)).body == text


async def test_redirects_are_not_followed_and_cookies_not_kept(transport: Transport) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await read_request(reader))
            writer.write(with_length(b"", "location: http://127.0.0.1:9/", "set-cookie: a=b", status="307 Moved"))

    async with raw_server(serve) as url:
        for _ in range(2):
            assert (await transport.send(ask(url), 5.0)).status == 307
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


@pytest.mark.parametrize("name", ["httpx2", "fast"])
async def test_one_transport_serves_loop_after_loop(name: TransportName) -> None:
    made = open_transport(name=name)

    async def once() -> int:
        async with Lab(LabSettings(speed=1000)) as lab:
            status = (await made.send(chat(lab), 5.0)).status
            await made.aclose()
            return status

    assert [await asyncio.to_thread(lambda: asyncio.run(once())) for _ in range(2)] == [200, 200]


# What never left.


async def test_a_refused_connection_was_not_sent(transport: Transport) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = await failure(transport, ask(f"http://127.0.0.1:{held.getsockname()[1]}/secret/path"))
    assert isinstance(error, NotSent)
    assert (error.kind, error.may_have_been_sent) == ("refused", False)
    assert error.host in str(error)
    assert "secret" not in str(error)


async def test_a_name_without_address_was_not_sent(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_address(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    error = await failure(transport, ask("http://no-such-host.invalid/"))
    assert isinstance(error, NotSent)
    assert error.kind == "dns"


async def test_a_failed_tls_handshake_was_not_sent(transport: Transport, lab: Lab) -> None:
    error = await failure(transport, ask(lab.base_url.replace("http:", "https:")))
    assert isinstance(error, NotSent)
    assert error.kind == "tls"
    assert lab.counters.requests() == 0


async def test_a_connection_that_never_opens_was_not_sent(transport: Transport) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        error = await failure(transport, ask(f"http://127.0.0.1:{full.getsockname()[1]}/"))
        for filler in fillers:
            filler.close()
    assert isinstance(error, TransportTimeout)
    assert (error.phase, error.may_have_been_sent) == ("connect", False)


async def test_a_tls_handshake_that_hangs_was_not_sent(transport: Transport) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with raw_server(silent) as url:
        error = await failure(transport, ask(url.replace("http:", "https:")), 5.0, 0.1)
    assert isinstance(error, TransportTimeout)
    assert (error.phase, error.may_have_been_sent) == ("connect", False)


@pytest.mark.parametrize(
    "value", [f"{CANARY}\n", f"{CANARY}\r\nx: y", f"{CANARY}\0", f"{CANARY}\N{SNOWMAN}", f" {CANARY}"]
)
async def test_a_header_that_http_cannot_carry_is_named_but_not_shown(
    transport: Transport, lab: Lab, value: str
) -> None:
    with pytest.raises(NotSent) as caught:
        await transport.send(ask(lab.base_url, headers=(("X-Api-Key", value),)), 5.0)
    assert caught.value.kind == "request"
    assert "`x-api-key`" in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert lab.counters.connections == 0


@pytest.mark.parametrize(
    "url", ["", "ftp://h/", "/v1/messages", "http://", "http://[::1", "http://user:sk-canary@h/", "http://h:x/"]
)
async def test_a_url_that_is_none_is_refused(transport: Transport, url: str) -> None:
    with pytest.raises(NotSent) as caught:
        await transport.send(ask(url), 5.0)
    assert caught.value.kind == "request"
    assert "canary" not in str(caught.value)


# What may have left.


async def test_a_reset_may_have_been_sent(transport: Transport, lab: Lab) -> None:
    error = await failure(transport, chat(lab, "reset"))
    assert isinstance(error, MaybeSent)
    assert (error.kind, error.may_have_been_sent, error.stale_connection) == ("reset", True, False)


async def test_a_connection_closed_unanswered_may_have_been_sent(transport: Transport) -> None:
    async with raw_server(answering(b"")) as url:
        error = await failure(transport, ask(url))
    assert isinstance(error, MaybeSent)
    assert (error.kind, error.stale_connection) == ("closed", False)


async def test_a_kept_connection_that_dies_is_told_apart(transport: Transport) -> None:
    async with raw_server(answering(with_length(b"ok"), b"")) as url:
        assert (await transport.send(ask(url), 5.0)).body == b"ok"
        with pytest.raises(MaybeSent) as caught:
            await transport.send(ask(url), 5.0)
    assert caught.value.stale_connection


async def test_an_answer_that_is_not_http_may_have_been_sent(transport: Transport) -> None:
    async with raw_server(answering(b"SSH-2.0-hello\r\n\r\n")) as url:
        error = await failure(transport, ask(url))
    assert isinstance(error, MaybeSent)
    assert error.kind == "protocol"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cut_answer_is_truncated_never_short(transport: Transport, lab: Lab, stream: bool) -> None:
    error = await failure(transport, chat(lab, "cut", stream=stream))
    assert isinstance(error, MaybeSent)
    assert error.kind == "truncated"


async def test_a_compressed_body_without_its_end_is_truncated(transport: Transport) -> None:
    body = gzip.compress(b"hello" * 100)[:-9]
    async with raw_server(answering(with_length(body, "content-encoding: gzip"))) as url:
        error = await failure(transport, ask(url))
    assert isinstance(error, MaybeSent)
    assert error.kind == "truncated"


# Deadlines.


async def test_a_stalled_head_ends_at_the_first_byte_timeout(transport: Transport, lab: Lab) -> None:
    error = await failure(transport, chat(lab, "stall"), 5.0, 0.05)
    assert isinstance(error, TransportTimeout)
    assert (error.phase, error.may_have_been_sent) == ("first_byte", True)


async def test_a_stalled_head_ends_at_the_deadline(transport: Transport, lab: Lab) -> None:
    error = await failure(transport, chat(lab, "stall"), 0.05, 3.0)
    assert isinstance(error, TransportTimeout)
    assert (error.phase, error.may_have_been_sent) == ("total", True)


async def test_a_dribbling_body_ends_at_the_deadline(transport: Transport) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"1\r\n.\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with raw_server(dribble) as url:
        error = await failure(transport, ask(url), 0.15, 0.1)
    assert isinstance(error, TransportTimeout)
    assert error.phase == "total"


async def test_a_deadline_that_has_passed_sends_nothing(transport: Transport, lab: Lab) -> None:
    error = await failure(transport, chat(lab), -1.0)
    assert isinstance(error, TransportTimeout)
    assert lab.counters.requests() == 0


# What never gets in.


@pytest.mark.parametrize("as_stream", [False, True])
async def test_a_bomb_is_refused_before_it_grows(transport: Transport, as_stream: bool) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 300_000
    async with raw_server(answering(with_length(bomb, "content-encoding: gzip"))) as url:
        tracemalloc.start()
        with pytest.raises(BodyRefused) as caught:
            await (drain(transport, ask(url)) if as_stream else transport.send(ask(url), 5.0))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught.value.kind in ("bomb", "too_large")
    assert peak < 5 * LIMITS.decoded_bytes


async def test_a_body_beyond_the_cap_is_refused(transport: Transport) -> None:
    async with raw_server(answering(with_length(b"x" * (LIMITS.decoded_bytes + 1)))) as url:
        error = await failure(transport, ask(url))
    assert isinstance(error, BodyRefused)
    assert error.kind == "too_large"


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"x"), ("gzip, gzip", b"x"), ("gzip", b"not gzip at all"), ("deflate", b"\xff" * 9)]
)
async def test_an_encoding_that_cannot_be_undone_is_refused(transport: Transport, encoding: str, body: bytes) -> None:
    async with raw_server(answering(with_length(body, f"content-encoding: {encoding}"))) as url:
        error = await failure(transport, ask(url))
    assert isinstance(error, BodyRefused)
    assert error.kind == "encoding"


@given(st.binary(max_size=3000), st.lists(st.integers(1, 700), max_size=8))
def test_a_compressed_body_decodes_alike_however_it_is_cut(text: bytes, cuts: list[int]) -> None:
    wire = gzip.compress(text)
    decoder = BodyDecoder("gzip", BodyLimits(), "h")
    decoded, start = b"", 0
    for cut in [*cuts, len(wire)]:
        decoded += decoder.feed(wire[start : start + cut])
        start += cut
    decoder.feed(b"")
    decoder.finish()
    assert decoded == text


# Who closes, and who goes through a proxy.


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0.005)


async def test_leaving_a_stream_closes_it_upstream(transport: Transport) -> None:
    async with Lab(LabSettings(speed=5)) as lab:
        async with transport.stream(chat(lab, stream=True), 5.0) as stream:
            await stream.read()
        await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)


@pytest.mark.parametrize("fault", ["stall", "stall_first"])
async def test_cancelling_closes_upstream(transport: Transport, lab: Lab, fault: str) -> None:
    task = asyncio.create_task(drain(transport, chat(lab, fault, stream=True)))
    await until(lambda: lab.counters.in_flight == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: lab.counters.closed_by_client == 1 and lab.counters.in_flight == 0)
    assert (await transport.send(chat(lab), 5.0)).status == 200


async def test_loopback_never_goes_through_a_proxy(
    transport: Transport, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await transport.send(chat(lab), 5.0)).status == 200


async def test_other_hosts_go_through_the_environments_proxy(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with raw_server(answering(with_length(b"by proxy"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        assert (await transport.send(ask("http://api.example.com/v1"), 5.0)).body == b"by proxy"
    async with raw_server(answering(with_length(b"", status="407 Proxy Authentication Required"))) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        error = await failure(transport, ask("https://api.example.com/v1"))
    assert isinstance(error, NotSent)
    assert error.kind == "egress"


def test_loopback_is_told_by_name() -> None:
    for url in (
        "http://127.0.0.1:80/",
        "http://127.9.9.9/",
        "https://localhost/",
        "http://a.localhost./",
        "http://[::1]:1/",
    ):
        assert is_loopback(url)
    for url in ("http://127.0.0.1.example.com/", "http://128.0.0.1/", "http://localhost.example.com/", "http://[::2]/"):
        assert not is_loopback(url)
    assert host_of("https://api.example.com:8443/v1?key=x") == "api.example.com:8443"


def test_a_pool_of_a_loop_that_is_gone_is_dropped() -> None:
    made = Httpx2Transport()

    async def use() -> None:
        await made._pool_for("http://127.0.0.1:1/")

    asyncio.run(use())
    asyncio.run(made.aclose())
    assert not made._pools
