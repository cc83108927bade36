"""The router: decides with a policy, makes the calls, and keeps the records."""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from turnout._core import Answer, Catalog, Decision, Engine, Money, Policy
from turnout.errors import TransportError, TurnoutError
from turnout.execute.call import Call, Services
from turnout.execute.desk import Desk, Durable
from turnout.execute.fallback import complete
from turnout.execute.judge import Check, Meta, RequestLike, registered
from turnout.execute.prepare import (
    begin_call,
    begin_for_client,
    decide,
    decide_for_client,
)
from turnout.execute.relay import Relay
from turnout.execute.reload import PolicyFiles, Reload, Reloader, watch_interval
from turnout.execute.response import Response
from turnout.execute.stream import Stream
from turnout.execute.streamed import Streamed
from turnout.ledger import Ledger
from turnout.ledger.redis_counters import RedisCounters
from turnout.providers.anthropic_sdk import AnthropicSdkUpstream
from turnout.providers.transport import Transport, TransportName, host_of, open_transport
from turnout.providers.upstream import HttpUpstream, Upstream

__all__ = ["Router"]

_SDK_PROVIDERS: Final = frozenset({"anthropic"})
"""The providers whose calls an SDK client may carry."""


@dataclass(frozen=True, slots=True)
class _Serving:
    """A policy and what carries its calls: replaced whole, so that a call sees one or the other."""

    engine: Engine
    services: Services


