"""The router for code without asyncio: one event loop in one background thread.

Promises: the same calls, records and errors as `Router`; a wait that is interrupted (Ctrl-C) cancels its call. Refuses:
to be used on its own thread, where it would wait for itself. To break it, close it while a call is under way.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Self, TypeVar

from turnout._core import Catalog, Decision, Engine, Money, Policy, StreamEvent
from turnout.errors import TurnoutError
from turnout.execute.desk import Durable
from turnout.execute.judge import Check
from turnout.execute.prepare import Meta, RequestLike
from turnout.execute.reload import Reload
from turnout.execute.response import Response
from turnout.execute.router import Router
from turnout.execute.stream import Stream
from turnout.ledger import CallRecord, Ledger
from turnout.providers.transport import Transport, TransportName

__all__ = ["SyncRouter", "SyncStream"]

T = TypeVar("T")


class SyncRouter:
    """Routes requests by a policy and executes the plans, from code without asyncio; may be shared by threads.

    Args:
        policy: As for `Router`.
        clients: As for `Router`; a client given here must not be used on another event loop.
        ledger: As for `Router`.
        transport: As for `Router`.
        environ: As for `Router`.
        base_urls: As for `Router`.
        catalog: As for `Router`.
        watch: As for `Router`; the background thread looks.
        durable: As for `Router`.
        counters: As for `Router`.
        checks: As for `Router`.

    Raises:
        TurnoutError: As `Router`.

    Example:
        with SyncRouter("policies/balanced.yaml") as router:
            print(router.complete("What is the capital of France?").text)
    """

    def __init__(
        self,
        policy: str | Path | Policy,
        *,
        clients: Mapping[str, object] | None = None,
        ledger: str | Path | Ledger | None = None,
        transport: Transport | TransportName | None = None,
        environ: Mapping[str, str] | None = None,
        base_urls: Mapping[str, str] | None = None,
        catalog: str | Path | Catalog | None = None,
        watch: bool | float = False,
        durable: Durable = "before_answer",
        counters: str | None = None,
        checks: Mapping[str, Check] | None = None,
    ) -> None:
        self._router = Router(
            policy,
            clients=clients,
            ledger=ledger,
            transport=transport,
            environ=environ,
            base_urls=base_urls,
            catalog=catalog,
            watch=watch,
            durable=durable,
            counters=counters,
            checks=checks,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="turnout-router", daemon=True)
        self._lock = threading.Lock()
        self._is_closed = False
        self._thread.start()
        self.run(self._router.__aenter__())

    @property
    def engine(self) -> Engine:
        """The policy, ready to decide; another one after a reload."""
        return self._router.engine

    @property
    def policy_hash(self) -> str:
        """The hash of the policy that serves; see `Router.policy_hash`."""
        return self._router.policy_hash

    @property
    def last_reload(self) -> Reload | None:
        """What came of the last reload; see `Router.last_reload`."""
        return self._router.last_reload

    def reload(self) -> Reload:
        """Loads the policy's file anew; see `Router.reload`."""
        return self.run(self._router.reload())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancels what is under way, closes what the router opened, and ends its thread; may be called twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        asyncio.run_coroutine_threadsafe(_close(self._router), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def decide(self, request: RequestLike, meta: Meta | None = None, *, dialect: str | None = None) -> Decision:
        """Decides without making a call; see `Router.decide`."""
        return self.run(self._router.decide(request, meta, dialect=dialect))

    def complete(
        self,
        request: RequestLike,
        meta: Meta | None = None,
        *,
        deadline: float | None = None,
        spend: str | Money | None = None,
        dialect: str | None = None,
    ) -> Response:
        """Decides and brings back a whole answer; see `Router.complete`."""
        return self.run(self._router.complete(request, meta, deadline=deadline, spend=spend, dialect=dialect))

    def stream(
        self,
        request: RequestLike,
        meta: Meta | None = None,
        *,
        deadline: float | None = None,
        spend: str | Money | None = None,
        dialect: str | None = None,
    ) -> SyncStream:
        """Decides and streams an answer: `with router.stream(request) as stream: for event in stream`."""
        return SyncStream(self, self._router.stream(request, meta, deadline=deadline, spend=spend, dialect=dialect))

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Runs a coroutine on the router's loop and waits for it; for `SyncStream`.

        Args:
            work: What to run.

        Raises:
            TurnoutError: `sync-closed`.
        """
        with self._lock:
            if self._is_closed or threading.current_thread() is self._thread:
                work.close()
                raise TurnoutError("sync-closed", "the router is closed, or this is its own thread")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


async def _close(router: Router) -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await router.aclose()
    await asyncio.get_running_loop().shutdown_default_executor()


class SyncStream:
    """The events of one answer, as they come; made by `SyncRouter.stream`.

    Args:
        router: Runs it.
        stream: What it reads.
    """

    def __init__(self, router: SyncRouter, stream: Stream) -> None:
        self._router = router
        self._stream = stream
        self._events: deque[StreamEvent] = deque()

    @property
    def model(self) -> str | None:
        """The model that answers; None before the stream is entered."""
        return self._stream.model

    @property
    def deployment(self) -> str | None:
        """The deployment that answers; None before the stream is entered."""
        return self._stream.deployment

    @property
    def record(self) -> CallRecord | None:
        """What the ledger keeps of the call; None before the end."""
        return self._stream.record

    @property
    def response(self) -> Response | None:
        """The whole answer; None before the end, and if it did not end well."""
        return self._stream.response

    def __enter__(self) -> Self:
        self._router.run(self._stream.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream.record is None:
            self._router.run(self._stream.aclose())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        if not self._events:
            self._events.extend(self._router.run(self._stream.batch()))
        if not self._events:
            raise StopIteration
        return self._events.popleft()
