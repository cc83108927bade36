"""How bytes travel to a provider and back: the protocol that every HTTP client behind Turnout must meet.

Promises: an error says whether the request can have left (`may_have_been_sent`), because only a request that never
left may be sent again without paying twice; an answer that ends without its ending is an error, never a short body; a
decoded body never grows past its cap; nothing follows a redirect, keeps a cookie, or sends a loopback call through a
proxy; no error text holds a header, a path or a body. Refuses: to retry, to wait for a Retry-After, to read what a
body means. To break it, run `tests/unit/test_transport*.py` against another implementation.
"""

from __future__ import annotations

import re
import zlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

from turnout.errors import TransportError, TurnoutError
from turnout.providers.secret import Secret

__all__ = [
    "BodyDecoder",
    "BodyLimits",
    "BodyRefused",
    "HttpRequest",
    "HttpResponse",
    "HttpStream",
    "MaybeSent",
    "NotSent",
    "Transport",
    "TransportName",
    "TransportTimeout",
    "checked_headers",
    "host_of",
    "is_loopback",
    "open_transport",
]

Headers = tuple[tuple[str, str], ...]

NotSentKind = Literal["dns", "refused", "connect", "tls", "egress", "request"]
MaybeSentKind = Literal["reset", "closed", "protocol", "truncated"]
BodyKind = Literal["too_large", "bomb", "encoding"]
Phase = Literal["connect", "first_byte", "total"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, complete with its body.

    Args:
        method: Upper case.
        url: Absolute, `http` or `https`, without user information; keys never stand in it.
        headers: Names and values in order; a `Secret` value is revealed only while it is written.
        body: The bytes to send.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str | Secret], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer, complete and decoded.

    Args:
        status: The HTTP status.
        headers: Names in lower case, in the order of the answer.
        body: Decoded; `content-encoding` is already undone.
    """

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large an answer may grow.

    Args:
        decoded_bytes: The most bytes of one answer after decoding.
        ratio: The most decoded bytes for one byte on the wire, once the answer is larger than `ratio_from_bytes`.
        ratio_from_bytes: Below this size any ratio is let through: a short repetitive answer is no bomb.
    """

    decoded_bytes: int = 64 * 1024 * 1024
    ratio: int = 200
    ratio_from_bytes: int = 1024 * 1024


class NotSent(TransportError):
    """The request never left; sending it elsewhere, or again, pays nothing twice.

    Args:
        kind: `dns`, `refused`, `connect`, `tls`, `egress` (a proxy between us and the host), or `request` (HTTP cannot
            carry it).
    """

    may_have_been_sent: Final = False

    def __init__(self, message: str, *, host: str, kind: NotSentKind, hint: str | None = None) -> None:
        super().__init__("transport-not-sent", message, hint, host=host)
        self.kind: NotSentKind = kind


class MaybeSent(TransportError):
    """The connection broke after the request, or a part of it, had left: it may be answered, and billed.

    Args:
        kind: `reset`, `closed` (before any answer), `protocol`, or `truncated` (inside an answer's body).
        stale_connection: The connection had served a request before: the provider may just have closed it for idleness.
    """

    may_have_been_sent: Final = True

    def __init__(self, message: str, *, host: str, kind: MaybeSentKind, stale_connection: bool = False) -> None:
        super().__init__("transport-maybe-sent", message, host=host)
        self.kind: MaybeSentKind = kind
        self.stale_connection = stale_connection


class BodyRefused(TransportError):
    """An answer came whose body is not let in.

    Args:
        kind: `too_large`, `bomb` (grows beyond the ratio), or `encoding` (unknown or broken).
    """

    may_have_been_sent: Final = True

    def __init__(self, message: str, *, host: str, kind: BodyKind) -> None:
        super().__init__("transport-body", message, host=host)
        self.kind: BodyKind = kind


