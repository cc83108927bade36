"""One attempt of a plan on its way to the provider: bytes out, bytes in, whoever carries them.

Promises: an upstream tries once, follows no redirect, and gives back the provider's own bytes, so that the same core
parsers read them whether they came over the transport or through an SDK. Refuses: to retry and to wait. To break it,
run `tests/integration/test_execute_contract.py` against another implementation.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from turnout import _core
from turnout.providers.headers import headers_for
from turnout.providers.secret import Secret
from turnout.providers.transport import HttpRequest, HttpResponse, HttpStream, MaybeSent, Transport

__all__ = ["HttpUpstream", "Upstream", "UpstreamAnswer", "UpstreamStream"]

UpstreamAnswer = HttpResponse
"""A whole answer: status, headers, decoded body."""

UpstreamStream = HttpStream
"""An answer as it comes: status and headers at once, then `read()` until it gives nothing."""


class Upstream(Protocol):
    """Carries one attempt."""

    @property
    def needs_key(self) -> bool:
        """Whether a key must be resolved for it; a client of the host program has its own."""
        ...

    async def send(
        self,
        attempt: _core.Attempt,
        body: bytes,
        key: Secret | None,
        deadline_s: float,
        first_byte_timeout_s: float | None = None,
    ) -> UpstreamAnswer:
        """Sends the attempt and reads the whole answer, whatever its status.

        Args:
            attempt: Where to, in which dialect.
            body: As the core wrote it.
            key: None if the provider, or the upstream, needs none.
            deadline_s: Seconds from now until the whole answer must be here.
            first_byte_timeout_s: Seconds from now until its head must be here.

        Raises:
            TransportError: As `Transport.send`; an SDK may raise its own exceptions, which `outcome_of` knows.
        """
        ...

    def stream(
        self,
        attempt: _core.Attempt,
        body: bytes,
        key: Secret | None,
        deadline_s: float,
        first_byte_timeout_s: float | None = None,
    ) -> AbstractAsyncContextManager[UpstreamStream]:
        """Sends the attempt; entering waits for the answer's head, leaving closes what is not at its end."""
        ...


class HttpUpstream:
    """Carries attempts over a transport, with a plain API key.

    Args:
        transport: What sends the bytes.
        base_urls: For a provider's id, the address that takes the place of the policy's; the dialect's path follows.
    """

    needs_key = True

    def __init__(self, transport: Transport, base_urls: Mapping[str, str] | None = None) -> None:
        self._transport = transport
        self._base_urls = {name: url.rstrip("/") for name, url in (base_urls or {}).items()}

    async def send(
        self,
        attempt: _core.Attempt,
        body: bytes,
        key: Secret | None,
        deadline_s: float,
        first_byte_timeout_s: float | None = None,
    ) -> UpstreamAnswer:
        """Sends the attempt; see `Upstream.send`."""
        request = self._request(attempt, body, key, is_stream=False)
        began = time.monotonic()
        try:
            return await self._transport.send(request, deadline_s, first_byte_timeout_s)
        except MaybeSent as error:
            if not _is_idle_close(error):
                raise
        return await self._transport.send(request, deadline_s - (time.monotonic() - began), first_byte_timeout_s)

    @asynccontextmanager
    async def stream(
        self,
        attempt: _core.Attempt,
        body: bytes,
        key: Secret | None,
        deadline_s: float,
        first_byte_timeout_s: float | None = None,
    ) -> AsyncIterator[UpstreamStream]:
        """Sends the attempt and hands out the answer; see `Upstream.stream`."""
        request = self._request(attempt, body, key, is_stream=True)
        began = time.monotonic()
        context = self._transport.stream(request, deadline_s, first_byte_timeout_s)
        try:
            stream = await context.__aenter__()
        except MaybeSent as error:
            if not _is_idle_close(error):
                raise
            left_s = deadline_s - (time.monotonic() - began)
            context = self._transport.stream(request, left_s, first_byte_timeout_s)
            stream = await context.__aenter__()
        try:
            yield stream
        finally:
            await context.__aexit__(None, None, None)

    def _request(self, attempt: _core.Attempt, body: bytes, key: Secret | None, *, is_stream: bool) -> HttpRequest:
        return HttpRequest("POST", self._url(attempt), headers_for(attempt, key, is_stream=is_stream), body)

    def _url(self, attempt: _core.Attempt) -> str:
        base = self._base_urls.get(attempt.provider)
        return attempt.url if base is None else base + attempt.url.removeprefix(attempt.base_url)


def _is_idle_close(error: MaybeSent) -> bool:
    """Says whether a kept connection was closed for idleness just as we wrote (RELIABILITY F06).

    That is no attempt of the provider: the request goes out once more, within what is left of the same deadline.
    """
    return error.stale_connection and error.kind in ("closed", "reset")
