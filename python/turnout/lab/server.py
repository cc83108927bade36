"""The lab itself: providers that do not exist, on a real socket.

Promises: each answer follows from the seed and the request; each fault is what the provider, or the network before
it, would really put on the wire; the counters tell what happened. Refuses: to listen anywhere but on loopback. To
break it, ask the same question twice and compare, or ask for a fault and read the socket.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from turnout.errors import LabError
from turnout.lab.chat_dialect import ChatDialect
from turnout.lab.connection import Connection, Incoming
from turnout.lab.counters import Counters, SeenRequest
from turnout.lab.exchange import Answer, Dialect, PromptCache, Question, Refused, Reply, make_answer
from turnout.lab.faults import FaultPlan, checked_fault
from turnout.lab.messages_dialect import MessagesDialect
from turnout.lab.models import DEFAULT_MODELS, SimulatedModel, model_for
from turnout.lab.responses_dialect import ResponsesDialect
from turnout.lab.scene import Pace, Scene, perform, send_reply
from turnout.lab.table import FAULTS

__all__ = ["Lab", "LabSettings"]

_ROUTES: dict[str, Dialect] = {
    "/v1/messages": MessagesDialect(),
    "/v1/chat/completions": ChatDialect(),
    "/v1/responses": ResponsesDialect(),
}


@dataclass(frozen=True, slots=True)
class LabSettings:
    """How the lab behaves.

    Args:
        host: A loopback address.
        port: 0 picks a free one.
        seed: Another seed, other answers.
        speed: How many times faster than life; `math.inf` never waits.
        faults: Which requests go wrong.
        models: How models behave; the first pattern that fits counts.
        keys: The keys that are accepted; None accepts any, and none.
        retry_after_s: What a 429 tells the client to wait; not divided by `speed`, clients obey it in real time.
        slow_first_token_ms: What the fault `slow` adds; divided by `speed`.
        kept_requests: How many of the last requests `Lab.seen` holds.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    speed: float = 1.0
    faults: FaultPlan = field(default_factory=FaultPlan)
    models: tuple[SimulatedModel, ...] = DEFAULT_MODELS
    keys: frozenset[str] | None = None
    retry_after_s: int = 1
    slow_first_token_ms: float = 10_000.0
    kept_requests: int = 64

    def __post_init__(self) -> None:
        host = "127.0.0.1" if self.host == "localhost" else self.host
        try:
            is_local = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_local = False
        if not is_local:
            raise LabError("lab-setting", f"`{self.host}` is not a loopback address", "use 127.0.0.1 or ::1")
        if not self.speed > 0:
            raise LabError("lab-setting", f"the speed `{self.speed}` is not above 0")
        if not 0 <= self.port <= 65_535:
            raise LabError("lab-setting", f"`{self.port}` is not a port")
        if self.retry_after_s < 0 or self.slow_first_token_ms < 0 or self.kept_requests < 0:
            raise LabError("lab-setting", "a time or a count is negative")


