"""The bytes of a catalogue that the user names: a file, or an address.

Promises: reads what was named and nothing else (no redirect is followed, no address comes from a file); an address is
`https`, or `http` to this machine; size and time have caps. Refuses: other schemes, devices and pipes, answers that are
not 200. A test breaks it with a redirect, an endless body, or an answer that never comes.
"""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path
from typing import Final

from turnout.catalog.store import MAX_BYTES
from turnout.errors import CatalogError, TransportError
from turnout.providers.transport import BodyLimits, HttpRequest, host_of, is_loopback, open_transport

__all__ = ["is_address", "read_source"]

TIMEOUT_S: Final = 30.0
"""For the whole answer."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def is_address(source: str) -> bool:
    """Whether a source is an address instead of a file.

    Args:
        source: As the user named it.
    """
    return _SCHEME.match(source) is not None


def read_source(source: str, *, max_bytes: int = MAX_BYTES, timeout_s: float = TIMEOUT_S) -> bytes:
    """Reads a file, or what an address answers.

    Args:
        source: A path, or an `https` address (`http` only to this machine).
        max_bytes: The most bytes that are read.
        timeout_s: Seconds for the whole answer of an address.

    Returns:
        The bytes.

    Raises:
        CatalogError: `catalog-unreadable`, if it cannot be read; `catalog-too-large`, if it is larger than the cap.
    """
    if is_address(source):
        return asyncio.run(_fetched(source, max_bytes, timeout_s))
    path = Path(source)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CatalogError("catalog-unreadable", f"`{path}` is not a regular file", "name a file or an address")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        # A path with a NUL in it is a `ValueError`.
        reason = (getattr(error, "strerror", None) or "unreadable").lower()
        raise CatalogError("catalog-unreadable", f"`{path}` cannot be read: {reason}") from None
    if len(content) > max_bytes:
        raise CatalogError("catalog-too-large", f"`{path}` is larger than {max_bytes} bytes")
    return content


async def _fetched(url: str, max_bytes: int, timeout_s: float) -> bytes:
    scheme = url.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        raise CatalogError(
            "catalog-unreadable", f"`{scheme}` is no scheme that is read from", "name a file, or an https address"
        )
    try:
        host = host_of(url)
        if scheme == "http" and not is_loopback(url):
            hint = "name an https address: prices that anyone on the way can change are no prices"
            raise CatalogError("catalog-unreadable", f"`{host}` would be read without encryption", hint)
        transport = open_transport(BodyLimits(decoded_bytes=max_bytes))
        try:
            request = HttpRequest("GET", url, (("accept", "application/x-ndjson, application/json, text/plain"),))
            answer = await transport.send(request, timeout_s)
        finally:
            await transport.aclose()
    except TransportError as error:
        code = "catalog-too-large" if getattr(error, "kind", None) in ("too_large", "bomb") else "catalog-unreadable"
        raise CatalogError(code, f"`{error.host}`: {error.message}", error.hint) from None
    if 300 <= answer.status < 400:
        hint = "redirects are not followed: name the address where the catalogue itself is"
        raise CatalogError("catalog-unreadable", f"`{host}` answered {answer.status}, a redirect", hint)
    if answer.status != 200:
        raise CatalogError("catalog-unreadable", f"`{host}` answered {answer.status} instead of the catalogue")
    return answer.body