class Router:
    """Routes requests by a policy and executes the plans: one for a program, shared by its tasks.

    Args:
        policy: A policy, or the file that holds it.
        clients: The SDK client of the host program that carries the calls of a provider (`anthropic`) or of one
            deployment of the policy: an `anthropic.AsyncAnthropic`. Its auth, proxies and middleware are kept, its
            retries are off for our calls. A provider's client does not stand for deployments with a `base_url`, a
            `key` or a `region` of their own; name those.
        ledger: Where the record of each call goes, or the file for it; none is kept if None.
        transport: What carries the other calls: a transport, or the name of one, `fast` or `httpx2`. The fast one where
            it is installed (extra `fast`), else httpx2, if None.
        environ: Where keys are; the process's own environment if None. Keys are read anew for each attempt.
        base_urls: For a provider's id, the address that takes the place of the policy's, such as that of a test
            server; the path of the dialect follows it (`/v1/messages`, `/chat/completions`).
        catalog: Where the models of a policy's file are looked up; as for `load_policy`.
        watch: Whether to look at the policy's file, and at the override file of `catalog`, while the router serves,
            and to load what changed; a number is the seconds between two looks, True is 1. Needs a file.
        durable: When the row of an attempt must be on disk: `before_send`, before its request leaves us;
            `before_answer`, before any of its answer does, so that writing overlaps the call; or `async`, with which a
            crash may lose the rows, and so the spend, of the last moments.
        checks: What the host program says of answers, for policies whose `accept` asks for `check.NAME`: functions of a
            `CheckedAnswer` that say whether it is good, async ones or quick ones, by their names.
        counters: Where several gateways count budgets and limits together: the address of a Redis or Valkey server
            (`redis://host:6379/0`; extra `redis`), or counters on one. None: this process counts alone.

    Raises:
        PolicyError: The policy does not load.
        CatalogError: The catalogue does not load.
        LedgerError: The ledger cannot be opened.
        TurnoutError: `router-client`, `router-address`, `router-check` or `router-reload`.

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
        transport: Transport | TransportName | None = None,
        environ: Mapping[str, str] | None = None,
        base_urls: Mapping[str, str] | None = None,
        catalog: str | Path | Catalog | None = None,
        watch: bool | float = False,
        durable: Durable = "before_answer",
        counters: str | RedisCounters | None = None,
        checks: Mapping[str, Check] | None = None,
    ) -> None:
        self._clients = clients or {}
        self._checks = dict(checks or {})
        environ = os.environ if environ is None else environ
        given = policy if isinstance(policy, Policy) else None
        files = PolicyFiles(
            None if isinstance(policy, Policy) else Path(policy), Path(catalog) if isinstance(catalog, str) else catalog
        )
        interval_s = watch_interval(watch)
        if interval_s is not None:
            files.file()
        # Before the load: what changes in between is then seen as a change.
        digest = files.digest()
        loaded = given or files.load()
        _check_addresses(loaded, base_urls or {})
        known = registered(self._checks, loaded.host_checks)
        upstreams = _sdk_upstreams(loaded, self._clients)
        # A client of the host program brings its own key: its deployments are eligible without ours.
        engine = Engine(loaded, environ=environ, with_client=list(upstreams))
        self._streams: set[Streamed[Any]] = set()
        self._is_closed = False
        self._owns_transport = transport is None or isinstance(transport, str)
        self._transport: Transport = (
            open_transport(name=transport) if transport is None or isinstance(transport, str) else transport
        )
        upstreams[""] = HttpUpstream(self._transport, base_urls)
        self._owns_ledger = ledger is not None and not isinstance(ledger, Ledger)
        opened = ledger if ledger is None or isinstance(ledger, Ledger) else Ledger.open(ledger)
        if isinstance(counters, str):
            # Gateways that share a ledger add what it says once.
            name = None if opened is None else f"{socket.gethostname()}:{opened.name}"
            counters = RedisCounters(counters, gateway=name)
        self._desk = Desk(loaded, engine.state.reservations, opened, durable, counters)
        self._serving = _Serving(engine, Services(engine.state, environ, upstreams, opened, self._desk, known))
        self._reloader = Reloader(files, interval_s, digest, lambda: self.engine.policy, self._take_over)

    @property
    def engine(self) -> Engine:
        """The policy, ready to decide, with the state of this router's deployments; another one after a reload."""
        return self._serving.engine

    @property
    def ledger(self) -> Ledger | None:
        """Where records go."""
        return self._serving.services.ledger

    @property
    def policy_hash(self) -> str:
        """The hash of the policy that serves; the record of a call has that of the policy that the call ran on."""
        return self.engine.policy.hash

    @property
    def last_reload(self) -> Reload | None:
        """What came of the last reload, asked for or by the watch; None if there was none."""
        return self._reloader.last

    async def reload(self) -> Reload:
        """Loads the policy's file anew, and the catalogue's override file: all of it takes over, or nothing.

        Calls under way end on the policy that they began with. Cooldowns, breakers, latencies and the retry budget go
        on; a deployment whose name now means another model, address or region starts anew. Keys are looked up again.

        Returns:
            What came of it; `last_reload` keeps it.

        Raises:
            PolicyError: The file is not there, is refused, or a test in it fails; the policy before it goes on.
            CatalogError: The override file does not load; likewise.
            TurnoutError: `router-client`, if a client was given for a deployment that is gone; `router-check`, if the
                policy asks for a check that is not registered; likewise.
                `router-reload`, if the router was given a policy and no file.
        """
        return await self._reloader.reload()

    def _take_over(self, policy: Policy) -> None:
        old = self._serving
        registered(self._checks, policy.host_checks)
        upstreams = _sdk_upstreams(policy, self._clients)
        engine = old.engine.with_policy(policy, environ=old.services.environ, with_client=list(upstreams))
        upstreams[""] = old.services.upstreams[""]
        self._desk.serve(policy)
        self._serving = _Serving(engine, replace(old.services, upstreams=upstreams))

    async def __aenter__(self) -> Self:
        self._reloader.ensure_watching()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends open streams, closes the connections and the ledger that the router opened; may be called twice."""
        self._is_closed = True
        await self._reloader.aclose()
        for stream in list(self._streams):
            await stream.aclose()
        if self._owns_transport:
            await self._transport.aclose()
        await self._desk.aclose()
        if self._owns_ledger and self.ledger is not None:
            await self.ledger.close()

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
        if not self._is_closed:
            self._reloader.ensure_watching()
        decision, _ = await decide(self.engine, request, meta, dialect, refused_ok=False)
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
            TurnoutError: `router-closed`, or `call-bound`.
        """
        return await complete(await self._begin(request, meta, deadline, spend, dialect))

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
        return Stream(lambda: self._begin(request, meta, deadline, spend, dialect), self._streams)

    async def decide_for_client(self, body: bytes, meta: Meta | None = None, *, dialect: str) -> Decision:
        """Decides on the request of a gateway's client, and makes no call.

        Args:
            body: The request; its `model` says which part of the policy may answer.
            meta: What is known of the caller.
            dialect: Of the body.

        Returns:
            The decision, which may be without a choice.

        Raises:
            RequestError: The request cannot be read.
            DecisionError: `unknown-model-name`.
        """
        decision, _ = await decide_for_client(self.engine, body, meta, dialect)
        return decision

    async def begin(
        self, body: bytes, meta: Meta | None = None, *, dialect: str, vet: Callable[[str], None] | None = None
    ) -> Call:
        """Decides on the request of a gateway's client, for `finish` or `relay`.

        Args:
            body: The request; its `model` says which part of the policy may answer.
            meta: What is known of the caller.
            dialect: Of the body.
            vet: Called with the name that is asked for before anything is kept of the call; may raise.

        Returns:
            A call that can be made.

        Raises:
            RequestError: The request cannot be read.
            DecisionError: `unknown-model-name`, or no model may answer.
            TurnoutError: `router-closed`.
        """
        self._ensure_open()
        serving = self._serving
        return await begin_for_client(serving.engine, serving.services, body, meta, dialect, vet)

    async def finish(self, call: Call) -> tuple[Response, Answer]:
        """Brings back a whole answer to a call.

        Args:
            call: From `begin`.

        Returns:
            The answer, and its content in normal form.

        Raises:
            TurnoutError: As for `complete`.
        """
        response = await complete(call)
        if call.best is None or call.best.ended.answer is None:
            raise TypeError("a call that was completed has an answer")
        return response, call.best.ended.answer

    def relay(self, call: Call, dialect: str) -> Relay:
        """Streams the answer to a call in the client's own dialect.

        Args:
            call: From `begin`.
            dialect: Of the client.

        Returns:
            The relay; entering waits for the first content, as for `stream`.
        """
        return Relay(call, dialect, self._streams)

    async def _begin(
        self,
        request: RequestLike,
        meta: Meta | None,
        deadline: float | None,
        spend: str | Money | None,
        dialect: str | None,
    ) -> Call:
        self._ensure_open()
        serving = self._serving
        return await begin_call(
            serving.engine, serving.services, request, meta, deadline=deadline, spend=spend, dialect=dialect
        )

    def _ensure_open(self) -> None:
        if self._is_closed:
            raise TurnoutError("router-closed", "the router is closed", "make calls inside its `async with` block")
        self._reloader.ensure_watching()


