"""Budgets and limits that several gateways share, counted in Redis or Valkey; never the ledger.

Promises: a reservation is made in all scopes or in none, by the server's clock, and once, whatever is repeated after a
lost answer; what a gateway cannot settle is settled at what it held when its lease ends; every operation ends within
its deadline, and while the server does not answer none is even tried but one a second. A server that lost its memory
has another epoch: each gateway adds what its own ledger says before it admits again. What was under way then is not
held any more: beyond a limit may go what all gateways had in flight, and no more.

Refuses: clusters whose keys lie in several slots (all of ours share one), and to admit what it cannot count. To break
it, stop the server in the middle, empty it, ask twice, and add up.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from turnout._core import Claim
from turnout.errors import LedgerError
from turnout.ledger.redis_scripts import CHARGE, RESERVE, SETTLE, SWEEP

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Answer", "RedisCounters", "Shortage", "Spent"]

_log = logging.getLogger("turnout.ledger")

_EDGE_MS: Final = 2_000
"""How far our picture of the server's clock may be off around the end of a window."""
_FAILURES: Final = 5
_CONNECTIONS: Final = 32
"""The server works on one operation at a time: more connections would only wait there, and within the deadline."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A scope without room, as `turnout._core.Denied`."""

    scope: str
    why: str
    retry_after_ms: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a reservation that was asked for.

    Args:
        denied: The scopes without room; empty where it was made.
        would_deny: Scopes that do not hold, and would have refused.
        spent: What windows have spent, by scope, in nano-USD.
        is_repeated: It was there before.
    """

    denied: tuple[Shortage, ...] = ()
    would_deny: tuple[Shortage, ...] = ()
    spent: tuple[tuple[str, int], ...] = ()
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What a scope's window spent, of a gateway's own ledger.

    Args:
        claim: The scope.
        at_ms: When, in milliseconds since 1970.
        usd_nanos: How much.
    """

    claim: Claim
    at_ms: int
    usd_nanos: int