class TransportTimeout(TransportError):
    """A deadline passed.

    Args:
        phase: `connect`, `first_byte` (no status line yet), or `total` (the call's own deadline).
        may_have_been_sent: Whether the request, or a part of it, had left by then.
    """

    def __init__(self, message: str, *, host: str, phase: Phase, may_have_been_sent: bool) -> None:
        super().__init__("transport-timeout", message, host=host)
        self.phase: Phase = phase
        self.may_have_been_sent = may_have_been_sent


class HttpStream(Protocol):
    """An answer whose body is read as it comes."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """Names in lower case, in the order of the answer."""
        ...

    async def read(self) -> bytes:
        """Returns the next decoded bytes as soon as there are any, and b"" after a clean end.

        Raises:
            MaybeSent: `truncated`, if the body stops without its ending.
            BodyRefused: If the body grows past its cap.
            TransportTimeout: `total`, if the call's deadline passes.
        """
        ...

    async def aclose(self) -> None:
        """Lets the connection go, and closes it if the answer is not complete; may be called twice."""
        ...


class Transport(Protocol):
    """Sends one request and brings back its answer; shared by all calls of one event loop."""

    async def send(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> HttpResponse:
        """Sends a request and reads the whole answer.

        Args:
            request: What to send.
            deadline_s: Seconds from now until the whole answer must be here.
            first_byte_timeout_s: Seconds from now until the answer's head must be here; no limit of its own if None.

        Returns:
            The answer, whatever its status.

        Raises:
            NotSent: The request never left.
            MaybeSent: The connection broke later.
            BodyRefused: The body is not let in.
            TransportTimeout: A deadline passed.
        """
        ...

    def stream(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> AbstractAsyncContextManager[HttpStream]:
        """Sends a request; entering waits for the answer's head, leaving closes the connection unless the body ended.

        Args:
            request: What to send.
            deadline_s: Seconds from now until the whole answer must be here.
            first_byte_timeout_s: Seconds from now until the answer's head must be here; no limit of its own if None.

        Returns:
            A context manager over the stream; entering raises as `send` does.
        """
        ...

    async def aclose(self) -> None:
        """Closes every connection."""
        ...


TransportName = Literal["httpx2", "fast"]


def open_transport(limits: BodyLimits | None = None, name: TransportName | None = None) -> Transport:
    """Makes a transport; its HTTP library is imported here, so that deciding alone never pays for it.

    Args:
        limits: How large an answer may grow.
        name: `fast` is aiohttp (extra `fast`), `httpx2` is httpx2 (extra `http`). None takes the fast one where it is
            installed, else httpx2.

    Returns:
        A transport for the calls of one event loop; close it with `aclose()`.

    Raises:
        TurnoutError: `extra-missing`, if the library is not installed; `router-transport`, if there is no such one.
    """
    if name not in (None, "fast", "httpx2"):
        raise TurnoutError("router-transport", f"there is no transport `{name}`", "the transports are fast and httpx2")
    if name != "httpx2":
        try:
            from turnout.providers.aiohttp_transport import AiohttpTransport
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("aiohttp", "yarl"):
                raise
            if name == "fast":
                raise TurnoutError(
                    "extra-missing",
                    "the fast transport needs `aiohttp`, which is not installed",
                    "pip install 'turnout[fast]'",
                ) from None
        else:
            return AiohttpTransport(limits=limits)
    try:
        from turnout.providers.httpx2_transport import Httpx2Transport
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "httpx2":
            raise
        raise TurnoutError(
            "extra-missing", "calls need `httpx2`, which is not installed", "pip install 'turnout[http]'"
        ) from None

    return Httpx2Transport(limits=limits)


_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|")


def checked_headers(request: HttpRequest, host: str) -> list[tuple[str, str]]:
    """Reveals a request's headers for writing, once no library below has a reason to quote them in an error.

    Args:
        request: The request.
        host: For the error's text.

    Returns:
        Names and values in order.

    Raises:
        NotSent: `request`, if HTTP cannot carry a name or a value.
    """
    revealed: list[tuple[str, str]] = []
    for name, value in request.headers:
        text = value.reveal() if isinstance(value, Secret) else value
        if not _TOKEN.fullmatch(name):
            raise NotSent("a header's name holds a character that HTTP does not allow", host=host, kind="request")
        if not _VALUE.fullmatch(text):
            raise NotSent(
                f"the header `{name.lower()}` holds a character that HTTP does not allow",
                host=host,
                kind="request",
                hint="look for a line end, or a space at its start or end",
            )
        revealed.append((name, text))
    return revealed


def host_of(url: str) -> str:
    """Returns the host and, where the URL has one, the port: the only part of a URL that errors show.

    Args:
        url: An absolute URL.

    Returns:
        Such as `api.anthropic.com` or `127.0.0.1:8080`.

    Raises:
        NotSent: `request`, if this is no absolute `http` or `https` URL, or it carries a user name or password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if not host or parts.scheme not in ("http", "https"):
        raise NotSent("the URL is not an absolute http or https URL", host="(none)", kind="request")
    shown = f"[{host}]" if ":" in host else host
    shown = shown if port is None else f"{shown}:{port}"
    if parts.username is not None or parts.password is not None:
        raise NotSent("the URL carries a user name or a password", host=shown, kind="request")
    return shown