class Lab:
    """Simulated providers on loopback.

    Args:
        settings: How they behave.

    Example:
        async with Lab(LabSettings(speed=20)) as lab:
            client = AsyncAnthropic(base_url=lab.url_for("anthropic"), api_key="any", max_retries=0)
    """

    def __init__(self, settings: LabSettings | None = None) -> None:
        self.settings = settings or LabSettings()
        self.counters = Counters()
        self.seen: deque[SeenRequest] = deque(maxlen=self.settings.kept_requests)
        self._scripts: dict[str, deque[str]] = {}
        self._caches = {dialect.name: PromptCache() for dialect in _ROUTES.values()}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._number = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Starts to listen.

        Raises:
            LabError: `lab-start`, if the address is taken or not there.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self._handle, self.counters, self._connections),
                self.settings.host,
                self.settings.port,
                backlog=1024,
            )
        except OSError as error:
            reason = (error.strerror or "no such address").lower()
            raise LabError(
                "lab-start",
                f"cannot listen on `{self.settings.host}` port {self.settings.port}: {reason}",
                "choose another port, or 0 for a free one",
            ) from error
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stops listening and ends every connection; may be called twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in list(self._connections):
            await connection.close()
        await server.wait_closed()

    @property
    def port(self) -> int:
        """The port that was picked."""
        if self._server is None:
            raise LabError("lab-start", "the lab is not running")
        return self._port

    @property
    def base_url(self) -> str:
        """Such as `http://127.0.0.1:49152`, without a slash at its end."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.port}"

    def url_for(self, dialect: str, fault: str | None = None) -> str:
        """Returns the base URL as the dialect's own SDK wants it.

        Args:
            dialect: `anthropic` (`/v1/messages` follows), `openai` (`/chat/completions` follows) or `responses`
                (`/responses` follows).
            fault: Every request to this URL gets this fault.

        Returns:
            The base URL.

        Raises:
            LabError: `lab-fault`, if there is no such fault; `lab-setting`, if there is no such dialect.
        """
        base = self.base_url if fault is None else f"{self.base_url}/f/{checked_fault(fault)}"
        match dialect:
            case "anthropic":
                return base
            case "openai" | "responses":
                return f"{base}/v1"
            case _:
                raise LabError(
                    "lab-setting", f"the lab does not speak `{dialect}`", "it speaks anthropic, openai and responses"
                )

    def script(self, model: str, faults: Iterable[str]) -> None:
        """Says what happens to the model's next requests, one after the other; later ones go by the plan again.

        Args:
            model: Exactly as requests name it, or `*` for every model without a script of its own.
            faults: Keys of `FAULTS`, `ok` included; replaces an earlier script.

        Raises:
            LabError: `lab-fault`, if there is no such fault.
        """
        self._scripts[model] = deque(checked_fault(fault) for fault in faults)

    def script_key(self, key: str, faults: Iterable[str]) -> None:
        """Says what happens to the next requests that come with a key, whatever their model.

        Args:
            key: As requests send it.
            faults: Keys of `FAULTS`, `ok` included; replaces an earlier script.

        Raises:
            LabError: `lab-fault`, if there is no such fault.
        """
        self.script(f"key:{key}", faults)

    def _fault_for(self, number: int, model: str, key: str, from_path: str | None) -> str:
        if from_path is not None:
            return from_path
        for name in (f"key:{key}", model, "*"):
            if self._scripts.get(name):
                return self._scripts[name].popleft()
        return self.settings.faults.fault_for(number, model)

    async def _handle(self, connection: Connection, request: Incoming) -> None:
        path, fault = urlsplit(request.path).path, None
        if path.startswith("/f/"):
            fault, _, rest = path.removeprefix("/f/").partition("/")
            path = f"/{rest}"
        fault = fault or dict(request.headers).get("x-lab-fault")
        dialect = _ROUTES.get(path)
        if path == "/lab" and request.method == "GET":
            await _plain(connection, 200, self.counters.to_dict())
        elif dialect is None or request.method != "POST":
            await _plain(connection, 404, {"error": "not found", "routes": [f"POST {route}" for route in _ROUTES]})
        elif fault is not None and fault not in FAULTS:
            meanings = {name: each.meaning for name, each in FAULTS.items()}
            await _plain(connection, 404, {"error": f"there is no fault `{fault}`", "faults": meanings})
        else:
            await self._answer(connection, request, dialect, fault)

    async def _answer(self, connection: Connection, request: Incoming, dialect: Dialect, from_path: str | None) -> None:
        started = asyncio.get_running_loop().time()
        self._number += 1
        number = self._number
        request_id = hashlib.blake2b(f"{self.settings.seed}:{number}".encode(), digest_size=12).hexdigest()
        question: Question | None = None
        answer: Answer | None = None
        refused: Refused | None = None
        try:
            question = self._question(dialect, request)
            model = model_for(question.model, self.settings.models)
            answer = make_answer(question, model, self._caches[dialect.name], self.settings.seed)
            longest = answer.usage.input_uncached + answer.usage.cache_read
            longest += answer.usage.cache_write_5m + answer.usage.cache_write_1h
            if longest > model.context_tokens:
                raise Refused("overflow", _overflow_text(dialect, longest, model.context_tokens))
        except Refused as error:
            refused = error
        name = question.model if question else ""
        fault = "refused" if refused else self._fault_for(number, name, _key_of(request), from_path)
        self.counters.note_request(dialect.name, name, fault)
        is_stream = question is not None and question.is_stream
        self.seen.append(
            SeenRequest(number, dialect.name, name, is_stream, fault, request.path, request.headers, request.body)
        )
        if refused is not None or question is None or answer is None:
            kind, text = (refused.fault, refused.message) if refused else ("500", "")
            await send_reply(connection, dialect.error(kind, text, request_id))
            return
        settings = self.settings
        pace = Pace(started, settings.speed, answer.ttft_ms, answer.tokens_per_s)
        scene = Scene(
            dialect,
            question,
            answer,
            request_id,
            int(time.time()),
            settings.retry_after_s,
            settings.slow_first_token_ms,
        )
        await perform(connection, scene, FAULTS[fault].act(scene), pace)

    def _question(self, dialect: Dialect, request: Incoming) -> Question:
        if self.settings.keys is not None and _key_of(request) not in self.settings.keys:
            raise Refused("401", "")
        if request.is_too_large:
            raise Refused("413", "Request exceeds the maximum size")
        return dialect.read(dict(request.headers), request.body)


def _key_of(request: Incoming) -> str:
    headers = dict(request.headers)
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")


def _overflow_text(dialect: Dialect, tokens: int, most: int) -> str:
    if dialect.name == "anthropic":
        return f"prompt is too long: {tokens} tokens > {most} maximum"
    return f"This model's maximum context length is {most} tokens. However, your messages resulted in {tokens} tokens."


async def _plain(connection: Connection, status: int, body: dict[str, object]) -> None:
    await send_reply(connection, Reply(status, (), json.dumps(body).encode()))
