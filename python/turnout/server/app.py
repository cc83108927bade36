"""The gateway as an ASGI application: who may ask, and how each request ends.

Promises: each request gets one answer in its client's dialect, whatever is raised; a key is asked for before a body is
read. Refuses: pages of other origins, foreign `Host` headers, other methods. To break it, send each endpoint each wrong
thing, and look for an answer that is none of ours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from traceback import format_tb

from turnout.errors import LedgerError, TurnoutError
from turnout.execute import Router
from turnout.server.caller import key_of
from turnout.server.endpoints import DIALECTS, Service, endpoint_for, trimmed
from turnout.server.errors import Problem, answer_for
from turnout.server.hosts import HostCheck
from turnout.server.http import ClientGone, Receive, Request, Scope, Send, Sender
from turnout.server.keys import KeyRing
from turnout.server.settings import Settings

__all__ = ["Gateway"]

_log = logging.getLogger("turnout.server")


class Gateway:
    """Serves a router's policy to clients of OpenAI Chat, OpenAI Responses and Anthropic Messages.

    Args:
        router: What decides and makes the calls; entered and closed with the server's lifespan.
        settings: How it serves.

    Raises:
        KeyStoreError: The keys cannot be read.
        TurnoutError: `serve-open`: it would be open to other machines without keys.

    Example:
        uvicorn.run(Gateway(Router("policies/balanced.yaml"), Settings(port=8080)))
    """

    def __init__(self, router: Router, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        if settings.keys is None and not settings.is_local:
            raise TurnoutError(
                "serve-open",
                f"without keys, anyone who reaches `{settings.host}` spends your money",
                "make one with `turnout keys create` and name the file with `--keys`, or listen on 127.0.0.1",
            )
        self._service = Service(router, settings)
        self._ring = None if settings.keys is None else KeyRing(settings.keys)
        self._hosts = HostCheck(settings)
        self._following: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the lifespan, as ASGI has it."""
        if scope["type"] == "http":
            await self._answer(Request(scope, receive), Sender(send))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise RuntimeError(f"a scope of the kind {scope['type']} is not served")

    async def start(self) -> None:
        """Opens what serving needs."""
        await self._service.router.__aenter__()
        if self._ring is not None:
            self._following = asyncio.get_running_loop().create_task(
                _follow(self._ring, self._service.settings.keys_every_s)
            )
        self._service.is_ready = True

    def drain(self) -> None:
        """Says from now on that no more requests should come."""
        self._service.is_ready = False

    async def stop(self) -> None:
        """Closes what serving needed, after the last request."""
        self.drain()
        if self._following is not None:
            self._following.cancel()
        await self._service.router.aclose()
        if self._ring is not None:
            self._ring.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except TurnoutError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request, sender: Sender) -> None:
        path = trimmed(request.path)
        dialect = "anthropic-messages" if b"anthropic-version" in request.headers else DIALECTS.get(path)
        try:
            self._hosts.check(request)
            endpoint = endpoint_for(path)
            if ("GET" if request.method == "HEAD" else request.method) != endpoint.method:
                allow = (b"allow", b"GET, HEAD" if endpoint.method == "GET" else endpoint.method.encode())
                raise Problem(405, "method", f"this endpoint takes `{endpoint.method}`", headers=(allow,))
            key = None if endpoint.is_open else key_of(request, self._ring, time.time())
            await endpoint.answer(self._service, request, key, sender)
        except ClientGone:
            return
        except asyncio.CancelledError:
            # A client that hangs up is a `ClientGone`: it is the server that stops, and the task ends with its answer.
            await _refuse(Problem(503, "shutting-down", "the gateway is shutting down"), dialect, sender)
        except TurnoutError as error:
            await _refuse(error, dialect, sender)
        except Exception as error:  # noqa: BLE001  the last line of defence: clients get an answer in their dialect
            # Where it failed, and not its message: that may hold what a client wrote.
            _log.error("a request failed: %s\n%s", type(error).__name__, "".join(format_tb(error.__traceback__)))
            await _refuse(Problem(500, "internal-error", "the gateway failed; its log says why"), dialect, sender)


async def _follow(ring: KeyRing, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            if ring.refresh():
                _log.info("the keys have changed")
        except TurnoutError as error:
            _log.error("%s", error)


async def _refuse(error: TurnoutError, dialect: str | None, sender: Sender) -> None:
    if isinstance(error, LedgerError):
        _log.error("%s", error)
    if sender.is_begun:
        # What was begun cannot be ended as it should. The server breaks the connection off; raised, the error would be
        # shown in its log with all that led to it.
        return
    status, body, headers = answer_for(error, dialect)
    await sender.whole(status, body, headers)