_NO_ADDRESS: Final = re.compile(r"[\x00-\x20\x7f?#]")


def _check_addresses(policy: Policy, base_urls: Mapping[str, str]) -> None:
    known = sorted(set(policy.providers.values()))
    for provider, url in base_urls.items():
        if provider not in known:
            near = difflib.get_close_matches(provider, known, 1)
            names = ", ".join(f"`{each}`" for each in known)
            raise TurnoutError(
                "router-address",
                f"no deployment of the policy is at `{provider}`",
                f"{f'did you mean `{near[0]}`? ' if near else ''}its providers are {names}",
            )
        if _NO_ADDRESS.search(url):
            raise TurnoutError(
                "router-address",
                f"the address of `{provider}` holds a space, a control character, `?` or `#`",
                "give scheme, host and path alone: the path of the dialect follows it",
            )
        try:
            host_of(url)
        except TransportError as error:
            raise TurnoutError("router-address", f"the address of `{provider}`: {error.message}") from None


def _sdk_upstreams(policy: Policy, clients: Mapping[str, object]) -> dict[str, Upstream]:
    """Returns what carries the calls of each deployment that has a client; its own comes before its provider's."""
    upstreams: dict[str, Upstream] = {}
    for name in sorted(clients, key=lambda each: each in policy.providers):
        is_deployment = name in policy.providers
        if policy.providers.get(name, name) not in _SDK_PROVIDERS:
            known = ", ".join(f"`{each}`" for each in sorted(_SDK_PROVIDERS))
            raise TurnoutError("router-client", f"calls of `{name}` cannot go through a client", f"known is {known}")
        # What the policy says of address, key and region is kept: a client for the provider knows nothing of it.
        sold = [each for each, by in policy.providers.items() if by == name and each not in policy.own_reach]
        upstreams.update(dict.fromkeys([name] if is_deployment else sold, AnthropicSdkUpstream(clients[name])))
    return upstreams