class RedisCounters:
    """The counters of one namespace on one server; shared by the tasks of one event loop.

    Args:
        url: Of the server: `redis://host:6379/0`.
        namespace: Gateways of one namespace share what they count.
        deadline_s: How long one operation may take.
        probe_s: How long a server that does not answer is left alone.
        gateway: A name of this gateway that it keeps over restarts; made up if None.
        shift_ms: Added to the server's clock, for tests.

    Raises:
        LedgerError: `extra-missing`: the extra `redis` is not installed.
    """

    def __init__(
        self,
        url: str,
        namespace: str = "turnout",
        *,
        deadline_s: float = 0.05,
        probe_s: float = 1.0,
        gateway: str | None = None,
        shift_ms: int = 0,
    ) -> None:
        try:
            from redis.asyncio import Redis as Client
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ModuleNotFoundError:
            raise LedgerError(
                "extra-missing", "counters in Redis need the extra `redis`", "pip install 'turnout[redis]'"
            ) from None
        self.shift_ms = shift_ms
        self.gateway = gateway or uuid.uuid4().hex
        self._deadline_s = deadline_s
        self._probe_s = probe_s
        self._tag = f"{{{namespace}}}:"
        self._client: Redis = Client.from_url(
            url, socket_connect_timeout=deadline_s, socket_timeout=deadline_s, retry=Retry(NoBackoff(), 0)
        )
        self._reserve, self._settle, self._sweep, self._charge = (
            self._client.register_script(text) for text in (RESERVE, SETTLE, SWEEP, CHARGE)
        )
        self._epoch = ""
        self._skew_ms = 0
        self._failures = 0
        self._closed_until_s = 0.0
        self._own: tuple[Spent, ...] = ()
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        self._joining = asyncio.Lock()

    def recall(self, own: Iterable[Spent]) -> None:
        """Says what this gateway's ledger knows; added once to every epoch.

        Args:
            own: What was spent in windows that may still run.
        """
        self._own = tuple(own)

    async def reserve(
        self, name: str, claims: Sequence[Claim], reserved: tuple[int, int, int], lease_ms: int
    ) -> Answer:
        """Reserves in all scopes or in none.

        Args:
            name: Of the reservation; the same again takes nothing.
            claims: The scopes.
            reserved: Nano-USD, input tokens and output tokens at most.
            lease_ms: When it counts as lost.

        Raises:
            LedgerError: `counters-unreachable`.
        """
        for _ in range(3):
            rows = [self._row(claim, reserved) for claim in claims]
            keys = [self._key("epoch"), self._key("leases"), self._key(f"r:{name}")]
            keys += [self._key(f"s:{claim.scope}") for claim in claims]
            epoch = self._epoch
            arguments: list[str | int] = [epoch, self.shift_ms, lease_ms, json.dumps(rows), name]
            found = json.loads(await self._within(self._reserve(keys=keys, args=arguments)))
            self._skew_ms = int(found["now"]) - _now_ms()
            if found.get("err") == "epoch":
                async with self._joining:
                    if self._epoch == epoch:
                        await self._join()
            elif "err" not in found:
                return Answer(
                    tuple(_shortage(row) for row in found.get("denied", ())),
                    tuple(_shortage(row) for row in found.get("would", ())),
                    tuple((scope, int(nanos)) for scope, nanos in found.get("spent", ())),
                    bool(found.get("again")),
                )
        raise LedgerError("counters-unreachable", "the counters' server does not keep still", "look at its clock")

    async def settle(self, name: str, usd_nanos: int, input_tokens: int, output_tokens: int) -> bool:
        """Ends a reservation at what was used; whether there was one.

        Raises:
            LedgerError: `counters-unreachable`; asked again, it is settled once.
        """
        used = {
            "usd_nanos": str(usd_nanos),
            "input_tokens": str(input_tokens),
            "output_tokens": str(output_tokens),
            "tokens": str(input_tokens + output_tokens),
        }
        return await self._close(name, used)

    async def release(self, name: str) -> bool:
        """Ends a reservation of which nothing was sent; as `settle`."""
        used = dict.fromkeys(("usd_nanos", "input_tokens", "output_tokens", "tokens"), "0")
        return await self._close(name, {**used, "released": True})

    async def sweep(self) -> list[str]:
        """Ends reservations whose lease is over, each at what it held; returns their names.

        Raises:
            LedgerError: `counters-unreachable`.
        """
        lost = await self._within(self._sweep(keys=[self._key("leases")], args=[self.shift_ms, self._key("r:")]))
        return [name.decode() for name in lost]

    async def standing(self, claim: Claim) -> tuple[int, int]:
        """What a window's scope has spent and holds, in nano-USD, as it was last written.

        Raises:
            LedgerError: `counters-unreachable`.
        """
        found = await self._within(self._client.hgetall(self._key(f"s:{claim.scope}")))
        fields = {key.decode(): int(float(value)) for key, value in found.items()}
        window = claim.window(_now_ms() + self._skew_ms)
        if window is None or (claim.reach == 0 and fields.get("newest", 0) != window[0]):
            return 0, 0
        spent = fields.get("spent", 0)
        if claim.reach:
            oldest = max(window[0], fields.get("newest", 0)) - claim.reach
            spent = sum(value for key, value in fields.items() if key[0] == "b" and int(key[1:]) >= oldest)
        return spent, fields.get("held", 0)

    async def aclose(self) -> None:
        """Closes the connections; may be called twice."""
        await self._client.aclose()

    async def _close(self, name: str, used: Mapping[str, object]) -> bool:
        keys = [self._key("leases"), self._key(f"r:{name}")]
        return bool(await self._within(self._settle(keys=keys, args=[self.shift_ms, name, json.dumps(used)])))

    async def _join(self) -> None:
        """Takes the server's epoch, or makes one, and adds what this gateway spent before it."""
        await self._within(self._client.set(self._key("epoch"), uuid.uuid4().hex, nx=True))
        epoch = (await self._within(self._client.get(self._key("epoch"))) or b"").decode()
        sums: dict[tuple[str, int], tuple[Claim, int, int]] = {}
        at_ms = _now_ms() + self._skew_ms
        for each in self._own:
            then, now = each.claim.window(each.at_ms), each.claim.window(at_ms)
            if then is not None and now is not None and then[0] >= now[0] - each.claim.reach:
                claim, newest, nanos = sums.get((each.claim.scope, then[0]), (each.claim, now[0], 0))
                sums[each.claim.scope, then[0]] = claim, newest, nanos + each.usd_nanos
        keys = [self._key(f"joined:{epoch}"), *(self._key(f"s:{scope}") for scope, _ in sums)]
        rows = [
            json.dumps({"a": str(nanos), "id": number, "newest": newest, "r": claim.reach, "ttl": _LONGEST_MS})
            for (_, number), (claim, newest, nanos) in sums.items()
        ]
        await self._within(self._charge(keys=keys, args=[self.gateway, *rows]))
        if self._epoch:
            _log.warning("the counters' server began anew: added what the ledger says to epoch %s", epoch)
        self._epoch = epoch

    async def _within(self, work: Awaitable[Any]) -> Any:  # noqa: ANN401  # what a server says is anything
        try:
            async with self._slots:
                if time.monotonic() < self._closed_until_s:
                    raise _unreachable()
                if self._failures >= _FAILURES:
                    # One probe; meanwhile nobody else waits.
                    self._closed_until_s = time.monotonic() + self._probe_s
                async with asyncio.timeout(self._deadline_s):
                    found = await work
        except LedgerError:
            if asyncio.iscoroutine(work):
                work.close()
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._failures += 1
            if self._failures == _FAILURES:
                _log.error("the counters' server does not answer: %s", type(error).__name__)
                self._closed_until_s = time.monotonic() + self._probe_s
            raise _unreachable() from error
        self._failures, self._closed_until_s = 0, 0.0
        return found

    def _key(self, name: str) -> str:
        return self._tag + name

    def _row(self, claim: Claim, reserved: tuple[int, int, int]) -> dict[str, object]:
        usd_nanos, input_tokens, output_tokens = reserved
        amount = {
            "usd_nanos": usd_nanos,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "tokens": input_tokens + output_tokens,
            "requests": 1,
        }[claim.unit]
        row: dict[str, object] = {
            "s": claim.scope,
            "m": claim.measure[0],
            "a": str(min(amount, _MOST)),
            "l": str(claim.limit),
            "u": claim.unit,
            "e": int(claim.is_enforced),
            "r": claim.reach,
        }
        at_ms = _now_ms() + self._skew_ms
        first, second = claim.window(at_ms - _EDGE_MS), claim.window(at_ms + _EDGE_MS)
        if first is not None and second is not None:
            row |= {"w": [first, second], "t": str(_LONGEST_MS)}
        if claim.refill_ms is not None:
            row["f"] = str(claim.refill_ms)
        return row


_MOST: Final = 2**53 - 1
"""What is beyond it is more than any limit."""
_LONGEST_MS: Final = 100 * 86_400_000


def _shortage(row: Sequence[Any]) -> Shortage:
    scope, why, wait = row
    return Shortage(scope, why, None if wait < 0 else int(wait))


def _unreachable() -> LedgerError:
    return LedgerError(
        "counters-unreachable",
        "the counters' server does not answer, and nothing that counts may be admitted",
        "calls without budgets are served; this ends by itself when the server is back",
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
