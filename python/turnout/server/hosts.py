"""Which names a request may use for us, and from which pages it may come: none but our own (RELIABILITY S13, S41)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from turnout.server.errors import Problem
from turnout.server.http import Request
from turnout.server.settings import Settings

__all__ = ["HostCheck"]

_AUTHORITY: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class HostCheck:
    """Checks the `Host` and `Origin` of requests.

    Args:
        settings: Where the gateway listens, and by which other names it is known.
    """

    def __init__(self, settings: Settings) -> None:
        own = settings.host.strip("[]").lower()
        names = {own, *(name.lower() for name in settings.hosts)}
        if settings.is_local:
            names |= _LOCAL
        self._names = frozenset(names)
        try:
            address = ipaddress.ip_address(own)
            # Listening on all addresses, any address is ours; a name must be said.
            self._any_address = address.is_unspecified
        except ValueError:
            self._any_address = False

    def check(self, request: Request) -> None:
        """Refuses what is not for us.

        Raises:
            Problem: The `Host` is missing, malformed, doubled or another's; or a page of another origin asks.
        """
        hosts = request.all(b"host")
        matched = _AUTHORITY.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if matched is None:
            raise Problem(400, "bad-host", "the request has no usable `Host` header")
        name = matched[1].decode().strip("[]").lower()
        if name not in self._names and not (self._any_address and _is_address(name)):
            raise Problem(403, "unknown-host", f"this gateway is not called `{name}`", "allow it with `--allow-host`")
        if b"origin" in request.headers:
            raise Problem(403, "foreign-origin", "requests of web pages are not answered")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
