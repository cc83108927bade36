"""Carries attempts through the host program's own `anthropic.AsyncAnthropic`: its auth, proxies and middleware kept.

Promises: the SDK's low-level `post` sends the core's bytes as they are and gives back the provider's bytes, so usage,
errors and streams are read by the same parsers as over the transport; its retries are off for each request; it
follows no redirect; an answer grows no further than the transport's own cap. Refuses: clients that write another body
than they are given (Bedrock, Vertex). To break it, give the client a retry setting and count requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from turnout import _core
from turnout.errors import SecretError, TransportError, TurnoutError
from turnout.providers.headers import ANTHROPIC_VERSION
from turnout.providers.secret import Secret
from turnout.providers.transport import (
    BodyDecoder,
    BodyLimits,
    Headers,
    MaybeSent,
    Phase,
    TransportTimeout,
    host_of,
)
from turnout.providers.upstream import UpstreamAnswer, UpstreamStream

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncAPIResponse

__all__ = ["AnthropicSdkUpstream"]

_PATH: Final = "/v1/messages"
_RAW_HEADER: Final = "X-Stainless-Raw-Response"
"""What `.with_streaming_response` sets: the SDK then hands out the response unread, also through middleware."""


class AnthropicSdkUpstream:
    """Carries attempts through an SDK client that the host program made.

    Args:
        client: An `anthropic.AsyncAnthropic`.
        limits: How large an answer may grow.

    Raises:
        TurnoutError: `router-client`, if this is something else; `extra-missing`, if the SDK is not installed.
    """

    needs_key = False

    def __init__(self, client: object, limits: BodyLimits | None = None) -> None:
        try:
            import anthropic
        except ModuleNotFoundError as error:
            if error.name != "anthropic":
                raise
            raise TurnoutError(
                "extra-missing",
                "a client needs `anthropic`, which is not installed",
                "pip install 'turnout[anthropic]'",
            ) from None

        if not isinstance(client, anthropic.AsyncAnthropic):
            kind = f"{type(client).__module__.partition('.')[0]}.{type(client).__name__}"
            raise TurnoutError(
                "router-client", f"a client of the kind `{kind}` cannot be used", "give an `anthropic.AsyncAnthropic`"
            )
        self._client: AsyncAnthropic = client
        self._limits = limits or BodyLimits()

    async def send(
        self,
        attempt: _core.Attempt,
        body: bytes,
        key: Secret | None,
        deadline_s: float,
        first_byte_timeout_s: float | None = None,
    ) -> UpstreamAnswer:
        """Sends the attempt; see `Upstream.send`."""
        async with self._open(body, deadline_s, first_byte_timeout_s, "gzip, deflate") as stream:
            parts: list[bytes] = []
            while part := await stream.read():
                parts.append(part)
            return UpstreamAnswer(stream.status, stream.headers, b"".join(parts))

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
        async with self._open(body, deadline_s, first_byte_timeout_s, "identity") as stream:
            yield stream

    @asynccontextmanager
    async def _open(
        self, body: bytes, deadline_s: float, first_byte_timeout_s: float | None, encoding: str
    ) -> AsyncIterator[_Stream]:
        host = host_of(str(self._client.base_url))
        now = asyncio.get_running_loop().time()
        deadline_at = now + max(0.0, deadline_s)
        first_byte_at = deadline_at if first_byte_timeout_s is None else now + max(0.0, first_byte_timeout_s)
        answer = await self._head(body, host, deadline_s, min(deadline_at, first_byte_at), deadline_at, encoding)
        stream = answer if isinstance(answer, _Stream) else _Stream(answer, host, deadline_at, self._limits)
        try:
            yield stream
        finally:
            await stream.aclose()

    async def _head(
        self, body: bytes, host: str, deadline_s: float, head_at: float, deadline_at: float, encoding: str
    ) -> AsyncAPIResponse[object] | _Stream:
        import anthropic

        failure: TurnoutError
        try:
            async with asyncio.timeout_at(head_at):
                answer: object = await self._client.post(
                    _PATH,
                    cast_to=anthropic.AsyncAPIResponse[object],
                    content=body,
                    options={
                        "headers": {
                            _RAW_HEADER: "stream",
                            "accept-encoding": encoding,
                            # The body is written for this version; the SDK's own is newer and refuses parts of it.
                            "anthropic-version": ANTHROPIC_VERSION,
                        },
                        "max_retries": 0,
                        "timeout": deadline_s + 1,  # for the SDK's sake: the deadline above comes first
                        "follow_redirects": False,
                    },
                )
            if isinstance(answer, anthropic.AsyncAPIResponse):
                return answer
            failure = TurnoutError("router-client", "a middleware of the client answers with something of its own")
        except anthropic.APIStatusError as error:
            # The SDK has read the body of an error status itself.
            response = error.response
            return _Stream.whole(response.status_code, tuple(response.headers.multi_items()), response.content)
        except TimeoutError:
            phase: Phase = "total" if head_at >= deadline_at else "first_byte"
            failure = TransportTimeout(
                f"`{host}`: no answer within its deadline", host=host, phase=phase, may_have_been_sent=True
            )
        except TypeError as error:
            if "authentication method" not in str(error):
                raise
            failure = SecretError("secret-missing", "the client has no key and no token", "give it an `api_key`")
        raise failure


class _Stream:
    """An answer of the SDK, read without its parsers."""

    def __init__(
        self, answer: AsyncAPIResponse[object] | None, host: str, deadline_at: float, limits: BodyLimits
    ) -> None:
        self.status = 0
        self.headers: Headers = ()
        self._answer = answer
        self._host = host
        self._deadline_at = deadline_at
        self._whole = b""
        self._parts: AsyncIterator[bytes] | None = None
        self._decoder: BodyDecoder | None = None
        self._ended = False
        if answer is not None:
            self.status = answer.status_code
            self.headers = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
            self._limits = limits

    @classmethod
    def whole(cls, status: int, headers: Headers, body: bytes) -> _Stream:
        """Wraps an answer that has been read."""
        stream = cls(None, "", 0.0, BodyLimits())
        stream.status, stream._whole = status, body
        stream.headers = tuple((name.lower(), value) for name, value in headers)
        return stream

    async def read(self) -> bytes:
        """Returns the next decoded bytes, and b"" after a clean end; see `HttpStream.read`."""
        if self._ended:
            return b""
        if self._answer is None:
            self._ended = True
            return self._whole
        response = self._answer.http_response
        if self._parts is None:
            if response.is_stream_consumed:  # a middleware has read it, and the SDK has decoded it
                self._ended = True
                return await response.aread()
            self._parts = aiter(response.aiter_raw())
        if self._decoder is None:
            self._decoder = BodyDecoder(response.headers.get("content-encoding"), self._limits, self._host)
        while True:
            wire = await self._next(self._parts)
            if wire is None:
                self._decoder.finish()
                self._ended = True
                return b""
            if decoded := self._decoder.feed(wire):
                return decoded

    async def _next(self, parts: AsyncIterator[bytes]) -> bytes | None:
        failure: TransportError
        try:
            async with asyncio.timeout_at(self._deadline_at):
                return await anext(parts, None)
        except TimeoutError:
            failure = TransportTimeout(
                f"`{self._host}`: the call's deadline passed", host=self._host, phase="total", may_have_been_sent=True
            )
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "httpx2":
                raise
            failure = MaybeSent(
                f"`{self._host}` broke the connection inside its answer", host=self._host, kind="truncated"
            )
        raise failure

    async def aclose(self) -> None:
        """Lets the connection go, and closes it if the answer is not complete."""
        self._ended = True
        if self._answer is not None:
            await self._answer.close()
