"""What every transport keeps of a request on its way out: its deadlines, how far it has come, which proxy it takes.

Promises: how far a request has come is noted by the HTTP library itself, through its own trace, and never guessed from
the name of an exception. Refuses: to know a library. To break it, stop a request in each of its phases.
"""

from __future__ import annotations

import asyncio
import math
import urllib.request
from urllib.parse import urlsplit

from turnout.providers.transport import HttpRequest, Phase, TransportTimeout, checked_headers, host_of, is_loopback

__all__ = ["Outbound", "causes", "proxy_for"]


class Outbound:
    """One request on its way out.

    Args:
        request: What to send.
        deadline_s: Seconds from now until the whole answer must be here.
        first_byte_timeout_s: Seconds from now until its head must be here; no limit of its own if None.
        accept_encoding: In which encodings the body may come.

    Raises:
        NotSent: `request`, if HTTP cannot carry the URL or a header.
    """

    def __init__(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None, accept_encoding: str
    ) -> None:
        self.host = host_of(request.url)
        self.method = request.method
        self.url = request.url
        self.body = request.body
        self.headers = checked_headers(request, self.host)
        names = {name.lower() for name, _ in self.headers}
        for name, value in (("accept-encoding", accept_encoding), ("user-agent", "turnout")):
            if name not in names:
                self.headers.append((name, value))
        now = asyncio.get_running_loop().time()
        self.deadline_at = now + max(0.0, deadline_s)
        first_byte_at = math.inf if first_byte_timeout_s is None else now + max(0.0, first_byte_timeout_s)
        self.head_at = min(self.deadline_at, first_byte_at)
        self.sent = False
        self.connected = False

    def timed_out(self, phase: Phase | None = None) -> TransportTimeout:
        """Names the deadline that has passed: the call's own, or that of the phase it was in."""
        if phase is None:
            phase = "total" if self.head_at >= self.deadline_at else "first_byte" if self.sent else "connect"
        text = {
            "connect": "no connection within its deadline",
            "first_byte": "no answer within its deadline",
            "total": "the call's deadline passed",
        }[phase]
        return TransportTimeout(f"`{self.host}`: {text}", host=self.host, phase=phase, may_have_been_sent=self.sent)


def causes(error: BaseException) -> list[BaseException]:
    """Returns an exception and all that lies under it, groups opened."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(found) < 32:
        each = waiting.pop()
        if each is None or each in found:
            continue
        found.append(each)
        if isinstance(each, BaseExceptionGroup):
            waiting.extend(each.exceptions)
        waiting.extend((each.__cause__, each.__context__))
    return found


def proxy_for(url: str) -> str | None:
    """Returns the proxy that the environment names for an address; None for this machine and where NO_PROXY says so."""
    parts = urlsplit(url)
    if is_loopback(url):
        return None
    # The environment alone, on every platform: what a desktop is set to does not steer a server.
    proxies = urllib.request.getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
