"""What the bench of the gateway measures, each in a process of its own: `served.py KIND UPSTREAM`.

`passthrough` moves bytes between the same server and the same transport, and does nothing else; `gateway` decides,
executes and answers; `ledger` keeps the records too; `limits` counts and keeps. Prints its address and serves until it
is stopped.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

import uvicorn

from turnout import Router, parse_policy
from turnout.providers.transport import HttpRequest, open_transport
from turnout.server import Gateway, Settings
from turnout.server.http import Receive, Scope, Send

POLICY = """
turnout: 1
name: bench
models:
  luna: openai/gpt-6-luna
  haiku: anthropic/claude-haiku-5-5
otherwise: { from: [luna, haiku], prefer: in_order }
"""
LIMITS = "limits: [{ name: all, requests: 1000000/s }]\n"
KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}


class Passthrough:
    """Sends each body on as it came, and each answer back."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/chat/completions"
        self._transport = open_transport(name="fast")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._transport.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await receive())["body"]
        headers = (("content-type", "application/json"), ("authorization", "Bearer k"))
        request = HttpRequest("POST", self._url, headers, body)
        if b'"stream":true' in body:
            async with self._transport.stream(request, 30.0) as stream:
                told = [(b"content-type", b"text/event-stream")]
                await send({"type": "http.response.start", "status": stream.status, "headers": told})
                while piece := await stream.read():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            return
        answer = await self._transport.send(request, 30.0)
        told = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": answer.body})


def app_of(kind: str, url: str, folder: Path) -> object:
    if kind == "passthrough":
        return Passthrough(url)
    policy = parse_policy(POLICY + (LIMITS if kind == "limits" else ""))
    ledger = folder / "ledger.sqlite" if kind in ("ledger", "limits") else None
    return Gateway(Router(policy, environ=KEYS, base_urls={"openai": url}, ledger=ledger, transport="fast"), Settings())


def main() -> None:
    kind, url = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        config = uvicorn.Config(
            app_of(kind, url, Path(folder)),  # type: ignore[arg-type]
            http="httptools",
            loop="uvloop",
            lifespan="on",
            ws="none",
            log_config=None,
            server_header=False,
            date_header=False,
        )
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
