"""The router: decides with a policy, makes the calls, and keeps the records."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from turnout._core import Decision, Engine, Money, Policy
from turnout.errors import TransportError, TurnoutError
from turnout.execute.call import Services
from turnout.execute.fallback import complete
from turnout.execute.prepare import Meta, RequestLike, begin_call, decide
from turnout.execute.response import Response
from turnout.execute.stream import Stream
from turnout.ledger import Ledger
from turnout.policy import load_policy
from turnout.providers.anthropic_sdk import AnthropicSdkUpstream
from turnout.providers.transport import Transport, host_of, open_transport
from turnout.providers.upstream import HttpUpstream, Upstream

__all__ = ["Router"]

_SDK_KEYS: Final = {"anthropic": "ANTHROPIC_API_KEY"}
"""For each provider that an SDK client may serve, the variable that its deployments name by default."""


class Router:
    """Routes requests by a policy and executes the plans: one for a program, shared by its tasks.

    Args:
        policy: A policy, or the file that holds it.
        clients: For a provider's id, the SDK client of the host program that carries its calls: `anthropic` with an
            `anthropic.AsyncAnthropic`. Its auth, proxies and middleware are kept, its retries are off for our calls.
        ledger: Where the record of each call goes, or the file for it; none is kept if None.
        transport: What carries the other calls; the default transport if None.
        environ: Where keys are; the process's own environment if None. Keys are read anew for each attempt.
        base_urls: For a provider's id, the address that takes the place of the policy's, such as that of a test
            server; the path of the dialect follows it (`/v1/messages`, `/chat/completions`).

    Raises:
        PolicyError: The policy does not load.
        LedgerError: The ledger cannot be opened.
        TurnoutError: `router-client` or `router-address`.

    Example:
        async with Router("policies/balanced.yaml") as router:
            response = await router.complete("What is the capital of France?")
            print(response.text, response.cost)
    """

    def __init__(
        self,
        policy: str | Path | Policy,
        *,
        clients: Mapping[str, object] | None = None,
        ledger: str | Path | Ledger | None = None,
        transport: Transport | None = None,
        environ: Mapping[str, str] | None = None,
        base_urls: Mapping[str, str] | None = None,
    ) -> None:
        clients = clients or {}
        environ = os.environ if environ is None else environ
        for provider, url in (base_urls or {}).items():
            try:
                host_of(url)
            except TransportError as error:
                raise TurnoutError("router-address", f"the address of `{provider}`: {error.message}") from None
        upstreams: dict[str, Upstream] = {
            provider: _sdk_upstream(provider, client) for provider, client in clients.items()
        }
        loaded = policy if isinstance(policy, Policy) else load_policy(policy)
        # A client of the host program brings its own key: its deployments are eligible without ours.
        seen = {**environ, **{name: "(client)" for each, name in _SDK_KEYS.items() if each in clients}}
        self._engine = Engine(loaded, environ=seen)
        self._streams: set[Stream] = set()
        self._owns_transport = transport is None
        self._transport = transport or open_transport()
        upstreams[""] = HttpUpstream(self._transport, base_urls)
        self._owns_ledger = ledger is not None and not isinstance(ledger, Ledger)
        opened = ledger if ledger is None or isinstance(ledger, Ledger) else Ledger.open(ledger)
        self._services = Services(self._engine.state, environ, upstreams, opened)

    @property
    def engine(self) -> Engine:
        """The policy, ready to decide, with the state of this router's deployments."""
        return self._engine

    @property
    def ledger(self) -> Ledger | None:
        """Where records go."""
        return self._services.ledger

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends open streams, closes the connections and the ledger that the router opened; may be called twice."""
        for stream in list(self._streams):
            await stream.aclose()
        if self._owns_transport:
            await self._transport.aclose()
        if self._owns_ledger and self._services.ledger is not None:
            await self._services.ledger.close()

    async def decide(self, request: RequestLike, meta: Meta | None = None, *, dialect: str | None = None) -> Decision:
        """Decides without making a call; large requests are read in a thread.

        Args:
            request: A prompt, a body as a dict in one of the dialects, or a body's bytes.
            meta: What the policy may ask about the caller.
            dialect: Of the body; found out if None.

        Returns:
            The decision.

        Raises:
            RequestError: The request cannot be read.
            DecisionError: No model may answer.
        """
        decision, _ = await decide(self._engine, request, meta, dialect, refused_ok=False)
        return decision

    async def complete(
        self,
        request: RequestLike,
        meta: Meta | None = None,
        *,
        deadline: float | None = None,
        spend: str | Money | None = None,
        dialect: str | None = None,
    ) -> Response:
        """Decides and brings back a whole answer, whatever retries, fallbacks and escalations that takes.

        Args:
            request: A prompt, a body as a dict in one of the dialects, or a body's bytes.
            meta: What the policy may ask about the caller.
            deadline: Seconds for the whole call; the policy's deadline holds if it is shorter.
            spend: US dollars that the whole call may cost; the policy's purse holds if it is smaller.
            dialect: Of the body; found out if None.

        Returns:
            The answer. One that fails the policy's checks, and could not be bettered, has `accepted` False.

        Raises:
            RequestError: The request cannot be read.
            DecisionError: No model may answer.
            BudgetError: The purse does not cover the first attempt.
            ProviderError: Every attempt failed; `record` tells which and how.
            LedgerError: The record cannot be written.
        """
        call = await begin_call(
            self._engine, self._services, request, meta, deadline=deadline, spend=spend, dialect=dialect
        )
        return await complete(call)

    def stream(
        self,
        request: RequestLike,
        meta: Meta | None = None,
        *,
        deadline: float | None = None,
        spend: str | Money | None = None,
        dialect: str | None = None,
    ) -> Stream:
        """Decides and streams an answer: `async with router.stream(request) as stream: async for event in stream`.

        Entering waits for the first content, and fails over unseen until then. Afterwards nothing is spliced: a stream
        that breaks raises from the loop, after what came. Leaving closes the upstream, however it is left.

        Args:
            request: As for `complete`.
            meta: As for `complete`.
            deadline: As for `complete`.
            spend: As for `complete`.
            dialect: As for `complete`.

        Returns:
            The stream; entering and iterating raise what `complete` raises.
        """
        return Stream(
            lambda: begin_call(
                self._engine, self._services, request, meta, deadline=deadline, spend=spend, dialect=dialect
            ),
            self._streams,
        )


def _sdk_upstream(provider: str, client: object) -> Upstream:
    if provider not in _SDK_KEYS:
        known = ", ".join(f"`{each}`" for each in _SDK_KEYS)
        raise TurnoutError("router-client", f"calls of `{provider}` cannot go through a client", f"known is {known}")
    return AnthropicSdkUpstream(client)
