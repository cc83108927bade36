"""What each endpoint does, once it is known who asks.

Promises: a body is read once, by the core; a name that a client gives is looked up in the policy; nobody reads the
record of another's call. Refuses: what a key's scopes and models leave out, before anything is spent. To break it, ask
for the record of another key, and for a model that the key may not name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from turnout.errors import TurnoutError
from turnout.execute import Router
from turnout.ledger import CallRecord
from turnout.server.answering import answer_streamed, answer_whole, unless_gone
from turnout.server.caller import caller_of
from turnout.server.errors import Problem
from turnout.server.http import Request, Sender
from turnout.server.keys import Key
from turnout.server.listing import models_answer
from turnout.server.recent import Recent
from turnout.server.settings import Settings

__all__ = ["DIALECTS", "Endpoint", "Service", "endpoint_for", "trimmed"]

DIALECTS: Final = {
    "/chat/completions": "openai-chat",
    "/responses": "openai-responses",
    "/messages": "anthropic-messages",
    "/messages/count_tokens": "anthropic-messages",
}
"""The dialect of each endpoint that takes a request for a model."""

_COUNT: Final = "/messages/count_tokens"
_MODELS: Final = "/models/"
_DECISIONS: Final = "/decisions/"


@dataclass(slots=True)
class Service:
    """What endpoints share.

    Args:
        router: What decides and makes the calls.
        settings: How the gateway serves.
        recent: The records of the last calls.
        is_ready: Whether more requests should come.
    """

    router: Router
    settings: Settings
    recent: Recent = field(default_factory=Recent)
    is_ready: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint.

    Args:
        method: The only one that it takes.
        answer: What it does.
        is_open: Whether it asks for no key.
    """

    method: str
    answer: Callable[[Service, Request, Key | None, Sender], Awaitable[None]]
    is_open: bool = False


def trimmed(path: str) -> str:
    """Returns a path without `/v1` and a closing slash: clients differ in both."""
    return (path.removeprefix("/v1") or "/").rstrip("/") or "/"


def endpoint_for(path: str) -> Endpoint:
    """Returns the endpoint of a path.

    Args:
        path: As `trimmed` returns it.

    Raises:
        Problem: There is none.
    """
    endpoint = _ENDPOINTS.get(path)
    if endpoint is None and path.startswith(_MODELS):
        endpoint = _MODEL
    elif endpoint is None and path.startswith(_DECISIONS):
        endpoint = _DECISION
    if endpoint is None:
        names = ", ".join(f"`/v1{each}`" for each in (*DIALECTS, "/models"))
        raise Problem(404, "unknown-endpoint", "there is no such endpoint", f"there are {names}")
    return endpoint


async def _call(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    body, meta, dialect = await _asked(service, request, key)
    if b"explain=true" in request.query.split(b"&"):
        decision = await service.router.decide_for_client(body, meta, dialect=dialect)
        _may_ask(key, decision.requested)
        await sender.whole(200, decision.to_json().encode())
        return
    call = await service.router.begin(body, meta, dialect=dialect, vet=lambda name: _may_ask(key, name))

    async def work() -> CallRecord | None:
        if call.decision.asks_stream:
            return await answer_streamed(service.router, call, dialect, sender)
        return await answer_whole(service.router, call, dialect, sender)

    try:
        await unless_gone(request, work)
    except TurnoutError:
        identity = call.id.encode()
        sender.extra = [(b"x-request-id", identity), (b"request-id", identity), (b"x-turnout-decision-id", identity)]
        raise
    finally:
        if call.record is not None:
            service.recent.keep(call.record, None if key is None else key.id)


async def _count(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    body, meta, dialect = await _asked(service, request, key)
    decision = await service.router.decide_for_client(body, meta, dialect=dialect)
    _may_ask(key, decision.requested)
    tokens = decision.input_tokens
    if tokens is None:
        raise Problem(400, "no-eligible-model", f"no candidate of rule `{decision.rule}` may answer this request")
    await sender.whole(200, b'{"input_tokens":%d}' % tokens)


async def _models(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    await sender.whole(200, models_answer(service.router.engine.policy, request, key))


async def _model(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    name = trimmed(request.path).removeprefix(_MODELS)
    await sender.whole(200, models_answer(service.router.engine.policy, request, key, name))


async def _decision(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    identity = trimmed(request.path).removeprefix(_DECISIONS)
    owner = None if key is None or "records" in key.scopes else key.id
    found = service.recent.find(identity, owner)
    if found is None:
        raise Problem(404, "unknown-decision", "no recent call of yours has this id")
    await sender.whole(200, found)


async def _health(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    await sender.whole(200, b'{"status":"ok"}')


async def _ready(service: Service, request: Request, key: Key | None, sender: Sender) -> None:
    if service.is_ready:
        await sender.whole(200, b'{"status":"ready"}')
    else:
        await sender.whole(503, b'{"status":"draining"}')


async def _asked(
    service: Service, request: Request, key: Key | None
) -> tuple[bytes, dict[str, str | int | float | bool | None], str]:
    """Reads the body of a request for a model, what is known of its caller, and its dialect."""
    if key is not None and "call" not in key.scopes:
        raise Problem(403, "key-scope", f"the key `{key.name}` makes no calls: it lacks the scope `call`")
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise Problem(415, "content-type", "the body must be JSON", "send `content-type: application/json`")
    meta = caller_of(request, key)
    body = await request.body(service.settings.max_body)
    return body, meta, DIALECTS[trimmed(request.path)]


def _may_ask(key: Key | None, name: str) -> None:
    if key is not None and key.models and name not in key.models:
        known = ", ".join(f"`{each}`" for each in sorted(key.models))
        raise Problem(403, "key-model", f"the key `{key.name}` may not ask for `{name}`", f"it may ask for {known}")


_MODEL: Final = Endpoint("GET", _model)
_DECISION: Final = Endpoint("GET", _decision)
_ENDPOINTS: Final = {
    **{path: Endpoint("POST", _count if path == _COUNT else _call) for path in DIALECTS},
    "/models": Endpoint("GET", _models),
    "/healthz": Endpoint("GET", _health, is_open=True),
    "/readyz": Endpoint("GET", _ready, is_open=True),
}
