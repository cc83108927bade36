"""What the suites of execution share: a policy over two providers, a router on the lab, and raw streams."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import anthropic

from turnout import Policy, Router, parse_policy
from turnout.lab import Lab
from turnout.ledger import Ledger

CLAUDE, GPT, TOP = "claude-haiku-5-5", "gpt-6-luna", "claude-opus-5-5"
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-CANARYKEY-0123456789", "OPENAI_API_KEY": "sk-CANARYKEY-9876543210"}
# No TLS on loopback; reading the system's authorities for each client would take most of the suite's time.
PLAIN = partial(anthropic.DefaultAsyncHttpxClient, verify=False, trust_env=False)

_POLICY = """
turnout: 1
name: kit
models:
  claude: anthropic/claude-haiku-5-5
  gpt: openai/gpt-6-luna
  top: anthropic/claude-opus-5-5
otherwise: {{ from: [{pool}], prefer: in_order }}
accept: [complete, not_empty, not_refused, valid_json]
escalate: {{ at_most: 1 }}
run: {{ deadline: {deadline}, ttft: {ttft}, attempts: {attempts}{run} }}
"""


def policy(
    pool: str = "claude, gpt", deadline: str = "5s", ttft: str = "2s", attempts: int = 3, run: str = ""
) -> Policy:
    run = f", {run}" if run else ""
    return parse_policy(_POLICY.format(pool=pool, deadline=deadline, ttft=ttft, attempts=attempts, run=run))


def urls(lab: Lab, rules: Policy | None = None) -> dict[str, str]:
    """The lab's address for each provider of a policy."""
    return {name: lab.url_for(name) for name in set((rules or policy()).providers.values())}


@asynccontextmanager
async def on_lab(
    lab: Lab, rules: Policy | None = None, ledger: str | Path | Ledger | None = None, carrier: str = "http"
) -> AsyncIterator[Router]:
    """A router whose providers are the lab; `sdk` carries Anthropic's calls through the host program's client."""
    clients: Mapping[str, object] = {}
    async with PLAIN() as http:
        if carrier == "sdk":
            clients = {
                "anthropic": anthropic.AsyncAnthropic(
                    base_url=lab.url_for("anthropic"), api_key=KEYS["ANTHROPIC_API_KEY"], http_client=http
                )
            }
        router = Router(rules or policy(), clients=clients, ledger=ledger, environ=KEYS, base_urls=urls(lab, rules))
        async with router:
            yield router


async def read(router: Router, request: str | dict[str, object], pieces: list[str] | None = None) -> str:
    """The text of a whole stream; what came is in `pieces` also if it breaks."""
    pieces = [] if pieces is None else pieces
    async with router.stream(request) as stream:
        async for event in stream:
            pieces.append(event.text)
    return "".join(pieces)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A raw server on loopback; yields its address, and leaves no socket behind."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await handle(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def raw_provider(*chunks: bytes, then: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A server whose every answer is a stream of these bytes; then it sends pings (`ping`), or just stops (`close`).

    Yields its address, and a list that grows by one for each connection that the client closed.
    """
    gone: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for chunk in chunks:
            writer.write(chunk)
        try:
            while then == "ping" and await _stays(reader, 0.02):
                writer.write(b": still here\n\n")
                await writer.drain()
        finally:
            if then == "ping":
                gone.append("client")

    async with serving(handle) as address:
        yield address, gone


async def _stays(reader: asyncio.StreamReader, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while await reader.read(65536):
                pass
    except TimeoutError:
        return True
    return False
