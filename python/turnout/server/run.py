"""Runs a gateway until it is told to stop: what `turnout serve` does behind its arguments."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from turnout.errors import TurnoutError
from turnout.server.app import Gateway

if TYPE_CHECKING:
    import uvicorn

__all__ = ["config_for", "run_gateway"]

_DRAIN_S: Final = 30
"""How long calls under way may take to end once the gateway is told to stop."""
_BACKLOG: Final = 2_048
_IDLE_S: Final = 75
"""Longer than the usual proxies keep a connection, so that it is they who close it."""


def run_gateway(make: Callable[[], Gateway], host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM comes; calls under way then end first, for a while.

    Args:
        make: Makes what serves; called on the event loop.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        announce: Called with the gateway's URL, once it listens.

    Raises:
        TurnoutError: `serve-start`: it cannot listen there, or cannot open what it needs; or what `make` raises.
    """
    import uvloop

    with _listen(host, port) as listening, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(make, listening, announce))


async def _serve(make: Callable[[], Gateway], listening: socket.socket, announce: Callable[[str], None]) -> None:
    import uvicorn

    gateway = make()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                announce(_url(listening))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            gateway.drain()
            await super().shutdown(sockets)

    server = Server(config_for(gateway))
    await server.serve(sockets=[listening])
    if not server.started:
        raise TurnoutError("serve-start", "the gateway could not be started", "its log says why")


def config_for(gateway: Gateway, *, drain_s: int = _DRAIN_S) -> uvicorn.Config:
    """Returns how uvicorn serves a gateway.

    Args:
        gateway: What it serves.
        drain_s: How long calls under way may take to end once it is told to stop.
    """
    import uvicorn

    from turnout.server.protocol import BoundedProtocol

    return uvicorn.Config(
        gateway,
        http=BoundedProtocol,
        lifespan="on",
        ws="none",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=drain_s,
    )


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        reason = (error.strerror or "it failed").lower()
        raise TurnoutError(
            "serve-start", f"cannot listen on {host}:{port}: {reason}", "choose another `--port`; 0 takes a free one"
        ) from error
    return listening