def is_loopback(url: str) -> bool:
    """Says whether a URL's host is this machine by its very name; no name is looked up.

    Args:
        url: An absolute URL.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    return (
        host == "localhost"
        or host.endswith(".localhost")
        or host == "::1"
        or bool(re.fullmatch(r"127(?:\.\d{1,3}){3}", host))
    )


class BodyDecoder:
    """Undoes gzip, deflate or identity, never holding more than the cap.

    Against a bomb the cap is given to zlib itself (`max_length`), so that the memory is never allocated.

    Args:
        encoding: The answer's `content-encoding`, or None.
        limits: How large the answer may grow.
        host: For the error's text.

    Raises:
        BodyRefused: `encoding`, if the encoding is none of these.
    """

    def __init__(self, encoding: str | None, limits: BodyLimits, host: str) -> None:
        self._limits = limits
        self._host = host
        self._wire_bytes = 0
        self._decoded_bytes = 0
        name = (encoding or "identity").strip().lower()
        if name in ("gzip", "x-gzip"):
            self._inflate: zlib._Decompress | None = zlib.decompressobj(wbits=31)
        elif name == "deflate":
            self._inflate = zlib.decompressobj()
        elif name in ("", "identity"):
            self._inflate = None
        else:
            raise BodyRefused("the answer has a content-encoding that was not asked for", host=host, kind="encoding")

    def feed(self, wire: bytes) -> bytes:
        """Decodes the next bytes.

        Args:
            wire: Bytes as they came.

        Returns:
            What they decode to; may be empty.

        Raises:
            BodyRefused: `too_large` or `bomb` at the cap, `encoding` if the bytes are broken.
        """
        self._wire_bytes += len(wire)
        room = self._limits.decoded_bytes - self._decoded_bytes
        if self._inflate is None:
            decoded = wire
        else:
            by_ratio = max(self._limits.ratio_from_bytes, self._wire_bytes * self._limits.ratio) - self._decoded_bytes
            allowed = min(room, by_ratio)
            try:
                decoded = self._inflate.decompress(wire, allowed + 1)
            except zlib.error:
                raise BodyRefused("the answer's compressed body is broken", host=self._host, kind="encoding") from None
            if len(decoded) > allowed and allowed < room:
                raise BodyRefused(
                    f"the answer's body grows more than {self._limits.ratio} times when it is decoded",
                    host=self._host,
                    kind="bomb",
                )
        if len(decoded) > room:
            raise BodyRefused(
                f"the answer's body is larger than {self._limits.decoded_bytes} bytes",
                host=self._host,
                kind="too_large",
            )
        self._decoded_bytes += len(decoded)
        return decoded

    def finish(self) -> None:
        """Checks at the end of the wire bytes that the encoding has come to its end too.

        Raises:
            MaybeSent: `truncated`, if it has not.
        """
        if self._inflate is not None and self._wire_bytes and not self._inflate.eof:
            raise MaybeSent("the answer's compressed body has no end", host=self._host, kind="truncated")
