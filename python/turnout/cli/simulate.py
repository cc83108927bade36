"""A lab of our own for one command: simulated providers in a thread, and a transport that goes nowhere else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final, Self

from turnout import Decision, Policy
from turnout.errors import LabError
from turnout.providers.transport import HttpRequest, HttpResponse, HttpStream, Transport, is_loopback, open_transport

if TYPE_CHECKING:
    from turnout.lab import Counters, Lab, LabSettings

__all__ = ["LabThread", "LoopbackOnly", "lab_keys", "lab_urls"]

_KEY: Final = "lab-needs-no-key"
_START_S: Final = 10.0


class LabThread:
    """Runs a lab on an event loop of its own, beside the one that sends the requests.

    Args:
        settings: How the lab behaves.
    """

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._is_up = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._lab: Lab | None = None
        self._thread = threading.Thread(target=self._run, name="turnout-lab", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait(_START_S)
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_S)

    @property
    def lab(self) -> Lab:
        """The lab."""
        if self._lab is None:
            raise LabError("lab-start", "the lab is not running")
        return self._lab

    @property
    def counters(self) -> Counters:
        """What the lab has seen so far."""
        return self.lab.counters

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  raised again in the thread that waits
            self._failed = error
        finally:
            self._is_up.set()

    async def _serve(self) -> None:
        from turnout.lab import Lab

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Lab(self._settings) as lab:
            self._lab = lab
            self._is_up.set()
            await self._stop.wait()


class LoopbackOnly:
    """A transport that refuses every address but this machine's: a simulation must not reach a real provider."""

    def __init__(self, inner: Transport | None = None) -> None:
        self._inner = inner or open_transport()

    async def send(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> HttpResponse:
        """Sends a request to this machine; see `Transport.send`."""
        _check(request)
        return await self._inner.send(request, deadline_s, first_byte_timeout_s)

    def stream(
        self, request: HttpRequest, deadline_s: float, first_byte_timeout_s: float | None = None
    ) -> AbstractAsyncContextManager[HttpStream]:
        """Sends a request to this machine; see `Transport.stream`."""
        _check(request)
        return self._inner.stream(request, deadline_s, first_byte_timeout_s)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._inner.aclose()


def _check(request: HttpRequest) -> None:
    if not is_loopback(request.url):
        raise LabError(
            "lab-setting", "a simulated call was on its way to another machine", "this is a fault of Turnout"
        )


def lab_keys(policy: Policy) -> dict[str, str]:
    """Returns an environment with a made-up key for each deployment: the user's own keys stay where they are."""
    return {name: _KEY for names in policy.keys.values() for name in names}


def lab_urls(lab: Lab, decisions: Iterable[Decision]) -> Mapping[str, str]:
    """Returns, for each provider that the decisions' plans name, where the lab plays it."""
    dialects = {attempt.provider: attempt.dialect for each in decisions for attempt in each.plan.attempts}
    return {
        provider: lab.url_for("anthropic" if dialect.startswith("anthropic") else "openai")
        for provider, dialect in dialects.items()
    }
